"""The catalog of models: ids, aliases, types, limits and prices. Models are data, never code paths.

Each provider's models stand beside its adapter; the composition root puts them together.
"""

import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Final

from pydantic import JsonValue

from atelier.domain.errors import FieldError, Invalid
from atelier.domain.input_files import InputFile, InputSpec
from atelier.domain.money import in_dollars
from atelier.domain.params import Param, SafetyPolicy
from atelier.domain.tasks.record import Output, TaskType

SANDBOX: Final = "sandbox"
ANY_LENGTH: Final = 100_000
USUAL_FACTOR: Final = 2
"""How often an image is enlarged of which nothing is said."""


class Unit(StrEnum):
    """The unit of a price."""

    IMAGE = "image"
    MEGAPIXEL = "megapixel"
    VIDEO = "video"
    AUDIO = "audio"
    SECOND = "second"
    THOUSAND_CHARACTERS = "1000_characters"


class PriceSource(StrEnum):
    """Who was read: the provider's own page, or somebody else's list of its prices."""

    PROVIDER = "provider"
    THIRD_PARTY = "third_party"


@dataclass(frozen=True)
class Price:
    """`amount` US dollars per unit, as the provider lists it; `as_of` is the day on which that was read.

    With `further`, an image costs `amount` for its first megapixel and `further` for each one after it.
    """

    amount: Decimal
    per: Unit
    further: Decimal | None = None
    as_of: date | None = None
    source: PriceSource = PriceSource.PROVIDER

    def of(self, quantity: float, *, count: float = 1) -> Decimal:
        """The price of so many units; of megapixels, in each of `count` images."""
        units, images = Decimal(str(quantity)), Decimal(str(count))
        if self.further is None or units <= 1:
            return self.amount * units * images
        return (self.amount + self.further * (units - 1)) * images


class Lifecycle(StrEnum):
    """The life cycle of a model: a deprecated one still works, a retired one is refused."""

    ACTIVE = "active"
    DEPRECATED = "deprecated"
    RETIRED = "retired"


def deprecated(replacement: str) -> dict[str, Any]:
    """The fields of a model that still works and has a successor."""
    return {"lifecycle": Lifecycle.DEPRECATED, "replacement": replacement}


@dataclass(frozen=True)
class Seconds:
    """Durations that a model makes: from `shortest` to `longest`, or nothing but `only`; `whole` seconds or any."""

    shortest: float
    default: float
    longest: float
    only: tuple[float, ...] = ()
    whole: bool = False

    def take(self, seconds: float) -> bool:
        """Whether the model supports this duration."""
        if self.whole and seconds % 1:
            return False
        return seconds in self.only if self.only else self.shortest <= seconds <= self.longest

    def __str__(self) -> str:
        if self.only:
            return f"{' or '.join(f'{each:g}' for each in self.only)} seconds"
        return f"{self.shortest:g} to {self.longest:g} {'whole ' if self.whole else ''}seconds"


