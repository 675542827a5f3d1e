"""Errors of parameters and fields: unknown, repeated, malformed or out of bounds.

Powertools validates what a route declares, and ignores all else.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote_plus, unquote_to_bytes

from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from atelier.domain.errors import FieldError, Invalid

AnyModel = TypeVar("AnyModel", bound=BaseModel)


def parameter_errors(query_string: str, known: Iterable[str], *, several: Collection[str] = ()) -> list[FieldError]:
    """What is wrong with the names in a query string: those that nobody knows, and those that come twice.

    `several` are names that may come as often as there are values.
    """
    names = Counter(name for name, _ in parse_qsl(query_string, keep_blank_values=True))
    known = sorted(known)
    expected = f"known: {', '.join(known)}" if known else "none are known here"
    unknown = [FieldError(f"unknown parameter; {expected}", parameter=name) for name in names if name not in known]
    twice = (name for name, count in names.items() if count > 1 and name not in several)
    repeated = [FieldError("given more than once", parameter=name) for name in twice]
    return [*unknown, *repeated, *_not_utf_8(query_string)]


def _not_utf_8(query_string: str) -> Iterator[FieldError]:
    for pair in query_string.split("&"):
        try:
            unquote_to_bytes(pair).decode()
        except UnicodeDecodeError:
            yield FieldError("is not UTF-8, percent-encoded", parameter=unquote_plus(pair.partition("=")[0]))


def validation_errors(error: RequestValidationError) -> list[FieldError]:
    """What powertools found, in our words, each with its place in the request."""
    return [_fault(each) for each in error.errors()]


def _fault(error: Mapping[str, Any]) -> FieldError:
    from atelier.web.error_messages import sentence  # noqa: PLC0415 - only bad requests need them

    place, *path = (str(part) for part in error["loc"])
    if place == "body" and not path and error["type"] == "missing":
        return FieldError("The body is empty; send a JSON object.", pointer="")
    detail = sentence(error, path[-1] if path else "")
    if place == "body":
        return FieldError(detail, pointer=pointer_to(path))
    # A query model's problems are reported under its own name first: the parameter is the last part, but for the number
    # of one of its values.
    last = next((part for part in reversed(path) if not part.isdecimal()), place)
    return FieldError(detail, parameter=(error.get("ctx") or {}).get("parameter", last))


def model_of(model: type[AnyModel], fields: Any) -> AnyModel:
    """The fields as a model. Raises Invalid, as a request with this body would."""
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        from atelier.web.error_messages import sentence  # noqa: PLC0415 - only bad requests need them

        found = []
        for each in error.errors():
            path = [str(part) for part in each["loc"]]
            found.append(FieldError(sentence(each, path[-1] if path else ""), pointer=pointer_to(path)))
        raise Invalid(found) from None


def pointer_to(path: Iterable[str]) -> str:
    """The JSON pointer (RFC 6901) of a place in the body."""
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)
