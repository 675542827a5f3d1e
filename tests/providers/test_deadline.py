"""Whatever DynamoDB and SQS do, a request is answered before its invocation ends: 503 and when to come back."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

import pytest

from atelier import wiring
from atelier.domain.errors import Busy
from atelier.domain.messages import AccountMessage
from atelier.store import deadline
from atelier.store.deadline import RESERVE, remaining, within
from atelier.store.queues import Queue
from atelier.store.table import Retry
from testbed import engines
from testbed.harness import TABLE, Harness, harness
from testbed.lambda_events import LambdaContext, http_event
from tests.integration.builders import NOBODY
from tests.support.dynamodb_server import HANG_UP, RESET, STALL, TRICKLE, Said, Server, serving

SECONDS: Final = RESERVE + 0.6
"""Of an invocation. Real ones have 15."""


def error(code: str, status: int = 400, **more: Any) -> Said:
    return Said({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "As told.", **more}, status)


THROTTLED: Final = error("ThrottlingException")
BROKEN: Final = error("InternalServerError", 500)
CONFLICT: Final = error("TransactionCanceledException", CancellationReasons=[{"Code": "TransactionConflict"}] * 3)
TROUBLES: Final = {
    "stalls": STALL,
    "trickles": TRICKLE,
    "resets": RESET,
    "hangs up": HANG_UP,
    "throttles": THROTTLED,
    "is broken": BROKEN,
}
REQUESTS: Final[list[tuple[str, str, str | None]]] = [
    ("GET", f"/clients/{NOBODY}", None),
    ("GET", "/clients", None),
    ("POST", "/clients", '{"name": "Acme"}'),
    ("PATCH", f"/clients/{NOBODY}", '{"name": "Acme"}'),
    ("DELETE", f"/clients/{NOBODY}", None),
]


class Message(AccountMessage):
    """What is sent does not matter."""


class Scripted:
    """A DynamoDB that answers by a script."""

    def __init__(self, server: Server) -> None:
        self._server = server

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Name it in the environment."""
        with mock.patch.dict("os.environ", {"AWS_ENDPOINT_URL_DYNAMODB": self._server.url}):
            yield

    def snapshot(self, client: Any, stream: Any) -> Any:
        """It has no items."""
        raise NotImplementedError


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


@pytest.fixture
def w(server: Server) -> Iterator[Harness]:
    usual = engines.current()
    engines.choose(Scripted(server))
    try:
        with harness() as made:
            yield made
    finally:
        engines.choose(usual)


def answered(w: Harness, request: tuple[str, str, str | None], *, seconds: float = SECONDS) -> tuple[Any, float]:
    """The answer of an invocation that has so many seconds, and how many it took."""
    method, path, body = request
    event = http_event(method, f"/api/v3{path}", body, headers={}, query={})
    began = time.monotonic()
    answer = w.module("clients").handler(event, LambdaContext(seconds=seconds))
    return answer, time.monotonic() - began


def created(w: Harness, server: Server) -> dict[str, Any]:
    """A client's item, as a create writes it."""
    server.script = [Said()]
    answer, _ = answered(w, ("POST", "/clients", '{"name": "Acme"}'))
    assert answer["statusCode"] == 201, answer["body"]
    puts = (write.get("Put", {}).get("Item", {}) for write in json.loads(server.heard[-1].body)["TransactItems"])
    (item,) = (item for item in puts if item.get("name"))
    return dict(item)


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda it: f"{it[0]} {'one' if NOBODY in it[1] else 'all'}")
@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=list(TROUBLES))
def test_no_retry_outlasts_the_deadline(
    w: Harness, server: Server, trouble: Any, request_: tuple[str, str, str | None]
) -> None:
    server.script = [trouble]
    answer, took = answered(w, request_)
    assert answer["statusCode"] == 503, answer["body"]
    assert int(answer["headers"]["Retry-After"]) > 0
    assert took < SECONDS


@pytest.mark.parametrize(
    "trouble", [STALL, RESET, THROTTLED, CONFLICT], ids=["stalls", "resets", "throttles", "conflicts"]
)
def test_what_a_read_leaves_is_what_the_write_has(w: Harness, server: Server, trouble: Any) -> None:
    item = created(w, server)
    server.script = [Said({"Item": item, "Responses": {TABLE: [item]}}), trouble]
    answer, took = answered(w, ("PATCH", f"/clients/{item['id']['S']}", '{"name": "Renamed"}'))
    assert answer["statusCode"] == 503, answer["body"]
    assert took < SECONDS


def test_a_short_trouble_is_waited_for(w: Harness, server: Server) -> None:
    server.script = [RESET, THROTTLED, CONFLICT, CONFLICT, Said()]
    answer, _ = answered(w, ("POST", "/clients", '{"name": "Acme"}'), seconds=15.0)
    assert answer["statusCode"] == 201, answer["body"]
    assert len({heard.body for heard in server.heard[-5:]}) == 1, "the very same request, token included"


def test_an_expired_deadline_sends_no_request(w: Harness, server: Server) -> None:
    server.script, server.heard = [Said()], []
    answer, took = answered(w, ("GET", "/clients", None), seconds=RESERVE)
    assert answer["statusCode"] == 503, answer["body"]
    assert (server.heard, took < RESERVE) == ([], True)


# ---------------------------------------------------------------------------------------------- botocore's clients


@pytest.mark.parametrize("request_", [REQUESTS[0], REQUESTS[2]], ids=["GET", "POST"])
def test_botocores_client_begins_nothing_that_could_outlast_the_deadline(
    w: Harness, server: Server, request_: tuple[str, str, str | None]
) -> None:
    with mock.patch("atelier.wiring.connect", return_value=None):
        for cached in (wiring.dynamodb, wiring.table, wiring.clients):
            cached.cache_clear()
        with mock.patch.dict(wiring._PATIENCE, {"read_timeout": 1.2}):
            wiring.clients()
        server.script, server.heard = [STALL], []
        answer, took = answered(w, request_, seconds=RESERVE + 8.0)
    assert answer["statusCode"] == 503, answer["body"]
    assert took < 8.0
    assert len(server.heard) == 1, "the second try would begin less than seven seconds before the end"


def test_a_queue_that_does_not_answer_is_busy(w: Harness) -> None:
    with serving() as queue, mock.patch.dict("os.environ", {"AWS_ENDPOINT_URL_SQS": queue.url}):
        queue.script = [HANG_UP]
        with pytest.raises(Busy, match="queue"), within(7.05):
            Queue(wiring._sqs(), f"{queue.url}/queue").send(Message(user_id=1))


# ------------------------------------------------------------------------------------------------------ the deadline


def test_an_inner_deadline_cannot_be_later() -> None:
    with within(10.0):
        with within(100.0):
            assert 9.0 < remaining() <= 10.0
        with within(1.0):
            assert 0.0 < remaining() <= 1.0
        assert 9.0 < remaining() <= 10.0
    assert remaining() == float("inf")


def test_a_pause_beyond_the_deadline_is_not_begun() -> None:
    now, pauses = [0.0], list[float]()

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        now[0] += seconds

    with mock.patch.object(deadline, "clock", side_effect=lambda: now[0]), within(2.0):
        rounds = sum(1 for _ in Retry(sleep=sleep, chance=lambda: 1.0).rounds())
    assert rounds == len(pauses) + 1
    assert 1.5 < sum(pauses) < 2.0
