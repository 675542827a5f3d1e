"""Lists of tasks: read from indexes that follow the table, shown as if every cleanup had already ended.

A task of a pending parent still stands in that parent's partition. So rows are judged after their links were taken
away, and the unassigned tasks are the merge of their own partition with those of the pending clients.

Few tasks have tags or a rating: lists of those read the slim rows of a sparse index that has no others (ADR 45).
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial, reduce
from operator import and_
from typing import Any, Final
from uuid import UUID

from atelier.domain.access import Access
from atelier.domain.counters import EVERYTHING, TaskFilter, added
from atelier.domain.ids import first_id_at, is_id, last_id_at
from atelier.domain.pending_deletions import PendingDeletions
from atelier.domain.schema import UNASSIGNED
from atelier.domain.sharing import ACCOUNT, Grant, disjoint, owned_by
from atelier.domain.tasks.queries import TaskQuery
from atelier.domain.text import comparison_key
from atelier.store import counters, keys, lists
from atelier.store.account_summary import summary_from
from atelier.store.expressions import Attr, Condition
from atelier.store.keys import Key, Partition
from atelier.store.lists import Beside, Cursor, Found, Plan, Source
from atelier.store.received import grants_in
from atelier.store.table import Table
from atelier.store.wire import Item

_LOWEST_ID: Final = "00000000-0000-0000-0000-000000000000"
_HIGHEST_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"


def list_tasks(table: Table, query: TaskQuery, access: Access) -> Found:
    """A page of the tasks of an account; with access to the actor's own, of what others share with the actor too."""
    ids = (query.client_id, query.campaign_id)
    if not all(id_ is None or id_ == UNASSIGNED or is_id(id_) for id_ in ids):
        return lists.nothing(query)
    own = _TaskList(table, query, access.account).plan()
    if not access.is_own or query.owner in ("me", str(access.account)):
        return lists.read(table, own, query)
    shared = partial(_shared, table, query, access)
    if query.owner is None:
        return lists.read(table, replace(own, shared=shared), query)
    summary = (keys.summary(access.account),)
    others = replace(own, sources=(), late=lambda _: (), total=lambda _: 0, more_beside=summary, shared=shared)
    return lists.read(table, others, query)


def _shared(table: Table, query: TaskQuery, access: Access, beside: Beside) -> tuple[Plan, ...]:
    """The parts of the list that others share with the actor; `beside` has the summary of the actor's own account."""
    grants = disjoint(owned_by(grants_in(beside.get(keys.summary(access.actor)), access), query.owner))
    parts = ((grant.account, _within(query, grant)) for grant in grants)
    return tuple(_TaskList(table, part, account).plan() for account, part in parts if part is not None)


def _within(query: TaskQuery, grant: Grant) -> TaskQuery | None:
    """The query for what a grant covers of a list; None when that is nothing."""
    if grant.kind == ACCOUNT:
        return query
    if grant.kind == "client":
        return query.model_copy(update={"client_id": grant.id}) if query.client_id in (None, grant.id) else None
    covered = query.campaign_id in (None, grant.id) and query.client_id in (None, grant.client_id)
    return query.model_copy(update={"campaign_id": grant.id}) if covered else None


