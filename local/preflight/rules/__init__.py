"""Rules that AWS enforces and its service models do not state. Each rule yields its violations and cites its source."""

from collections.abc import Callable, Iterator
from typing import Final

from local.preflight.rules import edges, events, identity, naming, storage, templates, watching
from local.preflight.stacks import Stack
from local.preflight.violation import Violation

Rule = Callable[[Stack], Iterator[Violation]]

RULES: Final[tuple[Rule, ...]] = (
    *templates.RULES,
    *identity.RULES,
    *naming.RULES,
    *storage.RULES,
    *events.RULES,
    *edges.RULES,
    *watching.RULES,
)


def violations(stack: Stack) -> Iterator[Violation]:
    """What the stack breaks of all these rules."""
    for rule in RULES:
        yield from rule(stack)


def refusals(stack: Stack) -> list[Violation]:
    """Why CloudFormation would refuse the parameters before it creates anything."""
    return [*templates.parameter_values(stack), *templates.assertions(stack)]
