"""Generation tasks: what was asked, where it stands, what came of it, and the life cycle as a table."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, JsonValue, PlainSerializer, WithJsonSchema
from pydantic.json_schema import SkipJsonSchema

from atelier.domain.errors import IllegalTransition
from atelier.domain.pages import ListQuery, Page
from atelier.domain.shapes import KIB, Id, Moment, Prompt, Record, Shape, as_json

METADATA_BYTES: Final = 16 * KIB
# With everything else at its limit, a task still fits into one item (400 KB).
PARAMS_BYTES: Final = 256 * KIB


class TaskType(StrEnum):
    """What is generated."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"


class TaskStatus(StrEnum):
    """Where a task stands; `NEXT` says where it can go from there."""

    PENDING = "pending"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


# A provider may put a job back in its queue, so processing -> pending is legal. Terminal states never change.
NEXT: Final[Mapping[TaskStatus, frozenset[TaskStatus]]] = {
    TaskStatus.PENDING: frozenset(
        {TaskStatus.PROCESSING, TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.CANCELED}
    ),
    TaskStatus.PROCESSING: frozenset(
        {TaskStatus.PENDING, TaskStatus.SUCCEEDED, TaskStatus.FAILED, TaskStatus.CANCELED}
    ),
    TaskStatus.SUCCEEDED: frozenset(),
    TaskStatus.FAILED: frozenset(),
    TaskStatus.CANCELED: frozenset(),
}
TERMINAL: Final = frozenset(status for status, following in NEXT.items() if not following)


# ------------------------------------------------------------------------------------------- what is asked


FreeForm = TypeVar("FreeForm", bound=dict[str, JsonValue] | None)


def _at_most(limit: int) -> AfterValidator:
    def fits(value: FreeForm) -> FreeForm:
        if len(as_json(value).encode()) > limit:
            raise ValueError(f"must be at most {limit} bytes as JSON")
        return value

    return AfterValidator(fits)


def _whole(value: Any) -> Any:
    # JSON has one kind of number: 2.0 is as whole as 2. Texts and booleans are not numbers.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool | str):
        raise ValueError("must be a whole number")
    return value


_SIDE = r"(6[4-9]|[7-9][0-9]|[1-9][0-9]{2}|1[0-9]{3}|20[0-3][0-9]|204[0-8])"
AspectRatio = Literal["1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "21:9", "9:21", "4:5", "5:4"]
Size = Annotated[str, Field(pattern=f"^{_SIDE}x{_SIDE}$", description="Width x height in pixels, 64 to 2048 each.")]
Seconds = Annotated[float, Field(strict=True, ge=1, le=60)]


class NewTask(Shape):
    """What it takes to generate anything."""

    prompt: Prompt
    client_id: Id | None = None
    campaign_id: Annotated[Id | None, Field(description="Alone, it implies its client.")] = None
    provider: Annotated[str | None, Field(max_length=64)] = None
    providers: Annotated[
        list[Annotated[str, Field(max_length=64)]] | None,
        Field(
            min_length=1,
            max_length=4,
            description="Instead of `provider`, in this order: the next only if one has not accepted the job.",
        ),
    ] = None
    model: Annotated[
        str | None, Field(max_length=255, description="GET /api/v3/providers says what each one takes.")
    ] = None
    negative_prompt: Annotated[str | None, Field(max_length=5000)] = None
    num_outputs: Annotated[int, Field(ge=1, le=4), BeforeValidator(_whole)] = 1
    seed: Annotated[int | None, Field(ge=0, le=4294967295), BeforeValidator(_whole)] = None
    params: Annotated[dict[str, JsonValue], _at_most(PARAMS_BYTES)] = Field(
        default_factory=dict, description="Passed through to the model."
    )
    apply_brand_guidelines: Annotated[bool, Field(strict=True)] = True
    metadata: Annotated[
        dict[str, JsonValue] | None,
        _at_most(METADATA_BYTES),
        Field(description="Your own object, kept as it is; at most 16 KiB as JSON."),
    ] = None
    webhook_url: Annotated[
        str | None,
        Field(max_length=2048, description="Where the finished task is sent, signed by your webhook secret."),
    ] = None

    def options(self) -> dict[str, JsonValue]:
        """Everything the model is told beside the prompt: the typed options that were given, and `params`."""
        typed = self.model_dump(exclude=set(NOT_OPTIONS), exclude_none=True, mode="json")
        return {**typed, **self.params}

    def clashes(self) -> list[str]:
        """The keys of `params` that are fields of their own."""
        return sorted(set(self.params) & set(type(self).model_fields))


NOT_OPTIONS: Final = frozenset(
    {
        "prompt",
        "client_id",
        "campaign_id",
        "provider",
        "providers",
        "model",
        "params",
        "apply_brand_guidelines",
        "metadata",
        "webhook_url",
    }
)


class NewImage(NewTask):
    """What it takes to generate images."""

    aspect_ratio: AspectRatio | None = None
    size: Size | None = None

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"prompt": "A futuristic cityscape", "provider": "fal", "model": "fal-ai/flux-pro"},
            "not": {
                "anyOf": [
                    {
                        "properties": {"aspect_ratio": {"type": "string"}, "size": {"type": "string"}},
                        "required": ["aspect_ratio", "size"],
                    }
                ]
            },
        }
    )


