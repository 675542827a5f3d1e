"""What tasks take of budgets, on the counters that the transactions which create and end tasks write anyway.

DynamoDB's conditions compare, and do not calculate. So the counters keep what is left: `room|<period>`, the limit less
what is spent and reserved, in whole millionths of a dollar, and `reserved|<period>` beside it. Periods are months of
UTC and `total`. Both are kept with and without a budget; without one the limit counts as 0, so a budget that is set
later knows what was spent before. A task takes its amounts in the month in which it was created.

`limit|month` or `limit|total` is there as long as the scope has a budget, and `blocks|...` where it blocks. The first
task of a month under a monthly budget finds no room of that month: it begins the month, and is created then.
"""

from collections.abc import Callable
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
        held, month = held_by(task), month_of(task.created_at)
        return cls(month, months_before(task.created_at, 2), _amount(task, held), held)

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
        own = count.on_condition_failure

        def refused(item: Item | None) -> Exception:
            error = self._refusal(scope, item) if item and "deleted_at" not in item else None
            if error is None and own is not None:
                error = own(item)
            return error or concurrent_update(item)

        conditions = [each for each in (count.condition, self._condition()) if each is not None]
        return replace(
            count,
            # The room of its month is there from now on, whatever the task takes of it.
            add={**count.add, **self._begun(), **taken(self.month, self.held)},
            remove=(*count.remove, *self._gone()),
            condition=reduce(and_, conditions) if conditions else None,
            on_condition_failure=refused,
        )

    def _begun(self) -> dict[str, int]:
        return {room(self.month): 0} if self.month else {}

    def _gone(self) -> tuple[str, str]:
        return room(self.gone), reserved(self.gone)

    def _periods(self) -> dict[Period, str]:
        """The limits that the task falls under, each with the name of its present period."""
        return {Period.MONTH: self.month, Period.TOTAL: TOTAL} if self.month else {Period.TOTAL: TOTAL}

    def _condition(self) -> Condition | None:
        conditions: list[Condition] = []
        if self.month:
            conditions.append(Attr(LIMIT[Period.MONTH]).not_exists() | Attr(room(self.month)).exists())
        if self.amount != 0:  # what costs nothing exceeds nothing
            conditions += [self._fits(period, name) for period, name in self._periods().items()]
        return reduce(and_, conditions) if conditions else None

    def _fits(self, period: Period, name: str) -> Condition:
        does_not_block = Attr(BLOCKS[period]).not_exists()
        return does_not_block if self.amount is None else does_not_block | Attr(room(name)).gte(self.amount)

    def _refusal(self, scope: Scope, item: Item) -> Exception | None:
        if self.month and LIMIT[Period.MONTH] in item and room(self.month) not in item:
            return MonthBegins(scope.id or EVERYTHING, self.month, int(item[LIMIT[Period.MONTH]]))
        return self.exceeded(scope, item)

    def exceeded(self, scope: Scope, item: Item) -> BudgetExceeded | None:
        """The refusal of a scope with these counters; None where there is room.

        All of its limit is left of a month that has not begun.
        """
        blocking = ((period, name) for period, name in self._periods().items() if BLOCKS[period] in item)
        for period, name in blocking:
            begins_with = int(item[LIMIT[period]]) if period is Period.MONTH else 0
            left = int(item.get(room(name), begins_with))
            if self.amount is None or (self.amount and left < self.amount):
                needed = None if self.amount is None else from_millionths(self.amount)
                limit = from_millionths(int(item[LIMIT[period]]))
                return BudgetExceeded(
                    scope.kind, scope.id, period=period, limit=limit, available=from_millionths(left), needed=needed
                )
        return None


def _amount(task: Task, held: Held) -> int | None:
    return None if task.reserved is None and not task.over else held.spent + held.reserved


def within_a_month(create: Callable[[], Created], table: Table, account: int) -> Created:
    """Create something that reserves; before the first of a month, begin that month in every scope that asks for it."""
    for _ in range(_MONTHS_TO_BEGIN):
        try:
            return create()
        except MonthBegins as begins:
            _begin(table, account, begins)
    raise Busy("Its budgets are being changed; nothing was written.")


def _begin(table: Table, account: int, begins: MonthBegins) -> None:
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
