"""Builds a model's input from our options: the model's name of each option, and the form of its value."""

import base64
import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeGuard
from urllib.parse import parse_qs, urlsplit

from pydantic import JsonValue

from atelier.domain.input_files import TASK_IN_URL
from atelier.domain.provider import InputSource, JobRequest

Form = Callable[[Any], JsonValue]
InputNames = Mapping[str, tuple[str, Form]]
"""By the name of our option: the model's name for it, and the form that it takes there."""

_LARGEST_SEED: Final = 2**64
OPTIONS: Final = frozenset(
    {"negative_prompt", "num_outputs", "seed", "aspect_ratio", "size", "duration", "voice", "upscale_factor"},
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

    Files are sent as URLs.

    A model that takes a seed always gets one, the same for the same task: by its input the job can be found again.
    """
    return {**options_of(job_request, names), **_files_of(job_request, lambda source: source.url())}


def options_of(job_request: JobRequest, names: InputNames) -> dict[str, Any]:
    """What the model is sent beside its files."""
    options = dict(job_request.options)
    if _has_our_seed(job_request, names):
        options["seed"] = _seed(job_request.reference)
    prompt, _ = names.get("prompt", ("prompt", same))
    asked = {prompt: job_request.effective_prompt} if job_request.effective_prompt else {}
    known = {names[name][0]: names[name][1](value) for name, value in options.items() if name in names}
    passed_through = {name: value for name, value in options.items() if name not in OPTIONS}
    return {**asked, **known, **passed_through}


def _files_of(job_request: JobRequest, form: Callable[[InputSource], JsonValue]) -> dict[str, Any]:
    """The files under the model's names of them: a list where the model takes one, else the file itself."""
    files: dict[str, Any] = {}
    for each in job_request.inputs:
        if each.spec.many:
            files.setdefault(each.spec.name, []).append(form(each.source))
        else:
            files[each.spec.name] = form(each.source)
    return files


def input_with_files(job_request: JobRequest, names: InputNames) -> dict[str, Any]:
    """As `input_of`, for a provider that fetches nothing: files are sent in base64."""
    return {**options_of(job_request, names), **_files_of(job_request, in_base64)}


def in_base64(source: InputSource) -> str:
    """A file as it goes into JSON."""
    return base64.b64encode(source.content()).decode()


def seed_used(told: object, job_request: JobRequest, names: InputNames) -> int | None:
    """The seed of a job: the one that its provider tells, else the one that it was sent; None for none."""
    sent = _seed(job_request.reference) if _has_our_seed(job_request, names) else job_request.options.get("seed")
    return next((each for each in (told, sent) if _is_seed(each)), None)


def has_unique_input(job_request: JobRequest, names: InputNames) -> bool:
    """Whether no other job has the same input: it has a seed of ours, or a URL that only its task was given.

    With neither, another task may send the same.
    """
    return _has_our_seed(job_request, names) or bool(job_request.inputs)


def _has_our_seed(job_request: JobRequest, names: InputNames) -> bool:
    return "seed" in names and "seed" not in job_request.options


def is_input_of(found: object, job_request: JobRequest, names: InputNames) -> bool:
    """Whether a provider's record of an input is that of the job request; the provider may have added its defaults.

    The URL of a file is signed anew for every submit: what tells it from another task's is the task that it names.
    """
    if not isinstance(found, dict):
        return False
    sent = options_of(job_request, names)
    named = [found.get(each.spec.name) for each in job_request.inputs]
    return all(name in found and found[name] == value for name, value in sent.items()) and all(
        _names_task(urls, job_request.reference) for urls in named
    )


def _names_task(urls: object, task_id: str) -> bool:
    listed = urls if isinstance(urls, list) else [urls]
    queries = [parse_qs(urlsplit(each).query) for each in listed if isinstance(each, str)]
    return bool(queries) and all(query.get(TASK_IN_URL) == [task_id] for query in queries)


def _is_seed(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _LARGEST_SEED


def _seed(reference: str) -> int:
    # 31 bits: more, and some models refuse it.
    return int.from_bytes(hashlib.sha256(reference.encode()).digest()[:4]) >> 1
