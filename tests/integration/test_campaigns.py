"""Campaigns: under a client, with a status, directly and nested."""

from collections.abc import Iterator

import pytest

from testbed.harness import Harness, harness
from tests.integration.builders import (
    NOBODY,
    Json,
    a_campaign,
    a_client,
    clean_up,
    created,
    ids,
    places,
    problem,
    shown,
    theirs,
)

FIELDS = {
    "id",
    "client_id",
    "user_id",
    "created_by",
    "updated_by",
    "name",
    "goal",
    "status",
    "brief",
    "created_at",
    "updated_at",
}


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


@pytest.fixture(scope="module")
def client(w: Harness) -> Json:
    return a_client(w)


def test_a_new_campaign_is_answered_whole_with_its_place(w: Harness, client: Json) -> None:
    sent = {"client_id": client["id"], "name": "Summer", "goal": "Sell", "status": "active", "brief": "Bright"}
    answer = w.call("POST", "/campaigns", sent)
    assert answer.status == 201
    assert answer.json.keys() == FIELDS
    assert sent.items() <= answer.json.items()
    assert answer.headers["Location"] == f"/api/v3/campaigns/{answer.json['id']}"
    assert w.call("GET", f"/campaigns/{answer.json['id']}").json == answer.json


def test_a_campaign_is_a_draft_unless_told_otherwise(w: Harness, client: Json) -> None:
    made = a_campaign(w, client)
    assert (made["status"], made["brief"]) == ("draft", None)


@pytest.mark.parametrize("status", ["active", "archived", "draft"])
def test_any_status_may_follow_any_other(w: Harness, client: Json, status: str) -> None:
    made = a_campaign(w, client, status=status)
    for following in ("archived", "active", "draft", status):
        answer = w.call("PATCH", f"/campaigns/{made['id']}", {"status": following})
        assert (answer.status, answer.json["status"]) == (200, following)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "ACTIVE"),
        ("status", "deleted"),
        ("status", ""),
        ("status", None),
        ("goal", ""),
        ("goal", " \n"),
        ("goal", None),
        ("goal", "a" * 2001),
        ("goal", 5),
        ("name", ""),
        ("name", "a" * 256),
        ("name", None),
        ("brief", "é" * 16385),
        ("brief", 1),
    ],
)
def test_out_of_bounds_values_are_refused_everywhere(w: Harness, client: Json, field: str, value: object) -> None:
    """On create and on patch."""
    good = {"client_id": client["id"], "name": "Summer", "goal": "Sell"}
    assert places(w.call("POST", "/campaigns", good | {field: value})) == {f"/{field}"}
    assert places(w.call("POST", f"/clients/{client['id']}/campaigns", good | {field: value})) == {f"/{field}"}
    assert places(w.call("PATCH", f"/campaigns/{a_campaign(w, client)['id']}", {field: value})) == {f"/{field}"}


@pytest.mark.parametrize(
    ("field", "value"), [("goal", "a" * 2000), ("goal", "🦊" * 2000), ("brief", "é" * 16384), ("name", "🦊" * 255)]
)
def test_texts_may_be_as_long_as_promised(w: Harness, client: Json, field: str, value: str) -> None:
    made = a_campaign(w, client, **{field: value})
    assert shown(w, f"/campaigns/{made['id']}")[field] == value


def test_every_required_field_that_is_missing_is_named(w: Harness) -> None:
    assert places(w.call("POST", "/campaigns", {})) == {"/client_id", "/name", "/goal"}


@pytest.mark.parametrize("client_id", [NOBODY, "nonsense", "", NOBODY.upper()])
def test_a_campaign_needs_a_client_that_exists(w: Harness, client_id: str) -> None:
    problem(w.call("POST", "/campaigns", {"client_id": client_id, "name": "Summer", "goal": "Sell"}), 404)


def test_a_deleted_clients_campaigns_cannot_be_created(w: Harness) -> None:
    gone = a_client(w)
    w.call("DELETE", f"/clients/{gone['id']}")
    new = {"name": "Summer", "goal": "Sell"}
    problem(w.call("POST", "/campaigns", new | {"client_id": gone["id"]}), 404)
    problem(w.call("POST", f"/clients/{gone['id']}/campaigns", new), 404)
    clean_up(w)
    problem(w.call("POST", "/campaigns", new | {"client_id": gone["id"]}), 404)


def test_a_patch_changes_what_it_names_and_nothing_else(w: Harness, client: Json) -> None:
    made = a_campaign(w, client, brief="Bright")
    answer = w.call("PATCH", f"/campaigns/{made['id']}", {"status": "archived", "goal": " Rest "})
    assert answer.json == {
        **made,
        "status": "archived",
        "goal": "Rest",
        "updated_at": answer.json["updated_at"],
    }
    assert answer.json["updated_at"] > made["updated_at"]