class NewVideo(NewTask):
    """What it takes to generate videos."""

    aspect_ratio: AspectRatio | None = None
    duration: Annotated[Seconds | None, Field(description="Seconds.")] = None

    model_config = ConfigDict(
        json_schema_extra={"example": {"prompt": "Waves at dawn, slow drone shot", "duration": 4}}
    )


class NewAudio(NewTask):
    """What it takes to generate sound or speech."""

    duration: Annotated[Seconds | None, Field(description="Seconds.")] = None
    voice: Annotated[str | None, Field(max_length=255)] = None

    model_config = ConfigDict(json_schema_extra={"example": {"prompt": "A warm, hopeful jingle", "duration": 5}})


# -------------------------------------------------------------------------------------------- what is kept


URL_LIFE: Final = timedelta(hours=1)
"""How long the URL of an output works."""


class Output(Record):
    """One file of a finished task, in our own storage. `url` is signed and stops working after a while."""

    url: str = ""
    content_type: str
    bytes: int
    width: int | None = None
    height: int | None = None
    duration: Annotated[float | None, Field(description="Seconds.")] = None
    key: SkipJsonSchema[Annotated[str, Field(exclude=True)]]


class TaskError(Record):
    """Why a task failed; `retryable` says whether asking again may help."""

    code: str
    message: str
    retryable: bool


Amount = Annotated[
    Decimal,
    PlainSerializer(float, return_type=float, when_used="json"),
    WithJsonSchema({"type": "number"}),
]


class Cost(Record):
    """What the provider charges: expected at creation, known at the end."""

    estimated: Amount | None = None
    actual: Amount | None = None
    currency: str = "USD"


class Attempt(Record):
    """A provider that did not accept the job, and why, before the next one was asked."""

    provider: str
    model: str
    error: TaskError


class Alternative(Record):
    """A provider that is asked next, if the ones before it do not accept the job."""

    provider: str
    model: str
    served_by: str


class Delivery(Record):
    """One attempt to send the finished task to its `webhook_url`. `status` is the receiver's HTTP status, if any."""

    at: Moment
    status: int | None = None
    error: str | None = None


