"""A task as it is stored and shown, and the table of its statuses."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic.json_schema import SkipJsonSchema

from atelier.domain.input_files import InputFile, TaskInput
from atelier.domain.pages import Page
from atelier.domain.schema import Amount, Id, StoredModel, Timestamp, TimestampText


class TaskType(StrEnum):
    """What is generated."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    EDIT = "edit"
    UPSCALE = "upscale"
    REMOVE_BACKGROUND = "remove_background"

    @property
    def medium(self) -> "TaskType":
        """The medium of its files: image, video or audio."""
        return self if self in (TaskType.VIDEO, TaskType.AUDIO) else TaskType.IMAGE

    @property
    def path(self) -> str:
        """What it is called in a path."""
        return self.value.replace("_", "-")


class TaskStatus(StrEnum):
    """The status of a task."""

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


URL_LIFE: Final = timedelta(hours=1)
"""How long the URL of an output works, at least."""
URL_WINDOW: Final = URL_LIFE / 4
"""How long it stays the same, counted by the clock: a browser downloads a file once in each window."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def window_begin(now: datetime, window: timedelta = URL_WINDOW) -> datetime:
    """When the window began in which URLs are the same as they are `now`."""
    return now - (now - _EPOCH) % window


class C2pa(StrEnum):
    """Whether a C2PA manifest is embedded in a file; unknown where its format or the file could not be read."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Provenance(StoredModel):
    """Where a file comes from."""

    ai_generated: Annotated[bool, Field(description="Whether a model has made it.")] = True
    provider: Annotated[str, Field(description="What really made it: the provider, or `sandbox` in its place.")]
    model: Annotated[str, Field(description="The id of the model, also where an alias was asked for.")]
    at: Annotated[TimestampText, Field(description="When it was stored here.")]
    c2pa: Annotated[
        C2pa,
        Field(description="Whether a C2PA manifest is embedded in it, which is kept and not verified."),
    ] = C2pa.UNKNOWN


class Output(StoredModel):
    """One file of a finished task, in our own storage. Its URLs are signed and stop working after a while."""

    url: str = ""
    thumbnail_url: Annotated[
        str | None,
        Field(description="A WebP of at most 512 pixels a side: the image, a video's first image, a sound's waveform."),
    ] = None
    file_name: Annotated[
        str | None,
        Field(description="What it is saved as; null in lists and in results, which do not read its campaign's name."),
    ] = None
    content_type: str
    bytes: int
    width: int | None = None
    height: int | None = None
    duration: Annotated[float | None, Field(description="Seconds.")] = None
    flagged: Annotated[bool, Field(description="Whether the provider's own safety check has marked this file.")] = False
    provenance: Annotated[
        Provenance | None, Field(description="Where it comes from; null for files from before that was kept.")
    ] = None
    key: SkipJsonSchema[Annotated[str, Field(exclude=True)]]
    thumbnail_key: SkipJsonSchema[Annotated[str | None, Field(exclude=True)]] = None


def _as_text(value: object) -> object:
    # Half of a surrogate pair, which JSON can spell, is no text that could be kept.
    return value.encode(errors="replace").decode() if isinstance(value, str) else value


class TaskError(StoredModel):
    """Why a task failed; `retryable` says whether a retry may succeed."""

    code: str
    message: Annotated[str, BeforeValidator(_as_text)]
    retryable: bool


class Cost(StoredModel):
    """The provider's charge: estimated at creation, actual at the end."""

    estimated: Amount | None = None
    actual: Amount | None = None
    currency: str = "USD"


class Attempt(StoredModel):
    """A provider that did not accept the job, and why, before the next one was asked."""

    provider: str
    model: str
    error: TaskError


class Fallback(StoredModel):
    """A provider to try if those before it do not accept the job, and what it is estimated to cost."""

    provider: str
    model: str
    served_by: str
    estimated: Amount | None = None
    model_line: str | None = None


class DeliveryAttempt(StoredModel):
    """One attempt to send the finished task to its `webhook_url`. `status` is the receiver's HTTP status, if any."""

    at: Timestamp
    status: int | None = None
    error: str | None = None
    given_up: Annotated[
        bool, Field(description="Whether nothing was sent and nothing is going to be; `error` says why.")
    ] = False


