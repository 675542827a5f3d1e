"""Who asks, for whose data: resolved once per request, before anything is read."""

from dataclasses import dataclass

from atelier.domain.roles import Role


@dataclass(frozen=True)
class Access:
    """`account` owns the data, `actor` is the user who asks, `role` is what the actor may do with it."""

    account: int
    actor: int
    role: Role | None

    @classmethod
    def own(cls, user_id: int, role: Role | None = Role.ADMIN) -> "Access":
        """The access of a user to their own account."""
        return cls(account=user_id, actor=user_id, role=role)
