"""The activity log as it is read: partitions of an account, a client or a campaign, merged by id, newest first."""

import json
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from atelier.domain.access import Access
from atelier.domain.activity import KEPT
from atelier.domain.activity_list import Activity, ActivityPage, ActivityQuery
from atelier.domain.ids import first_id_at, is_id, last_id_at
from atelier.domain.roles import Role
from atelier.domain.sharing import ACCOUNT, Grant, disjoint, owned_by
from atelier.store import keys
from atelier.store.expressions import Attr, Condition
from atelier.store.keys import Partition
from atelier.store.lists import cursor_of
from atelier.store.newest import filter_of, limit_of, page_of
from atelier.store.received import grants_in, is_there, shared_keys
from atelier.store.table import Query, QueryPage, Table
from atelier.store.wire import Item


class ActivityReader:
    """Reads activity logs, and writes nothing."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def _shared(
        self, query: ActivityQuery, grants: Sequence[Grant], within: Condition, *, manages: bool
    ) -> list[QueryPage]:
        queries = [
            (grant, each)
            for grant in grants
            for each in self._queries(query, grant.account, grant, within, manages=manages and grant.role is Role.ADMIN)
        ]
        wanted = [key for grant, _ in queries for key in shared_keys(grant)]
        pages, beside = self._table.read_together(wanted, [each for _, each in queries])
        return [page for (grant, _), page in zip(queries, pages, strict=True) if is_there(grant, beside)]

    def _queries(
        self, query: ActivityQuery, account: int, grant: Grant | None, within: Condition, *, manages: bool
    ) -> list[Query]:
        """The queries for what of a log was asked for and may be seen, by who `manages` shares and secrets or not."""
        scope = _scope(query, grant)
        if scope is None:
            return []
        parts = [_partition(account, *scope, managed) for managed in ((False, True) if manages else (False,))]
        return [_query(query, part, within) for part in parts]

    def list(self, query: ActivityQuery, *, access: Access, now: datetime) -> ActivityPage:
        """A page of what concerns what the actor may see."""
        if not all(is_id(each) for each in (query.client_id, query.campaign_id) if each is not None):
            return _page(query, [])
        within = _within(query, now)
        if within is None:
            return _page(query, [])
        summary = keys.summary(access.actor)
        is_mine = query.owner in (None, "me", str(access.account))
        manages = access.role is Role.ADMIN  # the lower of a token's and a share's role is what counts
        own = self._queries(query, access.account, None, within, manages=manages) if is_mine else []
        is_all = query.owner not in ("me", str(access.account))
        pages, beside = self._table.read_together([summary] if is_all else [], own)
        grants = disjoint(owned_by(grants_in(beside.get(summary), access), query.owner)) if is_all else ()
        return _page(query, [*pages, *self._shared(query, grants, within, manages=manages)])


Scope = tuple[str | None, str | None]
"""The client and the campaign whose entries are asked for; None is any."""


def _scope(query: ActivityQuery, grant: Grant | None) -> Scope | None:
    """Which part of a log is asked for, as far as a grant covers it; None when that is nothing."""
    if grant is None or grant.kind == ACCOUNT:
        return query.client_id, query.campaign_id
    if grant.kind == "client":
        return (grant.id, query.campaign_id) if query.client_id in (None, grant.id) else None
    covered = query.campaign_id in (None, grant.id) and query.client_id in (None, grant.client_id)
    return (query.client_id, grant.id) if covered else None


def _partition(account: int, client_id: str | None, campaign_id: str | None, managed: bool) -> Partition:
    if campaign_id:
        return keys.activity_of_campaign(account, campaign_id, managed)
    return (
        keys.activity_of_client(account, client_id, managed)
        if client_id
        else keys.activity_of_account(account, managed)
    )


def _query(query: ActivityQuery, partition: Partition, within: Condition) -> Query:
    keep = filter_of(actor=query.actor, action=query.action)
    return Query(
        partition, forward=False, limit=limit_of(query, is_filtered=keep is not None), within=within, keep=keep
    )


def _within(query: ActivityQuery, now: datetime) -> Condition | None:
    """The ids between the bounds that were asked for; None when there are none."""
    cursor = cursor_of(query)
    since = max(query.from_, now - KEPT) if query.from_ else now - KEPT  # TTL removes entries late
    low, high = first_id_at(since), last_id_at(query.to or now)
    if query.to is None:
        high = "ffffffff-ffff-ffff-ffff-ffffffffffff"
    if cursor:
        high = min(high, str(UUID(int=max(UUID(cursor.id).int - 1, 0))))
    return Attr("id").between(low, high) if low <= high else None


def _page(query: ActivityQuery, pages: Sequence[QueryPage]) -> ActivityPage:
    rows = (row for page in pages for row in page.items if _is_asked(query, row))
    shown, envelope = page_of(query, rows, (str(page.next_start["id"]) for page in pages if page.next_start))
    return ActivityPage(items=[_activity(row) for row in shown], **envelope)


def _is_asked(query: ActivityQuery, row: Item) -> bool:
    # A campaign's client never changes: of a campaign and a client that do not belong together there is nothing.
    return query.client_id in (None, row.get("client_id"))


def _activity(row: Item) -> Activity:
    about = {"type": row["type"], "id": row["resource_id"], "name": row.get("name")}
    optional = {name: row.get(name) for name in ("actor", "client_id", "campaign_id", "request_id")}
    fields = {name: row[name] for name in ("id", "at", "action", "user_id")}
    return Activity.model_validate({**fields, **optional, "resource": about, "changes": json.loads(row["changes"])})
