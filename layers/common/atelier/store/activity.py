"""Entries of the activity log as they are written (ADR 44).

What was created or changed is logged from the table's stream, where the item itself says who has changed it. A record
of a removal does not: who removes something puts the entry into the same transaction. Budgets and webhook secrets,
whose items belong to nobody's changes, do the same.
"""

import json
from datetime import datetime
from typing import Any

from atelier.domain.access import Access
from atelier.domain.activity import KEPT, MANAGED, Changes, Entry, Image, entry_of_removal
from atelier.domain.schema import format_timestamp
from atelier.store import keys
from atelier.store.table import Table, Write


def written(entry: Entry) -> Write:
    """The write of an entry. A second one is the same item."""
    managed = entry.type in MANAGED
    links: Any = {"client_id": entry.client_id, "campaign_id": entry.campaign_id}
    may_be_none = {"actor": entry.actor, "name": entry.name, "request_id": entry.request_id, **links}
    item = {
        "id": entry.id,
        "user_id": entry.account,
        "at": entry.at,
        "action": entry.action,
        "type": entry.type,
        "resource_id": entry.resource_id,
        "changes": json.dumps(entry.changes, ensure_ascii=False, separators=(",", ":")),
        "expires_at": int((datetime.fromisoformat(entry.at) + KEPT).timestamp()),
        **{name: value for name, value in may_be_none.items() if value is not None},
        **keys.activity_indexes(entry.account, managed=managed, **links),
    }
    return Write(keys.activity(entry.id), put=item)


def removed(kind: str, item: Image, access: Access, *, now: datetime) -> Write:
    """The entry of what a request deletes, for its transaction."""
    return written(
        entry_of_removal(kind, item, at=format_timestamp(now), actor=access.actor, request_id=access.request_id)
    )


def done(
    what: str,
    verb: str,
    access: Access,
    *,
    id_: str,
    version: int,
    changes: Changes,
    now: datetime,
    client_id: str | None = None,
    campaign_id: str | None = None,
) -> Write:
    """The entry of a request that changes what is no resource of its own: a budget, a webhook secret."""
    return written(
        Entry(
            account=access.account,
            kind=what,
            resource_id=id_,
            verb=verb,
            change=str(version),
            at=format_timestamp(now),
            actor=access.actor,
            request_id=access.request_id or None,
            changes=changes,
            client_id=client_id,
            campaign_id=campaign_id,
        )
    )


class ActivityLog:
    """The activity log, as the stream's consumer writes it."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, entry: Entry) -> None:
        """Write an entry, once or more often."""
        self._table.write(written(entry))
