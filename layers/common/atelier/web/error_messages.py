"""What is wrong with a value, in a sentence for callers: one for each of pydantic's errors that our models raise."""

from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

from pydantic_core.core_schema import ErrorType

Context = Mapping[str, Any]

_IMMUTABLE: Final = {"id", "user_id", "client_id", "created_at", "updated_at"}
_OBJECT: Final = "must be an object"
_NUMBER: Final = "must be a number"
_WHOLE_NUMBER: Final = "must be a whole number"
_TIME: Final = "must be an RFC 3339 time that exists, such as 2026-01-31T12:00:00Z; seconds are 00 to 59"
_DATE: Final = "must be a date such as 2026-01-31"
_OTHERWISE: Final = "is not valid here"

SENTENCES: Final[Mapping[str, str]] = {
    "bool_parsing": "must be true or false",
    "bool_type": "must be true or false",
    "date_from_datetime_inexact": _DATE,
    "date_from_datetime_parsing": _DATE,
    "date_parsing": _DATE,
    "date_type": _DATE,
    "datetime_from_date_parsing": _TIME,
    "datetime_object_invalid": _TIME,
    "datetime_parsing": _TIME,
    "datetime_type": _TIME,
    "decimal_max_digits": "must have at most {max_digits} digits",
    "decimal_max_places": "must have at most {decimal_places} decimal places",
    "decimal_parsing": _NUMBER,
    "decimal_type": _NUMBER,
    "decimal_whole_digits": "must have at most {whole_digits} digits before the point",
    "dict_type": _OBJECT,
    "enum": "must be {expected}",
    "finite_number": "must be a finite number",
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "int_from_float": _WHOLE_NUMBER,
    "int_parsing": _WHOLE_NUMBER,
    "int_parsing_size": "has too many digits",
    "int_type": _WHOLE_NUMBER,
    "invalid-json-value": "must be JSON",
    "invalid_key": "must have strings for field names",
    "json_invalid": "must be JSON",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "list_type": "must be an array",
    "literal_error": "must be {expected}",
    "missing": "is required",
    "model_attributes_type": _OBJECT,
    "model_type": _OBJECT,
    "multiple_of": "must be a multiple of {multiple_of}",
    "none_required": "must be null",
    "recursion_loop": "is nested too deeply",
    "string_sub_type": "must be a string",
    "string_type": "must be a string",
    "string_unicode": "must not have half of a surrogate pair",
    "timezone_aware": "must have an offset from UTC, such as Z",
    "tuple_type": "must be an array",
    "union_tag_invalid": "must be {expected_tags}",
    "union_tag_not_found": "must say which kind it is",
}


def _at_least(context: Context, unit: str) -> str:
    least = context["min_length"]
    return "must not be empty" if least == 1 else f"must have at least {least} {unit}"


SPECIAL: Final[Mapping[str, Callable[[Context, str], str]]] = {
    "extra_forbidden": lambda _, field: "cannot be changed" if field in _IMMUTABLE else "unknown field",
    "string_too_long": lambda context, _: f"must have at most {context['max_length']} characters",
    "string_too_short": lambda context, _: _at_least(context, "characters"),
    "too_long": lambda context, _: f"must have at most {context['max_length']} items",
    "too_short": lambda context, _: _at_least(context, "items"),
}
_PYDANTICS_OWN: Final = frozenset(get_args(ErrorType)) - {"value_error", "assertion_error"}


def sentence(error: Mapping[str, Any], field: str) -> str:
    """What is wrong with the value of `field`. Errors that our own rules raise say it themselves."""
    kind, context = error["type"], error.get("ctx") or {}
    if kind in SPECIAL:
        return SPECIAL[kind](context, field)
    if kind in SENTENCES:
        return SENTENCES[kind].format_map(context)
    return _OTHERWISE if kind in _PYDANTICS_OWN else str(error["msg"]).removeprefix("Value error, ")
