"""The golden events of `events/`, each fed to its function in a harness that holds what they speak of."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from unittest import mock

import boto3
import pytest

from atelier import wiring
from atelier.store.webhook_client import WebhookClient
from testbed import engines
from testbed.harness import BUCKET, Harness, harness
from tests.contract.sources import FUNCTIONS
from tests.contract.test_template import functions
from tests.integration.builders import shown
from tests.support.golden import (
    AFTER,
    ANSWERS,
    BEFORE,
    BY_HAND,
    CANCELED,
    FILE,
    MESSAGES,
    PASSED_ON,
    PUT_BACK,
    SCHEDULED,
    TASK,
    check_request,
    event,
    kept,
    saved,
    seed,
    stored,
    upload_files,
)

THEN: Final = datetime(2026, 1, 31, 12, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def begin() -> Iterator[Callable[[], Harness]]:
    """Gives one harness for all tests, each time as it was when it had the client, campaign and tasks of the events."""
    with harness() as made:
        seed(THEN)
        restore = engines.current().snapshot(made.dynamodb, made.stream)

        def begun() -> Harness:
            restore()
            made.now = THEN
            for queue in (made.generation, made.cascade, made.exports, made.deliveries, made.imports):
                queue.take()
            for key in stored():
                boto3.client("s3").delete_object(Bucket=BUCKET, Key=key)
            upload_files()
            return made

        yield begun


@pytest.fixture
def w(begin: Callable[[], Harness]) -> Harness:
    """The harness on the day of the events."""
    return begin()


@pytest.mark.parametrize("name", ANSWERS)
def test_a_request_gets_its_answer(w: Harness, name: str) -> None:
    check_request(name, w.invoke(name.partition(".")[0], event(name)))


@pytest.mark.parametrize("name", PASSED_ON)
def test_a_stream_record_reaches_its_queue(w: Harness, name: str) -> None:
    queue, expected = PASSED_ON[name]
    assert w.invoke("relay", event(name)) == {"batchItemFailures": []}
    ((body, _),) = getattr(w, queue).take()
    assert expected.items() <= json.loads(body).items()
    assert [w.generation.waiting, w.cascade.waiting, w.deliveries.waiting] == [[], [], []]


@pytest.mark.parametrize("name", AFTER)
def test_a_message_leads_to_what_it_is_about(w: Harness, name: str) -> None:
    if name in BEFORE:
        BEFORE[name](THEN)
    assert w.invoke(name.partition(".")[0], event(name)) == {"batchItemFailures": []}
    AFTER[name]()
    assert len(w.generation.waiting) == (name == "worker.step")


def test_a_delivery_message_calls_the_receiver(w: Harness) -> None:
    url = "https://receiver.example/hooks"
    wiring.tasks().note(kept(CANCELED), webhook_url=url)
    with mock.patch.object(WebhookClient, "post", return_value=204) as post:
        assert w.invoke("webhook_delivery", event("webhook_delivery.task_ended")) == {"batchItemFailures": []}
    ((to, body, headers),) = [call.args for call in post.call_args_list]
    assert (to, json.loads(body)["type"], headers["webhook-id"]) == (url, "task.canceled", f"evt_{CANCELED}")
    assert [each.status for each in kept(CANCELED).webhook_deliveries] == [204]


def test_the_schedule_puts_overdue_work_back(w: Harness) -> None:
    BEFORE["sweep.every_minute"](THEN)
    assert w.invoke("sweep", event("sweep.every_minute")) == {"looked_at": 1, "put_back": 1}
    ((body, _),) = w.generation.take()
    assert PUT_BACK.items() <= json.loads(body).items()


def test_the_schedule_checks_lines_of_the_catalog(w: Harness) -> None:
    assert w.invoke("models", event("models.every_minute")) == {"looked_at": 1, "reported": 0}
    assert w.invoke("models", event("models.every_hour")) == {"looked_at": 0, "reported": 0}


def test_verify_reports_a_consistent_table(w: Harness) -> None:
    assert w.invoke("verify", event("verify.users")) == {"ok": True, "findings": []}


@pytest.mark.parametrize("name", ["clients.create", "tasks.image", "account.rotate_webhook_secret"])
def test_a_request_that_comes_twice_creates_once(w: Harness, name: str) -> None:
    function = name.partition(".")[0]
    first, second = w.invoke(function, event(name)), w.invoke(function, event(name))
    assert second["headers"]["Idempotent-Replayed"] == "true"
    assert second["body"] == first["body"]


def test_a_record_that_comes_twice_does_no_harm(w: Harness) -> None:
    for _ in range(2):
        assert w.invoke("worker", event("worker.step")) == {"batchItemFailures": []}
        assert w.invoke("relay", event("relay.task_created")) == {"batchItemFailures": []}
    w.pass_time(timedelta(seconds=5).total_seconds())
    w.settle()
    assert shown(w, f"/tasks/{TASK}")["status"] == "succeeded"
    assert stored() == [f"{FILE.removesuffix('.png')}-thumbnail.webp", FILE]


def test_every_event_is_used() -> None:
    assert saved() == ANSWERS.keys() | PASSED_ON.keys() | MESSAGES | BY_HAND | SCHEDULED


def test_every_function_has_an_event() -> None:
    assert {name.partition(".")[0] for name in saved()} == set(FUNCTIONS)


def test_every_route_has_an_event() -> None:
    subscribed = [each for function in functions().values() for each in function.get("Events", {}).values()]
    routes = {
        "$default" if at["Path"] == "$default" else f"{at['Method']} {at['Path']}"
        for at in (each["Properties"] for each in subscribed if each["Type"] == "HttpApi")
    }
    assert {event(name)["routeKey"] for name in ANSWERS} == routes


def test_header_names_are_case_insensitive(w: Harness) -> None:
    sent = event("clients.create")
    shouted = {**sent, "headers": {name.title(): value for name, value in sent["headers"].items()}}
    assert w.invoke("clients", shouted)["statusCode"] == 201
    assert w.invoke("clients", sent)["headers"]["Idempotent-Replayed"] == "true"
