"""Shortcuts through moto, with the same results in a fraction of the time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

from moto.core.serialize import BaseJSONSerializer, Serialized
from moto.dynamodb.models.dynamo_type import DynamoType

_serialize: Final = BaseJSONSerializer._serialize
_PLAIN: Final = {"S", "N", "BOOL", "NULL"}
"""Types whose values moto keeps as they are in JSON."""
_cast_value: Final = vars(DynamoType)["cast_value"].fget


@contextmanager
def shortcuts() -> Iterator[None]:
    """Have moto not look for each of ten types in every attribute value: neither in answers nor where it compares.

    So it does by default, under three names each for what it answers.
    """
    with (
        mock.patch.object(BaseJSONSerializer, "_serialize", _serialize_or_take),
        mock.patch.object(DynamoType, "cast_value", property(_text_or_cast)),
    ):
        yield


def _serialize_or_take(self: BaseJSONSerializer, serialized: Serialized, value: Any, shape: Any, key: str) -> None:
    if shape.name == "AttributeValue" and isinstance(value, dict) and value.keys() <= _PLAIN:
        serialized[key] = value
    else:
        _serialize(self, serialized, value, shape, key)


def _text_or_cast(self: DynamoType) -> Any:
    return self.value if self.type == "S" else _cast_value(self)
