"""Responses with tasks: signed URLs, and an ETag that changes with what the caller sees."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from itertools import repeat
from threading import Lock
from typing import Annotated, Any, Final, Protocol, TypeVar

from aws_lambda_powertools.event_handler import Response
from pydantic import Field

from atelier.domain.errors import PreconditionFailed, TaskFailed
from atelier.domain.file_names import output_stem
from atelier.domain.schema import Id, StoredModel, TimestampText
from atelier.domain.task_creation import BODIES, fields_of_retry
from atelier.domain.tasks.record import Output, Task, TaskStatus, TaskSummary, window_begin
from atelier.domain.tasks.requests import NewTask, TaskRetry
from atelier.store.idempotency import CreateResult
from atelier.store.items import from_items
from atelier.store.wire import Item
from atelier.web.api import PREFIX, resource_response
from atelier.web.conditional import matches
from atelier.web.validation import model_of

AnyTask = TypeVar("AnyTask", bound=TaskSummary)

_POLL_AGAIN: Final = "1"
_ANY_KEY: Final = "media/"
_TEXTS_KEPT: Final = 256
"""Tasks, of usually 10 KB each with their items."""


class Signer(Protocol):
    """Signs URLs of stored files."""

    def url(self, key: str) -> str:
        """A URL for the file of this key."""


class TaskTexts:
    """Tasks as lists show them, in JSON.

    A text is used again as long as its task and the URLs in it are the same: whoever watches a gallery asks for the
    same tasks every few seconds, and to write them is most of what a list takes.
    """

    def __init__(self, media: Signer) -> None:
        self._media = media
        self._known: OrderedDict[str, _Text] = OrderedDict()
        self._lock = Lock()

    def __call__(self, items: Sequence[Item]) -> list[str]:
        """The JSON of each task whose summary was stored as one of `items`."""
        # Of one key: it is another when those of all keys are, in another window or by other credentials.
        url = self._media.url(_ANY_KEY) if any(item.get("outputs") for item in items) else ""
        known = [self._text(item, url) for item in items]
        written = self._written([item for item, text in zip(items, known, strict=True) if text is None], url)
        return [text or next(written) for text in known]

    def _text(self, item: Item, url: str) -> str | None:
        with self._lock:
            known = self._known.get(item["id"])
            if known is not None:
                self._known.move_to_end(item["id"])
        if known is None or known.item != item or (known.url != url and item.get("outputs")):
            return None
        return known.text

    def _written(self, items: Sequence[Item], url: str) -> Iterator[str]:
        for item, task in zip(items, from_items(_ListedTask, map(self._with_urls, items)), strict=True):
            text = task.model_dump_json()
            with self._lock:
                self._known[item["id"]] = _Text(item, url, text)
                if len(self._known) > _TEXTS_KEPT:
                    self._known.popitem(last=False)
            yield text

    def _with_urls(self, item: Item) -> Item:
        outputs = item.get("outputs")
        if not outputs:
            return item
        signed = [{**each, **_urls(each["key"], each.get("thumbnail_key"), self._media)} for each in outputs]
        return {**item, "outputs": signed}


@dataclass(frozen=True, slots=True)
class _Text:
    item: Item
    url: str
    text: str


class _ListedTask(TaskSummary):
    """With the moments as they are stored: to parse them and write them again takes a third of all."""

    created_at: TimestampText  # type: ignore[assignment]
    started_at: TimestampText | None = None  # type: ignore[assignment]
    completed_at: TimestampText | None = None  # type: ignore[assignment]
    updated_at: TimestampText  # type: ignore[assignment]


class TaskResult(StoredModel):
    """The result of a task: its files, or none while it runs."""

    id: Id
    status: TaskStatus
    outputs: Annotated[list[Output], Field(description="Empty while the task runs.")]


def with_urls(task: AnyTask, media: Signer) -> AnyTask:
    """The task with signed URLs and, where it is whole, the names of its files."""
    if not task.outputs:
        return task
    names = _file_names(task) if isinstance(task, Task) else repeat(None)
    outputs = [
        output.model_copy(update={**_urls(output.key, output.thumbnail_key, media), "file_name": name})
        for output, name in zip(task.outputs, names, strict=False)
    ]
    return task.model_copy(update={"outputs": outputs})


def _file_names(task: Task) -> Iterator[str]:
    for number, output in enumerate(task.outputs):
        _, _, extension = output.key.rpartition(".")
        yield f"{output_stem(task.file_prefix, task.prompt, number)}.{extension}"


def _urls(key: str, thumbnail_key: str | None, media: Signer) -> dict[str, str | None]:
    return {"url": media.url(key), "thumbnail_url": None if thumbnail_key is None else media.url(thumbnail_key)}


def tag_of(task: TaskSummary, *, now: datetime) -> str:
    """The entity tag of a task as its owner sees it.

    The URLs are left out of it, but a task with files gets a new tag when they change, long before they end: whoever
    keeps an answer for as long as its tag holds never keeps a dead link.
    """
    seen = task.model_dump_json(exclude={"outputs": {"__all__": {"url"}}})
    period = window_begin(now) if task.outputs else ""
    return f'"{hashlib.sha256(f"{period}{seen}".encode()).hexdigest()[:24]}"'


def precondition(if_match: str | None, *, now: datetime) -> Callable[[TaskSummary], None]:
    """What raises PreconditionFailed for a task that If-Match does not allow to be changed."""

    def check(task: TaskSummary) -> None:
        if not matches(if_match, tag_of(task, now=now)):
            raise PreconditionFailed("The resource has changed since the version in If-Match.")

    return check


def changed_by(changes: TaskRetry, task: Task) -> NewTask | None:
    """What a retry of the task asks for; None when it changes nothing. Raises Invalid."""
    return model_of(BODIES[task.type], fields_of_retry(task, changes)) if changes.model_fields_set else None


def task_response(
    task: Task, media: Signer, *, now: datetime, status: int = HTTPStatus.OK, **headers: str
) -> Response[Any]:
    """One task."""
    return resource_response(with_urls(task, media), status=status, tag=tag_of(task, now=now), **headers)


def accepted_response(made: CreateResult[Task], media: Signer, *, now: datetime) -> Response[Any]:
    """The 202 response of an accepted task, or of its replay."""
    replayed = {"Idempotent_Replayed": "true"} if made.replayed else {}
    location = f"{PREFIX}/tasks/{made.record.id}"
    return task_response(made.record, media, now=now, status=HTTPStatus.ACCEPTED, Location=location, **replayed)


def result_response(task: TaskSummary, media: Signer, *, now: datetime) -> Response[Any]:
    """The files of a task, or its status. Raises TaskFailed for one that ended without files."""
    result = TaskResult(id=task.id, status=task.status, outputs=with_urls(task, media).outputs)
    if not task.over:
        where, tag = f"{PREFIX}/tasks/{task.id}", tag_of(task, now=now)
        return resource_response(result, status=HTTPStatus.ACCEPTED, tag=tag, Location=where, Retry_After=_POLL_AGAIN)
    if task.error is not None:
        raise TaskFailed(code=task.error.code, message=task.error.message, retryable=task.error.retryable)
    if task.status is TaskStatus.CANCELED:
        raise TaskFailed(code="canceled", message="The task was canceled.", retryable=True)
    return resource_response(result, tag=tag_of(task, now=now))
