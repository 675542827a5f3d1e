"""The golden events of `events/`, each fed to its function in a world that holds what they speak of."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from unittest import mock

import boto3
import pytest

from atelier import wiring
from atelier.domain.campaigns import CampaignStatus, NewCampaign
from atelier.domain.clients import NewClient
from atelier.domain.ordering import Mark, Parents, ordered
from atelier.domain.tasks import NewImage, Task, canceled
from atelier.store import keys
from atelier.store.sender import Sender
from tests.contract.conformity import check_answer
from tests.contract.sources import FUNCTIONS
from tests.contract.test_template import functions
from tests.integration.builders import shown
from tests.support.table import PROJECT
from tests.support.world import BUCKET, World

EVENTS: Final = PROJECT / "events"
CLIENT: Final = "019c13ec-9e00-7000-9b3c-5d7e9f024681"
CAMPAIGN: Final = "019c13ed-8860-7000-ac4e-6a8b0d1f3357"
TASK: Final = "019c13ee-72c0-7000-8d9b-8c7a6f5e4d3c"
CANCELED: Final = "019c13ef-5d20-7000-ba1b-2c3d4e5f6071"
THEN: Final = datetime(2026, 1, 31, 12, 5, tzinfo=UTC)
FILE: Final = f"media/1/{TASK}/0.png"

ANSWERS: Final = {
    "clients.create": 201,
    "clients.list": 200,
    "clients.get": 200,
    "clients.update": 200,
    "clients.delete": 204,
    "campaigns.create": 201,
    "campaigns.list": 200,
    "campaigns.get": 200,
    "campaigns.update": 200,
    "campaigns.delete": 204,
    "campaigns.create_for_client": 201,
    "campaigns.list_for_client": 200,
    "generate.image": 202,
    "generate.video": 202,
    "generate.audio": 202,
    "generate.list_providers": 200,
    "generate.list_tasks": 200,
    "generate.get_task": 200,
    "generate.get_result": 202,
    "generate.cancel_task": 200,
    "generate.retry_task": 202,
    "generate.delete_task": 204,
    "account.get_webhook_secret": 200,
    "account.rotate_webhook_secret": 200,
    "webhooks.fal": 404,  # where fal is not configured, it has nothing to report
    "system.health": 200,
    "system.openapi": 200,
    "system.docs": 200,
    "system.unknown_path": 404,
    "system.unknown_method": 405,
}
PASSED_ON: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "relay.task_created": ("generation", {"task_id": TASK, "step": 0, "user_id": 1}),
    "relay.client_deleted": ("cascade", {"user_id": 1, "kind": "client", "id": CLIENT}),
    "relay.campaign_deleted": ("cascade", {"user_id": 1, "kind": "campaign", "id": CAMPAIGN}),
    "relay.task_deleted": ("cascade", {"user_id": 1, "kind": "task", "id": TASK}),
    "relay.task_canceled": ("generation", {"task_id": TASK, "step": None, "job": "sandbox-1769860925000-1500"}),
    "relay.task_succeeded": ("notices", {"task_id": TASK}),
}
MESSAGES: Final = {
    "worker.step",
    "cascade.client_deleted",
    "cascade.campaign_deleted",
    "cascade.task_deleted",
    "notify.task_ended",
}
BY_HAND: Final = {"verify.users"}


def event(name: str) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text())
    return parsed


def saved() -> set[str]:
    return {path.name.removesuffix(".json") for path in EVENTS.glob("*.json")}


@pytest.fixture
def w(w: World) -> World:
    """A world on the day of the events, with the client, the campaign and the tasks that they speak of."""
    w.now = THEN
    who: dict[str, Any] = {"user_id": 1, "once": None, "now": THEN}
    client = wiring.clients().create(NewClient(name="Acme"), id_=CLIENT, **who).record
    new = NewCampaign(client_id=CLIENT, name="Summer", goal="Sell", status=CampaignStatus.ACTIVE)
    parents = Parents(client, wiring.campaigns().create(new, id_=CAMPAIGN, **who).record)
    order = NewImage.model_validate({"prompt": "A boat", "size": "64x64"})
    for id_ in (TASK, CANCELED):
        task = ordered(order, parents, wiring.desk(), mark=Mark(id_, "token", THEN), user_id=1)
        wiring.tasks().create(task, once=None, now=THEN)
    wiring.tasks().change(CANCELED, lambda task: canceled(task, now=THEN), user_id=1)
    return w


def stored() -> list[str]:
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET)
    return [file["Key"] for file in listed.get("Contents", [])]


def kept(id_: str) -> Task:
    return wiring.tasks().kept(id_, user_id=1)


@pytest.mark.parametrize("name", ANSWERS)
def test_a_request_gets_its_answer(w: World, name: str) -> None:
    sent = event(name)
    answer = w.invoke(name.partition(".")[0], sent)
    assert answer["statusCode"] == ANSWERS[name], answer["body"]
    assert answer["headers"]["X-Request-Id"] == sent["requestContext"]["requestId"]
    if name != "system.docs":
        http = sent["requestContext"]["http"]
        check_answer(http["method"], http["path"], answer["statusCode"], answer["headers"], answer.get("body") or "")


@pytest.mark.parametrize("name", PASSED_ON)
def test_a_change_of_the_table_is_passed_on_to_its_queue(w: World, name: str) -> None:
    queue, expected = PASSED_ON[name]
    assert w.invoke("relay", event(name)) == {"batchItemFailures": []}
    ((body, _),) = getattr(w, queue).take()
    assert expected.items() <= json.loads(body).items()
    assert [w.generation.waiting, w.cascade.waiting, w.notices.waiting] == [[], [], []]


def test_a_message_of_the_generation_queue_takes_its_task_one_step_further(w: World) -> None:
    assert w.invoke("worker", event("worker.step")) == {"batchItemFailures": []}
    task = kept(TASK)
    assert (task.step, task.provider_task_id is not None) == (1, True)
    assert len(w.generation.waiting) == 1


def test_a_message_about_a_deleted_client_deletes_its_campaigns_and_frees_its_tasks(w: World) -> None:
    wiring.clients().delete(CLIENT, user_id=1, accepted=None, now=THEN)
    assert w.invoke("cascade", event("cascade.client_deleted")) == {"batchItemFailures": []}
    assert wiring.table().get(keys.campaign(1, CAMPAIGN)) is None
    assert [(kept(id_).client_id, kept(id_).campaign_id) for id_ in (TASK, CANCELED)] == [(None, None)] * 2


def test_a_message_about_a_deleted_campaign_frees_its_tasks(w: World) -> None:
    wiring.campaigns().delete(CAMPAIGN, user_id=1, accepted=None, now=THEN)
    assert w.invoke("cascade", event("cascade.campaign_deleted")) == {"batchItemFailures": []}
    assert [(kept(id_).client_id, kept(id_).campaign_id) for id_ in (TASK, CANCELED)] == [(CLIENT, None)] * 2


def test_a_message_about_a_deleted_task_removes_its_files(w: World) -> None:
    for key in (FILE, FILE.replace(TASK, CANCELED)):
        boto3.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"png")
    assert w.invoke("cascade", event("cascade.task_deleted")) == {"batchItemFailures": []}
    assert stored() == [FILE.replace(TASK, CANCELED)]


def test_a_message_of_the_notices_queue_tells_the_receiver_that_a_task_has_ended(w: World) -> None:
    url = "https://receiver.example/hooks"
    wiring.tasks().note(kept(CANCELED), webhook_url=url)
    with mock.patch.object(Sender, "post", return_value=204) as post:
        assert w.invoke("notify", event("notify.task_ended")) == {"batchItemFailures": []}
    ((to, body, headers),) = [call.args for call in post.call_args_list]
    assert (to, json.loads(body)["type"], headers["webhook-id"]) == (url, "task.canceled", f"evt_{CANCELED}")
    assert [each.status for each in kept(CANCELED).webhook_deliveries] == [204]


def test_an_operator_is_told_that_everything_adds_up(w: World) -> None:
    assert w.invoke("verify", event("verify.users")) == {"ok": True, "findings": []}


@pytest.mark.parametrize("name", ["clients.create", "generate.image", "account.rotate_webhook_secret"])
def test_a_request_that_comes_twice_creates_once(w: World, name: str) -> None:
    function = name.partition(".")[0]
    first, second = w.invoke(function, event(name)), w.invoke(function, event(name))
    assert second["headers"]["Idempotent-Replayed"] == "true"
    assert second["body"] == first["body"]


def test_a_record_that_comes_twice_does_no_harm(w: World) -> None:
    for _ in range(2):
        assert w.invoke("worker", event("worker.step")) == {"batchItemFailures": []}
        assert w.invoke("relay", event("relay.task_created")) == {"batchItemFailures": []}
    w.pass_time(timedelta(seconds=5).total_seconds())
    w.settle()
    assert shown(w, f"/tasks/{TASK}")["status"] == "succeeded"
    assert stored() == [FILE]


def test_every_event_is_used() -> None:
    assert saved() == ANSWERS.keys() | PASSED_ON.keys() | MESSAGES | BY_HAND


def test_every_function_has_an_event() -> None:
    assert {name.partition(".")[0] for name in saved()} == set(FUNCTIONS)


def test_every_route_has_an_event() -> None:
    subscribed = [each for function in functions().values() for each in function.get("Events", {}).values()]
    routes = {
        "$default" if at["Path"] == "$default" else f"{at['Method']} {at['Path']}"
        for at in (each["Properties"] for each in subscribed if each["Type"] == "HttpApi")
    }
    assert {event(name)["routeKey"] for name in ANSWERS} == routes
