"""The catalog of models as callers see it."""

from typing import Annotated, Final

from pydantic import Field, JsonValue

from atelier.domain.catalog import SANDBOX, Lifecycle, Model, Price, Seconds, Unit
from atelier.domain.params import Param, ParamType
from atelier.domain.schema import Amount, StoredModel
from atelier.domain.task_creation import GenerationContext
from atelier.domain.tasks.record import TaskType

_LISTED: Final = "The provider's list price; your contract may say otherwise."


class PriceInfo(StoredModel):
    """What a model costs, as its provider lists it."""

    amount: Amount
    currency: str = "USD"
    per: Unit


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


class ModelInfo(StoredModel):
    """A model, its options and limits."""

    id: str
    type: TaskType
    aliases: list[str]
    lifecycle: Annotated[Lifecycle, Field(description="A deprecated model still works, a retired one is refused.")]
    replacement: str | None = None
    default: Annotated[bool, Field(description="Used when a request names the provider and no model.")]
    takes: Annotated[list[str], Field(description="The options that it accepts; any other is a 400.")]
    params: Annotated[list[ParamInfo], Field(description="What `params` may carry; anything else is a 400.")] = Field(
        default_factory=list
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


def provider_list(generation_context: GenerationContext) -> ProviderList:
    """All providers and their models, in alphabetical order."""
    return ProviderList(items=[_provider(name, generation_context) for name in generation_context.catalog.providers])


def _provider(name: str, generation_context: GenerationContext) -> ProviderInfo:
    configured = name in generation_context.configured
    instead = SANDBOX if SANDBOX in generation_context.configured else None
    models = [_model(each) for each in generation_context.catalog.models if each.provider == name]
    return ProviderInfo(name=name, configured=configured, served_by=name if configured else instead, models=models)


def _model(model: Model) -> ModelInfo:
    return ModelInfo(
        id=model.id,
        type=model.type,
        aliases=list(model.aliases),
        lifecycle=model.lifecycle,
        replacement=model.replacement,
        default=model.default,
        takes=sorted(model.takes),
        params=[_param(each) for each in model.params],
        limits=Limits(
            prompt_characters=model.prompt_limit,
            num_outputs=model.max_outputs,
            duration=_seconds(model.seconds),
            aspect_ratios=list(model.aspect_ratios),
            voices=list(model.voices),
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


def _seconds(seconds: Seconds | None) -> DurationLimits | None:
    if seconds is None:
        return None
    shortest, default, longest = seconds.shortest, seconds.default, seconds.longest
    return DurationLimits(shortest=shortest, default=default, longest=longest, only=list(seconds.only))


def _price(price: Price | None) -> PriceInfo | None:
    return PriceInfo(amount=price.amount, per=price.per) if price else None
