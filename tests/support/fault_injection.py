"""The table behind bad weather: harnesses whose DynamoDB fails, lags and loses answers when the test says so.

Everything passes through one `FaultyDynamoDB`, which asks its `trouble` before and after each call.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any, Final
from unittest import mock

import boto3
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from atelier import wiring
from atelier.store.table import Retry, Table
from testbed import engines
from testbed.harness import BUCKET, TABLE, Harness, HeldQueue, harness
from testbed.lambda_events import sqs_record
from testbed.template import create_table

Request = dict[str, Any]

WRITES: Final = {"put_item", "update_item", "delete_item", "transact_write_items"}
READS: Final = {"get_item", "batch_get_item", "query"}
FILE_WRITES: Final = {"put_object", "copy_object", "delete_object"}
VISIBILITY: Final = 360
"""Seconds after which a queue brings back a message that was not handled."""


class Trouble:
    """What may go wrong with a call: nothing, in this one."""

    def before(self, call: str, request: Request) -> Request:
        """Called before the call takes effect; what it raises prevents it, what it returns is sent instead."""
        return request

    def after(self, call: str, request: Request) -> None:
        """Called after the call took effect; what it raises is heard instead of the answer."""


class FaultyDynamoDB:
    """A DynamoDB client with trouble. It remembers client request tokens, which moto does not."""

    def __init__(self, real: Any) -> None:
        self.trouble = Trouble()
        self._real = real
        self._answers: dict[str, Any] = {}

    def __getattr__(self, call: str) -> Any:
        return partial(self._call, call) if call in WRITES | READS else getattr(self._real, call)

    def _call(self, call: str, **request: Any) -> Any:
        asked = self.trouble.before(call, request)
        answer = self.really(call, asked)
        self.trouble.after(call, asked)
        return answer

    def really(self, call: str, request: Request) -> Any:
        """The call without trouble; a transaction that was carried out before is answered again."""
        token = request.get("ClientRequestToken")
        if token in self._answers:
            return self._answers[token]
        answer = getattr(self._real, call)(**request)
        if token is not None:
            self._answers[token] = answer
        return answer


class FaultyS3:
    """A client of S3 whose writes have the trouble of the table's."""

    def __init__(self, real: Any, table: FaultyDynamoDB) -> None:
        self._real = real
        self._table = table

    def __getattr__(self, call: str) -> Any:
        return partial(self._call, call) if call in FILE_WRITES else getattr(self._real, call)

    def _call(self, call: str, **request: Any) -> Any:
        trouble = self._table.trouble
        answer = getattr(self._real, call)(**trouble.before(call, request))
        trouble.after(call, request)
        return answer


@contextmanager
def faulty_harness(*, files: bool = False) -> Iterator[tuple[Harness, FaultyDynamoDB]]:
    """A harness, and what stands between it and its table, and its bucket with `files`. Retries do not wait."""
    with harness() as made, ExitStack() as patches:
        client = FaultyDynamoDB(made.dynamodb)
        table = Table(client, TABLE, retry=Retry(attempts=6, sleep=lambda _: None))
        patches.enter_context(mock.patch.object(wiring, "table", return_value=table))
        if files:
            bucket = FaultyS3(boto3.client("s3"), client)
            patches.enter_context(mock.patch.object(wiring, "_s3", return_value=bucket))
        yield made, client


# ---------------------------------------------------------------------------------------------------------- trouble


class Crashed(BaseException):
    """The process is no more. Not an Exception: nobody in it can do anything about it."""


@dataclass
class CrashAt(Trouble):
    """The process dies at its n-th write, before that takes effect or after it; once."""

    number: int
    effect: bool
    writes: int = 0

    @property
    def happened(self) -> bool:
        """Whether there were that many writes."""
        return self.writes >= self.number

    def before(self, call: str, request: Request) -> Request:
        if call in WRITES | FILE_WRITES:
            self.writes += 1
            self._crash_if(not self.effect)
        return request

    def after(self, call: str, request: Request) -> None:
        if call in WRITES | FILE_WRITES:
            self._crash_if(self.effect)

    def _crash_if(self, now: bool) -> None:
        if now and self.writes == self.number:
            raise Crashed


@dataclass
class RandomFaults(Trouble):
    """Some calls fail, some of those after they took effect. `suffered` counts what happened."""

    chance: Random
    rate: float
    suffered: Counter[str] = field(default_factory=Counter)

    def before(self, call: str, request: Request) -> Request:
        if self.chance.random() < self.rate:
            kinds = ("conflict", "throttled", "broken", "unreachable")
            kind = self.chance.choice(kinds if call in WRITES else kinds[1:])
            self.suffered[kind] += 1
            raise error_of(kind, call, request)
        return request

    def after(self, call: str, request: Request) -> None:
        if call in WRITES and self.chance.random() < self.rate * 0.75:
            self.suffered["unheard"] += 1
            raise error_of("unheard", call, request)


