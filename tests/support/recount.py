"""The recount of `atelier.store.verify`, over a table that is read as a test may: by a scan, past every index."""

from collections.abc import Iterator
from typing import Any

from boto3.dynamodb.types import TypeDeserializer

from atelier.store.verify import Item, violations

__all__ = ["scan", "violations"]


def scan(client: Any, table: str) -> Iterator[Item]:
    """Every item of the table, as plain values."""
    plain = TypeDeserializer().deserialize
    for page in client.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        for item in page["Items"]:
            yield {name: plain(value) for name, value in item.items()}
