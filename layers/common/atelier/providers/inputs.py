"""Builds a model's input from our options: the model's name of each option, and the form of its value."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeGuard

from pydantic import JsonValue

from atelier.domain.provider import JobRequest

Form = Callable[[Any], JsonValue]
InputNames = Mapping[str, tuple[str, Form]]
"""By the name of our option: the model's name for it, and the form that it takes there."""

_LARGEST_SEED: Final = 2**64
OPTIONS: Final = frozenset(
    {"negative_prompt", "num_outputs", "seed", "aspect_ratio", "size", "duration", "voice"},
)
"""Our typed options. All other options of a job come from `params` and are sent unchanged."""


def fields_of(names: InputNames) -> dict[str, str]:
    """By the model's own name of an input: the field of the API that stands for it, where the names differ."""
    named: dict[str, list[str]] = {}
    for field, (word, _) in names.items():
        if word != field:
            named.setdefault(word, []).append(field)
    return {word: " or ".join(sorted(fields)) for word, fields in named.items()}


def same(value: JsonValue) -> JsonValue:
    """As it is."""
    return value


def whole(value: float) -> int:
    """A whole number."""
    return round(value)


def text(value: float) -> str:
    """A number, as text: "5", not "5.0"."""
    return f"{float(value):g}"


def input_of(job_request: JobRequest, names: InputNames) -> dict[str, Any]:
    """What the model is sent. An option that it has no name for is left out; `params` override the others.

    A model that takes a seed always gets one, the same for the same task: by its input the job can be found again.
    """
    options = dict(job_request.options)
    if has_unique_input(job_request, names):
        options["seed"] = _seed(job_request.reference)
    prompt, _ = names.get("prompt", ("prompt", same))
    known = {names[name][0]: names[name][1](value) for name, value in options.items() if name in names}
    passed_through = {name: value for name, value in options.items() if name not in OPTIONS}
    return {prompt: job_request.effective_prompt, **known, **passed_through}


def seed_used(told: object, job_request: JobRequest, names: InputNames) -> int | None:
    """The seed of a job: the one that its provider tells, else the one that it was sent; None for none."""
    sent = _seed(job_request.reference) if has_unique_input(job_request, names) else job_request.options.get("seed")
    return next((each for each in (told, sent) if _is_seed(each)), None)


def has_unique_input(job_request: JobRequest, names: InputNames) -> bool:
    """Whether no other job has the same input. Without a seed of ours, another task may send the same."""
    return "seed" in names and "seed" not in job_request.options


def is_input_of(found: object, job_request: JobRequest, names: InputNames) -> bool:
    """Whether a provider's record of an input is that of the job request; the provider may have added its defaults."""
    sent = input_of(job_request, names)
    return isinstance(found, dict) and all(name in found and found[name] == value for name, value in sent.items())


def _is_seed(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST_SEED


def _seed(reference: str) -> int:
    # 31 bits: more, and some models refuse it.
    return int.from_bytes(hashlib.sha256(reference.encode()).digest()[:4]) >> 1
