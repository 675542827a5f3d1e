"""Which receivers of webhooks may be called: a circuit breaker per receiver, and a share of the attempts per account.

A breaker is of one account and one host. What another account sends to the same host does not open it. The share of an
account are slots in one item, each taken for as long as one attempt takes. A slot whose holder died is free again when
its lease is over.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import choice
from typing import Final

from atelier.domain.errors import Busy
from atelier.store import keys
from atelier.store.circuit_breaker import CircuitBreakers
from atelier.store.expressions import Attr
from atelier.store.keys import Key
from atelier.store.table import ConcurrentUpdate, Table, Write, concurrent_update

# Longer than the function may run (30 s).
LEASE: Final = timedelta(seconds=60)
_AT_ONCE: Final = 3  # how often somebody else may be faster
_FORGOTTEN: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Slot:
    """One of an account's slots, taken until its lease is over."""

    key: Key
    name: str
    until: int


class Receivers(CircuitBreakers):
    """See the module. `share` is how many attempts of one account are made at once."""

    def __init__(self, table: Table, *, share: int) -> None:
        super().__init__(table, keys.receiver_health)
        self._share = share

    def take_slot(self, account: int, *, now: datetime) -> Slot | None:
        """One of the account's slots; None when all are taken."""
        key, moment = keys.delivery_slots(account), _milliseconds(now)
        for _ in range(_AT_ONCE):
            item = self._table.get(key) or {}
            free = [name for name in map("slot_{}".format, range(self._share)) if int(item.get(name, 0)) <= moment]
            if not free:
                return None
            slot = Slot(key, choice(free), _milliseconds(now + LEASE))
            change = {slot.name: slot.until, "expires_at": int((now + _FORGOTTEN).timestamp())}
            is_free = Attr(slot.name).not_exists() | Attr(slot.name).lt(moment + 1)
            with suppress(ConcurrentUpdate):
                self._table.write(Write(key, set=change, condition=is_free, on_condition_failure=concurrent_update))
                return slot
        return None

    def release_slot(self, slot: Slot) -> None:
        """Give a slot back. If the table is busy, it is free when its lease is over."""
        mine = Attr(slot.name).eq(slot.until)
        with suppress(ConcurrentUpdate, Busy):
            self._table.write(
                Write(slot.key, remove=(slot.name,), condition=mine, on_condition_failure=concurrent_update)
            )


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
