"""The recount of `atelier.store.verify`, over a table that is read as a test may: by a scan, past every index."""

from collections.abc import Iterable, Iterator, Set
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from atelier.store.verify import Item, violations

__all__ = ["astray", "scan", "violations"]


def scan(client: Any, table: str) -> Iterator[Item]:
    """Every item of the table, as plain values."""
    plain = TypeDeserializer().deserialize
    for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for item in page["Items"]:
            yield {name: plain(value) for name, value in item.items()}


def astray(items: Iterable[Item], files: Set[str]) -> list[str]:
    """Where the bucket and a table at rest differ: files that no item names, and those named that are not there."""
    named, awaited = set[str](), set[str]()
    for item in items:
        if item["SK"].startswith("ASSET#"):
            named |= _keys_in(item) | _keys_in(item.get("normalized", {}))
            if item["status"] == "pending":
                awaited.add(f"uploads/{item['user_id']}/{item['id']}")
        elif item["SK"] == "TASK":
            named = named.union(*map(_keys_in, item.get("outputs", ())))
    left, lost = files - named - awaited, named - files
    return [*(f"no item names {key}." for key in sorted(left)), *(f"{key} is not there." for key in sorted(lost))]


def _keys_in(item: Item) -> set[str]:
    return {item[name] for name in ("key", "thumbnail_key") if name in item}
