"""Limits of an account, as conditions of the transaction that creates a task.

Open tasks are counted where all tasks of the account are, in an item that every create and every end of a task writes
anyway. Tasks of an hour are counted in an item of that hour, which DynamoDB removes later. The condition and the count
are one update, so of any number of parallel creates exactly as many commit as there is room for.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from atelier.domain.account_limits import AccountLimits, HourlyUsage, LimitsUsed, Usage, next_hour
from atelier.domain.counters import EVERYTHING
from atelier.domain.errors import LimitExceeded
from atelier.domain.tasks.record import TaskSummary
from atelier.store import keys
from atelier.store.expressions import Attr, Condition
from atelier.store.table import Write
from atelier.store.wire import Item

OPEN: Final = "open_tasks"
_CREATED: Final = "created"
_OPEN_RETRY_AFTER: Final = 10  # seconds; a task ends within seconds or minutes
_KEPT: Final = timedelta(hours=1)  # after the hour, for whoever looks at the table


def admit(task: TaskSummary, amounts: Mapping[str, int], limits: AccountLimits) -> list[Write]:
    """The writes that count a new task in its account: `amounts` in its counters, and the task in its limits.

    Refused with LimitExceeded when a limit is reached.
    """
    opened = Write(
        keys.counters(task.user_id, EVERYTHING),
        add={**amounts, OPEN: 1},
        condition=_below(OPEN, limits.open_tasks),
        on_condition_failure=lambda _: LimitExceeded(
            f"Your account has {limits.open_tasks} open tasks, which is its limit.", retry_after=_OPEN_RETRY_AFTER
        ),
    )
    return [opened, _created(task, limits)] if limits.tasks_per_hour else [opened]


def _created(task: TaskSummary, limits: AccountLimits) -> Write:
    end = next_hour(task.created_at)
    wait = ceil((end - task.created_at).total_seconds())
    return Write(
        keys.created_in_hour(task.user_id, task.created_at),
        add={_CREATED: 1},
        set={"expires_at": int((end + _KEPT).timestamp())},
        condition=_below(_CREATED, limits.tasks_per_hour),
        on_condition_failure=lambda _: LimitExceeded(
            f"Your account has created {limits.tasks_per_hour} tasks in this hour, which is its limit.",
            retry_after=wait,
        ),
    )


def _below(name: str, limit: int) -> Condition | None:
    return Attr(name).not_exists() | Attr(name).lt(limit) if limit else None


def released(before: TaskSummary, after: TaskSummary) -> dict[str, int]:
    """What the account's counters lose when an open task ends."""
    ends = not before.over and after.over
    return {OPEN: -1} if ends else {}


def limits_used(counters: Item, hour: Item, limits: AccountLimits, *, now: datetime) -> LimitsUsed:
    """The limits of an account, and how much of each is used, from its counters and those of the hour."""
    return LimitsUsed(
        open_tasks=Usage(limit=limits.open_tasks or None, used=int(counters.get(OPEN, 0))),
        tasks_per_hour=HourlyUsage(
            limit=limits.tasks_per_hour or None,
            used=int(hour.get(_CREATED, 0)),
            resets_at=next_hour(now),
        ),
    )
