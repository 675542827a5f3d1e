"""/api/v3/generate/*, /api/v3/tasks, /api/v3/providers and /api/v3/models"""

from atelier.bootstrap import bootstrap

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache, partial
from secrets import randbits, token_urlsafe
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler import Request
from aws_lambda_powertools.event_handler.openapi.params import Query

from atelier import wiring
from atelier.caller import access_of
from atelier.domain.access import Access
from atelier.domain.batches import Batch, BatchAnswer, GenerationBatch, TaskBatch
from atelier.domain.ids import new_id
from atelier.domain.input_files import FoundInput, TaskInput
from atelier.domain.matrix import Matrix, tasks_of
from atelier.domain.model_lines import ConfiguredModel, LineStatus, ModelPatch, NewModel
from atelier.domain.provider_info import ModelList, ModelQuery, ProviderList, model_list, provider_list
from atelier.domain.schema import utcnow
from atelier.domain.task_creation import GenerationContext, TaskIdentity, new_retry, new_task
from atelier.domain.tasks.life_cycle import cancel, corrected
from atelier.domain.tasks.queries import TaskQuery
from atelier.domain.tasks.record import Task, TaskPage
from atelier.domain.tasks.requests import (
    CorrectedCost,
    NewAudio,
    NewBackgroundRemoval,
    NewEdit,
    NewImage,
    NewTask,
    NewUpscale,
    NewVideo,
    TaskPatch,
    TaskRetry,
)
from atelier.store.idempotency import CreateResult
from atelier.store.tasks import Tasks
from atelier.task_metrics import count_task_end
from atelier.web.api import (
    Reply,
    api,
    created_response,
    no_content,
    page_of_texts,
    page_response,
    resource_response,
    serve,
)
from atelier.web.conditional import accepted_versions
from atelier.web.estimates import Estimate, estimate_response
from atelier.web.idempotency import idempotent_request
from atelier.web.openapi import (
    BATCH,
    CHANGE,
    CREATE,
    CREATED_HEADERS,
    GENERATE,
    READ,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    ModelId,
    TaskId,
    responses,
)
from atelier.web.tasks import (
    TaskResult,
    TaskTexts,
    accepted_response,
    changed_by,
    precondition,
    result_response,
    task_response,
    with_urls,
)
from atelier.web.validation import model_of

if TYPE_CHECKING:
    from atelier.web.batches import Kind

app = api()
ACCEPTED: Any = responses(202, Task, "The task, which starts at once.", *GENERATE, headers=CREATED_HEADERS)
ESTIMATED: Any = responses(200, Estimate, "What it would cost.", 400, 404, 413, 415)
AS_BEFORE = TaskRetry()
BATCHED: Any = responses(200, BatchAnswer, "A result for each item.", *BATCH, headers=("Idempotent-Replayed",))


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


@app.post(
    "/api/v3/generate/edit",
    tags=["Generation"],
    operation_id="generateEdit",
    summary="Edit images",
    responses=ACCEPTED,
)
def generate_edit(body: NewEdit, request: Request, key: IdempotencyKey = None) -> Reply:
    """Create a task that makes images from a prompt and other images, which `inputs` name."""
    return _generate(body, request, key)


@app.post(
    "/api/v3/generate/upscale",
    tags=["Generation"],
    operation_id="generateUpscale",
    summary="Enlarge an image",
    responses=ACCEPTED,
)
def generate_upscale(body: NewUpscale, request: Request, key: IdempotencyKey = None) -> Reply:
    """Create a task that enlarges an image, which `inputs` name."""
    return _generate(body, request, key)


@app.post(
    "/api/v3/generate/remove-background",
    tags=["Generation"],
    operation_id="generateBackgroundRemoval",
    summary="Remove the background of an image",
    responses=ACCEPTED,
)
def generate_background_removal(body: NewBackgroundRemoval, request: Request, key: IdempotencyKey = None) -> Reply:
    """Create a task that cuts out what an image shows, which `inputs` name: the background becomes transparent."""
    return _generate(body, request, key)


