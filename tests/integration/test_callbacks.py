"""Callbacks of providers over HTTP: who may report, and that a report only wakes its task up."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from unittest import mock

import pytest

from atelier import wiring
from atelier.domain.provider import Callback, InvalidSignature, Unavailable
from atelier.store.callbacks import KEPT
from testbed.harness import Harness, harness
from tests.integration.builders import a_task

PATH = "/webhooks/fal"


@pytest.fixture
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


class CallbackVerifier:
    """Believes whoever says the word, and remembers what it was shown."""

    def __init__(self) -> None:
        self.shown: list[Callback] = []

    def verified_job(self, callback: Callback, *, now: datetime) -> str:
        self.shown.append(callback)
        if callback.headers.get("x-word") == "keys":
            raise Unavailable("The keys cannot be read.")
        if callback.headers.get("x-word") != "please":
            raise InvalidSignature("It did not say the word.")
        return "job-1"


@pytest.fixture
def callback_verifier() -> Iterator[CallbackVerifier]:
    made = CallbackVerifier()
    with mock.patch.object(
        wiring, "callback_verifier", side_effect=lambda provider: made if provider == "fal" else None
    ):
        yield made


def test_a_genuine_callback_wakes_its_task_with_its_job(w: Harness, callback_verifier: CallbackVerifier) -> None:
    """The message says which job the callback was about."""
    query = awaited(w)
    body = '{"request_id": "job-1",  "status": "OK", "é": "ü"}'
    answer = w.call("POST", PATH, raw=body, query=query, headers={"X-Word": "please"})
    assert answer.status == 204
    ((message, delay),) = w.generation.take()
    known = {"task_id": query["task"], "step": None, "job": "job-1", "served_by": "fal", "token": query["token"]}
    assert (known.items() <= json.loads(message).items(), delay) == (True, 0)
    assert callback_verifier.shown[0].body == body.encode(), "the signature is over the body to the letter"


def awaited(w: Harness, **how: Any) -> dict[str, str]:
    """The address given to fal with a task whose job is job-1."""
    task = a_task(w)
    kept = wiring.tasks().load(task["id"])
    assert kept
    # As if it were fal's; here the sandbox would serve it, which does not report.
    known = {"served_by": "fal", "provider_task_id": "job-1", "lease_until": w.clock()}
    wiring.tasks().note(kept, **known | how)
    return {"task": kept.id, "token": kept.callback_token}


def report(w: Harness, query: dict[str, str], body: str = "{}") -> int:
    """Send a genuine callback; how many messages it makes."""
    assert w.call("POST", PATH, raw=body, query=query, headers={"x-word": "please"}).status == 204
    return len(w.generation.take())


def test_three_hundred_equal_callbacks_wake_one_worker(w: Harness, callback_verifier: CallbackVerifier) -> None:
    query = awaited(w)
    assert sum(report(w, query) for _ in range(300)) == 1
    assert len(callback_verifier.shown) == 300


def test_a_job_that_reports_twice_wakes_a_worker_twice(w: Harness, callback_verifier: CallbackVerifier) -> None:
    query = awaited(w)
    assert [report(w, query, body) for body in ('{"status": "processing"}', '{"status": "succeeded"}')] == [1, 1]
    assert [report(w, query, body) for body in ('{"status": "processing"}', '{"status": "succeeded"}')] == [0, 0]


def test_the_same_report_about_another_task_is_another(w: Harness, callback_verifier: CallbackVerifier) -> None:
    assert [report(w, awaited(w)), report(w, awaited(w))] == [1, 1]


@pytest.mark.parametrize(
    ("how", "messages"),
    [
        ({}, 1),
        ({"provider_task_id": None}, 1),
        ({"status": "canceled"}, 1),
        ({"provider_task_id": None, "lease_until": None}, 0),
        ({"provider_task_id": "job-2"}, 0),
        ({"served_by": "replicate"}, 0),
        ({"status": "succeeded", "provider_outcome": "succeeded"}, 0),
        ({"status": "canceled", "provider_outcome": "canceled"}, 0),
    ],
    ids=str,
)
def test_only_callbacks_of_the_awaited_job_are_queued(
    w: Harness, callback_verifier: CallbackVerifier, how: dict[str, Any], messages: int
) -> None:
    query = awaited(w, **how)
    assert [report(w, query), report(w, query)] == [messages, 0]


@pytest.mark.parametrize(
    "wrong", [{"token": "guessed"}, {"token": ""}, {"token": "\u00e9"}, {"task": "nonsense"}], ids=str
)
def test_a_callback_without_the_token_is_not_queued(
    w: Harness, callback_verifier: CallbackVerifier, wrong: dict[str, str]
) -> None:
    query = awaited(w)
    assert sum(report(w, query | wrong, str(number)) for number in range(300)) == 0
    assert report(w, query) == 1


def test_a_callback_that_failed_to_queue_may_come_again(w: Harness, callback_verifier: CallbackVerifier) -> None:
    query = awaited(w)
    with mock.patch.object(w.generation, "send", side_effect=ConnectionError("The queue is down.")):
        answer = w.call("POST", PATH, raw="{}", query=query, headers={"x-word": "please"})
    assert answer.status == 500
    assert [report(w, query), report(w, query)] == [1, 0]


def test_a_mark_that_has_expired_counts_no_more(w: Harness, callback_verifier: CallbackVerifier) -> None:
    query = awaited(w)
    assert report(w, query) == 1
    w.pass_time(KEPT.total_seconds() + 1)
    assert report(w, query) == 1


@pytest.mark.parametrize(
    "body", ["", "{", "[1]", "null", "\x00", "x" * 300_000], ids=["none", "{", "[]", "null", "0", "long"]
)
def test_only_the_signature_decides_whatever_the_body(
    w: Harness, callback_verifier: CallbackVerifier, body: str
) -> None:
    query = {"task": "t", "token": "s"}
    assert w.call("POST", PATH, raw=body, query=query).status == 401
    assert w.call("POST", PATH, raw=body, query=query, headers={"x-word": "please"}).status == 204


def test_an_unproven_callback_is_refused_and_not_queued(w: Harness, callback_verifier: CallbackVerifier) -> None:
    answer = w.call("POST", PATH, {}, query={"task": "t", "token": "s"}, headers={"x-word": "now"})
    assert (answer.status, w.generation.waiting) == (401, [])


def test_a_callback_may_be_repeated_while_keys_are_unreadable(w: Harness, callback_verifier: CallbackVerifier) -> None:
    answer = w.call("POST", PATH, {}, query={"task": "t", "token": "s"}, headers={"x-word": "keys"})
    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")


def test_a_provider_that_does_not_report_has_no_address(w: Harness, callback_verifier: CallbackVerifier) -> None:
    for provider in ("sandbox", "polly", "nobody", "\U0001f98a"):
        assert w.call("POST", f"/webhooks/{provider}", {}, query={"task": "t", "token": "s"}).status == 404


@pytest.mark.parametrize(
    "query", [{}, {"task": "t"}, {"token": "s"}, {"task": "t", "token": "s", "more": "x"}], ids=str
)
def test_a_callback_to_another_address_is_refused(
    w: Harness, callback_verifier: CallbackVerifier, query: dict[str, str]
) -> None:
    assert w.call("POST", PATH, {}, query=query, headers={"x-word": "please"}).status == 400


def test_callbacks_for_missing_tasks_change_nothing(w: Harness, callback_verifier: CallbackVerifier) -> None:
    task = a_task(w)
    w.call("DELETE", f"/tasks/{task['id']}")
    w.settle()
    for id_ in (task["id"], "nobody"):
        query = {"task": id_, "token": "s"}
        assert w.call("POST", PATH, {}, query=query, headers={"x-word": "please"}).status == 204
    w.settle()
