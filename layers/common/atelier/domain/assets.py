"""Assets: files that callers bring along, to generate from: references, masks, logos, videos, sounds.

An asset is created first, then its file is uploaded, then it is checked: `ready` or `rejected`. A picture is kept
twice, as it was uploaded and normalized for providers; anything else as it was uploaded.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import BeforeValidator, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from atelier.domain.errors import FieldError, IllegalTransition, Invalid, NotFound
from atelier.domain.file_names import file_name
from atelier.domain.input_files import InputFile
from atelier.domain.messages import AccountMessage
from atelier.domain.pages import OwnedQuery, Page, SearchQuery
from atelier.domain.schema import (
    GivenId,
    Id,
    Name,
    QueryId,
    RequestModel,
    StoredModel,
    StoredName,
    Timestamp,
    TimestampText,
    in_form,
    whole,
    without_defaults,
)

if TYPE_CHECKING:
    from atelier.domain.tasks.record import TaskSummary

UPLOAD_LIFE: Final = timedelta(minutes=15)
"""How long the URL of an upload works."""
ABANDONED_AFTER: Final = timedelta(hours=25)
"""From the creation of an asset whose file never came: a day, for which a repeated request gets a URL, and an hour."""
REJECTED_KEPT: Final = timedelta(days=7)
"""How long it can be seen why a file was rejected."""
CHECK_SECONDS: Final = 60
"""The longest that a function may run that checks files. A longer time after a deletion nobody writes its files."""
FILES_REMOVED_AFTER: Final = timedelta(seconds=2 * CHECK_SECONDS)
MB: Final = 1_000_000
MOST_PIXELS: Final = 50 * MB
LONGEST_SIDE: Final = 4096
"""Pixels of a normalized picture."""
MOST_SECONDS: Final = 60
"""Of a video."""


class Medium(StrEnum):
    """What a file is for the senses."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"


MOST_BYTES: Final[Mapping[Medium, int]] = {Medium.IMAGE: 30 * MB, Medium.AUDIO: 50 * MB, Medium.VIDEO: 200 * MB}


class Purpose(StrEnum):
    """What an asset is for."""

    REFERENCE = "reference"
    MASK = "mask"
    LOGO = "logo"
    VIDEO = "video"
    AUDIO = "audio"

    @property
    def medium(self) -> Medium:
        """The medium of its file."""
        return Medium(self.value) if self in (Purpose.VIDEO, Purpose.AUDIO) else Medium.IMAGE


CONTENT_TYPES: Final[Mapping[Medium, tuple[str, ...]]] = {
    Medium.IMAGE: ("image/png", "image/jpeg", "image/webp", "image/gif"),
    Medium.VIDEO: ("video/mp4", "video/quicktime", "video/webm"),
    Medium.AUDIO: ("audio/mpeg", "audio/wav", "audio/ogg", "audio/flac", "audio/mp4", "audio/webm"),
}
_ALSO_CALLED: Final = {
    "image/jpg": "image/jpeg",
    "audio/mp3": "audio/mpeg",
    "audio/wave": "audio/wav",
    "audio/x-wav": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/m4a": "audio/mp4",
    "audio/x-m4a": "audio/mp4",
}
"""What browsers call the same."""


def _usual_type(value: object) -> object:
    """A content type by the name that is usual for it, without its parameters."""
    if not isinstance(value, str):
        return value
    plain = value.partition(";")[0].strip().lower()
    return _ALSO_CALLED.get(plain, plain)


class AssetStatus(StrEnum):
    """The status of an asset: `pending` waits for its file, or for the check of it."""

    PENDING = "pending"
    READY = "ready"
    REJECTED = "rejected"


_DIGITS: Final = 3  # of the number of an output
_BY_ALIAS: Final = ConfigDict(populate_by_name=True, serialize_by_alias=True)


