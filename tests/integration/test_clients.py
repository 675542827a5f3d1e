"""Clients: created, read, changed, deleted."""

from collections.abc import Iterator

import pytest

from testbed.harness import Harness, harness
from tests.integration.builders import (
    NOBODY,
    a_campaign,
    a_client,
    ids,
    places,
    problem,
    shown,
    theirs,
)

FIELDS = {
    "id",
    "user_id",
    "created_by",
    "updated_by",
    "name",
    "description",
    "brand_guidelines",
    "created_at",
    "updated_at",
}


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


def test_a_new_client_is_answered_whole_with_its_place(w: Harness) -> None:
    sent = {"name": "Acme", "description": "Big", "brand_guidelines": "Blue"}
    answer = w.call("POST", "/clients", sent)
    assert answer.status == 201
    assert answer.json.keys() == FIELDS
    assert sent.items() <= answer.json.items()
    assert answer.headers["Location"] == f"/api/v3/clients/{answer.json['id']}"
    assert w.call("GET", f"/clients/{answer.json['id']}").json == answer.json


def test_what_was_left_out_is_null(w: Harness) -> None:
    made = a_client(w)
    assert (made["description"], made["brand_guidelines"]) == (None, None)


def test_the_user_is_number_one_without_authentication(w: Harness) -> None:
    assert a_client(w)["user_id"] == 1


def test_ids_are_lower_case_uuid7_in_creation_order(w: Harness) -> None:
    made = [a_client(w)["id"] for _ in range(20)]
    assert made == sorted(made)
    assert all(id_[14] == "7" and id_ == id_.lower() and len(id_) == 36 for id_ in made)


def test_two_clients_may_have_the_same_name(w: Harness) -> None:
    assert a_client(w, "Twin")["id"] != a_client(w, "Twin")["id"]


def test_names_are_kept_without_the_white_space_around_them(w: Harness) -> None:
    made = a_client(w, " \t\u00a0\u2003\u202eAcme  Inc\u200b\n ")
    assert made["name"] == "Acme  Inc"


@pytest.mark.parametrize("name", ["Ünïcödé 🦊", "a\u0000b", "%_\\\"'", "a\u202ertl", "a" * 255, "🦊" * 255])
def test_a_name_comes_back_as_it_was_sent(w: Harness, name: str) -> None:
    made = a_client(w, name)
    assert shown(w, f"/clients/{made['id']}")["name"] == name


@pytest.mark.parametrize("name", ["", " ", "\u2003\n", "a" * 256, None, 5, True, ["a"], {"a": 1}])
def test_a_name_that_is_none_is_refused(w: Harness, name: object) -> None:
    assert places(w.call("POST", "/clients", {"name": name})) == {"/name"}


def test_a_name_is_required(w: Harness) -> None:
    assert places(w.call("POST", "/clients", {})) == {"/name"}


def test_the_limit_of_a_name_holds_after_trimming(w: Harness) -> None:
    assert a_client(w, " " + "a" * 255 + " ")["name"] == "a" * 255


@pytest.mark.parametrize(
    ("field", "fits", "too_long"),
    [
        ("description", "a" * 2000, "a" * 2001),
        ("description", "🦊" * 2000, "🦊" * 2001),
        ("brand_guidelines", "a" * 32768, "a" * 32769),
        ("brand_guidelines", "é" * 16384, "é" * 16384 + "a"),
        ("brand_guidelines", "🦊" * 8192, "🦊" * 8192 + "a"),
    ],
)
def test_texts_may_be_exactly_as_long_as_promised(w: Harness, field: str, fits: str, too_long: str) -> None:
    made = a_client(w, **{field: fits})
    assert shown(w, f"/clients/{made['id']}")[field] == fits
    assert places(w.call("POST", "/clients", {"name": "Acme", field: too_long})) == {f"/{field}"}
    assert places(w.call("PATCH", f"/clients/{made['id']}", {field: too_long})) == {f"/{field}"}


def test_a_patch_changes_what_it_names_and_nothing_else(w: Harness) -> None:
    made = a_client(w, description="Big", brand_guidelines="Blue")
    answer = w.call("PATCH", f"/clients/{made['id']}", {"name": "Acme Inc."})
    assert answer.status == 200
    assert answer.json == {**made, "name": "Acme Inc.", "updated_at": answer.json["updated_at"]}
    assert answer.json["updated_at"] > made["updated_at"]
    assert shown(w, f"/clients/{made['id']}") == answer.json


