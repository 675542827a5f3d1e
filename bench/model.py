"""A model of DynamoDB for the real stores: latencies, transaction conflicts and the limits of a partition.

It stands where our client would send bytes, so that the client's own attempts and pauses and the stores' retries all
happen, in virtual time. Data and conditions are moto's. What the model adds, by the developer guide:

- *Transaction conflict handling*: a transaction that touches an item which another one is writing is cancelled at
  once, with `TransactionConflict` for that item; a single write gets `TransactionConflictException`. Nobody queues.
- *Partitions*: 1,000 write and 3,000 read units a second. An item collection with local indexes is never split, so an
  account's clients, campaigns and counters share one partition, entries in local indexes included. Its tasks share one
  partition of each global index, whose new entries all come at its end; the table's writes wait for the index.

Assumed, as AWS publishes no such numbers: `LATENCY`, and that a transaction holds its items from when it arrives until
it is answered. A partition may use later what it did not use, the guide says of 300 seconds, at times less. Here it is
of ten, and of one at the start, as what is asked is what can be done for hours. Nor does AWS say whether a cancelled
transaction is charged; here each of its items takes as much as the smallest write.
"""

import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Final
from unittest import mock

from atelier import wiring
from atelier.store.dynamodb.client import DynamoDB
from atelier.store.dynamodb.connections import Connections, Reply
from atelier.store.dynamodb.credentials import Keys
from atelier.store.table import Retry, Table
from bench.calls import Call, carried_out, place, places_written, writes_of
from bench.emulated import Place, kept, orderly_harness
from bench.latency import LATENCY
from bench.units import Index, indexes
from bench.virtual_time import VirtualTime
from testbed.harness import TABLE, Harness
from testbed.template import template

QUERY_MS_PER_MB: Final = 40.0
READ_UNITS: Final = 3000.0
WRITE_UNITS: Final = 1000.0
BURST_SECONDS: Final = 10.0


READS: Final = ("GetItem", "BatchGetItem", "Query")

Partition = tuple[str, str]
"""The table's (with its local indexes: "") or a global index's name, and a partition key."""


@dataclass
class Bucket:
    """The units that a partition has left. It may go below zero: a request is admitted while any are left."""

    rate: float
    since: float
    level: float

    def has_any(self, now: float) -> bool:
        """Whether a request is let in."""
        self.level = min(self.rate * BURST_SECONDS, self.level + (now - self.since) * self.rate)
        self.since = now
        return self.level > 0


@dataclass(frozen=True)
class Request:
    """One request, as our client sends it, and moto's answer to its body."""

    operation: str
    asked: Any
    ask: Callable[[bytes], Reply]

    def carry_out(self) -> tuple[Reply, Call]:
        """moto's answer, and what it took."""
        return carried_out(self.operation, json.dumps(self.asked).encode(), self.ask)


@dataclass
class Model:
    """A model of DynamoDB as our client sees it. `met` counts the outcomes of requests.

    A partition begins with what it takes in `saved_seconds`.
    """

    time: VirtualTime
    chance: random.Random
    conflict_units: int = 1
    saved_seconds: float = 1.0
    met: Counter[str] = field(default_factory=Counter)
    _held: set[Place] = field(default_factory=set)
    _buckets: dict[tuple[str, Partition], Bucket] = field(default_factory=dict)

    def read(self, request: Request) -> tuple[float, Reply]:
        """How long the answer to a read takes, and the answer."""
        buckets = self._buckets_of("read", partitions_read(request))
        if not all(each.has_any(self.time.now) for each in buckets):
            return self._refused("reads throttled"), throttled(request)
        reply, call = request.carry_out()
        for each in buckets:
            each.level -= call.read_units / len(buckets)
        took = LATENCY[request.operation].draw(self.chance)
        return took + QUERY_MS_PER_MB / 1000 * sum(call.read.values()) / 2**20, reply

    def write(self, request: Request) -> Reply:
        """Carry out a single write, or a transaction, which holds its items until it is answered."""
        places = places_written(request.operation, request.asked)
        if self._held & set(places):
            for pk, _ in places:
                self._bucket("write", ("", pk)).level -= 2 * self.conflict_units
            self.time.sleep(self._refused("conflicts"))
            return conflict(request, [each in self._held for each in places])
        if not all(each.has_any(self.time.now) for each in self._buckets_of("write", partitions_written(request))):
            self.time.sleep(self._refused("writes throttled"))
            return throttled(request)
        if request.operation != "TransactWriteItems":
            reply = self._written(request)
            self.time.sleep(LATENCY[request.operation].draw(self.chance))
            return reply
        self._held |= set(places)
        self.time.sleep(LATENCY[request.operation].draw(self.chance))
        self._held -= set(places)
        return self._written(request)

    def _written(self, request: Request) -> Reply:
        reply, call = request.carry_out()
        for partition, units in units_written(call).items():
            self._bucket("write", partition).level -= units
        return reply

    def _refused(self, why: str) -> float:
        self.met[why] += 1
        return LATENCY["refused"].draw(self.chance)

    def _buckets_of(self, kind: str, partitions: Iterable[Partition]) -> list[Bucket]:
        return [self._bucket(kind, each) for each in sorted(set(partitions))]

    def _bucket(self, kind: str, partition: Partition) -> Bucket:
        rate = READ_UNITS if kind == "read" else WRITE_UNITS
        return self._buckets.setdefault(
            (kind, partition), Bucket(rate, since=self.time.now, level=rate * self.saved_seconds)
        )


