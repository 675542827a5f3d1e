"""Questions about writes: conditions, updates, transactions and what the stream tells of them."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from tests.engines.questions import REFUSED, TABLE, Asked, Item, each, outcome, question, response

PUT: Final = "API reference, PutItem"
UPDATE: Final = "developer guide, Update expressions"
TRANSACT: Final = "API reference, TransactWriteItems"
STREAM: Final = "developer guide, Change data capture for DynamoDB Streams"
ISOLATION: Final = "developer guide, Transactions: isolation levels"

MISSING: Final = "attribute_not_exists(PK)"
ALL_OLD: Final = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
ONE: Final = {"N": "1"}


@question(PUT, "ConditionalCheckFailedException, {'n': {'N': '1'}}")
def refused_put(asked: Asked) -> str:
    """A refused condition returns the item that was there."""
    asked.put(n=ONE)
    told = response(lambda: asked.put(only_if=MISSING))
    return f"{told['Error']['Code']}, {_rest(told.get('Item'))}"


@question("developer guide, Condition expressions", "ConditionalCheckFailedException")
def condition_on_nothing(asked: Asked) -> str:
    """A condition that demands an item is refused when there is none."""
    return outcome(lambda: asked.update("SET x = :v", v=ONE, ConditionExpression="attribute_exists(PK)"))


@question("developer guide, Reserved words", REFUSED)
def reserved_word(asked: Asked) -> str:
    """A reserved word that stands in an expression by itself is refused."""
    return outcome(lambda: asked.update("SET status = :v", v=ONE))


@question(UPDATE, "{'n': {'N': '1'}, 's': {'SS': ['x']}}")
def add_to_nothing(asked: Asked) -> str:
    """ADD begins at 0, and with an empty set."""
    asked.update("ADD n :v, s :w", v=ONE, w={"SS": ["x"]})
    return str(dict(sorted(asked.item().items())))


@question(UPDATE, "{'N': '3'}")
def add_returns(asked: Asked) -> str:
    """ADD returns the new number when UPDATED_NEW is asked for."""
    asked.put(n={"N": "2"})
    return str(asked.update("ADD n :v", v=ONE, ReturnValues="UPDATED_NEW")["Attributes"]["n"])


@question("developer guide, Supported data types: a set is never empty", "{'n': {'N': '1'}}")
def delete_the_last(asked: Asked) -> str:
    """DELETE of a set's last value removes the attribute."""
    asked.put(n=ONE, s={"SS": ["x"]})
    asked.update("DELETE s :v", v={"SS": ["x", "y"]})
    return str(asked.item())


@question(UPDATE, "[{'N': '1'}, {'N': '1'}]")
def list_append(asked: Asked) -> str:
    """list_append and if_not_exists begin a list and make it longer."""
    for _ in range(2):
        asked.update("SET l = list_append(if_not_exists(l, :e), :v)", e={"L": []}, v={"L": [ONE]})
    return str(asked.item()["l"]["L"])


@question(UPDATE, REFUSED)
def update_of_the_key(asked: Asked) -> str:
    """A key cannot be updated."""
    return outcome(lambda: asked.update("SET SK = :v", v={"S": "b"}))


# --------------------------------------------------------------------------------------------------- transactions


@question(TRANSACT, "None ConditionalCheckFailed None ConditionalCheckFailed")
def reasons(asked: Asked) -> str:
    """A refused transaction tells the reasons of all its writes, in their order."""
    asked.put("b")
    asked.put("d")
    told = response(lambda: asked.transact(*(asked.inserts(sk) for sk in "abcd")))
    return " ".join(reason["Code"] for reason in told.get("CancellationReasons", []))


@question(TRANSACT, "{'n': {'N': '1'}} without")
def items_in_reasons(asked: Asked) -> str:
    """A reason has the item where ALL_OLD was asked for, and only there."""
    asked.put("a", n=ONE)
    asked.put("b", n=ONE)
    told = response(lambda: asked.transact(asked.inserts("a", **ALL_OLD), asked.inserts("b")))
    return " ".join(_rest(reason.get("Item")) for reason in told.get("CancellationReasons", []))


@question(TRANSACT, "nothing")
def refused_leaves_nothing(asked: Asked) -> str:
    """A refused transaction changes nothing."""
    asked.put("b")
    outcome(lambda: asked.transact(asked.adds("a"), asked.inserts("b")))
    return str(asked.item() or "nothing")


@question(TRANSACT, "{'n': {'N': '1'}}")
def the_same_token(asked: Asked) -> str:
    """The same request with the same token takes effect once."""
    for _ in range(2):
        asked.transact(asked.adds(), token=asked.pk)
    return str(asked.item())


@question(TRANSACT, "IdempotentParameterMismatchException")
def another_request_with_the_token(asked: Asked) -> str:
    """Another request with a token that was used is refused."""
    asked.transact(asked.adds(by=1), token=asked.pk)
    return outcome(lambda: asked.transact(asked.adds(by=2), token=asked.pk))