class Outcome(StrEnum):
    """How the provider's job ended; it may differ from the task."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


class TaskSummary(StoredModel):
    """A task as lists show it: everything but its long texts and its logs."""

    id: Id
    type: TaskType
    status: TaskStatus
    provider: str
    served_by: Annotated[str, Field(description="What really generates: the provider, or `sandbox` in its place.")]
    model: str
    provider_task_id: str | None = None
    user_id: int
    created_by: int
    updated_by: int
    client_id: Id | None = None
    campaign_id: Id | None = None
    prompt: str
    seed: Annotated[
        int | None,
        Field(description="The seed that was used: what was asked for, else what is known at the end; null for none."),
    ] = None
    guidelines_truncated: Annotated[
        bool, Field(description="Whether the model's prompt limit left no room for all of guidelines and brief.")
    ] = False
    guidelines_omitted_characters: Annotated[
        int, Field(ge=0, description="How many characters of guidelines and brief it left no room for.")
    ] = 0
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
    rating: Annotated[int | None, Field(ge=1, le=5)] = None
    tags: list[str] = Field(default_factory=list)
    metadata: dict[str, JsonValue] | None = None
    webhook_url: str | None = None
    # When its webhook was last asked to be sent again: what was attempted before is over.
    webhook_resent_at: SkipJsonSchema[Annotated[Timestamp | None, Field(exclude=True)]] = None
    created_at: Timestamp
    started_at: Timestamp | None = None
    completed_at: Timestamp | None = None
    updated_at: Timestamp

    @property
    def over(self) -> bool:
        """Whether the status is terminal."""
        return self.status in TERMINAL

    def output_file(self, number: int) -> InputFile | None:
        """The output of this number, as the input of another task; None when there is none."""
        if number >= len(self.outputs):
            return None
        output = self.outputs[number]
        return InputFile(
            output.key,
            output.content_type,
            output.bytes,
            width=output.width,
            height=output.height,
            duration=output.duration,
        )


class TaskDetail(BaseModel):
    """What a list does not show of a task: its long texts, its logs, and what the pipeline keeps for itself."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    effective_prompt: str
    params: dict[str, JsonValue] = Field(default_factory=dict)
    inputs: list[TaskInput] = Field(default_factory=list)
    attempts: Annotated[list[Attempt], Field(description="Providers that did not accept the job.")] = Field(
        default_factory=list
    )
    webhook_deliveries: Annotated[list[DeliveryAttempt], Field(description="The attempts to call `webhook_url`.")] = (
        Field(default_factory=list)
    )
    apply_brand_guidelines: SkipJsonSchema[Annotated[bool, Field(exclude=True)]] = True
    # Which message of the generation queue is the current one, and until when a worker is submitting it.
    step: SkipJsonSchema[Annotated[int, Field(exclude=True)]] = 0
    lease_until: SkipJsonSchema[Annotated[Timestamp | None, Field(exclude=True)]] = None
    # For when that message is planned (None: at once).
    next_at: SkipJsonSchema[Annotated[Timestamp | None, Field(exclude=True)]] = None
    # Who is asked next, and what proves that a callback was asked for by us.
    fallbacks: SkipJsonSchema[Annotated[list[Fallback], Field(exclude=True)]] = Field(default_factory=list)
    callback_token: SkipJsonSchema[Annotated[str, Field(exclude=True)]] = ""
    # What it reserved in its budgets; None for a new task that has no price. What its caller would pay for one.
    reserved: SkipJsonSchema[Annotated[Amount | None, Field(exclude=True)]] = Decimal(0)
    max_cost: SkipJsonSchema[Annotated[Amount | None, Field(exclude=True)]] = None
    # What it was made for, whatever was deleted since: there it is booked.
    booked_client_id: SkipJsonSchema[Annotated[Id | None, Field(exclude=True)]] = None
    booked_campaign_id: SkipJsonSchema[Annotated[Id | None, Field(exclude=True)]] = None
    # What the names of its files begin with: its campaign's name as it was.
    file_prefix: SkipJsonSchema[Annotated[str, Field(exclude=True)]] = ""
    # Which version of which line of the catalog its model is, if an operator has added it: what it was priced by.
    model_line: SkipJsonSchema[Annotated[str | None, Field(exclude=True)]] = None
    # Counts the changes of the detail, as `version` counts those of the summary.
    detail_version: SkipJsonSchema[Annotated[int, Field(exclude=True)]] = 1


class Task(TaskDetail, TaskSummary):
    """A task, whole. `effective_prompt` is what the provider is sent, guidelines and brief included."""

    @property
    def sent(self) -> bool:
        """Whether its provider may have heard of the job."""
        return self.lease_until is not None or self.provider_task_id is not None

    @property
    def delivery_since(self) -> datetime:
        """Since when its webhook is to be delivered: its end, or when it was asked to be sent again."""
        return self.webhook_resent_at or self.completed_at or self.updated_at

    @property
    def deliveries_made(self) -> list[DeliveryAttempt]:
        """The attempts since then."""
        return [
            each for each in self.webhook_deliveries if not self.webhook_resent_at or each.at >= self.webhook_resent_at
        ]

    @property
    def job_over(self) -> bool:
        """Whether it is known that its provider has no job of it that runs."""
        return not self.sent or self.status is TaskStatus.SUCCEEDED or self.provider_outcome is not None

    def changed(self, **change: object) -> "Task":
        """The task with these fields changed, and the version raised of summary and detail if it is theirs."""
        versions = {
            version: getattr(self, version) + 1
            for part, version in ((TaskSummary, "version"), (TaskDetail, "detail_version"))
            if change.keys() & part.model_fields.keys()
        }
        return self.model_copy(update={**change, **versions})


class TaskPage(Page[TaskSummary]):
    """A page of tasks."""
