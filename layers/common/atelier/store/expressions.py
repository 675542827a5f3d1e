"""DynamoDB's expressions: conditions, filters, updates, and the placeholders of one request.

boto3 has conditions of its own (`boto3.dynamodb.conditions`), but to import them is to import all of boto3, which takes
a large part of a cold start (ADR 0017). These are called the same.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from atelier.store.wire import serialized


class Expressions:
    """Expressions of one request, sharing its placeholders for names and values."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, Any] = {}

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
            "SET": [f"{self.name(name)} = {self.value(value)}" for name, value in put.items()] + longer,
            "ADD": [f"{self.name(name)} {self.value(value)}" for name, value in add.items()],
            "REMOVE": [self.name(name) for name in remove],
            "DELETE": [f"{self.name(name)} {self.value(value)}" for name, value in discard.items()],
        }
        return " ".join(f"{verb} {', '.join(parts)}" for verb, parts in clauses.items() if parts)

    def _appended(self, name: str, values: Sequence[Any]) -> str:
        return f"{name} = list_append(if_not_exists({name}, {self.value([])}), {self.value(list(values))})"

    def placeholders(self) -> dict[str, Any]:
        """The names and values used by the expressions so far."""
        found = {"ExpressionAttributeNames": self._names, "ExpressionAttributeValues": serialized(self._values)}
        return {name: value for name, value in found.items() if value}

    def name(self, attribute: str) -> str:
        """A placeholder for an attribute's name."""
        placeholder = f"#n{len(self._names)}"
        self._names[placeholder] = attribute
        return placeholder

    def value(self, value: Any) -> str:
        """A placeholder for a value."""
        placeholder = f":v{len(self._values)}"
        self._values[placeholder] = value
        return placeholder


class Condition:
    """A condition, rendered for the request that uses it. `&` and `|` combine conditions."""

    def __init__(self, text: Callable[[Expressions], str]) -> None:
        self.text = text

    def __and__(self, other: "Condition") -> "Condition":
        return Condition(lambda request: f"({self.text(request)} AND {other.text(request)})")

    def __or__(self, other: "Condition") -> "Condition":
        return Condition(lambda request: f"({self.text(request)} OR {other.text(request)})")


class Attr:
    """An attribute in a condition."""

    def __init__(self, name: str, *, function: str = "") -> None:
        self._name = name
        self._function = function

    def exists(self) -> Condition:
        """The attribute exists."""
        return Condition(lambda request: f"attribute_exists({request.name(self._name)})")

    def not_exists(self) -> Condition:
        """The attribute, or the item, does not exist."""
        return Condition(lambda request: f"attribute_not_exists({request.name(self._name)})")

    def size(self) -> "Attr":
        """Its size: the length of a string, the number of elements of a set."""
        return Attr(self._name, function="size")

    def eq(self, value: Any) -> Condition:
        """Equals."""
        return Condition(lambda request: f"{self._operand(request)} = {request.value(value)}")

    def lt(self, value: Any) -> Condition:
        """Less than."""
        return Condition(lambda request: f"{self._operand(request)} < {request.value(value)}")

    def lte(self, value: Any) -> Condition:
        """Less than or equal."""
        return Condition(lambda request: f"{self._operand(request)} <= {request.value(value)}")

    def gt(self, value: Any) -> Condition:
        """Greater than."""
        return Condition(lambda request: f"{self._operand(request)} > {request.value(value)}")

    def gte(self, value: Any) -> Condition:
        """Greater than or equal."""
        return Condition(lambda request: f"{self._operand(request)} >= {request.value(value)}")

    def between(self, low: Any, high: Any) -> Condition:
        """Between `low` and `high`, both included."""
        return Condition(
            lambda request: f"{self._operand(request)} BETWEEN {request.value(low)} AND {request.value(high)}"
        )

    def is_in(self, values: Sequence[Any]) -> Condition:
        """Equals one of `values`, at most 100."""
        return Condition(
            lambda request: f"{self._operand(request)} IN ({', '.join(request.value(value) for value in values)})"
        )

    def begins_with(self, prefix: str) -> Condition:
        """Begins with."""
        return Condition(lambda request: f"begins_with({self._operand(request)}, {request.value(prefix)})")

    def _operand(self, request: Expressions) -> str:
        name = request.name(self._name)
        return f"{self._function}({name})" if self._function else name
