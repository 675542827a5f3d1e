"""Lists that are read newest first, by cursor alone: one query page of each partition, whatever these hold.

A filter is applied to at most SCANNED items of each partition; the cursor goes on behind them.
"""

from collections.abc import Iterable
from functools import reduce
from operator import and_
from typing import Any, Final

from atelier.domain.pages import CursorQuery
from atelier.store.expressions import Attr, Condition
from atelier.store.keys import Partition
from atelier.store.lists import Cursor, cursor_of
from atelier.store.table import Query, Table
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


def read(
    table: Table, partition: Partition, query: CursorQuery, *, shown: Condition, **asked: object
) -> tuple[list[Item], dict[str, Any]]:
    """The items of a page of one partition of the table that have what is `asked` for, and its envelope.

    What is not to be `shown` is no item. Raises Invalid for a cursor of another list.
    """
    cursor, having = cursor_of(query), filter_of(**asked)
    start = {partition.hash: partition.value, partition.range: partition.prefix + cursor.id} if cursor else None
    page = table.run(
        Query(
            partition,
            forward=False,
            limit=limit_of(query, is_filtered=having is not None),
            start=start,
            keep=shown & having if having else shown,
        )
    )
    ends = [str(page.next_start[partition.range]).removeprefix(partition.prefix)] if page.next_start else []
    return page_of(query, page.items, ends)


def filter_of(**asked: object) -> Condition | None:
    """That the attributes of these names have these values, where any is asked for."""
    conditions = [Attr(name).eq(value) for name, value in asked.items() if value is not None]
    return reduce(and_, conditions) if conditions else None
