"""What today's models of fal and Replicate take, by their own pages of 2026-11: a request that has more is refused.

Kept apart from the catalog, so that a test of one is not a test of itself.
"""

from collections.abc import Mapping
from typing import Any, Final

_TEXT: Final = {"type": "string"}
_BOOLEAN: Final = {"type": "boolean"}
_WHOLE: Final = {"type": "integer"}


def _one_of(*values: Any) -> dict[str, Any]:
    return {"enum": list(values)}


def _within(kind: str, least: float, most: float) -> dict[str, Any]:
    return {"type": kind, "minimum": least, "maximum": most}


def _input(required: str = "prompt", **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {required: {"type": "string", "minLength": 1}, **properties},
        "required": [required],
        "additionalProperties": False,
    }


_SIDES: Final = {
    "type": "object",
    "properties": {"width": _WHOLE, "height": _WHOLE},
    "required": ["width", "height"],
    "additionalProperties": False,
}
_NAMED: Final = ("square_hd", "square", "portrait_4_3", "portrait_16_9", "landscape_4_3", "landscape_16_9")
_SIZE: Final = {"anyOf": [_one_of(*_NAMED), _SIDES]}
_FAL_FORMAT: Final = _one_of("jpeg", "png")
_FRAME: Final = _one_of("16:9", "9:16", "1:1")
_SECONDS: Final = _one_of(*(str(each) for each in range(3, 16)))
_FAL_VEO: Final = _input(
    aspect_ratio=_one_of("16:9", "9:16"),
    duration=_one_of("4s", "6s", "8s"),
    negative_prompt=_TEXT,
    resolution=_one_of("720p", "1080p"),
    generate_audio=_BOOLEAN,
    seed=_WHOLE,
    auto_fix=_BOOLEAN,
    safety_tolerance=_one_of(*"123456"),
)
_TURBO: Final = _input(aspect_ratio=_FRAME, duration=_SECONDS)


