"""The API calls by which CloudFormation creates each type of resource, with their arguments."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from local import routes
from local.preflight import bounds
from local.preflight.api_form import in_api_form
from local.preflight.creations import CREATIONS, Creation
from local.preflight.stacks import Resource, Stack
from local.preflight.violation import Violation

WHERE = "local/preflight/creations.py"


@dataclass(frozen=True, slots=True)
class Request:
    """One API call and its arguments, in the form of the API."""

    service: str
    operation: str
    arguments: Mapping[str, Any]

    def violations(self) -> Iterator[Violation]:
        """What the service's model does not allow of the arguments."""
        shape = bounds.input_shape(self.service, self.operation)
        yield from bounds.violations(self.arguments, shape, at=self.operation)


def violations(stack: Stack) -> Iterator[Violation]:
    """Every argument of every call that creates the stack, where the service's model does not allow it."""
    for resource in _as_api_gateway_sees_it(stack).resources.values():
        creation = CREATIONS.get(resource.type)
        if creation is None:
            yield Violation(resource.id, "unknown-type", f"{WHERE} does not say which call creates {resource.type}")
            continue
        for request in requests_of(resource, creation):
            yield from (found._replace(resource=resource.id) for found in request.violations())


def requests_of(resource: Resource, creation: Creation) -> Iterator[Request]:
    """The calls that create `resource`."""
    for operation, arguments in creation.calls(resource.properties, str(resource.identity.get("Ref", resource.id))):
        shape = bounds.input_shape(creation.service, operation)
        yield Request(creation.service, operation, in_api_form(arguments, shape, creation.names))


def _as_api_gateway_sees_it(stack: Stack) -> Stack:
    """The stack with what API Gateway makes of an OpenAPI body: the same as from resources of their own."""
    return stack.with_plain(routes.expand(stack.plain)) if stack.of_type(routes.API_TYPE) else stack
