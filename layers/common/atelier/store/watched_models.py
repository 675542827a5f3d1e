"""What providers published of their built-in models when these were last looked at: one item each."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from atelier.domain.model_lines import WatchedModel
from atelier.domain.schema import format_timestamp
from atelier.store import keys
from atelier.store.deadline import remaining
from atelier.store.table import Table, Write

AGAIN: Final = timedelta(hours=23)
"""How long what was seen is good for. It is looked for every hour, so each model's turn comes once a day."""
RESERVE: Final = 12.0
"""Seconds before the invocation's deadline from which on no further model is looked at."""


class WatchedModels:
    """See the module."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def due(self, names: Iterable[str], *, now: datetime) -> Iterator[tuple[str, WatchedModel | None]]:
        """Those of these models whose turn it is, with what is known of each, while there is time.

        A name is a provider and an id. New ones come first, then those that were seen longest ago.
        """
        items = self._table.iterate(keys.watched_models())
        known = {str(each["SK"]): WatchedModel.model_validate_json(each["seen"]) for each in items}
        before = format_timestamp(now - AGAIN)
        for seen_at, name in sorted((known[name].seen_at if name in known else "", name) for name in names):
            if seen_at <= before and remaining() > RESERVE:
                yield name, known.get(name)

    def schema(self, name: str, hash_: str) -> str | None:
        """The text of the schema that a model had; None if it is not kept."""
        item = self._table.get(keys.model_schema(name, hash_))
        return None if item is None else str(item["text"])

    def save(self, name: str, seen: WatchedModel, schema: tuple[str, str] | None) -> None:
        """Record what was seen of a model, with the hash and text of a schema that is not kept."""
        writes = [Write(keys.watched_model(name), put={"seen": seen.model_dump_json()})]
        if schema is not None:
            hash_, text = schema
            writes.append(Write(keys.model_schema(name, hash_), put={"text": text}))
        self._table.transact(*writes)
