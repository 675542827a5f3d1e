"""Any message and any stream record is lost, or the relay stands still for an hour: it ends as it would have, once."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from random import Random
from typing import Any, Final
from unittest import mock

import boto3
import pytest

from atelier.providers.sandbox import Sandbox
from atelier.store.webhook_client import WebhookClient
from testbed.environment import ENVIRONMENT
from testbed.harness import BUCKET, TABLE, Harness
from tests.integration.builders import Json, a_campaign, a_canceled_task, a_client, a_task
from tests.support.fault_injection import (
    CrashAt,
    Crashed,
    FaultyDynamoDB,
    Losses,
    Snapshot,
    Trouble,
    faulty_harness,
    settle_by_sweep,
    stored_files,
)
from tests.support.oracle import visible
from tests.support.recount import scan, violations

URL: Final = "https://receiver.example/hooks"
HOUR: Final = 60  # sweeps
Agency = dict[str, Json]


@dataclass
class Stage:
    """A harness with an agency in it, and what the world outside has seen of it."""

    w: Harness
    client: FaultyDynamoDB
    agency: Agency
    submitted: list[str]
    told: list[str]
    stopped: list[str]

    def outcome(self) -> dict[str, Any]:
        """What there is at the end, here and outside."""
        found = violations(scan(self.w.dynamodb, TABLE), at_rest=True, deleted=None)
        assert found == []
        assert self.w.sweep() == {"looked_at": 0, "put_back": 0}
        seen = {name: len(getattr(self, name)) for name in ("submitted", "told", "stopped")}
        budget = self.w.call("GET", "/account/budget").json
        return {**visible(self.w), **seen, "budget": budget, "files": len(stored_files())}


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[Stage, Snapshot]]:
    """One harness for all tests, and the moment at which each of them begins."""
    submit, submitted, told, stopped = Sandbox.submit, list[str](), list[str](), list[str]()

    def counted(self: Sandbox, job_request: Any) -> str:
        submitted.append(job_request.reference)
        return submit(self, job_request)

    def heard(self: WebhookClient, url: str, body: bytes, headers: dict[str, str]) -> int:
        told.append(headers["webhook-id"])
        return 204

    def canceled(self: Sandbox, job: str, *, model: str) -> bool:
        stopped.append(job)
        return True

    with (
        mock.patch.object(Sandbox, "submit", counted),
        mock.patch.object(Sandbox, "cancel", canceled),
        mock.patch.object(WebhookClient, "post", heard),
        mock.patch.dict(ENVIRONMENT, {"SANDBOX_PRICES": "list"}),
        faulty_harness() as (w, client),
    ):
        yield Stage(w, client, an_agency(w), submitted, told, stopped), Snapshot(w)


@pytest.fixture
def stage(opened: tuple[Stage, Snapshot]) -> Stage:
    """The harness as it was in the beginning."""
    return begun(*opened)


def begun(stage: Stage, beginning: Snapshot) -> Stage:
    """Everything is as it was."""
    stage.client.trouble = Trouble()
    beginning.again()
    stage.submitted.clear()
    stage.told.clear()
    stage.stopped.clear()
    return stage


def an_agency(w: Harness) -> Agency:
    """A client with campaigns and tasks, some of them over."""
    client = a_client(w)
    launch, spring = a_campaign(w, client), a_campaign(w, client, name="Spring")
    assert w.call("PUT", "/account/budget", {"limit": 1, "period": "total"}).status == 200
    over = a_canceled_task(w, prompt="over", campaign_id=launch["id"], provider="fal")
    a_canceled_task(w, prompt="for the client", client_id=client["id"])
    settle_by_sweep(w)
    return {"client": client, "launch": launch, "spring": spring, "over": over}


Act = Callable[[Harness, Agency], object]


def generate(w: Harness, agency: Agency) -> None:
    """A task whose end somebody is told of."""
    a_task(w, "audio", prompt="new", provider="polly", campaign_id=agency["launch"]["id"], webhook_url=URL)


def delete_client(w: Harness, agency: Agency) -> None:
    """A client goes, with everything below."""
    assert w.call("DELETE", f"/clients/{agency['client']['id']}").status == 204


def delete_campaign(w: Harness, agency: Agency) -> None:
    """A campaign goes, and leaves its task."""
    assert w.call("DELETE", f"/campaigns/{agency['launch']['id']}").status == 204


def delete_tasks(w: Harness, agency: Agency) -> None:
    """A task goes while its job runs, and one that has files. No message is left of either but the stream's."""
    running = a_task(w, "audio", prompt="runs", duration=30, campaign_id=agency["launch"]["id"])
    w.relay()
    w.work()
    w.generation.take()
    boto3.client("s3").put_object(Bucket=BUCKET, Key=f"media/1/{agency['over']['id']}/0.png", Body=b"png")
    for task in (running, agency["over"]):
        assert w.call("DELETE", f"/tasks/{task['id']}").status == 204


