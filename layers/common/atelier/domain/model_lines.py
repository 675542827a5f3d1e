"""Lines of the catalog that operators add: a model each, of the whole deployment.

A line says what a provider's schema does not: what the model makes, what it costs, and how far callers may go. The rest
is derived from the schema, of which a snapshot is kept (`providers.derived`), or of providers that publish none, taken
from a built-in model (`providers.like`).
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Final, Literal, Self, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, model_validator

from atelier.domain.catalog import Catalog, Lifecycle, Model, Price, PriceSource, Unit
from atelier.domain.errors import FieldError, Invalid
from atelier.domain.schema import (
    KIB,
    Amount,
    ExactDollars,
    Id,
    RequestModel,
    StoredModel,
    TimestampText,
    a_number,
    distinct,
    in_form,
    without_defaults,
)
from atelier.domain.tasks.organising import merged
from atelier.domain.tasks.record import TaskType

PUBLISHING: Final = ("fal", "replicate")
"""The providers that publish what each of their models takes. Lines of others are `like` a built-in model."""
_SPEAKING: Final = "polly"
MOST_ALIASES: Final = 10
LINE_BYTES: Final = 64 * KIB
"""Of a line as JSON: what is made of it stands beside it in an item of the table, which has 400 KB."""
_SEGMENT: Final = "[A-Za-z0-9][A-Za-z0-9._-]*"
_NAME: Final = rf"^{_SEGMENT}(/{_SEGMENT})*(:{_SEGMENT})?$"
"""Segments of a path below the provider's address, and a version. None of them leads elsewhere, as `..` would."""
_FACTORS: Final = "What a value multiplies the price by. No other value is offered then, so 1 is said as well."


def _a_day(value: Any) -> Any:
    # pydantic would also take a number of seconds, and a text of one.
    is_day = isinstance(value, date) or (isinstance(value, str) and re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value))
    if not is_day:
        raise ValueError("must be a date such as 2026-01-31")
    return value


_Dollars = Annotated[ExactDollars, PlainSerializer(float, return_type=float, when_used="json")]
_Number = Annotated[float, BeforeValidator(a_number)]
_Day = Annotated[date, BeforeValidator(_a_day)]
ModelName = Annotated[
    str,
    Field(min_length=1, max_length=255),
    *in_form(
        _NAME,
        "must be a model's name such as owner/name or owner/name:version, whose parts begin with a letter or digit "
        "and have letters, digits, ., _ and -",
    ),
]
Word = Annotated[str, Field(min_length=1, max_length=64)]
VoiceName = Annotated[str, *in_form("^[A-Za-z]{1,64}$", "must be a voice's name of 1 to 64 letters, such as Joanna")]
Engine = Annotated[
    str,
    *in_form("^[a-z0-9-]{1,32}$", "must be 1 to 32 lower-case letters, digits and hyphens, such as long-form"),
]
Names = Annotated[list[Word], Field(max_length=20), *distinct("must not name anything twice")]
Voices = Annotated[list[VoiceName], Field(max_length=200), *distinct("must not name a voice twice")]
Aliases = Annotated[list[ModelName], Field(max_length=MOST_ALIASES), *distinct("must not name an alias twice")]
Scalar = bool | int | float | Annotated[str, Field(max_length=255)]
_UNITS: Final[Mapping[TaskType, tuple[Unit, ...]]] = {
    TaskType.VIDEO: (Unit.VIDEO, Unit.SECOND),
    TaskType.AUDIO: (Unit.AUDIO, Unit.SECOND, Unit.THOUSAND_CHARACTERS),
}
_OF_IMAGES: Final = (Unit.IMAGE, Unit.MEGAPIXEL)


class LinePrice(RequestModel):
    """What the provider lists, and when that was read."""

    amount: Annotated[_Dollars, Field(description="US dollars a unit.")]
    per: Unit
    further_amount: Annotated[
        _Dollars | None, Field(description="What each megapixel of an image after the first costs, if not `amount`.")
    ] = None
    as_of: _Day
    source: Annotated[
        PriceSource, Field(description="Read from the provider itself, or from somebody else's list of its prices.")
    ] = PriceSource.PROVIDER

    def price(self) -> Price:
        """The price as the catalog has it."""
        return Price(self.amount, self.per, further=self.further_amount, as_of=self.as_of, source=self.source)


class LineParam(RequestModel):
    """What of a parameter is offered, within what the provider's schema says."""

    choices: Annotated[list[Scalar] | None, Field(min_length=1, max_length=100)] = None
    minimum: _Number | None = None
    maximum: _Number | None = None
    default: Annotated[Scalar | None, Field(description="Sent with every job that says nothing.")] = None
    price_factors: Annotated[dict[Word, _Dollars], Field(max_length=100, description=_FACTORS)] = Field(
        default_factory=dict
    )


