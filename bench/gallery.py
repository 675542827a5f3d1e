"""What does the list of a gallery take: `GET /tasks` of 50 tasks with files, whose 100 URLs are signed?  `make bench`

The real handler in this process, warm, with credentials as long as Lambda's. DynamoDB's replies come out of memory
where bytes would be sent: moto made them once, requests are still made and signed, replies checked and parsed.
Processor time of all threads; the median of the rounds, with the middle half in brackets. docs/cost.md quotes it.
"""

import gc
import json
import statistics
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from io import StringIO
from itertools import count
from typing import Any, Final
from unittest import mock

from atelier import wiring
from atelier.store.dynamodb import replies
from atelier.store.dynamodb.connections import Connections, Reply
from bench.emulated import logs_into
from bench.samples import image
from testbed.harness import Harness, harness
from testbed.lambda_events import http_event

TASKS: Final = 50
ROUNDS: Final = 30
TIMES: Final = 20
TOKEN: Final = "t" * 1000
NO_HEADERS: Final[Mapping[str, str]] = {}


Edit = Callable[[bytes], bytes]


def from_memory(edit: Edit) -> Callable[[Connections, Mapping[str, str], bytes], Any]:
    """What sends a request once, and afterwards has the same reply for it, edited."""
    kept: dict[tuple[str, bytes], Reply] = {}
    send: Callable[..., Any] = Connections.send

    def sent(connections: Connections, headers: Mapping[str, str], body: bytes) -> Any:
        asked = headers["x-amz-target"], body
        if asked not in kept:
            kept[asked] = send(connections, headers, body).receive()
        return Kept(kept[asked], edit)

    return sent


@dataclass(frozen=True)
class Kept:
    """A reply out of memory."""

    reply: Reply
    edit: Edit

    def receive(self) -> Reply:
        """The reply."""
        status, headers, kept = self.reply
        body = self.edit(kept)
        if body is kept:
            return Reply(status, headers, bytes(bytearray(body)))  # another object, as it is from the network
        return Reply(status, {**headers, "x-amz-crc32": str(zlib.crc32(body))}, body)

    def drop(self) -> None:
        """Nothing is in flight."""


def measured(
    made: Harness, headers: Mapping[str, str] = NO_HEADERS, before: Callable[[], object] = int, edit: Edit = bytes
) -> str:
    """The milliseconds of a list; `before` is called before each."""
    event = http_event("GET", "/api/v3/tasks", None, headers={**headers}, query={"page_size": TASKS})
    took = []
    with mock.patch.object(Connections, "send", from_memory(edit)):
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


def one_task_changes() -> Edit:
    """What gives one task of each page another seed, each time."""
    numbers = count(1)
    return lambda content: content.replace(b'"seed": {"N": "', b'"seed": {"N": "%d' % next(numbers), 1)


def main() -> None:
    """Print the table."""
    with ExitStack() as stack:
        stack.enter_context(logs_into(StringIO()))
        stack.enter_context(mock.patch.dict("os.environ", AWS_SESSION_TOKEN=TOKEN))
        made = stack.enter_context(harness())
        for _ in range(TASKS):
            made.call("POST", "/generate/image", image())
        texts = made.module("tasks")._texts.cache_clear  # noqa: SLF001 - no caller needs it
        signed = wiring._media_urls()._signed.cache_clear  # noqa: SLF001 - no caller needs it
        pages = replies._parse_page.cache_clear  # noqa: SLF001 - no caller needs it
        rows = {"while they wait, without files, again": measured(made)}
        made.settle()
        listed = json.loads(made.call("GET", "/tasks", query={"page_size": TASKS}).text)
        urls = sum(bool(output[name]) for each in listed["items"] for output in each["outputs"] for name in URLS)
        assert urls == 2 * TASKS, urls  # noqa: S101 - else it is about something else
        size = f"{urls} URLs, {len(json.dumps(listed)) // 1000} KB"
        rows[f"with files: {size}, for the first time in a process"] = measured(
            made, before=lambda: (texts(), signed(), pages())
        )
        rows["with files, for the first time in a window"] = measured(made, before=lambda: (texts(), signed()))
        rows["with files, one of which has changed"] = measured(made, edit=one_task_changes())
        rows["with files, again"] = measured(made)
        rows["the same, compressed"] = measured(made, {"accept-encoding": "gzip"})
    print(f"| GET /tasks, {TASKS} of them | CPU ms |\n| --- | --- |")
    print("\n".join(f"| {name} | {took} |" for name, took in rows.items()))


URLS: Final = ("url", "thumbnail_url")


if __name__ == "__main__":
    main()
