"""Callbacks of providers over HTTP: who may report, and that a report only wakes its task up."""

import json
from collections.abc import Iterator
from datetime import datetime
from unittest import mock

import pytest

from atelier import wiring
from atelier.domain.provider import Callback, InvalidSignature, Unavailable
from tests.integration.builders import a_task
from tests.support.harness import World, world

PATH = "/webhooks/fal"


@pytest.fixture
def w() -> Iterator[World]:
    with world() as made:
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


def test_a_genuine_callback_wakes_its_task_up_and_says_which_job_it_was_about(
    w: World, callback_verifier: CallbackVerifier
) -> None:
    query = {"task": "some-task", "token": "secret"}
    body = '{"request_id": "job-1",  "status": "OK", "é": "ü"}'
    answer = w.call("POST", PATH, raw=body, query=query, headers={"X-Word": "please"})
    assert answer.status == 204
    ((message, delay),) = w.generation.take()
    known = {"task_id": "some-task", "step": None, "job": "job-1", "served_by": "fal", "token": "secret"}
    assert (known.items() <= json.loads(message).items(), delay) == (True, 0)
    assert callback_verifier.shown[0].body == body.encode(), "the signature is over the body to the letter"


@pytest.mark.parametrize(
    "body", ["", "{", "[1]", "null", "\x00", "x" * 300_000], ids=["none", "{", "[]", "null", "0", "long"]
)
def test_whatever_the_body_is_only_its_proof_counts(w: World, callback_verifier: CallbackVerifier, body: str) -> None:
    query = {"task": "t", "token": "s"}
    assert w.call("POST", PATH, raw=body, query=query).status == 401
    assert w.call("POST", PATH, raw=body, query=query, headers={"x-word": "please"}).status == 204


def test_a_callback_that_is_not_proved_is_refused_and_wakes_nobody_up(
    w: World, callback_verifier: CallbackVerifier
) -> None:
    answer = w.call("POST", PATH, {}, query={"task": "t", "token": "s"}, headers={"x-word": "now"})
    assert (answer.status, w.generation.waiting) == (401, [])


def test_a_callback_can_be_sent_again_when_the_providers_keys_cannot_be_read(
    w: World, callback_verifier: CallbackVerifier
) -> None:
    answer = w.call("POST", PATH, {}, query={"task": "t", "token": "s"}, headers={"x-word": "keys"})
    assert (answer.status, answer.headers["Retry-After"]) == (503, "30")


def test_a_provider_that_does_not_report_has_no_address(w: World, callback_verifier: CallbackVerifier) -> None:
    for provider in ("sandbox", "polly", "nobody", "\U0001f98a"):
        assert w.call("POST", f"/webhooks/{provider}", {}, query={"task": "t", "token": "s"}).status == 404


@pytest.mark.parametrize(
    "query", [{}, {"task": "t"}, {"token": "s"}, {"task": "t", "token": "s", "more": "x"}], ids=str
)
def test_a_callback_to_another_address_than_the_one_given_is_refused(
    w: World, callback_verifier: CallbackVerifier, query: dict[str, str]
) -> None:
    assert w.call("POST", PATH, {}, query=query, headers={"x-word": "please"}).status == 400


def test_a_callback_for_a_task_that_is_gone_or_was_never_there_changes_nothing(
    w: World, callback_verifier: CallbackVerifier
) -> None:
    task = a_task(w)
    w.call("DELETE", f"/tasks/{task['id']}")
    w.settle()
    for id_ in (task["id"], "nobody"):
        query = {"task": id_, "token": "s"}
        assert w.call("POST", PATH, {}, query=query, headers={"x-word": "please"}).status == 204
    w.settle()
