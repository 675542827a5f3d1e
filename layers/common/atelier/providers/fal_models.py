"""The models of fal, and what each calls our options. Not in the adapter: requests are checked without it."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from atelier.domain.catalog import Lifecycle, Model, Price, PriceSource, Seconds, Unit, deprecated
from atelier.domain.input_files import InputRole, InputSpec
from atelier.domain.params import Safety, boolean, choice, integer, number, text
from atelier.domain.tasks.record import TaskType
from atelier.providers.forms import SIZES, milliseconds, sides, size_of, voice_setting, with_unit
from atelier.providers.inputs import InputNames, fields_of, same, whole
from atelier.providers.inputs import text as as_text

_FLUX: Final[InputNames] = {
    "num_outputs": ("num_images", same),
    "aspect_ratio": ("image_size", size_of),
    "size": ("image_size", sides),
    "seed": ("seed", same),
}
_FLUX_2: Final[InputNames] = {name: _FLUX[name] for name in ("aspect_ratio", "size", "seed")}
_GPT_IMAGE: Final[InputNames] = {name: _FLUX[name] for name in ("num_outputs", "aspect_ratio")}
_COUNTED: Final[InputNames] = {"num_outputs": ("num_images", same)}
_TIMED: Final[InputNames] = {"duration": ("duration", as_text)}
_FRAMED: Final[InputNames] = {**_TIMED, "aspect_ratio": ("aspect_ratio", same)}
_KLING: Final[InputNames] = {**_FRAMED, "negative_prompt": ("negative_prompt", same)}
_VEO: Final[InputNames] = {**_KLING, "duration": ("duration", with_unit), "seed": ("seed", same)}
_SPEECH: Final[InputNames] = {"prompt": ("text", same), "voice": ("voice", same)}
_BANANA: Final[InputNames] = {
    "num_outputs": ("num_images", same),
    "aspect_ratio": ("aspect_ratio", same),
    "seed": ("seed", same),
}
_ENLARGED: Final[InputNames] = {"upscale_factor": ("upscale_factor", same)}
INPUT_NAMES: Final[Mapping[str, InputNames]] = {
    "fal-ai/flux-2-pro": _FLUX_2,
    "openai/gpt-image-2": _GPT_IMAGE,
    "bytedance/seedream/v5/pro/text-to-image": _COUNTED,
    "ideogram/v4": _FLUX,
    "fal-ai/kling-video/v3/turbo/standard/text-to-video": _FRAMED,
    "fal-ai/kling-video/v3/turbo/pro/text-to-video": _FRAMED,
    "fal-ai/kling-video/v3/pro/text-to-video": _KLING,
    "fal-ai/veo3.1": _VEO,
    "fal-ai/veo3.1/fast": _VEO,
    "fal-ai/veo3.1/lite": _VEO,
    "bytedance/seedance-2.0/text-to-video": _FRAMED,
    "fal-ai/minimax/hailuo-2.3/standard/text-to-video": _TIMED,
    "fal-ai/stable-audio-25/text-to-audio": {"duration": ("seconds_total", whole), "seed": ("seed", same)},
    "fal-ai/elevenlabs/tts/eleven-v3": _SPEECH,
    "fal-ai/minimax/speech-2.8-hd": {"voice": ("voice_setting", voice_setting)},
    "fal-ai/elevenlabs/music": {"duration": ("music_length_ms", milliseconds)},
    "fal-ai/elevenlabs/sound-effects/v2": {"prompt": ("text", same), "duration": ("duration_seconds", same)},
    "fal-ai/nano-banana-2/edit": _BANANA,
    "fal-ai/nano-banana-pro/edit": _BANANA,
    "bytedance/seedream/v5/pro/edit": _COUNTED,
    "openai/gpt-image-2/edit": _GPT_IMAGE,
    "fal-ai/flux-2-pro/edit": _FLUX_2,
    "fal-ai/flux-pro/v1/fill": {"num_outputs": ("num_images", same), "seed": ("seed", same)},
    "fal-ai/topaz/upscale/image": _ENLARGED,
    "fal-ai/seedvr/upscale/image": {**_ENLARGED, "seed": ("seed", same)},
    "fal-ai/bria/background/remove": {},
    "fal-ai/birefnet/v2": {},
    "fal-ai/kling-video/v3/turbo/standard/image-to-video": _TIMED,
    "fal-ai/kling-video/v3/turbo/pro/image-to-video": _TIMED,
    "fal-ai/kling-video/v3/pro/image-to-video": {**_TIMED, "negative_prompt": ("negative_prompt", same)},
    "fal-ai/veo3.1/image-to-video": _VEO,
    "bytedance/seedance-2.0/image-to-video": _FRAMED,
    "fal-ai/flux-pro/v1.1": _FLUX,
    "fal-ai/flux/dev": _FLUX,
    "fal-ai/kling-video/v1.6/standard/text-to-video": _KLING,
    "fal-ai/minimax/hailuo-02/standard/text-to-video": _TIMED,
    "fal-ai/stable-audio": {"duration": ("seconds_total", whole)},
    "fal-ai/elevenlabs/tts/turbo-v2.5": _SPEECH,
}

_READ: Final = date(2026, 11, 29)
_BEFORE: Final = date(2026, 11, 22)
_FORMAT: Final = choice("output_format", "jpeg", "png", default="jpeg")
_LANGUAGE: Final = text("language_code", 2, "[a-z]{2}", "a language code such as en")
_CHECKER: Final = boolean("enable_safety_checker", default=True, safety=Safety.CHECKER)
_TALL_OR_WIDE: Final = ("16:9", "9:16")


def _listed(dollars: str, per: Unit, **more: Any) -> Price:
    """A price on fal's own page of the model."""
    return Price(Decimal(dollars), per, as_of=_READ, **more)


