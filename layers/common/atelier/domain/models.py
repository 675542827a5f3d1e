"""The registry of models: ids, aliases, what they make and their limits. Models are data, never code paths.

Facts about fal's endpoints are from its published endpoint map (2026-08); the bare id `fal-ai/flux-pro`, which is no
longer there, stays as an alias of the model that replaced it.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from atelier.domain.errors import Fault, Invalid
from atelier.domain.tasks import TaskType

SANDBOX: Final = "sandbox"


@dataclass(frozen=True)
class Model:
    """One model of one provider. `prompt_limit` is in characters, `seconds` is (shortest, default, longest)."""

    id: str
    provider: str
    type: TaskType
    aliases: tuple[str, ...] = ()
    prompt_limit: int = 5000
    seconds: tuple[float, float, float] | None = None
    price: Decimal | None = None
    default: bool = field(default=False, kw_only=True)

    def answers_to(self, name: str) -> bool:
        """Whether a caller may call it by `name`."""
        return name == self.id or name in self.aliases


FREE: Final = Decimal(0)

MODELS: Final = (
    Model("sandbox-image", SANDBOX, TaskType.IMAGE, prompt_limit=100_000, price=FREE, default=True),
    Model(
        "sandbox-video",
        SANDBOX,
        TaskType.VIDEO,
        prompt_limit=100_000,
        seconds=(1, 4, 10),
        price=FREE,
        default=True,
    ),
    Model(
        "sandbox-audio",
        SANDBOX,
        TaskType.AUDIO,
        prompt_limit=100_000,
        seconds=(1, 5, 30),
        price=FREE,
        default=True,
    ),
    Model("fal-ai/flux-pro/v1.1", "fal", TaskType.IMAGE, aliases=("fal-ai/flux-pro",), default=True),
    Model("fal-ai/flux/dev", "fal", TaskType.IMAGE),
    Model("fal-ai/kling-video/v1.6/standard/text-to-video", "fal", TaskType.VIDEO, seconds=(5, 5, 10), default=True),
    Model("fal-ai/minimax/hailuo-02/standard/text-to-video", "fal", TaskType.VIDEO, seconds=(6, 6, 10)),
    Model("fal-ai/stable-audio", "fal", TaskType.AUDIO, seconds=(1, 30, 47), default=True),
    Model("fal-ai/elevenlabs/tts/turbo-v2.5", "fal", TaskType.AUDIO),
)

PROVIDERS: Final = tuple(sorted({model.provider for model in MODELS}))


@dataclass(frozen=True)
class Choice:
    """What a request resolved to: the model, and who serves it."""

    model: Model
    provider: str
    served_by: str


def choose(kind: TaskType, *, provider: str | None, model: str | None, configured: Collection[str]) -> Choice:
    """The model that a request for `kind` means. A provider without credentials is served by the sandbox, if on.

    Raises Invalid, naming the known providers or models, when there is none.
    """
    if provider is not None and provider not in PROVIDERS:
        raise Invalid([Fault(f"Unknown provider; known: {', '.join(PROVIDERS)}.", pointer="/provider")])
    candidates = [each for each in MODELS if each.type is kind and provider in (None, each.provider)]
    if not candidates:
        raise Invalid([Fault(f"Has no model for {kind}.", pointer="/provider")])
    if model is None:
        return _served(_default_of(candidates, configured), configured)
    for each in candidates:
        if each.answers_to(model):
            return _served(each, configured)
    known = ", ".join(name for each in candidates for name in (each.id, *each.aliases))
    raise Invalid([Fault(f"Unknown model for {kind}; known: {known}.", pointer="/model")])


def _default_of(candidates: list[Model], configured: Collection[str]) -> Model:
    defaults = [each for each in candidates if each.default]
    # A provider that really generates comes before the sandbox; the sandbox comes before one without credentials.
    return min(defaults, key=lambda each: (each.provider not in configured, each.provider == SANDBOX))


def _served(model: Model, configured: Collection[str]) -> Choice:
    if model.provider in configured:
        return Choice(model, model.provider, model.provider)
    if SANDBOX in configured:
        return Choice(model, model.provider, SANDBOX)
    has = ", ".join(sorted(configured)) or "none"
    raise Invalid([Fault(f"Provider {model.provider} is not configured here; configured: {has}.", pointer="/provider")])
