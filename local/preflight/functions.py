"""The functions of a stack with what belongs to each: its role's statements and its event sources."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from local.preflight.stacks import Resource, Stack


@dataclass(frozen=True, slots=True)
class Function:
    """A Lambda function with its role's own statements and its event source mappings."""

    resource: Resource
    statements: tuple[Mapping[str, Any], ...]
    managed_policies: tuple[str, ...]
    sources: tuple[Resource, ...]

    @property
    def id(self) -> str:
        """Its logical id."""
        return self.resource.id

    @property
    def name(self) -> str:
        """The name that it has on AWS."""
        return str(self.resource.identity["Ref"])

    @property
    def variables(self) -> Mapping[str, str]:
        """Its environment variables."""
        variables: Mapping[str, str] = self.resource.properties.get("Environment", {}).get("Variables", {})
        return variables

    def may(self, action: str, arn: str) -> bool:
        """Whether its own statements allow an action on a resource."""
        return any(_allows(statement, action, arn) for statement in self.statements)


def functions(stack: Stack) -> list[Function]:
    """Every function of the stack."""
    roles = {role.identity["Arn"]: role for role in stack.of_type("AWS::IAM::Role")}
    mappings = stack.of_type("AWS::Lambda::EventSourceMapping")
    return [_function(each, roles, mappings) for each in stack.of_type("AWS::Lambda::Function")]


def _function(resource: Resource, roles: Mapping[str, Resource], mappings: list[Resource]) -> Function:
    role = roles[resource.properties["Role"]].properties
    named = (resource.identity["Ref"], resource.identity["Arn"])
    return Function(
        resource,
        tuple(statements_of(role)),
        tuple(role.get("ManagedPolicyArns", ())),
        tuple(it for it in mappings if it.properties["FunctionName"] in named),
    )


def statements_of(role: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every statement of a role's own policies."""
    for policy in role.get("Policies", []):
        yield from listed(policy["PolicyDocument"]["Statement"])


def listed(value: Any) -> list[Any]:
    """IAM takes one thing or a list of them."""
    return value if isinstance(value, list) else [value]


def _allows(statement: Mapping[str, Any], action: str, arn: str) -> bool:
    is_action = any(fnmatchcase(action.lower(), each.lower()) for each in listed(statement["Action"]))
    return is_action and any(fnmatchcase(arn, each) for each in listed(statement["Resource"]))
