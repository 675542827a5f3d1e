"""What passes between our client and DynamoDB: every call with its bytes, the items it is about, and its units.

Calls are heard where the client puts them on the wire. Units are computed from the items as they are before and after
(bench/units.py). Simplified, and so said here:
- An answer's bytes are moto's answer, written as compactly as DynamoDB writes.
- A call that is sent before the answer to the one before it is read is on its way at the same time: no round trip more.
- A write that is refused is charged like one that changes nothing.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple
from unittest import mock

from atelier.store.dynamodb.connections import Connections, Reply
from bench.emulated import Place, kept
from bench.units import Item, indexes, item_size, read_units, write_units
from testbed.harness import TABLE

Aside = Callable[[], AbstractContextManager[object]]
Ask = Callable[[Item], Any]

WRITES: Final = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")


@dataclass(frozen=True)
class Call:
    """One call of DynamoDB. `asked` and `answered` are the bytes of both bodies.

    `read` are the items that were looked at and their bytes: those of their entries in an index; 0 for one that is not
    there. `written` are those of a write, with the units that each takes in the table; `index_units` are what they take
    in indexes. `changes` are these items before and after.
    """

    operation: str
    asked: int
    answered: int
    read: Mapping[Place, int]
    read_units: float
    written: Mapping[Place, int]
    index_units: int
    is_round_trip: bool = True
    changes: Sequence[tuple[Item | None, Item | None]] = ()

    @property
    def write_units(self) -> int:
        """All of them."""
        return sum(self.written.values()) + self.index_units


class Usage(NamedTuple):
    """What some calls take together."""

    calls: float
    round_trips: float
    items_read: float
    items_written: float
    read_units: float
    write_units: float
    asked: float
    answered: float
    bytes_read: float

    def beyond(self, other: "Usage", *, shared_by: int = 1) -> "Usage":
        """What it takes more than the other; the share of each, if there are several."""
        return Usage(*((mine - theirs) / shared_by for mine, theirs in zip(self, other, strict=True)))


def usage(calls: Iterable[Call]) -> Usage:
    """The sum of the calls."""
    each = [
        (
            1,
            call.is_round_trip,
            len(call.read),
            len(call.written),
            call.read_units,
            call.write_units,
            call.asked,
            call.answered,
            sum(call.read.values()),
        )
        for call in calls
    ]
    return Usage(*map(sum, zip(*each, strict=True))) if each else Usage(*[0] * len(Usage._fields))


@contextmanager
def heard(hear: Callable[[Call], object], *, aside: Aside = nullcontext) -> Iterator[None]:
    """Call `hear` for every call of DynamoDB. All that the emulator and we do about one happens within `aside`."""
    usual: Any = Connections.send
    rounds = _Rounds()

    def send(connections: Connections, headers: Mapping[str, str], body: bytes) -> _Sent:
        with aside():
            number, is_first = rounds.sent()
            operation = headers["x-amz-target"].rpartition(".")[2]
            reply, call = carried_out(operation, body, lambda text: usual(connections, headers, text).receive())
            hear(replace(call, is_round_trip=is_first))
        return _Sent(reply, lambda: rounds.heard(number))

    with mock.patch.object(Connections, "send", send):
        yield


def carried_out(operation: str, body: bytes, send: Callable[[bytes], Reply]) -> tuple[Reply, Call]:
    """Have the emulator answer a request; the answer, and what it took."""
    asked, twice = json.loads(body), operation == "TransactWriteItems"
    places = places_written(operation, asked)
    before = [kept(where) for where in places]
    reply = send(body)
    said = json.loads(reply.body)
    changes = [(old, kept(where)) for where, old in zip(places, before, strict=True)]
    in_table = [write_units(*each, transactional=twice) for each in changes]
    read, units = _read(operation, asked, said, lambda another: json.loads(send(json.dumps(another).encode()).body))
    return reply, Call(
        operation=operation,
        asked=len(body),
        answered=_compact(said),
        read=read,
        read_units=units,
        written=dict(zip(places, in_table, strict=True)),
        index_units=sum(index.write_units(*each) for index in indexes().values() for each in changes),
        changes=changes,
    )


class _Rounds:
    """Round trips, numbered: a call belongs to the one after the last whose answer was read before it was sent."""

    def __init__(self) -> None:
        self._answered = self._latest = 0

    def sent(self) -> tuple[int, bool]:
        """The number of a call that is sent now, and whether it is the first with that."""
        number = self._answered + 1
        is_first, self._latest = number > self._latest, number
        return number, is_first

    def heard(self, number: int) -> None:
        """Note that the answer to this call was read."""
        self._answered = max(self._answered, number)


@dataclass(frozen=True)
class _Sent:
    """A call that is on its way, as far as the client knows."""

    reply: Reply
    heard: Callable[[], None]

    def receive(self) -> Reply:
        """The answer."""
        self.heard()
        return self.reply

    def drop(self) -> None:
        """Discard the answer."""


def places_written(operation: str, asked: Any) -> list[Place]:
    """The items that a request writes, or whose conditions it checks."""
    if operation not in WRITES:
        return []
    return [place(write.get("Key") or write["Item"]) for write in writes_of(asked)]


def writes_of(asked: Any) -> list[Any]:
    """The single writes of a request."""
    several = asked.get("TransactItems") or asked.get("RequestItems", {}).get(TABLE, [])
    return [next(iter(each.values())) for each in several] or [asked]


def place(item: Item) -> Place:
    """Where an item is, by its key."""
    return item["PK"]["S"], item["SK"]["S"]


def _read(operation: str, asked: Any, said: Any, ask: Ask) -> tuple[dict[Place, int], float]:
    match operation:
        case "GetItem":
            return _got([asked["Key"]], consistent=asked.get("ConsistentRead", False))
        case "BatchGetItem":
            wanted = asked["RequestItems"][TABLE]
            return _got(wanted["Keys"], consistent=wanted.get("ConsistentRead", False))
        case "Query":
            looked_at = ask(_whole(asked)) if {"FilterExpression", "ProjectionExpression"} & set(asked) else said
            sizes = {place(item): item_size(item) for item in looked_at["Items"]}
            return sizes, read_units(sum(sizes.values()), consistent=asked.get("ConsistentRead", False))
        case _ if operation in WRITES:
            return {}, 0
    raise ValueError(f"Nothing is known of what {operation} costs.")


def _got(keys: Sequence[Item], *, consistent: bool) -> tuple[dict[Place, int], float]:
    sizes = {where: item_size(kept(where)) for where in map(place, keys)}
    return sizes, sum(read_units(size, consistent=consistent) for size in sizes.values())


def _whole(query: Mapping[str, Any]) -> dict[str, Any]:
    """The query without what makes it show less than it reads."""
    whole = {name: value for name, value in query.items() if name not in ("FilterExpression", "ProjectionExpression")}
    spoken_of = set(re.findall(r"[#:]\w+", query["KeyConditionExpression"]))
    for kind in ("ExpressionAttributeNames", "ExpressionAttributeValues"):
        whole[kind] = {name: value for name, value in query.get(kind, {}).items() if name in spoken_of}
    return {name: value for name, value in whole.items() if value != {}}


def _compact(said: Mapping[str, Any]) -> int:
    said = {name: value for name, value in said.items() if name != "ConsumedCapacity"}  # DynamoDB only tells if asked
    return len(json.dumps(said, separators=(",", ":"), ensure_ascii=False).encode())
