"""How lists of an account's resources are read: which index has the asked order, and what a reader must not see."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from atelier.domain.access import Access
from atelier.domain.errors import NotFound
from atelier.domain.ids import is_id
from atelier.domain.kinds import ancestors_of, counter_names, counter_of, has_optional_parent, kind_named, path_of
from atelier.domain.pages import ListQuery
from atelier.domain.schema import UNASSIGNED
from atelier.domain.sharing import ACCOUNT, Grant, disjoint, owned_by
from atelier.store import keys
from atelier.store.account_summary import summary_from
from atelier.store.keys import Key, Partition
from atelier.store.lists import Beside, Plan, Source, name_contains
from atelier.store.long_texts import complete
from atelier.store.received import grants_in
from atelier.store.wire import Item


def list_plan(kind: str, query: ListQuery, access: Access, *, parent_id: str | None) -> Plan | None:
    """The plan of one list, or None when its filters name a parent that cannot exist.

    With `parent_id` the plan raises NotFound for a parent that is not there.
    """
    *_, parent = ancestors_of(kind) or (None,)
    above = parent_id if parent_id is not None else query.filters().get(f"{parent}_id")
    is_none = above == UNASSIGNED and has_optional_parent(kind)
    if above is not None and not is_id(above) and not is_none:
        if parent_id is not None:
            raise NotFound(str(parent), above)
        return None
    must_exist = parent if parent_id is not None else None
    own = _plan(_Source(kind, query, access.account, above, must_exist=must_exist))
    owner = getattr(query, "owner", "me")
    if parent_id is not None or not access.is_own or owner in ("me", str(access.account)):
        return own
    shared = partial(_shared, kind, query, access=access, above=above)
    if owner is None:
        return replace(own, shared=shared)
    return replace(own, sources=(), total=lambda _: 0, more_beside=(keys.summary(access.account),), shared=shared)


def _plan(source: "_Source") -> Plan:
    return Plan(
        sources=(source.source(),),
        position=keys.POSITION[source.sort],
        total=source.total,
        shows=source.shows,
        check=source.check,
        keeps=source.keeps,
        complete=lambda table, items: complete(table, source.kind, items),
    )


def _shared(kind: str, query: ListQuery, beside: Beside, *, access: Access, above: str | None) -> tuple[Plan, ...]:
    """The parts of the list that others share with the actor; `beside` has the summary of the actor's own account."""
    grants = disjoint(owned_by(grants_in(beside.get(keys.summary(access.actor)), access), query.filters()["owner"]))
    *_, parent = ancestors_of(kind) or (None,)
    plans = []
    for grant in grants:
        if grant.kind == ACCOUNT:
            plans.append(_plan(_Source(kind, query, grant.account, above, must_exist=None)))
        elif grant.kind == parent and above in (None, grant.id):
            plans.append(_plan(_Source(kind, query, grant.account, grant.id, must_exist=None)))
    single = [grant for grant in grants if grant.kind == kind]
    return (*plans, _singles(kind, query, single, above)) if single else tuple(plans)


def _singles(kind: str, query: ListQuery, grants: Sequence[Grant], above: str | None) -> Plan:
    """The part of the list that is single resources of several accounts."""
    source = _Source(kind, query, 0, above, must_exist=None)
    wanted = [(keys.resource(each.account, kind, each.id), keys.summary(each.account)) for each in grants]

    def given(beside: Beside) -> list[Item]:
        there = [(beside[key], summary_from(beside.get(summary)).pending) for key, summary in wanted if key in beside]
        return [item for item, pending in there if not pending.hides(kind, item) and source.keeps(item)]

    return Plan(
        sources=(),
        position=keys.POSITION[source.sort],
        total=lambda beside: len(given(beside)),
        shows=lambda _: lambda row: row,
        more_beside=tuple(key for pair in wanted for key in pair),
        given=given,
    )


