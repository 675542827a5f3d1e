"""What the job of a deleted task is booked at, as long as its provider may still say that it was stopped in time.

A task that is deleted while its job may be charged is booked at what it reserved, in the ledger and in its budgets, by
the transaction that deletes it. This item says where, and goes with the booking: so it is taken back once, if at all.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from atelier.domain.counters import EVERYTHING
from atelier.domain.due import outcome_ends
from atelier.domain.ledger import row_of
from atelier.domain.money import in_millionths
from atelier.domain.reservations import Held, month_of
from atelier.domain.tasks.record import Task
from atelier.store import keys, reservations
from atelier.store.keys import Key
from atelier.store.table import EXISTS, Table, Write, concurrent_update

_KEPT: Final = timedelta(days=1)  # after nobody asks any more how a job came out


def kept(task: Task, settled: Task) -> list[Write]:
    """The write that keeps where a deleted task is booked; none where its cost was known, or is nothing."""
    if task.cost.actual is not None or not settled.cost.actual:
        return []
    charge = {
        "row": keys.ledger_row(settled.user_id, row_of(settled)).sk,
        "cost": in_millionths(settled.cost.actual),
        "month": month_of(settled.created_at),
        "scopes": [EVERYTHING, *filter(None, (settled.client_id, settled.campaign_id))],
        "expires_at": int((outcome_ends(settled) + _KEPT).timestamp()),
    }
    return [Write(keys.deleted_charge(settled.user_id, settled.id), put=charge)]


def release(table: Table, account: int, task_id: str) -> None:
    """Take the booking of a deleted task back, if there is one: its job has cost nothing."""

    def attempt() -> None:
        where = keys.deleted_charge(account, task_id)
        charge = table.get(where)
        if charge is None:
            return
        cost = int(charge["cost"])
        counters = [keys.counters(account, scope) for scope in charge["scopes"]]
        there = table.get_many(counters)
        table.transact(
            Write(where, delete=True, condition=EXISTS, on_condition_failure=concurrent_update),
            Write(Key(keys.ledger_partition(account), charge["row"]), add={"cost": -cost}),
            *_given_back(there, charge["month"], cost),
        )

    table.retry_on_conflict(attempt)


def _given_back(there: Iterable[Key], month: str, cost: int) -> Iterable[Write]:
    # The budget of a parent that is gone went with it.
    for key in there:
        amounts = reservations.taken(month, Held(spent=-cost))
        yield Write(key, add=amounts, condition=EXISTS, on_condition_failure=concurrent_update)
