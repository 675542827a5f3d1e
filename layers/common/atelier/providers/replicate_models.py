"""The models of Replicate, and what each calls our options. Apart from the adapter, as in fal's."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from atelier.domain.catalog import Model, Price, Unit
from atelier.domain.params import Safety, boolean, choice, integer
from atelier.domain.tasks.record import TaskType
from atelier.providers.inputs import InputNames, same

_RATIOS: Final = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "4:5", "5:4")

_IMAGE: Final[InputNames] = {"aspect_ratio": ("aspect_ratio", same), "seed": ("seed", same)}
INPUT_NAMES: Final[Mapping[str, InputNames]] = {
    "black-forest-labs/flux-1.1-pro": _IMAGE,
    "black-forest-labs/flux-schnell": {**_IMAGE, "num_outputs": ("num_outputs", same)},
    "google/lyria-2": {"negative_prompt": ("negative_prompt", same), "seed": ("seed", same)},
}

_FORMAT: Final = choice("output_format", "webp", "jpg", "png", default="webp")
_QUALITY: Final = integer("output_quality", 0, 100, default=80)

# Official models, which need no version. Inputs: Replicate's pages of them. Prices, 2026-11: from others' lists of
# Replicate's prices, which agree; for Lyria none could be confirmed.
MODELS: Final[tuple[Model, ...]] = (
    Model(
        "black-forest-labs/flux-1.1-pro",
        "replicate",
        TaskType.IMAGE,
        takes=frozenset({"aspect_ratio", "seed"}),
        aspect_ratios=_RATIOS,
        params=(
            _FORMAT,
            _QUALITY,
            integer("safety_tolerance", 1, 6, default=2, safety=Safety.TOLERANCE),
            boolean("prompt_upsampling", default=False),
        ),
        price=Price(Decimal("0.04"), Unit.IMAGE),
        default=True,
    ),
    Model(
        "black-forest-labs/flux-schnell",
        "replicate",
        TaskType.IMAGE,
        takes=frozenset({"aspect_ratio", "seed"}),
        max_outputs=4,
        aspect_ratios=(*_RATIOS, "21:9", "9:21"),
        params=(
            _FORMAT,
            _QUALITY,
            integer("num_inference_steps", 1, 4, default=4),
            choice("megapixels", "1", "0.25", default="1"),
            boolean("go_fast", default=True),
            boolean("disable_safety_checker", default=False, safety=Safety.CHECKER),
        ),
        price=Price(Decimal("0.003"), Unit.IMAGE),
    ),
    Model(
        "minimax/video-01",
        "replicate",
        TaskType.VIDEO,
        prompt_limit=2000,
        params=(boolean("prompt_optimizer", default=True),),
        price=Price(Decimal("0.50"), Unit.VIDEO),
        default=True,
    ),
    Model(
        "google/lyria-2",
        "replicate",
        TaskType.AUDIO,
        takes=frozenset({"negative_prompt", "seed"}),
        default=True,
    ),
)
