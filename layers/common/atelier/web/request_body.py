"""The body of a request: UTF-8, JSON to the letter, an object, and nothing in it that could not be kept exactly.

Powertools and `json` let pass what is refused here: bytes that the gateway has replaced, lists where an object belongs,
NaN, halves of surrogate pairs, duplicate keys, numbers that a double rounds. What is accepted is within the limits of
every parser that reads it later, so nothing can be accepted and be unreadable then.
"""

import base64
import json
import math
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NoReturn

from atelier.domain.errors import FieldError, Invalid
from atelier.domain.schema import KIB
from atelier.web.problems import TooLarge, UnsupportedMediaType

MAX_BODY: Final = 256 * KIB
MAX_BATCH: Final = 1024 * KIB
_BATCH: Final = "/batch"
_OPTIONAL: Final = "/retry"
"""Paths of requests that may have no body, which is as good as an empty object."""
_DEEPEST: Final = 100  # pydantic reads about twice that back
_LONGEST_INTEGER: Final = 309  # digits of the largest double; pydantic's parser takes 4,300 characters
_JSON: Final = {"application/json", "application/merge-patch+json"}
_UTF_8: Final = {"utf-8", "utf8"}
_REPLACED: Final = "\ufffd"

_SYNTAX: Final = {
    "Expecting value": "a value is missing or is not JSON",
    "Expecting property name enclosed in double quotes": "a field name in double quotes is missing",
    "Expecting ':' delimiter": "a colon is missing",
    "Expecting ',' delimiter": "a comma or a closing bracket is missing",
    "Illegal trailing comma before end of object": "there is a comma too many",
    "Illegal trailing comma before end of array": "there is a comma too many",
    "Extra data": "there is more text after the end",
    "Unterminated string starting at": "a string has no closing quote",
    "Invalid control character at": "a control character within a string must be escaped",
    "Invalid \\escape": "a backslash within a string must begin an escape that JSON knows",
    "Invalid \\uXXXX escape": "\\u must be followed by four hexadecimal digits",
}
"""What Python's parser says, in words for a caller."""


class _Unacceptable(ValueError):
    """Something within the text that JSON or we do not allow; the message is for the caller."""


# ---------------------------------------------------------------------------------------------------- from the wire


def read_body(event: Mapping[str, Any], headers: Mapping[str, str]) -> str | None:
    """The text of a request's body, None when there is none; `{}` where it may be left out.

    `headers` have names in lower case.

    Raises UnsupportedMediaType, TooLarge, and Invalid for bytes that are not UTF-8.
    """
    if not event.get("body"):
        return "{}" if event["rawPath"].endswith(_OPTIONAL) else None
    if headers.get("content-encoding", "").strip():
        raise UnsupportedMediaType("Send the body as it is, without Content-Encoding.")
    check_content_type(headers.get("content-type", ""))
    body = decoded_body(event) or ""
    limit = MAX_BATCH if event["rawPath"].endswith(_BATCH) else MAX_BODY
    if len(body.encode(errors="surrogatepass")) > limit:
        raise TooLarge(f"A request body is at most {limit} bytes.")
    _check_bytes(body, event, headers.get("content-length"))
    return body


def decoded_body(event: Mapping[str, Any]) -> str | None:
    """The text of a body in either of the gateway's forms. Raises Invalid for one that is not UTF-8."""
    body: str | None = event.get("body")
    if body is None or not event.get("isBase64Encoded"):
        return body
    try:
        return base64.b64decode(body).decode()
    except ValueError:
        _malformed("must be UTF-8")


def check_content_type(content_type: str) -> None:
    """Raises UnsupportedMediaType for what is not JSON, or not in UTF-8."""
    media_type, *parameters = content_type.split(";")
    if media_type.strip().lower() not in _JSON:
        raise UnsupportedMediaType("Send the body as JSON, with the header Content-Type: application/json.")
    named = (parameter.partition("=") for parameter in parameters)
    charsets = {value.strip().strip('"').lower() for name, _, value in named if name.strip().lower() == "charset"}
    if charsets - _UTF_8:
        raise UnsupportedMediaType("Send the body in UTF-8; no other charset is understood.")


def _check_bytes(body: str, event: Mapping[str, Any], content_length: str | None) -> None:
    # For JSON the gateway hands over text, with U+FFFD for bytes that are none. What was sent has another length then.
    if event.get("isBase64Encoded") or _REPLACED not in body:
        return
    if (content_length or "").strip() != str(len(body.encode(errors="surrogatepass"))):
        _malformed("must be UTF-8, with its length in Content-Length when it has U+FFFD in it; write \\ufffd otherwise")


# ------------------------------------------------------------------------------------------------------------- JSON


def parse_body(text: str | None) -> dict[str, Any]:
    """The JSON object of a body. Raises Invalid, saying where the text stops being one."""
    if not text or not text.strip(" \t\r\n"):
        _malformed("is empty; send a JSON object")
    if text.startswith("\ufeff"):
        _malformed("begins with a byte order mark (U+FEFF); send it without")
    value = _parsed(text)
    if not isinstance(value, dict):
        _malformed("must be a JSON object")
    if _depth(value) > _DEEPEST:
        _malformed(f"is nested too deeply: at most {_DEEPEST} levels")
    return value


def _parsed(text: str) -> Any:
    try:
        value = json.loads(
            text,
            parse_constant=_no_constant,
            parse_int=_integer,
            parse_float=_fraction,
            object_pairs_hook=_distinct_keys,
        )
        json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        said = _SYNTAX.get(error.msg, "it is malformed")
        _malformed(f"is not valid JSON: {said} (line {error.lineno}, column {error.colno})")
    except UnicodeEncodeError:
        _malformed("is not valid JSON: it has half of a surrogate pair")
    except _Unacceptable as error:
        _malformed(f"is not acceptable JSON: {error}")
    except RecursionError:
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
    raise _Unacceptable(f"{name} is not a JSON number")


def _integer(text: str) -> int:
    # As large as a fraction may be: whoever calculates with it can.
    if len(text.lstrip("-")) > _LONGEST_INTEGER or math.isinf(float(text)):
        raise _Unacceptable(f"the number {_shortened(text)} is too large")
    return int(text)


def _fraction(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _Unacceptable(f"the number {_shortened(text)} is too large")
    if not _is_exact(text, value):
        raise _Unacceptable(f"the number {_shortened(text)} cannot be kept exactly; send it as a string")
    return value


def _is_exact(text: str, value: float) -> bool:
    """Whether the shortest text of the double is the same number as what was sent."""
    try:
        return Decimal(text) == Decimal(repr(value))
    except InvalidOperation:  # an exponent of many digits
        return False


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise _Unacceptable(f'the field "{_shortened(twice)}" appears twice')
    return found


def _shortened(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:40]}…"  # noqa: PLR2004 - enough to find it again
