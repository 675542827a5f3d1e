"""Records as items and back. Free-form JSON of callers is kept as text: it comes back exactly as it was sent.

Every item says in `schema` which shape it has. One of an earlier shape is read through `UPGRADES` and gets the present
shape when it is next written whole; docs/upgrades.md says how a change of shape is rolled out.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeVar

from pydantic import BaseModel, TypeAdapter

from atelier.domain.schema import StoredModel, as_json, format_timestamp
from atelier.store.wire import Item

AnyRecord = TypeVar("AnyRecord", bound=StoredModel)

_AS_TEXT: Final = ("params", "metadata")

Upgrade = Callable[[Item], Item]
UPGRADES: Final[Mapping[type[BaseModel], tuple[Upgrade, ...]]] = {}
"""For each kind of record, or part of one that is an item of its own, the step from each shape to the next; the first
is shape 1. An upgrade may meet an item that is partly new already, because single attributes are written too, and then
leaves alone what is."""


def to_item(record: StoredModel, **more: str) -> Item:
    """A record's fields as attributes, its shape, and `more` attributes.

    Left out are fields without a value, and those that are empty as they are by default.
    """
    return part_to_item(record, type(record), **more)


def part_to_item(record: StoredModel, part: type[BaseModel], **more: str) -> Item:
    """Like `to_item`, with those fields only that are also fields of `part`."""
    return {**_plain(record, part), "schema": len(UPGRADES.get(part, ())) + 1, **more}


def from_item(kind: type[AnyRecord], item: Item) -> AnyRecord:
    """The stored record, upgraded to the present schema."""
    return kind.model_validate(_present(kind, item))


def from_parts(kind: type[AnyRecord], parts: Mapping[type[BaseModel], Item]) -> AnyRecord:
    """The record of which each part was kept as an item of its own, in whatever shape."""
    fields: Item = {}
    for part, item in parts.items():
        fields |= _present(part, item)
    return kind.model_validate(fields)


def from_items(kind: type[AnyRecord], items: Iterable[Item]) -> list[AnyRecord]:
    """Stored records, each upgraded to the present schema."""
    return _many(kind).validate_python([_present(kind, item) for item in items])


@cache
def _many(kind: type[AnyRecord]) -> TypeAdapter[list[AnyRecord]]:
    return TypeAdapter(list[kind])  # type: ignore[valid-type]


def _present(kind: type[BaseModel], item: Item) -> Item:
    """The item in its kind's present shape, with what is kept as text read."""
    if upgrades := UPGRADES.get(kind):
        for upgrade in upgrades[int(item.get("schema", 1)) - 1 :]:
            item = upgrade(item)
    for name in _AS_TEXT:
        if name in item:
            item = {**item, name: json.loads(item[name])}
    return item


def _plain(record: BaseModel, kind: type[BaseModel]) -> Item:
    # Not model_dump: that leaves out what callers never see, and turns exact amounts into floats.
    fields = ((name, getattr(record, name), default) for name, default in _defaults(kind).items())
    return {name: _attribute(name, value) for name, value, default in fields if not _is_left_out(value, default)}


@cache
def _defaults(kind: type[BaseModel]) -> dict[str, Any]:
    """Each field's default. Kept, because pydantic reads the signature of a `default_factory` whenever it is asked."""
    return {name: field.get_default(call_default_factory=True) for name, field in kind.model_fields.items()}


def _is_left_out(value: Any, default: Any) -> bool:
    # Nothing, and what is empty by default: a text, a list, a count of none.
    return value is None or (not value and value == default)


def _attribute(name: str, value: Any) -> Any:
    if name in _AS_TEXT:
        return as_json(value)
    match value:
        case BaseModel():
            # Its changes are those of the record that it is a part of.
            return {name: each for name, each in _plain(value, type(value)).items() if name != "version"}
        case datetime():
            return format_timestamp(value)
        case list():
            return [_attribute("", each) for each in value]
        case _:
            return value
