"""What tasks take of budgets, on the counters that the transactions which create and end tasks write anyway.

DynamoDB's conditions compare, and do not calculate. So the counters keep what is left: `room|<period>`, the limit less
what is spent and reserved, in whole millionths of a dollar, and `reserved|<period>` beside it. Periods are months of
UTC and `total`. Both are kept with and without a budget; without one the limit counts as 0, so a budget that is set
later knows what was spent before. A task takes its amounts in the month in which it was created.

`limit|month` or `limit|total` is there as long as the scope has a budget, and `blocks|...` where it blocks. The first
task of a month under a monthly budget finds no room of that month: it begins the month, and is created then.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from functools import reduce
from operator import and_
from typing import Final, TypeVar

from atelier.domain.counters import EVERYTHING
from atelier.domain.errors import BudgetExceeded, Busy
from atelier.domain.money import from_millionths
from atelier.domain.reservations import (
    TOTAL,
    Held,
    Period,
    Scope,
    held_by,
    month_of,
    months_before,
)
from atelier.domain.tasks.record import Task
from atelier.store import keys
from atelier.store.expressions import Attr, Condition
from atelier.store.table import ConcurrentUpdate, Table, Write, concurrent_update
from atelier.store.wire import Item

Created = TypeVar("Created")

LIMIT: Final = {Period.MONTH: "limit|month", Period.TOTAL: "limit|total"}
BLOCKS: Final = {Period.MONTH: "blocks|month", Period.TOTAL: "blocks|total"}
"""Which attributes say that a scope has a budget, and that it blocks."""

_MONTHS_TO_BEGIN: Final = 10  # three scopes at most; more only while their budgets are being changed


class MonthBegins(Exception):
    """A scope with a monthly budget has no room of a month yet: `within_a_month` begins it."""

    def __init__(self, scope: str, month: str, limit: int) -> None:
        self.scope = scope
        self.month = month
        self.limit = limit
        super().__init__(scope)


@dataclass(frozen=True)
class Room:
    """What has to be left in a scope: an amount of each month and of `total`, None where it is not known.

    A month has to have begun, unless this is `tentative`: then all of its limit is left before it begins.
    """

    scope: Scope
    amounts: Mapping[str, int | None]
    tentative: bool = False

    def plus(self, other: "Room") -> "Room":
        """What both need."""
        names = dict.fromkeys((*self.amounts, *other.amounts))
        sums = {name: _sum(self.amounts.get(name, 0), other.amounts.get(name, 0)) for name in names}
        return replace(self, amounts=sums)

    def tentatively(self) -> "Room":
        """This one for what is not written: no month has to begin for it."""
        return replace(self, tentative=True)

    def condition(self) -> Condition | None:
        """Every month has begun, and no budget that blocks has too little left."""
        conditions: list[Condition] = []
        for name, amount in self.amounts.items():
            if name != TOTAL and not self.tentative:
                conditions.append(Attr(LIMIT[Period.MONTH]).not_exists() | Attr(room(name)).exists())
            if amount != 0:  # what costs nothing exceeds nothing
                conditions.append(self._fits(name, amount))
        return reduce(and_, conditions) if conditions else None

    def refusal(self, item: Item) -> Exception | None:
        """MonthBegins or BudgetExceeded."""
        if "deleted_at" in item:
            return None
        for name in () if self.tentative else self.amounts:
            if name != TOTAL and LIMIT[Period.MONTH] in item and room(name) not in item:
                return MonthBegins(self.scope.id or EVERYTHING, name, int(item[LIMIT[Period.MONTH]]))
        return self.exceeded(item)

    def exceeded(self, item: Item) -> BudgetExceeded | None:
        """The refusal of these counters. All of its limit is left of a month that has not begun."""
        found = (self._exceeded(item, name, amount) for name, amount in self.amounts.items())
        return next((each for each in found if each is not None), None)

    def _fits(self, name: str, amount: int | None) -> Condition:
        period = _period(name)
        does_not_block = Attr(BLOCKS[period]).not_exists()
        if amount is None:
            return does_not_block
        fits = does_not_block | Attr(room(name)).gte(amount)
        if self.tentative and period is Period.MONTH:
            fits |= Attr(room(name)).not_exists() & Attr(LIMIT[period]).gte(amount)
        return fits

    def _exceeded(self, item: Item, name: str, amount: int | None) -> BudgetExceeded | None:
        period = _period(name)
        begins_with = int(item.get(LIMIT[period], 0)) if period is Period.MONTH else 0
        left = int(item.get(room(name), begins_with))
        if BLOCKS[period] not in item or amount == 0 or (amount is not None and left >= amount):
            return None
        return BudgetExceeded(
            self.scope.kind,
            self.scope.id,
            period=period,
            limit=from_millionths(int(item[LIMIT[period]])),
            available=from_millionths(left),
            needed=None if amount is None else from_millionths(amount),
        )


def _sum(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one + other


def _period(name: str) -> Period:
    return Period.TOTAL if name == TOTAL else Period.MONTH


@dataclass(frozen=True)
class Reservation:
    """What a task takes of the scopes that it enters, and under which condition: `amount` has to be left.

    No amount where nobody can say what it will cost. `month` is None for a task so old that its month is not kept.
    """

    month: str | None
    gone: str
    amount: int | None
    held: Held

    @classmethod
    def of(cls, task: Task) -> "Reservation":
        """What a new task reserves."""
        return cls.moving(task, now=task.created_at)

    @classmethod
    def moving(cls, task: Task, *, now: datetime) -> "Reservation":
        """What a task takes along when it moves to other parents."""
        held, month = held_by(task), month_of(task.created_at)
        if month < months_before(now, 1):
            return cls(None, month, _amount(task, held), held)
        return cls(month, months_before(now, 2), _amount(task, held), held)

    def leaving(self, count: Write) -> Write:
        """The write that counts the task out of a scope, with what it took there."""
        back = taken(self.month, Held(-self.held.spent, -self.held.reserved))
        return replace(count, add={**count.add, **back}, remove=(*count.remove, *self._gone()))

    def within(self, count: Write, scope: Scope) -> Write:
        """The write that counts the task in a scope, with what it reserves there.

        Refused with BudgetExceeded, and with MonthBegins, before what refuses the count itself.
        """
        # The room of its month is there from now on, whatever the task takes of it.
        begun = {room(self.month): 0} if self.month else {}
        return replace(
            count,
            add={**count.add, **begun, **taken(self.month, self.held)},
            remove=(*count.remove, *self._gone()),
            quotas={"budget": self._room(scope), **count.quotas},
        )

    def _room(self, scope: Scope) -> Room:
        periods = (self.month, TOTAL) if self.month else (TOTAL,)
        return Room(scope, dict.fromkeys(periods, self.amount))

    def _gone(self) -> tuple[str, str]:
        return room(self.gone), reserved(self.gone)

    def exceeded(self, scope: Scope, item: Item) -> BudgetExceeded | None:
        """The refusal of a scope with these counters; None where there is room.

        All of its limit is left of a month that has not begun.
        """
        return self._room(scope).exceeded(item)


def _amount(task: Task, held: Held) -> int | None:
    return None if task.reserved is None and not task.over else held.spent + held.reserved


def within_a_month(create: Callable[[], Created], table: Table, account: int) -> Created:
    """Create something that reserves; before the first of a month, begin that month in every scope that asks for it."""
    for _ in range(_MONTHS_TO_BEGIN):
        try:
            return create()
        except MonthBegins as begins:
            begin_month(table, account, begins)
    raise Busy("Its budgets are being changed; nothing was written.")


def begin_month(table: Table, account: int, begins: MonthBegins) -> None:
    """Make the room of a month in a scope with a monthly budget.

    It may have been made meanwhile.
    """
    # All of the limit is left, unless somebody was faster or the limit has changed meanwhile.
    left, limit = room(begins.month), LIMIT[Period.MONTH]
    write = Write(
        keys.counters(account, begins.scope),
        set={left: begins.limit},
        condition=Attr(left).not_exists() & Attr(limit).eq(begins.limit),
        on_condition_failure=concurrent_update,
    )
    with suppress(ConcurrentUpdate):
        table.write(write)


def change(before: Task, after: Task) -> dict[str, int]:
    """What a write that turns `before` into `after` adds to the counters of each of its scopes."""
    month = month_of(before.created_at)
    old, new = held_by(before), held_by(after)
    difference = Held(new.spent - old.spent, new.reserved - old.reserved)
    # Older ones are no longer kept.
    return taken(month if month >= months_before(after.updated_at, 1) else None, difference)


def taken(month: str | None, held: Held) -> dict[str, int]:
    """What the counters of a scope change by when this is held in a month (None: only in total)."""
    amounts: dict[str, int] = {}
    for period in (month, TOTAL) if month else (TOTAL,):
        amounts[room(period)] = -held.spent - held.reserved
        amounts[reserved(period)] = held.reserved
    return {name: amount for name, amount in amounts.items() if amount}


def room(period: str) -> str:
    """The attribute that holds what is left of a period."""
    return f"room|{period}"


def reserved(period: str) -> str:
    """The attribute that holds what is reserved of a period."""
    return f"reserved|{period}"


def named(period: Period, month: str) -> str:
    """The period of a budget that a month falls into."""
    return month if period is Period.MONTH else TOTAL
