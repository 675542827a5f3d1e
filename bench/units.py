"""What DynamoDB charges for: bytes of items, read and write units, and what a change does in the table's indexes.

By the rules of the developer guide ("Item sizes and formats", "Capacity unit consumption for read operations" and "for
write operations", and the pages about local and global secondary indexes); tests/unit/test_units.py holds them against
the guide's own examples. Items are typed as in the API's JSON: {"name": {"S": "Acme"}}, binary values in base64.

Where the guide leaves something open:
- A number takes one byte for two significant digits and one more; the guide says "approximately".
- A transaction pays twice for its items and once for what it changes in indexes: it says the first, not the second.
- An entry whose key changes is taken out and put in anew, which is paid twice.
"""

from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import Any, Final

from testbed.template import template

READ_BLOCK: Final = 4096
WRITE_BLOCK: Final = 1024

Item = Mapping[str, Any]


# ---------------------------------------------------------------------------------------------------------- sizes


def _number_size(digits: str) -> int:
    significant = digits.upper().partition("E")[0].lstrip("-").replace(".", "").strip("0")
    return (len(significant) + 1) // 2 + 1


SIZES: Final[Mapping[str, Callable[[Any], int]]] = {
    "S": lambda text: len(text.encode()),
    "N": _number_size,
    "B": lambda data: len(b64decode(data)),
    "BOOL": lambda _: 1,
    "NULL": lambda _: 1,
    "SS": lambda texts: sum(len(each.encode()) for each in texts),
    "L": lambda values: 3 + sum(1 + size_of(each) for each in values),
    "M": lambda values: 3 + len(values) + item_size(values),
}


def size_of(value: Mapping[str, Any]) -> int:
    """Bytes of one typed value."""
    kind, content = next(iter(value.items()))
    rule = SIZES[kind]
    return rule(content)


def item_size(item: Item | None) -> int:
    """Bytes of an item: its attributes' names and values. An item that is not there has none."""
    return sum(len(name.encode()) + size_of(value) for name, value in (item or {}).items())


# ---------------------------------------------------------------------------------------------------------- units


def read_units(size: int, *, consistent: bool) -> float:
    """What reading `size` bytes at once costs: an item got by its key, or all that a query looked at.

    An item that is not there costs as much as the smallest.
    """
    return max(1, ceil(size / READ_BLOCK)) * (1 if consistent else 0.5)


def write_units(before: Item | None, after: Item | None, *, transactional: bool) -> int:
    """What a write costs in the table: the larger of what was there and what is there now.

    A delete of what is not there, and a condition that is only checked, cost as much as a write.
    """
    return max(1, _blocks(before), _blocks(after)) * (2 if transactional else 1)


def _blocks(item: Item | None) -> int:
    return ceil(item_size(item) / WRITE_BLOCK)


@dataclass(frozen=True)
class Index:
    """One index of the template. `attributes` are what it projects; None: everything."""

    keys: tuple[str, ...]
    attributes: frozenset[str] | None

    def entry(self, item: Item | None) -> Item | None:
        """The item as it stands in the index; None where it does not."""
        if item is None or not set(self.keys) <= set(item):
            return None
        return {name: value for name, value in item.items() if self.attributes is None or name in self.attributes}

    def write_units(self, before: Item | None, after: Item | None) -> int:
        """What a change of an item costs here: nothing where its entry stays the same."""
        old, new = self.entry(before), self.entry(after)
        if old == new:
            return 0
        if old and new and all(old[key] == new[key] for key in self.keys):
            return max(_blocks(old), _blocks(new))
        return _blocks(old) + _blocks(new)


@cache
def indexes() -> Mapping[str, Index]:
    """The template's indexes by name."""
    table = template()["Resources"]["Table"]["Properties"]
    return {
        each["IndexName"]: _index(each) for each in table["LocalSecondaryIndexes"] + table["GlobalSecondaryIndexes"]
    }


def _index(described: Mapping[str, Any]) -> Index:
    keys = tuple(key["AttributeName"] for key in described["KeySchema"])
    projected = described["Projection"]
    if projected["ProjectionType"] == "ALL":
        return Index(keys, None)
    return Index(keys, frozenset({"PK", "SK", *keys, *projected.get("NonKeyAttributes", [])}))