def _needing(names: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    return {**_input(names[0], **dict.fromkeys(names[1:], _TEXT), **properties), "required": list(names)}


def _urls(most: int) -> dict[str, Any]:
    return {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": most}


def _with_urls(most: int, **properties: Any) -> dict[str, Any]:
    return {**_input(image_urls=_urls(most), **properties), "required": ["prompt", "image_urls"]}


def _banana(*more: str) -> dict[str, Any]:
    return _with_urls(
        14,
        aspect_ratio=_one_of("auto", *(ratio for ratio in _SHAPES if ratio != "9:21")),
        resolution=_one_of(*more, "1K", "2K", "4K"),
        output_format=_one_of("jpeg", "png", "webp"),
        safety_tolerance=_one_of(*"123456"),
        num_images=_within("integer", 1, 4),
        seed=_WHOLE,
    )


_SHAPES: Final = ("1:1", "16:9", "9:16", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "21:9", "9:21")
FAL: Final[Mapping[str, Mapping[str, Any]]] = {
    "fal-ai/flux-2-pro": _input(
        image_size=_SIZE,
        seed=_WHOLE,
        safety_tolerance=_one_of(*"12345"),
        enable_safety_checker=_BOOLEAN,
        output_format=_FAL_FORMAT,
    ),
    "openai/gpt-image-2": _input(
        image_size={"anyOf": [_one_of(*_NAMED, "auto"), _SIDES]},
        quality=_one_of("auto", "low", "medium", "high"),
        num_images=_within("integer", 1, 4),
        output_format=_one_of("jpeg", "png", "webp"),
    ),
    "bytedance/seedream/v5/pro/text-to-image": _input(
        image_size={"anyOf": [_one_of(*_NAMED, "auto_1K", "auto_2K"), _SIDES]}, num_images=_within("integer", 1, 6)
    ),
    "ideogram/v4": _input(
        image_size=_SIZE,
        rendering_speed=_one_of("TURBO", "BALANCED", "QUALITY"),
        enable_prompt_expansion=_BOOLEAN,
        num_images=_within("integer", 1, 8),
        seed=_WHOLE,
    ),
    "fal-ai/kling-video/v3/turbo/standard/text-to-video": _TURBO,
    "fal-ai/kling-video/v3/turbo/pro/text-to-video": _TURBO,
    "fal-ai/kling-video/v3/pro/text-to-video": _input(
        duration=_SECONDS,
        generate_audio=_BOOLEAN,
        aspect_ratio=_FRAME,
        negative_prompt=_TEXT,
        cfg_scale=_within("number", 0, 1),
    ),
    "fal-ai/veo3.1": _FAL_VEO,
    "fal-ai/veo3.1/fast": _FAL_VEO,
    "fal-ai/veo3.1/lite": _FAL_VEO,
    "bytedance/seedance-2.0/text-to-video": _input(
        resolution=_one_of("480p", "720p"),
        duration=_one_of("auto", *(str(each) for each in range(4, 16))),
        aspect_ratio=_one_of("auto", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16"),
        generate_audio=_BOOLEAN,
    ),
    "fal-ai/minimax/hailuo-2.3/standard/text-to-video": _input(duration=_one_of("6", "10"), prompt_optimizer=_BOOLEAN),
    "fal-ai/stable-audio-25/text-to-audio": _input(
        seconds_total=_within("integer", 1, 190),
        num_inference_steps=_within("integer", 4, 8),
        guidance_scale=_within("number", 1, 25),
        seed=_WHOLE,
    ),
    "fal-ai/elevenlabs/tts/eleven-v3": _input(
        "text", voice=_TEXT, stability=_within("number", 0, 1), language_code=_TEXT
    ),
    "fal-ai/minimax/speech-2.8-hd": _input(
        voice_setting={"type": "object", "properties": {"voice_id": _TEXT}, "additionalProperties": False},
        output_format=_one_of("url", "hex"),
    ),
    "fal-ai/elevenlabs/music": _input(music_length_ms=_within("integer", 3000, 600_000), force_instrumental=_BOOLEAN),
    "fal-ai/elevenlabs/sound-effects/v2": _input(
        "text",
        duration_seconds=_within("number", 0.5, 22),
        prompt_influence=_within("number", 0, 1),
        loop=_BOOLEAN,
    ),
    "fal-ai/nano-banana-2/edit": _banana("0.5K"),
    "fal-ai/nano-banana-pro/edit": _banana(),
    "bytedance/seedream/v5/pro/edit": _with_urls(
        10, image_size={"anyOf": [_one_of(*_NAMED, "auto_1K", "auto_2K"), _SIDES]}, num_images=_within("integer", 1, 6)
    ),
    "openai/gpt-image-2/edit": _with_urls(
        16,
        mask_url=_TEXT,
        image_size={"anyOf": [_one_of(*_NAMED, "auto"), _SIDES]},
        quality=_one_of("auto", "low", "medium", "high"),
        num_images=_within("integer", 1, 4),
        output_format=_one_of("jpeg", "png", "webp"),
    ),
    "fal-ai/flux-2-pro/edit": _with_urls(
        8,
        image_size=_SIZE,
        seed=_WHOLE,
        safety_tolerance=_one_of(*"12345"),
        enable_safety_checker=_BOOLEAN,
        output_format=_FAL_FORMAT,
    ),
    "fal-ai/flux-pro/v1/fill": _needing(
        ("prompt", "image_url", "mask_url"),
        num_images=_within("integer", 1, 4),
        seed=_WHOLE,
        safety_tolerance=_one_of(*"123456"),
        output_format=_FAL_FORMAT,
    ),
    "fal-ai/topaz/upscale/image": _input(
        "image_url", upscale_factor=_within("number", 1, 4), output_format=_FAL_FORMAT
    ),
    "fal-ai/seedvr/upscale/image": _input("image_url", upscale_factor=_within("number", 1, 10), seed=_WHOLE),
    "fal-ai/bria/background/remove": _input("image_url"),
    "fal-ai/birefnet/v2": _input("image_url"),
    "fal-ai/kling-video/v3/turbo/standard/image-to-video": _needing(("prompt", "image_url"), duration=_SECONDS),
    "fal-ai/kling-video/v3/turbo/pro/image-to-video": _needing(("prompt", "image_url"), duration=_SECONDS),
    "fal-ai/kling-video/v3/pro/image-to-video": _needing(
        ("prompt", "start_image_url"),
        end_image_url=_TEXT,
        duration=_SECONDS,
        generate_audio=_BOOLEAN,
        negative_prompt=_TEXT,
        cfg_scale=_within("number", 0, 1),
    ),
    "fal-ai/veo3.1/image-to-video": {
        **_FAL_VEO,
        "properties": {**_FAL_VEO["properties"], "image_url": _TEXT},
        "required": ["prompt", "image_url"],
    },
    "bytedance/seedance-2.0/image-to-video": _needing(
        ("prompt", "image_url"),
        end_image_url=_TEXT,
        resolution=_one_of("480p", "720p"),
        duration=_one_of("auto", *(str(each) for each in range(4, 16))),
        aspect_ratio=_one_of("auto", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16"),
        generate_audio=_BOOLEAN,
    ),
}

_VEO: Final = _input(
    image=_TEXT,
    last_frame=_TEXT,
    reference_images=_urls(3),
    aspect_ratio=_one_of("16:9", "9:16"),
    duration=_one_of(4, 6, 8),
    negative_prompt=_TEXT,
    resolution=_one_of("720p", "1080p"),
    generate_audio=_BOOLEAN,
    seed=_WHOLE,
)
REPLICATE: Final[Mapping[str, Mapping[str, Any]]] = {
    "black-forest-labs/flux-2-pro": _input(
        aspect_ratio=_one_of(*_SHAPES),
        resolution=_one_of("0.5 MP", "1 MP", "2 MP", "4 MP"),
        input_images=_urls(8),
        safety_tolerance=_within("integer", 1, 5),
        seed=_WHOLE,
        output_format=_one_of("webp", "jpg", "png"),
        output_quality=_within("integer", 0, 100),
    ),
    "google/nano-banana-pro": _input(
        aspect_ratio=_one_of("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9"),
        image_input=_urls(14),
        resolution=_one_of("1K", "2K", "4K"),
        output_format=_one_of("jpg", "png"),
        safety_filter_level=_one_of("block_low_and_above", "block_medium_and_above", "block_only_high"),
    ),
    "openai/gpt-image-2": _input(
        input_images=_urls(10),
        aspect_ratio=_one_of("1:1", "3:2", "2:3"),
        quality=_one_of("low", "medium", "high", "auto"),
        background=_one_of("auto", "opaque"),
        moderation=_one_of("auto", "low"),
        output_format=_one_of("webp", "png", "jpeg"),
        output_compression=_within("integer", 0, 100),
    ),
    "google/veo-3.1": _VEO,
    "google/veo-3.1-fast": _VEO,
    "bytedance/seedance-2.0": _input(
        duration=_within("integer", -1, 15),
        resolution=_one_of("480p", "720p", "1080p"),
        image=_TEXT,
        last_frame_image=_TEXT,
        aspect_ratio=_one_of("16:9", "4:3", "1:1", "3:4", "9:16", "21:9", "adaptive"),
        generate_audio=_BOOLEAN,
        seed=_WHOLE,
    ),
    "kwaivgi/kling-v3-video": _input(
        negative_prompt=_TEXT,
        start_image=_TEXT,
        end_image=_TEXT,
        mode=_one_of("standard", "pro"),
        aspect_ratio=_FRAME,
        duration=_within("integer", 3, 15),
        generate_audio=_BOOLEAN,
    ),
    "minimax/hailuo-2.3": _input(
        duration=_one_of(6, 10), resolution=_one_of("768p", "1080p"), prompt_optimizer=_BOOLEAN
    ),
    "elevenlabs/v3": _input(voice=_TEXT, stability=_within("number", 0, 1), language_code=_TEXT),
    "google/lyria-3": _input(),
    "topazlabs/image-upscale": _input(
        "image", upscale_factor=_one_of("None", "2x", "4x", "6x"), output_format=_one_of("jpg", "png")
    ),
    "recraft-ai/recraft-remove-background": _input("image"),
}
