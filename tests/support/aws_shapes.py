"""Requests and answers of AWS, held against botocore's own description of them, so that a fake cannot drift."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final
from urllib.parse import unquote

import botocore.session
from botocore.model import OperationModel, Shape
from botocore.validate import ParamValidator

from tests.support.provider_server import Request

# Errors that any service may answer, which is why no operation lists them.
_COMMON: Final = {
    "AccessDeniedException": 403,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 400,
    "ValidationException": 400,
}


class Answered(Exception):
    """An error that AWS answers."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class Operation:
    """One operation, as AWS describes it to its own clients."""

    def __init__(self, service: str, name: str) -> None:
        self.name = name
        self._model: OperationModel = _service(service).operation_model(name)
        fields = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", str(self._model.http["requestUri"]))
        self._path = re.compile(fields)

    def is_meant(self, request: Request) -> bool:
        """Whether the request is one of this operation."""
        return request.method == self._model.http["method"] and self._path.fullmatch(request.path) is not None

    def arguments(self, request: Request) -> dict[str, Any]:
        """What is asked. Raises Answered when AWS would not take it."""
        shape: Any = self._model.input_shape
        given = {**_content(shape, request.body), **dict(self._outside(shape, request))}
        report = ParamValidator().validate(given, shape)
        field_errors = [report.generate_report()] if report.has_errors() else list(_faults(shape, given, ""))
        if field_errors:
            raise Answered("ValidationException", "; ".join(field_errors))
        return given

    def check(self, answer: dict[str, Any]) -> None:
        """Fail when AWS would not answer that."""
        shape: Any = self._model.output_shape
        if "payload" in shape.serialization:
            return  # what is in it is between the model and us
        report = ParamValidator().validate(answer, shape)
        assert not report.has_errors(), report.generate_report()

    def status(self, code: str) -> int:
        """The HTTP status that goes with an error, which must be one that this operation answers."""
        known = {shape.name: shape.metadata["error"]["httpStatusCode"] for shape in self._model.error_shapes}
        return int({**_COMMON, **known}[code])

    def _outside(self, shape: Any, request: Request) -> Iterator[tuple[str, Any]]:
        """The arguments that are not in the body."""
        match = self._path.fullmatch(request.path)
        for name, member in shape.members.items():
            wire = member.serialization.get("name", name)
            match member.serialization.get("location"):
                case "uri" if match is not None:
                    yield name, unquote(match[wire])
                case "querystring" if wire in request.query:
                    yield name, int(request.query[wire]) if member.type_name == "integer" else request.query[wire]
                case "header" if wire.lower() in request.headers:
                    yield name, request.headers[wire.lower()]


@cache
def _service(name: str) -> Any:
    return botocore.session.get_session().get_service_model(name)


def _content(shape: Any, body: bytes) -> dict[str, Any]:
    if payload := shape.serialization.get("payload"):
        return {payload: body}
    try:
        content = json.loads(body or b"{}")
    except ValueError as error:
        raise Answered("ValidationException", "The body is not JSON.") from error
    return content if isinstance(content, dict) else {}


def _faults(shape: Shape, value: Any, where: str) -> Iterator[str]:
    """What botocore itself leaves to the service: enumerations, patterns and upper limits."""
    rules: Mapping[str, Any] = shape.metadata
    if isinstance(value, dict) and shape.type_name == "structure":
        members: Mapping[str, Shape] = getattr(shape, "members", {})
        for name in members.keys() & value.keys():
            yield from _faults(members[name], value[name], f"{where}.{name}")
    elif isinstance(value, str):
        if "enum" in rules and value not in rules["enum"]:
            yield f"{where}: {value!r} is none of {rules['enum']}"
        if "pattern" in rules and re.fullmatch(rules["pattern"], value) is None:
            yield f"{where}: {value!r} does not match {rules['pattern']}"
    size = value if isinstance(value, int) else len(value) if isinstance(value, str | bytes | list) else 0
    if size > rules.get("max", size):
        yield f"{where}: more than {rules['max']}"
