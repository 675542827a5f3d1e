"""One small item per account: exact totals of its resources, and the deletions whose cleanup has not ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from atelier.domain.errors import Busy
from atelier.domain.pending_deletions import PendingDeletions
from atelier.store import keys
from atelier.store.expressions import Attr
from atelier.store.table import Write
from atelier.store.wire import Item

MAX_PENDING: Final = 200
"""Deletions of one account whose cleanup has not ended: what a list of unassigned tasks may be made to read.

It asks the partition of each of these clients that has tasks, `table.AT_ONCE` of them at a time: eight rounds at most.
"""


@dataclass(frozen=True)
class AccountSummary:
    """An account's counters and pending deletions, as of one read."""

    counters: Mapping[str, int]
    pending: PendingDeletions


def summary_from(item: Item | None) -> AccountSummary:
    """What the item says; an account that has none yet has nothing."""
    item = item or {}
    counters = {name: value for name, value in item.items() if name != "pending" and isinstance(value, int)}
    return AccountSummary(counters, PendingDeletions(frozenset(item.get("pending", ()))))


def add_to_totals(account: int, amounts: Mapping[str, int]) -> Write:
    """The write that adds `amounts` to an account's totals."""
    return Write(keys.summary(account), add=amounts)


def add_pending(account: int, member: str, amounts: Mapping[str, int]) -> Write:
    """The write that takes a deleted resource out of the totals and adds it to the pending deletions.

    Refused with Busy when there are `MAX_PENDING` of them.
    """
    there_is_room = Attr("pending").not_exists() | Attr("pending").size().lt(MAX_PENDING)
    less: dict[str, Any] = {name: -amount for name, amount in amounts.items() if amount}
    return Write(
        keys.summary(account),
        add={"pending": {member}} | less,
        condition=there_is_room,
        on_condition_failure=lambda _: Busy(f"{MAX_PENDING} deletes are still being cleaned up.", retry_after=30),
    )
