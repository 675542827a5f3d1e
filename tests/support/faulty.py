"""The table behind bad weather: worlds whose DynamoDB fails, lags and loses answers when the test says so."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import boto3

from tests.support.world import TABLE, World, _passes_filters, world


@contextmanager
def exact_world() -> Iterator[World]:
    """A world whose stream is exact.

    moto puts a copy of the table in its place when it refuses a transaction. An iterator from before still reads the
    original, which has the changes that were taken back and will never have another one.
    """
    with mock.patch.object(World, "changes", _changes), world() as made:
        yield made


def _changes(self: World) -> list[dict[str, Any]]:
    streams: Any = boto3.client("dynamodbstreams")
    arn = self.dynamodb.describe_table(TableName=TABLE)["Table"]["LatestStreamArn"]
    shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
    begin = {"ShardIteratorType": "TRIM_HORIZON"}
    if self._shard is not None:
        begin = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": self._shard}
    iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, **begin)["ShardIterator"]
    records = streams.get_records(ShardIterator=iterator)["Records"]
    if records:
        self._shard = records[-1]["dynamodb"]["SequenceNumber"]
    return [record for record in records if _passes_filters(record)]
