"""The counters of a parent: a small item that lives as long as its client or campaign does.

It is where the creation of a child meets the deletion of its parent. It is small, whatever the parent holds, and one
update of it both requires that the parent exists and counts the child.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import reduce
from operator import and_
from typing import Any, Final

from atelier.domain.access import Access
from atelier.domain.errors import NotFound
from atelier.domain.kinds import ancestors_of, counters_below, kind_named, path_of
from atelier.domain.pending_deletions import LATE_AFTER
from atelier.domain.schema import UNASSIGNED, format_timestamp
from atelier.store import keys
from atelier.store.expressions import Attr
from atelier.store.table import EXISTS, MISSING, Write, concurrent_update
from atelier.store.wire import Item

LIVE: Final = EXISTS & Attr("deleted_at").not_exists()


def new_counters(account: int, kind: str, fields: Mapping[str, Any]) -> Write:
    """The counters of a new resource, at zero. They name its ancestors, as every resource does."""
    zeros = dict.fromkeys(counters_below(kind), 0)
    item = {"id": fields["id"], **_above(kind, fields), **zeros, **keys.counters_indexes(kind, fields)}
    return Write(keys.counters(account, fields["id"]), put=item, condition=MISSING)


def count_child(account: int, parent_id: str, amounts: Mapping[str, int], *, missing: NotFound) -> Write:
    """The write that counts a child under its parent. Refused with `missing` when the parent is not there."""
    return Write(keys.counters(account, parent_id), add=amounts, condition=LIVE, on_condition_failure=lambda _: missing)


def count_in_ancestors(
    kind: str, fields: Mapping[str, Any], amounts: Mapping[str, int], *, missing: NotFound | None = None
) -> list[Write]:
    """The writes that count in every ancestor of a resource. Refused with `missing` where one is not there.

    Without `missing`, with NotFound of that ancestor. What has no parent is counted among what has none.
    """
    account = fields["user_id"]
    return [
        Write(keys.counters(account, UNASSIGNED), add=amounts)
        if id_ == UNASSIGNED
        else count_child(account, id_, amounts, missing=missing or NotFound(ancestor, id_))
        for ancestor, id_ in zip(ancestors_of(kind), path_of(kind, fields), strict=True)
    ]


def counts_below(kind: str, counters: Item) -> dict[str, int]:
    """How many resources of each counter a resource of `kind` takes with it."""
    return {name: int(counters.get(name, 0)) for name in counters_below(kind)}


def close_parent(account: int, parent_id: str, counts: Mapping[str, int], *, now: datetime) -> Write:
    """The write after which nothing can be created under a parent, while its counters still are `counts`."""
    unchanged = reduce(and_, (Attr(name).eq(count) for name, count in counts.items()), LIVE)
    return Write(
        keys.counters(account, parent_id),
        set={"deleted_at": format_timestamp(now)},
        condition=unchanged,
        on_condition_failure=concurrent_update,
    )


def deletion_marker(access: Access, kind: str, fields: Mapping[str, Any], *, now: datetime) -> Write:
    """The write that starts a cleanup: the stream hands it to the cascade. It names the resource's ancestors.

    It says who deletes: what the cleanup does is theirs in the activity log.
    """
    account = access.account
    due = keys.due_place(fields["id"], now + 2 * LATE_AFTER)
    by = {"deleted_at": format_timestamp(now), "deleted_by": access.actor, "request_id": access.request_id}
    marker = {"kind": kind, "id": fields["id"], "user_id": account, **by, **_above(kind, fields), **due}
    return Write(keys.deletion(account, kind, fields["id"]), put=marker)


def _above(kind: str, fields: Mapping[str, Any]) -> dict[str, str]:
    names = (f"{ancestor}_id" for ancestor in ancestors_of(kind))
    return {name: fields[name] for name in names if fields.get(name)}


def removed_files(account: int, kind: str, id_: str, *, now: datetime) -> Write:
    """The write that has the files of a resource removed which is deleted: the stream hands it to who removes them."""
    due = keys.due_place(id_, now + LATE_AFTER)
    item = {"kind": kind, "id": id_, "user_id": account, "deleted_at": format_timestamp(now), **due}
    return Write(keys.removed_files(account, kind, id_), put=item)


def has_kept_name(kind: str) -> bool:
    """Whether the ledger names resources of this kind, deleted ones included."""
    return kind in {parent.kind for parent in kind_named("task").parents}


def kept_name(account: int, kind: str, fields: Mapping[str, Any], *, now: datetime) -> Write:
    """The write that keeps the name of a resource which is deleted, for reports of what was spent on it."""
    name = {"name": fields["name"], "deleted_at": format_timestamp(now)}
    return Write(keys.ledger_name(account, kind, str(fields["id"])), put=name)
