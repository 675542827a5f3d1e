"""The input files of a generation: what a request names, what a model takes, and what a file is.

An input is an output of a task or an asset, never an address: a provider would fetch whatever that names. Each has a
role, and a model has a field for each role that it takes. A file is checked against that field before anything is
reserved or paid.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import BeforeValidator, ConfigDict, Field, model_validator

from atelier.domain.errors import FieldError
from atelier.domain.schema import GivenId, RequestModel, whole

MOST_INPUTS: Final = 20
"""Inputs of one request, of all roles together."""
MOST_OUTPUT: Final = 99


TASK_IN_URL: Final = "x-task"
"""In the URL of an input: the parameter that names the task. S3 ignores parameters that begin with `x-`."""


class InputRole(StrEnum):
    """What a model uses an input for."""

    REFERENCE = "reference"
    START_IMAGE = "start_image"
    END_IMAGE = "end_image"
    MASK = "mask"
    VIDEO = "video"
    AUDIO = "audio"

    @property
    def medium(self) -> str:
        """The medium of its file: image, video or audio."""
        return self.value if self in (InputRole.VIDEO, InputRole.AUDIO) else "image"


class TaskInput(RequestModel):
    """An input: an asset or an output of a task, and what it is for. The id of what was deleted is null in a task."""

    role: InputRole
    asset_id: GivenId | None = None
    task_id: Annotated[GivenId | None, Field(description="With `output`: a task that succeeded.")] = None
    output: Annotated[
        Annotated[int, Field(ge=0, le=MOST_OUTPUT), BeforeValidator(whole)] | None,
        Field(description="Which of the task's outputs, counted from 0."),
    ] = None


_TEXT: Final[Any] = {"type": "string"}
_NULL: Final[Any] = {"type": "null"}


class NewTaskInput(TaskInput):
    """An input of a request: either `asset_id`, or `task_id` and `output`."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["asset_id"], "properties": {"asset_id": _TEXT, "task_id": _NULL, "output": _NULL}},
                {
                    "required": ["task_id", "output"],
                    "properties": {"asset_id": _NULL, "task_id": _TEXT, "output": {"type": "integer"}},
                },
            ]
        }
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.asset_id is None) == (self.task_id is None) or (self.task_id is None) != (self.output is None):
            raise ValueError("must have either asset_id, or task_id and output")
        return self


def not_too_many(values: Any) -> Any:
    """The inputs. Raises ValueError before they are looked at: each of a hundred thousand would be an error."""
    if isinstance(values, list) and len(values) > MOST_INPUTS:
        raise ValueError(f"must have at most {MOST_INPUTS} items")
    return values


@dataclass(frozen=True)
class InputFile:
    """A file in our bucket; what is not known of it is None. Sides in pixels, `duration` in seconds."""

    key: str
    content_type: str
    size: int
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    has_alpha: bool | None = None

    @property
    def medium(self) -> str:
        """image, video or audio."""
        return self.content_type.partition("/")[0]


FoundInput = InputFile | FieldError
"""The file that an input of a request names, or why it cannot be used."""

IMAGES: Final = ("image/jpeg", "image/png", "image/webp")
VIDEOS: Final = ("video/mp4", "video/quicktime", "video/webm")
SOUNDS: Final = ("audio/mpeg", "audio/wav", "audio/mp4", "audio/ogg", "audio/flac")
_USUAL: Final = {"image": IMAGES, "video": VIDEOS, "audio": SOUNDS}


@dataclass(frozen=True)
class InputSpec:
    """What a model takes in one role, and where.

    `name` is the provider's field, which holds a list if `many`. From `least` to `most` files; `formats` are content
    types, the usual ones of the medium if there are none here. Bounds that are None are not known: `min_side` and
    `max_side` in pixels, of each side; `min_ratio` and `max_ratio` of width by height; `max_seconds` of what plays.
    """

    role: InputRole
    name: str
    many: bool = False
    least: int = 0
    most: int = 1
    formats: tuple[str, ...] = ()
    max_bytes: int | None = None
    min_side: int | None = None
    max_side: int | None = None
    min_ratio: float | None = None
    max_ratio: float | None = None
    max_seconds: float | None = None

    @property
    def accepted(self) -> tuple[str, ...]:
        """The content types that it takes."""
        return self.formats or _USUAL[self.role.medium]

    @property
    def count(self) -> str:
        """How many files it takes, in words."""
        return f"{self.least}" if self.least == self.most else f"{self.least} to {self.most}"


