"""Items in the form that DynamoDB's API has for them: every value with its type.

boto3's serializer and deserializer do the same, in twice the time and after an import that takes longer than all of
this project's own modules (ADR 0017). Tests hold these against them.
"""

import base64
from collections.abc import Callable, Mapping, Set
from decimal import Decimal
from functools import cached_property
from typing import Any, Final

Item = dict[str, Any]
Typed = dict[str, Any]


def serialized(item: Mapping[str, Any]) -> Typed:
    """Plain values as DynamoDB's typed ones. Raises TypeError for what it has no type for."""
    return {name: _typed(value) for name, value in item.items()}


def deserialized(item: Mapping[str, Any]) -> Item:
    """DynamoDB's typed values as plain ones: whole numbers as int, others as Decimal."""
    plain = {}
    for name, typed in item.items():
        # Nearly all are texts, and this is the shortest way to one; nearly all others are numbers.
        text = typed.get("S")
        if text is None:
            digits = typed.get("N", "")
            plain[name] = int(digits) if digits.isdecimal() else _plain(typed)
        else:
            plain[name] = text
    return plain


class TypedItems(list[Typed]):
    """The items of a reply that may come again: they are made plain once. Nobody may change them."""

    @cached_property
    def plain(self) -> list[Item]:
        """The items with plain values."""
        return [deserialized(item) for item in self]


def _typed(value: Any) -> Typed:
    if isinstance(value, str):
        return {"S": value}
    if value is None:
        return {"NULL": True}
    for kinds, type_of in _TYPES:
        if isinstance(value, kinds):
            return type_of(value)
    raise TypeError(f"DynamoDB has no type for {type(value).__name__}")


def _typed_set(values: Set[Any]) -> Typed:
    if all(isinstance(each, str) for each in values):
        return {"SS": list(values)}
    if all(isinstance(each, bytes) for each in values):
        return {"BS": list(values)}
    return {"NS": [_digits(each) for each in values]}


def _digits(number: Any) -> str:
    if not isinstance(number, int | float | Decimal):
        raise TypeError(f"DynamoDB has no sets of {type(number).__name__}")
    # A float is kept as the decimal that prints the same.
    return str(Decimal(repr(number)) if isinstance(number, float) else number)


# A bool is an int to Python, so it comes first.
_TYPES: Final[tuple[tuple[Any, Callable[[Any], Typed]], ...]] = (
    (bool, lambda value: {"BOOL": value}),
    ((int, float, Decimal), lambda value: {"N": _digits(value)}),
    (Mapping, lambda value: {"M": serialized(value)}),
    ((list, tuple), lambda value: {"L": [_typed(each) for each in value]}),
    ((bytes, bytearray), lambda value: {"B": bytes(value)}),
    (Set, _typed_set),
)


def _number(digits: str) -> int | Decimal:
    try:
        return int(digits)
    except ValueError:
        return Decimal(digits)


def _plain(typed: Typed) -> Any:
    ((kind, value),) = typed.items()
    return _PLAIN[kind](value)


def _bytes(value: str | bytes) -> bytes:
    # botocore has decoded it already, our own client has not.
    return base64.b64decode(value) if isinstance(value, str) else bytes(value)


_PLAIN: Final[Mapping[str, Callable[[Any], Any]]] = {
    "S": str,
    "N": _number,
    "BOOL": bool,
    "NULL": lambda _: None,
    "M": deserialized,
    "L": lambda values: [_plain(each) for each in values],
    "B": _bytes,
    "SS": set,
    "NS": lambda values: {_number(each) for each in values},
    "BS": lambda values: {_bytes(each) for each in values},
}
