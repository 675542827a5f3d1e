"""Shares and invitations: what their owner sends and sees, and what a guest sees."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final, Literal, cast
from unicodedata import normalize

from pydantic import AfterValidator, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from atelier.domain.errors import FieldError, Invalid, NotFound
from atelier.domain.pages import OWNER, AccountNumber, ListQuery, Page
from atelier.domain.roles import Role
from atelier.domain.schema import Id, RequestModel, StoredModel, TimestampText, format_timestamp
from atelier.domain.sharing import ACCOUNT, SharedKind
from atelier.domain.tasks.queries import QueryTimestamp
from atelier.domain.text import has_content, trim

_TOKEN: Final = re.compile(r"([0-9]{1,15})\.(client|campaign|account)\.([0-9a-f-]{36})\.([A-Za-z0-9_-]{20,60})")
_BY_DEFAULT: Final = timedelta(days=7)
_AT_MOST: Final = timedelta(days=30)

_ADDRESS: Final = r"^[^@\s]+@[^@\s]+$"
GuestRole = Literal["viewer", "editor", "admin"]


def _address(value: str) -> str:
    """An email address as it is kept. Raises ValueError for what is none."""
    address = trim(value)
    if not re.match(_ADDRESS, address) or not all(map(has_content, address.split("@"))):
        raise ValueError("must be an email address, such as ben@example.com")
    return address


def is_same_address(one: str, other: str) -> bool:
    """Whether two email addresses are the same, composed or not and whatever their case, and no others that look so.

    Unicode's caseless match would take `ß` for `ss` and `ſ` for `s`, which are somebody else's address.
    """
    return normalize("NFC", one).lower() == normalize("NFC", other).lower()


class NewShare(RequestModel):
    """The body that shares a resource with a user."""

    role: Annotated[GuestRole, Field(description="`admin` for a whole account only.")]
    expires_at: Annotated[QueryTimestamp | None, Field(description="When the share ends by itself.")] = None

    model_config = ConfigDict(json_schema_extra={"example": {"role": "viewer"}})


class NewInvitation(RequestModel):
    """The body that invites somebody whose user id is not known."""

    role: Annotated[GuestRole, Field(description="`admin` for a whole account only.")]
    expires_at: Annotated[
        QueryTimestamp | None, Field(description="Until when it can be accepted: in 7 days, at most in 30.")
    ] = None
    email: Annotated[
        Annotated[str, AfterValidator(_address), Field(max_length=320, json_schema_extra={"pattern": _ADDRESS})] | None,
        Field(description="Only a user whose verified email address this is may accept."),
    ] = None

    model_config = ConfigDict(json_schema_extra={"example": {"role": "viewer", "email": "ben@example.com"}})


class AcceptedInvitation(RequestModel):
    """The body that accepts an invitation."""

    token: Annotated[str, Field(min_length=1, max_length=255)]


class InvitationFields(RequestModel):
    """A new invitation, as it is stored."""

    client_id: str | None = None
    campaign_id: str | None = None
    role: Role
    expires_at: str
    email: str | None
    digest: str


class _Given(StoredModel):
    id: Id
    user_id: Annotated[int, Field(description="The account that the resource belongs to.")]
    client_id: Annotated[Id | None, Field(description="The client, or the campaign's; null for an account.")] = None
    campaign_id: Id | None = None
    role: Role
    created_by: int
    updated_by: int
    created_at: TimestampText
    updated_at: TimestampText


class Share(_Given):
    """A share of a client, a campaign or an account, as who manages it sees it."""

    shared_with: Annotated[int, Field(description="The user who may use it.")]
    expires_at: Annotated[TimestampText | None, Field(description="When it ends by itself.")] = None


class Invitation(_Given):
    """An invitation. Accepting it makes it a share."""

    expires_at: TimestampText
    email: str | None = None
    digest: SkipJsonSchema[Annotated[str, Field(exclude=True)]]


class CreatedInvitation(Invitation):
    """A new invitation. No other answer has its token; a replay of the request has none."""

    token: Annotated[str | None, Field(description="To be sent to the one who is invited.")] = None


class SharedResource(StoredModel):
    """What was shared. An account has no name."""

    type: SharedKind
    id: Annotated[str, Field(description="The id of the client or campaign; of an account, its number.")]
    name: str | None
    user_id: Annotated[int, Field(description="The account that it belongs to.")]


class ReceivedShare(StoredModel):
    """What somebody shared with the caller."""

    id: Id
    resource: SharedResource
    role: Role
    expires_at: TimestampText | None = None
    shared_by: int
    created_at: TimestampText


class ShareQuery(ListQuery):
    """Which page of shares or invitations, in what order."""

    sort_by: Annotated[Literal["created_at"], Field(description="Order; ties by id.")] = "created_at"


class AccountShareQuery(ShareQuery):
    """Which shares or invitations of an account to list, newest or oldest first."""

    owner: Annotated[AccountNumber | None, Field(**OWNER)] = None


class SharePage(Page[Share]):
    """A page of shares."""


class InvitationPage(Page[Invitation]):
    """A page of invitations."""


class ReceivedSharePage(Page[ReceivedShare]):
    """A page of what was shared with the caller."""


@dataclass(frozen=True)
class InvitationToken:
    """What an invitation's token says: where it is, and the secret, of which only the digest is stored."""

    account: int
    kind: SharedKind
    id: str
    digest: str


def token_text(account: int, kind: SharedKind, id_: str, secret: str) -> str:
    """The token of an invitation."""
    return f"{account}.{kind}.{id_}.{secret}"


def digest_of(secret: str) -> str:
    """What is stored of a token's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def token_from(text: str) -> InvitationToken:
    """The token that a caller sent. Raises NotFound for what cannot be one."""
    parts = _TOKEN.fullmatch(text)
    if parts is None:
        raise NotFound("invitation", "with this token")
    account, kind, id_, secret = parts.groups()
    return InvitationToken(int(account), cast("SharedKind", kind), id_, digest_of(secret))


def checked_role(role: GuestRole, kind: SharedKind) -> Role:
    """The role of a share. Raises Invalid for an admin of less than an account."""
    if role == "admin" and kind != ACCOUNT:
        raise Invalid([FieldError("must be viewer or editor; only a whole account has admins", pointer="/role")])
    return Role(role)


def share_end(asked: datetime | None, *, now: datetime) -> str | None:
    """When a share ends. Raises Invalid for a time that is over."""
    return format_timestamp(_to_come(asked, now)) if asked else None


def invitation_end(asked: datetime | None, *, now: datetime) -> str:
    """When an invitation ends. Raises Invalid for a time that is over, or later than in 30 days."""
    end = _to_come(asked, now) if asked else now + _BY_DEFAULT
    if end > now + _AT_MOST:
        raise Invalid([FieldError("must be within 30 days", pointer="/expires_at")])
    return format_timestamp(end)


def _to_come(end: datetime, now: datetime) -> datetime:
    if end <= now:
        raise Invalid([FieldError("must be in the future", pointer="/expires_at")])
    return end
