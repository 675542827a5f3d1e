"""The keys or secret that a provider publishes for checking its callbacks: fetched when needed, cached for a day."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from atelier.domain.provider import InvalidSignature, Unavailable

KEPT_FOR: Final = timedelta(hours=24)
# A changed key is found at once, and forged callbacks cannot make us ask all the time.
ASKED_EVERY: Final = timedelta(minutes=1)

Proof = TypeVar("Proof")


class CachedKeys(Generic[Proof]):
    """The current proof, as `fetch` brings it. `fetch` raises Unavailable."""

    def __init__(self, fetch: Callable[[], Proof]) -> None:
        self._fetch = fetch
        self._known: tuple[Proof, datetime] | None = None
        self._asked: datetime | None = None

    def check(self, proves: Callable[[Proof], bool], *, now: datetime) -> None:
        """Return when the cached proof or a newer one verifies.

        Raises InvalidSignature when neither does, and Unavailable when there is none to go by.
        """
        known = self._current(now)
        if known is not None and proves(known):
            return
        if self._asked is not None and now < self._asked + ASKED_EVERY:
            if known is None:
                raise Unavailable("The keys of the provider could not be fetched a moment ago.")
            raise InvalidSignature("The signature matches none of the provider's keys.")
        self._asked = now
        newer = self._fetch()
        self._known = newer, now
        if not proves(newer):
            raise InvalidSignature("The signature matches none of the provider's keys.")

    def _current(self, now: datetime) -> Proof | None:
        if self._known is None:
            return None
        proof, fetched = self._known
        return proof if now < fetched + KEPT_FOR else None
