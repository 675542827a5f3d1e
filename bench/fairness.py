"""One account floods: how much longer does another one wait?  `make bench`; it rewrites the tables of docs/fairness.md.

    PYTHONPATH=layers/common:layers/sandbox:. .venv/bin/python bench/fairness.py

A simulation in virtual time of one queue and its workers. Accounts take turns by the very code of the local run
(local/fair_queues.py), or the oldest message goes first, as in a queue without groups. How long a step and an attempt
take is given here, not measured. What SQS itself does was not run.
"""

import heapq
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Final
from unittest import mock

from local import fair_queues

DOCUMENT: Final = Path(__file__).parent.parent / "docs/fairness.md"
STEP: Final = 0.2
"""Seconds of a worker for each step of a task, and for a webhook that is answered."""
STEPS: Final = 4
PUT_BACK: Final = 0.05
"""Seconds of a worker for a delivery that finds no slot."""
VISIBILITY: Final = 360
QUIET: Final = 20
"""Tasks, or webhooks, of the quiet account: one every three seconds."""

Message = dict[str, Any]


def oldest_first(queue: Mapping[str, Any], most: int, visibility: int) -> list[Message]:
    """The first visible messages, as the emulator and a queue without groups give them."""
    now = time.time()
    taken: list[Message] = [each for each in queue["messages"] if each["visible_at"] <= now][:most]
    for message in taken:
        message.update(receive_count=1, visible_at=now + visibility)
    return taken


@dataclass
class Simulation:
    """A queue, its workers, and how long each account's work took. `act` is what a worker does with a message."""

    workers: int
    is_fair: bool
    now: float = 0.0
    took: dict[str, list[float]] = field(default_factory=dict)
    _queue: dict[str, Any] = field(default_factory=lambda: {"url": "queue", "is_fifo": False, "messages": []})
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _number: Iterator[int] = field(default_factory=count)

    def at(self, moment: float, act: Callable[[], None]) -> None:
        """Have this happen at that moment."""
        heapq.heappush(self._events, (moment, next(self._number), act))

    def send(self, account: str, delay: float = 0.0, **about: Any) -> None:
        """Put a message into the queue."""
        id_, due = str(next(self._number)), self.now + delay
        message = {"id": id_, "group_id": account, "visible_at": due, "receive_count": 0}
        self._queue["messages"].append(message | about)
        self.at(due, lambda: None)

    def run(self, act: Callable[["Simulation", Message], float], *, until: float) -> None:
        """Work until then. `act` gives the seconds that a message takes."""
        receive = fair_queues.fairly(oldest_first) if self.is_fair else oldest_first
        idle = self.workers
        with mock.patch.object(time, "time", side_effect=lambda: self.now):
            while self._events and self._events[0][0] <= until:
                self.now, _, happen = heapq.heappop(self._events)
                happen()
                idle += self._freed
                self._freed = 0
                while idle and (taken := receive(self._queue, 1, VISIBILITY)):
                    idle -= 1
                    self.at(self.now + act(self, taken[0]), self._done(taken[0]))

    _freed: int = 0

    def _done(self, message: Message) -> Callable[[], None]:
        def done() -> None:
            self._queue["messages"].remove(message)
            self._freed += 1
            if after := message.get("after"):
                after()

        return done

    def finished(self, account: str, began: float) -> None:
        """A piece of work of the account has ended."""
        self.took.setdefault(account, []).append(self.now - began)


def task(it: Simulation, account: str, began: float, step: int = 0) -> None:
    """A step of a task; the next one follows a second after it."""

    def after() -> None:
        if step + 1 < STEPS:
            task(it, account, began, step + 1)
        else:
            it.finished(account, began)

    it.send(account, delay=1.0 if step else 0.0, seconds=STEP, after=after)


def tasks(*, workers: int, is_fair: bool, flood: int) -> list[float]:
    """Seconds that each task of the quiet account took, while the other creates `flood` of them in four seconds."""
    it = Simulation(workers, is_fair)
    for number in range(flood):
        moment = 4 * number / flood
        it.at(moment, lambda moment=moment: task(it, "noisy", moment))  # type: ignore[misc]
    for number in range(QUIET):
        it.at(4.0 + 3 * number, lambda moment=4.0 + 3 * number: task(it, "quiet", moment))  # type: ignore[misc]
    it.run(lambda _, message: float(message["seconds"]), until=2000)
    return it.took["quiet"]


def webhooks(*, workers: int, is_fair: bool, flood: int, answer: float, share: int | None) -> list[float]:
    """Seconds until each webhook of the quiet account was delivered, while `flood` of the other hang."""
    it, running = Simulation(workers, is_fair), {"noisy": 0, "quiet": 0}

    def deliver(account: str, began: float, delay: float = 0.0) -> None:
        it.send(account, delay=delay, began=began)

    def act(_: Simulation, message: Message) -> float:
        account, began = message["group_id"], message["began"]
        if share is not None and running[account] >= share:
            message["after"] = lambda: deliver(account, began, 1.5)
            return PUT_BACK
        running[account] += 1

        def after() -> None:
            running[account] -= 1
            it.finished(account, began)

        message["after"] = after
        return answer if account == "noisy" else STEP

    for _ in range(flood):
        it.at(0.0, lambda: deliver("noisy", 0.0))
    for number in range(QUIET):
        it.at(3.0 + 3 * number, lambda moment=3.0 + 3 * number: deliver("quiet", moment))  # type: ignore[misc]
    it.run(act, until=5000)
    return it.took["quiet"]


def _row(name: str, alone: list[float], took: list[float]) -> str:
    times = statistics.median(took) / statistics.median(alone)
    worst = max(took) / statistics.median(alone)
    return f"| {name} | {statistics.median(took):.2f} | {max(took):.2f} | {times:.1f} | {worst:.1f} |"


HEAD: Final = "| | median s | longest s | median, times alone | longest, times alone |\n| --- | --- | --- | --- | --- |"


def tables() -> str:
    """The document's tables."""
    lines = ["**400 tasks in four seconds**, each of four steps of 0.2 s of a worker, a second apart:", "", HEAD]
    for workers in (2, 20):
        alone = tasks(workers=workers, is_fair=True, flood=0)
        lines.append(_row(f"{workers} workers, alone", alone, alone))
        for name, is_fair in (("oldest first", False), ("accounts take turns", True)):
            lines.append(_row(f"{workers} workers, {name}", alone, tasks(workers=workers, is_fair=is_fair, flood=400)))
    lines += ["", "**120 webhooks to as many hosts that hang**, so that no circuit breaker opens:", "", HEAD]
    for workers in (2, 20):
        alone = webhooks(workers=workers, is_fair=True, flood=0, answer=5.0, share=None)
        lines.append(_row(f"{workers} workers, alone", alone, alone))
        ways = (
            ("oldest first, 10 s for an answer", False, 10.0, None),
            ("accounts take turns, 5 s", True, 5.0, None),
            ("accounts take turns, 5 s, half of the attempts", True, 5.0, workers // 2),
        )
        for name, is_fair, answer, share in ways:
            took = webhooks(workers=workers, is_fair=is_fair, flood=120, answer=answer, share=share)
            lines.append(_row(f"{workers} workers, {name}", alone, took))
    return "\n".join(lines)


def main() -> None:
    """See the module."""
    before, begin, rest = DOCUMENT.read_text().partition("<!-- begin -->\n")
    _, end, after = rest.partition("<!-- end -->")
    text = tables()
    DOCUMENT.write_text(f"{before}{begin}\n{text}\n\n{end}{after}")
    print(text)


if __name__ == "__main__":
    main()
