"""Limits of an account, as conditions of the transaction that creates a task.

Open tasks are counted where all tasks of the account are, in an item that every create and every end of a task writes
anyway. Tasks of an hour are counted in an item of that hour, which DynamoDB removes later. The condition and the count
are one update, so of any number of parallel creates exactly as many commit as there is room for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
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
        quotas=_below(
            OPEN,
            limits.open_tasks,
            f"Your account has {limits.open_tasks} open tasks, which is its limit.",
            retry_after=_OPEN_RETRY_AFTER,
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
        quotas=_below(
            _CREATED,
            limits.tasks_per_hour,
            f"Your account has created {limits.tasks_per_hour} tasks in this hour, which is its limit.",
            retry_after=wait,
        ),
    )


@dataclass(frozen=True)
class Below:
    """A limit on a count, below which there has to be room for `more`."""

    name: str
    limit: int
    detail: str
    retry_after: int
    more: int = 1

    def plus(self, other: "Below") -> "Below":
        """Room for both."""
        return replace(self, more=self.more + other.more)

    def tentatively(self) -> "Below":
        """This one."""
        return self

    def condition(self) -> Condition | None:
        """The count is low enough."""
        if self.more > self.limit:
            return Attr("PK").exists() & Attr("PK").not_exists()
        return Attr(self.name).not_exists() | Attr(self.name).lte(self.limit - self.more)

    def refusal(self, item: Item) -> Exception | None:
        """LimitExceeded."""
        has_room = int(item.get(self.name, 0)) <= self.limit - self.more
        return None if has_room else LimitExceeded(self.detail, retry_after=self.retry_after)


def _below(name: str, limit: int, detail: str, *, retry_after: int) -> dict[str, Below]:
    return {name: Below(name, limit, detail, retry_after)} if limit else {}


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
