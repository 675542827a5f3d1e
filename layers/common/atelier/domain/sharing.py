"""Sharing: what a grant allows its guest to do, and where.

A grant gives one user, the guest, a role on a client (with its campaigns and their tasks), on a campaign (with its
tasks) or on a whole account. It ends at `expires_at`, whatever cleans up after it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from atelier.domain.errors import Forbidden
from atelier.domain.kinds import ancestors_of
from atelier.domain.roles import Role
from atelier.domain.schema import format_timestamp

ACCOUNT: Final = "account"
MOST_RECEIVED: Final = 100
"""How many clients, how many campaigns and how many accounts may be shared with one user."""

SharedKind = Literal["client", "campaign", "account"]


@dataclass(frozen=True)
class Grant:
    """What one guest was given: `role` on the resource `kind` `id` of `account`, until `expires_at`.

    A campaign's grant names its client too. `share_id` is the share that the owner sees.
    """

    kind: SharedKind
    id: str
    account: int
    role: Role
    share_id: str
    shared_by: int
    created_at: str
    expires_at: str | None = None
    client_id: str | None = None

    def is_live(self, at: datetime) -> bool:
        """Whether it has not expired."""
        return self.expires_at is None or format_timestamp(at) < self.expires_at

    def covers(self, kind: str, fields: Mapping[str, Any]) -> bool:
        """Whether a resource of the grant's account is what was shared, or below it."""
        if self.kind == ACCOUNT:
            return True
        return fields.get("id" if self.kind == kind else f"{self.kind}_id") == self.id

    def is_of(self, kind: str, id_: str) -> bool:
        """Whether this very resource was shared."""
        return (self.kind, self.id) == (kind, id_)


@dataclass(frozen=True)
class Needs:
    """The least role that an action takes: on the shared resource `itself`, and on what is `below` it."""

    itself: Role
    below: Role


READ: Final = Needs(itself=Role.VIEWER, below=Role.VIEWER)
CHANGE: Final = Needs(itself=Role.EDITOR, below=Role.EDITOR)
DELETE: Final = Needs(itself=Role.ADMIN, below=Role.EDITOR)
MANAGE: Final = Needs(itself=Role.ADMIN, below=Role.ADMIN)
"""Of shares and invitations."""
_rank: Final = list(Role).index


def allowed(
    grants: Iterable[Grant], account: int, kind: str, fields: Mapping[str, Any], needs: Needs, *, role: Role | None
) -> Grant | None:
    """The grant by which a guest may act on a resource of an account; None for who may not even see it.

    What a guest may do is the lower of the grant's role and their token's. Raises Forbidden for who may see it only.
    """
    covering = [each for each in grants if each.account == account and each.covers(kind, fields)]
    for each in covering:
        least = needs.itself if each.is_of(kind, str(fields["id"])) else needs.below
        if each.role.includes(least) and role is not None and role.includes(least):
            return each
    if covering:
        yours = min(max((each.role for each in covering), key=_rank), role or Role.VIEWER, key=_rank)
        raise Forbidden(f"Requires role {_least(covering, kind, fields, needs)}; yours is {yours}.")
    return None


def _least(covering: Iterable[Grant], kind: str, fields: Mapping[str, Any], needs: Needs) -> Role:
    roles = (needs.itself if each.is_of(kind, str(fields["id"])) else needs.below for each in covering)
    return min(roles, key=_rank)


def accounts_with(grants: Iterable[Grant], kind: str, id_: str) -> tuple[int, ...]:
    """The accounts in which a resource may be that a guest may see, if it is one: where to look for it."""
    grants = tuple(grants)
    direct = [each.account for each in grants if each.is_of(kind, id_)]
    above = (ACCOUNT, *ancestors_of(kind))
    return tuple(dict.fromkeys([*direct, *(each.account for each in grants if each.kind in above)]))


def owned_by(grants: Iterable[Grant], owner: str | None) -> tuple[Grant, ...]:
    """The grants of one account, where `owner` is its number; all of them otherwise."""
    return tuple(each for each in grants if owner in (None, "shared", str(each.account)))


def disjoint(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """The grants without those that lie below another: what each of them covers, no other does."""
    grants = tuple(grants)
    accounts = {each.account for each in grants if each.kind == ACCOUNT}
    clients = {each.id for each in grants if each.kind == "client"}
    return tuple(
        each
        for each in grants
        if each.kind == ACCOUNT or (each.account not in accounts and each.client_id not in clients)
    )
