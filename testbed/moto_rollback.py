"""moto's transactions, with the writes of a refused one taken back item by item.

moto copies the whole table before each transaction, once per item, and puts the copy in the table's place when it
refuses: the time of every test grows with what it stored before, and an iterator of the stream still reads the table
that was replaced, with the changes that were taken back. Here the items that the transaction names are kept, and put
back into the same table, whose stream ends where it did.
"""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Final
from unittest import mock

from moto.dynamodb import models
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

_transact: Final = DynamoDBBackend.transact_write_items


@contextmanager
def exact_rollback() -> Iterator[None]:
    """Have moto keep, of what a transaction may change, that and nothing else."""
    copies = SimpleNamespace(deepcopy=lambda value: value if isinstance(value, Table) else copy.deepcopy(value))
    with (
        mock.patch.object(models, "copy", copies),
        mock.patch.object(DynamoDBBackend, "transact_write_items", _transact_or_roll_back),
    ):
        yield


def _transact_or_roll_back(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    roll_backs = [_roll_back(self.tables[op["TableName"]], op) for item in transact_items for op in item.values()]
    try:
        _transact(self, transact_items)
    except Exception:
        for roll_back in roll_backs:
            roll_back()
        raise


def _roll_back(table: Any, op: dict[str, Any]) -> Callable[[], None]:
    """What gives the table the item back that it has now under this operation's key, and its stream its end."""
    key = op.get("Key") or op["Item"]
    partition, sort = DynamoType(key[table.hash_key_attr]), DynamoType(key[table.range_key_attr])
    kept = copy.deepcopy(table.get_item(partition, sort))
    records = len(table.stream_shard.items)

    def roll_back() -> None:
        if kept is None:
            table.items[partition].pop(sort, None)
        else:
            table.items[partition][sort] = kept
        del table.stream_shard.items[records:]

    return roll_back
