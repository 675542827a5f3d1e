"""Mutants of budgets: what a task reserves, when, and how it is given back."""

from typing import Final

from tests.mutants import DOMAIN, STORE, Mutant

BUDGETS: Final = "tests/integration/test_budgets.py"
ALERT_TESTS: Final = "tests/integration/test_budget_alerts.py"
RESERVATIONS: Final = f"{STORE}/reservations.py"
ALERTS: Final = f"{STORE}/budget_alerts.py"

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
        "Attr(LIMIT[Period.MONTH]).not_exists() | Attr(room(name)).exists()",
        "Attr('PK').not_exists() | Attr('PK').exists()",
        BUDGETS,
    ),
    Mutant(
        "no budget is asked",
        RESERVATIONS,
        "if amount != 0:  #",
        "if False:  #",
        BUDGETS,
    ),
    Mutant(
        "a total is not asked",
        RESERVATIONS,
        "if amount != 0:  #",
        "if amount != 0 and name != TOTAL:  #",
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
        "begins_with = int(item.get(LIMIT[period], 0)) if period is Period.MONTH else 0",
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
        "a replay reserves anew",
        "functions/tasks/app.py",
        "made = store.find_replay(idempotent, access=access, now=now)",
        "made, idempotent = None, None",
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
        f"{DOMAIN}/tasks/life_cycle.py",
        "cost=_charged(ended, ended.reserved)) if is_unpriced(ended) else ended",
        "cost=_charged(ended, Decimal(0))) if is_unpriced(ended) else ended",
        BUDGETS,
    ),
    Mutant(
        "a deleted job that was sent is in no report",
        f"{STORE}/tasks.py",
        "booked = ledger.booking(task, settled) if task.over or task.sent else []",
        "booked = []",
        BUDGETS,
    ),
    Mutant(
        "a deleted job that was stopped stays spent",
        f"{STORE}/tasks.py",
        "        deleted_charges.release(self._table, account, task_id)",
        "        return",
        BUDGETS,
    ),
    Mutant(
        "a deleted job that was stopped is given back twice",
        f"{STORE}/deleted_charges.py",
        "Write(where, delete=True, condition=EXISTS, on_condition_failure=concurrent_update),",
        "",
        BUDGETS,
    ),
    Mutant(
        "anybody with access corrects a cost",
        f"{STORE}/tasks.py",
        "self._read(task_id, access, MANAGE)",
        "self._read(task_id, access, CHANGE)",
        "tests/integration/test_sharing_routes.py",
    ),
    Mutant(
        "an alert is sent again for every record",
        ALERTS,
        "condition=Attr(limit).eq(counters[limit]) & Attr(mark).not_exists(),",
        "condition=Attr(limit).eq(counters[limit]),",
        ALERT_TESTS,
    ),
    Mutant(
        "an alert is sent once for all periods",
        ALERTS,
        "period = named(Period(budget.period), month_of(now))",
        'period = "all"',
        ALERT_TESTS,
    ),
    Mutant(
        "the budget of an alert is not asked again",
        ALERTS,
        "condition=Attr(limit).eq(counters[limit]) & Attr(mark).not_exists(),",
        "condition=Attr(mark).not_exists(),",
        ALERT_TESTS,
    ),
    Mutant(
        "an alert whose message is lost is not sent",
        ALERTS,
        "item = to_item(alert, **due)",
        "item = to_item(alert)",
        ALERT_TESTS,
    ),
    Mutant(
        "an alert looks at what is spent alone",
        f"{DOMAIN}/budget_alerts.py",
        "used = budget.spent + budget.reserved",
        "used = budget.spent",
        ALERT_TESTS,
    ),
    Mutant(
        "a new limit forgets what was spent",
        f"{STORE}/budgets.py",
        "more = {period: limits.get(period, 0) - int(counters.get(LIMIT[period], 0)) for period in Period}",
        "more = {period: limits.get(period, 0) for period in Period}",
        BUDGETS,
    ),
)
