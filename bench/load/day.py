"""A user's day: sessions until it is over."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from random import Random

from bench.load.calls import MOST_ERRORS, Calls, Period, Record, Wrong
from bench.load.people import Book
from bench.load.producer import Producer


@dataclass(frozen=True, slots=True)
class Day:
    """How long people work, how much of that is not measured, and their mean pause between requests."""

    seconds: float
    warm_up: float
    pause: float


def work(url: str, tokens: tuple[str, str], number: int, day: Day, *, receiver: str) -> tuple[Record, Book]:
    """A person's day, and the session that has begun by its end. Each number makes its own choices, always the same.

    The second token is that of the guest with whom this person shares.
    """
    now = time.monotonic()
    measured = Period(now + day.warm_up, now + day.seconds)
    pauses, record = _pauses(number, day.pause), Record()
    calls, guest = (Calls(url, token, pauses=pauses, measured=measured, record=record) for token in tokens)
    chance = Random(number)  # noqa: S311 - a simulation
    person = Producer(calls, f"Person {number:02}", chance, receiver=receiver, guest=guest)
    for act in chain([person.move_in], repeat(person.visit)):
        if time.monotonic() > measured.ends or calls.record.failed() > MOST_ERRORS:
            break
        try:
            act()
        except Wrong:
            continue  # it is in the record
        except (LookupError, TypeError, ValueError) as failure:
            calls.blame(f"the answer is not understood: {failure!r}")
    return calls.record, person.book


def _pauses(number: int, mean: float) -> Iterator[float]:
    # Not by the chance that decides what is done: how often somebody has to wait depends on the time.
    chance = Random(f"pauses of {number}")  # noqa: S311 - a simulation
    while True:
        yield chance.expovariate(1 / mean)
