"""A model's input from our options: what each option is called there, and in which form it is wanted."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import JsonValue

from atelier.domain.provider import JobRequest

Form = Callable[[Any], JsonValue]
Words = Mapping[str, tuple[str, Form]]
"""By the name of our option: the model's name for it, and the form that it takes there."""

OPTIONS: Final = frozenset(
    {"negative_prompt", "num_outputs", "seed", "aspect_ratio", "size", "duration", "voice"},
)
"""Our typed options. Anything else in an order's options the caller has passed through, for the model as it is."""


def fields_of(words: Words) -> dict[str, str]:
    """By the model's own name of an input: the field of the API that stands for it, where the names differ."""
    named: dict[str, list[str]] = {}
    for field, (word, _) in words.items():
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


def input_of(job_request: JobRequest, words: Words) -> dict[str, Any]:
    """What the model is sent. An option that it has no word for is left out; what was passed through wins.

    A model that takes a seed always gets one, the same for the same order: that is how an order is known again.
    """
    options = dict(job_request.options)
    if is_unmistakable(job_request, words):
        options["seed"] = _seed(job_request.reference)
    prompt, _ = words.get("prompt", ("prompt", same))
    known = {words[name][0]: words[name][1](value) for name, value in options.items() if name in words}
    passed_through = {name: value for name, value in options.items() if name not in OPTIONS}
    return {prompt: job_request.effective_prompt, **known, **passed_through}


def is_unmistakable(job_request: JobRequest, words: Words) -> bool:
    """Whether no other order has the same input. Without a seed of ours, others may ask for just the same."""
    return "seed" in words and "seed" not in job_request.options


def is_input_of(found: object, job_request: JobRequest, words: Words) -> bool:
    """Whether a provider's record of an input is that of the order; the provider may have added its defaults."""
    sent = input_of(job_request, words)
    return isinstance(found, dict) and all(name in found and found[name] == value for name, value in sent.items())


def _seed(reference: str) -> int:
    # 31 bits: more, and some models refuse it.
    return int.from_bytes(hashlib.sha256(reference.encode()).digest()[:4]) >> 1
