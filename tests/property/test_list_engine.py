"""One list over any number of sources is the sorted union of what its reader may see."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any, Literal, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.domain.pages import ListQuery
from atelier.store import keys, lists
from atelier.store.keys import Key, Partition
from atelier.store.lists import Found, Plan, Source
from atelier.store.table import Query, QueryPage, Table
from tests.support.builders import an_id

Row = dict[str, Any]
HIDDEN = "hidden"
SOURCES = (1, 2, 100)


class NoteQuery(ListQuery):
    """A list of notes."""

    sort_by: Literal["created_at", "name"] = "created_at"


class MemoryTable:
    """As much of `Table` as lists use, over partitions in memory; queries return at most `most` rows."""

    def __init__(self, accounts: Mapping[int, Sequence[Row]], *, most: int) -> None:
        self._accounts = accounts
        self._most = most
        self._in_order = cache(self._sorted)
        self.queries = 0

    def read_together(self, _: Iterable[Key], queries: Sequence[Query]) -> tuple[list[QueryPage], dict[Key, Row]]:
        return [self.run(each) for each in queries], {}

    def run(self, query: Query) -> QueryPage:
        self.queries += 1
        order = "created_at" if query.partition.index is None else "name"
        rows = self._in_order(int(query.partition.value), order)[:: 1 if query.forward else -1]
        if query.start is not None:
            after = query.start[query.partition.range].removeprefix(query.partition.prefix)
            rows = [each for each in rows if (each[0] > after if query.forward else each[0] < after)]
        limit = min(query.limit or self._most, self._most)
        page = rows[:limit]
        # As DynamoDB: there may be more whenever the limit was met.
        there_may_be_more = len(page) == limit and bool(page)
        last = {query.partition.range: query.partition.prefix + page[-1][0]} if there_may_be_more else None
        return QueryPage([row for _, row in page], last)

    def _sorted(self, account: int, order: str) -> list[tuple[str, Row]]:
        position = keys.POSITION[order]
        return sorted(((position(row), row) for row in self._accounts[account]), key=itemgetter(0))

    def iterate(self, partition: Partition, *, start: Row | None = None, **how: Any) -> Iterator[Row]:
        while True:
            page = self.run(Query(partition, start=start, **how))
            yield from page.items
            start = page.next_start
            if start is None:
                return

    def get_many(self, wanted: Iterable[Key]) -> dict[Key, Row]:
        rows = {Key(str(n), each["id"]): each for n, account in self._accounts.items() for each in account}
        return {key: rows[key] for key in wanted if key in rows}


def sources(accounts: Iterable[int], sort: str, *, ordered: bool) -> tuple[Source, ...]:
    index = None if sort == "created_at" else "by_name"
    return tuple(
        Source(
            ordered=Partition(index, "PK", str(each), "SK", "NOTE#") if ordered else None,
            slim=Partition(None, "PK", str(each), "SK", "NOTE#"),
            key=lambda id_, account=each: Key(str(account), id_),  # type: ignore[misc]
        )
        for each in accounts
    )


def visible(row: Row) -> Row | None:
    return None if row["name"] == HIDDEN else row


def read(table: MemoryTable, accounts: Mapping[int, Sequence[Row]], query: NoteQuery, *, ordered: bool) -> Found:
    total = sum(visible(row) is not None for rows in accounts.values() for row in rows)
    plan = Plan(
        sources=sources(accounts, query.sort_by, ordered=ordered),
        position=keys.POSITION[query.sort_by],
        total=lambda _: total,
        shows=lambda _: visible,
    )
    return lists.read(cast("Table", table), plan, query)


NAMES = st.sampled_from(["", "a", "A", "b", "ab", "Ä", "a\0", HIDDEN, HIDDEN])


@st.composite
def accounts_of(draw: st.DrawFn, count: int) -> dict[int, list[Row]]:
    most = 60 if count < 10 else 3
    numbers = iter(draw(st.permutations(range(count * most))))
    sizes = draw(st.lists(st.integers(0, most), min_size=count, max_size=count))
    return {
        account: [{"id": an_id(next(numbers)), "name": draw(NAMES)} for _ in range(size)]
        for account, size in enumerate(sizes)
    }


def expected(accounts: Mapping[int, Sequence[Row]], query: NoteQuery) -> list[str]:
    rows = [row for account in accounts.values() for row in account if visible(row)]
    return [row["id"] for row in sorted(rows, key=keys.POSITION[query.sort_by], reverse=query.newest_first)]


@pytest.mark.parametrize("count", SOURCES)
@pytest.mark.parametrize("ordered", [True, False], ids=["merged", "sorted"])
@settings(max_examples=15)
@given(st.data())
def test_pages_and_cursors_iterate_the_sorted_union(count: int, ordered: bool, data: st.DataObject) -> None:
    accounts = data.draw(accounts_of(count))
    asked: dict[str, Any] = {
        "sort_by": data.draw(st.sampled_from(["created_at", "name"])),
        "sort_order": data.draw(st.sampled_from(["asc", "desc"])),
        "page_size": data.draw(st.integers(1, 40)),
    }
    table = MemoryTable(accounts, most=data.draw(st.integers(1, 50)))
    ids = expected(accounts, NoteQuery(**asked))
    size, page, cursor = asked["page_size"], 1, None
    seen: list[str] = []
    while True:
        by_number = read(table, accounts, NoteQuery(**asked, page=page), ordered=ordered)
        by_cursor = read(table, accounts, NoteQuery(**asked, cursor=cursor), ordered=ordered) if cursor else by_number
        wanted = ids[(page - 1) * size :][:size]
        assert [each["id"] for each in by_number.items] == wanted
        assert [each["id"] for each in by_cursor.items] == wanted
        assert by_number.total == by_cursor.total == len(ids)
        assert by_number.has_more == by_cursor.has_more == (page * size < len(ids))
        seen += wanted
        cursor, page = by_cursor.next_cursor, page + 1
        if cursor is None:
            break
    assert seen == ids


@settings(max_examples=25)
@given(st.data())
def test_one_source_is_read_by_one_query(data: st.DataObject) -> None:
    accounts = data.draw(accounts_of(1))
    rows = [row for row in accounts[0] if visible(row)]
    table = MemoryTable({0: rows}, most=1000)
    read(table, {0: rows}, NoteQuery(page_size=50), ordered=True)
    assert table.queries == 1
