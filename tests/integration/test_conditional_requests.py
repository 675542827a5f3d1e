"""ETag, If-Match and If-None-Match."""

from collections.abc import Iterator

import pytest

from testbed.harness import Harness, harness
from tests.integration.builders import (
    NOBODY,
    Json,
    a_campaign,
    a_canceled_task,
    a_client,
    a_finished_task,
    a_task,
    problem,
    shown,
)

NEVER_OURS = [
    '"0"',
    '"2"',
    '"01"',
    '"-1"',
    '"1.0"',
    '"١"',
    '"' + "9" * 400 + '"',
    'W/"1"',
    "1",
    "'1'",
    '"*"',
    '"',
    "",
    "x",
]


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


@pytest.fixture(params=["clients", "campaigns"])
def path(request: pytest.FixtureRequest, w: Harness) -> str:
    made = a_client(w) if request.param == "clients" else a_campaign(w)
    return f"/{request.param}/{made['id']}"


def tag_of(w: Harness, path: str) -> str:
    return w.call("GET", path).headers["ETag"]


def test_the_tag_is_the_same_until_something_changes(w: Harness, path: str) -> None:
    tag = tag_of(w, path)
    assert tag_of(w, path) == tag
    changed = w.call("PATCH", path, {"name": "Changed"})
    assert changed.headers["ETag"] not in ("", tag)
    assert tag_of(w, path) == changed.headers["ETag"]


def test_a_create_answers_with_its_resources_tag(w: Harness) -> None:
    answer = w.call("POST", "/clients", {"name": "Acme"})
    assert answer.headers["ETag"] == tag_of(w, f"/clients/{answer.json['id']}")
    task = w.call("POST", "/generate/image", {"prompt": "A boat"})
    assert task.headers["ETag"] == tag_of(w, f"/tasks/{task.json['id']}")


@pytest.mark.parametrize("given", ["{}", " {} ", '"x", {}', '{},"x"', 'W/"1", {}', "*", " * "])
def test_a_change_goes_through_when_the_tag_is_current(w: Harness, path: str, given: str) -> None:
    if_match = {"If-Match": given.format(tag_of(w, path))}
    assert w.call("PATCH", path, {"name": "Changed"}, headers=if_match).status == 200
    if_match = {"If-Match": given.format(tag_of(w, path))}
    assert w.call("DELETE", path, headers=if_match).status == 204


@pytest.mark.parametrize("given", NEVER_OURS)
def test_a_stale_tag_refuses_the_change(w: Harness, path: str, given: str) -> None:
    before = shown(w, path)
    problem(w.call("PATCH", path, {"name": "Changed"}, headers={"If-Match": given}), 412)
    problem(w.call("PATCH", path, {}, headers={"If-Match": given}), 412)
    problem(w.call("DELETE", path, headers={"If-Match": given}), 412)
    assert shown(w, path) == before


def test_a_tag_from_before_a_change_is_stale(w: Harness, path: str) -> None:
    stale = {"If-Match": tag_of(w, path)}
    w.call("PATCH", path, {"name": "Changed"})
    problem(w.call("PATCH", path, {"name": "Lost"}, headers=stale), 412)
    problem(w.call("DELETE", path, headers=stale), 412)
    assert shown(w, path)["name"] == "Changed"


def test_a_missing_resource_is_404_whatever_the_tag(w: Harness) -> None:
    for kind in ("clients", "campaigns", "tasks"):
        problem(w.call("DELETE", f"/{kind}/{NOBODY}", headers={"If-Match": '"1"'}), 404)
        problem(w.call("GET", f"/{kind}/{NOBODY}", headers={"If-None-Match": "*"}), 404)


@pytest.mark.parametrize("given", ["{}", "W/{}", '"x", {}', '{} , W/"y"', "*"])
def test_a_get_is_304_while_the_tag_is_current(w: Harness, path: str, given: str) -> None:
    tag = tag_of(w, path)
    answer = w.call("GET", path, headers={"If-None-Match": given.format(tag)})
    assert (answer.status, answer.text, answer.headers["ETag"]) == (304, "", tag)
    assert "Content-Type" not in answer.headers


@pytest.mark.parametrize("given", ['"x"', "", "garbage", '"0", W/"y"', '"'])
def test_a_get_is_whole_when_the_tag_is_another(w: Harness, path: str, given: str) -> None:
    assert w.call("GET", path, headers={"If-None-Match": given}).json == shown(w, path)


def test_a_get_is_whole_again_after_a_change(w: Harness, path: str) -> None:
    known = {"If-None-Match": tag_of(w, path)}
    w.call("PATCH", path, {"name": "Changed"})
    assert w.call("GET", path, headers=known).json["name"] == "Changed"


def test_a_tasks_tag_follows_what_its_owner_sees(w: Harness) -> None:
    client = a_client(w)
    path = f"/tasks/{a_task(w, client_id=client['id'])['id']}"
    seen = [tag_of(w, path)]
    w.call("DELETE", f"/clients/{client['id']}")
    seen.append(tag_of(w, path))
    w.call("POST", f"{path}/cancel")
    seen.append(tag_of(w, path))
    assert len(set(seen)) == 3
    assert w.call("GET", path, headers={"If-None-Match": seen[-1]}).status == 304


def test_a_task_is_deleted_only_at_the_demanded_version(w: Harness) -> None:
    path = f"/tasks/{a_task(w)['id']}"
    stale = {"If-Match": tag_of(w, path)}
    w.call("POST", f"{path}/cancel")
    problem(w.call("DELETE", path, headers=stale), 412)
    problem(w.call("DELETE", path, headers={"If-Match": "garbage"}), 412)
    assert w.call("DELETE", path, headers={"If-Match": tag_of(w, path)}).status == 204


@pytest.mark.parametrize("given", ["*", '"x", {}'])
def test_a_task_is_deleted_when_the_tag_is_current(w: Harness, given: str) -> None:
    path = f"/tasks/{a_canceled_task(w)['id']}"
    assert w.call("DELETE", path, headers={"If-Match": given.format(tag_of(w, path))}).status == 204


def test_a_finished_tasks_tag_expires_before_its_urls(w: Harness) -> None:
    task: Json = a_finished_task(w)
    for path in (f"/tasks/{task['id']}", f"/tasks/{task['id']}/result"):
        known = {"If-None-Match": tag_of(w, path)}
        assert w.call("GET", path, headers=known).status == 304
        w.pass_time(45 * 60)
        assert w.call("GET", path, headers=known).status == 200
