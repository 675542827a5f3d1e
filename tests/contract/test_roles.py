"""No route without a role: in the table, in template.yaml, in openapi.json and in the code."""

import inspect
import json
from typing import Any, Final

import pytest

from atelier.web.roles import LEAST, OPEN, Route
from atelier.web.routes import document
from local.openapi import HTTP_FUNCTIONS, routes_of
from tests.contract.test_routes import BY_DEFAULT, EVERYTHING_ELSE, NOT_IN_THE_DOCUMENT, app, in_code
from tests.contract.test_template import RESOURCES, functions

OPERATIONS: Final[dict[Route, dict[str, Any]]] = {
    (method.upper(), path): operation
    for path, operations in json.loads(document())["paths"].items()
    for method, operation in operations.items()
}
NEEDED_FOR_A_NEW_USER: Final = ("GetItem", "PutItem", "UpdateItem")


def handlers(function: str) -> dict[Route, Any]:
    """The function of the code behind each route."""
    return {(method, path): route for method, path, route in routes_of(app(function))}


ALIKE_FOR_ALL: Final = {
    ("GET", "/api/v3/providers"),
    ("GET", "/api/v3/models"),
    ("GET", "/api/v3/models/{model_id}"),
}
"""Guarded, and yet nobody's: who may see it sees the same."""


def test_every_route_says_who_may_use_it() -> None:
    assert LEAST.keys() | OPEN == OPERATIONS.keys() | NOT_IN_THE_DOCUMENT
    assert not LEAST.keys() & OPEN


def test_gateway_and_role_table_ask_for_the_same_tokens() -> None:
    assert RESOURCES["Api"]["Properties"]["Auth"]["DefaultAuthorizer"] == "Jwt"
    events = [each["Properties"] for function in functions().values() for each in function.get("Events", {}).values()]
    named = {(each["Method"], each["Path"]): each["Auth"] for each in events if "Auth" in each}
    assert named == {route: {"Authorizer": "NONE"} for route in {*OPEN, EVERYTHING_ELSE} - {BY_DEFAULT}}


@pytest.mark.parametrize("function", HTTP_FUNCTIONS)
def test_functions_that_meet_new_users_may_record_them(function: str) -> None:
    if in_code(function) & (LEAST.keys() - ALIKE_FOR_ALL):
        statements = [each for policy in functions()[function]["Policies"] for each in policy["Statement"]]
        allowed = {action for each in statements if "Action" in each for action in each["Action"]}
        assert {f"dynamodb:{name}" for name in NEEDED_FOR_A_NEW_USER} <= allowed


@pytest.mark.parametrize("route", OPERATIONS, ids=" ".join)
def test_the_document_says_what_a_route_takes(route: Route) -> None:
    operation, role = OPERATIONS[route], LEAST.get(route)
    assert operation.get("security", []) == ([] if route in OPEN else [{"token": []}])
    assert ("401" in operation["responses"]) == (route not in OPEN or "webhooks" in route[1])
    assert ("403" in operation["responses"]) == (role is not None)


def last_sentence(route: Route) -> str:
    """What the document adds to the docstring of a route's function."""
    if route in OPEN:
        return ""
    return f" Requires role {role}." if (role := LEAST[route]) else " Requires a token, but no role."


@pytest.mark.parametrize("function", HTTP_FUNCTIONS)
def test_the_document_describes_a_route_by_its_docstring(function: str) -> None:
    for route, handler in handlers(function).items():
        if route not in NOT_IN_THE_DOCUMENT:
            assert inspect.getdoc(handler)
            assert OPERATIONS[route]["description"] == f"{inspect.getdoc(handler)}{last_sentence(route)}"