def delete_everything(w: Harness, agency: Agency) -> None:
    """All that goes."""
    delete_tasks(w, agency)
    delete_campaign(w, agency)
    delete_client(w, agency)


def everything(w: Harness, agency: Agency) -> None:
    """All at once."""
    generate(w, agency)
    delete_everything(w, agency)


@pytest.mark.parametrize("act", [generate, delete_tasks, delete_client, delete_campaign])
def test_any_one_message_or_record_may_be_lost(opened: tuple[Stage, Snapshot], act: Act) -> None:
    stage, losses = begun(*opened), Losses()
    act(stage.w, stage.agency)
    settle_by_sweep(stage.w, losses)
    expected = stage.outcome()
    assert losses.seen >= 4  # or this test is about nothing
    for number in range(1, losses.seen + 1):
        begun(*opened)
        act(stage.w, stage.agency)
        settle_by_sweep(stage.w, Losses({number}))
        assert stage.outcome() == expected, f"number {number} is lost"


def test_a_third_of_all_messages_may_be_lost(opened: tuple[Stage, Snapshot]) -> None:
    stage = begun(*opened)
    everything(stage.w, stage.agency)
    settle_by_sweep(stage.w)
    expected = stage.outcome()
    # Two files: one and its thumbnail.
    assert (expected["told"], expected["submitted"], expected["stopped"], expected["files"]) == (1, 2, 1, 2)
    for seed in range(3):
        chance = Random(seed)
        begun(*opened)
        everything(stage.w, stage.agency)
        settle_by_sweep(stage.w, Losses({number for number in range(500) if chance.random() < 1 / 3}))
        assert stage.outcome() == expected, f"seed {seed}"


def test_deletes_end_whatever_is_lost(opened: tuple[Stage, Snapshot]) -> None:
    """Every second message, or all but those of the sweep. (A task would reach its deadline, and fail.)"""
    stage = begun(*opened)
    delete_everything(stage.w, stage.agency)
    settle_by_sweep(stage.w)
    expected = stage.outcome()
    assert (expected["submitted"], expected["stopped"], expected["files"]) == (1, 1, 0)
    for losses in (Losses(range(1, 10_000, 2)), Losses(range(2, 10_000, 2)), Losses(but_for_the_sweep=True)):
        begun(*opened)
        delete_everything(stage.w, stage.agency)
        settle_by_sweep(stage.w, losses)
        assert stage.outcome() == expected, losses


def test_a_relay_down_for_an_hour_only_delays(opened: tuple[Stage, Snapshot]) -> None:
    """Its records are never seen."""
    stage = begun(*opened)
    everything(stage.w, stage.agency)
    settle_by_sweep(stage.w)
    expected = stage.outcome()
    begun(*opened)
    everything(stage.w, stage.agency)
    stage.w.changes()
    for _ in range(HOUR):
        stage.w.pass_time(60)
        stage.w.sweep()
        stage.w.work()
        stage.w.clean()
        stage.w.tell()
        stage.w.changes()
    assert stage.outcome() == expected


def test_queues_down_for_an_hour_lose_nothing(stage: Stage) -> None:
    """What the sweep adds meanwhile happens no second time."""
    delete_client(stage.w, stage.agency)
    a_task(stage.w, "video", prompt="new", duration=1, webhook_url=URL)
    stage.w.relay()
    for _ in range(HOUR - 5):
        stage.w.pass_time(60)
        stage.w.sweep()
    assert 2 < len(stage.w.generation.waiting) + len(stage.w.cascade.waiting) < 10
    settle_by_sweep(stage.w)
    assert stage.outcome()["totals"]
    assert (len(stage.submitted), len(stage.told)) == (1, 1)


@pytest.mark.parametrize("effect", [False, True], ids=["before", "after"])
def test_a_sweep_may_be_killed_at_any_write(opened: tuple[Stage, Snapshot], *, effect: bool) -> None:
    stage = begun(*opened)
    everything(stage.w, stage.agency)
    settle_by_sweep(stage.w)
    expected = stage.outcome()
    begun(*opened)
    everything(stage.w, stage.agency)
    stage.w.changes()
    stage.w.pass_time(20 * 60)
    start, last, submitted = Snapshot(stage.w), CrashAt(0, effect=effect), list(stage.submitted)
    stage.client.trouble = last
    stage.w.sweep()
    assert last.writes == 5
    for number in range(1, last.writes + 1):
        begun(stage, start).submitted.extend(submitted)
        stage.client.trouble = CrashAt(number, effect=effect)
        with suppress(Crashed):
            stage.w.sweep()
        stage.client.trouble = Trouble()
        settle_by_sweep(stage.w)
        assert stage.outcome() == expected, f"killed at write {number}"
