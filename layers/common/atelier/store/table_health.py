"""Whether the table answers, without a read for everybody who asks."""

from datetime import datetime, timedelta
from typing import Final

from atelier.store.keys import Key
from atelier.store.table import Table

ASKED_EVERY: Final = timedelta(seconds=5)
_PLACE: Final = Key("HEALTH", "HEALTH")  # nothing is there


class TableHealth:
    """Reads the table at most once in five seconds: health checks of strangers cost nothing."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._answered: datetime | None = None

    def check(self, *, now: datetime) -> None:
        """Return if the table answered within the last five seconds; raise what the table raises."""
        if self._answered is None or not timedelta(0) <= now - self._answered < ASKED_EVERY:
            self._table.get(_PLACE)
            self._answered = now
