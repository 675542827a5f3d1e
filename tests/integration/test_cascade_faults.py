"""DynamoDB in bad weather: conflicts, throttling, errors of its own, answers that never come.

What is asked again until it is answered is there once in the end, and nothing is ever half there.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import pytest

from testbed.harness import TABLE, Answer, Harness
from tests.integration.builders import Json, a_campaign, a_canceled_task, a_client, problem
from tests.support.fault_injection import (
    READS,
    WRITES,
    Always,
    FaultyDynamoDB,
    RandomFaults,
    Resent,
    Snapshot,
    Trouble,
    faulty_harness,
    settle_stubbornly,
)
from tests.support.oracle import visible
from tests.support.recount import scan, violations

PATIENCE: Final = 60
SOON: Final = 5
"""Seconds until a queue brings a message back: many times before a task is too old."""


@dataclass
class Stage:
    """A harness in which nothing has happened yet."""

    w: Harness
    client: FaultyDynamoDB
    beginning: Snapshot

    def violations(self, *, at_rest: bool = False) -> list[str]:
        """What is wrong with the table."""
        return violations(scan(self.w.dynamodb, TABLE), at_rest=at_rest, deleted=None)


@pytest.fixture(scope="module")
def opened() -> Iterator[Stage]:
    with faulty_harness() as (w, client):
        yield Stage(w, client, Snapshot(w))


@pytest.fixture
def stage(opened: Stage) -> Iterator[Stage]:
    """The harness as it was in the beginning, in good weather."""
    opened.beginning.again()
    yield opened
    opened.client.trouble = Trouble()


@dataclass
class Caller:
    """Somebody who repeats each request, with its idempotency key, until it is answered."""

    w: Harness
    asked: int = 0

    def ask(self, method: str, path: str, body: Json | None = None) -> Answer:
        """The first answer that is neither 500 nor 503."""
        self.asked += 1
        headers = {"Idempotency-Key": f"{self.asked}"} if method == "POST" else {}
        for attempt in range(PATIENCE):
            answer = self.w.call(method, path, body, headers=headers)
            if answer.status not in (500, 503):
                done_before = attempt > 0 and (method, answer.status) in (("DELETE", 404), ("POST", 409))
                assert answer.status < 300 or done_before, answer.text
                return answer
        raise AssertionError(f"{method} {path} is never answered.")

    def make(self, path: str, **body: Any) -> str:
        """The id of what was created."""
        return str(self.ask("POST", path, body).json["id"])


def a_year(w: Harness) -> None:
    """Clients, campaigns and tasks come, change and go."""
    caller = Caller(w)
    client, other = caller.make("/clients", name="Acme"), caller.make("/clients", name="Other")
    launch = caller.make("/campaigns", client_id=client, name="Launch", goal="Sell")
    spring = caller.make(f"/clients/{other}/campaigns", name="Spring", goal="Sell", status="active")
    caller.make("/generate/image", prompt="under way", campaign_id=spring, size="64x64")
    caller.make("/generate/image", prompt="soon without", campaign_id=launch, size="64x64")
    caller.ask("POST", f"/tasks/{caller.make('/generate/image', prompt='stopped', client_id=client)}/cancel")
    caller.ask("DELETE", f"/tasks/{caller.make('/generate/image', prompt='gone', campaign_id=launch)}")
    caller.ask("PATCH", f"/campaigns/{spring}", {"status": "archived"})
    caller.ask("PATCH", f"/clients/{other}", {"name": "Others"})
    settle_stubbornly(w, visibility=SOON)
    caller.ask("DELETE", f"/campaigns/{spring}")
    caller.ask("DELETE", f"/clients/{client}")
    settle_stubbornly(w, visibility=SOON)


@pytest.mark.parametrize("seed", range(6))
def test_faulty_and_calm_runs_have_the_same_outcome(stage: Stage, seed: int) -> None:
    a_year(stage.w)
    expected = visible(stage.w)
    assert [task[1] for task in expected["tasks"]] == ["succeeded", "canceled", "succeeded"]
    stage.beginning.again()
    storm = RandomFaults(Random(seed), rate=0.3)
    stage.client.trouble = storm
    a_year(stage.w)
    stage.client.trouble = Trouble()
    assert visible(stage.w) == expected
    assert stage.violations(at_rest=True) == []
    assert len(storm.suffered) >= 4, "hardly a storm"


def test_a_request_repeated_by_the_sdk_happens_once(stage: Stage) -> None:
    stage.client.trouble = Resent(stage.client)
    client = a_client(stage.w)
    campaign = a_campaign(stage.w, client)
    a_canceled_task(stage.w, campaign_id=campaign["id"])
    assert visible(stage.w)["totals"] == [1, 1, 1]
    assert stage.violations() == []
    for path in (f"/campaigns/{campaign['id']}", f"/clients/{client['id']}"):
        assert stage.w.call("DELETE", path).status == 204
    settle_stubbornly(stage.w, generating=False)
    assert visible(stage.w)["totals"] == [0, 0, 1]
    assert stage.violations(at_rest=True) == []


@pytest.mark.parametrize("kind", ["clients", "campaigns"])
def test_a_lost_answer_does_not_fail_the_precondition(stage: Stage, kind: str) -> None:
    """The change's own first attempt took effect, and its answer was lost."""
    made = a_client(stage.w) if kind == "clients" else a_campaign(stage.w)
    stage.client.trouble = Resent(stage.client)
    current = {"If-Match": '"1"'}
    assert stage.w.call("PATCH", f"/{kind}/{made['id']}", {"name": "New"}, headers=current).status == 200
    assert stage.w.call("PATCH", f"/{kind}/{made['id']}", {"name": "Newer"}, headers=current).status == 412


@pytest.mark.parametrize("kind", ["conflict", "throttled"])
def test_endless_conflicts_are_refused_and_nothing_is_written(stage: Stage, kind: str) -> None:
    client = a_client(stage.w)
    campaign = a_campaign(stage.w, client)
    before = list(scan(stage.w.dynamodb, TABLE))
    stage.client.trouble = Always(kind, frozenset(WRITES))
    for method, path, body in [
        ("POST", "/clients", {"name": "New"}),
        ("POST", f"/clients/{client['id']}/campaigns", {"name": "New", "goal": "Sell"}),
        ("POST", "/generate/image", {"prompt": "New", "campaign_id": campaign["id"]}),
        ("PATCH", f"/clients/{client['id']}", {"name": "New"}),
        ("PATCH", f"/campaigns/{campaign['id']}", {"status": "active"}),
        ("DELETE", f"/campaigns/{campaign['id']}", None),
        ("DELETE", f"/clients/{client['id']}", None),
    ]:
        answer = stage.w.call(method, path, body)
        problem(answer, 503)
        assert int(answer.headers["Retry-After"]) > 0
    assert list(scan(stage.w.dynamodb, TABLE)) == before


@pytest.mark.parametrize("path", ["/clients", "/campaigns", "/tasks", "/clients/{}", "/campaigns/{}", "/tasks/{}"])
def test_what_cannot_be_read_is_refused_for_now(stage: Stage, path: str) -> None:
    asked = path.format(a_client(stage.w)["id"])
    stage.client.trouble = Always("throttled", frozenset(READS))
    answer = stage.w.call("GET", asked)
    problem(answer, 503)
    assert int(answer.headers["Retry-After"]) > 0
