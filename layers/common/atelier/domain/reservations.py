"""What tasks take of budgets: how much, of which period, and of whose.

A task that is open holds what it reserved when it was created. One that has ended holds what it cost: that is what the
ledger books. While nobody has said what its job cost, and it may have been charged, what it reserved counts as spent.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final, NamedTuple

from atelier.domain.ledger import is_unpriced
from atelier.domain.money import in_millionths
from atelier.domain.tasks.record import Task

TOTAL: Final = "total"


class Period(StrEnum):
    """What a limit is for: a calendar month in UTC, or for good."""

    MONTH = "month"
    TOTAL = "total"


class Scope(NamedTuple):
    """Whose budget: an account's (without an id), a client's or a campaign's."""

    kind: str
    id: str | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.id}" if self.id else f"the {self.kind}"


class Held(NamedTuple):
    """What a task takes of its budgets, in millionths of a dollar."""

    spent: int = 0
    reserved: int = 0


def to_reserve(estimates: Iterable[Decimal | None], max_cost: Decimal | None) -> Decimal | None:
    """What a task reserves: its dearest candidate, one without a price at `max_cost`; None where that is not given."""
    amounts = [max_cost if estimate is None else estimate for estimate in estimates]
    known = [amount for amount in amounts if amount is not None]
    return max(known) if len(known) == len(amounts) else None


def held_by(task: Task) -> Held:
    """What a task takes of its budgets."""
    reserved = in_millionths(task.reserved)
    if not task.over:
        return Held(reserved=reserved)
    return Held(spent=reserved if is_unpriced(task) else in_millionths(task.cost.actual))


def month_of(moment: datetime) -> str:
    """The month of a moment, in UTC: `2026-11`."""
    return f"{moment:%Y-%m}"


def months_before(moment: datetime, count: int) -> str:
    """The month that was `count` months before that of `moment`."""
    months = moment.year * 12 + moment.month - 1 - count
    return f"{months // 12:04}-{months % 12 + 1:02}"


def month_end(moment: datetime) -> datetime:
    """When the next month begins."""
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return first.replace(year=first.year + 1, month=1) if first.month == 12 else first.replace(month=first.month + 1)  # noqa: PLR2004
