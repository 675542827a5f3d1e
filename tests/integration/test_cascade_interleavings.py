"""Somebody else is faster: what happens between one's reading and one's writing, race by race (docs/integrity.md)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any
from unittest import mock

import pytest

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.pipeline_ports import TaskChanged
from atelier.domain.tasks.life_cycle import canceled
from atelier.providers.sandbox import Sandbox
from testbed.harness import TABLE, Answer, Harness
from tests.integration.builders import (
    Json,
    a_campaign,
    a_client,
    a_task,
    clean_up,
    created,
    shown,
)
from tests.support.fault_injection import CrashAt, FaultyDynamoDB, Snapshot, Trouble, faulty_harness, handled, meanwhile
from tests.support.recount import scan, violations


@dataclass
class Stage:
    """A harness in which nothing has happened yet."""

    w: Harness
    client: FaultyDynamoDB

    def violations(self, *, at_rest: bool = False, deleted: Any = ()) -> list[str]:
        """What is wrong with the table."""
        return violations(scan(self.w.dynamodb, TABLE), at_rest=at_rest, deleted=deleted)

    def ask_while(self, happens: Any, method: str, path: str, body: Any = None, **how: Any) -> Answer:
        """Send a request; when it is about to write, something else happens."""
        with meanwhile(self.client, happens):
            return self.w.call(method, path, body, **how)

    def will(self, method: str, path: str, body: Any = None) -> Any:
        """A request that goes well, for later."""

        def goes_well() -> None:
            answer = self.w.call(method, path, body)
            assert answer.status < 300, answer.text

        return goes_well


@pytest.fixture(scope="module")
def opened() -> Iterator[tuple[Stage, Snapshot]]:
    with faulty_harness() as (w, client):
        yield Stage(w, client), Snapshot(w)


@pytest.fixture
def stage(opened: tuple[Stage, Snapshot]) -> Stage:
    """The harness as it was in the beginning, in good weather."""
    stage, beginning = opened
    stage.client.trouble = Trouble()
    beginning.again()
    return stage


# --------------------------------------------------------------------------------------- deletes against requests


@pytest.mark.parametrize("what", ["create", "change", "delete"])
def test_a_deletes_totals_survive_concurrent_campaign_changes(stage: Stage, what: str) -> None:
    client, other = a_client(stage.w), a_client(stage.w, "Other")
    campaign, kept = a_campaign(stage.w, client), a_campaign(stage.w, other)
    happens = {
        "create": stage.will("POST", "/campaigns", {"client_id": client["id"], "name": "Late", "goal": "Sell"}),
        "change": stage.will("PATCH", f"/campaigns/{campaign['id']}", {"status": "active"}),
        "delete": stage.will("DELETE", f"/campaigns/{campaign['id']}"),
    }
    assert stage.ask_while(happens[what], "DELETE", f"/clients/{client['id']}").status == 204
    page = shown(stage.w, "/campaigns")
    assert ([each["id"] for each in page["items"]], page["total"]) == ([kept["id"]], 1)
    assert stage.violations() == []
    clean_up(stage.w)
    assert stage.violations(at_rest=True) == []


def new_children(client: Json, campaign: Json) -> list[tuple[str, str, Json]]:
    """What can be created under which parent: its path, the create's path and body."""
    of_client, of_campaign = f"/clients/{client['id']}", f"/campaigns/{campaign['id']}"
    return [
        (of_client, "/campaigns", {"client_id": client["id"], "name": "Late", "goal": "Sell"}),
        (of_client, "/generate/image", {"client_id": client["id"], "prompt": "Late"}),
        (of_client, "/generate/image", {"campaign_id": campaign["id"], "prompt": "Late"}),
        (of_campaign, "/generate/image", {"campaign_id": campaign["id"], "prompt": "Late"}),
    ]


@pytest.mark.parametrize("number", range(4))
def test_nothing_is_created_under_a_parent_just_deleted(stage: Stage, number: int) -> None:
    client = a_client(stage.w)
    parent, path, body = new_children(client, a_campaign(stage.w, client))[number]
    assert stage.ask_while(stage.will("DELETE", parent), "POST", path, body).status == 404
    clean_up(stage.w)
    assert stage.violations(at_rest=True) == []
    assert shown(stage.w, "/campaigns")["total"] + shown(stage.w, "/tasks")["total"] == 0


@pytest.mark.parametrize(("method", "body"), [("PATCH", {"status": "active"}), ("DELETE", None)])
def test_a_campaign_goes_when_its_client_is_deleted(stage: Stage, method: str, body: Json | None) -> None:
    campaign = a_campaign(stage.w)
    gone = stage.will("DELETE", f"/clients/{campaign['client_id']}")
    assert stage.ask_while(gone, method, f"/campaigns/{campaign['id']}", body).status == 404
    assert stage.violations() == []
    clean_up(stage.w)
    assert stage.violations(at_rest=True) == []