@app.post(
    "/api/v3/generate/image/estimate",
    tags=["Generation"],
    operation_id="estimateImage",
    summary="Estimate images",
    responses=ESTIMATED,
)
def estimate_image(body: NewImage) -> Reply:
    """Show what a request to generate images would cost, and which budgets would refuse it. Nothing is created."""
    return _estimate(body)


@app.post(
    "/api/v3/generate/video/estimate",
    tags=["Generation"],
    operation_id="estimateVideo",
    summary="Estimate videos",
    responses=ESTIMATED,
)
def estimate_video(body: NewVideo) -> Reply:
    """Show what a request to generate videos would cost, and which budgets would refuse it. Nothing is created."""
    return _estimate(body)


@app.post(
    "/api/v3/generate/audio/estimate",
    tags=["Generation"],
    operation_id="estimateAudio",
    summary="Estimate audio",
    responses=ESTIMATED,
)
def estimate_audio(body: NewAudio) -> Reply:
    """Show what a request to generate audio would cost, and which budgets would refuse it. Nothing is created."""
    return _estimate(body)


@app.post(
    "/api/v3/generate/edit/estimate",
    tags=["Generation"],
    operation_id="estimateEdit",
    summary="Estimate edits",
    responses=ESTIMATED,
)
def estimate_edit(body: NewEdit) -> Reply:
    """Show what a request to edit images would cost, and which budgets would refuse it. Nothing is created."""
    return _estimate(body)


@app.post(
    "/api/v3/generate/upscale/estimate",
    tags=["Generation"],
    operation_id="estimateUpscale",
    summary="Estimate an enlargement",
    responses=ESTIMATED,
)
def estimate_upscale(body: NewUpscale) -> Reply:
    """Show what a request to enlarge an image would cost, and which budgets would refuse it. Nothing is created."""
    return _estimate(body)


@app.post(
    "/api/v3/generate/remove-background/estimate",
    tags=["Generation"],
    operation_id="estimateBackgroundRemoval",
    summary="Estimate the removal of a background",
    responses=ESTIMATED,
)
def estimate_background_removal(body: NewBackgroundRemoval) -> Reply:
    """Show what it would cost to remove a background, and which budgets would refuse it. Nothing is created."""
    return _estimate(body)


@app.post(
    "/api/v3/generate/batch",
    tags=["Generation"],
    operation_id="generateBatch",
    summary="Create many tasks",
    responses=BATCHED,
)
def generate_batch(body: GenerationBatch, request: Request, key: IdempotencyKey = None) -> Reply:
    """Create up to 100 tasks. Each item is answered as its single request would be; budgets admit exactly what fits."""
    from atelier.web.task_batches import of_generations  # noqa: PLC0415 - only batches need it

    return _batch(body, request, key, of_generations)


@app.post(
    "/api/v3/generate/matrix",
    tags=["Generation"],
    operation_id="generateMatrix",
    summary="Create the tasks of a matrix",
    responses=BATCHED,
)
def generate_matrix(body: Matrix, request: Request, key: IdempotencyKey = None) -> Reply:
    """Create a task for every combination of a prompt's variables, models and aspect ratios; 500 at most.

    Each is checked and answered as its single request would be, by its id alone; budgets admit exactly what fits.
    """
    from atelier.web.task_batches import of_matrix  # noqa: PLC0415 - only batches need it

    catalog = wiring.offered()
    items = tasks_of(body, lambda name: catalog.names_of([name]))
    asked = GenerationBatch.model_construct(items=items, dry_run=body.dry_run)
    return _batch(asked, request, key, of_matrix)


@app.post(
    "/api/v3/tasks/batch",
    tags=["Tasks"],
    operation_id="batchTasks",
    summary="Update, cancel, retry and delete many tasks",
    responses=BATCHED,
)
def batch_tasks(body: TaskBatch, request: Request, key: IdempotencyKey = None) -> Reply:
    """Carry out up to 100 items, each answered as its single request would be."""
    from atelier.web.task_batches import of_tasks  # noqa: PLC0415 - only batches need it

    return _batch(body, request, key, partial(of_tasks, ended=count_task_end))