class Outcome(StrEnum):
    """How the provider's job ended, which need not be how the task did."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class TaskSummary(Record):
    """A task as lists show it: everything but its long texts and its logs."""

    id: Id
    type: TaskType
    status: TaskStatus
    provider: str
    served_by: Annotated[str, Field(description="Who really generates: the provider, or `sandbox` in its place.")]
    model: str
    provider_task_id: str | None = None
    user_id: int
    client_id: Id | None = None
    campaign_id: Id | None = None
    prompt: str
    guidelines_truncated: Annotated[
        bool, Field(description="Whether the model's prompt limit left no room for all of guidelines and brief.")
    ] = False
    outputs: list[Output] = Field(default_factory=list)
    error: TaskError | None = None
    provider_outcome: Annotated[
        Outcome | None,
        Field(description="How the provider's job ended, also when the task had ended before; `cost` has its cost."),
    ] = None
    status_reason: Annotated[
        str | None, Field(description="Why a task waits, when its provider cannot be reached or does not confirm it.")
    ] = None
    progress: Annotated[float | None, Field(ge=0, le=1)] = None
    queue_position: Annotated[int | None, Field(ge=0)] = None
    cost: Cost = Cost()
    retry_of: Id | None = None
    metadata: dict[str, JsonValue] | None = None
    webhook_url: str | None = None
    created_at: Moment
    started_at: Moment | None = None
    completed_at: Moment | None = None
    updated_at: Moment

    @property
    def over(self) -> bool:
        """Whether nothing more can happen to it."""
        return self.status in TERMINAL


class Task(TaskSummary):
    """A task, whole. `effective_prompt` is what the provider is sent, guidelines and brief included."""

    effective_prompt: str
    params: dict[str, JsonValue] = Field(default_factory=dict)
    attempts: Annotated[list[Attempt], Field(description="Providers that did not accept the job.")] = Field(
        default_factory=list
    )
    webhook_deliveries: Annotated[list[Delivery], Field(description="The attempts to call `webhook_url`.")] = Field(
        default_factory=list
    )
    apply_brand_guidelines: SkipJsonSchema[Annotated[bool, Field(exclude=True)]] = True
    # Which message of the generation queue is the current one, and until when a worker is submitting it.
    step: SkipJsonSchema[Annotated[int, Field(exclude=True)]] = 0
    lease_until: SkipJsonSchema[Annotated[Moment | None, Field(exclude=True)]] = None
    # Who is asked next, and what proves that a callback was asked for by us.
    alternatives: SkipJsonSchema[Annotated[list[Alternative], Field(exclude=True)]] = Field(default_factory=list)
    callback_token: SkipJsonSchema[Annotated[str, Field(exclude=True)]] = ""


class TaskPage(Page[TaskSummary]):
    """A page of tasks."""


# ----------------------------------------------------------------------------------------- the life cycle


def _moved(task: Task, status: TaskStatus, *, now: datetime, **change: Any) -> Task:
    if status not in NEXT[task.status]:
        raise IllegalTransition(f"The task is {task.status}; it cannot become {status}.")
    if status in TERMINAL:
        change = {"completed_at": now, "queue_position": None, **change}
    return _changed(task, now=now, status=status, status_reason=None, **change)


def _changed(task: Task, *, now: datetime, **change: Any) -> Task:
    return task.model_copy(update={"updated_at": now, "version": task.version + 1, **change})


def started(task: Task, *, now: datetime) -> Task:
    """The provider works on it."""
    first_start = task.started_at or now
    return _moved(task, TaskStatus.PROCESSING, now=now, started_at=first_start, queue_position=None)


def requeued(task: Task, *, now: datetime) -> Task:
    """The provider has put it back in its queue."""
    return _moved(task, TaskStatus.PENDING, now=now, progress=None)


def succeeded(task: Task, *, outputs: list[Output], cost: Decimal | None, now: datetime) -> Task:
    """The provider is done and the media are in our storage."""
    return _moved(
        task,
        TaskStatus.SUCCEEDED,
        now=now,
        outputs=outputs,
        provider_outcome=Outcome.SUCCEEDED,
        progress=1.0,
        started_at=task.started_at or now,
        cost=_charged(task, cost),
    )


def failed(
    task: Task, error: TaskError, *, now: datetime, outcome: Outcome | None = None, cost: Decimal | None = None
) -> Task:
    """It ended without media, for the reason given; `outcome` when that is how the provider's job ended."""
    return _moved(task, TaskStatus.FAILED, now=now, error=error, provider_outcome=outcome, cost=_charged(task, cost))


def canceled(task: Task, *, now: datetime) -> Task:
    """The caller has called it off."""
    return _moved(task, TaskStatus.CANCELED, now=now)


def rerouted(task: Task, error: TaskError, *, estimate: Decimal | None, now: datetime) -> Task:
    """The provider has not accepted it, so the next one is asked."""
    following, *others = task.alternatives
    return _changed(
        task,
        now=now,
        step=task.step + 1,
        lease_until=None,
        status_reason=None,
        provider=following.provider,
        model=following.model,
        served_by=following.served_by,
        alternatives=others,
        attempts=[*task.attempts, Attempt(provider=task.provider, model=task.model, error=error)],
        cost=Cost(estimated=estimate),
    )


def settled(task: Task, outcome: Outcome, *, cost: Decimal | None, now: datetime) -> Task:
    """The provider's job has ended after the task had: recorded with what it cost, and nothing else."""
    return _changed(task, now=now, provider_outcome=outcome, cost=_charged(task, cost))


def _charged(task: Task, cost: Decimal | None) -> Cost:
    return task.cost if cost is None else task.cost.model_copy(update={"actual": cost})


# ------------------------------------------------------------------------------------------- what is listed


def _rfc_3339(value: Any) -> Any:
    # pydantic would also take a bare date or a number of seconds.
    if isinstance(value, str) and not re.fullmatch(
        r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", value
    ):
        raise ValueError("must be an RFC 3339 time such as 2026-01-31T12:00:00Z")
    return value


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be a time between the years 1 and 9999 in UTC") from None


Instant = Annotated[Moment, BeforeValidator(_rfc_3339), AfterValidator(_in_utc)]


class TaskQuery(ListQuery):
    """Which tasks to list, newest or oldest first."""

    client_id: Annotated[
        str | None, Field(max_length=255, description="Only this client's tasks; `none`: those without a client.")
    ] = None
    campaign_id: Annotated[str | None, Field(max_length=255, description="Only this campaign's tasks.")] = None
    status: TaskStatus | None = None
    type: TaskType | None = None
    provider: Annotated[str | None, Field(max_length=64)] = None
    created_from: Annotated[Instant | None, Field(description="Created at this moment or later.")] = None
    created_to: Annotated[Instant | None, Field(description="Created at this moment or earlier.")] = None
    sort_by: Annotated[Literal["created_at"], Field(description="Order; ties by id.")] = "created_at"