class _Source:
    """One account's part of a list, or one parent's."""

    def __init__(
        self, kind: str, query: ListQuery, account: int, parent_id: str | None, *, must_exist: str | None
    ) -> None:
        asked = query.filters()
        self.kind, self._account, self._parent_id, self._must_exist = kind, account, parent_id, must_exist
        self._status: str | None = asked.get("status")
        self._search: str | None = asked.get("search")
        self._named = name_contains(self._search)
        filters = {name: asked.get(name) for name in kind_named(kind).filters}
        self._filters = {name: wanted for name, wanted in filters.items() if wanted is not None}
        # With one status, the order by status is the order of creation.
        self.sort = "created_at" if self._status and query.sort_by == "status" else query.sort_by

    def source(self) -> Source:
        """Where the items are, and what is read beside them."""
        return Source(
            ordered=None if self._search or self._filters else self._ordered(),
            slim=keys.below(self._account, self.kind, *self._path()),
            key=lambda id_: keys.resource(self._account, self.kind, id_),
            beside=self._beside(),
        )

    def _ordered(self) -> Partition | None:
        """The index that has exactly these items in this order; None when there is none."""
        by_creation = self.sort == "created_at"
        if self._parent_id is not None:
            whole = by_creation and self._status is None
            return keys.children(self._account, self.kind, self._parent_id) if whole else None
        if self._status is not None:
            return keys.sorted_by(self._account, self.kind, "status", self._status) if by_creation else None
        if by_creation:
            return keys.newest(self._account, self.kind)
        return keys.sorted_by(self._account, self.kind, self.sort)

    def _path(self) -> list[str]:
        # Only the path of a direct child of an outermost kind is known from its parent's id alone.
        if self._parent_id is None or len(ancestors_of(self.kind)) > 1:
            return []
        return [self._parent_id] + ([self._status] if self._status else [])

    def _beside(self) -> tuple[Key, ...]:
        counted_in = [keys.counters(self._account, self._parent_id)] if self._parent_id else []
        parent = [keys.resource(self._account, self._must_exist, self._parent_id or "")] if self._must_exist else []
        return (keys.summary(self._account), *counted_in, *parent)

    def total(self, beside: Beside) -> int:
        """How many there are, from the counters of the parent or the account."""
        summary, parent = keys.summary(self._account), keys.counters(self._account, self._parent_id or "")
        counters = beside.get(parent if self._parent_id else summary, {})
        if "deleted_at" in counters or (self._parent_id and self._is_hidden(beside, counters)):
            return 0
        names = counter_names(self.kind)
        wanted = [counter_of(self.kind, {"status": self._status})] if self._status else names
        return sum(int(counters.get(name, 0)) for name in wanted)

    def _is_hidden(self, beside: Beside, counters: Item) -> bool:
        *_, parent = ancestors_of(self.kind)
        pending = summary_from(beside.get(keys.summary(self._account))).pending
        return bool(counters) and pending.hides(parent, counters)

    def shows(self, beside: Beside) -> Callable[[Item], Item | None]:
        """A row as a reader may see it: as it is, or not at all."""
        pending = summary_from(beside.get(keys.summary(self._account))).pending
        if not pending.resources:
            return lambda row: row
        return lambda row: None if pending.hides(self.kind, row) else row

    def keeps(self, row: Mapping[str, Any]) -> bool:
        """Whether a slim row is one of those that were asked for."""
        of_parent = self._parent_id is None or path_of(self.kind, row)[-1] == self._parent_id
        selected = all(keys.filter_value(self.kind, name, row) == wanted for name, wanted in self._filters.items())
        return of_parent and selected and self._status in (None, row.get("status")) and self._named(row)

    def check(self, beside: Beside) -> None:
        """Raises NotFound for a parent that must be there and is not."""
        if self._must_exist is None:
            return
        parent_id = self._parent_id or ""
        item = beside.get(keys.resource(self._account, self._must_exist, parent_id))
        pending = summary_from(beside.get(keys.summary(self._account))).pending
        if item is None or pending.hides(self._must_exist, item):
            raise NotFound(self._must_exist, parent_id)
