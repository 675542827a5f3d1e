"""Webhook signing secrets, and their rotation with an overlap."""

import base64
from datetime import datetime, timedelta
from typing import Annotated, Final, Self

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from atelier.domain.schema import StoredModel, Timestamp

OVERLAP: Final = timedelta(hours=24)


class WebhookSecret(StoredModel):
    """The secret of one user. After a change the one before signs as well, until `previous_until`."""

    secret: Annotated[
        str,
        Field(repr=False, description="Signs deliveries to `webhook_url`: `whsec_`, then the key in base64."),
    ]
    previous_until: Annotated[
        Timestamp | None, Field(description="Until when the previous secret signs as well, after a change.")
    ] = None
    previous: SkipJsonSchema[Annotated[str | None, Field(exclude=True, repr=False)]] = None

    def as_of(self, now: datetime) -> Self:
        """The secret without the one before it, if that has had its time."""
        if self.previous_until is None or now < self.previous_until:
            return self
        return self.model_copy(update={"previous": None, "previous_until": None})

    def signing(self, now: datetime) -> tuple[str, ...]:
        """The secrets that sign now, the newest first."""
        previous = self.as_of(now).previous
        return (self.secret, previous) if previous else (self.secret,)


def secret_text(random: bytes) -> str:
    """A secret as the Standard Webhooks specification writes it, made of 24 to 64 random bytes."""
    return f"whsec_{base64.b64encode(random).decode()}"


def rotated(old: WebhookSecret, *, fresh: str, now: datetime) -> WebhookSecret:
    """The next secret; `old` goes on signing for `OVERLAP`, and what was before it no longer does."""
    return WebhookSecret(secret=fresh, previous=old.secret, previous_until=now + OVERLAP, version=old.version + 1)
