"""One small item per user: exact totals of the catalogue, and the parents whose clean-up is pending."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from atelier.domain.campaigns import CampaignStatus
from atelier.domain.errors import Busy
from atelier.domain.pending_deletions import PendingDeletions
from atelier.store import keys
from atelier.store.expressions import Attr
from atelier.store.table import Write
from atelier.store.wire import Item

# Bounds the item that every read of a child reads, and the work a reader can be made to do.
MAX_PENDING: Final = 1000


@dataclass(frozen=True)
class AccountSummary:
    """A user's totals and pending set, as of one read."""

    clients: int
    campaigns: Mapping[str, int]
    pending: PendingDeletions


def account_summary_from(item: Item | None) -> AccountSummary:
    """What the item says; a user who has none yet has nothing."""
    item = item or {}
    return AccountSummary(
        int(item.get("clients", 0)), campaign_counts(item), PendingDeletions(frozenset(item.get("pending", ())))
    )


def campaign_counts(item: Mapping[str, Any]) -> dict[str, int]:
    """How many campaigns of each status an owner's or a client's counts say there are, by attribute."""
    names = (campaigns_in(status) for status in CampaignStatus)
    return {name: int(item.get(name, 0)) for name in names}


def campaigns_in(status: CampaignStatus) -> str:
    """The attribute that counts the campaigns of one status."""
    return f"campaigns_{status}"


def counting(user_id: int, **amounts: int) -> Write:
    """The write that adds `amounts` to a user's totals."""
    return Write(keys.meta(user_id), add=amounts)


def deleting(user_id: int, parent: str, **amounts: int) -> Write:
    """The write that takes a parent out of a user's totals and marks its clean-up as pending."""
    there_is_room = Attr("pending").not_exists() | Attr("pending").size().lt(MAX_PENDING)
    return Write(
        keys.meta(user_id),
        add={"pending": {parent}} | {name: -amount for name, amount in amounts.items() if amount},
        condition=there_is_room,
        on_condition_failure=lambda _: Busy(f"{MAX_PENDING} deletes are still being cleaned up.", retry_after=30),
    )
