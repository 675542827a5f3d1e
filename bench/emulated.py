"""The emulator as measurements need it: harnesses that are the same each time, and large tables, filled at once."""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import ExitStack, contextmanager, redirect_stdout
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from operator import itemgetter
from random import Random
from typing import Any, Final, TextIO
from unittest import mock

from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.dynamodb.comparisons import get_comparison_func
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, LimitedSizeDict
from moto.dynamodb.models.dynamo_type import Item as KeptItem
from moto.dynamodb.models.table import Table as KeptTable

from atelier.domain.ids import new_id
from atelier.store.keys import due_place
from atelier.telemetry import log
from bench.units import Index, Item, indexes, item_size
from testbed.harness import TABLE, Harness, harness

Place = tuple[str, str]
"""An item's PK and SK."""

LARGEST_ANSWER: Final = 2**20
"""Bytes of items after which DynamoDB ends the answer to a query."""
BEGAN: Final = datetime(2026, 11, 2, 9, tzinfo=UTC)


def kept_table() -> Any:
    """The table within moto."""
    return dynamodb_backends[DEFAULT_ACCOUNT_ID]["us-east-1"].tables[TABLE]


def kept(place: Place) -> Item | None:
    """The item as it is now, typed as in the API's JSON."""
    pk, sk = (DynamoType({"S": each}) for each in place)
    found = kept_table().get_item(pk, sk)
    return _typed(found) if found else None


def _typed(item: KeptItem) -> dict[str, Any]:
    return {name: _in_base64(value) for name, value in item.to_json()["Attributes"].items()}


def _in_base64(value: Mapping[str, Any]) -> Mapping[str, Any]:
    data = value.get("B")
    return {"B": b64encode(data).decode()} if isinstance(data, bytes) else value


# --------------------------------------------------------------------------------------------------------- harnesses


@contextmanager
def orderly_harness() -> Iterator[Harness]:
    """A harness that is the same each time: nothing in it comes from chance or from the clock."""
    chance = Random(1)  # noqa: S311 - there are no secrets here
    with ExitStack() as stack:
        for name, instead in (
            ("randbits", chance.getrandbits),
            ("token_bytes", chance.randbytes),
            ("token_urlsafe", lambda size: urlsafe_b64encode(chance.randbytes(size)).decode().rstrip("=")),
        ):
            stack.enter_context(mock.patch(f"secrets.{name}", instead))  # before the functions import it
        stack.enter_context(logs_into(StringIO()))
        stack.enter_context(for_large_tables())
        made = stack.enter_context(harness())
        made.now = BEGAN
        yield made


@contextmanager
def logs_into(sink: TextIO) -> Iterator[None]:
    """What functions log goes there: lines through the logger's own stream, metrics through print."""
    handler: Any = log.registered_handler
    usual = handler.setStream(sink)
    try:
        with redirect_stdout(sink):
            yield
    finally:
        handler.setStream(usual)


def multiply(made: Harness, create: Callable[[], str], times: int) -> str:
    """Call `create`, which returns the id of what it makes, and have it made `times` times more; the id.

    The others do not come through the API, which would take hours: the new items that have the id are copied, each time
    with another one, and the numbers that have changed change as often. So everything counts as if it had been created.
    """
    before = {place: _typed(item) for place, item in items()}
    id_ = create()
    made_of_it = {place: item for place, item in items() if place not in before and _is_about(id_, item)}
    for place, item in items():
        if place not in made_of_it:
            _raise(item, before.get(place, {}), times)
    chance = Random(id_)  # noqa: S311 - there are no secrets here
    for _ in range(times):
        another = new_id(made.clock(), chance.getrandbits(62))
        for item in made_of_it.values():
            copy = _copy(item, id_, another)
            kept_table().items[copy.hash_key][copy.range_key] = copy
    return id_


def _is_about(id_: str, item: KeptItem) -> bool:
    return any(value.type == "S" and id_ in value.value for value in item.attrs.values())


def _raise(item: KeptItem, before: Item, times: int) -> None:
    for name, value in _typed(item).items():
        was = before.get(name, {"N": "0"})
        if "N" in value and value != was:
            raised = Decimal(value["N"]) - Decimal(was["N"])
            item.attrs[name] = DynamoType({"N": str(Decimal(value["N"]) + raised * times)})


