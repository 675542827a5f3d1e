"""The expressions we build, carried out by an independent implementation of DynamoDB."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import boto3
import pytest
from moto import mock_aws

from atelier.store.expressions import Attr
from atelier.store.keys import Key, Partition
from atelier.store.table import EXISTS, MISSING, ConcurrentUpdate, Query, Table, Write, concurrent_update
from testbed import engines
from testbed.template import create_table

HERE, THERE = Key("ACCOUNT#1", "CLIENT#1"), Key("ACCOUNT#1", "CLIENT#2")


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws(), engines.current().opened():
        client: Any = boto3.client("dynamodb", region_name="us-east-1")
        create_table(client, "atelier")
        yield Table(client, "atelier")
        client.close()


def kept(table: Table, key: Key = HERE) -> dict[str, Any]:
    return {name: value for name, value in (table.get(key) or {}).items() if name not in ("PK", "SK")}


def test_one_update_sets_adds_removes_and_discards_at_once(table: Table) -> None:
    table.write(Write(HERE, put={"name": "a", "old": 1, "n": 2, "tags": {"x", "y"}}))
    table.write(
        Write(
            HERE,
            set={"name": "b", "new": {"deep": [1.5]}},
            add={"n": -5, "more": 1, "others": {"z"}},
            remove=("old", "never_there"),
            discard={"tags": {"x", "not there"}},
            condition=EXISTS & Attr("n").eq(2) & Attr("name").eq("a"),
            on_condition_failure=concurrent_update,
        )
    )
    assert kept(table) == {
        "name": "b",
        "new": {"deep": [Decimal("1.5")]},
        "n": -3,
        "more": 1,
        "tags": {"y"},
        "others": {"z"},
    }


def test_reserved_words_and_odd_names_are_ordinary_names(table: Table) -> None:
    odd = {"name": 1, "status": 2, "tasks|image|fal|pending": 3, "a.b": 4, "size": 5, "#x": 6, ":y": 7}
    table.write(Write(HERE, add=odd, condition=MISSING))
    assert kept(table) == odd


@pytest.mark.parametrize(
    ("write", "passes_on_nothing", "passes_on_something"),
    [
        (Write(HERE, put={"n": 1}, condition=MISSING, on_condition_failure=concurrent_update), True, False),
        (Write(HERE, set={"n": 1}, condition=EXISTS, on_condition_failure=concurrent_update), False, True),
        (Write(HERE, delete=True, condition=Attr("n").lt(3), on_condition_failure=concurrent_update), False, True),
        (Write(HERE, condition=EXISTS, on_condition_failure=concurrent_update), False, True),
        (Write(HERE, put={"n": 9}), True, True),
    ],
)
def test_conditions_hold_for_writes_and_transactions_leave_no_trace(
    table: Table, write: Write, passes_on_nothing: bool, passes_on_something: bool
) -> None:
    """For every kind of write; of a refused transaction nothing is written."""
    read_together = Write(THERE, add={"n": 1})
    for number, passes in ((0, passes_on_nothing), (1, passes_on_something)):
        if number:
            table.write(Write(HERE, put={"n": 2}))
        before = kept(table), kept(table, THERE)
        if passes:
            table.transact(read_together, write)
            assert kept(table, THERE) != before[1]
        else:
            with pytest.raises(ConcurrentUpdate):
                table.transact(read_together, write)
            assert (kept(table), kept(table, THERE)) == before


def test_a_refusal_sees_the_item_that_was_there(table: Table) -> None:
    seen: list[Any] = []

    def refusal(item: Any) -> Exception:
        seen.append(item)
        return ConcurrentUpdate()

    table.write(Write(HERE, put={"n": 7}))
    with pytest.raises(ConcurrentUpdate):
        table.transact(Write(THERE, put={}), Write(HERE, put={"n": 8}, condition=MISSING, on_condition_failure=refusal))
    assert [item["n"] for item in seen] == [7]


def test_a_query_bounds_filters_and_projects(table: Table) -> None:
    for number in range(10):
        table.write(
            Write(
                Key("ACCOUNT#1", f"CLIENT#{number}"), put={"status": "even" if number % 2 == 0 else "odd", "n": number}
            )
        )
    table.write(Write(Key("ACCOUNT#1", "CAMPAIGN#0"), put={"status": "even"}))
    table.write(Write(Key("ACCOUNT#2", "CLIENT#0"), put={"status": "even"}))
    partition = Partition(None, "PK", "ACCOUNT#1", "SK", "CLIENT#")
    assert len(list(table.iterate(partition, limit=3))) == 10
    even = table.query(partition, keep=Attr("status").eq("even"), only=("status", "n"), forward=False).items
    assert even == [{"status": "even", "n": number} for number in (8, 6, 4, 2, 0)]
    within = Attr("SK").between("CLIENT#3", "CLIENT#5")
    assert [item["n"] for item in table.query(partition, within=within).items] == [3, 4, 5]
    first = table.query(partition, limit=4)
    assert first.next_start is not None
    assert [item["n"] for item in table.query(partition, start=first.next_start).items] == [4, 5, 6, 7, 8, 9]


def test_reading_no_keys_beside_a_query_asks_for_none(table: Table) -> None:
    table.write(Write(HERE, put={"name": "a"}))
    (page,), found = table.read_together([], [Query(Partition(None, "PK", HERE.pk, "SK"))])
    assert ([item["name"] for item in page.items], found) == (["a"], {})


def test_a_value_comes_back_as_what_it_prints_as(table: Table) -> None:
    values = [0.1, 1e-9, 0.30000000000000004, 5.0, -2.5, [0.1, {"x": 0.2}], "0.1", True, None, b"\0", 7, "", [], {}]
    table.write(Write(HERE, put={"values": values}))
    table.write(Write(THERE, set={"values": values}))
    for key in (HERE, THERE):
        assert _plain(kept(table, key)["values"]) == values


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return float(value)
        case list():
            return [_plain(each) for each in value]
        case dict():
            return {name: _plain(each) for name, each in value.items()}
        case _:
            return bytes(value) if hasattr(value, "value") else value
