"""What can be generated here: the registry as callers see it."""

from typing import Annotated, Final

from pydantic import Field

from atelier.domain.models import SANDBOX, Lifecycle, Model, Price, Seconds, Unit
from atelier.domain.ordering import Desk
from atelier.domain.shapes import Record
from atelier.domain.tasks import Amount, TaskType

_LISTED: Final = "The provider's list price; your contract may say otherwise."


class PriceOffer(Record):
    """What a model costs, as its provider lists it."""

    amount: Amount
    currency: str = "USD"
    per: Unit


class SecondsOffer(Record):
    """Which durations a model makes; `only` names them when not every one in between is made."""

    shortest: float
    default: float
    longest: float
    only: list[float] = Field(default_factory=list)


class Limits(Record):
    """What a request for a model may ask; an empty list is no limit."""

    prompt_characters: Annotated[int, Field(description="Of prompt and brand guidelines together.")]
    num_outputs: int
    duration: SecondsOffer | None = None
    aspect_ratios: list[str] = Field(default_factory=list)
    voices: list[str] = Field(default_factory=list)


class ModelOffer(Record):
    """A model, and what can be asked of it."""

    id: str
    type: TaskType
    aliases: list[str]
    lifecycle: Annotated[Lifecycle, Field(description="A deprecated model still works, a retired one is refused.")]
    replacement: str | None = None
    default: Annotated[bool, Field(description="Taken when a request names its provider and no model.")]
    takes: Annotated[list[str], Field(description="The options that it understands; any other is a 400.")]
    limits: Limits
    price: Annotated[PriceOffer | None, Field(description=_LISTED)] = None


class ProviderOffer(Record):
    """A provider, whether it is configured here, and who generates when it is not."""

    name: str
    configured: bool
    served_by: Annotated[str | None, Field(description="Null: a request for it is a 400.")] = None
    models: list[ModelOffer]


class ProviderList(Record):
    """Every provider there is."""

    items: list[ProviderOffer]


def offers(desk: Desk) -> ProviderList:
    """All providers and their models, in alphabetical order."""
    return ProviderList(items=[_provider(name, desk) for name in desk.registry.providers])


def _provider(name: str, desk: Desk) -> ProviderOffer:
    configured = name in desk.configured
    instead = SANDBOX if SANDBOX in desk.configured else None
    models = [_model(each) for each in desk.registry.models if each.provider == name]
    return ProviderOffer(name=name, configured=configured, served_by=name if configured else instead, models=models)


def _model(model: Model) -> ModelOffer:
    return ModelOffer(
        id=model.id,
        type=model.type,
        aliases=list(model.aliases),
        lifecycle=model.lifecycle,
        replacement=model.replacement,
        default=model.default,
        takes=sorted(model.takes),
        limits=Limits(
            prompt_characters=model.prompt_limit,
            num_outputs=model.max_outputs,
            duration=_seconds(model.seconds),
            aspect_ratios=list(model.aspect_ratios),
            voices=list(model.voices),
        ),
        price=_price(model.price),
    )


def _seconds(seconds: Seconds | None) -> SecondsOffer | None:
    if seconds is None:
        return None
    shortest, default, longest = seconds.shortest, seconds.default, seconds.longest
    return SecondsOffer(shortest=shortest, default=default, longest=longest, only=list(seconds.only))


def _price(price: Price | None) -> PriceOffer | None:
    return PriceOffer(amount=price.amount, per=price.per) if price else None