# ------------------------------------------------------------------------------------------------------------ checks


def errors_of_counts(roles: Sequence[InputRole], specs: Sequence[InputSpec], *, model: str) -> Iterator[FieldError]:
    """What is wrong with the roles of a request's inputs for a model, whatever their files are."""
    by_role = {spec.role: spec for spec in specs}
    takes = ", ".join(f"{spec.count} {spec.role}" for spec in specs) or "none"
    for number, role in enumerate(roles):
        if role not in by_role:
            yield FieldError(
                f"{model} takes no {role}; inputs that it takes: {takes}", pointer=f"/inputs/{number}/role"
            )
    for spec in specs:
        if not spec.least <= roles.count(spec.role) <= spec.most:
            text = f"{model} takes {spec.count} {spec.role}, not {roles.count(spec.role)}"
            yield FieldError(text, pointer="/inputs")


def errors_of_files(
    inputs: Sequence[tuple[InputRole, FoundInput]], specs: Sequence[InputSpec], *, model: str
) -> Iterator[FieldError]:
    """What is wrong with the files of a request's inputs for a model, as far as they are there."""
    by_role = {spec.role: spec for spec in specs}
    files = [(number, role, file) for number, (role, file) in enumerate(inputs) if isinstance(file, InputFile)]
    picture = picture_of(inputs)
    for number, role, file in files:
        if role not in by_role:
            continue
        problems = [
            *_problems(file, by_role[role]),
            *(_problems_of_mask(file, picture) if role is InputRole.MASK else ()),
        ]
        yield from (FieldError(f"{model} {problem}", pointer=f"/inputs/{number}") for problem in problems)


def picture_of(inputs: Iterable[tuple[InputRole, FoundInput]]) -> InputFile | None:
    """The picture that a generation begins with: the first reference or start image that is there."""
    pictures = (file for role, file in inputs if role in (InputRole.REFERENCE, InputRole.START_IMAGE))
    return next((file for file in pictures if isinstance(file, InputFile)), None)


def _problems(file: InputFile, spec: InputSpec) -> Iterator[str]:
    if file.content_type not in spec.accepted:
        yield f"takes {', '.join(spec.accepted)} as {spec.role}, not {file.content_type}"
        return
    if spec.max_bytes is not None and file.size > spec.max_bytes:
        yield f"takes at most {spec.max_bytes} bytes as {spec.role}, not {file.size}"
    if spec.max_seconds is not None and file.duration is not None and file.duration > spec.max_seconds:
        yield f"takes at most {spec.max_seconds:g} seconds as {spec.role}, not {file.duration:g}"
    if file.width is not None and file.height is not None:
        yield from _problems_of_sides(file.width, file.height, spec)


def _problems_of_sides(width: int, height: int, spec: InputSpec) -> Iterator[str]:
    sides = f"{width} x {height}"
    if spec.min_side is not None and min(width, height) < spec.min_side:
        yield f"takes at least {spec.min_side} pixels a side as {spec.role}, not {sides}"
    if spec.max_side is not None and max(width, height) > spec.max_side:
        yield f"takes at most {spec.max_side} pixels a side as {spec.role}, not {sides}"
    ratio = width / height if height else 0
    if spec.min_ratio is not None and ratio < spec.min_ratio:
        yield f"takes a width of at least {spec.min_ratio:g} times the height as {spec.role}, not {sides}"
    if spec.max_ratio is not None and ratio > spec.max_ratio:
        yield f"takes a width of at most {spec.max_ratio:g} times the height as {spec.role}, not {sides}"


def _problems_of_mask(mask: InputFile, picture: InputFile | None) -> Iterator[str]:
    if picture and (mask.width, mask.height) != (picture.width, picture.height):
        theirs = f"{picture.width} x {picture.height}"
        yield f"takes a mask of the same size as the picture, {theirs}, not {mask.width} x {mask.height}"
