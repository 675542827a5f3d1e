"""Counting without counting: every number of tasks that a list can show is kept up to date by the writes.

A tally counts the tasks of one scope (an owner, a client, a campaign, or the tasks without a client) by type,
provider and status. A change of a task is a change of its scopes' tallies, in the same transaction.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from atelier.domain.shapes import UNASSIGNED
from atelier.domain.tasks import TaskStatus, TaskSummary, TaskType

EVERYTHING: Final = "all"


class Cell(NamedTuple):
    """What one number of a tally counts."""

    type: TaskType
    provider: str
    status: TaskStatus


@dataclass(frozen=True)
class Choice:
    """Which cells a list adds up; None takes every value."""

    type: TaskType | None = None
    provider: str | None = None
    status: TaskStatus | None = None

    def takes(self, cell: Cell) -> bool:
        """Whether tasks counted in `cell` are wanted."""
        pairs = ((self.type, cell.type), (self.provider, cell.provider), (self.status, cell.status))
        return all(wanted is None or wanted == found for wanted, found in pairs)

    def total(self, tally: Mapping[Cell, int]) -> int:
        """How many tasks of the tally are wanted."""
        return sum(count for cell, count in tally.items() if self.takes(cell))


def cell_of(task: TaskSummary) -> Cell:
    """Where `task` is counted."""
    return Cell(task.type, task.provider, task.status)


def scopes_of(task: TaskSummary) -> tuple[str, ...]:
    """The tallies that count `task`: its owner's, then its client's (or the unassigned), then its campaign's."""
    linked = (task.client_id or UNASSIGNED, task.campaign_id)
    return (EVERYTHING, *(scope for scope in linked if scope))


def change(*, before: TaskSummary | None, after: TaskSummary | None) -> dict[Cell, int]:
    """What a write that turns `before` into `after` adds to each tally that counts it."""
    counts: Counter[Cell] = Counter()
    if before is not None:
        counts[cell_of(before)] -= 1
    if after is not None:
        counts[cell_of(after)] += 1
    return {cell: count for cell, count in counts.items() if count}


def added(tallies: Iterable[Mapping[Cell, int]]) -> dict[Cell, int]:
    """Several tallies as one."""
    total: Counter[Cell] = Counter()
    for tally in tallies:
        total.update(tally)
    return dict(total)