@pytest.mark.parametrize("kind", ["clients", "campaigns", "tasks"])
def test_of_two_concurrent_deletes_one_is_404(stage: Stage, kind: str) -> None:
    path = f"/{kind}/{one_of(stage.w, kind)['id']}"
    assert stage.ask_while(stage.will("DELETE", path), "DELETE", path).status == 404
    assert shown(stage.w, f"/{kind}")["total"] == 0
    assert stage.violations() == []


def one_of(w: Harness, kind: str) -> Json:
    make: dict[str, Callable[[Harness], Json]] = {"clients": a_client, "campaigns": a_campaign, "tasks": a_task}
    return make[kind](w)


# ------------------------------------------------------------------------------------------------ requests at once


@pytest.mark.parametrize("kind", ["clients", "campaigns"])
def test_a_concurrent_change_dies_unless_a_version_is_demanded(stage: Stage, kind: str) -> None:
    path = f"/{kind}/{one_of(stage.w, kind)['id']}"
    current = {"If-Match": '"1"'}
    renamed = stage.will("PATCH", path, {"name": "Renamed"})
    assert stage.ask_while(renamed, "DELETE", path, headers=current).status == 412
    assert shown(stage.w, path)["name"] == "Renamed"
    again = stage.will("PATCH", path, {"name": "Renamed again"})
    assert stage.ask_while(again, "DELETE", path).status == 204
    assert stage.violations() == []


@pytest.mark.parametrize(("kind", "field"), [("clients", "description"), ("campaigns", "brief")])
def test_two_concurrent_changes_are_both_applied(stage: Stage, kind: str, field: str) -> None:
    path = f"/{kind}/{one_of(stage.w, kind)['id']}"
    changed = stage.ask_while(stage.will("PATCH", path, {field: "New"}), "PATCH", path, {"name": "New"})
    assert (changed.status, changed.headers["ETag"]) == (200, '"3"')
    assert (changed.json["name"], changed.json[field]) == ("New", "New")
    assert shown(stage.w, path) == changed.json


@pytest.mark.parametrize(
    ("path", "body"),
    [("/clients", {"name": "Acme"}), ("/generate/image", {"prompt": "A boat"})],
    ids=["client", "task"],
)
def test_the_same_request_twice_at_once_creates_once(stage: Stage, path: str, body: Json) -> None:
    sent = partial(stage.w.call, "POST", path, body, headers={"Idempotency-Key": "once"})
    answers: list[Answer] = []
    with meanwhile(stage.client, lambda: answers.append(sent())):
        answers.append(sent())
    first, second = answers
    assert created(first) == created(second)
    assert second.headers["Idempotent-Replayed"] == "true"
    assert shown(stage.w, "/clients")["total"] + shown(stage.w, "/tasks")["total"] == 1


# --------------------------------------------------------------------------------------------------------- tasks


@pytest.mark.parametrize("parent", ["client", "campaign"])
def test_a_concurrent_task_change_forgets_the_cleaned_up_parent(stage: Stage, parent: str) -> None:
    task = a_task(stage.w, campaign_id=a_campaign(stage.w)["id"])

    def goes() -> None:
        stage.will("DELETE", f"/{parent}s/{task[f'{parent}_id']}")()
        clean_up(stage.w)

    answer = stage.ask_while(goes, "POST", f"/tasks/{task['id']}/cancel")
    assert (answer.status, answer.json[f"{parent}_id"]) == (200, None)
    assert stage.violations(at_rest=True) == []


@pytest.mark.parametrize("parent", ["client", "campaign"])
def test_a_late_step_does_not_write_the_link_again(stage: Stage, parent: str) -> None:
    """It read the task while the parent was still named."""
    task = a_task(stage.w, campaign_id=a_campaign(stage.w)["id"])
    read = wiring.tasks().kept(task["id"], access=Access.own(1))
    stage.will("DELETE", f"/{parent}s/{task[f'{parent}_id']}")()
    stage.w.relay()
    stage.w.clean()
    with pytest.raises(TaskChanged):
        wiring.tasks().move(read, canceled(read, now=stage.w.now))
    assert getattr(wiring.tasks().kept(task["id"], access=Access.own(1)), f"{parent}_id") is None


