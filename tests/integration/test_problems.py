"""Errors: every one is a problem that says what, where and which request, and nothing about the inside."""

from collections.abc import Iterator
from typing import Any, NoReturn
from unittest import mock

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from atelier import settings, wiring
from atelier.store import keys
from atelier.store.account_summary import MAX_PENDING
from atelier.store.resources import Resources
from atelier.store.table import Retry, Write
from testbed.harness import Harness, harness
from tests.integration.builders import NOBODY, Json, a_client, a_task, problem, shown

PARTS = {"type", "title", "status", "detail", "instance", "request_id"}
SECRET = "arn:aws:dynamodb:secret-table"


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


def fails(error: Exception) -> Any:
    def fail(*_: object, **__: object) -> NoReturn:
        raise error

    return fail


def at_once() -> Any:
    """Retries without the waiting."""
    return mock.patch.object(Retry, "rounds", lambda self: iter(range(self.attempts)))


def client_error(code: str, **response: Any) -> ClientError:
    told: Any = {"Error": {"Code": code, "Message": SECRET}, **response}
    return ClientError(told, "Operation")


def conflict(at: int = 1) -> ClientError:
    reasons = [{"Code": "TransactionConflict" if at == number else "None"} for number in range(2)]
    return client_error("TransactionCanceledException", CancellationReasons=reasons)


Request = tuple[str, str, Any, dict[str, str]]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (("POST", "/clients", {"name": ""}, {}), 400),
        (("GET", f"/clients/{NOBODY}", None, {}), 404),
        (("GET", "/nowhere", None, {}), 404),
        (("PUT", "/clients", None, {}), 405),
        (("POST", "/tasks/{task}/retry", None, {}), 409),
        (("DELETE", "/clients/{client}", None, {"If-Match": '"9"'}), 412),
        (("POST", "/generate/image", {"prompt": "A boat", "params": {"a": "x" * 300_000}}, {}), 413),
        (("POST", "/clients", {"name": "Acme"}, {"Content-Type": "text/plain"}), 415),
        (("POST", "/clients", {"name": "Acme"}, {"Idempotency-Key": "used"}), 422),
    ],
)
def test_every_error_is_a_problem_with_all_its_parts(w: Harness, request_: Request, status: int) -> None:
    method, path, body, headers = request_
    w.call("POST", "/clients", {"name": "First"}, headers={"Idempotency-Key": "used"})
    path = path.format(client=a_client(w)["id"], task=a_task(w)["id"])
    answer = w.call(method, path, body, headers=headers)
    told = problem(answer, status)
    assert told.keys() == PARTS | ({"errors"} if status == 400 else set())
    assert told["instance"] == f"/api/v3{path}"
    assert told["request_id"] == answer.headers["X-Request-Id"]
    assert told["type"].startswith("urn:")
    assert told["title"]
    assert told["detail"]


def test_problems_of_one_kind_have_one_type_and_title(w: Harness) -> None:
    kinds = [problem(w.call("GET", f"/{kind}/{NOBODY}"), 404) for kind in ("clients", "campaigns", "tasks")]
    kinds.append(problem(w.call("GET", "/nowhere"), 404))
    assert len({(each["type"], each["title"]) for each in kinds}) == 1


@pytest.mark.parametrize(
    "path", ["/", "/client", "/clients/", "/clients/x/y", "/tasks/x/y", "/generate", "/generate/text", "/webhooks"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_that_does_not_exist_is_not_found(w: Harness, method: str, path: str) -> None:
    problem(w.call(method, path), 404)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/clients", {"GET", "POST"}),
        (f"/clients/{NOBODY}", {"GET", "PATCH", "DELETE"}),
        ("/campaigns", {"GET", "POST"}),
        (f"/campaigns/{NOBODY}", {"GET", "PATCH", "DELETE"}),
        (f"/clients/{NOBODY}/campaigns", {"GET", "POST"}),
        ("/generate/image", {"POST"}),
        ("/generate/video", {"POST"}),
        ("/generate/audio", {"POST"}),
        ("/tasks", {"GET"}),
        (f"/tasks/{NOBODY}", {"GET", "PATCH", "DELETE"}),
        (f"/tasks/{NOBODY}/result", {"GET"}),
        (f"/tasks/{NOBODY}/cancel", {"POST"}),
        (f"/tasks/{NOBODY}/retry", {"POST"}),
        ("/health", {"GET", "HEAD"}),
        ("/openapi.json", {"GET"}),
    ],
)
def test_an_unsupported_method_is_405_with_allow(w: Harness, path: str, allowed: set[str]) -> None:
    for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - allowed:
        answer = w.call(method, path)
        problem(answer, 405)
        assert set(answer.headers["Allow"].split(", ")) == allowed


def test_every_answer_has_the_id_of_its_request(w: Harness) -> None:
    client = a_client(w)["id"]
    for method, path, body in [
        ("POST", "/clients", {"name": "Acme"}),
        ("GET", "/clients", None),
        ("GET", f"/clients/{client}", None),
        ("PATCH", f"/clients/{client}", {}),
        ("DELETE", f"/clients/{client}", None),
        ("GET", "/health", None),
        ("GET", "/openapi.json", None),
        ("GET", "/nowhere", None),
    ]:
        assert w.call(method, path, body).headers["X-Request-Id"] == "request-1"


def test_an_unexpected_error_stays_inside(w: Harness) -> None:
    for where, error in [
        ("get", RuntimeError(SECRET)),
        ("get", KeyError(SECRET)),
        ("get", client_error("AccessDeniedException")),
        ("get", EndpointConnectionError(endpoint_url=SECRET)),
    ]:
        with mock.patch.object(Resources, where, fails(error)):
            answer = w.call("GET", f"/clients/{NOBODY}")
        assert problem(answer, 500).keys() == PARTS
        assert SECRET not in answer.text
        assert type(error).__name__ not in answer.text


