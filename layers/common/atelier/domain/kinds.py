"""The kinds of resources and their foreign keys: one row per kind.

Key prefixes, index positions, counters, pending deletions and the cascade are derived from these rows. A kind with a
CASCADE parent stores the ids of all its ancestors (`client_id`, `campaign_id`, ...), so that every ancestor's deletion
finds it directly and every reader can tell whether an ancestor is gone. docs/extending.md shows how to add one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Final

from atelier.domain.schema import UNASSIGNED


class OnDelete(StrEnum):
    """SQL's referential actions that this schema uses."""

    CASCADE = "cascade"
    SET_NULL = "set_null"


@dataclass(frozen=True)
class Parent:
    """A foreign key: the child's field `<kind>_id` names a resource of `kind`, or nothing where it is `optional`."""

    kind: str
    on_delete: OnDelete
    optional: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of resource. `sorts` are the fields it can be listed by, besides its creation.

    `statuses` are the values of its field `status`, by which it is counted; a kind without them has one count.
    `filters` are further fields that lists select by. What `has_files` leaves files behind that are removed after it. A
    kind that is not `in_account` has keys and indexes of its own (`store.keys`), because it is too many for one
    partition. `long_text` is the field that is stored as an item of its own where it is long (`store.long_texts`).
    `logged` are the fields whose changes are in the activity log (`domain.activity`); a secret is none of them.
    """

    name: str
    parents: tuple[Parent, ...] = ()
    sorts: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    has_files: bool = False
    in_account: bool = True
    long_text: str | None = None
    logged: tuple[str, ...] = ()


@dataclass(frozen=True)
class Relation:
    """What the deletion of a `parent` does to each `child` below it, directly or through another kind."""

    parent: str
    child: str
    on_delete: OnDelete


_SHARE: Final = ("shared_with", "role", "expires_at")
_INVITATION: Final = ("role", "expires_at", "email")

KINDS: Final = (
    Kind(
        "client",
        sorts=("name", "updated_at"),
        long_text="brand_guidelines",
        logged=("name", "description", "brand_guidelines"),
    ),
    Kind(
        "campaign",
        parents=(Parent("client", OnDelete.CASCADE),),
        sorts=("name", "updated_at", "status"),
        statuses=("active", "archived", "draft"),
        long_text="brief",
        logged=("name", "goal", "status", "brief"),
    ),
    Kind(
        "asset",
        parents=(Parent("client", OnDelete.CASCADE, optional=True),),
        sorts=("name", "updated_at", "status"),
        statuses=("pending", "ready", "rejected"),
        filters=("purpose",),
        has_files=True,
        logged=("name", "purpose", "status", "client_id"),
    ),
    # What is shared with a guest is also a grant in the summary of the guest's account (`store.shares`).
    Kind("client_share", parents=(Parent("client", OnDelete.CASCADE),), sorts=("updated_at",), logged=_SHARE),
    Kind("campaign_share", parents=(Parent("campaign", OnDelete.CASCADE),), sorts=("updated_at",), logged=_SHARE),
    Kind("account_share", sorts=("updated_at",), logged=_SHARE),
    Kind("client_invitation", parents=(Parent("client", OnDelete.CASCADE),), sorts=("updated_at",), logged=_INVITATION),
    Kind(
        "campaign_invitation",
        parents=(Parent("campaign", OnDelete.CASCADE),),
        sorts=("updated_at",),
        logged=_INVITATION,
    ),
    Kind("account_invitation", sorts=("updated_at",), logged=_INVITATION),
    # More than one partition can hold.
    Kind(
        "task",
        parents=(Parent("client", OnDelete.SET_NULL), Parent("campaign", OnDelete.SET_NULL)),
        in_account=False,
        # Not how far the pipeline is: that is in the task.
        logged=(
            "type",
            "status",
            "provider",
            "model",
            "prompt",
            "client_id",
            "campaign_id",
            "retry_of",
            "metadata",
            "rating",
            "tags",
        ),
    ),
)
"""Parents stand before their children."""


@cache
def kind_named(name: str) -> Kind:
    """The row of a kind. Raises KeyError."""
    return {kind.name: kind for kind in KINDS}[name]


@cache
def ancestors_of(name: str) -> tuple[str, ...]:
    """The kinds that a kind is deleted with, the outermost first: ("client",) for campaigns."""
    owners = [parent.kind for parent in kind_named(name).parents if parent.on_delete is OnDelete.CASCADE]
    return tuple(dict.fromkeys(kind for owner in owners for kind in (*ancestors_of(owner), owner)))


def path_of(name: str, fields: Mapping[str, Any]) -> tuple[str, ...]:
    """The ids of what a resource is deleted with, the outermost first; UNASSIGNED where it has no such parent."""
    return tuple(fields.get(f"{ancestor}_id") or UNASSIGNED for ancestor in ancestors_of(name))


@cache
def has_optional_parent(name: str) -> bool:
    """Whether a resource of this kind may stand below nothing."""
    return any(parent.optional for parent in kind_named(name).parents)


@cache
def is_parent(name: str) -> bool:
    """Whether other kinds have a foreign key to this one."""
    return any(parent.kind == name for kind in KINDS for parent in kind.parents)


@cache
def relations_of(name: str) -> tuple[Relation, ...]:
    """What the deletion of a resource of this kind does to all kinds below it, at any depth.

    This is the transitive closure of the foreign keys: what a child is deleted with includes what its parent is deleted
    with, so no deletion depends on another one having run before.
    """
    found = []
    for kind in KINDS:
        if name in ancestors_of(kind.name):
            found.append(Relation(name, kind.name, OnDelete.CASCADE))
        elif links_to_clear(kind.name, name):
            found.append(Relation(name, kind.name, OnDelete.SET_NULL))
    return tuple(found)


@cache
def links_to_clear(child: str, deleted: str) -> tuple[str, ...]:
    """The fields of a `child` that the deletion of a `deleted` sets to null: links to it and to what goes with it."""
    return tuple(
        f"{parent.kind}_id"
        for parent in kind_named(child).parents
        if parent.on_delete is OnDelete.SET_NULL and deleted in (parent.kind, *ancestors_of(parent.kind))
    )


@cache
def counter_names(name: str) -> tuple[str, ...]:
    """The counters of a kind: `clients`, or one per status: `campaigns_active`, ..."""
    kind = kind_named(name)
    return tuple(f"{name}s_{status}" for status in kind.statuses) or (f"{name}s",)


def counter_of(name: str, fields: Mapping[str, Any]) -> str:
    """The counter that counts a resource with these fields."""
    return f"{name}s_{fields['status']}" if kind_named(name).statuses else f"{name}s"


@cache
def counters_below(name: str) -> tuple[str, ...]:
    """The counters of all kinds that are deleted with this one."""
    below = (relation.child for relation in relations_of(name) if relation.on_delete is OnDelete.CASCADE)
    return tuple(counter for child in below for counter in counter_names(child))
