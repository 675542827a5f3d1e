"""Questions about reads, and about what an item and a table may be."""

from typing import Any, Final

from testbed.template import template
from tests.engines.questions import REFUSED, TABLE, Asked, attributes, each, outcome, question, sort_keys

QUERY: Final = "API reference, Query"
BATCH: Final = "API reference, BatchGetItem"
CONSTRAINTS: Final = "developer guide, Quotas and constraints"
LSI: Final = "developer guide, Local secondary indexes"
GSI: Final = "developer guide, Global secondary indexes"

KB: Final = 1024
TEXT: Final = {"S": "x"}


@question(QUERY, "a b, then c, then nothing")
def pages(asked: Asked) -> str:
    """A query goes on behind the last key that it returned."""
    _put(asked, "cab")
    first = asked.query(Limit=2)
    second = asked.query(Limit=2, ExclusiveStartKey=first["LastEvaluatedKey"])
    return f"{sort_keys(first)}, then {sort_keys(second)}, then {second.get('LastEvaluatedKey', 'nothing')}"


@question(QUERY, "yes")
def limit_is_reached(asked: Asked) -> str:
    """A query that ends at its Limit has a LastEvaluatedKey, even when nothing follows."""
    _put(asked, "ab")
    return "yes" if "LastEvaluatedKey" in asked.query(Limit=2) else "no"


@question(QUERY, "c")
def start_of_a_deleted_item(asked: Asked) -> str:
    """A query goes on behind a key whose item is gone."""
    _put(asked, "abc")
    asked.dynamodb.delete_item(TableName=TABLE, Key=asked.key("b"))
    return sort_keys(asked.query(ExclusiveStartKey=asked.key("b")))


@question(QUERY, "d c, then b a")
def backwards(asked: Asked) -> str:
    """A query backwards goes on before the last key."""
    _put(asked, "abcd")
    first = asked.query(Limit=2, ScanIndexForward=False)
    rest = asked.query(ScanIndexForward=False, ExclusiveStartKey=first["LastEvaluatedKey"])
    return f"{sort_keys(first)}, then {sort_keys(rest)}"


@question(QUERY, "b of 2, more")
def filter_after_limit(asked: Asked) -> str:
    """Limit counts what is looked at, not what a filter keeps."""
    asked.put("a", n={"N": "0"})
    asked.put("b", n={"N": "1"})
    asked.put("c", n={"N": "1"})
    found = asked.query(Limit=2, FilterExpression="n = :n", n={"N": "1"})
    return f"{sort_keys(found)} of {found['ScannedCount']}, {'more' if 'LastEvaluatedKey' in found else 'all'}"


@question(QUERY, "3 items, more")
def page_of_a_megabyte(asked: Asked) -> str:
    """A query ends when it has read 1 MB."""
    _put(asked, "abcd", x={"S": "x" * 300 * KB})
    found = asked.query()
    return f"{len(found['Items'])} items, {'more' if 'LastEvaluatedKey' in found else 'all'}"


@question(QUERY, REFUSED)
def filter_by_key(asked: Asked) -> str:
    """A filter cannot be about a key."""
    return outcome(lambda: asked.query(FilterExpression="SK = :s", s=TEXT))


@question(QUERY, REFUSED)
def start_without_the_indexs_key(asked: Asked) -> str:
    """A query of an index cannot start at a key without the index's attributes."""
    return outcome(lambda: asked.query(IndexName="by_name", ExclusiveStartKey=asked.key()))


@question(QUERY, REFUSED)
def equals_twice(asked: Asked) -> str:
    """An expression with `= =` is refused."""
    return outcome(lambda: asked.query("PK = = :pk"))


@question(QUERY, "b c")
def between(asked: Asked) -> str:
    """BETWEEN includes both ends."""
    _put(asked, "abcd")
    return sort_keys(asked.query("PK = :pk AND SK BETWEEN :l AND :h", l={"S": "b"}, h={"S": "c"}))


@question("developer guide, Data types: strings are compared by their UTF-8 bytes", "z é \uffff \U0001f600")
def order(asked: Asked) -> str:
    """Sort keys are in the order of their UTF-8 bytes, which is not UTF-16's."""
    _put(asked, "\U0001f600\uffffzé")
    return sort_keys(asked.query())


@question("developer guide, Data types: numbers keep 38 digits", "12345678901234567890123456789012345678")
def digits(asked: Asked) -> str:
    """A number keeps 38 digits."""
    asked.put(n={"N": "12345678901234567890123456789012345678"})
    return str(asked.item()["n"]["N"])


@question("developer guide, Data types: more than 38 digits are an error", REFUSED)
def too_many_digits(asked: Asked) -> str:
    """A number of 39 digits is refused."""
    return outcome(lambda: asked.put(n={"N": "1" * 39}))


# -------------------------------------------------------------------------------------------------------- indexes


@question(LSI, "a")
def sparse(asked: Asked) -> str:
    """An index has the items that have its key."""
    asked.put("a", by_name=TEXT)
    asked.put("b")
    return sort_keys(asked.query(IndexName="by_name", ConsistentRead=True))


