"""Is it right under load, and does it stay as small?  `make load MINUTES=10`

Mixed traffic of parallel processes on the local run, which this starts: sessions that create, read, list, change,
delete and generate, each holding every answer against what it knows. Prints and writes docs/load.md: requests by kind
with errors and latencies, the memory of every process, and what was found when all was over.

It is good, and exits with 0, if there was no error of any request, no growth of our processes, nothing left over in
table, bucket and queues, and nothing found by a recount. Whatever it starts it also stops, however it ends.

The latencies are the emulator's on this machine. They tell whether something gets stuck or slower than its like, not
what AWS takes.
"""

import argparse
import signal
import sys
import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from bench.load import afterwards, report
from bench.load.calls import Record
from bench.load.day import Day, work
from bench.load.memory import Memory
from bench.load.people import Book
from bench.load.receiver import receiver
from local.issuer import issuer
from local.stack import PROJECT, Stack, start

PEOPLE: Final = 8
AGENCIES: Final = 4
PAUSE: Final = 0.08
"""Seconds. Chosen so that two cores are busy for about half of the time: what waits for its turn says nothing of us."""
LEAST_MINUTES: Final = 2
WARM_UP_SECONDS: Final = 60.0
SAMPLE_SECONDS: Final = 10.0
LAST_SESSION_SECONDS: Final = 300.0

Result = tuple[Record, Book]


def main() -> int:
    """Measure, and write it down."""
    options = _options()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    day = Day(options.minutes * 60, WARM_UP_SECONDS, PAUSE)
    with issuer() as ours, receiver() as called, start(issuer=ours) as stack:
        tokens = [
            (ours.token(f"agency-{number % AGENCIES}", "admin"), ours.token(f"guest-{number}", "editor"))
            for number in range(PEOPLE)
        ]
        memory, results = _a_day(stack, tokens, day, called)
        measured = _measured(stack, options.minutes, memory, results)
    text = report.page(measured)
    options.output.write_text(text, encoding="utf-8")
    print(text)
    return 0 if measured.is_good else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.load")
    parser.add_argument("--minutes", type=float, default=10, help="at least 2: the first is for warming up")
    parser.add_argument("--output", type=Path, default=PROJECT / "docs/load.md")
    options = parser.parse_args()
    if options.minutes < LEAST_MINUTES:
        parser.error(f"--minutes: at least {LEAST_MINUTES}")
    return options


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    """Out through every context, and once only: the way out must not be interrupted."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.exit("Stopped.")


def _a_day(stack: Stack, tokens: Sequence[tuple[str, str]], day: Day, called: str) -> tuple[Memory, list[Result]]:
    """Run all users and measure memory meanwhile; all have ended afterwards."""
    # A Ctrl-C is for us; we end them.
    quietly = (signal.SIGINT, signal.SIG_IGN)
    with get_context("spawn").Pool(len(tokens), signal.signal, quietly) as pool:
        given = [(stack.url, each, number, day) for number, each in enumerate(tokens)]
        asked = [pool.apply_async(work, each, {"receiver": called}) for each in given]
        memory = _watched(stack, day)
        end = time.monotonic() + LAST_SESSION_SECONDS
        return memory, [each.get(end - time.monotonic()) for each in asked]


def _watched(stack: Stack, day: Day) -> Memory:
    """Samples of all of the measured time."""
    memory = Memory(stack.emulator)
    end = time.monotonic() + day.seconds
    time.sleep(day.warm_up)
    while time.monotonic() < end:
        stack.emulator.check()
        memory.sample()
        time.sleep(SAMPLE_SECONDS)
    return memory


def _measured(stack: Stack, minutes: float, memory: Memory, results: list[Result]) -> report.Measured:
    record, book = Record(), Book()
    for of_person, known in results:
        record.add(of_person)
        book.add(known)
    began = time.monotonic()
    unfinished = afterwards.settled(stack)
    settled_after = time.monotonic() - began
    return report.Measured(
        minutes=minutes,
        warm_up=WARM_UP_SECONDS,
        people=PEOPLE,
        agencies=AGENCIES,
        pause=PAUSE,
        busy=memory.busy(),
        record=record,
        trends=memory.trends(),
        settled_after=settled_after,
        violations=[
            *unfinished,
            *afterwards.verified(stack),
            # After an error, nobody knows what has to be there.
            *([] if record.failed() else afterwards.compared(stack, book)),
            *afterwards.dead_letters(stack),
            *afterwards.failed(stack),
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
