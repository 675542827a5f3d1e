"""Records as items and back. Free-form JSON of callers is kept as text: it comes back exactly as it was sent."""

import json
from datetime import datetime
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from atelier.domain.shapes import Record, format_moment
from atelier.domain.tasks import as_json
from atelier.store.wire import Item

AnyRecord = TypeVar("AnyRecord", bound=Record)

_AS_TEXT: Final = ("params", "metadata")


def to_item(record: Record, **more: str) -> Item:
    """All of a record's fields as attributes, those without a value left out, and `more` attributes."""
    return _plain(record) | more


def from_item(kind: type[AnyRecord], item: Item) -> AnyRecord:
    """The record that was kept."""
    texts = {name: json.loads(item[name]) for name in _AS_TEXT if name in item}
    return kind.model_validate(item | texts)


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
            return format_moment(value)
        case list():
            return [_attribute("", each) for each in value]
        case _:
            return value
