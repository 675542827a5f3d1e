"""The budgets of accounts, clients and campaigns, on the counters that `store.reservations` keeps up to date."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from atelier.domain.access import Access
from atelier.domain.budgets import Budget, NewBudget, OnExceeded
from atelier.domain.counters import EVERYTHING
from atelier.domain.errors import NotFound
from atelier.domain.money import from_millionths, in_millionths
from atelier.domain.reservations import TOTAL, Period, Scope, month_end, month_of, months_before
from atelier.domain.sharing import MANAGE, READ, Needs
from atelier.store import activity, keys
from atelier.store.expressions import Attr, Condition
from atelier.store.parents import LIVE
from atelier.store.received import still_granted
from atelier.store.reservations import BLOCKS, LIMIT, named, reserved, room
from atelier.store.table import Table, Write, concurrent_update
from atelier.store.wire import Item

if TYPE_CHECKING:
    from atelier.store.resources import Resources

ALERTED: Final = "alerted|"
"""What the marks of alerts begin with that were sent (`store.budget_alerts`)."""
_VERSION: Final = "budget_version"
_OWN: Final = ("alerts", "webhook_url", "budget_by")


def budget_from(item: Mapping[str, Any] | None, *, now: datetime) -> Budget | None:
    """The budget of the scope that has these counters, as of a moment; None where it has none."""
    period = next((each for each in Period if LIMIT[each] in (item or {})), None)
    if item is None or period is None:
        return None
    limit, current = int(item[LIMIT[period]]), named(period, month_of(now))
    left, held = int(item.get(room(current), limit)), int(item.get(reserved(current), 0))
    return Budget(
        limit=from_millionths(limit),
        period=period,
        on_exceeded=OnExceeded.BLOCK if BLOCKS[period] in item else OnExceeded.WARN,
        alerts=[int(each) for each in item["alerts"]],
        webhook_url=item.get("webhook_url"),
        spent=from_millionths(limit - left - held),
        reserved=from_millionths(held),
        available=from_millionths(max(left, 0)),
        resets_at=month_end(now) if period is Period.MONTH else None,
    )


def scope_of(counters: Mapping[str, Any]) -> Scope:
    """Whose counters these are: a parent's have its id, and the ids of its ancestors."""
    if "id" not in counters:
        return Scope("account")
    return Scope("campaign" if "client_id" in counters else "client", counters["id"])


class Budgets:
    """The budgets of accounts, clients and campaigns. Methods act for `access`: what it may not see is not there."""

    def __init__(self, table: Table, resources: "Mapping[str, Resources[Any]]") -> None:
        self._table = table
        self._resources = resources

    def get(self, scope: Scope, *, access: Access, now: datetime) -> Budget:
        """The budget of a scope. Raises NotFound when it has none, or is not there."""
        _, counters = self._reached(scope, access, READ)
        return _shown(counters, scope, now=now)

    def put(self, scope: Scope, new: NewBudget, *, access: Access, now: datetime) -> Budget:
        """Set the budget of a scope. What was spent before in its period counts. Raises NotFound and Forbidden."""

        def attempt() -> Budget:
            acting, counters = self._reached(scope, access, MANAGE)
            self._define(scope, counters, new, acting, now=now)
            return _shown(self._table.get(_key(scope, acting)), scope, now=now)

        return self._table.retry_on_conflict(attempt)

    def delete(self, scope: Scope, *, access: Access, now: datetime) -> None:
        """Remove the budget of a scope; what is spent goes on being counted. Raises NotFound when it has none."""

        def attempt() -> None:
            acting, counters = self._reached(scope, access, MANAGE)
            _shown(counters, scope, now=now)
            self._define(scope, counters, None, acting, now=now)

        self._table.retry_on_conflict(attempt)

    def _define(self, scope: Scope, counters: Item, new: NewBudget | None, access: Access, *, now: datetime) -> None:
        defined = _defined(_key(scope, access), counters, new, scope=scope, actor=access.actor, now=now)
        self._table.transact(*still_granted(access), defined, *_logged(counters, new, scope, access, now=now))

    def _reached(self, scope: Scope, access: Access, needs: Needs) -> tuple[Access, Item]:
        """The access to a scope, and its counters. Of a whole account, the access is to that account already."""
        acting = access
        if scope.id is not None:
            _, acting = self._resources[scope.kind].get_by(scope.id, access=access, needs=needs)
        counters = self._table.get(_key(scope, acting))
        if scope.id is not None and (counters is None or "deleted_at" in counters):
            raise NotFound(scope.kind, scope.id)
        return acting, counters or {}


