"""Batches of generations and of tasks."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache, partial
from http import HTTPStatus
from secrets import token_urlsafe
from typing import Any

from atelier.domain.access import Access
from atelier.domain.batches import TaskItem, check_item
from atelier.domain.errors import FieldError, Invalid
from atelier.domain.input_files import FoundInput, TaskInput
from atelier.domain.task_creation import BODIES, GenerationContext, Parents, TaskIdentity, new_retry, new_task
from atelier.domain.tasks.life_cycle import cancel
from atelier.domain.tasks.record import Task, TaskType
from atelier.domain.tasks.requests import NewTask, TaskPatch, TaskRetry
from atelier.store.batches import Operation
from atelier.store.changes import Change
from atelier.store.tasks import Tasks
from atelier.web.batches import Kind, Read
from atelier.web.tasks import changed_by, precondition
from atelier.web.validation import model_of


def of_generations(store: Tasks, generation_context: GenerationContext, access: Access, _: datetime) -> Kind:
    """Batches of generations. Clients, campaigns and inputs that several items name are read once."""
    parents: dict[tuple[str | None, str | None, int | None], tuple[Parents, Access]] = {}

    def found(new: NewTask) -> tuple[Parents, Access]:
        named = (new.client_id, new.campaign_id, new.user_id)
        if named not in parents:
            parents[named] = store.parents(new.client_id, new.campaign_id, access=access, account=new.user_id)
        return parents[named]

    @cache
    def files_of(inputs: tuple[TaskInput, ...], account: int) -> list[FoundInput]:
        return store.input_files(inputs, access=access, account=account)

    def prepare(new: NewTask, identity: TaskIdentity) -> Change:
        above, acting = found(new)
        files = files_of(tuple(new.inputs), acting.account)
        task = new_task(new, above, generation_context, files, identity=identity, access=acting)
        return store.creating(task, access=acting)

    def forget() -> None:
        parents.clear()
        files_of.cache_clear()

    def read(fields: Mapping[str, Any], new_id: str, now: datetime) -> Read:
        type_ = fields.get("type")
        if type_ not in list(TaskType):
            raise Invalid([FieldError(f"must be one of {', '.join(TaskType)}", pointer="/type")])
        new = model_of(BODIES[TaskType(type_)], {name: value for name, value in fields.items() if name != "type"})
        identity = TaskIdentity(new_id, token_urlsafe(24), now)
        return Read(Operation(lambda _: prepare(new, identity), new_id, creates=True), HTTPStatus.ACCEPTED)

    return Kind(read, partial(_get, store, access), forget=forget)


def of_matrix(store: Tasks, generation_context: GenerationContext, access: Access, now: datetime) -> Kind:
    """The tasks of a matrix: as many bodies as it has tasks would not fit into an answer."""
    return replace(of_generations(store, generation_context, access, now), gone=partial(store.unseen, access=access))


def of_tasks(
    store: Tasks,
    generation_context: GenerationContext,
    access: Access,
    now: datetime,
    *,
    ended: Callable[..., object],
) -> Kind:
    """Batches of tasks. `ended` is called with each task that was canceled, and `now`."""

    def retry(id_: str, changes: TaskRetry, identity: TaskIdentity) -> Change:
        task, acting = store.get_to_retry(id_, access=access)
        above, _ = store.parents(task.client_id, task.campaign_id, access=acting)
        new = changed_by(changes, task)
        files = store.input_files(new.inputs if new else task.inputs, access=access, account=acting.account)
        again = new_retry(task, above, generation_context, files, identity=identity, access=acting, new=new)
        return store.creating(again, access=acting)

    def read(fields: Mapping[str, Any], new_id: str, moment: datetime) -> Read:
        item = model_of(TaskItem, fields)
        check_item(item)
        id_, check = item.id or "", precondition(item.if_match, now=now)
        match item.op:
            case "update":
                change = partial(store.patching, id_, model_of(TaskPatch, item.body), check, access=access)
                return Read(Operation(lambda _: change(now=now), id_), HTTPStatus.OK)
            case "cancel":
                canceling = partial(store.changing, id_, lambda task: cancel(task, now=now), access=access)
                return Read(Operation(lambda _: canceling(), id_), HTTPStatus.OK, done=partial(ended, now=now))
            case "retry":
                identity, changes = (
                    TaskIdentity(new_id, token_urlsafe(24), moment),
                    model_of(TaskRetry, item.body or {}),
                )
                return Read(Operation(lambda _: retry(id_, changes, identity), new_id), HTTPStatus.ACCEPTED)
            case "delete":
                return Read(Operation(lambda _: store.deleting(id_, check, access=access), id_), HTTPStatus.NO_CONTENT)

    return Kind(read, partial(_get, store, access))


def _get(store: Tasks, access: Access, id_: str) -> Task:
    return store.get(id_, access=access)
