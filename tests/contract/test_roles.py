"""No route without a role: in the table, in template.yaml, in openapi.json and in the code."""

import inspect
import json
from typing import Any, Final, get_args

import pytest

from atelier.caller import Who, caller
from atelier.web.roles import LEAST, OPEN, Route
from atelier.web.routes import document
from local.openapi import HTTP_FUNCTIONS
from tests.contract.test_routes import EVERYTHING_ELSE, NOT_IN_THE_DOCUMENT, app
from tests.contract.test_template import RESOURCES, functions

OPERATIONS: Final[dict[Route, dict[str, Any]]] = {
    (method.upper(), path): operation
    for path, operations in json.loads(document())["paths"].items()
    for method, operation in operations.items()
}
NEEDED_FOR_A_NEW_USER: Final = ("GetItem", "PutItem", "UpdateItem")


def handlers(function: str) -> dict[Route, Any]:
    """The function of the code behind each route."""
    routes = [*app(function)._static_routes, *app(function)._dynamic_routes]
    methods = {route: [route.method] if isinstance(route.method, str) else route.method for route in routes}
    return {(method, route.openapi_path): route.func for route in routes for method in methods[route]}


def asks_who(handler: Any) -> bool:
    marks = (mark for each in inspect.signature(handler).parameters.values() for mark in get_args(each.annotation))
    return any(getattr(mark, "dependency", None) is caller for mark in marks)


def test_every_route_says_who_may_use_it() -> None:
    assert LEAST.keys() | OPEN == OPERATIONS.keys() | NOT_IN_THE_DOCUMENT
    assert not LEAST.keys() & OPEN


def test_the_gateway_asks_for_a_token_exactly_where_the_table_does() -> None:
    assert RESOURCES["Api"]["Properties"]["Auth"]["DefaultAuthorizer"] == "Jwt"
    events = [each["Properties"] for function in functions().values() for each in function.get("Events", {}).values()]
    named = {(each["Method"], each["Path"]): each["Auth"] for each in events if "Auth" in each}
    assert named == {route: {"Authorizer": "NONE"} for route in {*OPEN, EVERYTHING_ELSE}}


@pytest.mark.parametrize("function", HTTP_FUNCTIONS)
def test_the_code_behind_a_route_asks_who_it_is_for_unless_it_is_open(function: str) -> None:
    for route, handler in handlers(function).items():
        assert asks_who(handler) == (route not in OPEN), route


def test_the_test_before_knows_what_asking_is() -> None:
    def asking(who: Who) -> None: ...

    def not_asking(who: str) -> None: ...

    assert asks_who(asking)
    assert not asks_who(not_asking)


@pytest.mark.parametrize("function", HTTP_FUNCTIONS)
def test_a_function_that_meets_new_users_may_write_them_down(function: str) -> None:
    if any(map(asks_who, handlers(function).values())):
        statements = [each for policy in functions()[function]["Policies"] for each in policy["Statement"]]
        allowed = {action for each in statements if "Action" in each for action in each["Action"]}
        assert {f"dynamodb:{name}" for name in NEEDED_FOR_A_NEW_USER} <= allowed


@pytest.mark.parametrize("route", OPERATIONS, ids=" ".join)
def test_the_document_says_what_a_route_takes(route: Route) -> None:
    operation, role = OPERATIONS[route], LEAST.get(route)
    assert operation.get("security", []) == ([] if route in OPEN else [{"token": []}])
    assert ("401" in operation["responses"]) == (route not in OPEN or "webhooks" in route[1])
    assert ("403" in operation["responses"]) == (role is not None)
    assert role is None or operation["description"] == f"Least role: {role}."
