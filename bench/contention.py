"""How long do creates under one parent wait for each other?  `make bench`

A simulation of DynamoDB's rule for transactions (developer guide, "Transaction conflict handling"): a transaction that
touches an item which another one is writing is cancelled at once, it does not queue. So N requests that all count a
child in one tally are N writers of one item, and what decides is how they come back. Virtual time, fixed seeds.

How long a transaction holds its items, and after how long a cancelled one is told so, is bench/model.py's assumption.
What a steady stream of requests gets is in bench/ceilings.py.
"""

import heapq
import random
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from atelier.store.table import Retry
from bench.latency import LATENCY

HOLD_MS: Final = 1000 * LATENCY["TransactWriteItems"].middle
ARRIVE_WITHIN_MS: Final = 50.0
REQUEST_MS: Final = 15_000.0
END: Final = object()
SEEDS: Final = range(20)
CROWDS: Final = (10, 50, 100, 200, 400)


POLICIES: Final[Mapping[str, Retry]] = {
    "3 tries, 100 ms (SDK default)": Retry(attempts=3, base=0.1, cap=20),
    "12 tries, 10 ms to 300 ms": Retry(attempts=12, base=0.01, cap=0.3),
    "12 tries, 25 ms to 1.2 s": Retry(attempts=12),
    "16 tries, 50 ms to 2.4 s": Retry(attempts=16, base=0.05, cap=2.4),
    "20 tries, 25 ms to 1.2 s (ours)": Retry(),
}


def requests(crowd: int, policy: Retry, seed: int) -> Iterator[float | None]:
    """How long each of `crowd` requests took, in ms; None for one that ran out of tries."""
    chance = random.Random(seed)  # noqa: S311 - a simulation
    pauses: list[float] = []
    policy = replace(policy, chance=chance.random, sleep=pauses.append)
    waiting = [(chance.uniform(0, ARRIVE_WITHIN_MS), number) for number in range(crowd)]
    began = {number: at for at, number in waiting}
    rounds = {number: policy.rounds() for number in began}
    heapq.heapify(waiting)
    held_until = 0.0
    for tries in rounds.values():
        next(tries)
    while waiting:
        now, number = heapq.heappop(waiting)
        if now >= held_until:
            held_until = now + 1000 * LATENCY["TransactWriteItems"].draw(chance)
            yield held_until - began[number]
        elif next(rounds[number], END) is END:
            yield None
        else:
            heapq.heappush(waiting, (now + 1000 * (LATENCY["refused"].draw(chance) + pauses.pop()), number))


def row(crowd: int, name: str, policy: Retry) -> str:
    """One line of the table."""
    took = [each for seed in SEEDS for each in requests(crowd, policy, seed)]
    done = sorted(each for each in took if each is not None)
    late = sum(each > REQUEST_MS for each in done)
    refused = 100 * (len(took) - len(done) + late) / len(took)
    p99 = done[int(len(done) * 0.99)]
    return f"| {crowd} | {name} | {refused:.2f}% | {statistics.median(done):.0f} | {p99:.0f} | {done[-1]:.0f} |"


def main() -> None:
    """Print the table."""
    print("| at once | policy | refused | median ms | p99 ms | longest ms |")
    print("| --- | --- | --- | --- | --- | --- |")
    for crowd in CROWDS:
        for name, policy in POLICIES.items():
            print(row(crowd, name, policy))


if __name__ == "__main__":
    main()
