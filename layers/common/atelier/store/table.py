"""The one place that talks to DynamoDB: items in and out, reads in parallel, and transactions that are retried.

A transaction is a list of writes, each with the error of its failed condition. DynamoDB reports by position which
conditions failed, and the first of them in the list is raised. Conflicts with other transactions and throttling are
retried with jitter and the same client token, so that a lost answer cannot turn one write into two.
"""

import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from functools import cache, partial, reduce
from http import HTTPStatus
from operator import and_
from typing import Any, Final, NoReturn, Protocol, TypeVar, cast

from botocore.exceptions import ChecksumError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as LostConnectionError

from atelier.domain.errors import BatchClash, Busy
from atelier.store.deadline import remaining
from atelier.store.expressions import Attr, Condition, Expressions
from atelier.store.keys import Key, Partition
from atelier.store.wire import Item, TypedItems, deserialized, serialized

R = TypeVar("R")

EXISTS: Final = Attr("PK").exists()
MISSING: Final = Attr("PK").not_exists()

_TRANSIENT: Final = {
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
    "ThrottlingError",
    "ThrottlingException",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
}


_SERVER_ERRORS: Final = {"InternalServerError", "InternalFailure", "InternalError", "ServiceUnavailable"}

ATTEMPT_SECONDS: Final = 0.1
"""The least time that an attempt gets: the outcome of one that the deadline ends is unknown."""

NO_ANSWER: Final = "The database did not answer, so it is unknown whether this was written."


class Database(Protocol):
    """The DynamoDB operations in use; boto3's client and `atelier.store.dynamodb` implement them."""

    def get_item(self, **request: Any) -> Any:
        """GetItem."""

    def batch_get_item(self, **request: Any) -> Any:
        """BatchGetItem."""

    def query(self, **request: Any) -> Any:
        """Query."""

    def put_item(self, **request: Any) -> Any:
        """PutItem."""

    def update_item(self, **request: Any) -> Any:
        """UpdateItem."""

    def delete_item(self, **request: Any) -> Any:
        """DeleteItem."""

    def batch_write_item(self, **request: Any) -> Any:
        """BatchWriteItem."""

    def transact_write_items(self, **request: Any) -> Any:
        """TransactWriteItems."""

    def close(self) -> None:
        """Close all connections."""


@dataclass(frozen=True)
class Retry:
    """Retries after conflicts and throttling: how often, and how long to wait.

    After attempt n it waits up to `base` * 2^n seconds, at most `cap`, all of it random; no longer than `budget` in
    all, and never past the invocation's deadline. The numbers are from simulations of DynamoDB's conflicts
    (bench/contention.py, bench/ceilings.py): of 400 writers of one item at once hardly any is refused.
    """

    attempts: int = 20
    base: float = 0.025
    cap: float = 1.2
    budget: float = 9.0
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random

    def rounds(self) -> Iterator[None]:
        """Yields once per attempt, with a pause in between."""
        spent = 0.0
        for attempt in range(self.attempts):
            yield
            pause = self.chance() * min(self.cap, self.base * 2**attempt)
            spent += pause
            if spent > self.budget or attempt + 1 == self.attempts or pause + ATTEMPT_SECONDS > remaining():
                return
            self.sleep(pause)


KEYS_PER_REQUEST: Final = 100
"""Keys that BatchGetItem takes at most."""
AT_ONCE: Final = 25
"""Queries that one request has in flight at most."""

ConditionFailure = Callable[[Item | None], Exception]


class ConcurrentUpdate(Exception):
    """Something changed between the read and the write; `Table.retry_on_conflict` reads again."""


def concurrent_update(_: Item | None) -> Exception:
    """The error of a write whose reader has to read again."""
    return ConcurrentUpdate()


class Quota(Protocol):
    """A condition on how much is left of something. Several changes that take of it have one condition, on the sum."""

    def plus(self, other: Any) -> "Quota":
        """This one and another one of the same, as one."""

    def tentatively(self) -> "Quota":
        """This one for a write that is not to be carried out: nothing has to be made ready for it."""

    def condition(self) -> Condition | None:
        """The condition."""

    def refusal(self, item: Item) -> Exception | None:
        """The error of an item that has too little left; None for one that has enough."""