@pytest.mark.parametrize("parent", ["client", "campaign"])
def test_no_task_moves_to_a_parent_just_deleted(stage: Stage, parent: str) -> None:
    task, campaign = a_task(stage.w, campaign_id=a_campaign(stage.w)["id"]), a_campaign(stage.w)
    gone = stage.will("DELETE", f"/{parent}s/{campaign['client_id' if parent == 'client' else 'id']}")
    answer = stage.ask_while(gone, "PATCH", f"/tasks/{task['id']}", {"campaign_id": campaign["id"]})
    assert answer.status == 404
    assert shown(stage.w, f"/tasks/{task['id']}") == task
    clean_up(stage.w)
    assert stage.violations(at_rest=True) == []


def test_no_task_moves_within_a_client_just_deleted(stage: Stage) -> None:
    """The task moves within the client, whose counters the move does not change."""
    client = a_client(stage.w)
    task = a_task(stage.w, campaign_id=a_campaign(stage.w, client)["id"])
    other = a_campaign(stage.w, client)
    gone = stage.will("DELETE", f"/clients/{client['id']}")
    answer = stage.ask_while(gone, "PATCH", f"/tasks/{task['id']}", {"campaign_id": other["id"]})
    assert answer.status == 404
    clean_up(stage.w)
    assert stage.violations(at_rest=True) == []


@pytest.mark.parametrize("cleaned", [False, True])
def test_a_task_leaves_a_client_just_deleted(stage: Stage, cleaned: bool) -> None:
    task, other = a_task(stage.w, campaign_id=a_campaign(stage.w)["id"]), a_client(stage.w)

    def goes() -> None:
        stage.will("DELETE", f"/clients/{task['client_id']}")()
        if cleaned:
            clean_up(stage.w)

    moved = stage.ask_while(goes, "PATCH", f"/tasks/{task['id']}", {"client_id": other["id"]})
    assert (moved.status, moved.json["client_id"], moved.json["campaign_id"]) == (200, other["id"], None)
    clean_up(stage.w)
    assert stage.violations(at_rest=True) == []
    assert shown(stage.w, "/tasks", client_id=other["id"])["total"] == 1


def test_of_two_concurrent_moves_the_last_one_holds(stage: Stage) -> None:
    task, first, second = a_task(stage.w), a_client(stage.w), a_client(stage.w)
    path = f"/tasks/{task['id']}"
    moves = stage.will("PATCH", path, {"client_id": first["id"], "rating": 1})
    moved = stage.ask_while(moves, "PATCH", path, {"client_id": second["id"]})
    assert (moved.json["client_id"], moved.json["rating"]) == (second["id"], 1)
    assert stage.violations() == []


def test_a_task_that_ends_meanwhile_is_deleted_as_ended(stage: Stage) -> None:
    task = a_task(stage.w)
    ends = stage.will("POST", f"/tasks/{task['id']}/cancel")
    assert stage.ask_while(ends, "DELETE", f"/tasks/{task['id']}").status == 204
    assert shown(stage.w, "/tasks")["total"] == 0
    assert stage.violations(deleted=None) == []


def test_two_workers_with_one_message_carry_it_out_once(stage: Stage) -> None:
    a_task(stage.w)
    stage.w.relay()
    ((message, _),) = stage.w.generation.take()
    with meanwhile(stage.client, lambda: handled(stage.w, "worker", message)):
        assert handled(stage.w, "worker", message)
    assert len(stage.w.generation.waiting) == 1


def test_a_task_canceled_just_before_is_not_submitted(stage: Stage) -> None:
    task = a_task(stage.w)
    stage.w.relay()
    ((message, _),) = stage.w.generation.take()
    cancel = stage.will("POST", f"/tasks/{task['id']}/cancel")
    with mock.patch.object(Sandbox, "submit") as submit, meanwhile(stage.client, cancel):
        assert handled(stage.w, "worker", message)
    submit.assert_not_called()
    assert shown(stage.w, f"/tasks/{task['id']}")["status"] == "canceled"
    assert stage.violations() == []


def test_a_task_taken_by_another_worker_is_left_alone(stage: Stage) -> None:
    task = a_task(stage.w)
    stage.w.relay()
    ((message, _),) = stage.w.generation.take()

    def is_taken() -> None:
        stage.client.trouble = CrashAt(2, effect=False)
        assert not handled(stage.w, "worker", message)
        stage.client.trouble = Trouble()

    with meanwhile(stage.client, is_taken):
        assert handled(stage.w, "worker", message)
    assert [body for body, _ in stage.w.generation.waiting] == [message], "it looks again when the lease is over"
    assert shown(stage.w, f"/tasks/{task['id']}")["provider_task_id"] is None


# --------------------------------------------------------------------------------------------------- the cleanup