@question(TRANSACT, REFUSED)
def one_item_twice(asked: Asked) -> str:
    """Two writes of one transaction cannot be about one item."""
    return outcome(lambda: asked.transact(asked.adds(), asked.inserts()))


@question(TRANSACT, "accepted ValidationException")
def largest_transaction(asked: Asked) -> str:
    """A transaction has up to 100 writes."""
    return each(lambda size: asked.transact(*(asked.adds(str(number)) for number in range(size))), 100, 101)


@question(TRANSACT, "TransactionCanceledException ValidationException")
def check_and_write(asked: Asked) -> str:
    """A condition that is only checked refuses a transaction, and counts as a use of its item."""
    check = {"ConditionCheck": {"Key": asked.key("b"), "ConditionExpression": "attribute_exists(PK)"}}
    refused = outcome(lambda: asked.transact(asked.adds("a"), check))
    asked.put("b")
    return f"{refused} {outcome(lambda: asked.transact(check, asked.adds('b')))}"


@question(ISOLATION, "1 winner, 160 of 160 counted")
def isolation(asked: Asked) -> str:
    """Concurrent transactions are isolated: one insert of eight succeeds, no addition is lost."""

    def insert(_: int) -> bool:
        return outcome(lambda: asked.transact(asked.inserts("unique"))) == "accepted"

    def count(_: int) -> None:
        until_accepted(lambda: asked.transact(asked.adds("total"), asked.adds("other")))

    with ThreadPoolExecutor(8) as threads:
        winners = sum(threads.map(insert, range(8)))
        list(threads.map(count, range(160)))
    total = {asked.item(sk).get("n", {}).get("N") for sk in ("total", "other")}
    return f"{winners} winner{'s' * (winners != 1)}, {' and '.join(sorted(map(str, total)))} of 160 counted"


def until_accepted(call: Callable[[], object]) -> None:
    """Repeat a call that meets another one."""
    while outcome(call) == "TransactionCanceledException":
        pass


# --------------------------------------------------------------------------------------------------------- stream


@question(STREAM, "INSERT MODIFY REMOVE")
def stream_records(asked: Asked) -> str:
    """The stream has one record for each change, in their order."""
    asked.put(n=ONE)
    asked.update("SET n = :v", v={"N": "2"})
    asked.dynamodb.delete_item(TableName=TABLE, Key=asked.key())
    return " ".join(record["eventName"] for record in _records(asked))


@question(STREAM, "INSERT")
def change_of_nothing(asked: Asked) -> str:
    """A write that changes nothing leaves no record in the stream."""
    asked.put(n=ONE)
    asked.put(n=ONE)
    asked.update("SET n = :v", v=ONE)
    return " ".join(record["eventName"] for record in _records(asked))


@question(STREAM, "nothing")
def refused_in_the_stream(asked: Asked) -> str:
    """A refused transaction leaves no record in the stream."""
    asked.put("b")
    before = len(_records(asked))
    outcome(lambda: asked.transact(asked.adds("a"), asked.inserts("b")))
    return " ".join(record["eventName"] for record in _records(asked)[before:]) or "nothing"


@question("API reference, DescribeStream: ShardId has at least 28 characters", "yes")
def shard_id(asked: Asked) -> str:
    """A shard's id is as long as botocore demands."""
    return "yes" if len(_shard(asked)[1]) >= 28 else "no"


@question(STREAM, "0 records")
def stream_of_a_namesake(asked: Asked) -> str:
    """A new table's stream has nothing of a deleted table of the same name."""
    name, client = f"namesake-{asked.pk}", asked.dynamodb
    for _ in range(2):
        _create(client, name)
        found = len(_records(asked, name))
        client.put_item(TableName=name, Item={"PK": {"S": "a"}})
        client.delete_table(TableName=name)
    return f"{found} records"


def _create(client: Any, name: str) -> None:
    client.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "PK", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "PK", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )


def _shard(asked: Asked, table: str = TABLE) -> tuple[str, str]:
    arn = asked.dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    return arn, asked.streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]


def _records(asked: Asked, table: str = TABLE) -> list[Item]:
    arn, shard = _shard(asked, table)
    start: Any = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    iterator = asked.streams.get_shard_iterator(**start)["ShardIterator"]
    found: list[Item] = []
    while True:
        got = asked.streams.get_records(ShardIterator=iterator)
        if not got["Records"]:
            return [it for it in found if table != TABLE or it["dynamodb"]["Keys"]["PK"]["S"] == asked.pk]
        found += got["Records"]
        iterator = got["NextShardIterator"]


def _rest(item: Item | None) -> str:
    if item is None:
        return "without"
    return str({name: value for name, value in item.items() if name not in ("PK", "SK")})
