"""/api/v3/generate/*, /api/v3/tasks and /api/v3/providers"""

from atelier.starting import started

from datetime import datetime
from secrets import randbits, token_urlsafe
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Request
from aws_lambda_powertools.event_handler.openapi.params import Query

from atelier import wiring
from atelier.caller import user_of
from atelier.domain.errors import Stale
from atelier.domain.ids import new_id
from atelier.domain.offers import ProviderList, offers
from atelier.domain.ordering import Mark, ordered, retried
from atelier.domain.shapes import utcnow
from atelier.domain.tasks import NewAudio, NewImage, NewTask, NewVideo, Task, TaskPage, TaskQuery, canceled
from atelier.endings import ended
from atelier.web.api import Reply, api, gone, listed, serve
from atelier.web.conditional import matches
from atelier.web.documents import CREATE, MADE, READ, IdempotencyKey, IfMatch, IfNoneMatch, TaskId, answers
from atelier.web.once import once
from atelier.web.tasks import TaskResult, accepted, result_shown, signed, tag_of, task_shown

app = api()
ACCEPTED: Any = answers(202, Task, "The task, which starts at once.", *CREATE, headers=MADE)


@app.post(
    "/api/v3/generate/image",
    tags=["Generation"],
    operation_id="generateImage",
    summary="Generate images",
    responses=ACCEPTED,
)
def generate_image(body: NewImage, request: Request, key: IdempotencyKey = None) -> Reply:
    """Create a task that generates images. The client's guidelines and the campaign's brief extend the prompt."""
    return _generate(body, request, key)


@app.post(
    "/api/v3/generate/video",
    tags=["Generation"],
    operation_id="generateVideo",
    summary="Generate videos",
    responses=ACCEPTED,
)
def generate_video(body: NewVideo, request: Request, key: IdempotencyKey = None) -> Reply:
    """Create a task that generates videos. The client's guidelines and the campaign's brief extend the prompt."""
    return _generate(body, request, key)


@app.post(
    "/api/v3/generate/audio",
    tags=["Generation"],
    operation_id="generateAudio",
    summary="Generate audio",
    responses=ACCEPTED,
)
def generate_audio(body: NewAudio, request: Request, key: IdempotencyKey = None) -> Reply:
    """Create a task that generates audio. The client's guidelines and the campaign's brief extend the prompt."""
    return _generate(body, request, key)


@app.get(
    "/api/v3/tasks",
    tags=["Tasks"],
    operation_id="listTasks",
    summary="List tasks",
    responses=answers(200, TaskPage, "A page of tasks.", 400),
)
def list_tasks(query: Annotated[TaskQuery, Query()]) -> Reply:
    """List your tasks, by page number or by cursor. A new task appears within a second."""
    page, gallery = wiring.tasks().list(query, user_id=user_of(app)), wiring.gallery()
    return listed(page.model_copy(update={"items": [signed(task, gallery) for task in page.items]}))


@app.get(
    "/api/v3/tasks/<task_id>",
    tags=["Tasks"],
    operation_id="getTask",
    summary="Get a task",
    responses=answers(200, Task, "The task.", 304, *READ, headers=("ETag",)),
)
def get_task(task_id: TaskId, if_none_match: IfNoneMatch = None) -> Reply:
    """Show a task as it is now. The URLs of its files are valid for an hour."""
    return task_shown(wiring.tasks().get(task_id, user_id=user_of(app)), wiring.gallery(), now=utcnow())


@app.get(
    "/api/v3/tasks/<task_id>/result",
    tags=["Tasks"],
    operation_id="getTaskResult",
    summary="Get a task's files",
    responses=answers(200, TaskResult, "The files.", 304, *READ, 409, headers=("ETag",), running=TaskResult),
)
def get_result(task_id: TaskId, if_none_match: IfNoneMatch = None) -> Reply:
    """Show a task's files: 202 while it runs, 409 with the task's own error when it failed or was canceled."""
    return result_shown(wiring.tasks().get(task_id, user_id=user_of(app)), wiring.gallery(), now=utcnow())


@app.post(
    "/api/v3/tasks/<task_id>/cancel",
    tags=["Tasks"],
    operation_id="cancelTask",
    summary="Cancel a task",
    responses=answers(200, Task, "The canceled task.", *READ, 409, headers=("ETag",)),
)
def cancel_task(task_id: TaskId) -> Reply:
    """Cancel a task. The provider may still charge for work that it has begun."""
    now = utcnow()
    task = wiring.tasks().change(task_id, lambda task: canceled(task, now=now), user_id=user_of(app))
    ended(task, now=now)
    return task_shown(task, wiring.gallery(), now=now)


@app.post(
    "/api/v3/tasks/<task_id>/retry",
    tags=["Tasks"],
    operation_id="retryTask",
    summary="Retry a task",
    responses=answers(202, Task, "A new task that asks for the same.", *CREATE, headers=MADE),
)
def retry_task(task_id: TaskId, request: Request, key: IdempotencyKey = None) -> Reply:
    """Create a task that repeats a failed or canceled one, with the guidelines and brief as they are now."""
    store, user_id, now, this = wiring.tasks(), user_of(app), utcnow(), once(request, key)
    made = store.earlier(this, user_id=user_id, now=now)
    if made is None:
        task = store.get(task_id, user_id=user_id)
        parents = store.parents(task.client_id, task.campaign_id, user_id=user_id)
        again = retried(task, parents, wiring.desk(), mark=_mark(now))
        made = store.create(again, once=this, now=now)
    return accepted(made, wiring.gallery(), now=now)


@app.delete(
    "/api/v3/tasks/<task_id>",
    tags=["Tasks"],
    operation_id="deleteTask",
    summary="Delete a task",
    responses=answers(204, None, "It is gone, and so are its files.", *READ, 412),
)
def delete_task(task_id: TaskId, if_match: IfMatch = None) -> Reply:
    """Delete a task and its files. The provider may still charge for work that it has begun."""

    def check(task: Task) -> None:
        if not matches(if_match, tag_of(task, now=utcnow())):
            raise Stale("It has changed since the version that If-Match names.")

    wiring.tasks().delete(task_id, check, user_id=user_of(app))
    return gone()


@app.get(
    "/api/v3/providers",
    tags=["Generation"],
    operation_id="listProviders",
    summary="List providers and models",
    responses=answers(200, ProviderList, "All of them, with limits and list prices.", 400),
)
def list_providers() -> Reply:
    """List providers and models: which are configured here, what each model takes, and what it costs."""
    return listed(offers(wiring.desk()))


def _generate(new: NewTask, request: Request, key: str | None) -> Reply:
    store, user_id, now, this = wiring.tasks(), user_of(app), utcnow(), once(request, key)
    made = store.earlier(this, user_id=user_id, now=now)
    if made is None:
        parents = store.parents(new.client_id, new.campaign_id, user_id=user_id)
        task = ordered(new, parents, wiring.desk(), mark=_mark(now), user_id=user_id)
        made = store.create(task, once=this, now=now)
    return accepted(made, wiring.gallery(), now=now)


def _mark(now: datetime) -> Mark:
    return Mark(new_id(now, randbits(62)), token_urlsafe(24), now)


handler = started(serve(app), wiring.tasks, wiring.desk, prime=app.get_openapi_json_schema)
