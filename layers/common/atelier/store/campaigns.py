"""Campaigns in the table. A campaign whose client is being cleaned up after is already gone for every reader."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from atelier.domain.campaigns import (
    Campaign,
    CampaignPage,
    CampaignPatch,
    CampaignQuery,
    CampaignStatus,
    NewCampaign,
)
from atelier.domain.errors import NotFound
from atelier.domain.ids import is_id
from atelier.domain.pending_deletions import parent
from atelier.domain.schema import format_timestamp
from atelier.store import account_summary, idempotency, keys, lists
from atelier.store.account_summary import account_summary_from, campaigns_in
from atelier.store.expressions import Attr, Condition
from atelier.store.idempotency import CreateResult, IdempotentRequest
from atelier.store.items import from_item, to_item
from atelier.store.keys import Key, Partition
from atelier.store.lists import Plan
from atelier.store.parents import close_parent, count_child, deletion_marker, new_tally
from atelier.store.table import MISSING, Table, Write, concurrent_update
from atelier.store.versions import Versions, check, patched
from atelier.store.wire import Item


class Campaigns:
    """A user's campaigns. Every method acts for `user_id`: another user's campaigns are not there."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def create(
        self, new: NewCampaign, *, id_: str, user_id: int, idempotent: IdempotentRequest | None, now: datetime
    ) -> CreateResult[Campaign]:
        """Create a campaign under a client that exists at that very moment. Raises NotFound for another."""
        if not is_id(new.client_id):
            raise NotFound("client", new.client_id)
        stamp = format_timestamp(now)
        campaign = Campaign(id=id_, user_id=user_id, created_at=stamp, updated_at=stamp, **new.model_dump())
        one = {campaigns_in(campaign.status): 1}
        writes = [
            count_child(user_id, new.client_id, one, missing=NotFound("client", new.client_id)),
            _put(campaign, condition=MISSING),
            new_tally(user_id, id_, client_id=campaign.client_id),
            account_summary.counting(user_id, **one),
        ]
        return idempotency.create(self._table, campaign, writes, user_id=user_id, idempotent=idempotent, now=now)

    def get(self, campaign_id: str, *, user_id: int) -> Campaign:
        """The campaign. Raises NotFound."""
        key, meta = keys.campaign(user_id, campaign_id), keys.meta(user_id)
        found = self._table.get_many([key, meta]) if is_id(campaign_id) else {}
        if key not in found or account_summary_from(found.get(meta)).pending.has_client(found[key]["client_id"]):
            raise NotFound("campaign", campaign_id)
        return from_item(Campaign, found[key])

    def list(self, query: CampaignQuery, *, user_id: int) -> CampaignPage:
        """A page of the user's campaigns."""
        if query.client_id is not None and not is_id(query.client_id):
            return CampaignPage(**lists.nothing(query).envelope(query))
        return CampaignPage(**lists.read(self._table, _plan(query, user_id), query).envelope(query))

    def list_of_client(self, query: CampaignQuery, *, client_id: str, user_id: int) -> CampaignPage:
        """A page of one client's campaigns. Raises NotFound when the client is not there."""
        if not is_id(client_id):
            raise NotFound("client", client_id)
        client, plan = keys.client(user_id, client_id), _plan(query, user_id)

        def exists(read_together: Mapping[Key, Item]) -> None:
            if client not in read_together:
                raise NotFound("client", client_id)

        asking = replace(plan, counts=(*plan.counts, client), check=exists)
        return CampaignPage(**lists.read(self._table, asking, query).envelope(query))

    def patch(
        self, campaign_id: str, patch: CampaignPatch, *, user_id: int, accepted: Versions, now: datetime
    ) -> Campaign:
        """The campaign with the patch applied; unchanged when nothing differs. Raises NotFound, PreconditionFailed."""

        def attempt() -> Campaign:
            campaign = self.get(campaign_id, user_id=user_id)
            check(campaign, accepted)
            changed = patched(campaign, patch, now=now)
            if changed is not campaign:
                moves = _recounted(campaign, changed) if changed.status != campaign.status else []
                self._table.transact(_put(changed, condition=Attr("version").eq(campaign.version)), *moves)
            return changed

        return self._table.retry_on_conflict(attempt)

    def delete(self, campaign_id: str, *, user_id: int, accepted: Versions, now: datetime) -> None:
        """Delete the campaign: one transaction, whatever it has. Raises NotFound, PreconditionFailed and Busy."""

        def attempt() -> None:
            campaign = self.get(campaign_id, user_id=user_id)
            check(campaign, accepted)
            one_less = {campaigns_in(campaign.status): -1}
            same_version = Attr("version").eq(campaign.version)
            self._table.transact(
                count_child(user_id, campaign.client_id, one_less, missing=NotFound("campaign", campaign_id)),
                Write(
                    keys.campaign(user_id, campaign_id),
                    delete=True,
                    condition=same_version,
                    on_condition_failure=concurrent_update,
                ),
                close_parent(keys.tally(user_id, campaign_id), {}, now=now),
                account_summary.deleting(
                    user_id, parent("campaign", campaign_id), **{campaigns_in(campaign.status): 1}
                ),
                deletion_marker(user_id, "campaign", campaign_id, now=now, client_id=campaign.client_id),
            )

        self._table.retry_on_conflict(attempt)


