"""The process dies before or after any write there is. What comes again then brings about the same as if it had not.

Callers repeat their request with the same idempotency key, queues bring their message back.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol
from unittest import mock

import pytest

from testbed.environment import ENVIRONMENT
from testbed.harness import TABLE, Answer, Harness
from tests.integration.builders import Json, a_campaign, a_canceled_task, a_client, a_task
from tests.support.fault_injection import (
    CrashAt,
    Crashed,
    FaultyDynamoDB,
    Snapshot,
    Trouble,
    faulty_harness,
    settle_stubbornly,
)
from tests.support.oracle import visible
from tests.support.recount import scan, violations

Agency = dict[str, Json]


class Act(Protocol):
    """What is done while the process may die."""

    def __call__(self, w: Harness, *, agency: Agency) -> None:
        """Do it, and again where the real callers and queues would."""


@dataclass
class Stage:
    """A harness with an agency in it."""

    w: Harness
    client: FaultyDynamoDB
    agency: Agency

    def violations(self, *, at_rest: bool = False) -> list[str]:
        """What is wrong with the table."""
        return violations(scan(self.w.dynamodb, TABLE), at_rest=at_rest)


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[Stage, Snapshot]]:
    """One harness for all tests, and the moment at which each of them begins."""
    with mock.patch.dict(ENVIRONMENT, {"SANDBOX_PRICES": "list"}), faulty_harness() as (w, client):
        stage = Stage(w, client, an_agency(w))
        yield stage, Snapshot(w)


@pytest.fixture
def stage(opened: tuple[Stage, Snapshot]) -> Stage:
    """The harness as it was in the beginning."""
    stage, beginning = opened
    beginning.again()
    return stage


def an_agency(w: Harness) -> Agency:
    """Two clients, two campaigns of the first with budgets, and tasks for both that have a price, one of them over."""
    client, other = a_client(w), a_client(w, "Other")
    launch = a_campaign(w, client, status="active")
    spring = a_campaign(w, client, name="Spring")
    for path in ("/account", f"/clients/{client['id']}", f"/campaigns/{launch['id']}"):
        assert w.call("PUT", f"{path}/budget", {"limit": 1, "period": "total"}).status == 200
    task = a_task(w, prompt="new", campaign_id=launch["id"], size="64x64", provider="fal")
    over = a_canceled_task(w, prompt="over", campaign_id=launch["id"], provider="fal")
    a_canceled_task(w, prompt="for the client", client_id=client["id"])
    return {"client": client, "other": other, "launch": launch, "spring": spring, "task": task, "over": over}


# ---------------------------------------------------------------------------------------------------------- requests


@dataclass(frozen=True)
class Ask:
    """One request; `{client}` and the like in its path or body are the agency's."""

    method: str
    path: str
    body: Json | None = None

    def of(self, w: Harness, agency: Agency) -> Answer:
        """Send it, always with the same idempotency key."""
        ids = {name: each["id"] for name, each in agency.items()}
        filled = self.body and {name: str(value).format(**ids) for name, value in self.body.items()}
        headers = {"Idempotency-Key": "once"} if self.method == "POST" else {}
        return w.call(self.method, self.path.format(**ids), filled, headers=headers)


REQUESTS: Final = {
    "create client": Ask("POST", "/clients", {"name": "New"}),
    "create campaign": Ask("POST", "/campaigns", {"name": "New", "goal": "Sell", "client_id": "{client}"}),
    "create task": Ask("POST", "/generate/image", {"prompt": "newer", "campaign_id": "{launch}", "provider": "fal"}),
    "retry task": Ask("POST", "/tasks/{over}/retry"),
    "rename client": Ask("PATCH", "/clients/{client}", {"name": "Renamed"}),
    "rename campaign": Ask("PATCH", "/campaigns/{launch}", {"name": "Renamed"}),
    "change status": Ask("PATCH", "/campaigns/{launch}", {"status": "archived"}),
    "cancel task": Ask("POST", "/tasks/{task}/cancel"),
    "delete task": Ask("DELETE", "/tasks/{task}"),
    "delete campaign": Ask("DELETE", "/campaigns/{launch}"),
    "delete client": Ask("DELETE", "/clients/{client}"),
}


def ask_until_answered(w: Harness, request: Ask, agency: Agency) -> None:
    """Send a request, and once more when its answer never came."""
    try:
        assert request.of(w, agency).status < 300
    except Crashed:
        again = request.of(w, agency)
        done_before = request.method == "DELETE" and again.status == 404
        stopped_before = request.path.endswith("cancel") and again.status == 409
        assert again.status < 300 or done_before or stopped_before, again.text


@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_repeated_after_a_crash_happens_once(stage: Stage, name: str, *, effect: bool) -> None:
    _is_the_same_whenever_it_crashes(stage, partial(ask_until_answered, request=REQUESTS[name]), effect=effect)


@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("name", REQUESTS)
def test_a_crashed_request_happened_wholly_or_not(stage: Stage, name: str, *, effect: bool) -> None:
    untouched = visible(stage.w)
    stage.client.trouble = CrashAt(1, effect=effect)
    with pytest.raises(Crashed):
        REQUESTS[name].of(stage.w, stage.agency)
    stage.client.trouble = Trouble()
    assert (visible(stage.w) != untouched) == effect
    assert stage.violations() == []


# ---------------------------------------------------------------------------------------------- behind the requests


def generate(w: Harness, agency: Agency) -> None:
    """Carry out the task that waits."""
    settle_stubbornly(w)


def clean_up_after_client(w: Harness, agency: Agency) -> None:
    """Delete a client that has everything, and clean up."""
    ask_until_answered(w, request=REQUESTS["delete client"], agency=agency)
    settle_stubbornly(w, generating=False)


def clean_up_after_campaign(w: Harness, agency: Agency) -> None:
    """Delete a campaign that has tasks, and clean up."""
    ask_until_answered(w, request=REQUESTS["delete campaign"], agency=agency)
    settle_stubbornly(w, generating=False)


def clean_up_after_both(w: Harness, agency: Agency) -> None:
    """Delete a campaign and then its client, and clean up after both at once."""
    ask_until_answered(w, request=REQUESTS["delete campaign"], agency=agency)
    clean_up_after_client(w, agency)


@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("act", [generate, clean_up_after_client, clean_up_after_campaign, clean_up_after_both])
def test_a_consumer_may_crash_at_any_write(stage: Stage, act: Act, *, effect: bool) -> None:
    writes = _is_the_same_whenever_it_crashes(stage, act, effect=effect)
    assert writes >= 4  # or this test is about nothing


# ------------------------------------------------------------------------------------------------------------- rules


def _is_the_same_whenever_it_crashes(stage: Stage, act: Act, *, effect: bool) -> int:
    """Crash at the first write, the second, ..., up to the last; how many there are."""
    start, last = Snapshot(stage.w), CrashAt(0, effect=effect)
    expected = _outcome(stage, act, last)
    for number in range(1, last.writes + 1):
        start.again()
        assert _outcome(stage, act, CrashAt(number, effect=effect)) == expected, f"crash at write {number}"
    return last.writes


def _outcome(stage: Stage, act: Act, crash: CrashAt) -> dict[str, Any]:
    stage.client.trouble = crash
    act(stage.w, agency=stage.agency)
    stage.client.trouble = Trouble()
    assert stage.violations() == []
    settle_stubbornly(stage.w, generating=act is generate)
    assert stage.violations(at_rest=True) == []
    return {**visible(stage.w), "budget": stage.w.call("GET", "/account/budget").json}
