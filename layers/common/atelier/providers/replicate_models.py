"""The models of Replicate, and what each calls our options. Apart from the adapter, as in fal's."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from atelier.domain.catalog import Model, Price, PriceSource, Seconds, Unit, deprecated
from atelier.domain.input_files import InputRole, InputSpec
from atelier.domain.params import Safety, boolean, choice, integer, number, text
from atelier.domain.tasks.record import TaskType
from atelier.providers.forms import times
from atelier.providers.inputs import InputNames, fields_of, same, whole

_RATIOS: Final = ("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "4:5", "5:4")
_TALL_OR_WIDE: Final = ("16:9", "9:16")

_RATIO: Final[InputNames] = {"aspect_ratio": ("aspect_ratio", same)}
_IMAGE: Final[InputNames] = {**_RATIO, "seed": ("seed", same)}
_TIMED: Final[InputNames] = {"duration": ("duration", whole)}
_FRAMED: Final[InputNames] = {**_RATIO, **_TIMED}
_VEO: Final[InputNames] = {**_FRAMED, "negative_prompt": ("negative_prompt", same), "seed": ("seed", same)}


INPUT_NAMES: Final[Mapping[str, InputNames]] = {
    "black-forest-labs/flux-2-pro": _IMAGE,
    "google/nano-banana-pro": _RATIO,
    "openai/gpt-image-2": _RATIO,
    "google/veo-3.1": _VEO,
    "google/veo-3.1-fast": _VEO,
    "bytedance/seedance-2.0": {**_FRAMED, "seed": ("seed", same)},
    "kwaivgi/kling-v3-video": {**_FRAMED, "negative_prompt": ("negative_prompt", same)},
    "minimax/hailuo-2.3": _TIMED,
    "elevenlabs/v3": {"voice": ("voice", same)},
    "google/lyria-3": {},
    "topazlabs/image-upscale": {"upscale_factor": ("upscale_factor", times)},
    "recraft-ai/recraft-remove-background": {},
    "black-forest-labs/flux-1.1-pro": _IMAGE,
    "black-forest-labs/flux-schnell": {**_IMAGE, "num_outputs": ("num_outputs", same)},
    "minimax/video-01": {},
    "google/lyria-2": {"negative_prompt": ("negative_prompt", same), "seed": ("seed", same)},
}
# Those that the model names; another is refused. From others' pages of it, 2026-11.
ELEVENLABS_VOICES: Final = (
    *("Rachel", "Aria", "Domi", "Sarah", "Jane", "Juniper", "Arabella", "Hope", "Blondie", "Priyanka", "Alexandra"),
    *("Monika", "Drew", "Clyde", "Paul", "Dave", "Roger", "Fin", "James", "Bradford", "Reginald", "Gaming", "Austin"),
    *("Kuon", "Mark", "Grimblewood"),
)

_FORMAT: Final = choice("output_format", "webp", "jpg", "png", default="webp")
_QUALITY: Final = integer("output_quality", 0, 100, default=80)
_LEVELS: Final = ("block_low_and_above", "block_medium_and_above", "block_only_high")
_LANGUAGE: Final = text("language_code", 2, "[a-z]{2}", "a language code such as en")
_OPTIMIZER: Final = boolean("prompt_optimizer", default=True)


def _listed(dollars: str, per: Unit) -> Price:
    """A price on Replicate's own page of the model, as it was kept in October."""
    return Price(Decimal(dollars), per, as_of=date(2026, 10, 5))


def _said(dollars: str, per: Unit) -> Price:
    """A price of Replicate in others' lists, which agree."""
    return Price(Decimal(dollars), per, as_of=date(2026, 11, 22), source=PriceSource.THIRD_PARTY)


def _model(id_: str, kind: TaskType, **more: Any) -> Model:
    names = INPUT_NAMES[id_]
    return Model(
        id_, "replicate", kind, takes=frozenset(names.keys() - {"num_outputs"}), stands_for=fields_of(names), **more
    )


