"""What fal and Replicate publish of models, in their form: documents of a few models, cut to what a test needs."""

from collections.abc import Mapping
from typing import Any, Final

Json = dict[str, Any]

_TEXT: Final = {"type": "string"}
_IMAGES: Final = {"images": {"type": "array", "items": {"$ref": "#/components/schemas/Image"}}}
VIDEO: Final = {"video": {"$ref": "#/components/schemas/File"}}
AUDIO: Final = {"audio": {"$ref": "#/components/schemas/File"}}
PROMPT: Final = {"prompt": {**_TEXT, "title": "Prompt", "description": "What to make.", "examples": ["A boat"]}}
SIZE: Final = {
    "anyOf": [
        {"$ref": "#/components/schemas/ImageSize"},
        {"type": "string", "enum": ["square_hd", "square", "portrait_4_3", "landscape_4_3", "landscape_16_9"]},
    ],
    "default": "landscape_4_3",
}
KREA: Final = {
    **PROMPT,
    "image_size": SIZE,
    "num_images": {"type": "integer", "minimum": 1, "maximum": 4, "default": 1},
    "seed": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    "num_inference_steps": {"type": "integer", "minimum": 1, "maximum": 50, "default": 28},
    "guidance_scale": {"type": "number", "minimum": 1, "maximum": 20, "default": 4.5},
    "output_format": {"type": "string", "enum": ["jpeg", "png"], "default": "jpeg"},
    "enable_safety_checker": {"type": "boolean", "default": True},
    "sync_mode": {"type": "boolean", "default": False},
    "loras": {"type": "array", "items": {"type": "object"}},
}
KREA_ID: Final = "fal-ai/flux/krea"
SEEDREAM_ID: Final = "bytedance/seedream-4.5"
SEEDREAM: Final = {
    **PROMPT,
    "aspect_ratio": {"allOf": [{"$ref": "#/components/schemas/aspect_ratio"}], "default": "match_input_image"},
    "size": {"enum": ["2K", "4K"], "type": "string", "default": "2K"},
    "max_images": {"type": "integer", "minimum": 1, "maximum": 15, "default": 1},
    "seed": {"type": "integer", "nullable": True},
}


def fal_entry(
    model: str,
    properties: Mapping[str, Any] = KREA,
    output: Mapping[str, Any] = _IMAGES,
    *,
    required: tuple[str, ...] = ("prompt",),
    status: str = "active",
) -> Json:
    """A model in the answer of `GET /v1/models?endpoint_id=&expand=openapi-3.0`."""
    schemas = {
        "ModelInput": {"type": "object", "properties": dict(properties), "required": list(required)},
        "ModelOutput": {"type": "object", "properties": dict(output)},
        "QueueStatus": {"type": "object", "properties": {"status": _TEXT}},
        "Image": {"type": "object", "properties": {"url": _TEXT, "width": {"type": "integer"}}},
        "File": {"type": "object", "properties": {"url": _TEXT}},
        "ImageSize": {
            "type": "object",
            "properties": {name: {"type": "integer", "maximum": 14142} for name in ("width", "height")},
        },
    }
    paths = {
        f"/{model}/requests/{{request_id}}/status": {"get": _answers("QueueStatus")},
        f"/{model}/requests/{{request_id}}": {"get": _answers("ModelOutput")},
        f"/{model}": {"post": {"requestBody": _content("ModelInput"), **_answers("QueueStatus")}},
    }
    document = {"openapi": "3.0.4", "paths": paths, "components": {"schemas": schemas}}
    metadata = {"display_name": model, "category": "text-to-image", "status": status}
    return {"endpoint_id": model, "metadata": metadata, "openapi": document}


def replicate_entry(
    model: str,
    properties: Mapping[str, Any] = SEEDREAM,
    output: Mapping[str, Any] | None = None,
    *,
    required: tuple[str, ...] = ("prompt",),
    official: bool = True,
) -> Json:
    """The answer of `GET /v1/models/{owner}/{name}`."""
    owner, _, name = model.partition("/")
    made = output if output is not None else {"type": "array", "items": {"type": "string", "format": "uri"}}
    schemas = {
        "Input": {"type": "object", "properties": dict(properties), "required": list(required)},
        "Output": {**made, "title": "Output"},
        "aspect_ratio": {"enum": ["match_input_image", "1:1", "4:3", "16:9"], "type": "string", "title": "Ratio"},
    }
    version = {"id": "5c7d5dc6", "openapi_schema": {"openapi": "3.0.2", "components": {"schemas": schemas}}}
    return {"owner": owner, "name": name, "is_official": official, "latest_version": version}


def _content(name: str) -> Json:
    return {"content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}}


def _answers(name: str) -> Json:
    return {"responses": {"200": {"description": "It.", **_content(name)}}}
