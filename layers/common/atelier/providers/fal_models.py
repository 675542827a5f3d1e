"""The models of fal, and what each calls our options. Not in the adapter: requests are checked without it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from pydantic import JsonValue

from atelier.domain.catalog import Lifecycle, Model, Price, Seconds, Unit
from atelier.domain.params import Safety, boolean, choice, integer, number, text
from atelier.domain.tasks.record import TaskType
from atelier.providers.inputs import InputNames, fields_of, same, whole
from atelier.providers.inputs import text as as_text

_SIZES: Final[Mapping[str, JsonValue]] = {
    "1:1": "square_hd",
    "4:3": "landscape_4_3",
    "3:4": "portrait_4_3",
    "16:9": "landscape_16_9",
    "9:16": "portrait_16_9",
    # For these fal has no name. Below a megapixel each, which is what is paid for, and by 32.
    "3:2": {"width": 1152, "height": 768},
    "2:3": {"width": 768, "height": 1152},
    "21:9": {"width": 1344, "height": 576},
    "9:21": {"width": 576, "height": 1344},
    "4:5": {"width": 768, "height": 960},
    "5:4": {"width": 960, "height": 768},
}
_FLUX_OPTIONS: Final = frozenset({"aspect_ratio", "size", "seed"})


def _size_of(ratio: str) -> JsonValue:
    return _SIZES.get(ratio)


def _sides(size: str) -> JsonValue:
    width, _, height = size.partition("x")
    return {"width": int(width), "height": int(height)}


_FLUX: Final[InputNames] = {
    "num_outputs": ("num_images", same),
    "aspect_ratio": ("image_size", _size_of),
    "size": ("image_size", _sides),
    "seed": ("seed", same),
}
INPUT_NAMES: Final[Mapping[str, InputNames]] = {
    "fal-ai/flux-pro/v1.1": _FLUX,
    "fal-ai/flux/dev": _FLUX,
    "fal-ai/kling-video/v1.6/standard/text-to-video": {
        "duration": ("duration", as_text),
        "aspect_ratio": ("aspect_ratio", same),
        "negative_prompt": ("negative_prompt", same),
    },
    "fal-ai/minimax/hailuo-02/standard/text-to-video": {"duration": ("duration", as_text)},
    "fal-ai/stable-audio": {"duration": ("seconds_total", whole)},
    "fal-ai/elevenlabs/tts/turbo-v2.5": {"prompt": ("text", same), "voice": ("voice", same)},
}

_FLUX_FORMAT: Final = choice("output_format", "jpeg", "png", default="jpeg")

# Endpoints and their inputs: fal's published endpoint map of 2026-08 and its pages of the models. Not among the params:
# `sync_mode`, which puts the files into the answer, `timestamps`, which makes it long, and addresses of input files.
# Prices, 2026-11: FLUX and Kling from resellers' lists of fal's prices, Hailuo from fal's page of the same model from
# an image. For the others none could be confirmed.
MODELS: Final[tuple[Model, ...]] = (
    Model(
        "fal-ai/flux-pro/v1.1",
        "fal",
        TaskType.IMAGE,
        takes=_FLUX_OPTIONS,
        aliases=("fal-ai/flux-pro",),  # no longer there under this name
        max_outputs=4,
        aspect_ratios=tuple(_SIZES),
        params=(
            _FLUX_FORMAT,
            choice("safety_tolerance", *"123456", default="2", safety=Safety.TOLERANCE),
            boolean("enhance_prompt", default=False),
        ),
        stands_for=fields_of(_FLUX),
        price=Price(Decimal("0.04"), Unit.MEGAPIXEL),
        default=True,
    ),
    Model(
        "fal-ai/flux/dev",
        "fal",
        TaskType.IMAGE,
        takes=_FLUX_OPTIONS,
        max_outputs=4,
        aspect_ratios=tuple(_SIZES),
        params=(
            _FLUX_FORMAT,
            integer("num_inference_steps", 1, 50, default=28),
            number("guidance_scale", 1, 20, default=3.5),
            boolean("enable_safety_checker", default=True, safety=Safety.CHECKER),
        ),
        stands_for=fields_of(_FLUX),
        price=Price(Decimal("0.025"), Unit.MEGAPIXEL),
    ),
    Model(
        "fal-ai/kling-video/v1.6/standard/text-to-video",
        "fal",
        TaskType.VIDEO,
        takes=frozenset({"duration", "aspect_ratio", "negative_prompt"}),
        prompt_limit=2500,
        seconds=Seconds(5, 5, 10, only=(5, 10)),
        aspect_ratios=("16:9", "9:16", "1:1"),
        params=(number("cfg_scale", 0, 1, default=0.5),),
        price=Price(Decimal("0.045"), Unit.SECOND),
        default=True,
    ),
    Model(
        "fal-ai/minimax/hailuo-02/standard/text-to-video",
        "fal",
        TaskType.VIDEO,
        takes=frozenset({"duration"}),
        prompt_limit=2000,
        seconds=Seconds(6, 6, 10, only=(6, 10)),
        params=(boolean("prompt_optimizer", default=True),),
        price=Price(Decimal("0.045"), Unit.SECOND),
    ),
    Model(
        "fal-ai/sora-2/text-to-video",
        "fal",
        TaskType.VIDEO,
        lifecycle=Lifecycle.RETIRED,
        replacement="fal-ai/kling-video/v1.6/standard/text-to-video",
    ),
    Model(
        "fal-ai/stable-audio",
        "fal",
        TaskType.AUDIO,
        takes=frozenset({"duration"}),
        seconds=Seconds(1, 30, 47),
        params=(number("seconds_start", 0, 47), integer("steps", 1, 1000)),
        stands_for=fields_of(INPUT_NAMES["fal-ai/stable-audio"]),
        default=True,
    ),
    Model(
        "fal-ai/elevenlabs/tts/turbo-v2.5",
        "fal",
        TaskType.AUDIO,
        takes=frozenset({"voice"}),
        spoken=True,
        params=(
            number("stability", 0, 1),
            number("similarity_boost", 0, 1),
            number("style", 0, 1),
            number("speed", 0.7, 1.2),
            text("language_code", 2, "[a-z]{2}"),
        ),
        stands_for=fields_of(INPUT_NAMES["fal-ai/elevenlabs/tts/turbo-v2.5"]),
    ),
)
