"""What we believe to be in an index, held against an emulator that knows nothing of ours."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from bench.units import indexes
from testbed.template import create_table


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_table(client, "units")
        yield client


def test_index_entries_are_those_an_emulator_keeps(dynamodb: Any) -> None:
    every_key = {key for index in indexes().values() for key in index.keys}
    names = every_key | {"PK", "SK", "id", "name", "goal", "status", "prompt", "effective_prompt", "updated_at"}
    item = {name: {"S": f"some {name}"} for name in names}
    dynamodb.put_item(TableName="units", Item=item)
    for name, index in indexes().items():
        (hash_key, _) = index.keys
        (entry,) = dynamodb.query(
            TableName="units",
            IndexName=name,
            KeyConditionExpression=f"{hash_key} = :value",
            ExpressionAttributeValues={":value": item[hash_key]},
        )["Items"]
        assert index.entry(item) == entry, name