# As on Kling's own page.
_KLING_IMAGE: Final[Mapping[str, Any]] = {"max_bytes": 50 * 10**6, "min_side": 300, "min_ratio": 0.4, "max_ratio": 2.5}


def _veo(tier: str, silent: str, sound: str, **more: Any) -> Model:
    return _model(
        f"google/veo-3.1{tier}",
        TaskType.VIDEO,
        seconds=Seconds(4, 8, 8, only=(4, 6, 8)),
        aspect_ratios=_TALL_OR_WIDE,
        params=(
            choice("resolution", "720p", "1080p", default="1080p"),
            boolean("generate_audio", default=True, always_sent=True, price_factors={"true": Decimal(sound)}),
        ),
        inputs=(
            InputSpec(InputRole.START_IMAGE, "image"),
            InputSpec(InputRole.END_IMAGE, "last_frame"),
            InputSpec(InputRole.REFERENCE, "reference_images", many=True, most=3),
        ),
        price=_listed(silent, Unit.SECOND),
        **more,
    )


# Official models, which need no version. Inputs: Replicate's pages of them; not among the params: several prompts at
# once. A default is a model of today that has a price.
_ONE_TYPE: Final[tuple[Model, ...]] = (
    _model(
        "openai/gpt-image-2",
        TaskType.IMAGE,
        aspect_ratios=("1:1", "3:2", "2:3"),
        params=(
            choice(
                "quality",
                "low",
                "medium",
                "high",
                default="medium",
                always_sent=True,
                price_factors={"low": Decimal("0.09375"), "medium": Decimal("0.3671875")},
            ),
            choice("output_format", "webp", "png", "jpeg", default="webp"),
            integer("output_compression", 0, 100, default=90),
            choice("background", "auto", "opaque", default="auto"),
            choice("moderation", "auto", "low", default="auto", safety=Safety.CHECKER),
        ),
        price=_listed("0.128", Unit.IMAGE),
        default=True,
    ),
    _model(
        "black-forest-labs/flux-2-pro",
        TaskType.IMAGE,
        aspect_ratios=_RATIOS,
        params=(
            choice("resolution", "0.5 MP", "1 MP", "2 MP", "4 MP", default="1 MP"),
            _FORMAT,
            _QUALITY,
            integer("safety_tolerance", 1, 5, default=2, safety=Safety.TOLERANCE),
        ),
    ),
    _model(
        "google/nano-banana-pro",
        TaskType.IMAGE,
        aspect_ratios=(*_RATIOS, "21:9"),
        params=(
            choice("resolution", "1K", "2K", "4K", default="2K"),
            choice("output_format", "jpg", "png", default="jpg"),
            choice("safety_filter_level", *_LEVELS, default="block_only_high", safety=Safety.LEVEL),
        ),
    ),
    _veo("-fast", "0.10", "1.5", default=True),
    _veo("", "0.20", "2"),
    _model(
        "bytedance/seedance-2.0",
        TaskType.VIDEO,
        seconds=Seconds(4, 5, 15, only=tuple(map(float, range(4, 16)))),
        aspect_ratios=("16:9", "9:16", "1:1", "4:3", "3:4", "21:9"),
        params=(
            choice(
                "resolution",
                "480p",
                "720p",
                "1080p",
                default="720p",
                always_sent=True,
                price_factors={"720p": Decimal("2.25"), "1080p": Decimal("5.625")},
            ),
            boolean("generate_audio", default=True),
        ),
        inputs=(InputSpec(InputRole.START_IMAGE, "image"), InputSpec(InputRole.END_IMAGE, "last_frame_image")),
        price=_listed("0.08", Unit.SECOND),
    ),
    # Without sound, whose price Replicate's page does not have.
    _model(
        "kwaivgi/kling-v3-video",
        TaskType.VIDEO,
        prompt_limit=2500,
        seconds=Seconds(3, 5, 15, only=tuple(map(float, range(3, 16)))),
        aspect_ratios=(*_TALL_OR_WIDE, "1:1"),
        params=(
            choice(
                "mode",
                "standard",
                "pro",
                default="pro",
                always_sent=True,
                price_factors={"standard": Decimal("0.75")},
            ),
            boolean("generate_audio", choices=(False,), default=False, always_sent=True),
        ),
        inputs=(
            InputSpec(InputRole.START_IMAGE, "start_image", **_KLING_IMAGE),
            InputSpec(InputRole.END_IMAGE, "end_image", **_KLING_IMAGE),
        ),
        price=_listed("0.224", Unit.SECOND),
    ),
    _model(
        "topazlabs/image-upscale",
        TaskType.UPSCALE,
        prompt_limit=0,
        inputs=(InputSpec(InputRole.REFERENCE, "image", least=1),),
        params=(choice("output_format", "jpg", "png", default="jpg"),),
        default=True,
    ),
    _model(
        "recraft-ai/recraft-remove-background",
        TaskType.REMOVE_BACKGROUND,
        prompt_limit=0,
        inputs=(InputSpec(InputRole.REFERENCE, "image", least=1),),
        price=Price(Decimal("0.01"), Unit.IMAGE, as_of=date(2026, 11, 29), source=PriceSource.THIRD_PARTY),
        default=True,
    ),
    _model(
        "minimax/hailuo-2.3",
        TaskType.VIDEO,
        prompt_limit=2000,
        seconds=Seconds(6, 6, 10, only=(6, 10)),
        params=(choice("resolution", "768p", "1080p", default="768p"), _OPTIMIZER),
    ),
    _model("google/lyria-3", TaskType.AUDIO, price=_listed("0.04", Unit.AUDIO), default=True),
    _model(
        "elevenlabs/v3",
        TaskType.AUDIO,
        spoken=True,
        voices=ELEVENLABS_VOICES,
        params=(number("stability", 0, 1, default=0.5), _LANGUAGE),
        price=_listed("0.10", Unit.THOUSAND_CHARACTERS),
    ),
    # ----------------------------------------------------------------------------------- superseded, and still there
    _model(
        "black-forest-labs/flux-1.1-pro",
        TaskType.IMAGE,
        aspect_ratios=_RATIOS,
        params=(
            _FORMAT,
            _QUALITY,
            integer("safety_tolerance", 1, 6, default=2, safety=Safety.TOLERANCE),
            boolean("prompt_upsampling", default=False),
        ),
        price=_said("0.04", Unit.IMAGE),
        **deprecated("black-forest-labs/flux-2-pro"),
    ),
    _model(
        "black-forest-labs/flux-schnell",
        TaskType.IMAGE,
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
        price=_said("0.003", Unit.IMAGE),
        **deprecated("black-forest-labs/flux-2-pro"),
    ),
    _model(
        "minimax/video-01",
        TaskType.VIDEO,
        prompt_limit=2000,
        params=(_OPTIMIZER,),
        price=_said("0.50", Unit.VIDEO),
        **deprecated("minimax/hailuo-2.3"),
    ),
    _model("google/lyria-2", TaskType.AUDIO, **deprecated("google/lyria-3")),
)


def _edit(id_: str, field: str, most: int, *, default: bool = False) -> Model:
    """A model that makes images, with images to make them from."""
    images = next(each for each in _ONE_TYPE if each.id == id_)
    references = InputSpec(InputRole.REFERENCE, field, many=True, least=1, most=most)
    return replace(images, type=TaskType.EDIT, inputs=(references,), default=default)


MODELS: Final = (
    *_ONE_TYPE,
    _edit("openai/gpt-image-2", "input_images", 10, default=True),
    _edit("black-forest-labs/flux-2-pro", "input_images", 8),
    _edit("google/nano-banana-pro", "image_input", 14),
)