@dataclass(frozen=True)
class Model:
    """One model of one provider.

    `takes` names the typed options of a request that mean something to it; any other is refused, as are values that
    are not among `aspect_ratios`, `voices` or `seconds` where these are given. `inputs` are the roles of files that it
    takes. `prompt_limit` is in characters and holds for prompt and guidelines together, 0 for a model without a prompt;
    what a model with `spoken` is sent is read aloud, so nothing is added to it. The price may be unknown. `params` are
    the words of the provider's own that a request may carry beside, and `stands_for` says of those that are refused
    which field of the API stands for them.
    """

    id: str
    provider: str
    type: TaskType
    takes: frozenset[str] = frozenset()
    aliases: tuple[str, ...] = ()
    prompt_limit: int = 5000
    spoken: bool = False
    max_outputs: int = 1
    seconds: Seconds | None = None
    aspect_ratios: tuple[str, ...] = ()
    voices: tuple[str, ...] = ()
    voices_by_language: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False)
    params: tuple[Param, ...] = ()
    stands_for: Mapping[str, str] = field(default_factory=dict, hash=False)
    inputs: tuple[InputSpec, ...] = ()
    price: Price | None = None
    lifecycle: Lifecycle = Lifecycle.ACTIVE
    replacement: str | None = None
    default: bool = False
    # Of models that an operator has added (domain.model_lines): what they call our options, by the option, each with
    # the name of its form, and the version of the line that they were made of.
    names: Mapping[str, tuple[str, str]] = field(default_factory=dict, hash=False)
    line: str | None = None

    @property
    def unit_price_varies(self) -> bool:
        """Whether a unit costs more or less by its number or by an option."""
        return bool(self.price and self.price.further) or any(param.price_factors for param in self.params)

    def answers_to(self, name: str) -> bool:
        """Whether a caller may call it by `name`."""
        return name == self.id or name in self.aliases

    def sent(self, options: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """The options of a job, with the defaults that the provider is told so that it takes no others.

        A duration is always one of them: it is what most videos are paid by. So is how much an image is enlarged: a
        provider's default may be not at all.
        """
        usual: dict[str, JsonValue] = {"duration": self.seconds.default} if self.seconds else {}
        if "upscale_factor" in self.takes:
            usual["upscale_factor"] = USUAL_FACTOR
        return {**usual, **{param.name: param.default for param in self.params if param.always_sent}, **options}

    def estimate(
        self, prompt: str, options: Mapping[str, JsonValue], picture: InputFile | None = None
    ) -> Decimal | None:
        """The estimated cost of a job, made of this picture if it is one that works on pictures.

        When no size is given, an image is as large as the picture that it is made of, and has one megapixel without.
        """
        return self._costs(
            options,
            characters=len(prompt),
            count=_number(options.get("num_outputs"), 1),
            seconds=_number(options.get("duration"), self.seconds.default if self.seconds else 0),
            megapixels=self._megapixels(options, picture),
        )

    def _megapixels(self, options: Mapping[str, JsonValue], picture: InputFile | None) -> int:
        is_like_it = self.type in _LIKE_THEIR_PICTURE and not options.keys() & {"size", "aspect_ratio"}
        if not is_like_it or picture is None or not (picture.width and picture.height):
            return _megapixels(str(options.get("size", "1024x1024")))
        return max(1, math.ceil(picture.width * picture.height * self._growth(options) ** 2 / 2**20))

    def _growth(self, options: Mapping[str, JsonValue]) -> float:
        """By how much each side of a picture grows; by as much as may be asked for where nobody says."""
        if self.type is not TaskType.UPSCALE:
            return 1
        told = {param.name: param.default for param in self.params if param.name in GROWTH} | dict(options)
        return next((_number(told[name], _LARGEST_GROWTH) for name in GROWTH if name in told), _LARGEST_GROWTH)

    def charge(
        self, prompt: str, outputs: Sequence[Output], options: Mapping[str, JsonValue] | None = None
    ) -> Decimal | None:
        """The cost of a finished job by its files, for a provider that does not report one."""
        sizes = [math.ceil((each.width or 0) * (each.height or 0) / 2**20) for each in outputs]
        return self._costs(
            options or {},
            characters=len(prompt),
            count=len(outputs),
            seconds=sum(each.duration or 0 for each in outputs) / max(len(outputs), 1),
            megapixels=max(sizes, default=0),
        )

    def _costs(
        self,
        options: Mapping[str, JsonValue],
        *,
        characters: int,
        count: float,
        seconds: float,
        megapixels: float,
    ) -> Decimal | None:
        if self.price is None:
            return None
        factor = math.prod((param.factor(options.get(param.name)) for param in self.params), start=Decimal(1))
        quantity = {
            Unit.IMAGE: 1,
            Unit.VIDEO: 1,
            Unit.AUDIO: 1,
            Unit.MEGAPIXEL: megapixels,
            Unit.SECOND: seconds,
            Unit.THOUSAND_CHARACTERS: characters / 1000,
        }[self.price.per]
        files = 1 if self.price.per is Unit.THOUSAND_CHARACTERS else count
        return in_dollars(self.price.of(quantity, count=files) * factor)


_LIKE_THEIR_PICTURE: Final = (TaskType.EDIT, TaskType.UPSCALE, TaskType.REMOVE_BACKGROUND)
GROWTH: Final = ("upscale_factor", "scale_factor", "scale")
"""What models call the factor by which each side of a picture grows."""
_LARGEST_GROWTH: Final = 4
_MOST: Final = 10**6


def _number(value: JsonValue, default: float) -> float:
    # Tasks from before parameters were checked may have anything here.
    usable = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST
    return value if usable and isinstance(value, int | float) else default


def _megapixels(size: str) -> int:
    sides = re.fullmatch(r"([0-9]{1,5})x([0-9]{1,5})", size)
    pixels = int(sides[1]) * int(sides[2]) if sides else 2**20
    return math.ceil(pixels / 2**20)


@dataclass(frozen=True)
class ResolvedModel:
    """The model that a request resolved to, and the provider that serves it."""

    model: Model
    provider: str
    served_by: str


def under(model: Model, policy: SafetyPolicy) -> Model:
    """The model, with what the deployment allows of its parameters."""
    return replace(model, params=tuple(policy.of(param) for param in model.params))


Added = Callable[[], Sequence[Model]]


class Catalog:
    """All models. Which providers are configured is an argument of each request.

    `models` are built in. `added` reads those that operators have added, of the same providers: only a name that no
    built-in model has, and a request that names none, ask for them. What the sandbox makes in place of a provider costs
    nothing or, with `sandbox_prices`, what the model lists.
    """

    def __init__(self, models: Iterable[Model], *, sandbox_prices: bool = False, added: Added = tuple) -> None:
        self.models = tuple(models)
        self.sandbox_prices = sandbox_prices
        self.providers = tuple(sorted({model.provider for model in self.models}))
        self._added = added

    def under(self, policy: SafetyPolicy) -> "Catalog":
        """The same models, with what the deployment allows of their parameters."""
        return Catalog((under(each, policy) for each in self.models), sandbox_prices=self.sandbox_prices)

    def with_added(self, added: Added) -> "Catalog":
        """The same models, and those that were added."""
        return Catalog(self.models, sandbox_prices=self.sandbox_prices, added=added)

    def all(self) -> tuple[Model, ...]:
        """Every model, those that were added first: a default among them comes before the built-in one."""
        return (*self._added(), *self.models)

    def _named(self, name: str | None, provider: str | None = None) -> tuple[Model, ...]:
        """The models among which one of this name is."""
        built_in = name is not None and any(
            each.answers_to(name) for each in self.models if provider in (None, each.provider)
        )
        return self.models if built_in else self.all()

    def model(self, provider: str, name: str, kind: TaskType) -> Model | None:
        """The model of a provider by its id or an alias."""
        same = (each for each in self._named(name, provider) if (each.provider, each.type) == (provider, kind))
        return next((each for each in same if each.answers_to(name)), None)

    def id_of(self, provider: str, name: str) -> str:
        """The id of a provider's model that is called `name`; the name itself when there is none."""
        same = (each.id for each in self.models if each.provider == provider and each.answers_to(name))
        return next(same, name)

    def estimate(
        self,
        choice: ResolvedModel,
        prompt: str,
        options: Mapping[str, JsonValue],
        picture: InputFile | None = None,
    ) -> Decimal | None:
        """The estimated cost of a job in US dollars; None where the model has no price."""
        if choice.served_by == SANDBOX and not self.sandbox_prices:
            return Decimal(0)
        return choice.model.estimate(prompt, options, picture)

    def names_of(self, names: Iterable[str]) -> tuple[str, ...]:
        """These names of models, with the ids and aliases of the models that they name."""
        asked = tuple(names)
        models = [each for name in asked for each in self._named(name) if each.answers_to(name)]
        return tuple(sorted({*asked, *(name for each in models for name in (each.id, *each.aliases))}))

    def resolve(
        self, kind: TaskType, *, provider: str | None, model: str | None, configured: Collection[str]
    ) -> ResolvedModel:
        """The model that a request means. A provider without credentials is served by the sandbox, if on.

        A name that two providers have means the one that is configured, unless it is called `<provider>:<name>`.

        Raises Invalid, naming the known providers or models, when there is none.
        """
        return self._served(self._meant(kind, provider, model, configured), configured)

    def fallbacks(
        self, kind: TaskType, *, providers: Sequence[str], model: str | None, configured: Collection[str]
    ) -> list[ResolvedModel]:
        """The models of a request that names several providers, in their order.

        `model` is for the provider that has it; the others make it with their default. Raises Invalid.
        """
        having = [
            each for each in providers if each in self.providers and model and self.model(each, model, kind) is not None
        ]
        if model and not having:
            raise Invalid([FieldError(f"Unknown model for {kind} of {', '.join(providers)}.", pointer="/model")])
        return [
            self.resolve(kind, provider=each, model=model if each in having else None, configured=configured)
            for each in providers
        ]

    def _meant(self, kind: TaskType, provider: str | None, model: str | None, configured: Collection[str]) -> Model:
        if provider is not None and provider not in self.providers:
            raise Invalid([FieldError(f"Unknown provider; known: {', '.join(self.providers)}.", pointer="/provider")])
        if provider is None and model is not None:
            provider, model = self._told_apart(model)
        models = self._named(model, provider)
        candidates = [each for each in models if each.type is kind and provider in (None, each.provider)]
        if not candidates:
            raise Invalid([FieldError(f"Has no model for {kind}.", pointer="/provider")])
        if model is None:
            return _default_of(candidates, configured)
        having = [each for each in candidates if each.answers_to(model)]
        if having:
            # Two providers may have a model under one name.
            return _not_retired(min(having, key=lambda each: each.provider not in configured))
        alive = (each for each in candidates if each.lifecycle is not Lifecycle.RETIRED)
        known = ", ".join(name for each in alive for name in (each.id, *each.aliases))
        raise Invalid([FieldError(f"Unknown model for {kind}; known: {known}.", pointer="/model")])

    def _told_apart(self, name: str) -> tuple[str | None, str]:
        """The provider and the name of a model that is called `<provider>:<name>`; no provider for any other name."""
        provider, colon, rest = name.partition(":")
        return (provider, rest) if colon and provider in self.providers else (None, name)

    def _served(self, model: Model, configured: Collection[str]) -> ResolvedModel:
        if model.provider in configured:
            return ResolvedModel(model, model.provider, model.provider)
        if SANDBOX in configured:
            return ResolvedModel(model, model.provider, SANDBOX)
        has = ", ".join(sorted(configured)) or "none"
        text = f"Provider {model.provider} is not configured here; configured: {has}."
        raise Invalid([FieldError(text, pointer="/provider")])


def _default_of(candidates: list[Model], configured: Collection[str]) -> Model:
    defaults = [each for each in candidates if each.default]
    # A provider that really generates comes before the sandbox; the sandbox comes before one without credentials.
    return min(defaults, key=lambda each: (each.provider not in configured, each.provider == SANDBOX))


def _not_retired(model: Model) -> Model:
    if model.lifecycle is Lifecycle.RETIRED:
        instead = f"; use {model.replacement}" if model.replacement else ""
        raise Invalid([FieldError(f"{model.id} was retired by {model.provider}{instead}.", pointer="/model")])
    return model
