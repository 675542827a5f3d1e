"""Pages of lists, read from any number of sources and merged by position.

A source is one account's (or one parent's) part of a list. When an index of every source has the asked items in the
asked order, the page is the merge of one query of each. Otherwise (search, deep pages, rare mixtures of filter and
order) the slim rows of every source are read and sorted in memory by the same positions, and the page's items fetched.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import chain, groupby, islice, repeat
from typing import Any, Final, Protocol

from atelier.domain.errors import FieldError, Invalid
from atelier.domain.ids import is_id
from atelier.domain.kinds import KINDS
from atelier.domain.pages import ListQuery
from atelier.domain.text import comparison_key
from atelier.store import keys
from atelier.store.expressions import Condition
from atelier.store.keys import Key, Partition
from atelier.store.table import Query, QueryPage, Table
from atelier.store.wire import Item

# A prefix is the kind's name and at most one id.
_LONGEST_PREFIX: Final = max(len(keys.prefix(kind.name)) for kind in KINDS) + len(
    "#00000000-0000-0000-0000-000000000000#"
)
LONGEST_POSITION: Final = keys.SORT_KEY_BYTES - _LONGEST_PREFIX
"""Bytes of a position that stay within a sort key behind any prefix."""
_MOST_SEEN: Final = 10**9


class Filtered(Protocol):
    """A query that cursors are valid for."""

    @property
    def cursor(self) -> str | None:
        """The cursor that was sent."""

    def filters(self) -> dict[str, Any]:
        """The parameters that select and order items."""


@dataclass(frozen=True)
class Cursor:
    """A cursor: the last item's position and id, and how many items came before."""

    position: str
    id: str
    seen: int

    def text(self, query: Filtered) -> str:
        """The cursor as callers see it, bound to its list."""
        parts = [_fingerprint(query), self.position, self.id, self.seen]
        return base64.urlsafe_b64encode(json.dumps(parts, ensure_ascii=False).encode()).decode().rstrip("=")


def cursor_of(query: Filtered) -> Cursor | None:
    """The cursor of a request. Raises Invalid for one that is not ours or is from another list."""
    if query.cursor is None:
        return None
    try:
        padded = query.cursor + "=" * (-len(query.cursor) % 4)
        fingerprint, position, id_, seen = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        cursor = _checked(Cursor(str(position), str(id_), int(seen)))
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise Invalid([FieldError("is not a cursor of this API", parameter="cursor")]) from None
    if fingerprint != _fingerprint(query):
        raise Invalid([FieldError("belongs to a list with other filters or another order", parameter="cursor")])
    return cursor


def _checked(cursor: Cursor) -> Cursor:
    # Cursors are not signed: one that was made up may point anywhere in its owner's own lists, but must not break us.
    if len(cursor.position.encode()) > LONGEST_POSITION or not is_id(cursor.id) or not 0 <= cursor.seen < _MOST_SEEN:
        raise ValueError(cursor)
    return cursor


