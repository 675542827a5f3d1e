"""Tasks in the table: created under living parents, moved along their life cycle, listed by owner, client, campaign."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, TypeVar

from atelier.domain.access import Access
from atelier.domain.account_limits import UNLIMITED, AccountLimits
from atelier.domain.campaigns import Campaign, CampaignPage
from atelier.domain.clients import Client, ClientPage
from atelier.domain.errors import FieldError, Invalid, NotFound
from atelier.domain.ids import is_id
from atelier.domain.pending_deletions import PendingDeletions
from atelier.domain.pipeline_ports import TaskChanged
from atelier.domain.task_creation import Parents
from atelier.domain.tasks.queries import TaskQuery
from atelier.domain.tasks.record import DeliveryAttempt, Task, TaskPage, TaskSummary
from atelier.store import counters, idempotency, keys, ledger, reservations, task_items
from atelier.store.account_summary import summary_from
from atelier.store.idempotency import CreateResult, IdempotentRequest
from atelier.store.items import from_item
from atelier.store.resources import Resources
from atelier.store.table import ConcurrentUpdate, Table, Write
from atelier.store.task_lists import list_tasks

AnyTask = TypeVar("AnyTask", bound=TaskSummary)


class Tasks:
    """Tasks. Methods that take `access` act for it: another account's tasks do not exist."""

    def __init__(self, table: Table, limits: Callable[[], AccountLimits] = lambda: UNLIMITED) -> None:
        self._table = table
        self._limits = limits
        self._clients = Resources(table, "client", Client, ClientPage)
        self._campaigns = Resources(table, "campaign", Campaign, CampaignPage)

    def find_replay(
        self, idempotent: IdempotentRequest | None, *, access: Access, now: datetime
    ) -> CreateResult[Task] | None:
        """The task that an earlier request with this key created. Raises IdempotencyKeyReused and NotFound."""
        if idempotent is None:
            return None
        return idempotency.find_replay(
            self._table, access=access, idempotent=idempotent, load=self._loader(access), now=now
        )

    def create(
        self, task: Task, *, access: Access, idempotent: IdempotentRequest | None, now: datetime
    ) -> CreateResult[Task]:
        """Create a task under parents that exist at that very moment, within budgets and the account's limits.

        Raises NotFound, BudgetExceeded and LimitExceeded.
        """
        writes = [*counters.creating(task, self._limits()), *task_items.created(task)]

        def attempt() -> CreateResult[Task]:
            return idempotency.create(
                self._table,
                task,
                writes,
                id_=task.id,
                access=access,
                idempotent=idempotent,
                load=self._loader(access),
                now=now,
            )

        return reservations.within_a_month(attempt, self._table, task.user_id)

    def _loader(self, access: Access) -> Callable[[str], Task]:
        return lambda task_id: self.get(task_id, access=access)

    def get(self, task_id: str, *, access: Access) -> Task:
        """The task as its owner may see it. Raises NotFound."""
        task, pending = self._read(task_id, access=access)
        return pending.unlinked(task)

    def get_summary(self, task_id: str, *, access: Access) -> TaskSummary:
        """As much of the task as lists show, as its owner may see it. Raises NotFound."""
        key, account = keys.task(task_id), keys.summary(access.account)
        found = self._table.get_many([key, account]) if is_id(task_id) else {}
        summary = from_item(TaskSummary, found[key]) if key in found else None
        return summary_from(found.get(account)).pending.unlinked(_owned(summary, task_id, access))

    def kept(self, task_id: str, *, access: Access) -> Task:
        """The stored task, which a change starts from. Raises NotFound."""
        task, _ = self._read(task_id, access=access)
        return task

    def _read(self, task_id: str, *, access: Access) -> tuple[Task, PendingDeletions]:
        account = keys.summary(access.account)
        found = self._table.get_many([*task_items.keys_of(task_id), account]) if is_id(task_id) else {}
        task = _owned(task_items.task_from(found, task_id), task_id, access)
        return task, summary_from(found.get(account)).pending

    def list(self, query: TaskQuery, *, access: Access) -> TaskPage:
        """A page of the user's tasks; what was written within the last second may not be in it yet."""
        return TaskPage(**list_tasks(self._table, query, access.account).envelope(query))

    def load(self, task_id: str) -> Task | None:
        """The stored task of any account, for the pipeline."""
        return task_items.task_from(self._table.get_many(task_items.keys_of(task_id)), task_id)

    def parents(self, client_id: str | None, campaign_id: str | None, *, access: Access) -> Parents:
        """The client and campaign of a new task; a campaign alone implies its client.

        Raises NotFound for one that is not there, and Invalid for a campaign of another client.
        """
        campaign = self._campaigns.get(campaign_id, access=access) if campaign_id is not None else None
        if campaign and client_id not in (None, campaign.client_id):
            raise Invalid([FieldError("belongs to another client", pointer="/campaign_id")])
        client_id = campaign.client_id if campaign else client_id
        client = self._clients.get(client_id, access=access) if client_id is not None else None
        return Parents(client, campaign)

    def change(self, task_id: str, how: Callable[[Task], Task], *, access: Access) -> Task:
        """Change the task as `how` says, if it says so, and return it as its owner may see it.

        Raises NotFound and whatever `how` raises.
        """

        def attempt() -> Task:
            task, pending = self._read(task_id, access=access)
            changed = how(task)
            if changed is not task:
                changed = changed.model_copy(update={"updated_by": access.actor})
                self._move(task, changed)
            return pending.unlinked(changed)

        return self._table.retry_on_conflict(attempt)

    def delete(self, task_id: str, check: Callable[[Task], None], *, access: Access) -> None:
        """Delete the task if `check` lets it pass; the stream has its media removed. Raises NotFound."""

        def attempt() -> None:
            task, pending = self._read(task_id, access=access)
            check(pending.unlinked(task))
            self._table.transact(*task_items.removed(task), *counters.moving(task, None))

        self._table.retry_on_conflict(attempt)

    def move(self, before: Task, after: Task) -> Task:
        """Record a change of status or provider with every count that depends on it. Raises TaskChanged."""
        with _task_changed():
            self._move(before, after)
        return after

    def _move(self, before: Task, after: Task) -> None:
        writes = [*task_items.moved(before, after), *counters.moving(before, after)]
        self._table.transact(*writes, *ledger.booking(before, after))

    def record_outcome(self, before: Task, after: Task) -> Task:
        """Record how the job of a task that is over ended, and book what it cost. Raises TaskChanged."""
        with _task_changed():
            writes = [*task_items.moved(before, after), *counters.settling(before, after)]
            self._table.transact(*writes, *ledger.booking(before, after))
        return after

    def note(self, before: Task, **change: Any) -> Task:
        """Record a change that leaves the status as it is: one write, or a transaction of summary and detail.

        Raises TaskChanged when what it depends on has changed (see `task_items`).
        """
        after = before.changed(**change)
        with _task_changed():
            self._write(task_items.noted(before, after, change))
        return after

    def log_delivery(self, task: Task, delivery: DeliveryAttempt) -> None:
        """Add an attempt to call the task's webhook to what its owner sees, unless the task is gone."""
        with suppress(ConcurrentUpdate):
            self._write(task_items.delivered(task, delivery))

    def _write(self, writes: Sequence[Write]) -> None:
        if len(writes) == 1:
            self._table.write(writes[0])
        else:
            self._table.transact(*writes)


@contextmanager
def _task_changed() -> Iterator[None]:
    try:
        yield
    except ConcurrentUpdate as lost:
        raise TaskChanged from lost


def _owned(task: AnyTask | None, task_id: str, access: Access) -> AnyTask:
    if task is None or task.user_id != access.account:
        raise NotFound("task", task_id)
    return task