@dataclass
class Always(Trouble):
    """Every call in `calls` fails in the same way."""

    kind: str
    calls: frozenset[str]

    def before(self, call: str, request: Request) -> Request:
        if call in self.calls:
            raise error_of(self.kind, call, request)
        return request


class Meanwhile(Trouble):
    """Somebody else is faster: between what one has read and its `number`-th `call`, something `happens`; once."""

    def __init__(
        self,
        client: FaultyDynamoDB,
        happens: Callable[[], object],
        *,
        call: str = "transact_write_items",
        number: int = 1,
    ) -> None:
        self.left = number
        self._client = client
        self._usual = client.trouble
        self._happens = happens
        self._call = call

    def before(self, call: str, request: Request) -> Request:
        self.left -= call == self._call
        if self.left == 0:
            self._client.trouble = self._usual
            self._happens()
        return self._usual.before(call, request)

    def after(self, call: str, request: Request) -> None:
        self._usual.after(call, request)


@contextmanager
def meanwhile(client: FaultyDynamoDB, happens: Callable[[], object], **when: Any) -> Iterator[None]:
    """See `Meanwhile`; fails when it was never the moment."""
    client.trouble = trouble = Meanwhile(client, happens, **when)
    yield
    assert trouble.left == 0, "there was no such call"


@dataclass
class Resent(Trouble):
    """The first answer to each write is lost; botocore, none the wiser, sends the same request again."""

    client: FaultyDynamoDB

    def before(self, call: str, request: Request) -> Request:
        if call in WRITES:
            self.client.really(call, request)
        return request


def error_of(kind: str, call: str, request: Request) -> Exception:
    """What botocore raises when it has given up on a call."""
    name = "".join(word.title() for word in call.split("_"))
    match kind:
        case "conflict" if call == "transact_write_items":
            reasons = [{"Code": "None"} for _ in request["TransactItems"]]
            reasons[-1] = {"Code": "TransactionConflict"}
            said: Any = {"Error": {"Code": "TransactionCanceledException"}, "CancellationReasons": reasons}
            return ClientError(said, name)
        case "conflict":
            return ClientError({"Error": {"Code": "TransactionConflictException", "Message": "ongoing"}}, name)
        case "throttled":
            return ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, name)
        case "broken":
            return ClientError({"Error": {"Code": "InternalServerError", "Message": "try again"}}, name)
        case "unheard":
            return ReadTimeoutError(endpoint_url="https://dynamodb")
        case _:
            return ConnectTimeoutError(endpoint_url="https://dynamodb")


# -------------------------------------------------------------------------------------------------------------- lag


class LateIndexes(Trouble):
    """Global indexes that follow the table `lag` seconds later, each as late as the test says.

    Every index is served from a replica of its own, to which each change of a task comes when it is old enough.
    """

    def __init__(self, made: Harness, client: FaultyDynamoDB, lag: Mapping[str, float]) -> None:
        self._harness = made
        self._client = client
        self._lag = {index: timedelta(seconds=seconds) for index, seconds in lag.items()}
        self._coming: dict[str, list[tuple[datetime, Request, Any]]] = {index: [] for index in lag}
        for index in lag:
            create_table(made.dynamodb, index)

    def before(self, call: str, request: Request) -> Request:
        index = request.get("IndexName", "")
        if call != "query" or index not in self._lag:
            return request
        self._catch_up(index)
        return {**request, "TableName": index}

    def after(self, call: str, request: Request) -> None:
        for key in _keys_written(call, request):
            if key["SK"] == {"S": "TASK"}:
                image = self._client.really("get_item", {"TableName": TABLE, "Key": key}).get("Item")
                for coming in self._coming.values():
                    coming.append((self._harness.now, key, image))

    def _catch_up(self, index: str) -> None:
        arrived = [change for change in self._coming[index] if change[0] + self._lag[index] <= self._harness.now]
        self._coming[index] = [change for change in self._coming[index] if change not in arrived]
        for _, key, image in arrived:
            if image is None:
                self._client.really("delete_item", {"TableName": index, "Key": key})
            else:
                self._client.really("put_item", {"TableName": index, "Item": image})


def _keys_written(call: str, request: Request) -> list[Request]:
    if call not in WRITES:
        return []
    writes = [next(iter(each.values())) for each in request.get("TransactItems", [])] or [request]
    places = [write.get("Key") or write["Item"] for write in writes]
    return [{"PK": place["PK"], "SK": place["SK"]} for place in places]


# -------------------------------------------------------------------------------------------- what comes once more