@pytest.mark.parametrize("patch", [{}, {"status": "draft"}, {"name": "Launch ", "goal": "Sell", "brief": None}])
def test_a_patch_that_changes_nothing_changes_no_time(w: Harness, client: Json, patch: Json) -> None:
    made = a_campaign(w, client)
    answer = w.call("PATCH", f"/campaigns/{made['id']}", patch)
    assert (answer.status, answer.json) == (200, made)


def test_a_patch_with_null_clears_the_brief(w: Harness, client: Json) -> None:
    made = a_campaign(w, client, brief="Bright")
    assert w.call("PATCH", f"/campaigns/{made['id']}", {"brief": None}).json["brief"] is None


@pytest.mark.parametrize("field", ["id", "user_id", "client_id", "created_at", "updated_at"])
def test_what_never_changes_cannot_be_patched(w: Harness, client: Json, field: str) -> None:
    made = a_campaign(w, client)
    assert places(w.call("PATCH", f"/campaigns/{made['id']}", {field: made[field]})) == {f"/{field}"}


def test_a_nested_campaign_belongs_to_the_paths_client(w: Harness, client: Json) -> None:
    answer = w.call("POST", f"/clients/{client['id']}/campaigns", {"name": "Winter", "goal": "Sell"})
    assert (answer.status, answer.json["client_id"]) == (201, client["id"])
    assert answer.headers["Location"] == f"/api/v3/campaigns/{answer.json['id']}"


def test_a_nested_campaign_names_only_its_own_client(w: Harness, client: Json) -> None:
    path, new = f"/clients/{client['id']}/campaigns", {"name": "Winter", "goal": "Sell"}
    assert created(w.call("POST", path, new | {"client_id": client["id"]}))["client_id"] == client["id"]
    assert created(w.call("POST", path, new | {"client_id": None}))["client_id"] == client["id"]
    for other in (a_client(w)["id"], NOBODY, "", "nonsense"):
        assert places(w.call("POST", path, new | {"client_id": other})) == {"/client_id"}


@pytest.mark.parametrize("id_", [NOBODY, "nonsense"])
def test_nested_routes_of_an_unknown_client_are_404(w: Harness, id_: str) -> None:
    problem(w.call("GET", f"/clients/{id_}/campaigns"), 404)
    problem(w.call("POST", f"/clients/{id_}/campaigns", {"name": "Winter", "goal": "Sell"}), 404)


@pytest.mark.parametrize("id_", [NOBODY, "nonsense", ""])
def test_filtering_by_an_unknown_client_lists_nothing(w: Harness, id_: str) -> None:
    page = shown(w, "/campaigns", client_id=id_)
    assert (page["items"], page["total"], page["has_more"]) == ([], 0, False)


def test_deleting_a_campaign_keeps_its_client(w: Harness) -> None:
    client = a_client(w)
    made, other = a_campaign(w, client), a_campaign(w, client)
    path = f"/campaigns/{made['id']}"
    assert w.call("DELETE", path).status == 204
    assert [w.call(method, path).status for method in ("GET", "DELETE")] == [404, 404]
    page = shown(w, f"/clients/{client['id']}/campaigns")
    assert ([item["id"] for item in page["items"]], page["total"]) == ([other["id"]], 1)


def test_every_change_is_in_the_next_list(w: Harness) -> None:
    client = a_client(w)
    path = f"/clients/{client['id']}/campaigns"
    made = a_campaign(w, client)
    assert shown(w, path)["items"] == [made]
    changed = w.call("PATCH", f"/campaigns/{made['id']}", {"status": "active"}).json
    assert shown(w, path, status="active")["items"] == [changed]
    assert shown(w, path, status="draft")["total"] == 0
    w.call("DELETE", f"/campaigns/{made['id']}")
    assert shown(w, path)["total"] == 0


def test_another_users_campaign_is_not_there(w: Harness, client: Json) -> None:
    their_client, their_campaign, _ = theirs(w)
    path, new = f"/campaigns/{their_campaign}", {"name": "Winter", "goal": "Sell"}
    for answer in (
        w.call("GET", path),
        w.call("PATCH", path, {"name": "Mine"}),
        w.call("DELETE", path),
        w.call("GET", f"/clients/{their_client}/campaigns"),
        w.call("POST", f"/clients/{their_client}/campaigns", new),
        w.call("POST", "/campaigns", new | {"client_id": their_client}),
    ):
        problem(answer, 404)
    assert ids(w, "/campaigns", client_id=their_client) == []
    assert ids(w, "/campaigns", search="Theirs") == []


def test_a_change_of_status_is_counted(w: Harness) -> None:
    client = a_client(w)
    campaign = a_campaign(w, client, status="draft")

    def totals(**query: str) -> list[int]:
        return [shown(w, "/campaigns", status=status, page_size=1, **query)["total"] for status in ("draft", "active")]

    (drafts, active), of_client = totals(), totals(client_id=client["id"])
    assert of_client == [1, 0]
    w.call("PATCH", f"/campaigns/{campaign['id']}", {"status": "active"})
    assert totals(client_id=client["id"]) == [0, 1]
    assert totals() == [drafts - 1, active + 1]
