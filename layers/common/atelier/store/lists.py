"""Pages of the catalogue, read in one of two ways.

Straight: an index holds exactly the asked items in exactly the asked order, and the page is one query of it.
Through the catalogue: everything else (search, deep pages, rare mixtures of filter and order) reads the slim rows,
sorts them in memory by the same positions, and fetches the page's items.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from atelier.domain.errors import FieldError, Invalid
from atelier.domain.ids import is_id
from atelier.domain.pages import ListQuery
from atelier.domain.schema import StoredModel
from atelier.domain.text import comparison_key
from atelier.store.items import from_items
from atelier.store.keys import SORT_KEY_BYTES, Key, Partition
from atelier.store.table import Table
from atelier.store.wire import Item

AnyRecord = TypeVar("AnyRecord", bound=StoredModel)

_LONGEST_PREFIX: Final = len("CAMPAIGN#00000000-0000-0000-0000-000000000000#")
_LONGEST_POSITION: Final = SORT_KEY_BYTES - _LONGEST_PREFIX
_MOST_SEEN: Final = 10**9


@dataclass(frozen=True)
class Cursor:
    """Where a walk through a list has come to: the last item's position and id, and how many items came before."""

    position: str
    id: str
    seen: int

    def text(self, query: ListQuery) -> str:
        """As the caller gets it, bound to the list it came from."""
        parts = [_fingerprint(query), self.position, self.id, self.seen]
        return base64.urlsafe_b64encode(json.dumps(parts, ensure_ascii=False).encode()).decode().rstrip("=")


def cursor_of(query: ListQuery) -> Cursor | None:
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
    if len(cursor.position.encode()) > _LONGEST_POSITION or not is_id(cursor.id) or not 0 <= cursor.seen < _MOST_SEEN:
        raise ValueError(cursor)
    return cursor


def _fingerprint(query: ListQuery) -> str:
    asked = json.dumps([type(query).__name__, query.filters()], sort_keys=True)
    return hashlib.sha256(asked.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Found(Generic[AnyRecord]):
    """The items of a page, and everything its envelope says."""

    items: list[AnyRecord]
    total: int
    page: int
    has_more: bool
    next_cursor: str | None

    def envelope(self, query: ListQuery) -> dict[str, Any]:
        """The fields of a `Page`."""
        return {
            "items": self.items,
            "total": self.total,
            "page": self.page,
            "page_size": query.page_size,
            "has_more": self.has_more,
            "next_cursor": self.next_cursor,
        }


def found(
    query: ListQuery, cursor: Cursor | None, items: list[AnyRecord], *, total: int, more: bool, last: Cursor | None
) -> Found[AnyRecord]:
    """A page of a list. With a page number there is more when the total says so, with a cursor when there is `more`."""
    page = query.page if cursor is None else cursor.seen // query.page_size + 1
    has_more = page * query.page_size < total if cursor is None else more
    next_cursor = last.text(query) if has_more and last is not None else None
    return Found(items, total, page, has_more, next_cursor)


@dataclass(frozen=True)
class Plan(Generic[AnyRecord]):
    """How one list is read. `straight` is None when no index has the items in the asked order."""

    kind: type[AnyRecord]
    straight: Partition | None
    rows: Partition
    position: Callable[[Mapping[str, Any]], str]
    key: Callable[[str], Key]
    # Read beside the items: what gives the total of a straight page, what a reader must not see, and what must be so.
    counts: tuple[Key, ...]
    total: Callable[[Mapping[Key, Item]], int]
    keeps: Callable[[Item], bool]
    hidden: Callable[[Mapping[Key, Item], Item], bool] = field(default=lambda *_: False)
    check: Callable[[Mapping[Key, Item]], None] = field(default=lambda _: None)


def named_like(search: str | None) -> Callable[[Item], bool]:
    """Whether a row's name contains `search`, as readers compare texts; every row's does when there is no search."""
    wanted = comparison_key(search or "")
    return lambda row: not wanted or wanted in comparison_key(str(row["name"]))


def nothing(query: ListQuery) -> "Found[Any]":
    """The page of a list that has no items."""
    return found(query, cursor_of(query), [], total=0, more=False, last=None)


def read(table: Table, plan: Plan[AnyRecord], query: ListQuery) -> Found[AnyRecord]:
    """The asked page, as of now."""
    cursor = cursor_of(query)
    if plan.straight is not None and query.page == 1:
        return _straight(table, plan, plan.straight, query, cursor)
    return _through_rows(table, plan, query, cursor)


def _straight(
    table: Table, plan: Plan[AnyRecord], partition: Partition, query: ListQuery, cursor: Cursor | None
) -> Found[AnyRecord]:
    start = _start(plan, partition, cursor) if cursor else None
    # A walk by cursor looks one item ahead: only that tells whether there is more.
    wanted = query.page_size + (cursor is not None)
    how: dict[str, Any] = {"forward": not query.newest_first, "limit": wanted}
    first, counts = table.read_together(plan.counts, lambda: table.query(partition, start=start, **how))
    plan.check(counts)
    items = [item for item in first.items if not plan.hidden(counts, item)]
    if len(items) < wanted and first.next_start is not None:
        rest = table.iterate(partition, start=first.next_start, **how)
        items += _first(wanted - len(items), (item for item in rest if not plan.hidden(counts, item)))
    shown = items[: query.page_size]
    last = _cursor_at(plan, shown[-1], cursor, query) if shown else None
    records = from_items(plan.kind, shown)
    return found(query, cursor, records, total=plan.total(counts), more=len(items) > len(shown), last=last)


def _through_rows(table: Table, plan: Plan[AnyRecord], query: ListQuery, cursor: Cursor | None) -> Found[AnyRecord]:
    rows, counts = table.read_together(plan.counts, lambda: list(table.iterate(plan.rows)))
    plan.check(counts)
    matching = [row for row in rows if plan.keeps(row) and not plan.hidden(counts, row)]
    matching.sort(key=plan.position, reverse=query.newest_first)
    begin = _offset(plan, matching, query, cursor)
    shown = matching[begin : begin + query.page_size]
    items = table.get_many([plan.key(row["id"]) for row in shown]) if shown else {}
    records = from_items(plan.kind, [items[key] for row in shown if (key := plan.key(row["id"])) in items])
    last = _cursor_at(plan, shown[-1], cursor, query) if shown else None
    more = begin + query.page_size < len(matching)
    return found(query, cursor, records, total=len(matching), more=more, last=last)


def _offset(plan: Plan[AnyRecord], rows: list[Item], query: ListQuery, cursor: Cursor | None) -> int:
    if cursor is None:
        return (query.page - 1) * query.page_size
    if query.newest_first:
        return sum(plan.position(row) >= cursor.position for row in rows)
    return sum(plan.position(row) <= cursor.position for row in rows)


def _start(plan: Plan[AnyRecord], partition: Partition, cursor: Cursor) -> Item:
    return {**plan.key(cursor.id).attributes(), partition.range: partition.prefix + cursor.position}


def _cursor_at(plan: Plan[AnyRecord], item: Item, before: Cursor | None, query: ListQuery) -> Cursor:
    seen = before.seen if before else (query.page - 1) * query.page_size
    return Cursor(plan.position(item), str(item["id"]), seen + query.page_size)


def _first(count: int, items: Iterable[Item]) -> list[Item]:
    kept: list[Item] = []
    for item in items:
        kept.append(item)
        if len(kept) == count:
            break
    return kept
