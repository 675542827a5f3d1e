"""What clients and campaigns have in common as parents: a tally that is alive as long as they are.

The tally is where a child's create meets its parent's delete. It is small, whatever the parent holds, and one update
of it both demands that the parent exists and counts the child.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import reduce
from operator import and_
from typing import Final

from atelier.domain.errors import NotFound
from atelier.domain.schema import format_timestamp
from atelier.store import keys
from atelier.store.account_summary import campaign_counts
from atelier.store.expressions import Attr
from atelier.store.keys import Key
from atelier.store.table import EXISTS, MISSING, Write, concurrent_update

LIVE: Final = EXISTS & Attr("deleted_at").not_exists()


def new_tally(user_id: int, parent_id: str, *, client_id: str | None = None) -> Write:
    """The tally of a new client, or of a new campaign of `client_id`: nothing counted yet."""
    about = (
        keys.campaign_tally_index(client_id, parent_id) | {"client_id": client_id} if client_id else campaign_counts({})
    )
    return Write(keys.tally(user_id, parent_id), put={"id": parent_id, **about}, condition=MISSING)


def count_child(user_id: int, parent_id: str, amounts: Mapping[str, int], *, missing: NotFound) -> Write:
    """The write that counts a child under its parent, and refuses with `missing` when the parent is not there."""
    return Write(
        keys.tally(user_id, parent_id),
        add=amounts,
        condition=LIVE,
        on_condition_failure=lambda _: missing,
    )


def close_parent(tally: Key, counts: Mapping[str, int], *, now: datetime) -> Write:
    """The write after which nothing can be created under a parent; outrun when `counts` are no longer its counts."""
    unchanged = reduce(and_, (Attr(name).eq(count) for name, count in counts.items()), LIVE)
    return Write(
        tally, set={"deleted_at": format_timestamp(now)}, condition=unchanged, on_condition_failure=concurrent_update
    )


def deletion_marker(user_id: int, kind: str, parent_id: str, *, now: datetime, **about: str) -> Write:
    """The write that starts a clean-up: the stream hands it to the cascade."""
    known = {"kind": kind, "id": parent_id, "user_id": user_id, "deleted_at": format_timestamp(now), **about}
    return Write(keys.deletion(user_id, kind, parent_id), put=known)
