"""An import of 10,000 rows in the local run, whose worker is killed ten times: is each row there once?

    PYTHONPATH=layers/common:layers/sandbox:. .venv/bin/python -m bench.import_kills

Starts a local run of its own, in which each function is a process. While rows are carried out, the process that does
it gets SIGKILL; the run's own record of invocations says that one ended without an answer, and only then it counts.
The queue brings the message again by itself: after six minutes by the template, after ten seconds here. Between
the rows are some that cannot be imported. The numbers are in docs/imports.md.
"""

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.request import Request, urlopen

from local import logs
from local.emulator import Emulator
from local.errors import LocalError
from local.forking import function_processes
from local.stack import Stack, start

ROWS: Final = 10_000
BAD_EVERY: Final = 200
"""Behind as many rows comes one without a name."""
KILLS: Final = 10
VISIBILITY: Final = 10
"""Seconds after which a message that nobody has dealt with comes again."""
PATIENCE: Final = 600.0
"""Seconds for everything, once the file is there."""
PAUSE: Final = 0.02
_WORKER: Final = "ImportWorkerFunction"
_PAGE: Final = 100

Json = dict[str, Any]


class NotOnce(LocalError):
    """Rows are missing or there twice, or the import did not end."""


@dataclass
class File:
    """The file: its text, the names in it, and the lines of the rows that cannot be imported."""

    names: list[str] = field(default_factory=list)
    bad: list[int] = field(default_factory=list)
    text: str = "name;description\r\n"

    def __post_init__(self) -> None:
        line = 2
        for number in range(ROWS):
            if number % BAD_EVERY == BAD_EVERY - 1:
                self.bad.append(line)
                self.text, line = f"{self.text};nobody\r\n", line + 1
            self.names.append(f"Client {number}, Ärzte & Söhne")
            # In two lines, as spreadsheets write a line break within a cell.
            self.text, line = f'{self.text}{self.names[-1]};"the first line\nof {number}"\r\n', line + 2


@dataclass
class Run:
    """One import in a local run."""

    stack: Stack
    file: File

    @cached_property
    def id(self) -> str:
        """The import, which is started when it is asked for first."""
        self._shorten_visibility()
        content = self.file.text.encode("utf-16")
        made = self.ask("POST", "/imports", {"type": "clients", "format": "csv", "size": len(content)})
        upload = made["upload"]
        _answer(upload["url"], upload["method"], content, upload["headers"])
        self.ask("POST", f"/imports/{made['id']}/start")
        return str(made["id"])

    def _shorten_visibility(self) -> None:
        sqs = self.stack.client("sqs")
        (queue,) = (url for url in sqs.list_queues()["QueueUrls"] if "ImportQueue" in url)
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": str(VISIBILITY)})

    def ask(self, method: str, path: str, body: Any = None) -> Json:
        """An answer of the API."""
        url = f"{self.stack.url}/api/v3{path}"
        found: Json = _answer(url, method, json.dumps(body).encode() if body else None)
        return found

    def now(self) -> Json:
        """The import as it is."""
        return self.ask("GET", f"/imports/{self.id}")

    def died(self) -> int:
        """How many invocations of the worker have ended without an answer."""
        invocations, _ = logs.read_on(self.stack.invocations, start=0)
        return sum(_WORKER in each["function"] and each["error"] is not None for each in invocations)

    def kill(self) -> int:
        """Kill the processes of the worker that there are; how many invocations died of it."""
        before, victims = self.died(), _processes_of(_WORKER, self.stack.emulator)
        for victim in victims:
            os.kill(victim, signal.SIGKILL)
        end = time.monotonic() + 1
        while victims and self.died() == before and time.monotonic() < end:
            time.sleep(PAUSE)
        return self.died() - before

    def clients(self) -> tuple[list[str], int]:
        """The names of all clients that there are, and how many are counted."""
        found: list[str] = []
        query = f"page_size={_PAGE}"
        while True:
            page = self.ask("GET", f"/clients?{query}")
            found += [each["name"] for each in page["items"]]
            if not page["has_more"]:
                return found, int(page["total"])
            query = f"page_size={_PAGE}&cursor={page['next_cursor']}"

    def failed_lines(self) -> Iterator[int]:
        """The lines of the rows that are reported as failed."""
        after: int | None = 0
        while after is not None:
            page = self.ask("GET", f"/imports/{self.id}/failures?after={after}")
            yield from (each["line"] for each in page["failures"])
            after = page["next_after"]


