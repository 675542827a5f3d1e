"""Exports in the table: asked for by who may read what is in them, carried out step by step, gone after a week.

An export is of who asked for it. Whoever was let in by a share is asked for it again at every look, so that what was
shared no longer is no longer downloaded.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from atelier.domain.access import Access
from atelier.domain.campaigns import Campaign, CampaignPage
from atelier.domain.clients import Client, ClientPage
from atelier.domain.due import LATE_AFTER
from atelier.domain.errors import FieldError, Invalid, NotFound
from atelier.domain.exports import LEASE, OPEN, Export, ExportPage, ExportQuery, ExportStatus, NewExport, new_export
from atelier.domain.ids import is_id
from atelier.domain.sharing import ACCOUNT, READ, Grant
from atelier.store import idempotency, keys, newest
from atelier.store.expressions import Attr, Condition
from atelier.store.idempotency import CreateResult, IdempotentRequest
from atelier.store.items import from_item, from_items, to_item
from atelier.store.keys import Key
from atelier.store.received import grants_in, is_there, shared_keys, still_granted
from atelier.store.resources import Resources
from atelier.store.table import EXISTS, MISSING, ConcurrentUpdate, Table, Write, concurrent_update
from atelier.store.wire import Item

_LIVES: Final = EXISTS & Attr("deleted_at").not_exists()


class Exports:
    """See the module."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._clients = Resources(table, "client", Client, ClientPage)
        self._campaigns = Resources(table, "campaign", Campaign, CampaignPage)

    # ---------------------------------------------------------------------------------------------- for who asks

    def create(
        self, new: NewExport, *, id_: str, access: Access, idempotent: IdempotentRequest | None, now: datetime
    ) -> CreateResult[Export]:
        """Keep what was asked for. Raises NotFound for what the actor may not see, and Invalid."""

        def load(made: str) -> Export:
            return self.get(made, access=access)

        options: Any = {"access": access, "idempotent": idempotent, "load": load, "now": now}

        def attempt() -> CreateResult[Export]:
            # What it is of may be gone, and the export be there.
            if replay := idempotency.find_replay(self._table, **options):
                return replay
            acting, name = self._acting_on(new, access)
            grant = (acting.grant.kind, acting.grant.id) if acting.grant else None
            export = new_export(
                new, id_=id_, account=acting.account, actor=access.actor, grant=grant, name=name, now=now
            )
            kept = Write(keys.export(access.actor, id_), put=_item(export), condition=MISSING)
            writes = [*still_granted(acting), kept]
            return idempotency.create(self._table, export, writes, id_=id_, **options)

        return self._table.retry_on_conflict(attempt)

    def _acting_on(self, new: NewExport, access: Access) -> tuple[Access, str | None]:
        """The access to what is to be exported, and its name."""
        if new.client_id is not None:
            client, acting = self._clients.get_by(new.client_id, access=access, needs=READ)
            return acting, client.name
        if new.campaign_id is not None:
            campaign, acting = self._campaigns.get_by(new.campaign_id, access=access, needs=READ)
            return acting, campaign.name
        return self._reach_tasks(new.task_ids or (), access), None

    def _reach_tasks(self, task_ids: Iterable[str], access: Access) -> Access:
        wanted = {id_: keys.task(id_) for id_ in task_ids if is_id(id_)}
        summary = keys.summary(access.actor)
        found = self._table.get_many([*wanted.values(), summary])
        for id_ in task_ids:
            if id_ not in wanted or wanted[id_] not in found:
                raise NotFound("task", id_)
        tasks = {id_: found[key] for id_, key in wanted.items()}
        foreign = {id_: item for id_, item in tasks.items() if item["user_id"] != access.account}
        if not foreign:
            return access
        grants = self._live(grants_in(found.get(summary), access), {item["user_id"] for item in foreign.values()})
        for id_, item in foreign.items():
            if not any(_covers(grant, item) for grant in grants):
                raise NotFound("task", id_)
        for grant in grants:
            if all(_covers(grant, item) for item in tasks.values()):
                return access.by(grant)
        raise Invalid([FieldError("must be tasks of one account, below one share of it", pointer="/task_ids")])

    def _live(self, grants: Iterable[Grant], accounts: Iterable[int]) -> list[Grant]:
        """The grants of these accounts whose resource is there; grants of accounts are the last."""
        candidates = [each for each in grants if each.account in accounts]
        there = self._table.get_many(key for each in candidates for key in shared_keys(each))
        return [each for each in candidates if is_there(each, there)]

    def get(self, id_: str, *, access: Access) -> Export:
        """The export. Raises NotFound also when the actor may no longer read what is in it."""
        export = self.load(access.actor, id_) if is_id(id_) else None
        if (
            export is None
            or export.deleted_at is not None
            or export.expires_at <= access.at
            or not self._readable([export], access)
        ):
            raise NotFound("export", id_)
        return export

    def page(self, query: ExportQuery, *, access: Access) -> ExportPage:
        """A page of the exports that the actor has asked for, without those that the actor may no longer read."""
        there = Attr("deleted_at").not_exists() & Attr("expires_at").gt(int(access.at.timestamp()))
        partition = keys.exports_of(access.actor)
        found, envelope = newest.read(self._table, partition, query, shown=there, status=query.status)
        return ExportPage(items=self._readable(from_items(Export, found), access), **envelope)

    def _readable(self, exports: Sequence[Export], access: Access) -> list[Export]:
        """Those of which the actor may still read what is in them."""
        given = {_given_by(each) for each in exports if each.grant_kind}
        if not given:
            return [*exports]
        grants = grants_in(self._table.get(keys.summary(access.actor)), access)
        same = [each for each in grants if (each.account, each.kind, each.id) in given]
        there = self._live(same, {each.account for each in same})
        open_ = {(each.account, each.kind, each.id) for each in there}
        return [each for each in exports if not each.grant_kind or _given_by(each) in open_]

    def delete(self, id_: str, *, access: Access) -> Export:
        """Let the export be gone for its reader; what is left of it is work that is due. Raises NotFound."""
        export = self.get(id_, access=access)
        gone = export.model_copy(update={"deleted_at": access.at, "next_at": access.at})
        try:
            self._change(gone, _LIVES, "deleted_at", "next_at")
        except ConcurrentUpdate:
            raise NotFound("export", id_) from None
        return gone

    # ------------------------------------------------------------------------------------------ for the worker

    def load(self, user_id: int, id_: str) -> Export | None:
        """The stored export that a user has asked for, whatever has become of it."""
        item = self._table.get(keys.export(user_id, id_))
        return from_item(Export, item) if item else None

    def lease(self, export: Export, *, now: datetime) -> Export | None:
        """The export with a lease on its step; None when somebody has one or was faster."""
        if export.lease_until is not None and export.lease_until > now:
            return None
        until = now + LEASE
        leased = export.model_copy(
            update={
                "status": ExportStatus.PROCESSING,
                "attempts": export.attempts + 1,
                "lease_until": until,
                "next_at": until,
                "version": export.version + 1,
            }
        )
        try:
            self._change(leased, _same(export), "status", "attempts", "lease_until", "next_at")
        except ConcurrentUpdate:
            return None
        return leased

    def change(self, export: Export, **change: Any) -> Export:
        """The export with these fields changed. Raises ConcurrentUpdate when it was deleted or changed meanwhile."""
        changed = export.model_copy(update={**change, "version": export.version + 1})
        self._change(changed, _same(export), *change)
        return changed

    def remove(self, export: Export) -> None:
        """Remove the export from the table."""
        self._table.write(Write(keys.export(export.created_by, export.id), delete=True))

    def tasks_below(self, export: Export, start: Item | None, limit: int) -> tuple[list[str], Item | None]:
        """Ids of tasks that an export may have, in their order, and where the next of them begin."""
        if export.task_ids is not None:
            return sorted(export.task_ids), None
        partition = (
            keys.tasks_of_campaign(export.user_id, export.campaign_id)
            if export.campaign_id
            else keys.tasks_of_client(export.user_id, str(export.client_id))
        )
        page = self._table.query(partition, start=start, limit=limit, only=("id",))
        return [row["id"] for row in page.items], page.next_start

    def items(self, wanted: Iterable[Key]) -> dict[Key, Item]:
        """Items as they are now."""
        return self._table.get_many(wanted)

    def _change(self, export: Export, condition: Condition, *names: str) -> None:
        item = _item(export)
        changed = {*names, "version", *keys.DUE}
        self._table.write(
            Write(
                keys.export(export.created_by, export.id),
                set={name: item[name] for name in changed if name in item},
                remove=[name for name in (*names, *keys.DUE) if name not in item],
                condition=condition,
                on_condition_failure=concurrent_update,
            )
        )


