"""Whether what was said over HTTP is what openapi.json allows: status, media type, headers and every field."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker

from atelier.domain.text import trim
from atelier.web.routes import document

# Headers that mean something: whoever sends one must have documented it.
_TOLD: Final = {"etag", "location", "retry-after", "idempotent-replayed"}
_ONLY_SOMETIMES: Final = {"idempotent-replayed"}
_FORMATS: Final = FormatChecker()
_UNDOCUMENTED: Final = (404, 405)


@_FORMATS.checks("date-time")
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", value))


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
    for template, operations in spec()["paths"].items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), path):
            found: dict[str, Any] | None = operations.get(method.lower())
            return found
    return None


@cache
def spec() -> dict[str, Any]:
    """The committed document, in which objects have no fields but those that it names."""
    strict: dict[str, Any] = copy.deepcopy(json.loads(document()))
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
    return Draft202012Validator({**json.loads(schema), "components": spec()["components"]}, format_checker=_FORMATS)
