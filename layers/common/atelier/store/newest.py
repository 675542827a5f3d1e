"""Lists that are read newest first, by cursor alone: one query page of each partition, whatever these hold.

A filter is applied to at most SCANNED items of each partition; the cursor goes on behind them.
"""

from collections.abc import Iterable
from typing import Any, Final

from atelier.domain.pages import CursorQuery
from atelier.store.expressions import Condition
from atelier.store.keys import Partition
from atelier.store.lists import Cursor, cursor_of
from atelier.store.table import Query, QueryPage
from atelier.store.wire import Item

SCANNED: Final = 500


def limit_of(query: CursorQuery, *, is_filtered: bool) -> int:
    """How many items of a partition are read for a page: one more than it shows, which tells whether there is more."""
    return SCANNED if is_filtered else query.page_size + 1


def page_of(query: CursorQuery, rows: Iterable[Item], ends: Iterable[str]) -> tuple[list[Item], dict[str, Any]]:
    """The items of a page, and its envelope. `ends` are the ids behind which a partition goes on."""
    # What is behind the end of a partition that goes on is unknown: nothing older than the latest such end is shown.
    end = max(ends, default="")
    found = {str(row["id"]): row for row in rows if row["id"] >= end}
    shown = sorted(found, reverse=True)[: query.page_size]
    last = shown[-1] if len(found) > query.page_size else end
    next_cursor = Cursor(last, last, 0).text(query) if last else None
    return [found[id_] for id_ in shown], {"has_more": bool(last), "next_cursor": next_cursor}


def query_of(partition: Partition, query: CursorQuery, *, keep: Condition, is_filtered: bool) -> Query:
    """The query for a page of one partition of the table. Raises Invalid for a cursor of another list."""
    cursor = cursor_of(query)
    start = None
    if cursor:
        start = {partition.hash: partition.value, partition.range: partition.prefix + cursor.id}
    return Query(partition, forward=False, limit=limit_of(query, is_filtered=is_filtered), start=start, keep=keep)


def page_of_one(query: CursorQuery, asked: Query, page: QueryPage) -> tuple[list[Item], dict[str, Any]]:
    """The items of a page of one partition of the table, and its envelope."""
    range_, prefix = asked.partition.range, asked.partition.prefix
    ends = [str(page.next_start[range_]).removeprefix(prefix)] if page.next_start else []
    return page_of(query, page.items, ends)
