"""Idempotency keys: a retry gets the first answer again, and never creates twice."""

from collections.abc import Iterator
from typing import Any

import pytest

from testbed.harness import Answer, Harness, harness
from tests.integration.builders import (
    Json,
    a_campaign,
    a_canceled_task,
    a_client,
    a_task,
    clean_up,
    created,
    places,
    problem,
    shown,
)

HOUR = 3600


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


@pytest.fixture(params=["client", "campaign", "nested campaign", "image", "video", "audio", "retry"])
def post(request: pytest.FixtureRequest, w: Harness) -> tuple[str, Json | None]:
    """Each POST that creates: its path, and a body that is good for it."""
    kind: str = request.param
    campaign = {"name": "Launch", "goal": "Sell"}
    if kind == "client":
        return "/clients", {"name": "Acme", "description": "ü"}
    if kind == "campaign":
        return "/campaigns", {**campaign, "client_id": a_client(w)["id"]}
    if kind == "nested campaign":
        return f"/clients/{a_client(w)['id']}/campaigns", campaign
    if kind == "retry":
        return f"/tasks/{a_canceled_task(w)['id']}/retry", None
    return f"/generate/{kind}", {"prompt": "A boat", "metadata": {"big": 2**70, "one": 1.0}}


def keyed(w: Harness, path: str, body: Any, key: str) -> Answer:
    return w.call("POST", path, body, headers={"Idempotency-Key": key})


def new_key(w: Harness) -> str:
    return f"key at {w.clock()}"


def test_a_retry_gets_the_first_answer_again(w: Harness, post: tuple[str, Json | None]) -> None:
    key = new_key(w)
    first, second = keyed(w, *post, key), keyed(w, *post, key)
    assert first.status in (201, 202)
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert (second.status, second.text) == (first.status, first.text)
    assert [second.headers[name] for name in ("Location", "ETag")] == [
        first.headers[name] for name in ("Location", "ETag")
    ]


def test_another_key_creates_another(w: Harness, post: tuple[str, Json | None]) -> None:
    first, second = keyed(w, *post, new_key(w)), keyed(w, *post, new_key(w))
    assert created(first)["id"] != created(second)["id"]


def test_a_key_of_another_body_is_refused(w: Harness, post: tuple[str, Json | None]) -> None:
    path, body = post
    key = new_key(w)
    keyed(w, path, body, key)
    problem(keyed(w, path, {**(body or {}), next(iter(body or {"prompt": ""})): "Other"}, key), 422)


def test_a_key_of_another_path_is_refused(w: Harness, post: tuple[str, Json | None]) -> None:
    key = new_key(w)
    created(keyed(w, *post, key))
    client = a_client(w)["id"]
    problem(keyed(w, f"/clients/{client}/campaigns", {"name": "Launch", "goal": "Sell"}, key), 422)
    problem(keyed(w, "/generate/image", {"prompt": "Another"}, key), 422)


def test_field_order_and_white_space_do_not_matter(w: Harness) -> None:
    key = {"Idempotency-Key": new_key(w)}
    first = w.call("POST", "/clients", raw='{"name":"Acme","description":"Big"}', headers=key)
    second = w.call("POST", "/clients", raw='{ "description": "B\\u0069g",\n "name": "Acme" }', headers=key)
    assert (second.status, second.text) == (201, first.text)


def test_one_and_one_point_nought_are_different_bodies(w: Harness) -> None:
    key = new_key(w)
    keyed(w, "/generate/image", {"prompt": "A boat", "metadata": {"one": 1}}, key)
    problem(keyed(w, "/generate/image", {"prompt": "A boat", "metadata": {"one": 1.0}}, key), 422)


def test_a_refused_request_leaves_its_key_free(w: Harness) -> None:
    key = new_key(w)
    problem(keyed(w, "/clients", {"name": ""}, key), 400)
    problem(keyed(w, "/campaigns", {"client_id": "nonsense", "name": "A", "goal": "B"}, key), 404)
    assert "Idempotent-Replayed" not in keyed(w, "/clients", {"name": "Acme"}, key).headers