def items() -> list[tuple[Place, KeptItem]]:
    """Everything in the table, in no order."""
    every = (item for part in kept_table().items.values() for item in part.values())
    return [((item.hash_key.value, item.range_key.value), item) for item in every]


def _copy(item: KeptItem, old: str, new: str) -> KeptItem:
    attributes = {name: _renamed(value, old, new) for name, value in item.attrs.items()}
    if "due_shard" in attributes:  # which follows from the id
        attributes["due_shard"] = DynamoType({"S": due_place(new, datetime.now(UTC))["due_shard"]})
    return _made(_renamed(item.hash_key, old, new), _renamed(item.range_key, old, new), attributes)


def _made(hash_key: DynamoType, range_key: DynamoType | None, attributes: Mapping[str, DynamoType]) -> KeptItem:
    made: Any = KeptItem.__new__(KeptItem)  # its constructor weighs the item anew after every attribute
    made.hash_key, made.range_key, made.attrs = hash_key, range_key, LimitedSizeDict(attributes)
    return made  # type: ignore[no-any-return]


def _renamed(value: Any, old: str, new: str) -> Any:
    return DynamoType({"S": value.value.replace(old, new)}) if value.type == "S" and old in value.value else value


# ---------------------------------------------------------------------------------------------------- large tables


@contextmanager
def for_large_tables() -> Iterator[None]:
    """moto without what takes minutes with 100,000 items: for a query it compares every item with every other one."""
    with mock.patch.object(KeptTable, "query", _query):
        yield


def _query(  # noqa: PLR0917 - moto's own arguments
    self: Any,
    hash_key: DynamoType,
    comparison: str | None,
    bounds: list[DynamoType],
    limit: int | None,
    start: Item | None,
    forward: bool,
    projections: list[list[str]] | None,
    index_name: str | None = None,
    _consistent: bool = False,
    filter_expression: Any = None,
    **_: Any,
) -> tuple[list[KeptItem], int, Any]:
    """As moto's own, but an answer ends where DynamoDB's does: by the size of an index's entries, not of the items."""
    schema = (self.get_index(index_name) if index_name else self).schema
    hash_name, range_name = (key["AttributeName"] for key in schema)
    holds = get_comparison_func(comparison) if comparison else lambda _: True
    values = [bound.value for bound in bounds]
    parts = [self.items[hash_key]] if hash_name == "PK" else list(self.items.values())
    rows = [
        (item.attrs[range_name].value, item.hash_key.value, item.range_key.value, item)
        for part in parts
        for item in part.values()
        if hash_name in item.attrs and item.attrs[hash_name].value == hash_key.value
        if range_name in item.attrs and holds(item.attrs[range_name].value, *values)
    ]
    rows.sort(key=itemgetter(0, 1, 2), reverse=not forward)
    if start:
        last = tuple(start[name]["S"] for name in (range_name, "PK", "SK"))
        rows = [row for row in rows if (row[:3] > last if forward else row[:3] < last)]
    index = indexes().get(index_name or "")
    read = list(_read_at_once([row[3] for row in rows], limit, index))
    end = self._get_last_evaluated_key(read[-1], index_name) if len(read) < len(rows) else None
    entries = [_only(index.attributes, item) if index and index.attributes else item for item in read]
    kept_ones = [item for item in entries if filter_expression is None or filter_expression.expr(item)]
    names = {name for (name,) in projections or ()}  # moto has a path here; we ask for attributes only
    return [_only(names, item) if names else item for item in kept_ones], len(read), end


def _read_at_once(items: list[KeptItem], limit: int | None, index: Index | None) -> Iterator[KeptItem]:
    size = 0
    for item in items[:limit]:
        attributes = _typed(item)
        size += item_size(index.entry(attributes) if index else attributes)
        if size > LARGEST_ANSWER:
            return
        yield item


def _only(names: Set[str], item: KeptItem) -> KeptItem:
    """The item with these attributes only, as moto's own `project` makes it in a hundred times the time."""
    return _made(item.hash_key, item.range_key, {name: item.attrs[name] for name in item.attrs if name in names})