class _TaskList:
    """One request for a list of tasks."""

    def __init__(self, table: Table, query: TaskQuery, account: int) -> None:
        self._table = table
        self._query = query
        self._account = account
        self._summary = keys.summary(account)

    def plan(self) -> Plan:
        """How the list is read."""
        return Plan(
            sources=(self._marked() if self._wants_marked() else self._of_partition(),),
            position=keys.POSITION["created_at"],
            total=self._total,
            shows=self._shows,
            keep=self._keep(),
            late=self._late,
            resume=self._resume,
        )

    # ------------------------------------------------------------------------------------------------- rows

    def _partition(self) -> Partition:
        if self._query.campaign_id not in (None, UNASSIGNED):
            return keys.tasks_of_campaign(self._account, self._query.campaign_id)
        if self._query.client_id:
            return keys.tasks_of_client(self._account, self._query.client_id)
        return keys.tasks_of_owner(self._account)

    def _wants_marked(self) -> bool:
        # Their rows have everything but the prompt.
        return bool(self._query.tag or self._query.rating_from) and not self._query.search

    def _marked(self) -> Source:
        return Source(None, keys.marked_tasks(self._account), key=keys.task, beside=(self._summary,))

    def _of_partition(self) -> Source:
        return self._source(self._partition(), beside=(self._summary, self._scope()))

    def _source(self, partition: Partition, *, beside: tuple[Key, ...] = ()) -> Source:
        return Source(partition, None, key=keys.task, beside=beside)

    def _late(self, beside: Beside) -> tuple[Source, ...]:
        """The partitions of pending clients that have tasks, which are unassigned already."""
        clients = self._pending(beside).of_kind("client") if self._query.client_id == UNASSIGNED else ()
        counted = self._read_counters([keys.counters(self._account, client_id) for client_id in clients])
        # No task is created under a deleted client, and its counters stay until its cleanup ends.
        with_tasks = [item["id"] for item in counted if TaskFilter().total(counters.counters_from(item))]
        return tuple(self._source(keys.tasks_of_client(self._account, client_id)) for client_id in with_tasks)

    def _shows(self, beside: Beside) -> Callable[[Item], Item | None]:
        pending, wants = self._pending(beside), self._wants()

        def shown(row: Item) -> Item | None:
            seen = {**row, **dict.fromkeys(pending.gone_links("task", row))} if pending.resources else row
            return seen if wants(seen) else None

        return shown

    def _wants(self) -> Callable[[Item], bool]:
        query, (low, high) = self._query, self._span()
        tags = {comparison_key(each) for each in query.tag}
        searched = comparison_key(query.search or "")

        def wants(row: Item) -> bool:
            return (
                query.client_id in (None, row.get("client_id") or UNASSIGNED)
                and query.campaign_id in (None, row.get("campaign_id") or UNASSIGNED)
                and low <= row["id"] <= high
                and (not tags or not tags.isdisjoint(map(comparison_key, row.get("tags", ()))))
                and (not searched or searched in comparison_key(row["prompt"]))
            )

        return wants

    def _resume(self, source: Source, cursor: Cursor | None) -> dict[str, Any] | None:
        # By bounds, not by a start key: one outside the asked span of time would be an error.
        low, high = self._span()
        if cursor and self._query.newest_first:
            high = min(high, _neighbour(cursor.id, -1))
        elif cursor:
            low = max(low, _neighbour(cursor.id, +1))
        if low > high or source.ordered is None:
            return None
        return {"within": Attr(source.ordered.range).between(low, high)}

    def _span(self) -> tuple[str, str]:
        """The lowest and the highest id of the asked span of time."""
        query = self._query
        low = first_id_at(query.created_from) if query.created_from else _LOWEST_ID
        return low, last_id_at(query.created_to) if query.created_to else _HIGHEST_ID

    def _keep(self) -> Condition | None:
        query = self._query
        asked = {"status": query.status, "type": query.type, "provider": query.provider, "model": query.model}
        conditions: list[Condition] = [Attr(name).is_in(values) for name, values in asked.items() if values]
        if query.rating_from:
            conditions.append(Attr("rating").gte(query.rating_from))
        return reduce(and_, conditions) if conditions else None

    # ------------------------------------------------------------------------------------------------ total

    def _scope(self) -> Key:
        return keys.counters(self._account, self._query.campaign_id or self._query.client_id or EVERYTHING)

    def _total(self, beside: Beside) -> int | None:
        query = self._query
        uncounted = (query.created_from, query.created_to, query.model, query.tag, query.rating_from, query.search)
        if any(uncounted) or query.campaign_id == UNASSIGNED:
            return None  # No counters are kept of these: they have to be counted.
        wanted = TaskFilter(query.type, query.provider, query.status)
        if self._query.client_id == UNASSIGNED and not self._query.campaign_id:
            return wanted.total(added(map(counters.counters_from, self._of_unassigned(beside))))
        item = beside.get(self._scope())
        return wanted.total(counters.counters_from(item)) if item and self._lives(beside, item) else 0

    def _of_unassigned(self, beside: Beside) -> list[Item]:
        pending = [keys.counters(self._account, client_id) for client_id in self._pending(beside).of_kind("client")]
        if not pending:
            return [beside[self._scope()]] if self._scope() in beside else []
        # All at once, also what was read before: a cleanup that ends now moves its client's counts to the unassigned.
        return self._read_counters([self._scope(), *pending])

    def _read_counters(self, wanted: Sequence[Key]) -> list[Item]:
        return list(self._table.get_many(wanted).values())

    def _lives(self, beside: Beside, item: Item) -> bool:
        client_id = item.get("client_id")
        right_client = self._query.client_id is None or client_id in (None, self._query.client_id)
        return "deleted_at" not in item and not self._pending(beside).has("client", client_id) and right_client

    def _pending(self, beside: Beside) -> PendingDeletions:
        return summary_from(beside.get(self._summary)).pending


def _neighbour(id_: str, step: int) -> str:
    return str(UUID(int=UUID(id_).int + step))
