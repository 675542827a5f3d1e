"""The forms that values take at providers, by name: what the input names of a model that was added are kept with."""

from collections.abc import Mapping
from typing import Final

from pydantic import JsonValue

from atelier.domain.provider import JobRequest
from atelier.providers.inputs import Form, InputNames, same, text, whole

SIZES: Final[Mapping[str, JsonValue]] = {
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
"""By aspect ratio: fal's name of the size, or the sides."""


def size_of(ratio: str) -> JsonValue:
    """fal's size of an aspect ratio."""
    return SIZES.get(ratio)


def sides(size: str) -> JsonValue:
    """Width and height."""
    width, _, height = size.partition("x")
    return {"width": int(width), "height": int(height)}


def with_unit(seconds: float) -> JsonValue:
    """Seconds as "8s"."""
    return f"{text(seconds)}s"


def milliseconds(seconds: float) -> JsonValue:
    """Seconds in thousandths."""
    return whole(seconds * 1000)


def voice_setting(voice: str) -> JsonValue:
    """A voice within its settings."""
    return {"voice_id": voice}


def times(factor: float) -> JsonValue:
    """How often, as "2x"."""
    return f"{text(factor)}x"


FORMS: Final[Mapping[str, Form]] = {
    form.__name__: form for form in (same, whole, text, size_of, sides, with_unit, milliseconds, voice_setting, times)
}


def input_names(job_request: JobRequest, built_in: Mapping[str, InputNames]) -> InputNames:
    """What the model of a job calls our options: as its line says if it was added, else as the adapter's table does."""
    if job_request.added is None:
        return built_in.get(job_request.model, {})
    return {option: (word, FORMS[form]) for option, (word, form) in job_request.added.names.items()}