def _distinct_choices(param: LineParam) -> LineParam:
    # Not in LineParam, which is read from the table as well.
    if param.choices and len(set(param.choices)) < len(param.choices):
        raise ValueError("must not name a choice twice")
    return param


class NewModel(RequestModel):
    """A line of the catalog."""

    provider: Annotated[Literal["fal", "replicate", "bedrock", "polly"], Field(description="It must be configured.")]
    model: Annotated[
        ModelName,
        Field(description="The provider's own id; of Replicate also `owner/name:version`, of Polly a name of yours."),
    ]
    type: TaskType
    like: Annotated[
        ModelName | None,
        Field(
            description="Of Bedrock and Polly, which publish no schemas: a built-in model with its fields and limits."
        ),
    ] = None
    without: Annotated[Names, Field(description="Options and roles of files of that model that it does not take.")] = (
        Field(default_factory=list)
    )
    engine: Annotated[
        Engine | None, Field(description="Of Polly: another engine than that model's; it needs `voices`.")
    ] = None
    voices: Annotated[Voices, Field(description="Of Polly: the voices that are offered, if not all.")] = Field(
        default_factory=list
    )
    price: Annotated[LinePrice | None, Field(description="Null: unknown, so budgets that block refuse it.")] = None
    params: Annotated[
        dict[Word, Annotated[LineParam, AfterValidator(_distinct_choices)]],
        Field(max_length=50, description="Parameters that are capped, fixed, or change the price."),
    ] = Field(default_factory=dict)
    aliases: Aliases = Field(default_factory=list)
    default: Annotated[
        bool, Field(strict=True, description="Used when a request names the provider, or nothing, and no model.")
    ] = False
    spoken: Annotated[
        bool | None,
        Field(strict=True, description="Whether the prompt is read aloud; if not said, whether it takes a voice."),
    ] = None
    lifecycle: Lifecycle = Lifecycle.ACTIVE
    replacement: Annotated[ModelName | None, Field(description="The id of its successor.")] = None

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "provider": "fal",
                "model": "fal-ai/flux/krea",
                "type": "image",
                "price": {"amount": 0.025, "per": "megapixel", "as_of": "2026-11-29"},
            }
        }
    )

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        units = _UNITS.get(self.type, _OF_IMAGES)
        if self.price and self.price.per not in units:
            raise ValueError(f"must have a price per {' or '.join(units)} for {self.type}")
        if self.price and self.price.further_amount is not None and self.price.per is not Unit.MEGAPIXEL:
            raise ValueError("must have a price per megapixel to have a further_amount")
        if len(self.model_dump_json().encode()) > LINE_BYTES:
            raise ValueError(f"must be at most {LINE_BYTES} bytes as JSON")
        if self.default and (self.price is None or self.lifecycle is not Lifecycle.ACTIVE):
            raise ValueError("must be active and have a price to be a default")
        return self

    @model_validator(mode="after")
    def _has_a_schema_or_is_like_another(self) -> Self:
        if self.provider in PUBLISHING and (self.like or self.without):
            raise ValueError("must not be like another model: its own schema says what it takes")
        if self.provider not in PUBLISHING and self.like is None:
            raise ValueError(f"must have `like`: {self.provider} publishes no schemas")
        if self.provider != _SPEAKING and (self.engine or self.voices):
            raise ValueError("must be of Polly to have an engine or voices")
        if self.engine and not self.voices:
            raise ValueError("must have the voices that speak with this engine")
        return self


class PricePatch(RequestModel):
    """What changes of a price."""

    amount: ExactDollars | None = None
    per: Unit | None = None
    further_amount: ExactDollars | None = None
    as_of: _Day | None = None
    source: PriceSource | None = None


class ParamPatch(RequestModel):
    """What changes of a parameter."""

    choices: Annotated[list[Scalar] | None, Field(max_length=100)] = None
    minimum: _Number | None = None
    maximum: _Number | None = None
    default: Scalar | None = None
    price_factors: Annotated[dict[Word, ExactDollars | None] | None, Field(max_length=100)] = None


class ModelPatch(RequestModel):
    """A merge patch of a line: absent fields stay, null clears."""

    like: ModelName | None = None
    without: Names | None = None
    engine: Engine | None = None
    voices: Voices | None = None
    price: PricePatch | None = None
    params: Annotated[dict[Word, ParamPatch | None] | None, Field(max_length=50)] = None
    aliases: Aliases | None = None
    default: Annotated[bool | None, Field(strict=True)] = None
    spoken: Annotated[bool | None, Field(strict=True)] = None
    lifecycle: Lifecycle | None = None
    replacement: ModelName | None = None
    schema_hash: Annotated[
        str,
        Field(max_length=64, description="The line's `latest_schema_hash`: from now on the model is as that says."),
    ] = ""

    model_config = ConfigDict(json_schema_extra=without_defaults)


