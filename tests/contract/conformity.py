"""Whether what was said over HTTP is what openapi.json allows: status, media type, headers and every field."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final

from jsonschema_rs import Draft202012Validator

from atelier.domain.text import trim
from atelier.web.routes import document

# Headers that mean something: whoever sends one must have documented it.
_TOLD: Final = {"etag", "location", "retry-after", "idempotent-replayed"}
_ONLY_SOMETIMES: Final = {"idempotent-replayed"}
_UNDOCUMENTED: Final = (404, 405)


def _is_moment(value: str) -> bool:
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value))


def check_answer(method: str, path: str, status: int, headers: Mapping[str, str], text: str) -> None:
    """Raises AssertionError when the document does not let this request be answered like this."""
    said = {name.lower(): value for name, value in headers.items()}
    assert said.get("x-request-id"), f"{method} {path} -> {status} has no X-Request-Id"
    operation = operation_of(method, path)
    if operation is None:
        assert status in _UNDOCUMENTED, f"{method} {path} is not documented, and answered {status}"
        if method == "HEAD":
            assert not text
            return
        _valid({"$ref": "#/components/schemas/Problem"}, json.loads(text))
        return
    assert str(status) in operation["responses"], f"{method} {path} -> {status} is not documented: {text[:300]}"
    response = operation["responses"][str(status)]
    _check_headers(f"{method} {path} -> {status}", response, said)
    if status in (204, 304) or method == "HEAD":
        assert not text
        return
    media_type = said["content-type"].partition(";")[0]
    assert media_type in response["content"], f"{method} {path} -> {status} is {media_type}"
    _valid(response["content"][media_type]["schema"], json.loads(text) if media_type.endswith("json") else text)


def check_request(method: str, path: str, body: object) -> None:
    """Raises AssertionError when the document would not have let this body, which was accepted, be sent."""
    operation = operation_of(method, path)
    assert operation is not None
    required = operation.get("requestBody", {}).get("required", False)
    if "requestBody" in operation and (required or body is not None):
        # Its limits hold for texts without what cannot be seen around them, which no schema can say.
        assert isinstance(body, dict)
        trimmed = {name: trim(value) if isinstance(value, str) else value for name, value in body.items()}
        _valid(operation["requestBody"]["content"]["application/json"]["schema"], trimmed)


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """What the document says about this method on this path."""
    return next((operations.get(method.lower()) for fits, operations in _paths() if fits(path)), None)


@cache
def _paths() -> list[tuple[Callable[[str], object], dict[str, Any]]]:
    return [
        (re.compile(re.sub(r"\{[^}]+\}", "[^/]+", template)).fullmatch, operations)
        for template, operations in spec()["paths"].items()
    ]


@cache
def spec() -> dict[str, Any]:
    """The committed document, in which objects have no fields but those that it names."""
    strict: dict[str, Any] = json.loads(document())
    for shape in _objects(strict["components"]):
        shape.setdefault("additionalProperties", False)
    return strict


def _objects(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        if node.get("type") == "object" and "properties" in node:
            yield node
        for value in node.values():
            yield from _objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from _objects(value)


def _check_headers(where: str, response: Mapping[str, Any], said: Mapping[str, str]) -> None:
    documented = {name.lower() for name in response.get("headers", {})}
    undocumented = said.keys() & _TOLD - documented
    assert not undocumented, f"{where} has undocumented headers {undocumented}"
    missing = documented - said.keys() - _ONLY_SOMETIMES
    assert not missing, f"{where} lacks the headers {missing}"


def _valid(schema: dict[str, Any], value: object) -> None:
    _validator(json.dumps(schema, sort_keys=True)).validate(value)


@cache
def _validator(schema: str) -> Draft202012Validator:
    # `$ref`s point into the document, so each schema brings the document's components along.
    whole = {**json.loads(schema), "components": spec()["components"]}
    return Draft202012Validator(whole, validate_formats=True, formats={"date-time": _is_moment})