@app.get(
    "/api/v3/tasks",
    tags=["Tasks"],
    operation_id="listTasks",
    summary="List tasks",
    responses=responses(200, TaskPage, "A page of tasks.", 400),
)
def list_tasks(query: Annotated[TaskQuery, Query()]) -> Reply:
    """List the tasks you may see, by page number or by cursor. A new task appears within a second."""
    asked: dict[str, tuple[str, ...]] = {}
    if query.model:
        asked["model"] = wiring.offered().names_of(query.model)
    if query.tag:
        # Powertools takes a comma for the end of a value.
        sent = parse_qsl(app.current_event.raw_query_string or "", keep_blank_values=True)
        asked["tag"] = tuple(value for name, value in sent if name == "tag")
    found = wiring.tasks().list(query.model_copy(update=asked), access=access_of(app))
    return page_of_texts(found.envelope(query, _texts()(found.items)))


@app.get(
    "/api/v3/tasks/<task_id>",
    tags=["Tasks"],
    operation_id="getTask",
    summary="Get a task",
    responses=responses(200, Task, "The task.", 304, *READ, headers=("ETag",)),
)
def get_task(task_id: TaskId, if_none_match: IfNoneMatch = None) -> Reply:
    """Show a task as it is now. The URLs of its files work for at least an hour."""
    return task_response(wiring.tasks().get(task_id, access=access_of(app)), wiring.media_urls(), now=utcnow())


@app.get(
    "/api/v3/tasks/<task_id>/result",
    tags=["Tasks"],
    operation_id="getTaskResult",
    summary="Get a task's files",
    responses=responses(200, TaskResult, "The files.", 304, *READ, 409, headers=("ETag",), running=TaskResult),
)
def get_result(task_id: TaskId, if_none_match: IfNoneMatch = None) -> Reply:
    """Show a task's files: 202 while it runs, 409 with the task's own error when it failed or was canceled."""
    return result_response(
        wiring.tasks().get_summary(task_id, access=access_of(app)), wiring.media_urls(), now=utcnow()
    )


@app.post(
    "/api/v3/tasks/<task_id>/cancel",
    tags=["Tasks"],
    operation_id="cancelTask",
    summary="Cancel a task",
    responses=responses(200, Task, "The canceled task.", *READ, 409, headers=("ETag",)),
)
def cancel_task(task_id: TaskId) -> Reply:
    """Cancel a task; a second cancel changes nothing. The provider may still charge for work that it has begun."""
    now = utcnow()
    task = wiring.tasks().change(task_id, lambda task: cancel(task, now=now), access=access_of(app))
    count_task_end(task, now=now)
    return task_response(task, wiring.media_urls(), now=now)


@app.put(
    "/api/v3/tasks/<task_id>/cost",
    tags=["Tasks"],
    operation_id="correctTaskCost",
    summary="Correct what a task cost",
    responses=responses(200, Task, "The task with its cost.", *READ, 409, 413, 415, headers=("ETag",)),
)
def correct_task_cost(task_id: TaskId, body: CorrectedCost) -> Reply:
    """Set what an ended task cost, when its price was wrong or unknown. Its reports and budgets follow at once."""
    now = utcnow()
    task = wiring.tasks().correct(task_id, lambda task: corrected(task, body.actual, now=now), access=access_of(app))
    return task_response(task, wiring.media_urls(), now=now)


@app.post(
    "/api/v3/tasks/<task_id>/retry",
    tags=["Tasks"],
    operation_id="retryTask",
    summary="Retry a task",
    responses=responses(202, Task, "The new task, which starts at once.", *GENERATE, headers=CREATED_HEADERS),
)
def retry_task(task_id: TaskId, request: Request, body: TaskRetry = AS_BEFORE, key: IdempotencyKey = None) -> Reply:
    """Create a task that repeats a failed or canceled one, changed as the body says, with the brand as it is now."""

    def again(identity: TaskIdentity) -> tuple[Task, Access]:
        task, acting = wiring.tasks().get_to_retry(task_id, access=access_of(app))
        parents, _ = wiring.tasks().parents(task.client_id, task.campaign_id, access=acting)
        new, context = changed_by(body, task), wiring.generation_context()
        files = _files_of(new.inputs if new else task.inputs, acting)
        return new_retry(task, parents, context, files, identity=identity, access=acting, new=new), acting

    return _create(again, request, key)