class NewAsset(RequestModel):
    """An asset to create. The upload takes exactly the file that is announced here."""

    name: Annotated[Name, Field(alias="filename")]
    content_type: Annotated[
        str,
        Field(max_length=100, json_schema_extra={"enum": [*chain(*CONTENT_TYPES.values()), *_ALSO_CALLED]}),
        BeforeValidator(_usual_type),
    ]
    size: Annotated[
        int,
        Field(
            ge=1,
            le=max(MOST_BYTES.values()),
            description="Bytes of the file: 30 MB of an image, 50 MB of a sound, 200 MB of a video.",
        ),
        BeforeValidator(whole),
    ]
    sha256: Annotated[
        str,
        *in_form("^[0-9a-f]{64}$", "must be 64 hexadecimal digits: 0 to 9, and a to f in lower case"),
        Field(description="Checksum of the file, in hexadecimal digits."),
    ]
    purpose: Purpose
    client_id: Annotated[GivenId | None, Field(description="Kept with this client, deleted and shared with it.")] = None

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "filename": "product.png",
                "content_type": "image/png",
                "size": 48211,
                "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "purpose": "reference",
            }
        }
    )


class AssetPatch(RequestModel):
    """A merge patch: an absent field stays. The client and the file never change."""

    name: Annotated[Name, Field(alias="filename")] = ""
    purpose: Purpose = Purpose.REFERENCE

    model_config = ConfigDict(json_schema_extra=without_defaults)


class OutputAsset(RequestModel):
    """What an asset is to be that is made of a task's output. What is not said follows from the task."""

    name: Annotated[Name | None, Field(alias="filename")] = None
    purpose: Annotated[
        Purpose | None, Field(description="What goes with the output's type; `reference` for an image.")
    ] = None


class AssetSource(StoredModel):
    """The task's output that an asset was made of."""

    task_id: Id
    output: int


class CopiedAsset(NewAsset):
    """An asset that is made of a task's output, whose checksum is not known yet."""

    sha256: None = None  # type: ignore[assignment]
    size: int
    source: AssetSource
    source_key: str
    user_id: int | None

    model_config = ConfigDict(populate_by_name=True)


class FileUpload(StoredModel):
    """The request that uploads the file, once: with these headers, to this URL."""

    method: str
    url: str
    headers: dict[str, str]
    expires_at: Timestamp


class AssetError(StoredModel):
    """Why a file was rejected."""

    code: Annotated[
        str,
        Field(
            description="`wrong_type`, `wrong_checksum`, `too_large`, `too_long`, `animated`, `broken`, `source_gone`."
        ),
    ]
    message: str


class AssetFile(StoredModel):
    """A file of an asset. `url` is signed and stops working after a while."""

    url: str = ""
    content_type: str
    size: int
    width: int | None = None
    height: int | None = None
    has_alpha: bool = False
    key: SkipJsonSchema[Annotated[str, Field(exclude=True)]]


class Asset(StoredModel):
    """A file that was brought along. What is known of it once it is `ready` is null before."""

    id: Id
    user_id: int
    created_by: int
    updated_by: int
    client_id: Id | None = None
    name: Annotated[StoredName, Field(alias="filename")]
    purpose: Purpose
    content_type: str
    size: int
    sha256: str | None = None
    status: AssetStatus = AssetStatus.PENDING
    error: AssetError | None = None
    width: Annotated[int | None, Field(description="Pixels, the way up that it is shown.")] = None
    height: int | None = None
    duration: Annotated[float | None, Field(description="Seconds.")] = None
    url: Annotated[str | None, Field(description="The file as it was uploaded; signed, for an hour at least.")] = None
    thumbnail_url: Annotated[str | None, Field(description="A WebP of at most 512 pixels a side.")] = None
    normalized: Annotated[
        AssetFile | None,
        Field(description="What providers get of a picture: sRGB, upright, at most 4,096 pixels a side, no metadata."),
    ] = None
    source: Annotated[AssetSource | None, Field(description="The output that it was made of.")] = None
    created_at: TimestampText
    updated_at: TimestampText
    key: SkipJsonSchema[Annotated[str | None, Field(exclude=True)]] = None
    thumbnail_key: SkipJsonSchema[Annotated[str | None, Field(exclude=True)]] = None
    # Where the file of a new asset is copied from: an output of a task.
    source_key: SkipJsonSchema[Annotated[str | None, Field(exclude=True)]] = None

    model_config = _BY_ALIAS

    @property
    def due_at(self) -> datetime | None:
        """From when on there is no use for an asset that is not ready: its file did not come, or was rejected."""
        match self.status:
            case AssetStatus.PENDING:
                return datetime.fromisoformat(self.created_at) + ABANDONED_AFTER
            case AssetStatus.REJECTED:
                return datetime.fromisoformat(self.updated_at) + REJECTED_KEPT
            case _:
                return None

    def input_file(self) -> InputFile | None:
        """The file as the input of a task, normalized where it is a picture; None while it is not ready."""
        if self.status is not AssetStatus.READY:
            return None
        if picture := self.normalized:
            return InputFile(
                picture.key,
                picture.content_type,
                picture.size,
                width=picture.width,
                height=picture.height,
                has_alpha=picture.has_alpha,
            )
        return InputFile(
            self.key or "",
            self.content_type,
            self.size,
            width=self.width,
            height=self.height,
            duration=self.duration,
        )


