"""The secret that signs a user's outgoing webhooks: one item, made when it is first needed."""

from datetime import datetime

from atelier.domain.access import Access
from atelier.domain.webhook_secrets import WebhookSecret, rotated
from atelier.store import activity, idempotency, keys
from atelier.store.expressions import Attr, Condition
from atelier.store.idempotency import CreateResult, IdempotentRequest
from atelier.store.items import from_item, to_item
from atelier.store.received import still_granted
from atelier.store.table import MISSING, Table, Write, concurrent_update


class WebhookSecrets:
    """The secrets of all users. `fresh` is the text of a secret that nobody has, to be used if one is made."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get_or_create(self, user_id: int, *, fresh: str, now: datetime) -> WebhookSecret:
        """The user's secret. Of several who make the first one at once, all get the same."""

        def attempt() -> WebhookSecret:
            kept = self._kept(user_id)
            if kept is None:
                kept = WebhookSecret(secret=fresh)
                self._table.write(_put(user_id, kept, condition=MISSING))
            return kept.as_of(now)

        return self._table.retry_on_conflict(attempt)

    def rotate(
        self, access: Access, *, fresh: str, idempotent: IdempotentRequest | None, now: datetime
    ) -> CreateResult[WebhookSecret]:
        """Make `fresh` the account's secret; the one before it signs as well for a day. With `idempotent`, once.

        Raises IdempotencyKeyReused and RequestInProgress.
        """

        def attempt() -> CreateResult[WebhookSecret]:
            kept = self._kept(access.account)
            made = rotated(kept, fresh=fresh, now=now) if kept else WebhookSecret(secret=fresh)
            as_read: Condition = Attr("version").eq(kept.version) if kept else MISSING
            write = _put(access.account, made, condition=as_read)
            logged = activity.done(
                "webhook_secret", "updated", access, id_=str(access.account), version=made.version, changes={}, now=now
            )
            return idempotency.create(
                self._table,
                made,
                [*still_granted(access), write, logged],
                id_=str(access.account),
                access=access,
                idempotent=idempotent,
                load=lambda _: self.get_or_create(access.account, fresh=fresh, now=now),
                now=now,
            )

        return self._table.retry_on_conflict(attempt)

    def _kept(self, user_id: int) -> WebhookSecret | None:
        item = self._table.get(keys.webhook_secret(user_id))
        return from_item(WebhookSecret, item) if item else None


def _put(user_id: int, secret: WebhookSecret, *, condition: Condition) -> Write:
    return Write(
        keys.webhook_secret(user_id), put=to_item(secret), condition=condition, on_condition_failure=concurrent_update
    )
