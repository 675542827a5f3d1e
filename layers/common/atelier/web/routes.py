"""The routes of the whole API, read from the committed OpenAPI document."""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from atelier.web.problems import MethodNotAllowed, NoSuchPath

_PAGES: Final = dict.fromkeys(("/", "/console", "/console/", "/console/{name}", "/docs", "/docs/{name}"), ("GET",))


@cache
def document() -> str:
    """The OpenAPI document of the whole API, as it is committed."""
    return (files("atelier.web") / "openapi.json").read_text()


@cache
def routes() -> Mapping[str, tuple[str, ...]]:
    """Every path and the methods it takes."""
    paths = json.loads(document())["paths"]
    return _PAGES | {path: tuple(method.upper() for method in operations) for path, operations in paths.items()}


def methods_at(path: str) -> tuple[str, ...]:
    """The methods that a path takes; none when there is nothing at it."""
    parts = path.split("/")
    return next((methods for template, methods in routes().items() if fits(parts, template.split("/"))), ())


def fits(parts: Sequence[str], template: Sequence[str]) -> bool:
    """Whether a path is one that a template (`/clients/{client_id}`) stands for, both split at their slashes."""
    pairs = zip(parts, template, strict=False)
    return len(parts) == len(template) and all(part == own or (part and own.startswith("{")) for part, own in pairs)


def refusal(method: str, path: str) -> NoSuchPath | MethodNotAllowed:
    """The error of a request without a route: 404 or 405."""
    methods = methods_at(path)
    if methods and method not in methods:
        return MethodNotAllowed(", ".join(methods))
    return NoSuchPath("No resource exists at this path.")
