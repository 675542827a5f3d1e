"""Resources of the kinds that stand in their account's partition: created, read, changed, deleted and listed.

What is special about a kind is its row in `domain.kinds`. A resource whose ancestor is being cleaned up is already gone
for every reader.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from atelier.domain.access import Access
from atelier.domain.errors import Forbidden, NotFound
from atelier.domain.ids import is_id
from atelier.domain.kinds import (
    ancestors_of,
    counter_of,
    has_optional_parent,
    is_parent,
    kind_named,
)
from atelier.domain.pages import ListQuery, Page
from atelier.domain.pending_deletions import member
from atelier.domain.schema import RequestModel, StoredModel, format_timestamp
from atelier.domain.sharing import CHANGE, DELETE, READ, Needs
from atelier.store import activity, idempotency, keys, lists, long_texts, parents, received
from atelier.store.account_summary import add_pending, add_to_totals, summary_from
from atelier.store.changes import Change
from atelier.store.expressions import Attr, Condition
from atelier.store.idempotency import CreateResult, IdempotentRequest
from atelier.store.items import from_item, from_items, to_item
from atelier.store.keys import Key
from atelier.store.received import still_granted
from atelier.store.resource_lists import list_plan
from atelier.store.table import MISSING, Table, Write, concurrent_update
from atelier.store.versions import Versions, check, patched
from atelier.store.wire import Item

AnyRecord = TypeVar("AnyRecord", bound=StoredModel)


class Resources(Generic[AnyRecord]):
    """The resources of one kind. Every method acts for `access`.

    With access to the actor's own account, what is not there is looked for among what was shared with the actor. What
    is neither is not there, and what the grant does not allow raises Forbidden.
    """

    def __init__(self, table: Table, kind: str, model: type[AnyRecord], page: type[Page[AnyRecord]]) -> None:
        self._table = table
        self.kind = kind
        self._model = model
        self._page = page

    def create(
        self,
        new: RequestModel,
        *,
        id_: str,
        access: Access,
        idempotent: IdempotentRequest | None,
        now: datetime,
        needs: Needs = CHANGE,
    ) -> CreateResult[AnyRecord]:
        """Create a resource under ancestors that exist at that very moment. Raises NotFound for others.

        `needs` is what it takes of a guest to create below the parent. A `user_id` of `new` names the account.
        """
        *_, parent = ancestors_of(self.kind) or ("",)
        account = vars(new).get("user_id") or access.account
        if account == access.account:
            try:
                return self._create(new, id_=id_, access=access, idempotent=idempotent, now=now)
            except NotFound as missing:
                if missing.kind != parent or not access.is_own:
                    raise

        def as_guest() -> CreateResult[AnyRecord]:
            if account == access.account:
                parent_id = vars(new)[f"{parent}_id"]
                guest, _ = received.reach(self._table, parent, parent_id, access=access, needs=needs)
            else:
                guest = received.reach_account(self._table, account, access=access, needs=needs)
            return self._create(new, id_=id_, access=guest, idempotent=idempotent, now=now)

        try:
            return self._table.retry_on_conflict(as_guest)
        except Forbidden:
            # Who may no longer create may still see what an earlier request with this key has created.
            if replay := self.find_replay(idempotent, access=access, now=now):
                return replay
            raise

    def find_replay(
        self, idempotent: IdempotentRequest | None, *, access: Access, now: datetime
    ) -> CreateResult[AnyRecord] | None:
        """What an earlier request with this key created, as it is now. Raises IdempotencyKeyReused and NotFound.

        It is for requests that may be refused before `create` by what has changed since: the time, a role, a setting.
        """
        return idempotency.find_replay(
            self._table, access=access, idempotent=idempotent, load=self._loader(access), now=now
        )

    def _loader(self, access: Access) -> Callable[[str], AnyRecord]:
        return lambda created: self.get(created, access=access.before_grants())

    def _create(
        self, new: RequestModel, *, id_: str, access: Access, idempotent: IdempotentRequest | None, now: datetime
    ) -> CreateResult[AnyRecord]:
        change = self._creation(new, id_=id_, access=access, now=now)
        return idempotency.create(
            self._table,
            change.record,
            list(change.writes),
            id_=id_,
            access=access,
            idempotent=idempotent,
            load=self._loader(access),
            now=now,
        )

    def creating(self, new: RequestModel, *, id_: str, access: Access, now: datetime, as_guest: bool) -> Change:
        """The change that creates a resource; with `as_guest`, below what was shared with the actor.

        Its writes are refused with NotFound. Raises NotFound and Forbidden.
        """
        account = vars(new).get("user_id") or access.account
        if account != access.account:
            access = received.reach_account(self._table, account, access=access, needs=CHANGE)
        elif as_guest and ancestors_of(self.kind):
            *_, parent = ancestors_of(self.kind)
            access, _ = received.reach(self._table, parent, vars(new)[f"{parent}_id"], access=access, needs=CHANGE)
        return self._creation(new, id_=id_, access=access, now=now)

    def _creation(self, new: RequestModel, *, id_: str, access: Access, now: datetime) -> Change:
        asked = new.model_dump()
        given = {**asked, **self._ancestors_of(asked, access), **_new_fields(id_, access, now)}
        record = self._model.model_validate(given)
        fields, one = vars(record), {counter_of(self.kind, vars(record)): 1}
        writes = [*still_granted(access), *parents.count_in_ancestors(self.kind, fields, one)]
        writes += self._put(record, condition=MISSING, access=access)
        if is_parent(self.kind):
            writes.append(parents.new_counters(access.account, self.kind, fields))
        writes.append(add_to_totals(access.account, one))
        return Change(writes, record)

    def get(self, id_: str, *, access: Access) -> AnyRecord:
        """The resource. Raises NotFound."""
        return self.get_by(id_, access=access, needs=READ)[0]

    def get_by(self, id_: str, *, access: Access, needs: Needs) -> tuple[AnyRecord, Access]:
        """The resource, and the access by which the actor may use it. Raises NotFound and Forbidden."""

        def attempt() -> tuple[AnyRecord, Access]:
            item, _, acting = self._read(id_, access, needs)
            return from_item(self._model, item), acting

        return self._table.retry_on_conflict(attempt)

    def patch(self, id_: str, patch: RequestModel, *, access: Access, accepted: Versions, now: datetime) -> AnyRecord:
        """The resource with the patch applied; unchanged when nothing differs. Raises NotFound, PreconditionFailed."""

        def attempt() -> AnyRecord:
            change = self.patching(id_, patch, access=access, accepted=accepted, now=now)
            if change.writes:
                # A transaction, for its token: a change whose answer was lost must not fail because of itself.
                self._table.transact(*change.writes)
            record: AnyRecord = change.record
            return record

        return self._table.retry_on_conflict(attempt)

    def patching(self, id_: str, patch: RequestModel, *, access: Access, accepted: Versions, now: datetime) -> Change:
        """The change that applies a patch. Raises NotFound and PreconditionFailed, and its writes ConcurrentUpdate."""
        item, _, acting = self._read(id_, access, CHANGE)
        record = from_item(self._model, item)
        check(record.version, accepted)
        changed = patched(record, patch, actor=access.actor, now=now)
        if changed is record:
            return Change((), record)
        return self._replacement(item, record, changed, acting)

    def replace(self, record: AnyRecord, changed: AnyRecord, *, access: Access) -> AnyRecord:
        """Write what has become of a resource that is still as it was read. Raises ConcurrentUpdate and NotFound.

        It is for kinds without long texts.
        """
        self._table.transact(*self._replacement(to_item(record), record, changed, access).writes)
        return changed

    def _replacement(self, item: Item, record: AnyRecord, changed: AnyRecord, access: Access) -> Change:
        same_version = Attr("version").eq(record.version)
        writes = self._put(changed, condition=same_version, access=access, before=item)
        return Change([*still_granted(access), *writes, *self._recount(record, changed)], changed)

    def delete(self, id_: str, *, access: Access, accepted: Versions, now: datetime) -> None:
        """Delete the resource: one transaction, whatever is below it. Raises NotFound, PreconditionFailed and Busy."""

        def attempt() -> None:
            self._table.transact(*self.deleting(id_, access=access, accepted=accepted, now=now).writes)

        self._table.retry_on_conflict(attempt)

    def deleting(self, id_: str, *, access: Access, accepted: Versions, now: datetime) -> Change:
        """The change that deletes a resource. Raises as `delete` does, and its writes ConcurrentUpdate and Busy."""
        item, counters, acting = self._read(id_, access, DELETE, to_delete=True)
        check(int(item["version"]), accepted)
        return Change([*still_granted(acting), *self._deletion(acting, item, counters, now=now)], None)

    def expire(self, id_: str, *, account: int, version: int, now: datetime) -> None:
        """Delete a resource that nobody has a use for any more. Raises NotFound, PreconditionFailed and Busy."""
        access = Access.own(account, at=now)

        def attempt() -> None:
            item, counters, _ = self._read(id_, access, DELETE, to_delete=True)
            check(int(item["version"]), [version])
            self._table.transact(*self._deletion(access, item, counters, now=now, asked=False))

        self._table.retry_on_conflict(attempt)

    def list(
        self, query: ListQuery, *, access: Access, parent_id: str | None = None, needs: Needs = READ
    ) -> Page[AnyRecord]:
        """A page. With `parent_id`, the resources of one parent: raises NotFound when the parent is not there.

        Without, it has what was shared with the actor as well, where the query says whose it wants.
        """
        try:
            return self._listed(query, access, parent_id)
        except NotFound:
            *_, parent = ancestors_of(self.kind)
            if not access.is_own or parent_id is None:
                raise
            guest, _ = received.reach(self._table, parent, parent_id, access=access, needs=needs)
        return self._listed(query, guest, parent_id)

    def _listed(self, query: ListQuery, access: Access, parent_id: str | None) -> Page[AnyRecord]:
        plan = list_plan(self.kind, query, access, parent_id=parent_id)
        found = lists.read(self._table, plan, query) if plan else lists.nothing(query)
        return self._page(**found.envelope(query, from_items(self._model, found.items)))

    # ---------------------------------------------------------------------------------------------------- reading

    def _read(self, id_: str, access: Access, needs: Needs, *, to_delete: bool = False) -> tuple[Item, Item, Access]:
        """The whole item, and by which access; to delete it, without its long text, but with a parent's counters.

        One request for what is in the account. Raises NotFound and Forbidden, and ConcurrentUpdate when it was read in
        the middle of a change.
        """
        found = self._get_items(id_, access.account, to_delete=to_delete) if is_id(id_) else {}
        item, counters = self._shown(id_, access.account, found, to_delete=to_delete)
        if item is None and access.is_own:
            # It is somebody else's, or nobody's.
            summary = found.get(keys.summary(access.account), {}) if ancestors_of(self.kind) else None
            access, found = received.reach(self._table, self.kind, id_, access=access, needs=needs, summary=summary)
            if to_delete:
                found = self._get_items(id_, access.account, to_delete=True)
            item, counters = self._shown(id_, access.account, found, to_delete=to_delete)
        if item is None:
            raise NotFound(self.kind, id_)
        return (item if to_delete else long_texts.joined(self.kind, item, found)), counters, access

    def _shown(self, id_: str, account: int, found: Mapping[Key, Item], *, to_delete: bool) -> tuple[Item | None, Item]:
        """The item as its readers may see it, or None, and its counters."""
        item = found.get(keys.resource(account, self.kind, id_))
        counters = found.get(keys.counters(account, id_))
        pending = summary_from(found.get(keys.summary(account))).pending
        is_closed = to_delete and is_parent(self.kind) and counters is None
        if item is None or is_closed or pending.hides(self.kind, item):
            return None, {}
        return item, counters or {}

    def _get_items(self, id_: str, account: int, *, to_delete: bool) -> dict[Key, Item]:
        wanted = [keys.resource(account, self.kind, id_)]
        wanted += [keys.summary(account)] if ancestors_of(self.kind) else []
        wanted += [keys.counters(account, id_)] if to_delete and is_parent(self.kind) else []
        wanted += [keys.text(account, id_)] if kind_named(self.kind).long_text and not to_delete else []
        if len(wanted) > 1:
            return self._table.get_many(wanted)
        item = self._table.get(wanted[0])
        return {wanted[0]: item} if item else {}

    # ---------------------------------------------------------------------------------------------------- writing

    def _put(
        self, record: AnyRecord, *, condition: Condition, access: Access, before: Item | None = None
    ) -> Sequence[Write]:
        """The writes of the resource and of its long text, where that changes. It says which request has written it."""
        fields = vars(record)
        due = keys.due_place(fields["id"], getattr(record, "due_at", None))
        places = keys.resource_indexes(self.kind, fields) | due
        whole = to_item(record, **places, request_id=access.request_id)
        item, of_text = long_texts.separated(self.kind, whole, before=before)
        key = keys.resource(fields["user_id"], self.kind, fields["id"])
        return [Write(key, put=item, condition=condition, on_condition_failure=concurrent_update), *of_text]

    def _ancestors_of(self, asked: Mapping[str, Any], access: Access) -> dict[str, str]:
        """The ids of all ancestors of a new resource, which names its parent. Raises NotFound.

        Only a parent that has ancestors itself is read; that it exists is a condition of the write.
        """
        *above, parent = ancestors_of(self.kind) or ("",)
        if not parent or (asked[f"{parent}_id"] is None and has_optional_parent(self.kind)):
            return {}
        parent_id = asked[f"{parent}_id"]
        if not is_id(parent_id):
            raise NotFound(parent, parent_id)
        if not above:
            return {f"{parent}_id": parent_id}
        key, summary = keys.resource(access.account, parent, parent_id), keys.summary(access.account)
        found = self._table.get_many([key, summary])
        if key not in found or summary_from(found.get(summary)).pending.hides(parent, found[key]):
            raise NotFound(parent, parent_id)
        return {f"{each}_id": found[key][f"{each}_id"] for each in above} | {f"{parent}_id": parent_id}

    def _recount(self, before: AnyRecord, after: AnyRecord) -> Sequence[Write]:
        """The writes that move a resource from one counter to another when its status changed."""
        old, new = counter_of(self.kind, vars(before)), counter_of(self.kind, vars(after))
        if old == new:
            return []
        fields, move = vars(after), {old: -1, new: 1}
        gone = NotFound(self.kind, fields["id"])
        return [
            *parents.count_in_ancestors(self.kind, fields, move, missing=gone),
            add_to_totals(fields["user_id"], move),
        ]

    def _deletion(
        self, access: Access, item: Item, counters: Item, *, now: datetime, asked: bool = True
    ) -> Sequence[Write]:
        account = access.account
        below = parents.counts_below(self.kind, counters)
        gone = {counter_of(self.kind, item): 1, **below}
        less = {name: -count for name, count in gone.items() if count}
        same_version = Attr("version").eq(item["version"])
        key = keys.resource(account, self.kind, item["id"])
        writes = [
            *parents.count_in_ancestors(self.kind, item, less, missing=NotFound(self.kind, item["id"])),
            Write(key, delete=True, condition=same_version, on_condition_failure=concurrent_update),
            activity.removed(self.kind, item, access if asked else None, now=now),
        ]
        if kind_named(self.kind).has_files:
            writes.append(parents.removed_files(account, self.kind, item["id"], now=now))
        if not is_parent(self.kind):
            # No cleanup follows that would remove its text.
            text = [Write(keys.text(account, item["id"]), delete=True)] if "text_version" in item else []
            return [*writes, *text, add_to_totals(account, less)]
        return [
            *writes,
            parents.close_parent(account, item["id"], below, now=now),
            add_pending(account, member(self.kind, item["id"]), gone),
            parents.deletion_marker(access, self.kind, item, now=now),
            *([parents.kept_name(account, self.kind, item, now=now)] if parents.has_kept_name(self.kind) else []),
        ]


def _new_fields(id_: str, access: Access, now: datetime) -> dict[str, Any]:
    at = format_timestamp(now)
    actor = access.actor
    return {
        "id": id_,
        "user_id": access.account,
        "created_by": actor,
        "updated_by": actor,
        "created_at": at,
        "updated_at": at,
    }