def _fingerprint(query: Filtered) -> str:
    asked = json.dumps([type(query).__name__, query.filters()], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Found:
    """The items of a page and its envelope."""

    items: Sequence[Item]
    total: int
    page: int
    has_more: bool
    next_cursor: str | None

    def envelope(self, query: ListQuery, items: Sequence[object]) -> dict[str, Any]:
        """The fields of a `Page`, with what was made of the items."""
        return {
            "items": items,
            "total": self.total,
            "page": self.page,
            "page_size": query.page_size,
            "has_more": self.has_more,
            "next_cursor": self.next_cursor,
        }


def found(
    query: ListQuery, cursor: Cursor | None, items: Sequence[Item], *, total: int, more: bool, last: Cursor | None
) -> Found:
    """A page of a list. With a page number there is more when the total says so, with a cursor when there is `more`."""
    page = query.page if cursor is None else cursor.seen // query.page_size + 1
    has_more = page * query.page_size < total if cursor is None else more
    next_cursor = last.text(query) if has_more and last is not None else None
    return Found(items, total, page, has_more, next_cursor)


Beside = Mapping[Key, Item]
"""Items that are read in the same round trip as a list's rows: counters, pending deletions, parents."""


@dataclass(frozen=True)
class Source:
    """Where a part of the items is. `ordered` is None when no index has them in the asked order, and `slim` when none
    has slim rows; `key` finds an item by its id; `beside` is read in the same round trip.
    """

    ordered: Partition | None
    slim: Partition | None
    key: Callable[[str], Key]
    beside: tuple[Key, ...] = ()


def resume_after(source: Source, cursor: Cursor | None) -> dict[str, Any] | None:
    """The arguments of a query that goes on behind a cursor; None when nothing can be there."""
    partition = source.ordered
    if cursor is None or partition is None:
        return {}
    start = {**source.key(cursor.id).attributes(), partition.range: partition.prefix + cursor.position}
    return {"start": {**start, partition.hash: partition.value}}


@dataclass(frozen=True)
class Plan:
    """How one list is read.

    `total` gives the exact total from what was read beside the rows, or None where the rows have to be counted.
    `shows` makes of what was read beside the rows a function from a stored item to the item as a reader may see it, or
    None. `keeps` filters slim rows, `keep` is the same for DynamoDB. `check` may refuse. `late` names sources that are
    known only from what was read beside the rows; they are read before the others are read again. `complete` adds to
    the items of a page what is stored beside them.

    `given` are items that were read beside the rows themselves, those that a reader may see. `shared` are the plans of
    other parts of the list, of other accounts, known only from what was read beside the rows of the first.
    """

    sources: tuple[Source, ...]
    position: Callable[[Mapping[str, Any]], str]
    total: Callable[[Beside], int | None]
    shows: Callable[[Beside], Callable[[Item], Item | None]]
    keeps: Callable[[Item], bool] = field(default=lambda _: True)
    keep: Condition | None = None
    check: Callable[[Beside], None] = field(default=lambda _: None)
    late: Callable[[Beside], tuple[Source, ...]] = field(default=lambda _: ())
    resume: Callable[[Source, Cursor | None], dict[str, Any] | None] = resume_after
    complete: Callable[[Table, Sequence[Item]], Sequence[Item]] = field(default=lambda _, items: items)
    more_beside: tuple[Key, ...] = ()
    given: Callable[[Beside], Sequence[Item]] = field(default=lambda _: ())
    shared: Callable[[Beside], "tuple[Plan, ...]"] = field(default=lambda _: ())

    @property
    def beside(self) -> list[Key]:
        """Everything that is read beside the rows."""
        return [*(key for source in self.sources for key in source.beside), *self.more_beside]

    @property
    def has_order(self) -> bool:
        """Whether an index has all rows in the asked order."""
        return all(source.ordered for source in self.sources)


def name_contains(search: str | None) -> Callable[[Mapping[str, Any]], bool]:
    """Whether a row's name contains `search`, as readers compare texts; every row's does when there is no search."""
    wanted = comparison_key(search or "")
    return lambda row: not wanted or wanted in comparison_key(str(row["name"]))


def nothing(query: ListQuery) -> "Found":
    """The page of a list that has no items."""
    return found(query, cursor_of(query), [], total=0, more=False, last=None)


def read(table: Table, plan: Plan, query: ListQuery) -> Found:
    """The requested page."""
    cursor = cursor_of(query)
    has_slim_rows = all(source.slim for source in plan.sources)
    if plan.has_order and (query.page == 1 or not has_slim_rows):
        return _Merge(table, plan, query, cursor).read()
    return _sort_in_memory(table, plan, query, cursor)


@dataclass(frozen=True)
class _Part:
    """A part of a list: its plan, the first page of each source, what was read beside them, and its late sources."""

    plan: Plan
    firsts: list[QueryPage]
    beside: Beside
    late: tuple[Source, ...]


class _Merge:
    """One page from the merge of ordered sources, each read only as far as the page needs."""

    def __init__(self, table: Table, plan: Plan, query: ListQuery, cursor: Cursor | None) -> None:
        self._table, self._plan, self._query, self._cursor = table, plan, query, cursor
        self._offset = 0 if cursor else (query.page - 1) * query.page_size
        # A walk by cursor looks one item ahead: only that tells whether there is more.
        self._wanted = query.page_size + (cursor is not None)
        self._expected = self._offset + self._wanted
        self._found: list[Item] = []

    def read(self) -> Found:
        plan, query, cursor = self._plan, self._query, self._cursor
        (own,) = self._first_pages([plan])
        plan.check(own.beside)
        shared = plan.shared(own.beside)
        if not all(each.has_order for each in shared):
            return _sort_in_memory(self._table, plan, query, cursor)
        parts = [own, *self._first_pages(shared)]
        rows = self._in_order([self._visible(part, self._sources_with_pages(part)) for part in parts])
        total = sum(self._total(part) for part in parts)
        if cursor is None:
            # The total tells how many rows are worth looking for. It is of another moment than the rows: what was read
            # is shown, also when there was less then.
            self._expected = min(self._expected, total)
        for row in islice(rows, self._offset + self._wanted):
            self._found.append(row)
        shown = self._found[self._offset :][: query.page_size]
        last = cursor_at(plan, shown[-1], cursor, query) if shown else None
        items = plan.complete(self._table, shown)
        if shown:
            total = max(total, self._offset + len(shown))
        return found(query, cursor, items, total=total, more=len(self._found) > query.page_size, last=last)

    def _first_pages(self, plans: Sequence[Plan]) -> list[_Part]:
        """The beginnings of these parts, in one round trip."""
        if not plans:
            return []
        sources = [(plan, source) for plan in plans for source in plan.sources]
        queries = [self._query_of(plan, source, limit=self._limits()[0]) for plan, source in sources]
        keys = [key for plan in plans for key in plan.beside]
        pages, beside = self._table.read_together(keys, [each for each in queries if each])
        given = iter(pages)
        firsts = iter([next(given) if each else QueryPage([], None) for each in queries])
        return [_Part(plan, list(islice(firsts, len(plan.sources))), beside, plan.late(beside)) for plan in plans]

    def _sources_with_pages(self, part: _Part) -> list[tuple[Source, QueryPage]]:
        plan, late = part.plan, part.late
        if not late:
            return list(zip(plan.sources, part.firsts, strict=True))
        # A cleanup moves items from late sources into the others: read last, those miss none of them.
        return [*self._pages(plan, late), *self._pages(plan, plan.sources)]

    def _visible(self, part: _Part, sources: Sequence[tuple[Source, QueryPage]]) -> Iterator[Item]:
        rows = self._in_order([self._iterate(part.plan, source, first) for source, first in sources])
        shows = part.plan.shows(part.beside)
        shown = (seen for row in rows if (seen := shows(row)) is not None)
        given = self._behind_cursor(part.plan.given(part.beside))
        return self._in_order([shown, iter(given)]) if given else shown

    def _behind_cursor(self, items: Sequence[Item]) -> list[Item]:
        position, descends = self._plan.position, self._query.newest_first
        behind = sorted(items, key=position, reverse=descends)
        if self._cursor is None:
            return behind
        last = self._cursor.position
        return [each for each in behind if (position(each) < last if descends else position(each) > last)]

    def _in_order(self, streams: Sequence[Iterator[Item]]) -> Iterator[Item]:
        return streams[0] if len(streams) == 1 else self._merged(streams)

    def _merged(self, streams: Sequence[Iterator[Item]]) -> Iterator[Item]:
        rows = merge(*streams, key=self._plan.position, reverse=self._query.newest_first)
        # While an item moves between partitions of an index, it can be seen in both.
        return (next(same) for _, same in groupby(rows, key=self._plan.position))

    def _iterate(self, plan: Plan, source: Source, page: QueryPage) -> Iterator[Item]:
        for limit in chain(self._limits()[1:], repeat(None)):
            yield from page.items
            if page.next_start is None or len(self._found) >= self._expected:
                return
            page = self._page(plan, source, start=page.next_start, limit=limit)

    def _limits(self) -> list[int]:
        # Rows may be filtered after they were read, so the fewer are kept the more must be read: each time twice.
        return [self._wanted, self._wanted * 2, self._wanted * 4]

    def _total(self, part: _Part) -> int:
        total = part.plan.total(part.beside)
        return self._count(part) if total is None else total

    def _count(self, part: _Part) -> int:
        whole = _Merge(self._table, part.plan, self._query, None)
        whole._expected = 10**9
        plan, late = part.plan, part.late
        pages = [*whole._pages(plan, late, limit=None), *whole._pages(plan, plan.sources, limit=None)]
        return sum(1 for _ in whole._visible(part, pages))

    def _pages(self, plan: Plan, sources: Sequence[Source], *, limit: int | None = 0) -> list[tuple[Source, QueryPage]]:
        """The first page of each source, all read at the same time."""
        first = self._limits()[0] if limit == 0 else limit
        queries = [self._query_of(plan, source, limit=first) for source in sources]
        pages = iter(self._table.run_many([each for each in queries if each]))
        return [
            (source, next(pages) if query else QueryPage([], None))
            for source, query in zip(sources, queries, strict=True)
        ]

    def _page(self, plan: Plan, source: Source, *, start: Item | None = None, limit: int | None = 0) -> QueryPage:
        query = self._query_of(plan, source, start=start, limit=self._limits()[0] if limit == 0 else limit)
        return self._table.run(query) if query else QueryPage([], None)

    def _query_of(self, plan: Plan, source: Source, *, start: Item | None = None, limit: int | None) -> Query | None:
        resumed = plan.resume(source, self._cursor)
        if resumed is None or source.ordered is None:
            return None
        if start is not None:
            resumed = {**resumed, "start": start}
        forward = not self._query.newest_first
        return Query(source.ordered, forward=forward, limit=limit, keep=plan.keep, **resumed)


def _sort_in_memory(table: Table, plan: Plan, query: ListQuery, cursor: Cursor | None) -> Found:
    own, beside = _slim_rows(table, [plan])
    plan.check(beside)
    shared = plan.shared(beside)
    matching = own + (_slim_rows(table, shared)[0] if shared else [])
    matching.sort(key=lambda each: plan.position(each.row), reverse=query.newest_first)
    begin = _offset(plan, [each.row for each in matching], query, cursor)
    shown = matching[begin : begin + query.page_size]
    whole = table.get_many(each.key for each in shown if each.key)
    there = [item for each in shown if (item := each.item(whole)) is not None]
    items = plan.complete(table, there)
    last = cursor_at(plan, shown[-1].row, cursor, query) if shown else None
    more = begin + query.page_size < len(matching)
    return found(query, cursor, items, total=len(matching), more=more, last=last)


@dataclass(frozen=True)
class _SlimRow:
    """A row that a list shows: where the whole item is (None: the row is whole), and what a reader sees of that."""

    row: Item
    key: Key | None
    shows: Callable[[Item], Item | None]

    def item(self, found: Mapping[Key, Item]) -> Item | None:
        """The item as a reader sees it; None for one that has gone since its row was read."""
        whole = self.row if self.key is None else found.get(self.key)
        return None if whole is None else self.shows(whole)


def _slim_rows(table: Table, plans: Sequence[Plan]) -> tuple[list[_SlimRow], Beside]:
    """The rows that the list shows of these plans."""
    sources = [(plan, source) for plan in plans for source in plan.sources if source.slim]
    queries = [Query(source.slim, keep=plan.keep) for plan, source in sources if source.slim]
    pages, beside = table.read_together([key for plan in plans for key in plan.beside], queries)
    rows: list[_SlimRow] = []
    for (plan, source), query, page in zip(sources, queries, pages, strict=True):
        rest = table.iterate(query.partition, start=page.next_start, keep=plan.keep) if page.next_start else ()
        shows = plan.shows(beside)
        matching = (row for row in chain(page.items, rest) if plan.keeps(row) and shows(row) is not None)
        rows += [_SlimRow(row, source.key(row["id"]), shows) for row in matching]
    for plan in plans:
        rows += [_SlimRow(item, None, lambda item: item) for item in plan.given(beside)]
    return rows, beside


def _offset(plan: Plan, rows: list[Item], query: ListQuery, cursor: Cursor | None) -> int:
    if cursor is None:
        return (query.page - 1) * query.page_size
    if query.newest_first:
        return sum(plan.position(row) >= cursor.position for row in rows)
    return sum(plan.position(row) <= cursor.position for row in rows)


def cursor_at(plan: Plan, item: Item, before: Cursor | None, query: ListQuery) -> Cursor:
    """The cursor behind the last item of a page."""
    seen = before.seen if before else (query.page - 1) * query.page_size
    return Cursor(plan.position(item), str(item["id"]), seen + query.page_size)
