"""What preflight has to say about a template."""

from typing import NamedTuple


class Violation(NamedTuple):
    """A rule of AWS that a resource breaks."""

    resource: str
    """Logical id of the resource, or the name of the parameter."""
    rule: str
    """A short name of the rule: `max`, `enum`, `named-projection`, ..."""
    detail: str
    """Which value it is, and what AWS takes."""

    def __str__(self) -> str:
        """One line for a terminal."""
        return f"{self.resource}: {self.detail} [{self.rule}]"