class AssetUpload(Asset):
    """A new asset, and the request that uploads its file; null once it is there."""

    upload: FileUpload | None


class AssetQuery(SearchQuery, OwnedQuery):
    """Which assets to list, in what order."""

    client_id: Annotated[QueryId | None, Field(description="Only this client's; `none`: those without a client.")] = (
        None
    )
    purpose: Annotated[Purpose | None, Field(description="Only those with this purpose.")] = None
    status: Annotated[AssetStatus | None, Field(description="Only those with this status.")] = None
    sort_by: Annotated[
        Literal["name", "created_at", "updated_at", "status"],
        Field(description="Field to sort by, `name` for the filename; ties are sorted by id."),
    ] = "created_at"


class AssetPage(Page[Asset]):
    """A page of assets."""


class AssetMessage(AccountMessage):
    """A message of the asset queue: see whether an asset's file is there, or remove the files of a deleted one."""

    asset_id: str


_HEIC: Final = ("image/heic", "image/heif", "image/heic-sequence", "image/heif-sequence", "image/avif")


def check_new(new: NewAsset) -> None:
    """Raise Invalid for a file that its purpose does not take."""
    if errors := list(_errors_of(new)):
        raise Invalid(errors)


def _errors_of(new: NewAsset) -> Iterator[FieldError]:
    medium = new.purpose.medium
    if new.content_type in _HEIC:
        yield FieldError("is not read here; convert the picture to JPEG or PNG", pointer="/content_type")
    elif new.content_type not in CONTENT_TYPES[medium]:
        yield FieldError(f"must be one of {', '.join(CONTENT_TYPES[medium])} for this purpose", pointer="/content_type")
    if new.size > MOST_BYTES[medium]:
        yield FieldError(f"must be at most {MOST_BYTES[medium]} for this purpose", pointer="/size")


def check_purpose(asset: Asset, purpose: Purpose) -> None:
    """Raise Invalid for a purpose that the file of an asset is not for."""
    if purpose.medium != asset.purpose.medium:
        raise Invalid([FieldError(f"must be for {asset.purpose.medium}, which the file is", pointer="/purpose")])


def asset_of_output(task: "TaskSummary", number: str, asked: OutputAsset) -> CopiedAsset:
    """The asset to make of an output. Raises IllegalTransition, NotFound, and Invalid for what it is not for."""
    if not task.outputs:
        raise IllegalTransition(f"The task is {task.status}; only one that succeeded has outputs.")
    index = int(number) if number.isascii() and number.isdecimal() and len(number) <= _DIGITS else len(task.outputs)
    if index >= len(task.outputs):
        raise NotFound("output", number)
    output, medium = task.outputs[index], Medium(task.type.medium.value)
    purpose = asked.purpose or (Purpose.REFERENCE if medium is Medium.IMAGE else Purpose(medium.value))
    if purpose.medium != medium:
        raise Invalid([FieldError(f"must be for {medium}, which the output is", pointer="/purpose")])
    extension = output.key.rpartition(".")[2]
    return CopiedAsset(
        name=asked.name or file_name((task.prompt,), index + 1, extension),
        content_type=output.content_type,
        size=output.bytes,
        purpose=purpose,
        client_id=task.client_id,
        user_id=None if task.client_id else task.user_id,
        source=AssetSource(task_id=task.id, output=index),
        source_key=output.key,
    )