def _said(dollars: str, per: Unit, *, as_of: date = _READ, **more: Any) -> Price:
    """A price of fal in others' lists."""
    return Price(Decimal(dollars), per, as_of=as_of, source=PriceSource.THIRD_PARTY, **more)


def _model(id_: str, kind: TaskType, **more: Any) -> Model:
    """A model that takes the options which have a name of its own, and whose params do not stand for them."""
    names = INPUT_NAMES[id_]
    return Model(
        id_, "fal", kind, takes=frozenset(names.keys() - {"prompt", "num_outputs"}), stands_for=fields_of(names), **more
    )


def _references(most: int, **bounds: Any) -> InputSpec:
    return InputSpec(InputRole.REFERENCE, "image_urls", many=True, least=1, most=most, **bounds)


_ONE_IMAGE: Final = InputSpec(InputRole.REFERENCE, "image_url", least=1)
# What Kling's page says of an image, and Seedance's.
_KLING_IMAGE: Final[Mapping[str, Any]] = {"max_bytes": 50 * 10**6, "min_side": 300, "min_ratio": 0.4, "max_ratio": 2.5}
_SEEDANCE_IMAGE: Final[Mapping[str, Any]] = {"max_bytes": 30 * 10**6}


def _kling_turbo(tier: str, dollars: str, task: str = "text-to-video", **more: Any) -> Model:
    return _model(
        f"fal-ai/kling-video/v3/turbo/{tier}/{task}",
        TaskType.VIDEO,
        prompt_limit=2500,
        seconds=Seconds(3, 5, 15, only=tuple(map(float, range(3, 16)))),
        price=_listed(dollars, Unit.SECOND),
        **more,
    )


def _veo(tier: str, price: Price | None, **more: Any) -> Model:
    # Not among its resolutions: 4k, whose price with and without sound is no multiple of the others'.
    sound = {"price_factors": {"true": Decimal(2)}, "always_sent": True} if price else {}
    return _model(
        f"fal-ai/veo3.1{tier}",
        TaskType.VIDEO,
        seconds=Seconds(4, 8, 8, only=(4, 6, 8)),
        aspect_ratios=_TALL_OR_WIDE,
        params=(
            choice("resolution", "720p", "1080p", default="720p", always_sent=True),
            boolean("generate_audio", default=True, **sound),
            boolean("auto_fix", default=True),
            choice("safety_tolerance", *"123456", default="4", safety=Safety.TOLERANCE),
        ),
        price=price,
        **more,
    )


