"""Which DynamoDB the tests run on: moto, inside this process, or dynoxide, a server (`--dynamodb=dynoxide`).

Both get the template's table. What differs between them for a test is here, and nowhere else.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Protocol
from unittest import mock

import boto3
from botocore.awsrequest import AWSPreparedRequest
from botocore.compat import HTTPHeaders
from botocore.config import Config
from moto.core.models import DEFAULT_ACCOUNT_ID, botocore_stubber
from moto.dynamodb.models import dynamodb_backends

from atelier.store.dynamodb.connections import Connections, Reply
from testbed import dynoxide
from testbed.moto_rollback import exact_rollback
from testbed.moto_shortcuts import shortcuts
from testbed.template import create_table

LARGEST_READ: Final = 1000
"""Records of a stream in one answer."""
_UNCHECKED: Final = Config(parameter_validation=False)
"""dynoxide's shard ids are shorter than AWS's, which botocore's validation would refuse."""


class Engine(Protocol):
    """A DynamoDB for tests."""

    def opened(self) -> AbstractContextManager[object]:
        """One without tables, which all clients find within this context."""

    def snapshot(self, client: Any, stream: "Stream") -> Callable[[], object]:
        """What brings the stream's table back to how it is now, with the records that were not read yet."""


class Moto:
    """moto, between botocore and the network, within `mock_aws`."""

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Have moto answer our own client as well. Clients are kept for the next one: it takes long to make them."""
        with (
            mock.patch.object(Connections, "send", _to_moto),
            mock.patch.object(boto3, "client", _client),
            exact_rollback(),
            shortcuts(),
        ):
            yield

    def snapshot(self, client: Any, stream: "Stream") -> Callable[[], object]:
        """What gives the table the items of now, and its stream the end of now."""
        table = kept_tables()[stream.table]
        items, records, position = deepcopy(table.items), len(table.stream_shard.items), stream.position

        def restore() -> None:
            table.items = deepcopy(items)
            del table.stream_shard.items[records:]
            stream.position = position

        return restore


_client: Final[Any] = cache(boto3.client)


class Dynoxide:
    """dynoxide, a process of its own each time. All requests reach it over HTTP."""

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Start one, and name it to clients in the environment."""
        with dynoxide.running() as url:
            named = {"AWS_ENDPOINT_URL_DYNAMODB": url, "AWS_ENDPOINT_URL_DYNAMODB_STREAMS": url}
            with mock.patch.dict("os.environ", named):
                yield

    def snapshot(self, client: Any, stream: "Stream") -> Callable[[], object]:
        """What creates the table again with the items of now."""
        pages = client.get_paginator("scan").paginate(TableName=stream.table, ConsistentRead=True)
        items = [item for page in pages for item in page["Items"]]
        unread = stream.unread = stream.read()

        def restore() -> None:
            client.delete_table(TableName=stream.table)
            create_table(client, stream.table)
            for item in items:
                client.put_item(TableName=stream.table, Item=item)
            # To dynoxide a table's stream goes on when another table gets its name. The puts are not changes.
            stream.read()
            stream.unread = deepcopy(unread)

        return restore


class Stream:
    """A table's changes, in their order."""

    def __init__(self, table: str) -> None:
        self.table = table
        self.position: str | None = None
        self.unread: list[dict[str, Any]] = []
        self._client = boto3.client("dynamodbstreams", config=_UNCHECKED)

    def read(self) -> list[dict[str, Any]]:
        """The records since the last call."""
        records, self.unread = self.unread, []
        if self.position is None:
            self.position = self._beginning()
        while True:
            got = self._client.get_records(ShardIterator=self.position)
            self.position = got["NextShardIterator"]
            records += got["Records"]
            if len(got["Records"]) < LARGEST_READ:
                return records

    def _beginning(self) -> str:
        arn = boto3.client("dynamodb").describe_table(TableName=self.table)["Table"]["LatestStreamArn"]
        shard = self._client.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
        where: Any = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        return str(self._client.get_shard_iterator(**where)["ShardIterator"])


@dataclass
class _Chosen:
    engine: Engine


_chosen: Final = _Chosen(Moto())


def current() -> Engine:
    """The engine of this run."""
    return _chosen.engine


def choose(engine: Engine) -> None:
    """Have all later tests run on this engine."""
    _chosen.engine = engine


def kept_tables() -> dict[str, Any]:
    """The tables within moto."""
    tables: dict[str, Any] = dynamodb_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].tables
    return tables


@dataclass
class _Answered:
    """A request that was answered at once."""

    reply: Reply

    def receive(self) -> Reply:
        """The answer."""
        return self.reply

    def drop(self) -> None:
        """Discard the answer."""


def _to_moto(_: Connections, headers: dict[str, str], body: bytes) -> _Answered:
    """Have moto answer. It knows how to get between botocore and the network, and not where our client speaks."""
    operation = headers["x-amz-target"].rpartition(".")[2]
    request = AWSPreparedRequest("POST", f"https://{headers['host']}/", HTTPHeaders(), body, stream_output=False)
    for name, value in headers.items():
        request.headers[name] = value
    answer = botocore_stubber(f"before-send.dynamodb.{operation}", request)
    assert answer is not None, "moto does not answer"
    lower = {name.lower(): value for name, value in answer.headers.items()}
    return _Answered(Reply(answer.status_code, lower, answer.content))