def _answer(url: str, method: str, body: bytes | None, headers: Mapping[str, str] | None = None) -> Any:
    asked = Request(url, body, dict(headers or {"content-type": "application/json"}), method=method)  # noqa: S310
    with urlopen(asked) as answer:  # noqa: S310 - the local run's
        content = answer.read()
    return json.loads(content) if content else None


def _processes_of(function: str, of: Emulator) -> list[int]:
    """The processes in which a function of this run is carried out, and of no other run."""
    return [pid for pid, name in function_processes(of.home).items() if function in name and _is_of(pid, of)]


def _is_of(pid: int, emulator: Emulator) -> bool:
    try:
        return os.getpgid(pid) == emulator.process.pid
    except ProcessLookupError:
        return False


def carried_out(run: Run) -> tuple[list[int], float]:
    """Kill the worker until it was killed often enough, spread over the rows.

    How many rows were carried out at each kill, and how many seconds it all took.
    """
    chance = random.Random(17)  # noqa: S311 - so that it can be repeated
    due = sorted(chance.randrange(ROWS // 20, ROWS * 9 // 10) for _ in range(KILLS))
    killed_at: list[int] = []
    began = time.monotonic()
    while (found := run.now())["status"] in ("pending", "processing"):
        if len(killed_at) < KILLS and _looked_at(found) >= due[len(killed_at)]:
            time.sleep(chance.random() / 10)
            if run.kill():
                killed_at.append(_looked_at(run.now()))
                print(f"killed at row {killed_at[-1]:,}", flush=True)
        if time.monotonic() - began > PATIENCE:
            raise NotOnce(f"after {PATIENCE} seconds: {found}")
        time.sleep(PAUSE)
    return killed_at, time.monotonic() - began


def _looked_at(found: Json) -> int:
    return int(found["rows_succeeded"] + found["rows_failed"])


def main() -> None:
    """Print what it took, and fail unless each row is there once."""
    file = File()
    with start() as stack:
        run = Run(stack, file)
        killed_at, seconds = carried_out(run)
        found, (names, counted), lines = run.now(), run.clients(), list(run.failed_lines())
        _demand(len(killed_at) == KILLS, f"the worker was killed {len(killed_at)} times")
        succeeded = (found["status"], found["rows"], found["rows_succeeded"], found["rows_failed"])
        _demand(succeeded == ("succeeded", ROWS + len(file.bad), ROWS, len(file.bad)), f"{found}")
        unlike = Counter(names) - Counter(file.names) | Counter(file.names) - Counter(names)
        _demand(not unlike and counted == ROWS, f"{counted} are counted; of wrong number: {unlike.most_common(5)}")
        _demand(lines == file.bad, f"lines {lines} are reported, and not {file.bad}")
    rows = {
        "rows in the file": f"{ROWS + len(file.bad):,}",
        "kills in the middle of a turn": KILLS,
        "rows carried out by then": ", ".join(f"{row:,}" for row in killed_at),
        "seconds, with the waits for messages to come again": f"{seconds:.0f}",
        "clients listed, each name once": f"{len(names):,}",
        "clients counted": f"{counted:,}",
        "failed rows, reported by their lines": len(lines),
    }
    print("| | |\n| --- | --- |\n" + "\n".join(f"| {name} | {value} |" for name, value in rows.items()))


def _demand(holds: bool, what: str) -> None:
    if not holds:
        raise NotOnce(what)


if __name__ == "__main__":
    try:
        main()
    except LocalError as failed:
        sys.exit(f"error: {failed}")
