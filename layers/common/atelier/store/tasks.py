"""Tasks in the table: created under living parents, moved along their life cycle, listed by owner, client, campaign."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from atelier.domain.access import Access
from atelier.domain.account_limits import UNLIMITED, AccountLimits
from atelier.domain.campaigns import Campaign, CampaignPage
from atelier.domain.clients import Client, ClientPage
from atelier.domain.errors import BudgetExceeded, FieldError, Forbidden, Invalid, NotFound
from atelier.domain.ids import is_id
from atelier.domain.input_files import FoundInput, InputFile, TaskInput
from atelier.domain.pending_deletions import PendingDeletions
from atelier.domain.pipeline_ports import TaskChanged
from atelier.domain.sharing import CHANGE, MANAGE, READ, Needs
from atelier.domain.task_creation import Parents
from atelier.domain.tasks import life_cycle
from atelier.domain.tasks.organising import organised
from atelier.domain.tasks.queries import TaskQuery
from atelier.domain.tasks.record import DeliveryAttempt, Task, TaskStatus, TaskSummary
from atelier.domain.tasks.requests import TaskPatch
from atelier.store import (
    activity,
    counters,
    deleted_charges,
    idempotency,
    keys,
    ledger,
    reservations,
    task_inputs,
    task_items,
)
from atelier.store.account_summary import summary_from
from atelier.store.changes import Change
from atelier.store.idempotency import CreateResult, IdempotentRequest
from atelier.store.items import from_item, part_to_item, to_item
from atelier.store.keys import Key
from atelier.store.lists import Found
from atelier.store.received import acting_on, grants_in, reach_account, still_granted
from atelier.store.resources import Resources
from atelier.store.table import EXISTS, ConcurrentUpdate, Table, Write, concurrent_update
from atelier.store.task_lists import list_tasks
from atelier.store.wire import Item

R = TypeVar("R")
AnyResource = TypeVar("AnyResource", Client, Campaign)
AnyTask = TypeVar("AnyTask", bound=TaskSummary)


class Tasks:
    """Tasks. Methods that take `access` act for it.

    With access to the actor's own account, tasks below what was shared with the actor are there too. What is neither is
    not there, and what the grant does not allow raises Forbidden.
    """

    def __init__(self, table: Table, limits: Callable[[], AccountLimits] = lambda: UNLIMITED) -> None:
        self._table = table
        self._limits = limits
        self._clients = Resources(table, "client", Client, ClientPage)
        self._campaigns = Resources(table, "campaign", Campaign, CampaignPage)

    def find_replay(
        self, idempotent: IdempotentRequest | None, *, access: Access, now: datetime
    ) -> CreateResult[Task] | None:
        """The task that an earlier request with this key created. Raises IdempotencyKeyReused and NotFound."""
        return idempotency.find_replay(
            self._table, access=access, idempotent=idempotent, load=self._loader(access), now=now
        )

    def create(
        self, task: Task, *, access: Access, idempotent: IdempotentRequest | None, now: datetime
    ) -> CreateResult[Task]:
        """Create a task under parents that exist at that very moment, within budgets and the account's limits.

        Raises NotFound, BudgetExceeded and LimitExceeded.
        """
        writes = list(self.creating(task, access=access).writes)

        def attempt() -> CreateResult[Task]:
            return idempotency.create(
                self._table,
                task,
                writes,
                id_=task.id,
                access=access,
                idempotent=idempotent,
                load=self._loader(access.before_grants()),
                now=now,
            )

        return reservations.within_a_month(attempt, self._table, task.user_id)

    def budgets_exceeded(self, task: Task) -> list[BudgetExceeded]:
        """The budgets that would refuse to have this task created now, in the order in which they are asked."""
        return counters.budgets_exceeded(task, self._table)

    def creating(self, task: Task, *, access: Access) -> Change:
        """The change that creates a task; its writes are refused as `create` says, and with MonthBegins."""
        counted = counters.creating(task, self._limits())
        demanded = task_inputs.demanded(self._table, task) if task.inputs else []
        also = task_inputs.seen_by(self._table, task, access) if task.inputs else []
        created = task_items.created(task, access.request_id)
        return Change([*still_granted(access, *also), *counted, *created, *demanded], task)

    def retry_on_conflict(self, attempt: Callable[[], R]) -> R:
        """Repeat what finds the parents of a new task and then creates it, when a grant changed in between."""
        return self._table.retry_on_conflict(attempt)

    def _loader(self, access: Access) -> Callable[[str], Task]:
        return lambda task_id: self.get(task_id, access=access)

    def get(self, task_id: str, *, access: Access) -> Task:
        """The task as its readers may see it. Raises NotFound."""
        task, pending, _ = self._read(task_id, access, READ)
        return pending.unlinked(task)

    def get_summary(self, task_id: str, *, access: Access) -> TaskSummary:
        """As much of the task as lists show, as its readers may see it. Raises NotFound."""
        key, account = keys.task(task_id), keys.summary(access.account)
        found = self._table.get_many([key, account]) if is_id(task_id) else {}
        summary = from_item(TaskSummary, found[key]) if key in found else None
        task, pending, _ = self._reached(summary, task_id, access, READ, found.get(account))
        return pending.unlinked(task)

    def unseen(self, task_ids: Collection[str], *, access: Access) -> dict[str, NotFound]:
        """Those of these tasks that the actor cannot see (any more). They are read together, 100 a request."""
        account = keys.summary(access.account)
        found = self._table.get_many([*map(keys.task, task_ids), account])
        pending_of, refused = cache(self._pending_of), {}
        for task_id in task_ids:
            item = found.get(keys.task(task_id))
            task = from_item(TaskSummary, item) if item else None
            try:
                self._reached(task, task_id, access, READ, found.get(account), pending_of=pending_of)
            except NotFound as missing:
                refused[task_id] = missing
        return refused

    def get_to_retry(self, task_id: str, *, access: Access) -> tuple[Task, Access]:
        """The task as its readers may see it, and the access to create another one like it. Raises NotFound."""
        task, pending, acting = self._read(task_id, access, CHANGE)
        return pending.unlinked(task), acting

    def kept(self, task_id: str, *, access: Access) -> Task:
        """The stored task, which a change starts from. Raises NotFound."""
        task, _, _ = self._read(task_id, access, READ)
        return task

    def _read(self, task_id: str, access: Access, needs: Needs) -> tuple[Task, PendingDeletions, Access]:
        account = keys.summary(access.account)
        found = self._table.get_many([*task_items.keys_of(task_id), account]) if is_id(task_id) else {}
        task, pending, acting = self._reached(
            task_items.task_from(found, task_id), task_id, access, needs, found.get(account)
        )
        return self._without_deleted_inputs(task), pending, acting

    def _without_deleted_inputs(self, task: Task) -> Task:
        """The task with null in place of the ids of what was deleted after it was used."""
        files = self.present_inputs(task.inputs, task.user_id) if task.inputs else []
        if None not in files:
            return task
        gone = {"asset_id": None, "task_id": None}
        inputs = [each if file else each.model_copy(update=gone) for each, file in zip(task.inputs, files, strict=True)]
        return task.model_copy(update={"inputs": inputs})

    def _pending_of(self, account: int) -> PendingDeletions:
        return summary_from(self._table.get(keys.summary(account))).pending

    def _reached(
        self,
        task: AnyTask | None,
        task_id: str,
        access: Access,
        needs: Needs,
        summary: Item | None,
        *,
        pending_of: Callable[[int], PendingDeletions] | None = None,
    ) -> tuple[AnyTask, PendingDeletions, Access]:
        """The task, its account's pending deletions and the access to it; `summary` is that of the access's account.

        `pending_of` is for who asks for many tasks of an account. Raises NotFound and Forbidden.
        """
        if task is not None and task.user_id == access.account:
            return task, summary_from(summary).pending, access
        if task is None or not access.is_own:
            raise NotFound("task", task_id)
        grants = [each for each in grants_in(summary, access) if each.account == task.user_id]
        if not any(each.covers("task", vars(task)) for each in grants):
            raise NotFound("task", task_id)
        # Only who may see the task, were its parents there, has the account looked at: nobody else notices that it is.
        pending = (pending_of or self._pending_of)(task.user_id)
        acting = acting_on(
            "task", vars(pending.unlinked(task)), account=task.user_id, grants=grants, access=access, needs=needs
        )
        if acting is None:
            raise NotFound("task", task_id)
        return task, pending, acting

    def input_files(self, inputs: Sequence[TaskInput], *, access: Access, account: int) -> "list[FoundInput]":
        """The files that a request of this access names for a task of an account: each, or why it cannot be used."""
        if not inputs:
            return []
        found = self._table.get_many([keys.summary(access.account), *_sources(inputs, account)])

        def file_of(number: int, named: TaskInput) -> FoundInput:
            try:
                if named.asset_id is not None:
                    return self._asset_file(found, named.asset_id, access, account)
                return self._output_file(found, named, access, account)
            except NotFound as missing:
                wrong = FieldError(str(missing), pointer="asset_id" if named.asset_id else "task_id")
            except Invalid as refused:
                (wrong,) = refused.field_errors
            return replace(wrong, pointer=f"/inputs/{number}/{wrong.pointer}")

        return [file_of(number, each) for number, each in enumerate(inputs)]

    def _output_file(self, found: Mapping[Key, Item], named: TaskInput, access: Access, account: int) -> InputFile:
        id_ = named.task_id or ""
        item = found.get(keys.task(id_)) if is_id(id_) else None
        summary, own = from_item(TaskSummary, item) if item else None, found.get(keys.summary(access.account))
        source, _, _ = self._reached(summary, id_, access, READ, own)
        if source.user_id != account:
            raise Invalid([FieldError("belongs to another account", pointer="task_id")])
        if source.status is not TaskStatus.SUCCEEDED:
            text = f"is {source.status}; only a task that succeeded has outputs"
            raise Invalid([FieldError(text, pointer="task_id")])
        file = source.output_file(named.output or 0)
        if file is None:
            text = f"is none of the {len(source.outputs)} outputs of the task, counted from 0"
            raise Invalid([FieldError(text, pointer="output")])
        return file

    def _asset_file(self, found: Mapping[Key, Item], id_: str, access: Access, account: int) -> InputFile:
        item = found.get(keys.resource(account, "asset", id_)) if is_id(id_) else None
        pending = summary_from(found.get(keys.summary(account))).pending
        if item is None or pending.hides("asset", item):
            raise NotFound("asset", id_)
        grants = grants_in(found.get(keys.summary(access.account)), access)
        covered = any(each.account == account and each.covers("asset", item) for each in grants)
        if account != access.account and not covered:
            raise NotFound("asset", id_)
        file = _file_of_asset(item)
        if file is None:
            raise Invalid([FieldError(f"is {item['status']}, not ready", pointer="asset_id")])
        return file

    def present_inputs(self, inputs: Sequence[TaskInput], account: int) -> "list[InputFile | None]":
        """The files of the inputs of an account's task as they are now; None for what was deleted."""
        found = self._table.get_many(_sources(inputs, account))
        pending = summary_from(found.get(keys.summary(account))).pending

        def file_of(named: TaskInput) -> InputFile | None:
            if named.asset_id is not None:
                asset = found.get(keys.resource(account, "asset", named.asset_id))
                return _file_of_asset(asset) if asset and not pending.hides("asset", asset) else None
            task = found.get(keys.task(named.task_id)) if named.task_id else None
            source = from_item(TaskSummary, task) if task else None
            return source.output_file(named.output or 0) if source and source.user_id == account else None

        return [file_of(each) for each in inputs]

    def list(self, query: TaskQuery, *, access: Access) -> Found:
        """The summaries of a page of the user's tasks; one written within the last second may not be in it yet."""
        return list_tasks(self._table, query, access)

    def load(self, task_id: str) -> Task | None:
        """The stored task of any account, for the pipeline."""
        return task_items.task_from(self._table.get_many(task_items.keys_of(task_id)), task_id)

    def parents(
        self, client_id: str | None, campaign_id: str | None, *, access: Access, account: int | None = None
    ) -> tuple[Parents, Access]:
        """The client and campaign of a new task, and the access to create it; a campaign alone implies its client.

        `account` is the one to create it in, where that is said. Raises NotFound for what is not there, Forbidden for
        what only may be seen, and Invalid for a campaign of another client.
        """
        acting = access if account is None else reach_account(self._table, account, access=access, needs=CHANGE)
        campaign, acting = self._parent(self._campaigns, campaign_id, acting)
        if campaign and client_id not in (None, campaign.client_id):
            raise Invalid([FieldError("belongs to another client", pointer="/campaign_id")])
        client, acting = self._parent(self._clients, campaign.client_id if campaign else client_id, acting)
        return Parents(client, campaign), acting

    def _parent(
        self, resources: Resources[AnyResource], id_: str | None, access: Access
    ) -> tuple[AnyResource | None, Access]:
        if id_ is None:
            return None, access
        return resources.get_by(id_, access=access, needs=CHANGE)

    def change(self, task_id: str, how: Callable[[Task], Task], *, access: Access) -> Task:
        """Change the task as `how` says, if it says so, and return it as its owner may see it.

        Raises NotFound and whatever `how` raises.
        """

        def attempt() -> Task:
            change = self.changing(task_id, how, access=access)
            if change.writes:
                self._table.transact(*change.writes)
            task: Task = change.record
            return task

        return self._table.retry_on_conflict(attempt)

    def changing(self, task_id: str, how: Callable[[Task], Task], *, access: Access) -> Change:
        """The change that `how` makes. Raises as `change` does, and its writes ConcurrentUpdate."""
        task, pending, acting = self._read(task_id, access, CHANGE)
        changed = how(task)
        if changed is task:
            return Change((), pending.unlinked(task))
        changed = changed.model_copy(update={"updated_by": access.actor})
        return Change(
            self._moved(task, changed, *still_granted(acting), request_id=access.request_id), pending.unlinked(changed)
        )

    def patch(
        self, task_id: str, patch: TaskPatch, check: Callable[[Task], None], *, access: Access, now: datetime
    ) -> Task:
        """Change what the caller organises tasks by, if `check` lets it pass; a move is the same transaction.

        Raises NotFound, Forbidden, Invalid, BudgetExceeded, and what `check` raises.
        """

        def attempt() -> Task:
            change = self.patching(task_id, patch, check, access=access, now=now)
            task: Task = change.record
            if change.writes:
                reservations.within_a_month(lambda: self._table.transact(*change.writes), self._table, task.user_id)
            return task

        return self._table.retry_on_conflict(attempt)

    def patching(
        self, task_id: str, patch: TaskPatch, check: Callable[[Task], None], *, access: Access, now: datetime
    ) -> Change:
        """The change that applies a patch. Raises as `patch` does, and its writes ConcurrentUpdate and MonthBegins."""
        task, pending, acting = self._read(task_id, access, CHANGE)
        seen = pending.unlinked(task)
        check(seen)
        links, also = self._destination(seen, patch, acting, access)
        changes = organised(seen, patch) | links
        if not changes:
            return Change((), seen)
        after = task.changed(**changes, updated_at=now, updated_by=access.actor)
        writes = [*still_granted(acting, also), *task_items.moved(task, after, access.request_id)]
        if links:
            writes += [*counters.relinking(task, after, now=now), *ledger.booking(task, after)]
        return Change(writes, pending.unlinked(after))

    def _destination(
        self, seen: Task, patch: TaskPatch, acting: Access, access: Access
    ) -> tuple[dict[str, str | None], Access]:
        """The links of a task after a patch, if they change, and the access by which it may be there."""
        client_id, campaign_id = self._links(seen, patch, access)
        if (client_id, campaign_id) == (seen.client_id, seen.campaign_id):
            return {}, acting
        links = {"client_id": client_id, "campaign_id": campaign_id}
        if acting.grant is not None:
            grants = grants_in(self._table.get(keys.summary(access.actor)), access)
            fields = {**vars(seen), **links}
            there = acting_on("task", fields, account=seen.user_id, grants=grants, access=access, needs=CHANGE)
            if there is None:
                raise Forbidden("The task would leave what is shared with you.")
            acting = there
        return links | {f"booked_{name}": id_ for name, id_ in links.items()}, acting

    def _links(self, seen: Task, patch: TaskPatch, access: Access) -> tuple[str | None, str | None]:
        """The client and campaign that a patch asks for. Raises NotFound, Forbidden and Invalid."""
        sent = patch.model_fields_set
        if "campaign_id" in sent and patch.campaign_id is not None:
            campaign, _ = self._campaigns.get_by(patch.campaign_id, access=access, needs=CHANGE)
            if campaign.user_id != seen.user_id:
                raise Invalid([FieldError("belongs to another account", pointer="/campaign_id")])
            if "client_id" in sent and patch.client_id != campaign.client_id:
                raise Invalid([FieldError("belongs to another client", pointer="/campaign_id")])
            return campaign.client_id, campaign.id
        if "client_id" not in sent or patch.client_id == seen.client_id:
            return seen.client_id, None if "campaign_id" in sent else seen.campaign_id
        if patch.client_id is not None:
            client, _ = self._clients.get_by(patch.client_id, access=access, needs=CHANGE)
            if client.user_id != seen.user_id:
                raise Invalid([FieldError("belongs to another account", pointer="/client_id")])
        return patch.client_id, None

    def correct(self, task_id: str, how: Callable[[Task], Task], *, access: Access) -> Task:
        """Change what a task cost as `how` says, if it says so, with the ledger and its budgets.

        Returns it as its owner may see it. Raises NotFound, Forbidden and whatever `how` raises.
        """

        def attempt() -> Task:
            task, pending, acting = self._read(task_id, access, MANAGE)
            corrected = how(task)
            if corrected is not task:
                corrected = corrected.model_copy(update={"updated_by": access.actor})
                self._settle(task, corrected, *still_granted(acting), request_id=access.request_id)
            return pending.unlinked(corrected)

        return self._table.retry_on_conflict(attempt)

    def resend_webhook(self, task_id: str, *, access: Access, now: datetime) -> Task:
        """Have the webhook of an ended task sent once more. Raises NotFound, Forbidden and IllegalTransition."""

        def attempt() -> Task:
            task, pending, acting = self._read(task_id, access, CHANGE)
            resent = life_cycle.resent(task, now=now)
            self._write([*still_granted(acting), *task_items.moved(task, resent, access.request_id)])
            return pending.unlinked(resent)

        return self._table.retry_on_conflict(attempt)

    def delete(self, task_id: str, check: Callable[[Task], None], *, access: Access) -> None:
        """Delete the task if `check` lets it pass; the worker removes its media and stops its job. Raises NotFound.

        What its job may still cost is booked at what it reserved (see `release_deleted`).
        """

        def attempt() -> None:
            self._table.transact(*self.deleting(task_id, check, access=access).writes)

        self._table.retry_on_conflict(attempt)

    def deleting(self, task_id: str, check: Callable[[Task], None], *, access: Access) -> Change:
        """The change that deletes a task. Raises as `delete` does, and its writes ConcurrentUpdate."""
        task, pending, acting = self._read(task_id, access, CHANGE)
        seen = pending.unlinked(task)
        check(seen)
        item = part_to_item(seen, TaskSummary)
        settled = life_cycle.settled(task, now=access.at)
        booked = ledger.booking(task, settled) if task.over or task.sent else []
        writes = [
            *still_granted(acting),
            *task_items.removed(task, now=access.at),
            *counters.removing(task, settled),
            *booked,
            *deleted_charges.kept(task, settled),
            activity.removed("task", item, acting, now=access.at),
        ]
        return Change(writes, None)

    def release_deleted(self, account: int, task_id: str) -> None:
        """The job of a deleted task has cost nothing: what was booked for it is taken back, once."""
        deleted_charges.release(self._table, account, task_id)

    def move(self, before: Task, after: Task) -> Task:
        """Record a change of status or provider with every count that depends on it. Raises TaskChanged."""
        with _task_changed():
            self._table.transact(*self._moved(before, after))
        return after

    def _moved(self, before: Task, after: Task, *conditions: Write, request_id: str | None = None) -> Sequence[Write]:
        counted = [*task_items.moved(before, after, request_id), *counters.moving(before, after)]
        return [*conditions, *counted, *ledger.booking(before, after)]

    def record_outcome(self, before: Task, after: Task) -> Task:
        """Record how the job of a task that is over ended, and book what it cost. Raises TaskChanged."""
        with _task_changed():
            self._settle(before, after)
        return after

    def _settle(self, before: Task, after: Task, *conditions: Write, request_id: str | None = None) -> None:
        writes = [*conditions, *task_items.moved(before, after, request_id), *counters.settling(before, after)]
        self._table.transact(*writes, *ledger.booking(before, after))

    def note(self, before: Task, **change: Any) -> Task:
        """Record a change that leaves the status as it is: one write, or a transaction of summary and detail.

        Raises TaskChanged when what it depends on has changed (see `task_items`).
        """
        after = before.changed(**change)
        with _task_changed():
            self._write(task_items.noted(before, after, change))
        return after

    def load_deleted(self, user_id: int, task_id: str) -> Task | None:
        """What is kept of a deleted task until nothing is left to be done for it."""
        item = self._table.get(keys.deleted_task(user_id, task_id))
        return task_items.deleted_from(item) if item else None

    def note_deleted(self, task: Task, **change: Any) -> None:
        """Record a change of what is kept of a deleted task. Raises TaskChanged when nothing is kept any more."""
        item = to_item(task.model_copy(update=change))
        change = {name: item[name] for name in change}
        key = keys.deleted_task(task.user_id, task.id)
        with _task_changed():
            self._table.write(Write(key, set=change, condition=EXISTS, on_condition_failure=concurrent_update))

    def forget_deleted(self, task: Task) -> None:
        """Nothing is left to be done for a deleted task."""
        self._table.write(Write(keys.deleted_task(task.user_id, task.id), delete=True))

    def log_delivery(self, task: Task, delivery: DeliveryAttempt) -> None:
        """Add an attempt to call the task's webhook to what its owner sees, unless the task is gone."""
        try:
            self._write(task_items.delivered(task, delivery))
        except ConcurrentUpdate:
            # It was asked to be sent again meanwhile, or is gone.
            with suppress(ConcurrentUpdate):
                if current := self.load(task.id):
                    self._write(task_items.delivered(current, delivery))

    def _write(self, writes: Sequence[Write]) -> None:
        if len(writes) == 1:
            self._table.write(writes[0])
        else:
            self._table.transact(*writes)


def _sources(inputs: Sequence[TaskInput], account: int) -> list[Key]:
    """Where what inputs name is, and what says whether an asset is still there."""
    tasks = [keys.task(each.task_id) for each in inputs if each.task_id and is_id(each.task_id)]
    assets = [
        keys.resource(account, "asset", each.asset_id) for each in inputs if each.asset_id and is_id(each.asset_id)
    ]
    return [*tasks, *assets, *([keys.summary(account)] if assets else [])]


def _file_of_asset(item: Item) -> InputFile | None:
    from atelier.domain.assets import Asset  # noqa: PLC0415 - few tasks have any

    return from_item(Asset, item).input_file()


@contextmanager
def _task_changed() -> Iterator[None]:
    try:
        yield
    except ConcurrentUpdate as lost:
        raise TaskChanged from lost