class LineStatus(StrEnum):
    """Whether a line can be used: `pending` waits for the provider's schema, `rejected` does not fit it."""

    PENDING = "pending"
    ACTIVE = "active"
    REJECTED = "rejected"


class ReportKind(StrEnum):
    """What an operator is told of a model."""

    DEPRECATED = "deprecated"
    GONE = "gone"
    CHANGED = "changed"
    REPRICED = "repriced"


class Report(BaseModel):
    """Something about a model that an operator has to look at. Nothing changes by itself."""

    kind: ReportKind
    detail: str
    since: TimestampText


class ListedPrice(BaseModel):
    """What the provider's own list of prices says, in its words."""

    amount: Amount
    unit: str
    currency: str = "USD"

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency} / {self.unit}"


class ConfiguredModel(StoredModel):
    """A line of the catalog that an operator has added."""

    id: Id
    provider: str
    model: str
    type: TaskType
    status: LineStatus
    reason: Annotated[str | None, Field(description="Why it was rejected, or is still pending.")] = None
    like: Annotated[str | None, Field(description="The built-in model whose fields and limits it has.")] = None
    without: list[str] = Field(default_factory=list)
    engine: str | None = None
    voices: list[str] = Field(default_factory=list)
    price: LinePrice | None = None
    params: dict[str, LineParam] = Field(default_factory=dict)
    aliases: list[str] = Field(default_factory=list)
    default: bool = False
    spoken: bool | None = None
    lifecycle: Lifecycle = Lifecycle.ACTIVE
    replacement: str | None = None
    reports: Annotated[list[Report], Field(description="What an operator has to look at.")] = Field(
        default_factory=list
    )
    schema_hash: Annotated[str | None, Field(description="Of the provider's schema that the model is made of.")] = None
    latest_schema_hash: Annotated[str | None, Field(description="Of the one that the provider has now.")] = None
    listed_price: Annotated[ListedPrice | None, Field(description="What the provider's list of prices says.")] = None
    created_by: int
    changed_by: int
    created_at: TimestampText
    changed_at: TimestampText

    def asked(self) -> dict[str, Any]:
        """The fields of a request that would add it as it is."""
        return self.model_dump(include=set(NewModel.model_fields))


class WatchedModel(BaseModel):
    """What a provider published of a built-in model when it was last looked at."""

    seen_at: TimestampText
    schema_hash: str | None = None
    listed_price: ListedPrice | None = None
    deprecated: bool = False
    gone: bool = False


@dataclass(frozen=True)
class Line:
    """A line as it is kept: also the model that it offers, and when and against which price it is checked."""

    record: ConfiguredModel
    model: Model | None = None
    check_at: str | None = None
    tries: int = 0
    accepted_price: ListedPrice | None = None


def patched_fields(line: ConfiguredModel, patch: ModelPatch) -> dict[str, Any]:
    """The fields of the line with the patch applied, to be validated as a whole."""
    sent = patch.model_dump(exclude_unset=True, exclude={"schema_hash"})
    return cast("dict[str, Any]", merged(line.asked(), sent))


def check_names(new: NewModel, lines: Iterable[ConfiguredModel], catalog: Catalog) -> None:
    """Raise Invalid if a name is taken, there is another default, or the successor is none.

    `lines` are all the others, `catalog` has the built-in models.
    """
    others = [each for each in lines if each.provider == new.provider]
    built_in = [each for each in catalog.models if each.provider == new.provider]
    taken = {name for each in others for name in (each.model, *each.aliases)}
    taken |= {name for each in built_in for name in (each.id, *each.aliases)}
    errors = [
        FieldError(f"{new.provider} has a model of this name already: {name}", pointer=place)
        for place, name in (("/model", new.model), *((f"/aliases/{at}", each) for at, each in enumerate(new.aliases)))
        if name in taken
    ]
    errors += [
        FieldError("must not name the model twice, by its id and by an alias", pointer=f"/aliases/{at}")
        for at, name in enumerate(new.aliases)
        if name == new.model
    ]
    alike = [each for each in others if each.type is new.type]
    if new.default and (defaults := [each.model for each in alike if each.default]):
        errors.append(FieldError(f"{defaults[0]} is the default; change that first", pointer="/default"))
    if new.replacement is not None:
        names = [each.model for each in alike if each.lifecycle is Lifecycle.ACTIVE]
        names += [each.id for each in built_in if each.type is new.type and each.lifecycle is Lifecycle.ACTIVE]
        if new.replacement not in names:
            text = f"is no active model of {new.provider} for {new.type}"
            errors.append(FieldError(text, pointer="/replacement"))
    if errors:
        raise Invalid(errors)


def line_name(line_id: str, version: int) -> str:
    """What a task keeps of the line that it was made with."""
    return f"{line_id}#{version}"


class Unusable(Exception):
    """The model does not fit its line, or nothing that callers can ask for."""


class UnknownModel(Exception):
    """The provider does not have the model."""