def _put(campaign: Campaign, *, condition: Condition) -> Write:
    item = to_item(campaign, **keys.campaign_indexes(campaign))
    return Write(
        keys.campaign(campaign.user_id, campaign.id),
        put=item,
        condition=condition,
        on_condition_failure=concurrent_update,
    )


def _recounted(before: Campaign, after: Campaign) -> list[Write]:
    move = {campaigns_in(before.status): -1, campaigns_in(after.status): 1}
    gone = NotFound("campaign", after.id)
    return [
        count_child(after.user_id, after.client_id, move, missing=gone),
        account_summary.counting(after.user_id, **move),
    ]


# ----------------------------------------------------------------------------------------------------------- lists


def _plan(query: CampaignQuery, user_id: int) -> Plan[Campaign]:
    meta, client_id = keys.meta(user_id), query.client_id
    tally = keys.tally(user_id, client_id) if client_id else None
    within = [part for part in (client_id, query.status) if part] if client_id else []
    # With one status, the order by status is the order of creation.
    order = "created_at" if query.status and query.sort_by == "status" else query.sort_by
    return Plan(
        kind=Campaign,
        straight=None if query.search else _straight(query, order, user_id),
        rows=keys.catalogue(user_id, "CAMPAIGN", *within),
        position=keys.POSITION[order],
        key=lambda id_: keys.campaign(user_id, id_),
        counts=(meta, tally) if tally else (meta,),
        total=lambda counts: _total(counts.get(tally) if tally else counts.get(meta), query.status),
        keeps=lambda row: query.status in (None, row["status"]) and lists.named_like(query.search)(row),
        hidden=lambda counts, row: account_summary_from(counts.get(meta)).pending.has_client(row["client_id"]),
    )


def _straight(query: CampaignQuery, order: str, user_id: int) -> Partition | None:
    if query.client_id:
        by_creation = order == "created_at" and query.status is None
        return keys.campaigns_of_client(user_id, query.client_id) if by_creation else None
    if query.status:
        return keys.campaigns_by_status(user_id, query.status) if order == "created_at" else None
    return {
        "created_at": keys.newest(user_id, "CAMPAIGN"),
        "name": keys.by_name(user_id, "CAMPAIGN"),
        "updated_at": keys.by_updated_at(user_id, "CAMPAIGN"),
        "status": keys.campaigns_by_status(user_id),
    }[order]


def _total(counts: Mapping[str, object] | None, status: CampaignStatus | None) -> int:
    if counts is None or "deleted_at" in counts:
        return 0
    by_status = account_summary.campaign_counts(counts)
    return sum(by_status.values()) if status is None else by_status[campaigns_in(status)]
