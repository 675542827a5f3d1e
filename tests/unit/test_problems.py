"""Errors as answers: every error has one, and none tells what is inside."""

import json
from decimal import Decimal
from http import HTTPStatus
from typing import Any

import pytest

from atelier.domain import errors
from atelier.domain.errors import DomainError, FieldError
from atelier.web import problems
from atelier.web.problems import OWN_TITLES, STATUS, TITLES, MethodNotAllowed, NoSuchPath, problem_response, status_of
from atelier.web.routes import document, refusal, routes
from tests.support.errors import leaves

EXAMPLES: list[tuple[DomainError, int, dict[str, str], dict[str, Any]]] = [
    (
        errors.Invalid(
            [
                FieldError("is required", pointer="/name"),
                FieldError("unknown", parameter="page"),
                FieldError("bad", pointer=""),
            ]
        ),
        400,
        {},
        {
            "detail": "name: is required; page: unknown; bad",
            "errors": [
                {"pointer": "/name", "detail": "is required"},
                {"parameter": "page", "detail": "unknown"},
                {"pointer": "", "detail": "bad"},
            ],
        },
    ),
    (errors.Unauthenticated("Who?"), 401, {"WWW-Authenticate": "Bearer"}, {"detail": "Who?"}),
    (errors.Forbidden("No."), 403, {}, {"detail": "No."}),
    (errors.LimitExceeded("Full.", retry_after=7), 429, {"Retry-After": "7"}, {"detail": "Full."}),
    (errors.NotFound("client", "x"), 404, {}, {"detail": "There is no client x."}),
    (NoSuchPath("Nothing."), 404, {}, {"detail": "Nothing."}),
    (MethodNotAllowed("GET, POST"), 405, {"Allow": "GET, POST"}, {"detail": "This path allows GET, POST."}),
    (errors.TooManyShares("Enough."), 409, {}, {"detail": "Enough."}),
    (errors.BatchClash("Twice."), 409, {}, {"detail": "Twice."}),
    (errors.NotCarriedOut("Not carried out."), 409, {}, {"detail": "Not carried out."}),
    (errors.IllegalTransition("Over."), 409, {}, {"detail": "Over."}),
    (
        errors.BudgetExceeded(
            "client", "x", period="month", limit=Decimal(1), available=Decimal("0.02"), needed=Decimal("0.04")
        ),
        409,
        {},
        {
            "detail": "The budget of client x has 0.02 USD left, and this needs 0.04 USD.",
            "budget": {
                "type": "client",
                "id": "x",
                "period": "month",
                "limit": 1.0,
                "available": 0.02,
                "needed": 0.04,
            },
        },
    ),
    (errors.RequestInProgress("Wait."), 409, {}, {"detail": "Wait."}),
    (
        errors.TaskFailed(code="boom", message="It broke.", retryable=False),
        409,
        {},
        {"detail": "It broke.", "code": "boom", "retryable": False},
    ),
    (errors.AssetRejected("animated", "It moves."), 409, {}, {"detail": "It moves.", "code": "animated"}),
    (errors.PreconditionFailed("Changed."), 412, {}, {"detail": "Changed."}),
    (problems.TooLarge("Big."), 413, {}, {"detail": "Big."}),
    (problems.UnsupportedMediaType("Not JSON."), 415, {}, {"detail": "Not JSON."}),
    (errors.IdempotencyKeyReused("Used."), 422, {}, {"detail": "Used."}),
    (errors.Busy("Later.", retry_after=30), 503, {"Retry-After": "30"}, {"detail": "Later."}),
]


def test_every_domain_error_has_a_titled_status() -> None:
    assert set(leaves(DomainError)) == set(STATUS) == {type(error) for error, *_ in EXAMPLES}
    assert set(TITLES) == {*STATUS.values(), HTTPStatus.INTERNAL_SERVER_ERROR}
    slugs = [slug for slug, _ in TITLES.values()]
    assert len(set(slugs)) == len(slugs)


@pytest.mark.parametrize(
    ("error", "status", "headers", "says"), EXAMPLES, ids=[type(each[0]).__name__ for each in EXAMPLES]
)
def test_an_error_is_problem_json(
    error: DomainError, status: int, headers: dict[str, str], says: dict[str, Any]
) -> None:
    answer = problem_response(error, instance="/api/v3/x", request_id="r-1")
    slug, title = TITLES[HTTPStatus(status)]
    slug, title = OWN_TITLES.get(type(error), (slug, title))
    about = {"type": f"urn:atelier:problem:{slug}", "title": title, "status": status}
    assert json.loads(answer.body or "") == {**about, "instance": "/api/v3/x", "request_id": "r-1", **says}
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    assert dict(answer.headers) == {"Content-Type": "application/problem+json", **headers}


@pytest.mark.parametrize("error", [ValueError("secret"), KeyError("secret"), DomainError("secret of a new error")])
def test_an_unlisted_error_is_500_and_stays_inside(error: Exception) -> None:
    assert status_of(error) == 500
    body = problem_response(error, instance="/", request_id="r-1").body or ""
    assert json.loads(body)["title"] == "Internal error"
    assert isinstance(error, DomainError) or "secret" not in body


# ------------------------------------------------------------------------------------------------- unknown paths


def concrete(template: str) -> str:
    return template.replace("{", "some-").replace("}", "")


@pytest.mark.parametrize("template", list(json.loads(document())["paths"]))
def test_an_unsupported_method_lists_the_supported_ones(template: str) -> None:
    allowed = routes()[template]
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "TRACE"} - set(allowed):
        error = refusal(method, concrete(template))
        assert isinstance(error, MethodNotAllowed)
        assert set(error.allowed.split(", ")) == set(allowed)


@pytest.mark.parametrize(
    "path",
    [
        *("/", "", "/api/v3", "/api/v3/", "/api/v3/client", "/api/v3/clients/", "/api/v3/clients/a/b"),
        *("/api/v2/clients", "/api/v3/clients//campaigns", "/api/v3/Clients", "/api/v3/clients\n"),
        *("/x/api/v3/clients", "/api.v3/clients"),
    ],
)
def test_an_unserved_path_is_404_for_every_method(path: str) -> None:
    for method in ("GET", "POST", "DELETE", ""):
        assert isinstance(refusal(method, path), NoSuchPath)


def test_the_docs_page_takes_get_only() -> None:
    for path in ("/docs", "/docs/start.js"):
        error = refusal("POST", path)
        assert isinstance(error, MethodNotAllowed)
        assert error.allowed == "GET"
