"""Counters of tasks, kept up to date by the writes, so that no list has to count.

A tally counts the tasks of one scope (an owner, a client, a campaign, or the tasks without a client) by type,
provider and status. A change of a task is a change of its scopes' tallies, in the same transaction.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from atelier.domain.schema import UNASSIGNED
from atelier.domain.tasks.record import TaskStatus, TaskSummary, TaskType

EVERYTHING: Final = "all"


class CounterKey(NamedTuple):
    """The key of one counter."""

    type: TaskType
    provider: str
    status: TaskStatus


@dataclass(frozen=True)
class TaskFilter:
    """Which counters a list adds up; None takes every value."""

    type: TaskType | None = None
    provider: str | None = None
    status: TaskStatus | None = None

    def takes(self, cell: CounterKey) -> bool:
        """Whether the filter includes the tasks of this counter."""
        pairs = ((self.type, cell.type), (self.provider, cell.provider), (self.status, cell.status))
        return all(wanted is None or wanted == found for wanted, found in pairs)

    def total(self, tally: Mapping[CounterKey, int]) -> int:
        """How many tasks the filter includes."""
        return sum(count for cell, count in tally.items() if self.takes(cell))


def counter_key_of(task: TaskSummary) -> CounterKey:
    """The counter that counts `task`."""
    return CounterKey(task.type, task.provider, task.status)


def scopes_of(task: TaskSummary) -> tuple[str, ...]:
    """The tallies that count `task`: its owner's, then its client's (or the unassigned), then its campaign's."""
    linked = (task.client_id or UNASSIGNED, task.campaign_id)
    return (EVERYTHING, *(scope for scope in linked if scope))


def change(*, before: TaskSummary | None, after: TaskSummary | None) -> dict[CounterKey, int]:
    """What a write that turns `before` into `after` adds to the counters of each scope."""
    counts: Counter[CounterKey] = Counter()
    if before is not None:
        counts[counter_key_of(before)] -= 1
    if after is not None:
        counts[counter_key_of(after)] += 1
    return {cell: count for cell, count in counts.items() if count}


def added(tallies: Iterable[Mapping[CounterKey, int]]) -> dict[CounterKey, int]:
    """The sum of several scopes' counters."""
    total: Counter[CounterKey] = Counter()
    for tally in tallies:
        total.update(tally)
    return dict(total)
