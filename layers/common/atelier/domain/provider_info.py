"""The catalog of models as callers see it."""

from collections.abc import Iterable, Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field, JsonValue

from atelier.domain.catalog import SANDBOX, Lifecycle, Model, Price, PriceSource, Seconds, Unit
from atelier.domain.input_files import InputRole, InputSpec
from atelier.domain.model_lines import ConfiguredModel, LineStatus
from atelier.domain.pages import ANY_OF
from atelier.domain.params import Param, ParamType
from atelier.domain.schema import Amount, Id, RequestModel, StoredModel
from atelier.domain.task_creation import GenerationContext
from atelier.domain.tasks.record import TaskType
from atelier.domain.text import comparison_key

_LISTED: Final = "The provider's list price; your contract may say otherwise."


class PriceInfo(StoredModel):
    """What a model costs, as its provider lists it."""

    amount: Amount
    currency: str = "USD"
    per: Unit
    further_amount: Annotated[
        Amount | None, Field(description="What each megapixel of an image after the first costs, if not `amount`.")
    ] = None
    as_of: Annotated[date | None, Field(description="When the price was read.")] = None
    source: Annotated[
        PriceSource, Field(description="Read from the provider itself, or from somebody else's list of its prices.")
    ] = PriceSource.PROVIDER


class DurationLimits(StoredModel):
    """The durations of a model; `only` lists them when they are discrete."""

    shortest: float
    default: float
    longest: float
    only: list[float] = Field(default_factory=list)


class Limits(StoredModel):
    """The limits of a model; an empty list is no limit."""

    prompt_characters: Annotated[int, Field(description="Of prompt and brand guidelines together.")]
    num_outputs: int
    duration: DurationLimits | None = None
    aspect_ratios: list[str] = Field(default_factory=list)
    voices: Annotated[
        list[str], Field(description="Empty: any name is sent, and the provider refuses those it does not have.")
    ] = Field(default_factory=list)
    voices_by_language: Annotated[
        dict[str, list[str]], Field(description="The same by language; a voice that speaks two is in both.")
    ] = Field(default_factory=dict)


class ParamInfo(StoredModel):
    """A parameter of a model's own, which goes into `params`."""

    name: str
    type: Annotated[ParamType, Field(description="The JSON type of its value.")]
    minimum: float | None = None
    maximum: float | None = None
    choices: Annotated[list[JsonValue], Field(description="The only values, if it is not empty.")] = Field(
        default_factory=list
    )
    pattern: Annotated[str | None, Field(description="What a text, or each of an array, matches as a whole.")] = None
    max_length: int | None = None
    max_items: int | None = None
    default: Annotated[JsonValue, Field(description="What the provider takes otherwise, if that is known.")] = None
    price_factors: Annotated[
        dict[str, Amount], Field(description="What a value multiplies the price by, where that is not 1.")
    ] = Field(default_factory=dict)


class InputInfo(StoredModel):
    """What a model takes in one role of `inputs`; a bound that is null is not known."""

    role: InputRole
    least: Annotated[int, Field(description="How many files it needs.")]
    most: Annotated[int, Field(description="How many files it takes.")]
    formats: Annotated[list[str], Field(description="The content types that it takes.")]
    max_bytes: int | None = None
    min_side: Annotated[int | None, Field(description="Pixels, of width and height.")] = None
    max_side: Annotated[int | None, Field(description="Pixels, of width and height.")] = None
    min_ratio: Annotated[float | None, Field(description="Of width by height.")] = None
    max_ratio: Annotated[float | None, Field(description="Of width by height.")] = None
    max_seconds: float | None = None


class ModelSource(StrEnum):
    """Where a model in the catalog comes from: the release, or a line that an operator has added."""

    BUILT_IN = "built_in"
    CONFIGURED = "configured"


class ModelInfo(StoredModel):
    """A model, its options and limits."""

    id: str
    source: Annotated[ModelSource, Field(description="Part of the release, or added by an operator.")]
    line_id: Annotated[Id | None, Field(description="Of one that was added: its id in /models/{model_id}.")] = None
    type: TaskType
    aliases: list[str]
    lifecycle: Annotated[Lifecycle, Field(description="A deprecated model still works, a retired one is refused.")]
    replacement: str | None = None
    default: Annotated[bool, Field(description="Used when a request names the provider and no model.")]
    takes: Annotated[list[str], Field(description="The options that it accepts; any other is a 400.")]
    params: Annotated[list[ParamInfo], Field(description="What `params` may carry; anything else is a 400.")] = Field(
        default_factory=list
    )
    inputs: Annotated[list[InputInfo], Field(description="The roles of files that it takes; any other is a 400.")] = (
        Field(default_factory=list)
    )
    limits: Limits
    price: Annotated[PriceInfo | None, Field(description=_LISTED)] = None


class ProviderInfo(StoredModel):
    """A provider, whether it is configured, and who serves its requests otherwise."""

    name: str
    configured: bool
    served_by: Annotated[str | None, Field(description="Null: a request for it is a 400.")] = None
    models: list[ModelInfo]


class ProviderList(StoredModel):
    """All providers."""

    items: list[ProviderInfo]


class OfferedModel(ModelInfo):
    """A model with its provider."""

    provider: str
    status: Annotated[
        LineStatus, Field(description="One that was added is `pending` until its schema was read, or `rejected`.")
    ] = LineStatus.ACTIVE
    configured: Annotated[bool, Field(description="Whether its provider is configured.")]
    served_by: Annotated[str | None, Field(description="Null: a request for it is a 400.")] = None


