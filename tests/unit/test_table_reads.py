"""What is asked for, and what becomes of an answer that is not whole."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from atelier.domain.errors import Busy
from atelier.store.dynamodb.connections import Reply
from atelier.store.dynamodb.replies import parse_reply
from atelier.store.keys import Key, Partition
from atelier.store.table import Table
from tests.support.scripted_client import HERE, THERE, failure, table_of

PARTITION = Partition("by_name", "PK", "ACCOUNT#1", "by_name", "CLIENT#")


def raw(key: Key) -> dict[str, Any]:
    return {"PK": {"S": key.pk}, "SK": {"S": key.sk}}


def test_unprocessed_keys_are_asked_for_again() -> None:
    rest = {"atelier": {"Keys": [raw(THERE)], "ConsistentRead": True}}
    table, script, clock = table_of(
        {"Responses": {"atelier": [raw(HERE)]}, "UnprocessedKeys": rest},
        {"Responses": {}, "UnprocessedKeys": rest},
        {"Responses": {"atelier": [raw(THERE)]}, "UnprocessedKeys": {}},
    )
    assert set(table.get_many([HERE, THERE, HERE])) == {HERE, THERE}
    assert script.asked[0][1]["RequestItems"]["atelier"]["Keys"] == [raw(HERE), raw(THERE)]
    assert [request["RequestItems"] for _, request in script.asked[1:]] == [rest, rest]
    assert len(clock.pauses) == 2


def test_an_unfinished_batch_is_busy_not_half_answered() -> None:
    half = {"Responses": {"atelier": [raw(HERE)]}, "UnprocessedKeys": {"atelier": {"Keys": [raw(THERE)]}}}
    table, _, _ = table_of(*[half] * 9)
    with pytest.raises(Busy):
        table.get_many([HERE, THERE])


@pytest.mark.parametrize("read", [lambda table: table.get(HERE), lambda table: table.query(PARTITION)])
def test_throttled_reads_are_busy_other_errors_are_raised(read: Callable[[Table], object]) -> None:
    with pytest.raises(Busy):
        read(table_of(failure("ThrottlingException"))[0])
    with pytest.raises(ClientError):
        read(table_of(failure("ResourceNotFoundException"))[0])


def test_iterating_takes_every_page_from_the_last_end() -> None:
    pages: list[Any] = [
        {"Items": [raw(HERE)], "LastEvaluatedKey": raw(HERE)},
        {"Items": [], "LastEvaluatedKey": raw(THERE)},
        {"Items": [raw(THERE)]},
    ]
    table, script, _ = table_of(*pages)
    assert [item["SK"] for item in table.iterate(PARTITION, limit=1, forward=False)] == ["A", "B"]
    starts = [request.get("ExclusiveStartKey") for _, request in script.asked]
    assert starts == [None, raw(HERE), raw(THERE)]
    assert all((request["Limit"], request["ScanIndexForward"]) == (1, False) for _, request in script.asked)


@pytest.mark.parametrize(("hash_name", "consistent"), [("PK", True), ("owner_tasks", False)])
def test_table_and_local_indexes_are_read_consistently(hash_name: str, consistent: bool) -> None:
    table, script, _ = table_of({"Items": []})
    table.query(Partition("some", hash_name, "ACCOUNT#1", "some"))
    assert script.asked[0][1]["ConsistentRead"] is consistent


def test_a_page_that_comes_again_is_as_it_was() -> None:
    reply = Reply(200, {}, b'{"Items": [{"PK": {"S": "A"}, "count": {"N": "1"}}]}')
    table, _, _ = table_of(*(parse_reply("Query", reply, retries=0) for _ in range(2)))
    first = table.query(PARTITION).items
    first[0]["PK"] = "changed by whoever read it"
    first.clear()
    assert table.query(PARTITION).items == [{"PK": "A", "count": 1}]


def test_a_page_that_differs_is_read_anew() -> None:
    replies = (Reply(200, {}, b'{"Items": [{"count": {"N": "%d"}}]}' % count) for count in (1, 2, 1))
    table, _, _ = table_of(*(parse_reply("Query", reply, retries=0) for reply in replies))
    assert [table.query(PARTITION).items for _ in range(3)] == [[{"count": count}] for count in (1, 2, 1)]
