"""Where a grant is kept in the summary of its guest's account, and how it is removed; `store.received` reads grants."""

from typing import Final

from atelier.store import keys
from atelier.store.expressions import Attr
from atelier.store.table import Write, concurrent_update

GRANT: Final = "grant#"


def grant_name(kind: str, id_: str) -> str:
    """The attribute that holds the grant of a resource."""
    return f"{GRANT}{kind}#{id_}"


def number_received(kind: str) -> str:
    """The attribute that counts the grants of a kind."""
    return f"{kind}s_received"


def removed_grant(guest: int, kind: str, id_: str) -> Write:
    """The write that takes a grant from a guest."""
    name = grant_name(kind, id_)
    return Write(
        keys.summary(guest),
        remove=[name],
        add={number_received(kind): -1},
        condition=Attr(name).exists(),
        on_condition_failure=concurrent_update,
    )
