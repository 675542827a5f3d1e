"""What happens to the children when a parent goes: the foreign keys of this schema, as data.

A new relation is one row here and one access pattern in `store.cascade`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class OnDelete(StrEnum):
    """SQL's referential actions that this schema uses."""

    CASCADE = "cascade"
    SET_NULL = "set_null"


@dataclass(frozen=True)
class Relation:
    """`child` names `parent`; when the parent is deleted, `on_delete` happens to the child."""

    parent: str
    child: str
    on_delete: OnDelete


RELATIONS: Final = (
    Relation("client", "campaign", OnDelete.CASCADE),
    Relation("client", "task", OnDelete.SET_NULL),
    Relation("campaign", "task", OnDelete.SET_NULL),
)


def children_of(parent: str) -> tuple[Relation, ...]:
    """The relations that a delete of `parent` sets in motion, in the order in which they are walked."""
    return tuple(relation for relation in RELATIONS if relation.parent == parent)
