"""No input whatever makes a 500: every operation of the document, asked by an attacker with structured, hostile input.

The attacker is seeded, so that a failure comes again: the name of the test says which operation and which number.
"""

import io
import json
import logging
from collections.abc import Iterator
from random import Random
from typing import Final
from unittest import mock

import pytest

from atelier.domain.provider import Content
from atelier.telemetry import log
from testbed.harness import Answer, Harness, harness
from tests.contract.conformity import spec
from tests.integration.builders import a_campaign, a_client, a_task, walk
from tests.support.hostile import MARKER, Hostile

ROUNDS: Final = 40
LONGEST_REFUSAL: Final = 64 * 1024
OPERATIONS: Final = sorted((method.upper(), path) for path, methods in spec()["paths"].items() for method in methods)
CREATES: Final = [route for route in OPERATIONS if route[0] == "POST" and "webhooks" not in route[1]]


@pytest.fixture(scope="module")
def written() -> Iterator[io.StringIO]:
    """Everything that is logged meanwhile."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(log.registered_formatter)
    root = logging.getLogger()
    level, ours = root.level, log.log_level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    log.setLevel(logging.INFO)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)
    log.setLevel(ours)


@pytest.fixture(scope="module")
def w(written: io.StringIO) -> Iterator[Harness]:
    with harness() as made, mock.patch("atelier.providers.sandbox._make", _a_small_file):
        yield made


def _a_small_file(*_: object) -> Content:
    # What the sandbox draws is tested elsewhere; for hundreds of tasks it would only take long.
    return Content(SMALL_PNG)


SMALL_PNG: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc0000003010100"
    "18dd8db00000000049454e44ae426082"
)


@pytest.fixture
def ids(w: Harness) -> dict[str, str]:
    client = a_client(w)["id"]
    campaign = a_campaign(w, client_id=client)["id"]
    return {"client_id": client, "campaign_id": campaign, "task_id": a_task(w, campaign_id=campaign)["id"]}


def refusal_is_bounded(answer: Answer) -> bool:
    return answer.status < 400 or len(answer.text) < LONGEST_REFUSAL


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=str)
def test_no_input_makes_a_500(w: Harness, ids: dict[str, str], written: io.StringIO, method: str, path: str) -> None:
    before = len(written.getvalue())
    for number in range(ROUNDS):
        request = Hostile(Random(f"{method} {path} {number}"), ids).request(method, path)
        target = request.pop("path")
        answer = w.call(method, target, **request)
        assert answer.status < 500, (number, target, request, answer.text)
        assert refusal_is_bounded(answer), (number, target, len(answer.text))
    assert '"ERROR"' not in written.getvalue()[before:]


@pytest.mark.parametrize(("method", "path"), CREATES, ids=str)
def test_what_was_accepted_can_be_repeated_and_read(w: Harness, ids: dict[str, str], method: str, path: str) -> None:
    for number in range(ROUNDS // 2):
        request = Hostile(Random(f"again {path} {number}"), ids).request(method, path)
        target = request.pop("path")
        request["headers"] = {"idempotency-key": f"{path} {number}"}
        first = w.call(method, target, **request)
        again = w.call(method, target, **request)
        assert again.status == first.status, (number, target, request, first.text, again.text)
        if first.status in (201, 202):
            location = first.headers["Location"].removeprefix("/api/v3")
            assert w.call("GET", location).status == (405 if "/invitations/" in location else 200)


def test_accepted_hostile_input_is_processed_and_listed(w: Harness, written: io.StringIO) -> None:
    before = len(written.getvalue())
    w.settle(2000)
    for path in ("/tasks", "/clients", "/campaigns"):
        for page in walk(w, path, page_size=50):
            running = [each for each in page["items"] if each.get("status") in ("pending", "processing")]
            assert not running
    assert '"ERROR"' not in written.getvalue()[before:]


def test_nothing_that_was_sent_is_in_the_logs(written: io.StringIO) -> None:
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    # A path is logged, as it is in every access log.
    assert not [line for line in lines if MARKER in json.dumps({**line, "path": ""})]
    assert len(lines) > len(OPERATIONS) * ROUNDS
