"""Spend in memory: what tasks add up to, counted task by task. It shares no code with the ledger or its reports."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from atelier.domain.tasks.record import Task

NAMES: Final = ("tasks", "outputs", "bytes", "milliseconds", "cost", "unpriced_tasks")
Amounts = tuple[Decimal, ...]
"""What tasks add up to, in the order of `NAMES`; the cost in dollars."""
NOTHING: Final[Amounts] = (Decimal(0),) * len(NAMES)


@dataclass(frozen=True)
class Spent:
    """A task that has ended, and where it is to be found in a report."""

    task: Task

    @property
    def day(self) -> date:
        """The day of its end."""
        assert self.task.completed_at is not None
        return self.task.completed_at.date()

    def value(self, group: str) -> Any:
        """What it says of a group; None for no client or campaign."""
        if group in ("client", "campaign"):
            return getattr(self.task, f"booked_{group}_id")
        found = getattr(self.task, group)
        return found if isinstance(found, int) else str(found)

    @property
    def amounts(self) -> Amounts:
        """What it adds."""
        task = self.task
        assert task.completed_at is not None
        took = (task.completed_at - task.created_at).total_seconds()
        asked = task.provider_task_id is not None or task.lease_until is not None
        may_cost = task.provider_outcome == "succeeded" or (task.provider_outcome is None and asked)
        return tuple(
            Decimal(each)
            for each in (
                1,
                len(task.outputs),
                sum(output.bytes for output in task.outputs),
                round(took * 1000),
                task.cost.actual or 0,
                task.cost.actual is None and may_cost,
            )
        )


def spent(
    tasks: Iterable[Task], *, start: date, end: date, group_by: Collection[str] = (), **only: Collection[Any]
) -> dict[tuple[Any, ...], Amounts]:
    """What tasks that ended from `start` up to and without `end` add up to, by the values of some groups."""
    sums: defaultdict[tuple[Any, ...], Amounts] = defaultdict(lambda: NOTHING)
    for each in (Spent(task) for task in tasks if task.over):
        if start <= each.day < end and all(each.value(group) in values for group, values in only.items()):
            key = tuple(each.value(group) for group in group_by)
            sums[key] = plus(sums[key], each.amounts)
    return dict(sums)


def plus(one: Amounts, other: Amounts) -> Amounts:
    """The sum of two."""
    return tuple(a + b for a, b in zip(one, other, strict=True))


def told(shown: Mapping[str, Any]) -> Amounts:
    """The amounts of a row or of the totals of a report, but for its mean time, which is no sum."""
    return tuple(Decimal(0) if name == "milliseconds" else Decimal(shown[name]) for name in NAMES)


def without_time(amounts: Amounts) -> Amounts:
    """The amounts as `told` says them."""
    return tuple(Decimal(0) if name == "milliseconds" else amount for name, amount in zip(NAMES, amounts, strict=True))


def mean_seconds(amounts: Amounts) -> float:
    """The mean time to finish, as a report rounds it."""
    tasks, milliseconds = amounts[0], amounts[NAMES.index("milliseconds")]
    return round(float(milliseconds / tasks / 1000), 3) if tasks else 0.0
