"""Items and expressions in the form that DynamoDB's API has for them."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from boto3.dynamodb.conditions import ConditionBase, ConditionExpressionBuilder
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

Item = dict[str, Any]


class Expressions:
    """Expressions of one request, sharing its placeholders for names and values."""

    def __init__(self) -> None:
        self._conditions = ConditionExpressionBuilder()
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}
        self._counter = 0

    def condition(self, condition: ConditionBase, *, is_key: bool = False) -> str:
        """A condition, filter or key condition."""
        built = self._conditions.build_expression(condition, is_key_condition=is_key)
        self._names |= built.attribute_name_placeholders
        self._values |= built.attribute_value_placeholders
        return str(built.condition_expression)

    def update(
        self,
        *,
        put: Mapping[str, Any],
        add: Mapping[str, Any],
        append: Mapping[str, Sequence[Any]],
        remove: Sequence[str],
        discard: Mapping[str, Any],
    ) -> str:
        """An UpdateExpression; empty when there is nothing to update."""
        longer = [self._appended(self.name(name), values) for name, values in append.items()]
        clauses = {
            "SET": [f"{self.name(name)} = {self._value(value)}" for name, value in put.items()] + longer,
            "ADD": [f"{self.name(name)} {self._value(value)}" for name, value in add.items()],
            "REMOVE": [self.name(name) for name in remove],
            "DELETE": [f"{self.name(name)} {self._value(value)}" for name, value in discard.items()],
        }
        return " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses.items() if parts)

    def _appended(self, name: str, values: Sequence[Any]) -> str:
        return f"{name} = list_append(if_not_exists({name}, {self._value([])}), {self._value(list(values))})"

    def placeholders(self) -> dict[str, Any]:
        """The names and values that the expressions so far speak of."""
        found = {"ExpressionAttributeNames": self._names, "ExpressionAttributeValues": serialized(self._values)}
        return {name: value for name, value in found.items() if value}

    def name(self, attribute: str) -> str:
        """The placeholder of an attribute's name."""
        self._counter += 1
        self._names[f"#a{self._counter}"] = attribute
        return f"#a{self._counter}"

    def _value(self, value: Any) -> str:
        self._counter += 1
        self._values[f":a{self._counter}"] = value
        return f":a{self._counter}"


_serializer = TypeSerializer()
_deserializer = TypeDeserializer()


def serialized(item: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values as DynamoDB's typed ones."""
    return {name: _serializer.serialize(_storable(value)) for name, value in item.items()}


def deserialized(item: Mapping[str, Any]) -> Item:
    """DynamoDB's typed values as plain ones."""
    return {name: _deserializer.deserialize(value) for name, value in item.items()}


def _storable(value: Any) -> Any:
    """DynamoDB's numbers are decimal: a float is kept as the decimal that prints the same."""
    match value:
        case float():
            return Decimal(str(value))
        case dict():
            return {name: _storable(each) for name, each in value.items()}
        case list():
            return [_storable(each) for each in value]
        case _:
            return value
