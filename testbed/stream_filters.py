"""Which records of the table's stream reach a function: the template's own filters, as Lambda applies them."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any

from testbed.template import template


def passes(record: Mapping[str, Any], function: str = "Relay") -> bool:
    """Whether any of a function's filters lets the record through."""
    return any(_matches(pattern, record) for pattern in _patterns(function))


@cache
def _patterns(function: str) -> tuple[Any, ...]:
    events = template()["Resources"][f"{function}Function"]["Properties"]["Events"]
    filters = events["TableChanges"]["Properties"]["FilterCriteria"]["Filters"]
    return tuple(json.loads(each["Pattern"]) for each in filters)


def _matches(pattern: Any, found: Any) -> bool:
    if isinstance(pattern, Mapping):
        inside = found if isinstance(found, Mapping) else {}
        return all(_matches(wanted, inside.get(name)) for name, wanted in pattern.items())
    return any(_is(rule, found) for rule in pattern)


def _is(rule: Any, found: Any) -> bool:
    """One rule about a value; those that the template does not use are unknown here."""
    match rule:
        case str():
            return bool(found == rule)
        case {"prefix": prefix}:
            return isinstance(found, str) and found.startswith(prefix)
        case {"exists": exists}:
            return (found is not None) is exists
    raise ValueError(f"Nothing is known of the filter rule {rule}.")
