"""Counters of tasks: what a change of a task does to them, and what lists read from them."""

from collections.abc import Mapping
from typing import Final

from atelier.domain import counters
from atelier.domain.account_limits import AccountLimits
from atelier.domain.counters import EVERYTHING, CounterKey
from atelier.domain.errors import NotFound
from atelier.domain.schema import UNASSIGNED
from atelier.domain.tasks.record import Task, TaskStatus, TaskType
from atelier.store import account_limits, keys
from atelier.store.parents import count_child
from atelier.store.table import EXISTS, Write, concurrent_update
from atelier.store.wire import Item

_PREFIX: Final = "tasks|"
_SHARED: Final = {EVERYTHING, UNASSIGNED}


def creating(task: Task, limits: AccountLimits) -> list[Write]:
    """The writes that count a new task.

    Refused with NotFound when its client or campaign is not there, then with LimitExceeded.
    """
    amounts = _amounts(counters.change(before=None, after=task))
    writes = []
    if task.client_id:
        missing = NotFound("client", task.client_id)
        writes.append(count_child(task.user_id, task.client_id, amounts, missing=missing))
    if task.campaign_id:
        missing = NotFound("campaign", task.campaign_id)
        writes.append(count_child(task.user_id, task.campaign_id, amounts, missing=missing))
    writes += account_limits.admit(task, amounts, limits)
    if not task.client_id:
        writes.append(Write(keys.counters(task.user_id, UNASSIGNED), add=amounts))
    return writes


def moving(before: Task, after: Task | None) -> list[Write]:
    """The writes that recount a task whose status changed, or that is no more (None)."""
    amounts = _amounts(counters.change(before=before, after=after))
    scopes = counters.scopes_of(before) if amounts else ()
    ended = {EVERYTHING: account_limits.released(before, after)}
    return [_recount(before.user_id, scope, amounts | ended.get(scope, {})) for scope in scopes]


def settling(before: Task, after: Task) -> list[Write]:
    """The writes that demand a task's parents to be there when what it cost changes after its end.

    One that is gone is no link of the task any more: it must be read again.
    """
    if before.cost == after.cost:
        return []
    parents = (parent for parent in (after.client_id, after.campaign_id) if parent)
    return [
        Write(keys.counters(after.user_id, each), condition=EXISTS, on_condition_failure=concurrent_update)
        for each in parents
    ]


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
