"""Exports: the files of a client, a campaign or some tasks, as archives to take home.

An export is carried out in steps, each by one message: step 0 writes down what belongs into it (the plan), every
further step makes one volume. The message of a step is sent after the step before it was recorded, and the sweep sends
it again where it was lost.
"""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from atelier.domain.messages import AccountMessage
from atelier.domain.pages import CursorPage, CursorQuery
from atelier.domain.schema import GivenId, Id, RequestModel, StoredModel, Timestamp, distinct
from atelier.domain.sharing import SharedKind

MOST_FILES: Final = 10_000
"""Of an export; also how many tasks it may have."""
MOST_TASK_IDS: Final = 500
"""What one request may name."""
VOLUME_BYTES: Final = 2_000_000_000
KEPT: Final = timedelta(days=7)
"""From the request on."""
URL_LIFE: Final = timedelta(minutes=15)
"""How long the URL of an archive works: long enough to begin with, and rights are asked for again soon."""
LEASE: Final = timedelta(minutes=16)
"""How long a step belongs to who began it: a little longer than its function may run."""
ATTEMPTS: Final = 3
"""At one step, before the export has failed."""
PAUSE: Final = 30
"""Seconds between a step that failed and its next attempt."""


class ExportPart(StrEnum):
    """What an export may have in it."""

    MEDIA = "media"
    TASKS = "tasks"
    SPEND = "spend"


class ExportStatus(StrEnum):
    """The status of an export."""

    PENDING = "pending"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


OPEN: Final = (ExportStatus.PENDING, ExportStatus.PROCESSING)


class NewExport(RequestModel):
    """What to export: exactly one of a client, a campaign and some tasks."""

    client_id: Annotated[GivenId | None, Field(description="Everything of this client.")] = None
    campaign_id: Annotated[GivenId | None, Field(description="Everything of this campaign.")] = None
    task_ids: Annotated[
        Annotated[list[GivenId], Field(min_length=1, max_length=MOST_TASK_IDS), *distinct("must not name a task twice")]
        | None,
        Field(description="These tasks, all of one account."),
    ] = None
    include: Annotated[
        list[ExportPart],
        Field(
            min_length=1,
            max_length=len(ExportPart),
            description="The files, a table of the tasks (`tasks.csv`), what they cost by day and model (`spend.csv`).",
        ),
        *distinct("must not name a part twice"),
    ] = Field(default_factory=lambda: list(ExportPart))

    @model_validator(mode="after")
    def _one_scope(self) -> Self:
        if sum(each is not None for each in (self.client_id, self.campaign_id, self.task_ids)) != 1:
            raise PydanticCustomError("either", "give exactly one of client_id, campaign_id and task_ids")
        return self


class ExportFile(StoredModel):
    """One archive of an export. `url` is signed and stops working after 15 minutes; ask for the export again then."""

    name: str
    url: str = ""
    bytes: int
    sha256: Annotated[str, Field(description="Of the archive, in hexadecimal digits.")]
    key: SkipJsonSchema[Annotated[str, Field(exclude=True)]]


class ExportError(StoredModel):
    """Why an export failed."""

    code: Annotated[str, Field(description="`too_many_files`, `too_many_tasks` or `export_failed`.")]
    message: str


class Export(StoredModel):
    """An export, as who asked for it sees it."""

    id: Id
    status: ExportStatus
    user_id: Annotated[int, Field(description="The account whose files these are.")]
    created_by: int
    client_id: Id | None = None
    campaign_id: Id | None = None
    task_ids: list[Id] | None = None
    name: Annotated[
        str | None, Field(description="That of the client or campaign when it was asked for; null for tasks.")
    ] = None
    include: list[ExportPart]
    progress: Annotated[float, Field(ge=0, le=1)] = 0
    tasks: Annotated[int | None, Field(description="How many tasks are in it; null until they are counted.")] = None
    outputs: Annotated[int | None, Field(description="How many of their files belong into it.")] = None
    missing: Annotated[int, Field(description="How many of these were gone; `manifest.json` names them.")] = 0
    files: Annotated[list[ExportFile], Field(description="The archives, in their order; all once it succeeded.")] = (
        Field(default_factory=list)
    )
    error: ExportError | None = None
    created_at: Timestamp
    completed_at: Timestamp | None = None
    expires_at: Annotated[Timestamp, Field(description="From then on there is neither the export nor its files.")]
    # What was shared with whoever asked for it, if that is why they may read it.
    grant_kind: SkipJsonSchema[Annotated[SharedKind | None, Field(exclude=True)]] = None
    grant_id: SkipJsonSchema[Annotated[str | None, Field(exclude=True)]] = None
    # Which message is the current one, how often its step was begun, and for when it is planned.
    step: SkipJsonSchema[Annotated[int, Field(exclude=True)]] = 0
    attempts: SkipJsonSchema[Annotated[int, Field(exclude=True)]] = 0
    lease_until: SkipJsonSchema[Annotated[Timestamp | None, Field(exclude=True)]] = None
    next_at: SkipJsonSchema[Annotated[Timestamp | None, Field(exclude=True)]] = None
    # How many of the planned files were dealt with.
    position: SkipJsonSchema[Annotated[int, Field(exclude=True)]] = 0
    deleted_at: SkipJsonSchema[Annotated[Timestamp | None, Field(exclude=True)]] = None

    @property
    def folder(self) -> str:
        """What the keys of everything that is stored of it begin with."""
        return f"exports/{self.user_id}/{self.id}/"


class ExportQuery(CursorQuery):
    """Which exports to list, newest first."""

    status: Annotated[ExportStatus | None, Field(description="Only exports with this status.")] = None


class ExportPage(CursorPage[Export]):
    """A page of exports. It can have fewer than asked for: go on while there is more."""


class ExportMessage(AccountMessage):
    """A message of the export queue: carry out this step; None: remove what is left of a deleted export."""

    created_by: int
    export_id: str
    step: int | None = 0

    @classmethod
    def about(cls, export: Export, *, step: int | None) -> "ExportMessage":
        """The message that leads to a step of an export."""
        return cls(user_id=export.user_id, created_by=export.created_by, export_id=export.id, step=step)


def new_export(
    new: NewExport,
    *,
    id_: str,
    account: int,
    actor: int,
    grant: tuple[SharedKind, str] | None,
    name: str | None,
    now: datetime,
) -> Export:
    """An export that was asked for, of what is called `name`."""
    kind, shared = grant or (None, None)
    return Export(
        id=id_,
        status=ExportStatus.PENDING,
        user_id=account,
        created_by=actor,
        client_id=new.client_id,
        campaign_id=new.campaign_id,
        task_ids=new.task_ids,
        name=name,
        include=new.include,
        created_at=now,
        expires_at=(now + KEPT).replace(microsecond=0),
        grant_kind=kind,
        grant_id=shared,
        next_at=now,
    )
