"""Imports: clients or campaigns made of a file that the caller uploads, one of each row."""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from atelier.domain.campaigns import NewCampaign
from atelier.domain.clients import NewClient
from atelier.domain.import_files import LARGEST_FILE, Columns, ImportFormat
from atelier.domain.pages import FROM_TEXT, CursorPage, CursorQuery
from atelier.domain.schema import Id, RequestModel, StoredModel, TimestampText, whole

KEPT: Final = timedelta(days=30)
UPLOAD_LIFE: Final = timedelta(hours=1)
"""How long the URL of an upload works."""
SHOWN_FAILURES: Final = 100
"""Failed rows in one answer."""
CONTENT_TYPES: Final = {ImportFormat.CSV: "text/csv", ImportFormat.JSONL: "application/x-ndjson"}


class ImportType(StrEnum):
    """What is made of the rows."""

    CLIENTS = "clients"
    CAMPAIGNS = "campaigns"


ROWS: Final[Mapping[ImportType, type[RequestModel]]] = {
    ImportType.CLIENTS: NewClient,
    ImportType.CAMPAIGNS: NewCampaign,
}
"""A row is the body of the request that creates one."""


class ImportStatus(StrEnum):
    """The status of an import: `pending` waits for its file and for the start."""

    PENDING = "pending"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"


def columns_of(kind: ImportType) -> Columns:
    """The columns of a CSV file: all fields that are texts."""
    fields = {name: field for name, field in ROWS[kind].model_fields.items() if name != "user_id"}
    return Columns(tuple(fields), tuple(name for name, field in fields.items() if field.is_required()))


class NewImport(RequestModel):
    """What is to be imported. The upload takes exactly `size` bytes."""

    type: ImportType
    format: ImportFormat
    size: Annotated[int, Field(ge=1, le=LARGEST_FILE, description="Bytes of the file."), BeforeValidator(whole)]

    model_config = ConfigDict(json_schema_extra={"example": {"type": "clients", "format": "csv", "size": 48211}})


class Upload(BaseModel):
    """The request that uploads the file: with these headers, to this URL, for an hour."""

    method: str
    url: str
    headers: dict[str, str]


class RowFailure(BaseModel):
    """A row that was not imported, and the problem that the single request would have been answered with."""

    line: Annotated[int, Field(ge=1, description="Where the row begins; the first line of a file is 1.")]
    problem: dict[str, JsonValue]


class FileError(BaseModel):
    """Why a file was refused, and where. Nothing was imported then, unless it was replaced while it was read."""

    detail: str
    line: int | None = None


class Import(StoredModel):
    """An import. It has `succeeded` when each row was looked at, whether it failed or not. Kept for 30 days."""

    id: Id
    user_id: int
    created_by: int
    type: ImportType
    format: ImportFormat
    size: int
    status: ImportStatus
    rows: Annotated[int | None, Field(ge=0, description="Of the file, once it was checked.")] = None
    rows_succeeded: Annotated[int, Field(ge=0)] = 0
    rows_failed: Annotated[int, Field(ge=0)] = 0
    progress: Annotated[float | None, Field(ge=0, le=1)] = None
    error: FileError | None = None
    created_at: TimestampText
    started_at: TimestampText | None = None
    completed_at: TimestampText | None = None
    updated_at: TimestampText


class ImportUpload(Import):
    """A new import, and the request that uploads its file."""

    upload: Upload


class ImportReport(Import):
    """An import, and the rows that failed: the first 100 of them."""

    failures: list[RowFailure]


class ImportQuery(CursorQuery):
    """Which imports to list, newest first."""

    status: Annotated[ImportStatus | None, Field(description="Only imports with this status.")] = None


class ImportPage(CursorPage[Import]):
    """A page of imports. With a filter it can have fewer than asked for: go on while there is more."""


class FailureQuery(RequestModel):
    """Which failed rows to list."""

    after: Annotated[int, Field(ge=0, lt=10**9, description="Only rows behind this line."), FROM_TEXT] = 0


class FailurePage(StoredModel):
    """Failed rows in the order of the file, at most 100; `next_after` leads on, and is null behind the last one."""

    failures: list[RowFailure]
    next_after: int | None