def _key(scope: Scope, access: Access) -> keys.Key:
    return keys.counters(access.account, scope.id or EVERYTHING)


def _shown(counters: Item | None, scope: Scope, *, now: datetime) -> Budget:
    found = budget_from(counters, now=now)
    if found is None:
        raise NotFound("budget", f"of {scope}")
    return found


def _logged(counters: Item, new: NewBudget | None, scope: Scope, access: Access, *, now: datetime) -> list[Write]:
    """The entry of the activity log; none where the budget stays the same."""
    old = budget_from(counters, now=now)
    changes = {
        name: {"from": before, "to": after}
        for name in ("limit", "period", "on_exceeded", "alerts")
        if (before := _plain(getattr(old, name, None))) != (after := _plain(getattr(new, name, None)))
    }
    if not changes:
        return []
    return [
        activity.done(
            "budget",
            "updated" if new else "deleted",
            access,
            id_=scope.id or str(access.account),
            version=int(counters.get(_VERSION, 0)) + 1,
            changes=changes,
            now=now,
            client_id=scope.id if scope.kind == "client" else counters.get("client_id"),
            campaign_id=scope.id if scope.kind == "campaign" else None,
        )
    ]


def _plain(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value


def _defined(key: keys.Key, counters: Item, new: NewBudget | None, *, scope: Scope, actor: int, now: datetime) -> Write:
    """The write that sets a budget, or removes it (None), on counters that still are as they were read."""
    limits = {Period(new.period): in_millionths(new.limit)} if new else {}
    # A month whose room is not there begins with the limit of then; one that is there gets the difference now.
    this, following = month_of(now), month_of(month_end(now))
    begun = [name for name in counters if name.startswith("room|") and name != room(TOTAL)]
    kept = [name for name in begun if name >= room(months_before(now, 1))]
    more = {period: limits.get(period, 0) - int(counters.get(LIMIT[period], 0)) for period in Period}
    add = {room(TOTAL): more[Period.TOTAL], **dict.fromkeys(kept, more[Period.MONTH])}
    unchanged: Condition = (
        Attr(_VERSION).eq(counters[_VERSION]) if _VERSION in counters else Attr(_VERSION).not_exists()
    )
    for month in (this, following):
        if room(month) not in kept:
            unchanged &= Attr(room(month)).not_exists()
    if scope.id is not None:
        unchanged &= LIVE
    blocks = new is not None and new.on_exceeded is OnExceeded.BLOCK
    wanted: Item = {LIMIT[period]: limit for period, limit in limits.items()}
    wanted |= {BLOCKS[period]: True for period in limits if blocks}
    if new is not None:
        wanted |= {"alerts": new.alerts, "budget_by": actor}
        wanted |= {"webhook_url": new.webhook_url} if new.webhook_url else {}
    begins_anew = (ALERTED,) if any(more.values()) else ()
    mine = {name for name in counters if name.startswith(("limit|", "blocks|", *begins_anew)) or name in _OWN}
    old = {name for month in begun if month not in kept for name in (month, month.replace("room|", "reserved|"))}
    return Write(
        key,
        set=wanted,
        add={**{name: amount for name, amount in add.items() if amount}, _VERSION: 1},
        remove=sorted((mine - wanted.keys()) | old),
        condition=unchanged,
        on_condition_failure=concurrent_update,
    )