@question(LSI, "PK SK brief")
def fetches(asked: Asked) -> str:
    """A local index fetches from the table what it does not project."""
    indexes = template()["Resources"]["Table"]["Properties"]["LocalSecondaryIndexes"]
    (slim,) = [each for each in indexes if each["Projection"]["ProjectionType"] == "INCLUDE"]
    key: dict[str, Any] = {slim["KeySchema"][1]["AttributeName"]: TEXT}
    asked.put(brief=TEXT, **key)
    return attributes(asked.query(IndexName=slim["IndexName"], ProjectionExpression="PK, SK, brief")["Items"])


@question(GSI, REFUSED)
def consistent(asked: Asked) -> str:
    """A global index has no consistent reads."""
    return outcome(lambda: asked.query("owner_tasks = :pk", IndexName="tasks_of_owner", ConsistentRead=True))


@question(GSI, "a b c d")
def equal_keys(asked: Asked) -> str:
    """Items of one index key can be read page by page, none twice."""
    for sk in "abcd":
        asked.put(sk, owner_tasks={"S": asked.pk}, id=TEXT)
    found: list[str] = []
    start: dict[str, Any] = {}
    while True:
        page = asked.query("owner_tasks = :pk", IndexName="tasks_of_owner", Limit=1, ScanIndexForward=False, **start)
        found += [item["SK"]["S"] for item in page["Items"]]
        if "LastEvaluatedKey" not in page or len(found) > len("abcd"):
            return " ".join(sorted(found))
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}


# --------------------------------------------------------------------------------------------------------- limits


@question(BATCH, "accepted ValidationException")
def batch(asked: Asked) -> str:
    """A batch reads up to 100 items."""

    def read(count: int) -> object:
        keys = [asked.key(str(number)) for number in range(count)]
        return asked.dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": keys}})

    return each(read, 100, 101)


@question(CONSTRAINTS, "accepted ValidationException")
def item_size(asked: Asked) -> str:
    """An item has up to 400 KB."""
    return each(lambda size: asked.put(x={"S": "x" * size}), 399 * KB, 400 * KB)


@question(CONSTRAINTS, "accepted ValidationException")
def sort_key_size(asked: Asked) -> str:
    """A sort key has up to 1,024 bytes."""
    return each(lambda size: asked.put("x" * size), 1024, 1025)


@question(CONSTRAINTS, "accepted ValidationException")
def index_key_size(asked: Asked) -> str:
    """A sort key of an index has up to 1,024 bytes."""
    return each(lambda size: asked.put(by_name={"S": "x" * size}), 1024, 1025)


@question(CONSTRAINTS, "ValidationException ValidationException accepted")
def empty(asked: Asked) -> str:
    """A key cannot be empty, neither the table's nor an index's; another text can."""
    return each(lambda item: asked.put(**item), {"sk": ""}, {"by_name": {"S": ""}}, {"x": {"S": ""}})


@question(CONSTRAINTS, REFUSED)
def empty_set(asked: Asked) -> str:
    """A set cannot be empty."""
    return outcome(lambda: asked.put(x={"SS": []}))


@question("developer guide, Secondary indexes: types of key attributes", REFUSED)
def type_of_an_index_key(asked: Asked) -> str:
    """An index's key has the type that was defined."""
    return outcome(lambda: asked.put(by_name={"N": "1"}))


@question("API reference, Projection: NonKeyAttributes has up to 20 items", "accepted ValidationException")
def projected_attributes(asked: Asked) -> str:
    """An index projects up to 20 attributes by name."""
    return each(lambda count: _create(asked, count), 20, 21)


def _create(asked: Asked, projected: int) -> None:
    names = [f"a{number}" for number in range(projected)]
    keys = [{"AttributeName": "PK", "KeyType": "HASH"}]
    name = f"projecting-{asked.pk}-{projected}"
    asked.dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in ("PK", "G")],
        KeySchema=keys,
        BillingMode="PAY_PER_REQUEST",
        GlobalSecondaryIndexes=[
            {
                "IndexName": "by_g",
                "KeySchema": [{"AttributeName": "G", "KeyType": "HASH"}],
                "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": names},
            }
        ],
    )
    asked.dynamodb.delete_table(TableName=name)


# --------------------------------------------------------------------------------------------------------- capacity


CAPACITY: Final = "developer guide, Capacity unit consumption"


@question(CAPACITY, "3.0")
def read_units(asked: Asked) -> str:
    """A consistent read of 9 KB takes 3 units."""
    asked.put(x={"S": "x" * 9 * KB})
    told = asked.dynamodb.get_item(
        TableName=TABLE, Key=asked.key(), ConsistentRead=True, ReturnConsumedCapacity="TOTAL"
    )
    return str(told["ConsumedCapacity"]["CapacityUnits"])


@question(CAPACITY, "4.0")
def write_units(asked: Asked) -> str:
    """A transactional write of 1.5 KB takes 4 units."""
    put = {"Put": {"TableName": TABLE, "Item": {**asked.key(), "x": {"S": "x" * 1536}}}}
    told = asked.dynamodb.transact_write_items(TransactItems=[put], ReturnConsumedCapacity="TOTAL")
    return str(told["ConsumedCapacity"][0]["CapacityUnits"]) if told.get("ConsumedCapacity") else "nothing"


def _put(asked: Asked, names: str, **more: Any) -> None:
    for sk in names:
        asked.put(sk, **more)
