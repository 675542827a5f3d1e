"""What does the list of a gallery take: `GET /tasks` of 50 tasks with files, whose 100 URLs are signed?  `make bench`

The real handler in this process, warm, with credentials as long as Lambda's. DynamoDB's replies come out of memory
where bytes would be sent: moto made them once, requests are still made and signed, replies checked and parsed.
Processor time of all threads; the median of the rounds, with the middle half in brackets. docs/cost.md quotes it.
"""

import gc
import json
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from io import StringIO
from typing import Any, Final
from unittest import mock

from atelier import wiring
from atelier.store.dynamodb.connections import Connections
from bench.emulated import logs_into
from bench.samples import image
from testbed.harness import Harness, harness
from testbed.lambda_events import http_event

TASKS: Final = 50
ROUNDS: Final = 30
TIMES: Final = 20
TOKEN: Final = "t" * 1000
NO_HEADERS: Final[Mapping[str, str]] = {}


def from_memory() -> Callable[[Connections, Mapping[str, str], bytes], Any]:
    """What sends a request once, and afterwards has the same reply for it."""
    replies: dict[tuple[str, bytes], Any] = {}
    send: Callable[..., Any] = Connections.send

    def sent(connections: Connections, headers: Mapping[str, str], body: bytes) -> Any:
        asked = headers["x-amz-target"], body
        if asked not in replies:
            replies[asked] = send(connections, headers, body)
        return replies[asked]

    return sent


def measured(made: Harness, headers: Mapping[str, str] = NO_HEADERS, before: Callable[[], object] = int) -> str:
    """The milliseconds of a list; `before` is called before each."""
    event = http_event("GET", "/api/v3/tasks", None, headers={**headers}, query={"page_size": TASKS})
    took = []
    with mock.patch.object(Connections, "send", from_memory()):
        first = made.invoke("tasks", {**event})
        assert first["statusCode"] == 200, first  # noqa: S101, PLR2004 - a refused request takes something else
        for _ in range(ROUNDS):
            gc.collect()
            began = time.process_time()
            for _ in range(TIMES):
                before()
                made.invoke("tasks", {**event})
            took.append((time.process_time() - began) / TIMES * 1000)
    low, middle, high = statistics.quantiles(took, n=4, method="inclusive")
    return f"{middle:.2f} ({low:.2f}–{high:.2f})"


def new_window() -> None:
    """Forget the URLs that were signed."""
    wiring._media_urls()._signed.cache_clear()  # noqa: SLF001 - no caller needs it


def main() -> None:
    """Print the table."""
    with ExitStack() as stack:
        stack.enter_context(logs_into(StringIO()))
        stack.enter_context(mock.patch.dict("os.environ", AWS_SESSION_TOKEN=TOKEN))
        made = stack.enter_context(harness())
        for _ in range(TASKS):
            made.call("POST", "/generate/image", image())
        rows = {"while they wait, without files": measured(made)}
        made.settle()
        listed = json.loads(made.call("GET", "/tasks", query={"page_size": TASKS}).text)
        urls = sum(bool(output[name]) for each in listed["items"] for output in each["outputs"] for name in URLS)
        assert urls == 2 * TASKS, urls  # noqa: S101 - else it is about something else
        size = f"{urls} URLs, {len(json.dumps(listed)) // 1000} KB"
        rows[f"with files: {size}, for the first time in a window"] = measured(made, before=new_window)
        rows["with files, again"] = measured(made)
        rows["the same, compressed"] = measured(made, {"accept-encoding": "gzip"})
    print(f"| GET /tasks, {TASKS} of them | CPU ms |\n| --- | --- |")
    print("\n".join(f"| {name} | {took} |" for name, took in rows.items()))


URLS: Final = ("url", "thumbnail_url")


if __name__ == "__main__":
    main()
