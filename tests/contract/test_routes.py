"""Every route is in the code, in template.yaml and in openapi.json, and in all of them the same."""

import json
from functools import cache
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from atelier.web.api import ASKED_FOR
from atelier.web.routes import document
from local import openapi
from local.openapi import HTTP_FUNCTIONS
from tests.contract.test_template import functions

Route = tuple[str, str]
BY_DEFAULT = ("GET", "/console/")
"""A route of the code that requests come to by the gateway's `$default`."""
PAGES = ("/", "/console", "/console/{name}", "/docs", "/docs/{name}")
NOT_IN_THE_DOCUMENT = {BY_DEFAULT} | {("GET", page) for page in PAGES}
EVERYTHING_ELSE = ("ANY", "$default")


@cache
def app(function: str) -> Any:
    return openapi.load(function).app


def in_code(function: str) -> set[Route]:
    return {(method, path) for method, path, _ in openapi.routes_of(app(function))}


def in_template(function: str) -> set[Route]:
    events = functions()[function].get("Events", {}).values()
    return {(each["Properties"]["Method"], each["Properties"]["Path"]) for each in events if each["Type"] == "HttpApi"}


def in_document() -> set[Route]:
    paths = json.loads(document())["paths"]
    return {(method.upper(), path) for path, operations in paths.items() for method in operations}


@pytest.mark.parametrize("function", HTTP_FUNCTIONS)
def test_a_function_receives_exactly_the_requests_it_answers(function: str) -> None:
    assert in_code(function) - {BY_DEFAULT} == in_template(function) - {EVERYTHING_ELSE}


def test_every_function_with_routes_is_in_the_document() -> None:
    assert {function for function in functions() if in_template(function)} == set(HTTP_FUNCTIONS)


def test_the_document_has_every_route_and_no_other() -> None:
    everywhere = set().union(*(in_template(function) for function in HTTP_FUNCTIONS))
    assert in_document() | NOT_IN_THE_DOCUMENT | {EVERYTHING_ELSE} == everywhere | {BY_DEFAULT}


def test_no_route_has_two_functions() -> None:
    routes = [route for function in HTTP_FUNCTIONS for route in in_template(function)]
    assert len(routes) == len(set(routes))


def test_unknown_routes_are_answered_by_the_system_function() -> None:
    assert [function for function in HTTP_FUNCTIONS if EVERYTHING_ELSE in in_template(function)] == ["system"]


def test_routes_read_no_header_withheld_from_them() -> None:
    for function in HTTP_FUNCTIONS:
        if function == "callbacks":
            continue  # is given all of them
        for route in [*app(function)._static_routes, *app(function)._dynamic_routes]:
            assert {each.alias.lower() for each in route.dependant.header_params} <= ASKED_FOR, route.openapi_path


def test_the_committed_document_is_what_the_code_says() -> None:
    assert document() == openapi.build(), "Run `make openapi`."


def test_the_document_is_openapi_3_1() -> None:
    parsed = json.loads(document())
    assert parsed["openapi"].startswith("3.1.")
    assert not list(OpenAPIV31SpecValidator(parsed).iter_errors())


def operations() -> list[tuple[str, dict[str, Any]]]:
    paths = json.loads(document())["paths"]
    return [
        (f"{method.upper()} {path}", operation)
        for path, operations in paths.items()
        for method, operation in operations.items()
    ]


# What a callback says is its provider\'s affair.
BODILESS = ("/cancel", "/complete", "/start", "/webhook", "/webhook-secret", "/webhooks/{provider}")


@pytest.mark.parametrize(("name", "operation"), operations(), ids=lambda value: value if isinstance(value, str) else "")
def test_an_operation_is_documented_to_the_end(name: str, operation: dict[str, Any]) -> None:
    assert operation["operationId"]
    assert operation["summary"]
    assert operation["tags"]
    assert {"500", "503"} <= operation["responses"].keys()
    sends = any(name.startswith(verb) for verb in ("POST", "PATCH", "PUT")) and not name.endswith(BODILESS)
    assert ("requestBody" in operation) == sends
    for status, response in operation["responses"].items():
        assert response["description"]
        assert "X-Request-Id" in response["headers"]
        if name.startswith("HEAD"):
            assert "content" not in response
            continue
        assert status in ("204", "304") or response["content"]
        if int(status) >= 400:
            assert list(response["content"]) == ["application/problem+json"]


def test_operation_ids_are_unique() -> None:
    names = [operation["operationId"] for _, operation in operations()]
    assert len(names) == len(set(names))
