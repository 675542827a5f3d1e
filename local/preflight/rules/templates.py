"""CloudFormation's quotas, and what it refuses in a template as a whole."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from local.preflight.stacks import Stack
from local.preflight.violation import Violation

# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html
QUOTAS: Final = {"Resources": 500, "Parameters": 200, "Outputs": 200, "Mappings": 200}
TEMPLATE_BYTES: Final = 1_000_000
PARAMETER_BYTES: Final = 4096
DESCRIPTION_BYTES: Final = 1024


def counts(stack: Stack) -> Iterator[Violation]:
    """A template has room for 500 resources and 200 parameters, and is at most 1 MB long."""
    for section, most in QUOTAS.items():
        if (has := len(stack.plain.get(section, {}))) > most:
            yield Violation(section, "template-quota", f"the template has {has} {section}, at most {most} are allowed")
    if (size := len(json.dumps(stack.plain))) > TEMPLATE_BYTES:
        yield Violation("template", "template-quota", f"it has {size} bytes, at most {TEMPLATE_BYTES} are allowed")
    if len(str(stack.source.get("Description", "")).encode()) > DESCRIPTION_BYTES:
        yield Violation("template", "template-quota", f"its description may have {DESCRIPTION_BYTES} bytes")


def parameter_values(stack: Stack) -> Iterator[Violation]:
    """Every value fits its parameter: allowed values, pattern, length, range, and 4,096 bytes."""
    for name, declared in stack.source.get("Parameters", {}).items():
        if name not in stack.values:
            yield Violation(name, "parameter", "has no value and no default")
            continue
        yield from (Violation(name, "parameter", it) for it in _unfit(stack.values[name], declared))


def _unfit(value: str, declared: Mapping[str, Any]) -> Iterator[str]:
    allowed = [str(it) for it in declared.get("AllowedValues", [value])]
    if value not in allowed:
        yield f"is {value!r}, not one of {', '.join(allowed)}"
    if not re.fullmatch(str(declared.get("AllowedPattern", ".*")), value, re.DOTALL):
        yield f"is {value!r}; {declared.get('ConstraintDescription', 'its pattern is ' + declared['AllowedPattern'])}"
    if len(value.encode()) > int(declared.get("MaxLength", PARAMETER_BYTES)):
        yield f"has {len(value)} characters, at most {declared.get('MaxLength', PARAMETER_BYTES)} are allowed"
    if declared["Type"] == "Number":
        least, most = float(declared.get("MinValue", "-inf")), float(declared.get("MaxValue", "inf"))
        if not least <= float(value) <= most:
            yield f"is {value}, not between {least:g} and {most:g}"


def assertions(stack: Stack) -> Iterator[Violation]:
    """The template's own `Rules` hold."""
    yield from (Violation("Rules", "template-rule", said) for said in stack.broken_rules())


def dependencies(stack: Stack) -> Iterator[Violation]:
    """No resource waits for itself: CloudFormation refuses circular dependencies."""
    waits_for = {id_: _mentioned(stated, stack) - {id_} for id_, stated in stack.plain["Resources"].items()}
    while ready := {id_ for id_, others in waits_for.items() if not others & set(waits_for)}:
        waits_for = {id_: others for id_, others in waits_for.items() if id_ not in ready}
    if waits_for:
        yield Violation(min(waits_for), "circular", f"{', '.join(sorted(waits_for))} wait for each other")


def _mentioned(node: Any, stack: Stack) -> set[str]:
    """The resources that a part of the template refers to."""
    texts = _texts(node)
    return {id_ for id_ in stack.plain["Resources"] if id_ in texts}


def _texts(node: Any) -> set[str]:
    if isinstance(node, dict):
        found = set().union(*(_texts(it) for it in node.values())) if node else set()
        if isinstance(of := node.get("Fn::GetAtt"), str):
            found.add(of.partition(".")[0])
        if isinstance(text := node.get("Fn::Sub"), str) or (
            isinstance(text, list) and isinstance(text := text[0], str)
        ):
            found |= {part.partition("}")[0].partition(".")[0] for part in text.split("${")[1:]}
        return found
    if isinstance(node, list):
        return set().union(*map(_texts, node)) if node else set()
    return {node} if isinstance(node, str) else set()


RULES: Final = (counts, dependencies)