@pytest.mark.parametrize("error", [conflict(), client_error("ThrottlingException")])
def test_endless_write_conflicts_are_503_with_retry_after(w: Harness, error: Exception) -> None:
    client = a_client(w)
    failing = mock.patch.multiple(wiring.dynamodb(), transact_write_items=fails(error), put_item=fails(error))
    with failing, at_once():
        for method, path, body in [
            ("POST", "/clients", {"name": "Acme"}),
            ("PATCH", f"/clients/{client['id']}", {"name": "Changed"}),
            ("DELETE", f"/clients/{client['id']}", None),
            ("POST", "/campaigns", {"client_id": client["id"], "name": "Launch", "goal": "Sell"}),
            ("POST", "/generate/image", {"prompt": "A boat"}),
        ]:
            answer = w.call(method, path, body)
            problem(answer, 503)
            assert int(answer.headers["Retry-After"]) > 0
    assert shown(w, f"/clients/{client['id']}") == client


@pytest.mark.parametrize("path", ["/clients", f"/clients/{NOBODY}", f"/campaigns/{NOBODY}", "/tasks", "/health"])
def test_endless_read_failures_are_503_with_retry_after(w: Harness, path: str) -> None:
    busy = fails(client_error("ThrottlingException"))
    w.pass_time(5)  # after which a health check asks again
    with mock.patch.multiple(wiring.dynamodb(), get_item=busy, batch_get_item=busy, query=busy):
        answer = w.call("GET", path)
    problem(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(("at", "status"), [(0, 409), (1, 503)], ids=["the same key", "something else"])
def test_key_conflicts_and_contention_have_different_answers(w: Harness, at: int, status: int) -> None:
    """Who meets the same idempotency key is told so; who meets other writers is told to wait."""
    key = {"Idempotency-Key": f"running-{at}"}
    with (
        mock.patch.object(wiring.dynamodb(), "transact_write_items", fails(conflict(at))),
        at_once(),
    ):
        problem(w.call("POST", "/clients", {"name": "Acme"}, headers=key), status)
    assert w.call("POST", "/clients", {"name": "Acme"}, headers=key).status == 201


def test_a_write_survives_a_few_conflicts(w: Harness) -> None:
    client, send, errors = wiring.dynamodb(), wiring.dynamodb().transact_write_items, [conflict()] * 5

    def sometimes(**request: Any) -> object:
        if errors:
            raise errors.pop()
        return send(**request)

    with mock.patch.object(client, "transact_write_items", sometimes), at_once():
        assert w.call("POST", "/clients", {"name": "Acme"}).status == 201


def test_too_many_deletes_at_once_are_a_503(w: Harness) -> None:
    client = a_client(w)
    pending = {f"client#{number}" for number in range(MAX_PENDING)}
    wiring.table().write(Write(keys.summary(1), add={"pending": pending}))
    answer = w.call("DELETE", f"/clients/{client['id']}")
    problem(answer, 503)
    assert int(answer.headers["Retry-After"]) >= 1
    wiring.table().write(Write(keys.summary(1), discard={"pending": pending}))
    assert w.call("DELETE", f"/clients/{client['id']}").status == 204


def test_without_an_identity_provider_everyone_is_refused(w: Harness) -> None:
    requests: list[tuple[str, str, Json | None]] = [
        ("GET", "/clients", None),
        ("POST", "/campaigns", {"client_id": NOBODY, "name": "Launch", "goal": "Sell"}),
        ("POST", "/generate/image", {"prompt": "A boat"}),
        ("GET", f"/tasks/{NOBODY}", None),
    ]
    with mock.patch.dict("os.environ", {"AUTH_MODE": "jwt"}):
        settings.settings.cache_clear()
        for request in requests:
            problem(w.call(*request), 401)
        assert w.call("GET", "/health").status == 200
        assert w.call("GET", "/openapi.json").status == 200
    settings.settings.cache_clear()


def test_health_says_that_the_table_answers(w: Harness) -> None:
    assert shown(w, "/health").keys() == {"status", "version"}
    w.pass_time(5)
    with mock.patch.object(wiring.dynamodb(), "get_item", fails(client_error("ResourceNotFoundException"))):
        problem(w.call("GET", "/health"), 500)


def test_health_asks_the_table_once_in_five_seconds(w: Harness) -> None:
    w.pass_time(5)
    with mock.patch.object(wiring.dynamodb(), "get_item", wraps=wiring.dynamodb().get_item) as get_item:
        for _ in range(20):
            assert w.call("GET", "/health").status == 200
        assert get_item.call_count == 1
        w.pass_time(5)
        assert w.call("GET", "/health").status == 200
        assert get_item.call_count == 2


def test_an_unanswered_table_request_is_retried_at_once(w: Harness) -> None:
    w.pass_time(5)
    with mock.patch.object(wiring.dynamodb(), "get_item", fails(client_error("ResourceNotFoundException"))):
        problem(w.call("GET", "/health"), 500)
    assert w.call("GET", "/health").status == 200


def test_the_document_is_served(w: Harness) -> None:
    document = shown(w, "/openapi.json")
    assert document["openapi"].startswith("3.1.")
    assert "/api/v3/clients" in document["paths"]


def test_an_unknown_path_is_404_before_its_body(w: Harness) -> None:
    """A body that is not JSON is not what is wrong with it."""
    text = {"Content-Type": "text/plain"}
    problem(w.call("POST", "/nowhere", raw="hello", headers=text), 404)
    problem(w.call("PUT", "/clients", raw="hello", headers=text), 405)
    problem(w.call("POST", "/clients", raw="hello", headers=text), 415)
