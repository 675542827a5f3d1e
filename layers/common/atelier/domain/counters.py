"""Counters of tasks, which every write keeps up to date, so that no list has to count.

The counters of a scope (an account, a client, a campaign, or the tasks without a client) count its tasks by type,
provider and status. A change of a task changes the counters of its scopes in the same transaction.
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
    """Which counters a list adds up: those with any of these values; none given takes every value."""

    types: tuple[TaskType, ...] = ()
    providers: tuple[str, ...] = ()
    statuses: tuple[TaskStatus, ...] = ()

    def includes(self, key: CounterKey) -> bool:
        """Whether the filter includes the tasks of this counter."""
        pairs = ((self.types, key.type), (self.providers, key.provider), (self.statuses, key.status))
        return all(not wanted or found in wanted for wanted, found in pairs)

    def total(self, counters: Mapping[CounterKey, int]) -> int:
        """How many tasks the filter includes."""
        return sum(count for key, count in counters.items() if self.includes(key))


def counter_key_of(task: TaskSummary) -> CounterKey:
    """The counter that counts `task`."""
    return CounterKey(task.type, task.provider, task.status)


def scopes_of(task: TaskSummary) -> tuple[str, ...]:
    """The scopes that count `task`: its account, then its client (or the unassigned), then its campaign."""
    linked = (task.client_id or UNASSIGNED, task.campaign_id)
    return (EVERYTHING, *(scope for scope in linked if scope))


def change(*, before: TaskSummary | None, after: TaskSummary | None) -> dict[CounterKey, int]:
    """What a write that turns `before` into `after` adds to the counters of each scope."""
    counts: Counter[CounterKey] = Counter()
    if before is not None:
        counts[counter_key_of(before)] -= 1
    if after is not None:
        counts[counter_key_of(after)] += 1
    return {key: count for key, count in counts.items() if count}


def added(scopes: Iterable[Mapping[CounterKey, int]]) -> dict[CounterKey, int]:
    """The sum of several scopes' counters."""
    total: Counter[CounterKey] = Counter()
    for counters in scopes:
        total.update(counters)
    return dict(total)