def settle_stubbornly(
    made: Harness, *, generating: bool = True, visibility: int = VISIBILITY, rounds: int = 500
) -> None:
    """Like `Harness.settle`, with queues as they are: what was not handled comes again after a while."""
    for _ in range(rounds):
        made.relay()
        queues = {"worker": made.generation} if generating else {}
        queues |= {"cascade": made.cascade, "asset_worker": made.assets}
        if not any(deliver_first(made, name, queue, visibility=visibility) for name, queue in queues.items()):
            return
    raise AssertionError("Messages keep coming.")


def deliver_first(made: Harness, function: str, queue: HeldQueue, *, visibility: int) -> bool:
    """Deliver the oldest message of a queue, which takes it back when it is not handled; whether there was one."""
    if not queue.waiting:
        return False
    body, delay = queue.waiting.pop(0)
    made.pass_time(delay)
    if not handled(made, function, body):
        queue.waiting.append((body, visibility))
    return True


def handled(made: Harness, function: str, body: str) -> bool:
    """Whether the function got to the end with this message."""
    try:
        return not made.invoke(function, {"Records": [sqs_record(body)]})["batchItemFailures"]
    except Crashed:
        return False


# ------------------------------------------------------------------------------------------------- what is lost


@dataclass
class Losses:
    """Of all stream records and messages, in the order in which they come, those with these numbers are lost."""

    numbers: Container[int] = ()
    seen: int = 0
    but_for_the_sweep: bool = False  # everything is lost but what the sweep sends
    _sweeping: bool = False

    def happens(self) -> bool:
        """Whether the next one is lost."""
        self.seen += 1
        return not self._sweeping if self.but_for_the_sweep else self.seen in self.numbers

    @contextmanager
    def while_sweeping(self) -> Iterator[None]:
        """What is sent meanwhile comes from the sweep."""
        self._sweeping = True
        yield
        self._sweeping = False

    @contextmanager
    def among_messages(self) -> Iterator[None]:
        """Messages are lost when they are sent."""
        send = HeldQueue.send

        def sent(queue: HeldQueue, message: Any, **how: Any) -> None:
            if not self.happens():
                send(queue, message, **how)

        with mock.patch.object(HeldQueue, "send", sent):
            yield


def settle_by_sweep(made: Harness, losses: Losses | None = None, *, rounds: int = 500) -> None:
    """Let everything happen until no work is due any more. Whenever nothing waits, the sweep looks at what is due.

    Who is killed is brought back: messages by their queues, the sweep by its schedule.
    """
    lost = losses or Losses()
    queues = {
        "worker": made.generation,
        "cascade": made.cascade,
        "webhook_delivery": made.deliveries,
        "asset_worker": made.assets,
    }
    with lost.among_messages():
        for _ in range(rounds):
            if records := [record for record in made.changes() if not lost.happens()]:
                made.invoke("relay", {"Records": records})
            if any(deliver_first(made, name, queue, visibility=VISIBILITY) for name, queue in queues.items()):
                continue
            if (due := next_due(made)) is None:
                return
            made.now = max(made.now, due)
            with suppress(Crashed), lost.while_sweeping():
                made.sweep()
    raise AssertionError("It does not come to rest.")


def next_due(made: Harness) -> datetime | None:
    """When the sweep finds something next; None when no work is left to do."""
    moments = [item["due_at"]["S"] for item in _all_items(made) if "due_at" in item]
    return datetime.fromisoformat(min(moments)) if moments else None


def _all_items(made: Harness) -> Iterator[Request]:
    for page in made.dynamodb.get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True):
        yield from page["Items"]


# --------------------------------------------------------------------------------------------------------- snapshots


class Snapshot:
    """A harness's table, bucket, queues and time as they are, to come back to as often as a test likes."""

    def __init__(self, made: Harness) -> None:
        self._harness = made
        self._restore_table = engines.current().snapshot(made.dynamodb, made.stream)
        self._queues = [each for each in vars(made).values() if isinstance(each, HeldQueue)]
        self._rest = deepcopy((made.now, [queue.waiting for queue in self._queues]))
        self._s3 = boto3.client("s3")
        there = stored_files(self._s3)
        self._files = {key: self._s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in there}

    def again(self) -> None:
        """Make the harness what it was."""
        self._restore_table()
        self._harness.now, waiting = deepcopy(self._rest)
        for queue, messages in zip(self._queues, waiting, strict=True):
            queue.waiting = messages
        there = stored_files(self._s3)
        for key in there - self._files.keys():
            self._s3.delete_object(Bucket=BUCKET, Key=key)
        for key in self._files.keys() - there:
            self._s3.put_object(Bucket=BUCKET, Key=key, Body=self._files[key])


def stored_files(client: Any = None) -> set[str]:
    """The keys of all files in the bucket."""
    listed = (client or boto3.client("s3")).list_objects_v2(Bucket=BUCKET)
    return {file["Key"] for file in listed.get("Contents", [])}