def _same(export: Export) -> Condition:
    return _LIVES & Attr("version").eq(export.version)


def _item(export: Export) -> Item:
    """The export as it is stored. It is due as long as something of it is left to do."""
    left = export.deleted_at is not None or export.status in OPEN
    due = keys.due_place(export.id, export.next_at + LATE_AFTER if left and export.next_at else None)
    # DynamoDB's TTL takes seconds; whoever reads it makes a moment of them.
    return to_item(export, **due) | {"expires_at": int(export.expires_at.timestamp())}


def _given_by(export: Export) -> tuple[int, str | None, str | None]:
    return export.user_id, export.grant_kind, export.grant_id


def _covers(grant: Grant, item: Mapping[str, Any]) -> bool:
    return grant.account == item["user_id"] and grant.covers("task", item)


def shows(export: Export, fields: Mapping[str, Any]) -> bool:
    """Whether a task, with its links as readers see them, is one that the export is about and its reader may see."""
    wanted = {"client_id": export.client_id, "campaign_id": export.campaign_id}
    if export.grant_kind not in (None, ACCOUNT):
        wanted[f"{export.grant_kind}_id"] = export.grant_id
    is_one = all(fields.get(name) == id_ for name, id_ in wanted.items() if id_ is not None)
    return bool(is_one and fields["user_id"] == export.user_id)
