"""Circuit breakers, shared by all workers: one per provider, and one per receiver of webhooks of an account.

After `FAILURES` failures in a row a provider is left alone, first for `FIRST_PAUSE` and each time for twice as long.
The counts are one small item per breaker that all workers share. They are approximate on purpose: two workers that
fail at the same moment may count as one, and nothing is kept from a provider that answers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from atelier.domain.schema import format_timestamp
from atelier.store import keys
from atelier.store.keys import Key
from atelier.store.table import Table, Write

FAILURES: Final = 5
FIRST_PAUSE: Final = timedelta(seconds=15)
LONGEST_PAUSE: Final = timedelta(minutes=5)
# What a worker has read it believes for this long, instead of reading it with every step.
BELIEVED: Final = timedelta(seconds=3)
FORGOTTEN: Final = timedelta(hours=1)
_MOST_SEEN: Final = 1000


@dataclass(frozen=True)
class _State:
    failures: int = 0
    reason: str = ""
    until: datetime | None = None


class CircuitBreakers:
    """The breakers of one kind, as one worker sees them. `key` is where the breaker of a name is stored."""

    def __init__(self, table: Table, key: Callable[[str], Key] = keys.health) -> None:
        self._table = table
        self._key = key
        self._seen: dict[str, tuple[datetime, _State]] = {}

    def open_until(self, name: str, *, now: datetime) -> datetime | None:
        """When the breaker closes for a trial; None when it is not open."""
        until = self._state(name, now=now).until
        return until if until and until > now else None

    def reason_to_wait(self, provider: str, *, now: datetime) -> str | None:
        """Why the breaker is open; None when the provider may be called."""
        until = self.open_until(provider, now=now)
        if until is None:
            return None
        reason = self._state(provider, now=now).reason
        return f"{provider} is out of order and is tried again at {format_timestamp(until)}: {reason}"

    def record_failure(self, name: str, reason: str, *, now: datetime) -> None:
        """Count a failure."""
        failures = self._read(name, now=now).failures + 1
        pause = min(FIRST_PAUSE * 2 ** min(max(failures - FAILURES, 0), 10), LONGEST_PAUSE)
        until = now + pause if failures >= FAILURES else None
        self._seen[name] = (now, _State(failures, reason, until))
        change = {"failures": failures, "reason": reason, "expires_at": int((now + FORGOTTEN).timestamp())}
        opened = {"until": format_timestamp(until)} if until else {}
        self._table.write(Write(self._key(name), put={**change, **opened}))

    def record_success(self, name: str) -> None:
        """It answered."""
        read_at, state = self._seen.get(name, (None, _State()))
        if read_at is not None and state.failures:
            self._table.write(Write(self._key(name), set={"failures": 0}, remove=("until",)))
            self._seen[name] = (read_at, _State())

    def _state(self, name: str, *, now: datetime) -> _State:
        read_at, state = self._seen.get(name, (None, _State()))
        is_believed = read_at is not None and timedelta(0) <= now - read_at < BELIEVED
        return state if is_believed else self._read(name, now=now)

    def _read(self, name: str, *, now: datetime) -> _State:
        if len(self._seen) >= _MOST_SEEN:
            self._seen.clear()
        item = self._table.get(self._key(name)) or {}
        until = datetime.fromisoformat(item["until"]) if "until" in item else None
        state = _State(int(item.get("failures", 0)), item.get("reason", ""), until)
        self._seen[name] = (now, state)
        return state
