"""Tasks in the table: created under living parents, moved along their life cycle, listed by owner, client, campaign."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from atelier.domain.access import Access
from atelier.domain.errors import FieldError, Invalid, NotFound
from atelier.domain.ids import is_id
from atelier.domain.pipeline_ports import TaskChanged
from atelier.domain.schema import format_timestamp
from atelier.domain.task_creation import Parents
from atelier.domain.tasks.queries import TaskQuery
from atelier.domain.tasks.record import DeliveryAttempt, Task, TaskPage
from atelier.store import counters, idempotency, keys
from atelier.store.account_summary import summary_from
from atelier.store.campaigns import Campaigns
from atelier.store.clients import Clients
from atelier.store.expressions import Attr, Condition
from atelier.store.idempotency import CreateResult, IdempotentRequest
from atelier.store.items import from_item, to_item
from atelier.store.table import EXISTS, MISSING, ConcurrentUpdate, Table, Write, concurrent_update
from atelier.store.task_lists import list_tasks
from atelier.store.wire import Item


class Tasks:
    """Tasks. Methods that take `access` act for it: another account's tasks do not exist."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._clients = Clients(table)
        self._campaigns = Campaigns(table)

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
        """Create a task under parents that exist at that very moment. Raises NotFound for others."""
        writes = [*counters.creating(task), _put(task, condition=MISSING)]
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

    def _loader(self, access: Access) -> Callable[[str], Task]:
        return lambda task_id: self.get(task_id, access=access)

    def get(self, task_id: str, *, access: Access) -> Task:
        """The task as its owner may see it. Raises NotFound."""
        key, summary = keys.task(task_id), keys.summary(access.account)
        found = self._table.get_many([key, summary]) if is_id(task_id) else {}
        task = _owned(found.get(key), task_id, access)
        return summary_from(found.get(summary)).pending.unlinked(task)

    def kept(self, task_id: str, *, access: Access) -> Task:
        """The stored task, which a change starts from. Raises NotFound."""
        item = self._table.get(keys.task(task_id)) if is_id(task_id) else None
        return _owned(item, task_id, access)

    def list(self, query: TaskQuery, *, access: Access) -> TaskPage:
        """A page of the user's tasks; what was written within the last second may not be in it yet."""
        return TaskPage(**list_tasks(self._table, query, access.account).envelope(query))

    def load(self, task_id: str) -> Task | None:
        """The stored task of any account, for the pipeline."""
        item = self._table.get(keys.task(task_id))
        return from_item(Task, item) if item else None

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

        def attempt() -> None:
            task = self.kept(task_id, access=access)
            changed = how(task)
            if changed is not task:
                self._move(task, changed.model_copy(update={"updated_by": access.actor}))

        self._table.retry_on_conflict(attempt)
        return self.get(task_id, access=access)

    def delete(self, task_id: str, check: Callable[[Task], None], *, access: Access) -> None:
        """Delete the task if `check` lets it pass; the stream has its media removed. Raises NotFound."""

        def attempt() -> None:
            task = self.kept(task_id, access=access)
            check(self.get(task_id, access=access))
            gone = Write(
                keys.task(task.id), delete=True, condition=_as_read(task), on_condition_failure=concurrent_update
            )
            self._table.transact(gone, *counters.moving(task, None))

        self._table.retry_on_conflict(attempt)

    def move(self, before: Task, after: Task) -> Task:
        """Record a change of status or provider with every count that depends on it. Raises TaskChanged."""
        with _task_changed():
            self._move(before, after)
        return after

    def _move(self, before: Task, after: Task) -> None:
        writes = [_put(after, condition=_as_read(before)), *counters.moving(before, after)]
        if after.over:
            writes.append(counters.spending(after, now=after.updated_at))
        self._table.transact(*writes)

    def record_outcome(self, before: Task, after: Task) -> Task:
        """Record how the job of a task that is over ended, and add what it cost to the usage. Raises TaskChanged."""
        with _task_changed():
            self._table.transact(_put(after, condition=_as_read(before)), *counters.settling(before, after))
        return after

    def note(self, before: Task, **change: Any) -> Task:
        """Record a change that leaves the status as it is. Raises TaskChanged.

        It holds as long as status, step and lease are as they were read: a parent that went away in the meantime is no
        reason to forget what the provider said.
        """
        after = before.model_copy(update={**change, "version": before.version + 1})
        kept = to_item(after)
        write = Write(
            keys.task(after.id),
            set={name: kept[name] for name in change if name in kept},
            remove=[name for name in change if name not in kept],
            add={"version": 1},
            condition=_same_step(before),
            on_condition_failure=concurrent_update,
        )
        with _task_changed():
            self._table.write(write)
        return after

    def log_delivery(self, task_id: str, delivery: DeliveryAttempt) -> None:
        """Add an attempt to call the task's webhook to what its owner sees, unless the task is gone."""
        longer = {"webhook_deliveries": [to_item(delivery)]}
        write = Write(
            keys.task(task_id),
            append=longer,
            add={"version": 1},
            condition=EXISTS,
            on_condition_failure=concurrent_update,
        )
        with suppress(ConcurrentUpdate):
            self._table.write(write)


@contextmanager
def _task_changed() -> Iterator[None]:
    try:
        yield
    except ConcurrentUpdate as lost:
        raise TaskChanged from lost


def _same_step(task: Task) -> Condition:
    lease = Attr("lease_until")
    same_lease = lease.eq(format_timestamp(task.lease_until)) if task.lease_until else lease.not_exists()
    return Attr("status").eq(task.status) & Attr("step").eq(task.step) & same_lease


def _as_read(task: Task) -> Condition:
    return EXISTS & Attr("version").eq(task.version)


def _owned(item: Item | None, task_id: str, access: Access) -> Task:
    if item is None or item["user_id"] != access.account:
        raise NotFound("task", task_id)
    return from_item(Task, item)


def _put(task: Task, *, condition: Condition) -> Write:
    item = to_item(task, **keys.task_indexes(task))
    return Write(keys.task(task.id), put=item, condition=condition, on_condition_failure=concurrent_update)
