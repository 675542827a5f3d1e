"""Lists of tasks: read from the indexes that follow the table, shown as if every clean-up were already over."""

from collections.abc import Iterator
from functools import reduce
from heapq import merge
from itertools import chain, groupby, islice, repeat
from operator import and_
from typing import Any, Final
from uuid import UUID

from atelier.domain.counters import EVERYTHING, TaskFilter, added
from atelier.domain.ids import first_id_at, is_id, last_id_at
from atelier.domain.pending_deletions import PendingDeletions
from atelier.domain.schema import UNASSIGNED
from atelier.domain.tasks.queries import TaskQuery
from atelier.domain.tasks.record import TaskSummary
from atelier.store import counters, keys, lists
from atelier.store.account_summary import account_summary_from
from atelier.store.expressions import Attr, Condition
from atelier.store.items import from_item
from atelier.store.keys import Key, Partition
from atelier.store.lists import Cursor, Found
from atelier.store.table import QueryPage, Table
from atelier.store.wire import Item

_LOWEST_ID: Final = "00000000-0000-0000-0000-000000000000"
_HIGHEST_ID: Final = "ffffffff-ffff-ffff-ffff-ffffffffffff"


class TaskList:
    """One request for a list of tasks.

    A task of a pending parent still stands in that parent's partition. So rows are judged after their links were
    taken away, and the unassigned are the merge of their own partition with those of the pending clients.
    """

    def __init__(self, table: Table, query: TaskQuery, user_id: int) -> None:
        self._table = table
        self._query = query
        self._user_id = user_id
        self._counts: dict[Key, Item] = {}
        self._pending = PendingDeletions()
        self._found: list[TaskSummary] = []
        self._expected = query.page_size + 1

    def read(self) -> Found[TaskSummary]:
        query = self._query
        cursor = lists.cursor_of(query)
        ids = (query.client_id, query.campaign_id)
        if not all(id_ is None or id_ == UNASSIGNED or is_id(id_) for id_ in ids):
            return lists.nothing(query)
        meta = keys.meta(self._user_id)
        first, self._counts = self._table.read_together(
            [meta, *self._tallies()], lambda: self._slice(self._partition(), cursor, limit=self._limits()[0])
        )
        self._pending = account_summary_from(self._counts.get(meta)).pending
        rows = self._rows(first, cursor)
        offset = 0 if cursor else (query.page - 1) * query.page_size
        total = self._total()
        if cursor is None:
            # The total tells how many rows are worth looking for. It is of another moment than the rows: what was read
            # is shown, also when there was less then.
            self._expected = min(offset + query.page_size, total)
        for row in islice(rows, offset + query.page_size + (cursor is not None)):
            self._found.append(row)
        shown = self._found[offset:][: query.page_size]
        seen = (cursor.seen if cursor else offset) + query.page_size
        last = Cursor(shown[-1].id, shown[-1].id, seen) if shown else None
        more = len(self._found) > query.page_size
        return lists.found(query, cursor, shown, total=max(total, offset + len(shown)), more=more, last=last)

    # ------------------------------------------------------------------------------------------------- rows

    def _partition(self) -> Partition:
        if self._query.campaign_id not in (None, UNASSIGNED):
            return keys.tasks_of_campaign(self._user_id, self._query.campaign_id)
        if self._query.client_id:
            return keys.tasks_of_client(self._user_id, self._query.client_id)
        return keys.tasks_of_owner(self._user_id)

    def _rows(self, first: QueryPage, cursor: Cursor | None) -> Iterator[TaskSummary]:
        others = self._pending.clients() if self._query.client_id == UNASSIGNED else ()
        partitions = [keys.tasks_of_client(self._user_id, client_id) for client_id in others]
        behind = [self._walk(each, cursor, self._slice(each, cursor, limit=self._limits()[0])) for each in partitions]
        # A clean-up moves tasks from those partitions into this one: read last, it misses none of them.
        here = self._slice(self._partition(), cursor, limit=self._limits()[0]) if behind else first
        streams = [*behind, self._walk(self._partition(), cursor, here)]
        merged = merge(*streams, key=lambda item: str(item["id"]), reverse=self._query.newest_first)
        # While a task moves between partitions of an index, it can be seen in both.
        distinct = (next(same) for _, same in groupby(merged, key=lambda item: item["id"]))
        visible = (self._pending.unlinked(from_item(TaskSummary, item)) for item in distinct)
        return (task for task in visible if self._wants(task))

    def _wants(self, task: TaskSummary) -> bool:
        client_id, campaign_id = self._query.client_id, self._query.campaign_id
        right_client = client_id is None or (task.client_id or UNASSIGNED) == client_id
        return right_client and campaign_id in (None, task.campaign_id or UNASSIGNED)

    def _walk(self, partition: Partition, cursor: Cursor | None, part: QueryPage) -> Iterator[Item]:
        for limit in chain(self._limits()[1:], repeat(None)):
            yield from part.items
            if part.next_start is None or len(self._found) >= self._expected:
                return
            part = self._slice(partition, cursor, start=part.next_start, limit=limit)

    def _limits(self) -> list[int]:
        # A filter is applied after reading, so the fewer rows it keeps the more must be read: twice as many each time.
        wanted = self._query.page_size + 1
        return [wanted, wanted * 2, wanted * 4]

    def _slice(
        self, partition: Partition, cursor: Cursor | None, *, start: Item | None = None, limit: int | None = None
    ) -> QueryPage:
        query = self._query
        low = first_id_at(query.created_from) if query.created_from else _LOWEST_ID
        high = last_id_at(query.created_to) if query.created_to else _HIGHEST_ID
        if cursor and query.newest_first:
            high = min(high, _neighbour(cursor.id, -1))
        elif cursor:
            low = max(low, _neighbour(cursor.id, +1))
        if low > high:
            return QueryPage([], None)
        within = Attr(partition.range).between(low, high)
        how: dict[str, Any] = {"forward": not query.newest_first, "within": within, "keep": self._keep()}
        return self._table.query(partition, start=start, limit=limit, **how)

    def _keep(self) -> Condition | None:
        asked = {"status": self._query.status, "type": self._query.type, "provider": self._query.provider}
        conditions: list[Condition] = [Attr(name).eq(value) for name, value in asked.items() if value]
        return reduce(and_, conditions) if conditions else None

    # ------------------------------------------------------------------------------------------------ total

    def _tallies(self) -> list[Key]:
        scope = self._query.campaign_id or self._query.client_id or EVERYTHING
        return [keys.tally(self._user_id, scope)]

    def _total(self) -> int:
        if self._query.created_from or self._query.created_to or self._query.campaign_id == UNASSIGNED:
            return self._counted()
        choice = TaskFilter(self._query.type, self._query.provider, self._query.status)
        if self._query.client_id == UNASSIGNED and not self._query.campaign_id:
            return choice.total(added(map(counters.tally_from, self._of_unassigned())))
        tallies_read = [self._counts.get(key) for key in self._tallies()]
        return sum(choice.total(counters.tally_from(each)) for each in tallies_read if each and self._lives(each))

    def _of_unassigned(self) -> list[Item]:
        pending = [keys.tally(self._user_id, client_id) for client_id in self._pending.clients()]
        if not pending:
            return [self._counts[key] for key in self._tallies() if key in self._counts]
        # All at once, also what was read before: a clean-up that ends now moves its client's counts to the unassigned.
        return self._read([*self._tallies(), *pending])

    def _read(self, wanted: list[Key]) -> list[Item]:
        batches = (wanted[at : at + 100] for at in range(0, len(wanted), 100))
        return [item for batch in batches for item in self._table.get_many(batch).values()]

    def _lives(self, tally: Item) -> bool:
        client_id = tally.get("client_id")
        right_client = self._query.client_id is None or client_id in (None, self._query.client_id)
        return "deleted_at" not in tally and not self._pending.has_client(client_id) and right_client

    def _counted(self) -> int:
        # Counts are kept by status, not by moment: a span of time is the one thing that has to be counted.
        return sum(1 for _ in self._rows(self._slice(self._partition(), None), None))


def _neighbour(id_: str, step: int) -> str:
    return str(UUID(int=UUID(id_).int + step))