def _nano_banana(tier: str, price: Price, factors: Mapping[str, Decimal], **more: Any) -> Model:
    return _model(
        f"fal-ai/nano-banana-{tier}/edit",
        TaskType.EDIT,
        max_outputs=4,
        aspect_ratios=("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "21:9", "4:5", "5:4"),
        inputs=(_references(14),),
        params=(
            choice("resolution", "1K", "2K", "4K", default="1K", always_sent=True, price_factors=factors),
            choice("output_format", "jpeg", "png", "webp", default="png"),
            choice("safety_tolerance", *"123456", default="4", safety=Safety.TOLERANCE),
        ),
        price=price,
        **more,
    )


_KLING_NOW: Final = "fal-ai/kling-video/v3/turbo/standard/text-to-video"

# Endpoints and their inputs: fal's published endpoint map of 2026-08 and its pages of the models. Not among the params:
# `sync_mode`, which puts the files into the answer, `timestamps`, which makes it long, and several prompts at once. A
# default is a model of today that has a price.
MODELS: Final[tuple[Model, ...]] = (
    _model(
        "fal-ai/flux-2-pro",
        TaskType.IMAGE,
        aspect_ratios=tuple(SIZES),
        params=(
            _FORMAT,
            choice("safety_tolerance", *"12345", default="2", safety=Safety.TOLERANCE),
            _CHECKER,
        ),
        price=_said("0.03", Unit.MEGAPIXEL, further=Decimal("0.015")),
        default=True,
    ),
    # Its page has prices of 1024x1024, which no size by `aspect_ratio` exceeds; of larger ones it has none, so `size`
    # is not taken.
    _model(
        "openai/gpt-image-2",
        TaskType.IMAGE,
        max_outputs=4,
        aspect_ratios=tuple(SIZES),
        params=(
            choice("output_format", "png", "jpeg", "webp", default="png"),
            choice(
                "quality",
                "low",
                "medium",
                "high",
                default="medium",
                always_sent=True,
                price_factors={"medium": Decimal(6), "high": Decimal(22)},
            ),
        ),
        price=_listed("0.01", Unit.IMAGE),
    ),
    _model(
        "bytedance/seedream/v5/pro/text-to-image",
        TaskType.IMAGE,
        max_outputs=4,
        params=(
            choice(
                "image_size",
                "auto_1K",
                "auto_2K",
                default="auto_2K",
                always_sent=True,
                price_factors={"auto_2K": Decimal(2)},
            ),
        ),
        price=_said("0.0675", Unit.IMAGE),
    ),
    # An expanded prompt costs 0.03 more for each request, whatever is made: it is not offered.
    _model(
        "ideogram/v4",
        TaskType.IMAGE,
        max_outputs=4,
        aspect_ratios=tuple(SIZES),
        params=(
            choice(
                "rendering_speed",
                "TURBO",
                "BALANCED",
                "QUALITY",
                default="BALANCED",
                always_sent=True,
                price_factors={"TURBO": Decimal("0.3"), "BALANCED": Decimal("0.6")},
            ),
            boolean("enable_prompt_expansion", choices=(False,), default=False, always_sent=True),
        ),
        price=_listed("0.10", Unit.MEGAPIXEL),
    ),
    _kling_turbo("standard", "0.112", aspect_ratios=(*_TALL_OR_WIDE, "1:1"), default=True),
    _kling_turbo("pro", "0.14", aspect_ratios=(*_TALL_OR_WIDE, "1:1")),
    _model(
        "fal-ai/kling-video/v3/pro/text-to-video",
        TaskType.VIDEO,
        prompt_limit=2500,
        seconds=Seconds(3, 5, 15, only=tuple(map(float, range(3, 16)))),
        aspect_ratios=(*_TALL_OR_WIDE, "1:1"),
        params=(
            boolean("generate_audio", default=True, always_sent=True, price_factors={"true": Decimal("1.5")}),
            number("cfg_scale", 0, 1, default=0.5),
        ),
        price=_said("0.112", Unit.SECOND),
    ),
    _veo("", _listed("0.20", Unit.SECOND)),
    _veo("/fast", None),
    _veo("/lite", None),
    # By the pixel in truth; its page says what that comes to at 720p. Sound costs nothing.
    _model(
        "bytedance/seedance-2.0/text-to-video",
        TaskType.VIDEO,
        seconds=Seconds(4, 5, 15, only=tuple(map(float, range(4, 16)))),
        aspect_ratios=("16:9", "9:16", "1:1", "4:3", "3:4", "21:9"),
        params=(
            choice("resolution", "720p", default="720p", always_sent=True),
            boolean("generate_audio", default=True),
        ),
        price=_listed("0.3024", Unit.SECOND),
    ),
    # 0.28 for six seconds and 0.56 for ten: no price by the second or the video.
    _model(
        "fal-ai/minimax/hailuo-2.3/standard/text-to-video",
        TaskType.VIDEO,
        prompt_limit=2000,
        seconds=Seconds(6, 6, 10, only=(6, 10)),
        params=(boolean("prompt_optimizer", default=True),),
    ),
    _model(
        "fal-ai/stable-audio-25/text-to-audio",
        TaskType.AUDIO,
        seconds=Seconds(1, 30, 190, whole=True),
        params=(
            integer("num_inference_steps", 4, 8, default=8),
            number("guidance_scale", 1, 25, default=1),
        ),
        price=_listed("0.20", Unit.AUDIO),
        default=True,
    ),
    _model(
        "fal-ai/elevenlabs/tts/eleven-v3",
        TaskType.AUDIO,
        spoken=True,
        params=(number("stability", 0, 1, default=0.5), _LANGUAGE),
        price=_listed("0.10", Unit.THOUSAND_CHARACTERS),
    ),
    _model(
        "fal-ai/minimax/speech-2.8-hd",
        TaskType.AUDIO,
        spoken=True,
        params=(
            choice("output_format", "url", default="url", always_sent=True),
        ),  # of itself it sends the sound as hex
        price=_listed("0.10", Unit.THOUSAND_CHARACTERS),
    ),
    _model(
        "fal-ai/elevenlabs/music",
        TaskType.AUDIO,
        seconds=Seconds(10, 30, 300),
        params=(boolean("force_instrumental", default=False),),
    ),
    _model(
        "fal-ai/elevenlabs/sound-effects/v2",
        TaskType.AUDIO,
        seconds=Seconds(0.5, 5, 22),
        params=(number("prompt_influence", 0, 1, default=0.3), boolean("loop", default=False)),
    ),
    # --------------------------------------------------------------------------------------- from images to images
    _nano_banana("2", _listed("0.08", Unit.IMAGE), {"2K": Decimal("1.5"), "4K": Decimal(2)}, default=True),
    _nano_banana("pro", _listed("0.15", Unit.IMAGE), {"4K": Decimal(2)}),
    # Each reference is paid for as well, which no price of an image says; so it is with the next two.
    _model(
        "bytedance/seedream/v5/pro/edit",
        TaskType.EDIT,
        max_outputs=4,
        inputs=(_references(10),),
        params=(choice("image_size", "auto_1K", "auto_2K", default="auto_2K", always_sent=True),),
    ),
    _model(
        "openai/gpt-image-2/edit",
        TaskType.EDIT,
        max_outputs=4,
        aspect_ratios=tuple(SIZES),
        inputs=(_references(16), InputSpec(InputRole.MASK, "mask_url", formats=("image/png",))),
        params=(
            choice("output_format", "png", "jpeg", "webp", default="png"),
            choice("quality", "low", "medium", "high", default="medium", always_sent=True),
        ),
    ),
    _model(
        "fal-ai/flux-2-pro/edit",
        TaskType.EDIT,
        aspect_ratios=tuple(SIZES),
        inputs=(_references(8),),
        params=(_FORMAT, choice("safety_tolerance", *"12345", default="2", safety=Safety.TOLERANCE), _CHECKER),
    ),
    _model(
        "fal-ai/flux-pro/v1/fill",
        TaskType.EDIT,
        max_outputs=4,
        inputs=(_ONE_IMAGE, InputSpec(InputRole.MASK, "mask_url", least=1)),
        params=(_FORMAT, choice("safety_tolerance", *"123456", default="2", safety=Safety.TOLERANCE)),
        price=_said("0.05", Unit.MEGAPIXEL),
    ),
    _model(
        "fal-ai/topaz/upscale/image",
        TaskType.UPSCALE,
        prompt_limit=0,
        inputs=(_ONE_IMAGE,),
        params=(_FORMAT,),
        default=True,
    ),
    _model("fal-ai/seedvr/upscale/image", TaskType.UPSCALE, prompt_limit=0, inputs=(_ONE_IMAGE,)),
    _model(
        "fal-ai/bria/background/remove",
        TaskType.REMOVE_BACKGROUND,
        prompt_limit=0,
        inputs=(_ONE_IMAGE,),
        price=_said("0.018", Unit.IMAGE),
        default=True,
    ),
    _model("fal-ai/birefnet/v2", TaskType.REMOVE_BACKGROUND, prompt_limit=0, inputs=(_ONE_IMAGE,)),
    # --------------------------------------------------------------------------------------- from images to videos
    _kling_turbo(
        "standard",
        "0.112",
        "image-to-video",
        inputs=(InputSpec(InputRole.START_IMAGE, "image_url", least=1, **_KLING_IMAGE),),
    ),
    _kling_turbo(
        "pro",
        "0.14",
        "image-to-video",
        inputs=(InputSpec(InputRole.START_IMAGE, "image_url", least=1, **_KLING_IMAGE),),
    ),
    _model(
        "fal-ai/kling-video/v3/pro/image-to-video",
        TaskType.VIDEO,
        prompt_limit=2500,
        seconds=Seconds(3, 5, 15, only=tuple(map(float, range(3, 16)))),
        inputs=(
            InputSpec(InputRole.START_IMAGE, "start_image_url", least=1, **_KLING_IMAGE),
            InputSpec(InputRole.END_IMAGE, "end_image_url", **_KLING_IMAGE),
        ),
        params=(
            boolean("generate_audio", default=True, always_sent=True, price_factors={"true": Decimal("1.5")}),
            number("cfg_scale", 0, 1, default=0.5),
        ),
        price=_said("0.112", Unit.SECOND),
    ),
    # What it costs is on no page that was read.
    _veo("/image-to-video", None, inputs=(InputSpec(InputRole.START_IMAGE, "image_url", least=1),)),
    _model(
        "bytedance/seedance-2.0/image-to-video",
        TaskType.VIDEO,
        seconds=Seconds(4, 5, 15, only=tuple(map(float, range(4, 16)))),
        aspect_ratios=("16:9", "9:16", "1:1", "4:3", "3:4", "21:9"),
        inputs=(
            InputSpec(InputRole.START_IMAGE, "image_url", least=1, **_SEEDANCE_IMAGE),
            InputSpec(InputRole.END_IMAGE, "end_image_url", **_SEEDANCE_IMAGE),
        ),
        params=(
            choice("resolution", "720p", default="720p", always_sent=True),
            boolean("generate_audio", default=True),
        ),
        price=_listed("0.3024", Unit.SECOND),
    ),
    # ----------------------------------------------------------------------------------- superseded, and still there
    _model(
        "fal-ai/flux-pro/v1.1",
        TaskType.IMAGE,
        aliases=("fal-ai/flux-pro",),  # no longer there under this name
        max_outputs=4,
        aspect_ratios=tuple(SIZES),
        params=(
            _FORMAT,
            choice("safety_tolerance", *"123456", default="2", safety=Safety.TOLERANCE),
            boolean("enhance_prompt", default=False),
        ),
        price=_said("0.04", Unit.MEGAPIXEL, as_of=_BEFORE),
        **deprecated("fal-ai/flux-2-pro"),
    ),
    _model(
        "fal-ai/flux/dev",
        TaskType.IMAGE,
        max_outputs=4,
        aspect_ratios=tuple(SIZES),
        params=(
            _FORMAT,
            integer("num_inference_steps", 1, 50, default=28),
            number("guidance_scale", 1, 20, default=3.5),
            _CHECKER,
        ),
        price=_said("0.025", Unit.MEGAPIXEL, as_of=_BEFORE),
        **deprecated("fal-ai/flux-2-pro"),
    ),
    _model(
        "fal-ai/kling-video/v1.6/standard/text-to-video",
        TaskType.VIDEO,
        prompt_limit=2500,
        seconds=Seconds(5, 5, 10, only=(5, 10)),
        aspect_ratios=(*_TALL_OR_WIDE, "1:1"),
        params=(number("cfg_scale", 0, 1, default=0.5),),
        price=_said("0.045", Unit.SECOND, as_of=_BEFORE),
        **deprecated(_KLING_NOW),
    ),
    _model(
        "fal-ai/minimax/hailuo-02/standard/text-to-video",
        TaskType.VIDEO,
        prompt_limit=2000,
        seconds=Seconds(6, 6, 10, only=(6, 10)),
        params=(boolean("prompt_optimizer", default=True),),
        price=_said("0.045", Unit.SECOND, as_of=_BEFORE),
        **deprecated("fal-ai/minimax/hailuo-2.3/standard/text-to-video"),
    ),
    _model(
        "fal-ai/stable-audio",
        TaskType.AUDIO,
        seconds=Seconds(1, 30, 47, whole=True),
        params=(number("seconds_start", 0, 47), integer("steps", 1, 1000)),
        **deprecated("fal-ai/stable-audio-25/text-to-audio"),
    ),
    _model(
        "fal-ai/elevenlabs/tts/turbo-v2.5",
        TaskType.AUDIO,
        spoken=True,
        params=(
            number("stability", 0, 1),
            number("similarity_boost", 0, 1),
            number("style", 0, 1),
            number("speed", 0.7, 1.2),
            _LANGUAGE,
        ),
        **deprecated("fal-ai/elevenlabs/tts/eleven-v3"),
    ),
    Model("fal-ai/sora-2/text-to-video", "fal", TaskType.VIDEO, lifecycle=Lifecycle.RETIRED, replacement=_KLING_NOW),
)
