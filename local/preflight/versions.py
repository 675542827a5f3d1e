"""Whether a changed parameter reaches a function whose requests go to a published version.

SAM names a version after the text of the template, in which parameters are still names. A version is replaced as well
when its description changes, so the description has to say every value that the function depends on, and no other:
Lambda publishes no version of a function that has not changed, and the deployment fails.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from local.preflight.stacks import Resource, Stack
from local.preflight.violation import Violation

# What is the function's own and no version's.
NOT_OF_A_VERSION: Final = ("Tags", "RecursiveLoop")


def missed(before: Stack, after: Stack) -> Iterator[Violation]:
    """Functions that a deployment of `after` over `before` leaves at their old version, or cannot publish."""
    old, new = _published(before), _published(after)
    for name in old.keys() & new.keys():
        changed = _configuration(old[name][0]) != _configuration(new[name][0])
        published = _identity(old[name][1]) != _identity(new[name][1])
        if changed and not published:
            yield Violation(
                name, "stale-version", f"{_differences(old[name][0], new[name][0])} changes, its version stays"
            )
        if published and not changed:
            yield Violation(name, "empty-version", "a version is published of a function that does not change")


def _published(stack: Stack) -> Mapping[str, tuple[Resource, Resource]]:
    """Functions with their version, by logical id."""
    functions = {it.identity["Ref"]: it for it in stack.of_type("AWS::Lambda::Function")}
    versions = stack.of_type("AWS::Lambda::Version")
    return {(it := functions[each.properties["FunctionName"]]).id: (it, each) for each in versions}


def _configuration(function: Resource) -> dict[str, Any]:
    return {name: it for name, it in function.properties.items() if name not in NOT_OF_A_VERSION}


def _identity(version: Resource) -> tuple[str, str]:
    return version.id, str(version.properties.get("Description", ""))


def _differences(old: Resource, new: Resource) -> str:
    before, after = _flat(old.properties), _flat(new.properties)
    return ", ".join(sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name)))


def _flat(value: Any, at: str = "") -> dict[str, Any]:
    if not isinstance(value, dict):
        return {at: value}
    return {path: it for name, each in value.items() for path, it in _flat(each, name).items()}