@pytest.mark.parametrize("delete_client", [True, False])
def test_a_replay_answers_with_what_is_there_now(w: Harness, delete_client: bool) -> None:
    client = a_client(w)
    campaign = a_campaign(w, client)
    posts: list[tuple[str, Json]] = [
        ("/campaigns", {"client_id": client["id"], "name": "Launch", "goal": "Sell"}),
        (f"/clients/{client['id']}/campaigns", {"name": "Launch", "goal": "Sell"}),
        ("/generate/image", {"prompt": "A boat", "campaign_id": campaign["id"]}),
    ]
    sent = [(path, body, new_key(w)) for path, body in posts]
    first = [keyed(w, *each).json for each in sent]
    w.call("DELETE", f"/clients/{client['id']}" if delete_client else f"/campaigns/{campaign['id']}")
    before = shown(w, "/tasks")["total"]
    for _ in ("at once", "after the cleanup"):
        *campaigns, task = (keyed(w, *each) for each in sent)
        assert [each.status for each in campaigns] == ([404, 404] if delete_client else [201, 201])
        assert task.json == first[-1] | ({"client_id": None} if delete_client else {}) | {"campaign_id": None}
        clean_up(w)
    assert shown(w, "/tasks")["total"] == before


def test_a_replay_of_what_was_deleted_is_a_404(w: Harness) -> None:
    for path, body in (("/clients", {"name": "Acme"}), ("/generate/image", {"prompt": "A boat"})):
        key = new_key(w)
        made = created(keyed(w, path, body, key))
        kind = "clients" if path == "/clients" else "tasks"
        assert w.call("DELETE", f"/{kind}/{made['id']}").status == 204
        problem(keyed(w, path, body, key), 404)


def test_a_replay_creates_nothing(w: Harness) -> None:
    key, before = new_key(w), shown(w, "/clients")["total"]
    for _ in range(3):
        keyed(w, "/clients", {"name": "IdempotentRequest"}, key)
    assert shown(w, "/clients")["total"] == before + 1


def test_a_changed_resource_is_replayed_as_it_is_now(w: Harness) -> None:
    key = new_key(w)
    first = keyed(w, "/clients", {"name": "Acme"}, key)
    changed = w.call("PATCH", f"/clients/{first.json['id']}", {"name": "Changed"})
    again = keyed(w, "/clients", {"name": "Acme"}, key)
    assert (again.status, again.json) == (201, changed.json)
    assert again.headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize("length", [1, 255])
def test_a_key_may_have_up_to_255_characters(w: Harness, length: int) -> None:
    keys = ["k" * length, "k" * (length - 1) + "K", "k" * (length - 1) + ","]
    assert len({created(keyed(w, "/clients", {"name": "Acme"}, key))["id"] for key in keys}) == len(keys)


@pytest.mark.parametrize("length", [0, 256])
def test_a_key_of_another_length_is_refused(w: Harness, post: tuple[str, Json | None], length: int) -> None:
    assert {place.lower() for place in places(keyed(w, *post, "k" * length))} == {"idempotency-key"}


def test_an_id_in_another_case_is_the_same_request(w: Harness) -> None:
    key, client, body = new_key(w), a_client(w)["id"], {"name": "Launch", "goal": "Sell"}
    first, again = (keyed(w, f"/clients/{id_}/campaigns", body, key) for id_ in (client, client.upper()))
    assert again.json["id"] == created(first)["id"]


@pytest.mark.parametrize(("path", "body"), [("/clients", {"name": "Acme"}), ("/generate/image", {"prompt": "A boat"})])
def test_a_key_is_kept_for_24_hours(w: Harness, path: str, body: Json) -> None:
    key = new_key(w)
    first = created(keyed(w, path, body, key))
    w.pass_time(24 * HOUR - 10)
    assert keyed(w, path, body, key).json["id"] == first["id"]
    w.pass_time(11)
    again = keyed(w, path, body, key)
    assert "Idempotent-Replayed" not in again.headers
    assert created(again)["id"] != first["id"]
    assert keyed(w, path, body, key).json["id"] == again.json["id"]


@pytest.mark.parametrize(("path", "body"), [("/clients", {"name": "Acme"}), ("/generate/image", {"prompt": "A boat"})])
def test_an_expired_key_may_be_used_for_another_request(w: Harness, path: str, body: Json) -> None:
    key = new_key(w)
    keyed(w, "/clients", {"name": "First"}, key)
    w.pass_time(24 * HOUR + 1)
    assert created(keyed(w, path, body, key))


def test_a_cancel_creates_nothing_and_takes_no_key(w: Harness) -> None:
    task = a_task(w)
    assert keyed(w, f"/tasks/{task['id']}/cancel", None, "key").status == 200
    again = keyed(w, f"/tasks/{task['id']}/cancel", None, "key")
    assert (again.status, again.json["status"]) == (200, "canceled")
    assert "Idempotent-Replayed" not in again.headers