@app.post(
    "/api/v3/tasks/<task_id>/webhook",
    tags=["Tasks"],
    operation_id="resendTaskWebhook",
    summary="Send a task's webhook again",
    responses=responses(202, Task, "The task, whose webhook is sent again.", *READ, 409, headers=("ETag",)),
)
def resend_webhook(task_id: TaskId) -> Reply:
    """Call the `webhook_url` of an ended task once more, whatever came of the attempts before."""
    now = utcnow()
    task = wiring.tasks().resend_webhook(task_id, access=access_of(app), now=now)
    return task_response(task, wiring.media_urls(), now=now, status=202)


@app.patch(
    "/api/v3/tasks/<task_id>",
    tags=["Tasks"],
    operation_id="updateTask",
    summary="Move, rate or tag a task",
    responses=responses(200, Task, "The task as it is now.", *CHANGE, 409, headers=("ETag",)),
)
def update_task(task_id: TaskId, body: TaskPatch, if_match: IfMatch = None) -> Reply:
    """Move a task to another client or campaign, or rate and tag it. A move takes its counts and its spend along."""
    now = utcnow()
    check = precondition(if_match, now=now)
    task = wiring.tasks().patch(task_id, body, check, access=access_of(app), now=now)
    return task_response(task, wiring.media_urls(), now=now)


@app.delete(
    "/api/v3/tasks/<task_id>",
    tags=["Tasks"],
    operation_id="deleteTask",
    summary="Delete a task",
    responses=responses(204, None, "Deleted, with its files.", *READ, 412),
)
def delete_task(task_id: TaskId, if_match: IfMatch = None) -> Reply:
    """Delete a task and its files. What its job may still cost stays booked, unless the provider stops it in time."""
    wiring.tasks().delete(task_id, precondition(if_match, now=utcnow()), access=access_of(app))
    return no_content()


@app.get(
    "/api/v3/providers",
    tags=["Models"],
    operation_id="listProviders",
    summary="List providers and models",
    responses=responses(200, ProviderList, "All providers, with limits and list prices.", 400),
)
def list_providers() -> Reply:
    """List providers and models: which are configured here, what each model takes, and what it costs."""
    return page_response(provider_list(wiring.generation_context()))


@app.get(
    "/api/v3/models",
    tags=["Models"],
    operation_id="listModels",
    summary="List models",
    responses=responses(200, ModelList, "The models, with limits and list prices.", 400),
)
def list_models(query: Annotated[ModelQuery, Query()]) -> Reply:
    """List models by provider, type, life cycle or name: what each takes, what it costs, and what replaces it."""
    waiting = set(query.status) - {LineStatus.ACTIVE}
    lines = [each.record for each in wiring.model_lines().all()] if waiting else []
    return page_response(model_list(query, wiring.generation_context(), lines))


@app.post(
    "/api/v3/models",
    tags=["Models"],
    operation_id="createModel",
    summary="Add a model",
    responses=responses(202, ConfiguredModel, "The line, whose schema is looked at.", *CREATE, headers=CREATED_HEADERS),
)
def create_model(body: NewModel, request: Request, key: IdempotencyKey = None) -> Reply:
    """Add a model to the catalog, for everybody. One of fal or Replicate is `pending` until its schema was fetched.

    That takes about a minute; then it is `active` for new requests, or `rejected` with a reason. One of Bedrock or
    Polly is `like` a built-in model, and active at once.
    """
    now, access = utcnow(), access_of(app)
    made = wiring.model_lines().create(
        body,
        wiring.catalog(),
        configured=wiring.configured(),
        id_=new_id(now, randbits(62)),
        access=access,
        idempotent=idempotent_request(request, key),
        now=now,
    )
    return created_response(made, location=f"/models/{made.record.id}", status=202)


@app.get(
    "/api/v3/models/<model_id>",
    tags=["Models"],
    operation_id="getModel",
    summary="Get an added model",
    responses=responses(200, ConfiguredModel, "The line.", 304, *READ, headers=("ETag",)),
)
def get_model(model_id: ModelId, if_none_match: IfNoneMatch = None) -> Reply:
    """Show a model that was added: its line, and what there is to report of it."""
    return resource_response(wiring.model_lines().get(model_id))


