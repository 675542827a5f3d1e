"""Roles. Each includes those before it."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final


class Role(StrEnum):
    """A viewer reads, an editor also changes and generates, an admin also changes the account itself."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Whether this role may do everything that the other one may."""
        return _ORDER.index(self) >= _ORDER.index(other)


_ORDER: Final = tuple(Role)


def highest(names: Iterable[str]) -> Role | None:
    """The highest role among these names, matched exactly; None when there is none."""
    named = set(names)
    return next((role for role in reversed(Role) if role.value in named), None)