class ModelList(StoredModel):
    """Models of all providers."""

    items: list[OfferedModel]


class ModelQuery(RequestModel):
    """Which models to list."""

    provider: Annotated[
        tuple[Annotated[str, Field(max_length=64)], ...],
        Field(max_length=100, description=ANY_OF.format("providers")),
    ] = ()
    type: Annotated[tuple[TaskType, ...], Field(max_length=100, description=ANY_OF.format("types"))] = ()
    lifecycle: Annotated[tuple[Lifecycle, ...], Field(max_length=100, description=ANY_OF.format("life cycles"))] = ()
    source: Annotated[tuple[ModelSource, ...], Field(max_length=100, description=ANY_OF.format("sources"))] = ()
    status: Annotated[
        tuple[LineStatus, ...],
        Field(max_length=100, description="Also those of these statuses; without it, those that can be used."),
    ] = (LineStatus.ACTIVE,)
    search: Annotated[
        str | None,
        Field(max_length=255, description="Part of the id or an alias, whatever its case and white space."),
    ] = None


def model_list(
    query: ModelQuery, generation_context: GenerationContext, lines: Iterable[ConfiguredModel] = ()
) -> ModelList:
    """The models that a query selects, by provider in alphabetical order, and `lines` that are no models yet."""
    part = comparison_key(query.search or "")
    return ModelList(
        items=[
            each
            for each in _offered(generation_context, lines)
            if (not query.provider or each.provider in query.provider)
            and (not query.type or each.type in query.type)
            and (not query.lifecycle or each.lifecycle in query.lifecycle)
            and (not query.source or each.source in query.source)
            and each.status in query.status
            and any(part in comparison_key(name) for name in (each.id, *each.aliases))
        ]
    )


def _offered(generation_context: GenerationContext, lines: Iterable[ConfiguredModel]) -> Iterator[OfferedModel]:
    waiting = [each for each in lines if each.status is not LineStatus.ACTIVE]
    for provider in provider_list(generation_context).items:
        about: dict[str, Any] = {"provider": provider.name, "configured": provider.configured}
        about["served_by"] = provider.served_by
        for model in provider.models:
            yield OfferedModel(**dict(model), **about)
        for line in waiting:
            if line.provider == provider.name:
                yield OfferedModel(**dict(_model(_bare(line))), **about, status=line.status)


def _bare(line: ConfiguredModel) -> Model:
    """What is known of a line without a schema."""
    price = line.price.price() if line.price else None
    return Model(line.model, line.provider, line.type, aliases=tuple(line.aliases), price=price, line=f"{line.id}#")


def provider_list(generation_context: GenerationContext) -> ProviderList:
    """All providers and their models, in alphabetical order."""
    return ProviderList(items=[_provider(name, generation_context) for name in generation_context.catalog.providers])


def _provider(name: str, generation_context: GenerationContext) -> ProviderInfo:
    configured = name in generation_context.configured
    instead = SANDBOX if SANDBOX in generation_context.configured else None
    models = [_model(each) for each in generation_context.catalog.all() if each.provider == name]
    return ProviderInfo(name=name, configured=configured, served_by=name if configured else instead, models=models)


def _model(model: Model) -> ModelInfo:
    return ModelInfo(
        id=model.id,
        source=ModelSource.CONFIGURED if model.line else ModelSource.BUILT_IN,
        line_id=model.line.partition("#")[0] if model.line else None,
        type=model.type,
        aliases=list(model.aliases),
        lifecycle=model.lifecycle,
        replacement=model.replacement,
        default=model.default,
        takes=sorted(model.takes),
        params=[_param(each) for each in model.params],
        inputs=[_input(each) for each in model.inputs],
        limits=Limits(
            prompt_characters=model.prompt_limit,
            num_outputs=model.max_outputs,
            duration=_seconds(model.seconds),
            aspect_ratios=list(model.aspect_ratios),
            voices=list(model.voices),
            voices_by_language={name: list(voices) for name, voices in model.voices_by_language.items()},
        ),
        price=_price(model.price),
    )


def _param(param: Param) -> ParamInfo:
    return ParamInfo(
        name=param.name,
        type=param.type,
        minimum=param.minimum,
        maximum=param.maximum,
        choices=list(param.choices),
        pattern=param.pattern,
        max_length=param.max_length,
        max_items=param.max_items,
        default=param.default,
        price_factors=dict(param.price_factors),
    )


def _input(spec: InputSpec) -> InputInfo:
    return InputInfo(
        role=spec.role,
        least=spec.least,
        most=spec.most,
        formats=list(spec.accepted),
        max_bytes=spec.max_bytes,
        min_side=spec.min_side,
        max_side=spec.max_side,
        min_ratio=spec.min_ratio,
        max_ratio=spec.max_ratio,
        max_seconds=spec.max_seconds,
    )


def _seconds(seconds: Seconds | None) -> DurationLimits | None:
    if seconds is None:
        return None
    shortest, default, longest = seconds.shortest, seconds.default, seconds.longest
    return DurationLimits(shortest=shortest, default=default, longest=longest, only=list(seconds.only))


def _price(price: Price | None) -> PriceInfo | None:
    if price is None:
        return None
    return PriceInfo(
        amount=price.amount, per=price.per, further_amount=price.further, as_of=price.as_of, source=price.source
    )
