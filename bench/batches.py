"""How many items a second are created under one parent, by single requests and by batches?

The rule and the policy are those of bench/contention.py: a transaction that touches an item which another one is
writing is cancelled at once, and comes back later. Callers send one request after the other. A batch of 100 tasks is
three transactions. How long one of a hundred writes holds its items, nobody has published: the last columns take it
for twice and for four times as long as that of a single creation. Virtual time, fixed seeds.
"""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from atelier.store.table import Retry
from bench.latency import LATENCY

SECONDS: Final = 60.0
CALLERS: Final = (1, 10, 25)
SINGLE: Final = (1,)
BATCH: Final = (46, 46, 8)
END: Final = object()


@dataclass
class Caller:
    """Who sends request after request: the items of each transaction that is left, and the tries of this one."""

    left: list[int]
    tries: Iterator[None]
    pauses: list[float]


def items_a_second(callers: int, request: tuple[int, ...], *, times: float, seed: int = 0) -> float:
    """How many items are created in a second of virtual time; `times` is how much longer a transaction takes."""
    chance = random.Random(seed)  # noqa: S311 - a simulation

    def begin(left: list[int]) -> Caller:
        pauses: list[float] = []
        policy = replace(Retry(), chance=chance.random, sleep=pauses.append)
        tries = policy.rounds()
        next(tries)
        return Caller(left, tries, pauses)

    waiting = [(chance.uniform(0, 0.05), number) for number in range(callers)]
    sending = [begin(list(request)) for _ in range(callers)]
    heapq.heapify(waiting)
    held_until, created = 0.0, 0
    while waiting[0][0] < SECONDS:
        now, number = heapq.heappop(waiting)
        caller = sending[number]
        if now >= held_until:
            held_until = now + times * LATENCY["TransactWriteItems"].draw(chance)
            created += caller.left[0]
            sending[number] = begin(caller.left[1:] or list(request))
            back = held_until
        elif next(caller.tries, END) is END:
            sending[number] = begin(list(request))
            back = now + LATENCY["refused"].draw(chance)
        else:
            back = now + LATENCY["refused"].draw(chance) + caller.pauses.pop()
        heapq.heappush(waiting, (back, number))
    return created / SECONDS


def main() -> None:
    """Print the table."""
    print(
        "| callers at once | single requests | batches of 100 | ratio | transactions twice as long | 4 times as long |"
    )
    print("| --- | --- | --- | --- | --- | --- |")
    for callers in CALLERS:
        single = items_a_second(callers, SINGLE, times=1)
        batches = [items_a_second(callers, BATCH, times=times) for times in (1, 2, 4)]
        (same, ratio), *slow = [(f"{each:.0f}", f"{each / single:.0f}") for each in batches]
        print(f"| {callers} | {single:.0f} | {same} | {ratio} | {' | '.join(f'{n} ({r})' for n, r in slow)} |")


if __name__ == "__main__":
    main()