@dataclass(frozen=True)
class Write:
    """A write. `on_condition_failure` makes an error of the item that failed the condition (None: no item).

    `quotas` are further conditions, by what they are on; their refusals come first. `on_conflict` is raised instead of
    Busy when conflicts on this item outlast the retries.
    """

    key: Key
    put: Item | None = None
    set: Mapping[str, Any] = field(default_factory=dict)
    add: Mapping[str, Any] = field(default_factory=dict)
    append: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    remove: Sequence[str] = ()
    discard: Mapping[str, Any] = field(default_factory=dict)
    delete: bool = False
    condition: Condition | None = None
    quotas: Mapping[str, Quota] = field(default_factory=dict)
    on_condition_failure: ConditionFailure | None = None
    on_conflict: Exception | None = None

    def request(self) -> tuple[str, dict[str, Any]]:
        """The write as DynamoDB's `Put`, `Update`, `Delete` or `ConditionCheck`, without the table's name."""
        built = Expressions()
        request: dict[str, Any] = {}
        if self.put is not None:
            kind, request["Item"] = "Put", serialized({**self.key.attributes(), **self.put})
        else:
            request["Key"] = serialized(self.key.attributes())
            change = built.update(
                put=self.set, add=self.add, append=self.append, remove=self.remove, discard=self.discard
            )
            kind = "Delete" if self.delete else "Update" if change else "ConditionCheck"
            if change:
                request["UpdateExpression"] = change
        condition = self.whole_condition()
        if condition is not None:
            request["ConditionExpression"] = condition.text(built)
            request["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
        return kind, {**request, **built.placeholders()}

    def whole_condition(self) -> Condition | None:
        """The condition, with those of the quotas."""
        every = [self.condition, *(quota.condition() for quota in self.quotas.values())]
        conditions = [each for each in every if each is not None]
        return reduce(and_, conditions) if conditions else None

    def refused(self, item: Item | None) -> Exception | None:
        """The error of the item that failed the condition; None where nobody expects it to."""
        for quota in self.quotas.values():
            if error := quota.refusal(item or {}):
                return error
        if self.on_condition_failure is not None:
            return self.on_condition_failure(item)
        return concurrent_update(item) if self.quotas else None

    def tentatively(self) -> "Write":
        """This write for a transaction that is not to be carried out."""
        return replace(self, quotas={name: quota.tentatively() for name, quota in self.quotas.items()})

    def with_(self, other: "Write") -> "Write":
        """This write and another one of the same item as one. Raises BatchClash for what is not to be added up."""
        sets = {**self.set, **other.set}
        whole = any(each.put is not None or each.delete or each.append for each in (self, other))
        if whole or any(sets[name] != value for name, value in self.set.items()):
            raise BatchClash("Another item of the batch changes the same.")
        conditions = [each for each in dict.fromkeys((self.condition, other.condition)) if each is not None]
        return Write(
            self.key,
            set=sets,
            add=_added(self.add, other.add),
            remove=tuple(dict.fromkeys((*self.remove, *other.remove))),
            discard={**self.discard, **other.discard},
            condition=reduce(and_, conditions) if conditions else None,
            quotas={
                **other.quotas,
                **{name: _both(quota, other.quotas.get(name)) for name, quota in self.quotas.items()},
            },
            on_condition_failure=self.on_condition_failure or other.on_condition_failure,
        )


def _added(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    both = {name: _sum(one[name], other[name]) for name in one.keys() & other.keys()}
    return {**one, **other, **both}


def _sum(one: Any, other: Any) -> Any:
    return one | other if isinstance(one, set) else one + other


def _both(quota: Quota, other: Quota | None) -> Quota:
    return quota if other is None else quota.plus(other)


@dataclass(frozen=True)
class Query:
    """A query of a partition, from behind `start`.

    `within` bounds the sort key, `keep` drops items after they were read, `only` names the attributes wanted.
    """

    partition: Partition
    forward: bool = True
    limit: int | None = None
    start: Item | None = None
    within: Condition | None = None
    keep: Condition | None = None
    only: Sequence[str] = ()

    def request(self, table: str) -> dict[str, Any]:
        """The query as DynamoDB's `Query`."""
        partition, built = self.partition, Expressions()
        where: Condition = Attr(partition.hash).eq(partition.value)
        if self.within is not None:
            where &= self.within
        elif partition.prefix:
            where &= Attr(partition.range).begins_with(partition.prefix)
        request: dict[str, Any] = {
            "TableName": table,
            "KeyConditionExpression": where.text(built),
            "ScanIndexForward": self.forward,
            "ConsistentRead": partition.consistent,
        }
        if partition.index:
            request["IndexName"] = partition.index
        if self.keep is not None:
            request["FilterExpression"] = self.keep.text(built)
        if self.only:
            request["ProjectionExpression"] = ", ".join(built.name(each) for each in self.only)
        if self.limit is not None:
            request["Limit"] = self.limit
        if self.start is not None:
            request["ExclusiveStartKey"] = serialized(self.start)
        return {**request, **built.placeholders()}


@dataclass(frozen=True)
class QueryPage:
    """One page of a query, and the start key of the next (None: no more)."""

    items: list[Item]
    next_start: Item | None


def _query_page(answer: Mapping[str, Any]) -> QueryPage:
    items, end = answer["Items"], answer.get("LastEvaluatedKey")
    # The reply may come again, and belongs to nobody: what is done to an item is done to a copy.
    plain = [{**item} for item in items.plain] if isinstance(items, TypedItems) else map(deserialized, items)
    return QueryPage(list(plain), deserialized(end) if end else None)


class Table:
    """The table: plain dicts, typed keys, failed conditions as exceptions."""

    def __init__(
        self,
        client: Database,
        name: str,
        *,
        retry: Retry | None = None,
        on_retry: Callable[[], object] = lambda: None,
    ) -> None:
        """`on_retry` is called whenever a write is retried after a conflict or throttling."""
        self._client = client
        self._name = name
        self._retry = retry or Retry()
        self._on_retry = on_retry

    # ---------------------------------------------------------------------------------------------------- read

    def get(self, key: Key) -> Item | None:
        """The item as of now, or None."""
        where = serialized(key.attributes())
        answer = _read(lambda: self._client.get_item(TableName=self._name, Key=where, ConsistentRead=True))
        return deserialized(answer["Item"]) if "Item" in answer else None

    def get_many(self, keys: Iterable[Key]) -> dict[Key, Item]:
        """The items that exist, each as of now, 100 of them a request."""
        wanted = list(dict.fromkeys(keys))
        found: dict[Key, Item] = {}
        for at in range(0, len(wanted), KEYS_PER_REQUEST):
            batch = self._batch(wanted[at : at + KEYS_PER_REQUEST])
            found |= self._collect(partial(self._client.batch_get_item, RequestItems=batch))
        return found

    def read_together(self, keys: Iterable[Key], queries: Sequence[Query]) -> tuple[list[QueryPage], dict[Key, Item]]:
        """One page of each query, and `get_many` of these keys: the first request of it and all queries together."""
        wanted = list(dict.fromkeys(keys))
        if not wanted:
            return self.run_many(queries), {}
        pages, found = self._read_together(wanted[:KEYS_PER_REQUEST], queries)
        return pages, found | self.get_many(wanted[KEYS_PER_REQUEST:])

    def _read_together(self, keys: Sequence[Key], queries: Sequence[Query]) -> tuple[list[QueryPage], dict[Key, Item]]:
        begin = getattr(self._client, "begin", None)
        if begin is None:
            pages = [_threads().submit(copy_context().run, self.run, each) for each in queries]
            items = self.get_many(keys)
            return [each.result() for each in pages], items
        begun = [begin("BatchGetItem", RequestItems=self._batch(keys))]
        try:
            begun += [begin("Query", **each.request(self._name)) for each in queries[1:]]
            first = [self.run(queries[0])] if queries else []
            rest = [_query_page(_read(each.answer)) for each in begun[1:]]
        except BaseException:
            for each in begun:
                each.drop()
            raise
        return [*first, *rest], self._collect(begun[0].answer)

    def run_many(self, queries: Sequence[Query]) -> list[QueryPage]:
        """One page of each query, `AT_ONCE` of them at a time."""
        groups = (queries[at : at + AT_ONCE] for at in range(0, len(queries), AT_ONCE))
        return [page for group in groups for page in self._run_together(group)]

    def _run_together(self, queries: Sequence[Query]) -> list[QueryPage]:
        begin = getattr(self._client, "begin", None)
        if begin is None:
            pages = [_threads().submit(copy_context().run, self.run, each) for each in queries]
            return [each.result() for each in pages]
        begun = [begin("Query", **each.request(self._name)) for each in queries]
        try:
            return [_query_page(_read(each.answer)) for each in begun]
        except BaseException:
            for each in begun:
                each.drop()
            raise

    def _batch(self, keys: Sequence[Key]) -> dict[str, Any]:
        wanted = [serialized(key.attributes()) for key in keys]
        return {self._name: {"Keys": wanted, "ConsistentRead": True}}

    def _collect(self, ask: Callable[[], Any]) -> dict[Key, Item]:
        found: dict[Key, Item] = {}
        for _ in self._retry.rounds():
            answer = _read(ask)
            for raw in answer["Responses"].get(self._name, []):
                item = deserialized(raw)
                found[Key(item["PK"], item["SK"])] = item
            rest = answer.get("UnprocessedKeys")
            if not rest:
                return found
            ask = partial(self._client.batch_get_item, RequestItems=rest)
        raise Busy("The table is busy.")

    def query(self, partition: Partition, **how: Any) -> QueryPage:
        """One page of a partition (at most 1 MB); `how` are the other fields of `Query`."""
        return self.run(Query(partition, **how))

    def run(self, query: Query) -> QueryPage:
        """One page of a query."""
        request = query.request(self._name)
        return _query_page(_read(lambda: self._client.query(**request)))

    def iterate(self, partition: Partition, *, start: Item | None = None, **how: Any) -> Iterator[Item]:
        """All items of a partition from behind `start`, in as many requests as it takes."""
        while True:
            part = self.query(partition, start=start, **how)
            yield from part.items
            start = part.next_start
            if start is None:
                return

    # --------------------------------------------------------------------------------------------------- write

    def write(self, change: Write) -> None:
        """One write by itself. Raises its `on_condition_failure` when its condition does not hold."""
        kind, request = change.request()
        sends: dict[str, Callable[..., Any]] = {
            "Put": self._client.put_item,
            "Update": self._client.update_item,
            "Delete": self._client.delete_item,
        }
        self._send_with_retries(lambda: sends[kind](TableName=self._name, **request), [change])

    def delete_many(self, keys: Sequence[Key]) -> None:
        """Delete items that have no other writer any more, 25 a request. Raises Busy; it may be repeated then."""
        self._write_in_batches([{"DeleteRequest": {"Key": serialized(key.attributes())}} for key in keys])

    def put_many(self, writes: Sequence[Write]) -> None:
        """Put whole items, without conditions, 25 a request. Raises Busy; it may be repeated then."""
        self._write_in_batches([{"PutRequest": {"Item": each.request()[1]["Item"]}} for each in writes])

    def _write_in_batches(self, requests: list[dict[str, Any]]) -> None:
        for at in range(0, len(requests), 25):
            self._write_batch(requests[at : at + 25])

    def _write_batch(self, requests: list[dict[str, Any]]) -> None:
        wanted: dict[str, Any] = {self._name: requests}
        for _ in self._retry.rounds():
            ask = partial(self._client.batch_write_item, RequestItems=wanted)
            wanted = _read(ask).get("UnprocessedItems") or {}
            if not wanted:
                return
        raise Busy("The table is busy.")

    def count(self, key: Key, attribute: str) -> int:
        """Increment a number that starts at 0 and return it. No two calls return the same value."""
        _, request = Write(key, add={attribute: 1}).request()
        new: Any = {"ReturnValues": "UPDATED_NEW"}
        answer = _read(lambda: self._client.update_item(TableName=self._name, **request, **new))
        return int(deserialized(answer["Attributes"])[attribute])

    def transact(self, *changes: Write) -> None:
        """All writes or none. Raises the `on_condition_failure` of the first write whose condition does not hold."""
        token = str(uuid.uuid4())
        requests: Any = [
            {kind: {"TableName": self._name, **body}} for kind, body in (each.request() for each in changes)
        ]
        self._send_with_retries(
            lambda: self._client.transact_write_items(TransactItems=requests, ClientRequestToken=token), changes
        )

    def retry_on_conflict(self, attempt: Callable[[], R]) -> R:
        """Repeat `attempt`, which reads and then writes conditionally, until nothing changed in between.

        Raises Busy after too many conflicts.
        """
        for _ in self._retry.rounds():
            try:
                return attempt()
            except ConcurrentUpdate:
                self._on_retry()
        raise Busy("Too much contention; nothing was written.")

    def _send_with_retries(self, send: Callable[[], object], changes: Sequence[Write]) -> None:
        last: ClientError | None = None
        for _ in self._retry.rounds():
            try:
                with unanswered_is_busy(NO_ANSWER):
                    send()
            except ClientError as error:
                _raise_unless_transient(error, changes)
                last = error
                self._on_retry()
            else:
                return
        raise _error_after_retries(last, changes) from last


def _read(ask: Callable[[], R]) -> R:
    # The client has tried several times before it raises.
    with unanswered_is_busy("The database does not answer."):
        try:
            return ask()
        except ClientError as error:
            if error.response["Error"]["Code"] in _TRANSIENT:
                raise Busy("The table is busy.") from error
            raise


@contextmanager
def unanswered_is_busy(detail: str) -> Iterator[None]:
    """Raise Busy for what an AWS client raises after its last try: no answer, or an error of the service itself."""
    try:
        yield
    except (HTTPClientError, LostConnectionError, ChecksumError) as failure:
        raise Busy(detail) from failure
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if error.response["Error"]["Code"] in _SERVER_ERRORS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Busy(detail) from error
        raise


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=8, thread_name_prefix="read")


# -------------------------------------------------------------------------------------------------------- refusals


def _raise_unless_transient(error: ClientError, changes: Sequence[Write]) -> None:
    code = error.response["Error"]["Code"]
    if code == "ConditionalCheckFailedException":
        _raise_condition_failure(changes[0], error.response, error)
    if code == "TransactionCanceledException":
        reasons = cast("list[dict[str, Any]]", error.response.get("CancellationReasons", []))
        for change, reason in zip(changes, reasons, strict=False):
            if reason.get("Code") == "ConditionalCheckFailed":
                _raise_condition_failure(change, reason, error)
        if {reason.get("Code", "None") for reason in reasons} <= _TRANSIENT | {"None"}:
            return
    if code not in _TRANSIENT:
        raise error


def _error_after_retries(last: ClientError | None, changes: Sequence[Write]) -> Exception:
    reasons = last.response.get("CancellationReasons", []) if last else []
    for change, reason in zip(changes, cast("list[dict[str, Any]]", reasons), strict=False):
        if reason.get("Code") == "TransactionConflict" and change.on_conflict is not None:
            return change.on_conflict
    return Busy("Too much contention; nothing was written.")


def _raise_condition_failure(change: Write, reason: Mapping[str, Any], cause: ClientError) -> NoReturn:
    item = reason.get("Item")
    error = change.refused(deserialized(item) if item else None)
    if error is None:
        raise cause
    raise error from cause