@app.patch(
    "/api/v3/models/<model_id>",
    tags=["Models"],
    operation_id="updateModel",
    summary="Change an added model",
    responses=responses(200, ConfiguredModel, "The line as it is now.", *CHANGE, headers=("ETag",)),
)
def update_model(model_id: ModelId, body: ModelPatch, if_match: IfMatch = None) -> Reply:
    """Change a model that was added. Tasks that there are keep the price that they were created with."""
    line = wiring.model_lines().patch(
        model_id,
        body,
        lambda fields: model_of(NewModel, fields),
        wiring.catalog(),
        access=access_of(app),
        accepted=accepted_versions(if_match),
        now=utcnow(),
    )
    return resource_response(line)


@app.delete(
    "/api/v3/models/<model_id>",
    tags=["Models"],
    operation_id="retireModel",
    summary="Retire an added model",
    responses=responses(204, None, "Retired.", *READ, 412),
)
def retire_model(model_id: ModelId, if_match: IfMatch = None) -> Reply:
    """Refuse a model that was added from now on, naming its successor. One that was never active is removed."""
    accepted = accepted_versions(if_match)
    wiring.model_lines().retire(model_id, access=access_of(app), accepted=accepted, now=utcnow())
    return no_content()


@cache
def _texts() -> TaskTexts:
    return TaskTexts(wiring.media_urls())


def _batch(
    body: Batch,
    request: Request,
    key: str | None,
    kind_of: "Callable[[Tasks, GenerationContext, Access, datetime], Kind]",
) -> Reply:
    from atelier.web import batches  # noqa: PLC0415 - only batches need it

    access, now, idempotent = access_of(app), utcnow(), idempotent_request(request, key)
    kind, media_urls = kind_of(wiring.tasks(), wiring.generation_context(), access, now), wiring.media_urls()
    kind = replace(kind, show=lambda task: with_urls(task, media_urls))
    return batches.carry_out(app, body, kind, table=wiring.table(), access=access, idempotent=idempotent, now=now)


def _generate(new: NewTask, request: Request, key: str | None) -> Reply:
    return _create(partial(_task_of, new), request, key)


def _estimate(new: NewTask) -> Reply:
    task, _ = _task_of(new, _identity(utcnow()))
    return estimate_response(task, wiring.tasks().budgets_exceeded(task))


def _task_of(new: NewTask, identity: TaskIdentity) -> tuple[Task, Access]:
    """The task that a request asks for, and the access to create it."""
    ids, access = (new.client_id, new.campaign_id), access_of(app)
    parents, acting = wiring.tasks().parents(*ids, access=access, account=new.user_id)
    files = _files_of(new.inputs, acting)
    return new_task(new, parents, wiring.generation_context(), files, identity=identity, access=acting), acting


def _files_of(inputs: Sequence[TaskInput], acting: Access) -> list[FoundInput]:
    """The files that a request names for a task that is created with this access."""
    return wiring.tasks().input_files(inputs, access=access_of(app), account=acting.account)


def _identity(now: datetime) -> TaskIdentity:
    return TaskIdentity(new_id(now, randbits(62)), token_urlsafe(24), now)


def _create(make: Callable[[TaskIdentity], tuple[Task, Access]], request: Request, key: str | None) -> Reply:
    """Create the task that `make` makes, and with which access; it is made again when a grant changes meanwhile."""
    store, access, now, idempotent = wiring.tasks(), access_of(app), utcnow(), idempotent_request(request, key)
    made = store.find_replay(idempotent, access=access, now=now)
    if made is None:
        identity = _identity(now)

        def attempt() -> CreateResult[Task]:
            task, acting = make(identity)
            return store.create(task, access=acting, idempotent=idempotent, now=now)

        made = store.retry_on_conflict(attempt)
    return accepted_response(made, wiring.media_urls(), now=now)


handler = bootstrap(serve(app), wiring.tasks, wiring.generation_context, prime=app.get_openapi_json_schema)
