"""The models of Replicate, and what each calls our options. Apart from the adapter, as in fal's."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from atelier.domain.catalog import Model, Price, Unit
from atelier.domain.tasks.record import TaskType
from atelier.providers.inputs import Words, same

_RATIOS: Final = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "4:5", "5:4")

# Official models, which need no version. Inputs: Replicate's pages of them. Prices, 2026-11: from others' lists of
# Replicate's prices, which agree; for Lyria none could be confirmed.
MODELS: Final[tuple[Model, ...]] = (
    Model(
        "black-forest-labs/flux-1.1-pro",
        "replicate",
        TaskType.IMAGE,
        takes=frozenset({"aspect_ratio", "seed"}),
        aspect_ratios=_RATIOS,
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
        price=Price(Decimal("0.003"), Unit.IMAGE),
    ),
    Model(
        "minimax/video-01",
        "replicate",
        TaskType.VIDEO,
        prompt_limit=2000,
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

_PICTURE: Final[Words] = {"aspect_ratio": ("aspect_ratio", same), "seed": ("seed", same)}
WORDS: Final[Mapping[str, Words]] = {
    "black-forest-labs/flux-1.1-pro": _PICTURE,
    "black-forest-labs/flux-schnell": {**_PICTURE, "num_outputs": ("num_outputs", same)},
    "google/lyria-2": {"negative_prompt": ("negative_prompt", same), "seed": ("seed", same)},
}