class InFlight:
    """A request on its way. A read is answered as of when it was sent; a write happens when its answer is awaited."""

    def __init__(self, model: Model, request: Request) -> None:
        self._model, self._request = model, request
        self._sent_at = model.time.now
        self._read = model.read(request) if request.operation in READS else None

    def receive(self) -> Reply:
        """The answer, when it is there."""
        if self._read is None:
            return self._model.write(self._request)
        took, reply = self._read
        self._model.time.sleep(max(0.0, self._sent_at + took - self._model.time.now))
        return reply

    def drop(self) -> None:
        """Discard the answer."""


# ------------------------------------------------------------------------------------------------------- partitions


def partitions_read(request: Request) -> list[Partition]:
    """The partitions that a read asks."""
    asked = request.asked
    match request.operation:
        case "Query":
            index = asked.get("IndexName", "")
            (key,) = asked["ExpressionAttributeValues"][":v0"].values()  # our conditions begin with the partition key
            return [(index if index in _global_indexes() else "", key)]
        case "BatchGetItem":
            return [("", key["PK"]["S"]) for key in asked["RequestItems"][TABLE]["Keys"]]
        case _:
            return [("", asked["Key"]["PK"]["S"])]


def partitions_written(request: Request) -> list[Partition]:
    """The partitions that writes wait for: the table's, and those of the global indexes in which their items stand."""
    found = []
    for write in writes_of(request.asked):
        item = write.get("Item") or kept(place(write["Key"])) or write["Key"]
        found.append(("", place(item)[0]))
        found += [(name, item[index.keys[0]]["S"]) for name, index in _global_indexes().items() if index.entry(item)]
    return found


def units_written(call: Call) -> Mapping[Partition, float]:
    """What a write took of each partition, local indexes with the table."""
    units: Counter[Partition] = Counter()
    for (pk, _), in_table in call.written.items():
        units["", pk] += in_table
    for before, after in call.changes:
        for name, index in indexes().items():
            entry = index.entry(after) or index.entry(before)
            if entry is not None:
                units[name if name in _global_indexes() else "", entry[index.keys[0]]["S"]] += index.write_units(
                    before, after
                )
    return units


@cache
def _global_indexes() -> Mapping[str, Index]:
    described = template()["Resources"]["Table"]["Properties"]["GlobalSecondaryIndexes"]
    return {each["IndexName"]: indexes()[each["IndexName"]] for each in described}


# ---------------------------------------------------------------------------------------------------------- refusals


def conflict(request: Request, met: Sequence[bool]) -> Reply:
    """What DynamoDB answers when items of a write are being written by a transaction."""
    if request.operation != "TransactWriteItems":
        return _error("TransactionConflictException")
    return _canceled("TransactionConflict" if each else "None" for each in met)


def throttled(request: Request) -> Reply:
    """What DynamoDB answers when a partition has nothing left."""
    if request.operation != "TransactWriteItems":
        return _error("ThrottlingException")
    return _canceled("ThrottlingError" for _ in writes_of(request.asked))


def _canceled(codes: Iterable[str]) -> Reply:
    return _error("TransactionCanceledException", CancellationReasons=[{"Code": code} for code in codes])


def _error(code: str, **more: Any) -> Reply:
    body = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code, **more}
    return Reply(400, {}, json.dumps(body).encode())


# ------------------------------------------------------------------------------------------------------ simulations


@contextmanager
def modelled(seed: int = 1, retry: Retry | None = None) -> Iterator[tuple[Harness, Model]]:
    """A harness whose stores meet the model. What is done outside its virtual time is done without it."""
    chance = random.Random(seed)  # noqa: S311 - a simulation
    model = Model(VirtualTime(), chance)
    with orderly_harness() as made, ExitStack() as stack:
        usual: Any = Connections.send

        def send(connections: Connections, headers: Mapping[str, str], body: bytes) -> Any:
            if not model.time.is_running:
                return usual(connections, headers, body)
            operation = headers["x-amz-target"].rpartition(".")[2]
            return InFlight(
                model, Request(operation, json.loads(body), lambda text: usual(connections, headers, text).receive())
            )

        patience = replace(retry or Retry(), sleep=model.time.sleep, chance=chance.random)
        keys = Keys("test", "test")
        client = DynamoDB(
            "https://dynamodb.us-east-1.amazonaws.com",
            region="us-east-1",
            credentials=lambda: keys,
            sleep=model.time.sleep,
        )
        stack.enter_context(mock.patch.object(Connections, "send", send))
        stack.enter_context(mock.patch("atelier.store.dynamodb.client.random", chance))
        stack.enter_context(mock.patch.object(wiring, "table", return_value=Table(client, TABLE, retry=patience)))
        yield made, model
