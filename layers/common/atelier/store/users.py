"""User numbers: one integer per issuer and subject, assigned once and never reused."""

import hashlib
import json
from typing import Final

from atelier.store import keys
from atelier.store.table import MISSING, Table, Write, concurrent_update

FIRST: Final = 1000
"""Below it nobody is given a number: user 1 is everyone in the local run, whose table must not become somebody's."""

MOST_CACHED: Final = 10_000


class Users:
    """Assigns and finds user numbers; a process caches those it has seen."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._cached: dict[str, int] = {}

    def id_of(self, *, issuer: str, subject: str) -> int:
        """The user's number. Of several first requests at once, all get the same. Raises Busy."""
        digest = _digest_of(issuer, subject)
        if digest not in self._cached:
            user_id = self._table.retry_on_conflict(lambda: self._find(digest) or self._assign(digest, issuer, subject))
            if len(self._cached) >= MOST_CACHED:
                self._cached.clear()
            self._cached[digest] = user_id
        return self._cached[digest]

    def _find(self, digest: str) -> int | None:
        item = self._table.get(keys.subject(digest))
        return int(item["user_id"]) if item else None

    def _assign(self, digest: str, issuer: str, subject: str) -> int:
        # A number whose owner is never written, because of a crash or a faster twin, is lost: the next one is free.
        user_id = FIRST - 1 + self._table.count(keys.users(), "given")
        of_subject = Write(
            keys.subject(digest), put={"user_id": user_id}, condition=MISSING, on_condition_failure=concurrent_update
        )
        # Also what keeps a number from a second owner, should the count ever be lost.
        back = {"issuer": issuer, "subject": subject}
        self._table.transact(
            of_subject, Write(keys.user(user_id), put=back, condition=MISSING, on_condition_failure=concurrent_update)
        )
        return user_id


def _digest_of(issuer: str, subject: str) -> str:
    # As JSON, no issuer and subject can be written as another pair; as a digest, they fit into a key.
    return hashlib.sha256(json.dumps([issuer, subject]).encode()).hexdigest()
