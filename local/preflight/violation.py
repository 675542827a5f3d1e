"""What preflight has to say about a template."""

from typing import Literal, NamedTuple

Rule = Literal[
    "access-log",
    "account-wide-name",
    "alarm-metrics",
    "alarm-period",
    "alarm-window",
    "billed-encryption",
    "cache-minimum",
    "callback-url",
    "circular",
    "cors",
    "dashboard",
    "dead-letters",
    "deletion-policy",
    "deployment",
    "empty-version",
    "enum",
    "environment",
    "filters",
    "index-quota",
    "integration-timeout",
    "kept-snapshots",
    "key-attributes",
    "layers",
    "log-retention",
    "max",
    "min",
    "named-projection",
    "named-projections",
    "open-route",
    "parameter",
    "pattern",
    "policy-form",
    "policy-size",
    "public-key",
    "queue-bounds",
    "recursive-loop",
    "required",
    "route-quota",
    "route-settings",
    "signed-urls",
    "source-rights",
    "stale-version",
    "stream-age",
    "stream-destination",
    "stream-retries",
    "system-log-level",
    "template-quota",
    "template-rule",
    "type",
    "unknown",
    "unknown-type",
    "unresolved",
    "unwatched-drops",
    "unwatched-throttles",
    "vended-logs",
    "visibility",
]
"""The short names of all rules."""


class Violation(NamedTuple):
    """A rule of AWS that a resource breaks."""

    resource: str
    """Logical id of the resource, or the name of the parameter."""
    rule: Rule
    detail: str
    """The value, and what AWS accepts."""

    def __str__(self) -> str:
        """One line for a terminal."""
        return f"{self.resource}: {self.detail} [{self.rule}]"
