"""Questions about DynamoDB that any engine can be asked, with the answer of its documentation.

Each is asked of a partition of its own, with botocore, and answered in a few words: an error's code, or what came
back. `source` is the page of the developer guide or the API reference that says so.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

TABLE: Final = "atelier"
REFUSED: Final = "ValidationException"

Item = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """An engine's clients, and a partition that is one question's own."""

    dynamodb: Any
    streams: Any
    pk: str = field(default_factory=lambda: uuid.uuid4().hex)

    def key(self, sk: str = "a") -> Item:
        """The key of an item in this partition."""
        return {"PK": {"S": self.pk}, "SK": {"S": sk}}

    def put(self, sk: str = "a", *, only_if: str = "", **attributes: Any) -> Any:
        """Put an item of typed attributes, under a condition if there is one."""
        condition = {"ConditionExpression": only_if, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        item = {**self.key(sk), **attributes}
        return self.dynamodb.put_item(TableName=TABLE, Item=item, **(condition if only_if else {}))

    def update(self, change: str, sk: str = "a", **more: Any) -> Any:
        """Update an item by an expression whose values are named like `:v`."""
        values = {f":{name}": more.pop(name) for name in list(more) if name.islower()}
        if values:
            more["ExpressionAttributeValues"] = values
        return self.dynamodb.update_item(TableName=TABLE, Key=self.key(sk), UpdateExpression=change, **more)

    def item(self, sk: str = "a") -> Item:
        """The item without its key."""
        found = self.dynamodb.get_item(TableName=TABLE, Key=self.key(sk), ConsistentRead=True).get("Item", {})
        return {name: value for name, value in found.items() if name not in ("PK", "SK")}

    def query(self, where: str = "PK = :pk", **more: Any) -> Any:
        """Query by a condition; its values are named like `:pk`, which is this partition."""
        values = {f":{name}": more.pop(name) for name in list(more) if name.islower()}
        if ":pk" in where:
            values[":pk"] = {"S": self.pk}
        return self.dynamodb.query(
            TableName=TABLE, KeyConditionExpression=where, ExpressionAttributeValues=values, **more
        )

    def transact(self, *writes: Item, token: str | None = None) -> Any:
        """Write all or none. Each write is named by its kind, without the table's name."""
        named = [{kind: {"TableName": TABLE, **body} for kind, body in write.items()} for write in writes]
        return self.dynamodb.transact_write_items(TransactItems=named, ClientRequestToken=token or uuid.uuid4().hex)

    def adds(self, sk: str = "a", by: int = 1) -> Item:
        """A write of a transaction that adds to a number."""
        values = {":v": {"N": str(by)}}
        return {"Update": {"Key": self.key(sk), "UpdateExpression": "ADD n :v", "ExpressionAttributeValues": values}}

    def inserts(self, sk: str = "a", **more: Any) -> Item:
        """A write of a transaction that demands that there is no item yet."""
        return {"Put": {"Item": self.key(sk), "ConditionExpression": "attribute_not_exists(PK)", **more}}


Ask = Callable[[Asked], str]


@dataclass(frozen=True)
class Question:
    """One thing that the documentation says, and how an engine is asked for it."""

    name: str
    source: str
    documented: str
    ask: Ask


QUESTIONS: Final[list[Question]] = []


def question(source: str, documented: str) -> Callable[[Ask], Ask]:
    """Make a question of a function; its docstring says what is asked."""

    def add(ask: Ask) -> Ask:
        QUESTIONS.append(Question((ask.__doc__ or "").removesuffix("."), source, documented, ask))
        return ask

    return add


def response(call: Callable[[], object]) -> Any:
    """What a call was refused with; the code is `accepted` when it was not."""
    try:
        call()
    except ClientError as error:
        return error.response
    return {"Error": {"Code": "accepted"}}


def outcome(call: Callable[[], object]) -> str:
    """`accepted`, or the code of the error."""
    return str(response(call)["Error"]["Code"])


def each(call: Callable[[Any], object], *values: object) -> str:
    """The outcome of the call for each of these values."""
    return " ".join(outcome(partial(call, value)) for value in values)


def sort_keys(answer: Any) -> str:
    """The sort keys of a query's items."""
    return " ".join(item["SK"]["S"] for item in answer["Items"]) or "nothing"


def attributes(items: Sequence[Item]) -> str:
    """The names of the attributes that the items have."""
    return " ".join(sorted({name for item in items for name in item})) or "none"
