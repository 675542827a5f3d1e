"""Alerts of budgets: each is written once, with the mark that it was, on the counters that say that it is due.

Whatever changes the counters of a budget with a receiver comes by the stream, in order or not, once or twice. What is
alerted follows from the image alone: the thresholds that are reached and not marked. The mark names period, limit and
threshold, and is written in the transaction that keeps the alert, under the condition that there is none.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final

from atelier.domain.budget_alerts import BudgetAlert, alerted_budget, reached
from atelier.domain.budgets import Budget
from atelier.domain.due import LATE_AFTER, next_delivery
from atelier.domain.money import in_millionths
from atelier.domain.reservations import Period, month_of
from atelier.domain.tasks.record import DeliveryAttempt
from atelier.store import keys
from atelier.store.budgets import ALERTED, budget_from, scope_of
from atelier.store.expressions import Attr
from atelier.store.items import from_item, to_item
from atelier.store.keys import Key
from atelier.store.reservations import LIMIT, named
from atelier.store.table import EXISTS, MISSING, ConcurrentUpdate, Table, Write, concurrent_update

_KEPT: Final = timedelta(days=30)


class BudgetAlerts:
    """See the module."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def raise_due(
        self, key: Key, counters: Mapping[str, Any], *, fresh: Callable[[], str], now: datetime
    ) -> Iterator[BudgetAlert]:
        """Keep an alert for each threshold that these counters reach; those that nobody has kept before.

        `fresh` makes their ids.
        """
        budget = budget_from(counters, now=now)
        if budget is None or budget.webhook_url is None or "deleted_at" in counters:
            return
        for threshold in reached(budget):
            if _mark(budget, threshold, now=now) in counters:
                continue
            alert = BudgetAlert(
                id=fresh(),
                user_id=keys.account_of(key),
                created_by=int(counters["budget_by"]),
                webhook_url=budget.webhook_url,
                threshold=threshold,
                budget=alerted_budget(budget, scope_of(counters)),
                created_at=now,
            )
            with suppress(ConcurrentUpdate):
                self._table.transact(*self._raised(key, counters, budget, alert, now=now))
                yield alert

    def _raised(
        self, key: Key, counters: Mapping[str, Any], budget: Budget, alert: BudgetAlert, *, now: datetime
    ) -> tuple[Write, Write]:
        mark, limit = _mark(budget, alert.threshold, now=now), LIMIT[budget.period]
        of_now = mark.rpartition("|")[0]
        marked = Write(
            key,
            set={mark: alert.id},
            remove=[name for name in counters if name.startswith(ALERTED) and not name.startswith(of_now)],
            condition=Attr(limit).eq(counters[limit]) & Attr(mark).not_exists(),
            on_condition_failure=concurrent_update,
        )
        due = keys.due_place(alert.id, now + LATE_AFTER)
        item = to_item(alert, **due) | {"expires_at": int((now + _KEPT).timestamp())}
        return marked, Write(keys.budget_alert(alert.id), put=item, condition=MISSING)

    def load(self, alert_id: str) -> BudgetAlert | None:
        """The alert as it is now."""
        item = self._table.get(keys.budget_alert(alert_id))
        return from_item(BudgetAlert, item) if item else None

    def log_delivery(self, alert: BudgetAlert, delivery: DeliveryAttempt) -> None:
        """Keep an attempt to tell of this alert. After the last one no work is due any more."""
        made = [*alert.webhook_deliveries, delivery]
        write = Write(
            keys.budget_alert(alert.id),
            append={"webhook_deliveries": [to_item(delivery)]},
            remove=() if next_delivery(made, since=alert.created_at) else keys.DUE,
            condition=EXISTS,
            on_condition_failure=concurrent_update,
        )
        with suppress(ConcurrentUpdate):
            self._table.write(write)


def _mark(budget: Budget, threshold: int, *, now: datetime) -> str:
    """The attribute that says that an alert was sent: another period or limit begins anew."""
    period = named(Period(budget.period), month_of(now))
    return f"{ALERTED}{period}|{in_millionths(budget.limit)}|{threshold}"
