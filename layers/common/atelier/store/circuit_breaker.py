"""A circuit breaker per provider, shared by all workers.

After `FAILURES` failures in a row a provider is left alone, first for `FIRST_PAUSE` and each time for twice as long.
The counts are one small item per provider that all workers share. They are approximate on purpose: two workers that
fail at the same moment may count as one, and nothing is kept from a provider that answers.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from atelier.domain.schema import format_timestamp
from atelier.store import keys
from atelier.store.table import Table, Write

FAILURES: Final = 5
FIRST_PAUSE: Final = timedelta(seconds=15)
LONGEST_PAUSE: Final = timedelta(minutes=5)
# What a worker has read it believes for this long, instead of reading it with every step.
BELIEVED: Final = timedelta(seconds=3)
FORGOTTEN: Final = timedelta(hours=1)


@dataclass(frozen=True)
class _State:
    failures: int = 0
    reason: str = ""
    until: datetime | None = None


class CircuitBreakers:
    """The breakers, as one worker sees them."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._seen: dict[str, tuple[datetime, _State]] = {}

    def reason_to_wait(self, provider: str, *, now: datetime) -> str | None:
        """Why the breaker is open; None when the provider may be called."""
        read_at, state = self._seen.get(provider, (None, _State()))
        if read_at is None or not timedelta(0) <= now - read_at < BELIEVED:
            state = self._read(provider, now=now)
        if state.until is None or state.until <= now:
            return None
        return f"{provider} is out of order and is tried again at {format_timestamp(state.until)}: {state.reason}"

    def record_failure(self, provider: str, reason: str, *, now: datetime) -> None:
        """Count a failure."""
        failures = self._read(provider, now=now).failures + 1
        pause = min(FIRST_PAUSE * 2 ** min(max(failures - FAILURES, 0), 10), LONGEST_PAUSE)
        until = now + pause if failures >= FAILURES else None
        self._seen[provider] = (now, _State(failures, reason, until))
        change = {"failures": failures, "reason": reason, "expires_at": int((now + FORGOTTEN).timestamp())}
        opened = {"until": format_timestamp(until)} if until else {}
        self._table.write(Write(keys.health(provider), put={**change, **opened}))

    def record_success(self, provider: str) -> None:
        """It answered."""
        read_at, state = self._seen.get(provider, (None, _State()))
        if read_at is not None and state.failures:
            self._table.write(Write(keys.health(provider), delete=True))
            self._seen[provider] = (read_at, _State())

    def _read(self, provider: str, *, now: datetime) -> _State:
        item = self._table.get(keys.health(provider)) or {}
        until = datetime.fromisoformat(item["until"]) if "until" in item else None
        state = _State(int(item.get("failures", 0)), item.get("reason", ""), until)
        self._seen[provider] = (now, state)
        return state
