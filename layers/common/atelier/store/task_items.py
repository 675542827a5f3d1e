"""A task as two items of one partition: the summary, which lists show, and the detail beside it.

The three task indexes project whole summaries, so that a write of one is paid up to three times more. What no list
shows and what every poll changes is in the detail, which is in no index. Each item has a version of its own, and a
write demands of each item what it depends on:

- A transition demands the summary's version, so also the links as they were read. It writes the detail only when
  something of it changes.
- A note of the pipeline demands the detail's version, which rises with every step: no other worker was faster. Where it
  changes what callers see, it demands the status and the job as well, and not the version: a parent that went away in
  the meantime is no reason to forget what the provider said.
- A change of the lease demands all of that: whoever takes the lease goes on to pay a provider.

The summary is also what stands in the index of due work, as long as there is work left to do for the task: it is in
every transaction that begins or ends some.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel

from atelier.domain.due import LATE_AFTER, deleted, first_look
from atelier.domain.schema import format_timestamp
from atelier.domain.tasks.record import DeliveryAttempt, Task, TaskDetail, TaskSummary
from atelier.store import keys
from atelier.store.expressions import Attr, Condition
from atelier.store.items import from_item, from_parts, part_to_item, to_item
from atelier.store.keys import Key
from atelier.store.table import EXISTS, MISSING, Write, concurrent_update
from atelier.store.wire import Item

_VERSION: Final = {TaskSummary: "version", TaskDetail: "detail_version"}


def keys_of(task_id: str) -> tuple[Key, Key]:
    """Where a task's summary and detail are."""
    return keys.task(task_id), keys.task_detail(task_id)


def task_from(found: Mapping[Key, Item], task_id: str) -> Task | None:
    """The task, of the items that were found; None where one is missing, because it is just coming or going."""
    summary, detail = (found.get(key) for key in keys_of(task_id))
    return from_parts(Task, {TaskDetail: detail, TaskSummary: summary}) if summary and detail else None


def deleted_from(item: Item) -> Task:
    """What is kept of a deleted task."""
    return from_item(Task, {**item, "updated_by": item["created_by"]})


# ---------------------------------------------------------------------------------------------------------- writes


def created(task: Task, request_id: str) -> list[Write]:
    """The writes of a new task."""
    return [_put(task, TaskSummary, MISSING, request_id), _put(task, TaskDetail, MISSING)]


def moved(before: Task, after: Task, request_id: str | None = None) -> list[Write]:
    """The writes that replace a task by its next version, which says by which request; None is the pipeline."""
    writes = [_put(after, TaskSummary, _same_summary(before), request_id)]
    if after.detail_version != before.detail_version:
        writes.append(_put(after, TaskDetail, _same_detail(before)))
    elif after.over and not (before.over or before.sent):
        # It costs nothing, because nobody has been asked: nor is being asked at this moment.
        writes.append(_write(keys.task_detail(before.id), condition=EXISTS & Attr("lease_until").not_exists()))
    elif after.over and not before.over and before.provider_task_id is None:
        # It may have been charged, as long as nobody learns at this moment that it was not accepted.
        writes.append(_write(keys.task_detail(before.id), condition=EXISTS & Attr("lease_until").exists()))
    return writes


def noted(before: Task, after: Task, change: Iterable[str]) -> list[Write]:
    """The writes that change these fields of a task, and leave alone what others write."""
    writes = []
    if after.version != before.version:
        writes.append(_update(after, TaskSummary, change, _same_job(before)))
    elif "lease_until" in change:
        writes.append(_write(keys.task(after.id), condition=_same_job(before)))
    if after.detail_version != before.detail_version:
        writes.append(_update(after, TaskDetail, change, _same_detail(before)))
    return writes


def removed(task: Task, *, now: datetime) -> list[Write]:
    """The writes that delete a task which is still as it was read. What is left to be done for it is due."""
    summary, detail = keys_of(task.id)
    left = to_item(deleted(task, now=now), **keys.due_place(task.id, now + LATE_AFTER))
    del left["updated_by"]  # what has one is a resource, whose changes are in the activity log
    return [
        _write(keys.deleted_task(task.user_id, task.id), put=left),
        _write(summary, delete=True, condition=_same_summary(task)),
        _write(detail, delete=True, condition=_same_detail(task)),
    ]


def delivered(task: Task, delivery: DeliveryAttempt) -> list[Write]:
    """The writes that add an attempt to call a task's webhook. After the last one no work is due any more."""
    attempt = {"webhook_deliveries": [to_item(delivery)]}
    writes = [_write(keys.task_detail(task.id), append=attempt, add={"detail_version": 1}, condition=EXISTS)]
    after = task.model_copy(update={"webhook_deliveries": [*task.webhook_deliveries, delivery]})
    if first_look(task) and not first_look(after):
        writes.append(_write(keys.task(task.id), remove=keys.DUE, condition=_same_delivery(task)))
    return writes


def _put(task: Task, part: type[BaseModel], condition: Condition, request_id: str | None = None) -> Write:
    places = {**keys.task_indexes(task), **keys.due_place(task.id, first_look(task))} if part is TaskSummary else {}
    by = {} if request_id is None else {"request_id": request_id}
    return _write(_key(task.id, part), put=part_to_item(task, part, **places, **by), condition=condition)


def _update(task: Task, part: type[BaseModel], change: Iterable[str], condition: Condition) -> Write:
    item, version = part_to_item(task, part), _VERSION[part]
    names = [name for name in change if name in part.model_fields]
    return _write(
        _key(task.id, part),
        set={name: item[name] for name in names if name in item},
        remove=[name for name in names if name not in item],
        add={version: 1},
        condition=condition,
    )


def _write(key: Key, **how: Any) -> Write:
    return Write(key, on_condition_failure=concurrent_update, **how)


def _key(task_id: str, part: type[BaseModel]) -> Key:
    return keys.task(task_id) if part is TaskSummary else keys.task_detail(task_id)


# ------------------------------------------------------------------------------------------------------ conditions


def _same_summary(task: Task) -> Condition:
    return EXISTS & Attr("version").eq(task.version)


def _same_detail(task: Task) -> Condition:
    return EXISTS & Attr("detail_version").eq(task.detail_version)


def _same_delivery(task: Task) -> Condition:
    resent = Attr("webhook_resent_at")
    at = task.webhook_resent_at
    return EXISTS & (resent.eq(format_timestamp(at)) if at else resent.not_exists())


def _same_job(task: Task) -> Condition:
    job = Attr("provider_task_id")
    same_job = job.eq(task.provider_task_id) if task.provider_task_id else job.not_exists()
    return Attr("status").eq(task.status) & same_job
