"""Who asks, for whose data: resolved once per request, before anything is read."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Optional

from atelier.domain.roles import Role
from atelier.domain.schema import utcnow

if TYPE_CHECKING:
    from atelier.domain.sharing import Grant


@dataclass(frozen=True)
class Access:
    """`account` owns the data, `actor` is the user who asks, `role` is what the actor's token allows.

    `grant` is what lets a guest in; a change demands that it is still there. `at` is when the request came: what has
    expired by then is not there. `request_id` is in the activity log beside what the request changes.
    """

    account: int
    actor: int
    role: Role | None
    grant: Optional["Grant"] = None
    at: datetime = field(default_factory=utcnow, compare=False)
    request_id: str = field(default="", compare=False)

    @classmethod
    def own(
        cls, user_id: int, role: Role | None = Role.ADMIN, *, at: datetime | None = None, request_id: str = ""
    ) -> "Access":
        """The access of a user to their own account."""
        return cls(account=user_id, actor=user_id, role=role, at=at or utcnow(), request_id=request_id)

    def by(self, grant: "Grant") -> "Access":
        """The access of the same actor as a guest."""
        return replace(self, account=grant.account, grant=grant)

    def before_grants(self) -> "Access":
        """The access that a request came with, before a grant let it in."""
        return self if self.grant is None else replace(self, account=self.actor, grant=None)

    @property
    def is_own(self) -> bool:
        """Whether it is to the actor's own account, beside which there may be grants of others."""
        return self.account == self.actor
