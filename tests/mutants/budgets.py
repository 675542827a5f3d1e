"""Mutants of budgets: what a task reserves, when, and how it is given back."""

from typing import Final

from tests.mutants import DOMAIN, STORE, Mutant

BUDGETS: Final = "tests/integration/test_budgets.py"
RESERVATIONS: Final = f"{STORE}/reservations.py"

MUTANTS: Final = (
    Mutant(
        "the end of a task keeps its reservation",
        RESERVATIONS,
        "new.reserved - old.reserved)",
        "0)",
        BUDGETS,
    ),
    Mutant(
        "the end of a task releases its reservation twice",
        RESERVATIONS,
        "amounts[room(period)] = -held.spent - held.reserved",
        "amounts[room(period)] = -held.spent - 2 * held.reserved",
        BUDGETS,
    ),
    Mutant(
        "a task settles in the month in which it ends",
        RESERVATIONS,
        "month = month_of(before.created_at)",
        "month = month_of(at)",
        BUDGETS,
    ),
    Mutant(
        "a month does not begin with its limit",
        RESERVATIONS,
        "has_begun = Attr(LIMIT[Period.MONTH]).not_exists() | Attr(room(self.month)).exists()",
        "has_begun = Attr('PK').not_exists() | Attr('PK').exists()",
        BUDGETS,
    ),
    Mutant(
        "no budget is asked",
        RESERVATIONS,
        "return has_begun & self._fits(Period.MONTH) & self._fits(Period.TOTAL)",
        "return has_begun",
        BUDGETS,
    ),
    Mutant(
        "a total is not asked",
        RESERVATIONS,
        "self._fits(Period.MONTH) & self._fits(Period.TOTAL)",
        "self._fits(Period.MONTH)",
        BUDGETS,
    ),
    Mutant(
        "the last of a limit is not given out",
        f"{STORE}/expressions.py",
        "{self._operand(request)} >= {request.value(value)}",
        "{self._operand(request)} > {request.value(value)}",
        BUDGETS,
    ),
    Mutant(
        "an estimate finds nothing left of a month that has not begun",
        RESERVATIONS,
        "begins_with = int(item[LIMIT[period]]) if period is Period.MONTH else 0",
        "begins_with = 0",
        BUDGETS,
    ),
    Mutant(
        "fallbacks reserve the cheapest candidate",
        f"{DOMAIN}/reservations.py",
        "return max(known) if",
        "return min(known) if",
        BUDGETS,
    ),
    Mutant(
        "a retry reserves nothing",
        f"{DOMAIN}/task_creation.py",
        'reserved=to_reserve(estimates, asked["max_cost"]),',
        'reserved=Decimal(0) if "retry_of" in asked else to_reserve(estimates, asked["max_cost"]),',
        BUDGETS,
    ),
    Mutant(
        "what may still be charged is given back",
        f"{DOMAIN}/reservations.py",
        "spent=reserved if is_unpriced(task) else in_millionths(task.cost.actual)",
        "spent=in_millionths(task.cost.actual)",
        BUDGETS,
    ),
    Mutant(
        "a deleted job that was sent is given back",
        f"{DOMAIN}/reservations.py",
        "spent=in_millionths(task.reserved) if task.sent else 0",
        "spent=0",
        BUDGETS,
    ),
    Mutant(
        "a new limit forgets what was spent",
        f"{STORE}/budgets.py",
        "more = {period: limits.get(period, 0) - int(counters.get(LIMIT[period], 0)) for period in Period}",
        "more = {period: limits.get(period, 0) for period in Period}",
        BUDGETS,
    ),
)
