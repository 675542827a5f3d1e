"""Everything that AWS would have against a stack."""

from local.errors import BadTemplate
from local.preflight import requests, rules
from local.preflight.stacks import Stack
from local.preflight.violation import Violation


def violations(stack: Stack) -> list[Violation]:
    """What would not be created, or would not work; nothing when all is well."""
    try:
        return rules.refusals(stack) or [*requests.violations(stack), *rules.violations(stack)]
    except BadTemplate as unresolved:
        return [Violation("template.yaml", "unresolved", str(unresolved))]
