"""What a request must be before a route sees it: JSON to the letter, known parameters, each given once.

Powertools validates what a route declares. These checks are for what it lets pass: lists where an object belongs,
NaN, halves of surrogate pairs, duplicate keys, parameters nobody declared.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl

from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from atelier.domain.errors import FieldError, Invalid
from atelier.domain.schema import KIB
from atelier.web.problems import TooLarge, UnsupportedMediaType

MAX_BODY: Final = 256 * KIB
_DEEPEST: Final = 100  # pydantic reads about twice that back
_JSON: Final = {"application/json", "application/merge-patch+json"}
_IMMUTABLE: Final = {"id", "user_id", "client_id", "created_at", "updated_at"}


def check_body(body: str | None, content_type: str) -> None:
    """Raises TooLarge or UnsupportedMediaType for a body that is not worth parsing."""
    if not body:
        return
    if len(body.encode(errors="surrogatepass")) > MAX_BODY:
        raise TooLarge(f"A request body is at most {MAX_BODY} bytes.")
    if content_type.partition(";")[0].strip().lower() not in _JSON:
        raise UnsupportedMediaType("Send the body as JSON, with the header Content-Type: application/json.")


def parse_body(text: str | None) -> dict[str, Any]:
    """The JSON object of a body. Raises Invalid, saying where the text stops being one."""
    try:
        value = json.loads(
            text or "", parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_distinct_keys
        )
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        _malformed(f"is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}")
    except UnicodeEncodeError:
        _malformed("is not valid JSON: it has half of a surrogate pair")
    except (ValueError, RecursionError) as error:
        _malformed(f"is not acceptable JSON: {error}")
    if not isinstance(value, dict):
        _malformed("must be a JSON object")
    if _depth(value) > _DEEPEST:
        _malformed(f"is nested too deeply: at most {_DEEPEST} levels")
    return value


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level := [each for each in level if isinstance(each, dict | list)]:
        depth += 1
        level = [child for each in level for child in (each.values() if isinstance(each, dict) else each)]
    return depth


def _malformed(detail: str) -> NoReturn:
    raise Invalid([FieldError(f"The body {detail}.", pointer="")])


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text[:40]} is too large")
    return value


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    twice = [key for key, count in Counter(key for key, _ in pairs).items() if count > 1]
    if twice:
        raise ValueError(f"the key {twice[0]!r} appears twice")
    return dict(pairs)


def parameter_errors(query_string: str, known: Iterable[str]) -> list[FieldError]:
    """What is wrong with the names in a query string: those that nobody knows, and those that come twice."""
    names = Counter(name for name, _ in parse_qsl(query_string, keep_blank_values=True))
    known = sorted(known)
    expected = f"known: {', '.join(known)}" if known else "none are known here"
    unknown = [FieldError(f"unknown parameter; {expected}", parameter=name) for name in names if name not in known]
    repeated = [FieldError("given more than once", parameter=name) for name, count in names.items() if count > 1]
    return unknown + repeated


def validation_errors(error: RequestValidationError) -> list[FieldError]:
    """What powertools found, in our words, each with its place in the request."""
    return [_fault(each) for each in error.errors()]


def _fault(error: dict[str, Any]) -> FieldError:
    place, *path = (str(part) for part in error["loc"])
    if place == "body":
        pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in path)
        return FieldError(_detail(error, path), pointer=pointer)
    # A query model's problems are reported under its own name first: the parameter is the last part.
    last = path[-1] if path else place
    return FieldError(_detail(error, path), parameter=error.get("ctx", {}).get("parameter", last))


def _detail(error: dict[str, Any], path: list[str]) -> str:
    if error["type"] == "extra_forbidden":
        return "cannot be changed" if path[-1] in _IMMUTABLE else "unknown field"
    if error["type"] == "missing":
        return "is required"
    said = str(error["msg"]).removeprefix("Value error, ")
    for subject in ("Input should ", "String should "):
        said = said.replace(subject, "must ")
    return said
