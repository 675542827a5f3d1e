"""Field types of all models (bounded texts, timestamps) and their two bases, `RequestModel` and `StoredModel`.

Models are built when they are first used: a function imports more of them than it needs.
"""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic.json_schema import SkipJsonSchema

from atelier.domain.ids import canonical
from atelier.domain.text import CONTENT_PATTERN, has_content, trim

KIB = 1024
LONG_TEXT_BYTES = 32 * KIB


class RequestModel(BaseModel):
    """A request body or query. Unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, defer_build=True)


class StoredModel(BaseModel):
    """A stored and returned model. `version` counts its changes; callers see it as the ETag."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    version: SkipJsonSchema[Annotated[int, Field(exclude=True)]] = 1


def utcnow() -> datetime:
    """The current time; entrypoints read it once and pass it down."""
    return datetime.now(UTC)


def format_timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with exactly six decimals, so that texts sort as times do."""
    # Not strftime: its years have no leading zeros everywhere.
    text = moment.isoformat(timespec="microseconds")
    # Nearly all are in UTC already: a list of 50 tasks writes 250.
    return f"{text[:-6]}Z" if text.endswith("+00:00") else format_timestamp(moment.astimezone(UTC))


Timestamp = Annotated[
    datetime,
    PlainSerializer(format_timestamp, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


TimestampText = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""A timestamp as text, as `format_timestamp` writes it. For records nobody calculates with: to parse
and write the timestamps of 50 items takes as long as everything else about them (ADR 0017)."""


def _trimmed(value: Any) -> Any:
    """A text without white space and invisible characters at its ends; anything else as it is."""
    return trim(value) if isinstance(value, str) else value


def _with_content(value: str) -> str:
    """The text. Raises ValueError for one that has nothing to be seen."""
    if not has_content(value):
        raise ValueError("must contain a visible character")
    return value


def _at_most_32_kib(value: str) -> str:
    if len(value.encode()) > LONG_TEXT_BYTES:
        raise ValueError(f"must be at most {LONG_TEXT_BYTES} bytes in UTF-8")
    return value


_TRIMMED = BeforeValidator(_trimmed)
_HAS_CONTENT = AfterValidator(_with_content)
_NOT_BLANK = Field(json_schema_extra={"pattern": CONTENT_PATTERN})


def in_form(pattern: str, words: str) -> tuple[AfterValidator, Any]:
    """A text that matches `pattern` as a whole; `words` say what it must be, as callers are told who send another."""

    def fits(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(words)
        return value

    return AfterValidator(fits), Field(json_schema_extra={"pattern": pattern})


AnyList = TypeVar("AnyList", bound=list[Any])


def distinct(words: str) -> tuple[AfterValidator, Any]:
    """A list that has nothing twice; `words` say so, as callers are told who send it."""

    def fits(values: AnyList) -> AnyList:
        if len(set(values)) < len(values):
            raise ValueError(words)
        return values

    return AfterValidator(fits), Field(json_schema_extra={"uniqueItems": True})


StoredName = Annotated[str, Field(min_length=1, max_length=255), _NOT_BLANK]
Name = Annotated[StoredName, _HAS_CONTENT, _TRIMMED]
StoredGoal = Annotated[str, Field(min_length=1, max_length=2000), _NOT_BLANK]
Goal = Annotated[StoredGoal, _HAS_CONTENT, _TRIMMED]
Prompt = Annotated[str, Field(min_length=1, max_length=5000), _NOT_BLANK, _HAS_CONTENT, _TRIMMED]
OptionalPrompt = Annotated[str, Field(max_length=5000), _TRIMMED]
LONGEST_TAG: Final = 64
"""Characters of a tag."""
Tag = Annotated[str, Field(min_length=1, max_length=LONGEST_TAG), _NOT_BLANK, _HAS_CONTENT, _TRIMMED]
Description = Annotated[str, Field(max_length=2000)]
LongText = Annotated[str, Field(max_length=LONG_TEXT_BYTES), AfterValidator(_at_most_32_kib)]

Id = Annotated[str, Field(max_length=255, json_schema_extra={"format": "uuid"})]
GivenId = Annotated[Id, AfterValidator(canonical)]
"""An id in a body, found in any case of letters."""
QueryId = Annotated[str, Field(max_length=255), AfterValidator(canonical)]
"""An id in a query string, found in any case of letters."""


def whole(value: Any) -> Any:
    """A number of JSON, which has one kind of them: 2.0 is as whole as 2. Texts and booleans are not numbers."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool | str):
        raise ValueError("must be a whole number")
    return value


NewIn = Annotated[
    Annotated[int, Field(ge=1, le=10**15), BeforeValidator(whole)] | None,
    Field(description="The account to create it in: your own, or one that you are an editor of."),
]
"""In a request: the account of what is created."""

UNASSIGNED: Final = "none"
"""In place of the id of a client or campaign: none of them."""


Amount = Annotated[
    Decimal,
    PlainSerializer(float, return_type=float, when_used="json"),
    WithJsonSchema({"type": "number"}),
]
"""US dollars in an answer."""


def a_number(value: Any) -> Any:
    """A number of JSON, and no text or boolean that could be taken for one."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("must be a number")
    return value


def _to_the_millionth(value: Decimal) -> Decimal:
    cut = value.quantize(_MILLIONTH)
    # What a double adds to 0.1 + 0.2 was meant by nobody.
    if abs(value - cut) > value * _NOISE:
        raise ValueError("must have at most 6 decimal places")
    return cut + 0  # without the sign of -0.0


_MILLIONTH: Final = Decimal("0.000001")
_NOISE: Final = Decimal("1e-12")
MOST_DOLLARS: Final = 1_000_000_000
ExactDollars = Annotated[
    Decimal,
    Field(ge=0, le=MOST_DOLLARS),
    BeforeValidator(a_number),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": MOST_DOLLARS}),
]
"""An amount to calculate with, in a request."""
Dollars = Annotated[ExactDollars, AfterValidator(_to_the_millionth)]
"""An amount in a request, to the millionth of a dollar."""


def as_json(value: JsonValue) -> str:
    """A caller's free-form JSON as it is measured and stored."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def without_defaults(schema: dict[str, Any]) -> None:
    """Remove defaults from a patch's schema: an absent field stays unchanged."""
    for field in schema.get("properties", {}).values():
        field.pop("default", None)