def test_a_patch_with_null_clears_an_optional_field(w: Harness) -> None:
    made = a_client(w, description="Big", brand_guidelines="Blue")
    answer = w.call("PATCH", f"/clients/{made['id']}", {"description": None, "brand_guidelines": None})
    assert (answer.json["description"], answer.json["brand_guidelines"]) == (None, None)


@pytest.mark.parametrize(
    "patch", [{}, {"name": "Acme"}, {"name": " Acme "}, {"description": "Big"}, {"brand_guidelines": None}]
)
def test_an_empty_change_keeps_time_and_tag(w: Harness, patch: dict[str, object]) -> None:
    made = a_client(w, description="Big")
    tag = w.call("GET", f"/clients/{made['id']}").headers["ETag"]
    answer = w.call("PATCH", f"/clients/{made['id']}", patch)
    assert (answer.status, answer.json, answer.headers["ETag"]) == (200, made, tag)


@pytest.mark.parametrize("field", ["id", "user_id", "client_id", "created_at", "updated_at"])
def test_what_never_changes_cannot_be_patched(w: Harness, field: str) -> None:
    made = a_client(w)
    answer = w.call("PATCH", f"/clients/{made['id']}", {field: made.get(field), "name": "New"})
    assert places(answer) == {f"/{field}"}
    assert shown(w, f"/clients/{made['id']}") == made


@pytest.mark.parametrize("name", [None, "", " ", 5])
def test_a_patch_cannot_take_the_name_away(w: Harness, name: object) -> None:
    made = a_client(w)
    assert places(w.call("PATCH", f"/clients/{made['id']}", {"name": name})) == {"/name"}


def test_created_at_never_changes(w: Harness) -> None:
    made = a_client(w)
    for number in range(3):
        w.pass_time(1)
        w.call("PATCH", f"/clients/{made['id']}", {"name": f"Acme {number}"})
    assert shown(w, f"/clients/{made['id']}")["created_at"] == made["created_at"]


def test_a_deleted_client_is_gone_with_everything_it_was(w: Harness) -> None:
    made = a_client(w, "Gone")
    path = f"/clients/{made['id']}"
    answer = w.call("DELETE", path)
    assert (answer.status, answer.text) == (204, "")
    again = [w.call("GET", path), w.call("DELETE", path), w.call("PATCH", path, {"name": "Back"})]
    assert [each.status for each in again] == [404, 404, 404]
    assert ids(w, "/clients", search="Gone") == []


def test_campaigns_of_a_deleted_client_are_gone_at_once(w: Harness) -> None:
    client, other = a_client(w), a_client(w)
    gone, kept = a_campaign(w, client), a_campaign(w, other)
    w.call("DELETE", f"/clients/{client['id']}")
    assert problem(w.call("GET", f"/campaigns/{gone['id']}"), 404)
    assert problem(w.call("PATCH", f"/campaigns/{gone['id']}", {"name": "Back"}), 404)
    assert problem(w.call("DELETE", f"/campaigns/{gone['id']}"), 404)
    assert problem(w.call("GET", f"/clients/{client['id']}/campaigns"), 404)
    assert ids(w, "/campaigns", client_id=client["id"]) == []
    assert shown(w, f"/campaigns/{kept['id']}") == kept


def test_every_change_is_in_the_next_list(w: Harness) -> None:
    made = a_client(w, "Read your writes")
    assert ids(w, "/clients", page_size=1) == [made["id"]]
    changed = w.call("PATCH", f"/clients/{made['id']}", {"name": "Reads your writes"}).json
    assert shown(w, "/clients", page_size=1)["items"] == [changed]
    w.call("DELETE", f"/clients/{made['id']}")
    assert made["id"] not in ids(w, "/clients", page_size=1)


@pytest.mark.parametrize(
    "id_", [NOBODY, "nonsense", "1", "%20", "NULL", NOBODY.upper(), "{" + NOBODY + "}", "é", "a'--"]
)
@pytest.mark.parametrize(("method", "body"), [("GET", None), ("PATCH", {"name": "X"}), ("DELETE", None)])
def test_an_id_that_names_nothing_is_not_found(w: Harness, method: str, body: object, id_: str) -> None:
    problem(w.call(method, f"/clients/{id_}", body), 404)


def test_another_users_client_is_not_there(w: Harness) -> None:
    client, _, _ = theirs(w)
    path = f"/clients/{client}"
    problem(w.call("GET", path), 404)
    problem(w.call("PATCH", path, {"name": "Mine"}), 404)
    problem(w.call("DELETE", path), 404)
    assert ids(w, "/clients", search="Theirs") == []
