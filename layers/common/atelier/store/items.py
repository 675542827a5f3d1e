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
UPGRADES: Final[Mapping[type[StoredModel], tuple[Upgrade, ...]]] = {}
"""For each kind of record, the step from each shape to the next; the first is shape 1. An upgrade may meet an item that
is partly new already, because single attributes are written too, and then leaves alone what is."""


def to_item(record: StoredModel, **more: str) -> Item:
    """All of a record's fields as attributes, those without a value left out, its shape, and `more` attributes."""
    return {**_plain(record), "schema": len(UPGRADES.get(type(record), ())) + 1, **more}


def from_item(kind: type[AnyRecord], item: Item) -> AnyRecord:
    """The stored record, upgraded to the present schema."""
    return kind.model_validate(_present(kind, item))


def from_items(kind: type[AnyRecord], items: Iterable[Item]) -> list[AnyRecord]:
    """Stored records, each upgraded to the present schema."""
    return _many(kind).validate_python([_present(kind, item) for item in items])


@cache
def _many(kind: type[AnyRecord]) -> TypeAdapter[list[AnyRecord]]:
    return TypeAdapter(list[kind])  # type: ignore[valid-type]


def _present(kind: type[StoredModel], item: Item) -> Item:
    """The item in its kind's present shape, with what is kept as text read."""
    if upgrades := UPGRADES.get(kind):
        for upgrade in upgrades[int(item.get("schema", 1)) - 1 :]:
            item = upgrade(item)
    for name in _AS_TEXT:
        if name in item:
            item = {**item, name: json.loads(item[name])}
    return item


def _plain(record: BaseModel) -> Item:
    # Not model_dump: that leaves out what callers never see, and turns exact amounts into floats.
    fields = ((name, getattr(record, name)) for name in type(record).model_fields)
    return {name: _attribute(name, value) for name, value in fields if value is not None}


def _attribute(name: str, value: Any) -> Any:
    if name in _AS_TEXT:
        return as_json(value)
    match value:
        case BaseModel():
            return _plain(value)
        case datetime():
            return format_timestamp(value)
        case list():
            return [_attribute("", each) for each in value]
        case _:
            return value
