"""Counters of tasks: what a change of a task does to them, and what lists read from them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from atelier.domain import counters
from atelier.domain.account_limits import AccountLimits
from atelier.domain.counters import EVERYTHING, CounterKey, counter_key_of
from atelier.domain.errors import BudgetExceeded, NotFound
from atelier.domain.reservations import Scope
from atelier.domain.schema import UNASSIGNED
from atelier.domain.tasks.record import Task, TaskStatus, TaskType
from atelier.store import account_limits, keys, reservations
from atelier.store.parents import count_child
from atelier.store.reservations import Reservation
from atelier.store.table import EXISTS, Table, Write, concurrent_update
from atelier.store.wire import Item

_PREFIX: Final = "tasks|"
_SHARED: Final = {EVERYTHING, UNASSIGNED}


def creating(task: Task, limits: AccountLimits) -> list[Write]:
    """The writes that count a new task.

    Refused with NotFound or BudgetExceeded by its client, then its campaign, then with BudgetExceeded and LimitExceeded
    by its account; and with MonthBegins.
    """
    amounts = _amounts(counters.change(before=None, after=task))
    reservation, writes = Reservation.of(task), []
    for kind, id_ in (("client", task.client_id), ("campaign", task.campaign_id)):
        if id_:
            count = count_child(task.user_id, id_, amounts, missing=NotFound(kind, id_))
            writes.append(reservation.within(count, Scope(kind, id_)))
    opened, *of_the_hour = account_limits.admit(task, amounts, limits)
    writes += [reservation.within(opened, Scope("account")), *of_the_hour]
    if not task.client_id:
        writes.append(Write(keys.counters(task.user_id, UNASSIGNED), add=amounts))
    return writes


def budgets_exceeded(task: Task, table: Table) -> list[BudgetExceeded]:
    """The budgets that have no room for a new task at this moment, in the order in which `creating` asks them."""
    asked = (Scope("client", task.client_id), Scope("campaign", task.campaign_id), Scope("account"))
    there = (scope for scope in asked if scope.id or scope.kind == "account")
    scopes = {keys.counters(task.user_id, scope.id or EVERYTHING): scope for scope in there}
    found, reservation = table.get_many(scopes), Reservation.of(task)
    refusals = (reservation.exceeded(scope, found.get(key, {})) for key, scope in scopes.items())
    return [refusal for refusal in refusals if refusal]


def moving(before: Task, after: Task) -> list[Write]:
    """The writes that recount a task whose status changed."""
    return _recounted(before, after, counted=after)


def removing(task: Task, settled: Task) -> list[Write]:
    """The writes that recount a task that is no more, and was settled so."""
    return _recounted(task, settled, counted=None)


def _recounted(before: Task, after: Task, *, counted: Task | None) -> list[Write]:
    amounts = _amounts(counters.change(before=before, after=counted))
    scopes = counters.scopes_of(before) if amounts else ()
    ended, held = account_limits.released(before, after), reservations.change(before, after)
    more = {EVERYTHING: held | ended, UNASSIGNED: {}}
    return [_recount(before.user_id, scope, amounts | more.get(scope, held)) for scope in scopes]


def relinking(before: Task, after: Task, *, now: datetime) -> list[Write]:
    """The writes that recount a task which moves to other parents, with what it takes of budgets.

    Refused with NotFound and BudgetExceeded by the client, then the campaign that it enters; and with MonthBegins.
    """
    old, new = (dict(_parents(task)) for task in (before, after))
    reservation, key = Reservation.moving(before, now=now), counter_key_of(before)
    joins, leaves = _amounts({key: 1}), _amounts({key: -1})
    writes = []
    for id_, kind in new.items():
        if id_ in old and kind == "client" and after.campaign_id and after.campaign_id not in old:
            # A campaign's counters outlive those of its client.
            missing = NotFound("campaign", after.campaign_id)
            writes.append(count_child(before.user_id, id_, {}, missing=missing))
        elif id_ not in old and id_ != UNASSIGNED:
            count = count_child(before.user_id, id_, joins, missing=NotFound(kind, id_))
            writes.append(reservation.within(count, Scope(kind, id_)))
        elif id_ not in old:
            writes.append(Write(keys.counters(before.user_id, UNASSIGNED), add=joins))
    for id_ in old.keys() - new.keys():
        count = _recount(before.user_id, id_, leaves)
        writes.append(count if id_ == UNASSIGNED else reservation.leaving(count))
    return writes


def _parents(task: Task) -> list[tuple[str, str]]:
    campaign = [(task.campaign_id, "campaign")] if task.campaign_id else []
    return [(task.client_id or UNASSIGNED, "client"), *campaign]


def settling(before: Task, after: Task) -> list[Write]:
    """The writes that take what a task cost from its budgets when that changes after its end.

    Its parents must be there. One that is gone is no link of the task any more: it must be read again.
    """
    held = reservations.change(before, after)
    if before.cost == after.cost and not held:
        return []
    parents = [parent for parent in (after.client_id, after.campaign_id) if parent]
    return [_recount(after.user_id, scope, held) for scope in ([EVERYTHING] if held else []) + parents]


def counters_from(item: Item | None) -> dict[CounterKey, int]:
    """What the counters of a scope count."""
    counts = ((name, value) for name, value in (item or {}).items() if name.startswith(_PREFIX))
    return {_counter_key(name): int(value) for name, value in counts}


def adding(counts: Mapping[CounterKey, int]) -> dict[str, int]:
    """The amounts that add the counters of one scope to another's."""
    return _amounts(counts)


def _recount(user_id: int, scope: str, amounts: Mapping[str, int]) -> Write:
    if scope in _SHARED:
        return Write(keys.counters(user_id, scope), add=amounts)
    # Counters that are gone were merged into the unassigned: the task must be read again, without that parent.
    return Write(keys.counters(user_id, scope), add=amounts, condition=EXISTS, on_condition_failure=concurrent_update)


def _amounts(change: Mapping[CounterKey, int]) -> dict[str, int]:
    return {_attribute(key): amount for key, amount in change.items()}


def _attribute(key: CounterKey) -> str:
    return _PREFIX + "|".join(key)


def _counter_key(attribute: str) -> CounterKey:
    kind, provider, status = attribute.removeprefix(_PREFIX).split("|")
    return CounterKey(TaskType(kind), provider, TaskStatus(status))
