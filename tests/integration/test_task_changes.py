"""PATCH of tasks: rating, tags, metadata, and moves to other clients and campaigns."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest

from atelier import settings, wiring
from atelier.domain.access import Access
from atelier.domain.tasks import life_cycle
from testbed.harness import TABLE, Answer, Harness, harness
from tests.integration.builders import (
    NOBODY,
    Json,
    a_campaign,
    a_canceled_task,
    a_client,
    a_finished_task,
    a_task,
    clean_up,
    ids,
    places,
    problem,
    shown,
    theirs,
    work_on,
)
from tests.support.recount import scan, violations

ME = Access.own(1)
PRICE = 0.025  # fal-ai/flux/dev, a megapixel


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    """A deployment with fal, whose prices are known. No worker runs unless the test has it run."""
    with harness() as made, mock.patch.dict("os.environ", FAL_KEY_SECRET="key"):
        for cached in (settings.settings, wiring.generation_context):
            cached.cache_clear()
        yield made


def patch(w: Harness, task: Json, body: Json | None = None, **changes: Any) -> Answer:
    return w.call("PATCH", f"/tasks/{task['id']}", changes if body is None else body)


def patched(w: Harness, task: Json, **changes: Any) -> Json:
    answer = patch(w, task, **changes)
    assert answer.status == 200, answer.text
    found: Json = answer.json
    return found


def links(task: Json) -> tuple[str | None, str | None]:
    return task["client_id"], task["campaign_id"]


def priced(w: Harness, **fields: Any) -> Json:
    """A task that reserves `PRICE`."""
    return a_task(w, provider="fal", model="fal-ai/flux/dev", **fields)


def spent(w: Harness, path: str) -> tuple[float, float]:
    """What is spent and reserved."""
    found = w.call("GET", f"{path}/budget").json
    return found["spent"], found["reserved"]


def adds_up(w: Harness) -> bool:
    assert violations(scan(w.dynamodb, TABLE), deleted=None) == []
    return True


# ----------------------------------------------------------------------------------------- rating, tags, metadata


def test_a_patch_changes_only_what_it_names(w: Harness) -> None:
    task = a_task(w, metadata={"a": 1, "b": {"c": 2, "d": 3}})
    one = patched(w, task, rating=4.0, tags=[" Hero ", "Übersicht"], metadata={"b": {"c": None, "e": [None]}, "f": 5})
    assert (one["rating"], one["tags"]) == (4, ["Hero", "Übersicht"])
    assert one["metadata"] == {"a": 1, "b": {"d": 3, "e": [None]}, "f": 5}
    assert one["updated_at"] > task["updated_at"]
    same = {name: task[name] for name in task.keys() - {"rating", "tags", "metadata", "updated_at"}}
    assert {name: one[name] for name in same} == same
    assert shown(w, f"/tasks/{task['id']}") == one
    cleared = patched(w, task, rating=None, tags=None, metadata=None)
    assert (cleared["rating"], cleared["tags"], cleared["metadata"]) == (None, [], None)


def test_a_patch_without_a_difference_changes_nothing(w: Harness) -> None:
    task = patched(w, a_task(w, campaign_id=a_campaign(w)["id"]), rating=3, tags=["a"], metadata={"a": 1})
    same = ("client_id", "campaign_id", "rating", "tags", "metadata")
    for body in ({}, {name: task[name] for name in same}, {"metadata": {"b": None}}, {"client_id": task["client_id"]}):
        assert patch(w, task, body).json == task


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("rating", [0, 6, 1.5, "3", True, -1]),
        ("tags", ["a", [1], [""], [" "], ["\u200b"], ["x" * 65], [None], ["a", "A"], [str(n) for n in range(21)]]),
        ("metadata", ["a", [], 1]),
        ("prompt", ["Another"]),
        ("status", ["canceled"]),
        ("user_id", [1]),
    ],
)
def test_what_a_patch_cannot_say_is_named(w: Harness, name: str, values: list[Any]) -> None:
    task = a_task(w)
    for value in values:
        (place,) = places(patch(w, task, **{name: value}))
        assert place.split("/")[1] == name
    assert shown(w, f"/tasks/{task['id']}") == task


def test_merged_metadata_keeps_its_limit(w: Harness) -> None:
    task = a_task(w, metadata={"a": "x" * 16_000})
    assert places(patch(w, task, metadata={"b": "x" * 400})) == {"/metadata"}
    assert patched(w, task, metadata={"a": None, "b": "x" * 16_000})["metadata"] == {"b": "x" * 16_000}


def test_a_patch_may_demand_a_version(w: Harness) -> None:
    task = a_task(w)
    path = f"/tasks/{task['id']}"
    tag = w.call("GET", path).headers["ETag"]
    first = w.call("PATCH", path, {"rating": 1}, headers={"If-Match": tag})
    assert first.status == 200
    problem(w.call("PATCH", path, {"rating": 2}, headers={"If-Match": tag}), 412)
    assert w.call("PATCH", path, {"rating": 2}, headers={"If-Match": first.headers["ETag"]}).status == 200


def test_marks_survive_the_work_on_a_task(w: Harness) -> None:
    task = a_task(w, provider="sandbox", size="64x64")
    patched(w, task, rating=5, tags=["kept"])
    work_on(w, task["id"])
    done = shown(w, f"/tasks/{task['id']}")
    assert (done["status"], done["rating"], done["tags"]) == ("succeeded", 5, ["kept"])
    assert task["id"] in ids(w, "/tasks", tag="kept", status="succeeded")


def test_a_tag_with_a_comma_is_one_tag(w: Harness) -> None:
    task = patched(w, a_task(w), tags=["red, blue"])
    assert ids(w, "/tasks", tag="red, blue") == [task["id"]]
    assert ids(w, "/tasks", tag="red") == []


def test_rare_marks_are_found_in_two_round_trips(w: Harness) -> None:
    patched(w, a_task(w), tags=["rare"])
    for _ in range(60):
        a_task(w)
    client = wiring.dynamodb()
    with mock.patch.object(client, "query", side_effect=client.query) as queries:
        assert shown(w, "/tasks", tag="rare")["total"] == 1
    assert queries.call_count == 1  # beside the summary; what is left is to read the page


# ------------------------------------------------------------------------------------------------------------ moves


def test_a_move_names_the_client_of_its_campaign(w: Harness) -> None:
    task, campaign = a_task(w), a_campaign(w)
    inside = (campaign["client_id"], campaign["id"])
    assert links(patched(w, task, campaign_id=campaign["id"])) == inside
    assert links(patched(w, task, client_id=campaign["client_id"])) == inside
    assert links(patched(w, task, campaign_id=None)) == (campaign["client_id"], None)
    assert links(patched(w, task, client_id=campaign["client_id"].upper(), campaign_id=campaign["id"])) == inside
    assert links(patched(w, task, client_id=a_client(w)["id"]))[1] is None
    assert links(patched(w, task, client_id=None)) == (None, None)
    assert adds_up(w)


def test_a_move_to_what_does_not_fit_is_refused(w: Harness) -> None:
    campaign, other = a_campaign(w), a_client(w)
    task = a_task(w, client_id=other["id"])
    for client_id in (other["id"], None):
        assert places(patch(w, task, campaign_id=campaign["id"], client_id=client_id)) == {"/campaign_id"}
    their_client, their_campaign, _ = theirs(w)
    for body in (
        {"client_id": NOBODY},
        {"campaign_id": NOBODY},
        {"client_id": their_client},
        {"campaign_id": their_campaign},
        {"client_id": "nonsense"},
    ):
        problem(patch(w, task, body), 404)
    assert shown(w, f"/tasks/{task['id']}") == task


@pytest.mark.parametrize("state", ["open", "ended"])
def test_a_move_takes_counts_and_spend_along(w: Harness, state: str) -> None:
    first, second = a_campaign(w), a_campaign(w)
    task = priced(w, campaign_id=first["id"])
    if state == "ended":
        kept = wiring.tasks().kept(task["id"], access=ME)
        kept = wiring.tasks().note(kept, lease_until=w.clock() + timedelta(seconds=90))
        done = life_cycle.succeeded(kept, outputs=[], cost=Decimal("0.5"), now=w.clock())
        wiring.tasks().move(kept, done)
    for campaign in (first, second):
        for path in (f"/clients/{campaign['client_id']}", f"/campaigns/{campaign['id']}"):
            w.call("PUT", f"{path}/budget", {"limit": 1})
    patched(w, task, campaign_id=second["id"])
    holds = (0.5, 0) if state == "ended" else (0, PRICE)
    for campaign, held, total in ((first, (0, 0), 0), (second, holds, 1)):
        for path in (f"/clients/{campaign['client_id']}", f"/campaigns/{campaign['id']}"):
            assert spent(w, path) == held
        assert shown(w, "/tasks", client_id=campaign["client_id"])["total"] == total
        assert shown(w, "/tasks", campaign_id=campaign["id"])["total"] == total
    if state == "ended":
        today = w.now.date()
        query = {"from": today, "to": today + timedelta(days=1), "client": second["client_id"]}
        assert shown(w, "/reports/usage", **query)["totals"]["cost"] == "0.5"
    assert adds_up(w)


def test_a_move_within_a_client_leaves_its_counts(w: Harness) -> None:
    client = a_client(w)
    first, second = a_campaign(w, client), a_campaign(w, client)
    w.call("PUT", f"/clients/{client['id']}/budget", {"limit": PRICE})
    task = priced(w, campaign_id=first["id"])
    patched(w, task, campaign_id=second["id"])
    assert spent(w, f"/clients/{client['id']}") == (0, PRICE)
    assert shown(w, "/tasks", client_id=client["id"])["total"] == 1
    assert adds_up(w)


@pytest.mark.parametrize("period", ["month", "total"])
@pytest.mark.parametrize("whose", ["client", "campaign"])
def test_a_move_beyond_a_budget_is_refused(w: Harness, whose: str, period: str) -> None:
    campaign, task = a_campaign(w), priced(w)
    path = f"/clients/{campaign['client_id']}" if whose == "client" else f"/campaigns/{campaign['id']}"
    w.call("PUT", f"{path}/budget", {"limit": PRICE * 1.5, "period": period})
    inside = priced(w, campaign_id=campaign["id"])
    refused = patch(w, task, campaign_id=campaign["id"])
    assert problem(refused, 409)["budget"]["needed"] == PRICE
    assert shown(w, f"/tasks/{task['id']}") == task
    patched(w, inside, client_id=None)
    patched(w, task, campaign_id=campaign["id"])
    assert spent(w, path) == (0, PRICE)
    assert adds_up(w)


def test_a_task_of_a_deleted_client_finds_another(w: Harness) -> None:
    """Its cleanup has not begun: it still names the client that is gone."""
    campaign, new = a_campaign(w), a_client(w)
    task = a_canceled_task(w, campaign_id=campaign["id"])
    w.call("DELETE", f"/clients/{campaign['client_id']}")
    assert links(patched(w, task, rating=2, tags=["orphan"])) == (None, None)
    assert [links(each) for each in shown(w, "/tasks", tag="orphan")["items"]] == [(None, None)]
    assert links(patched(w, task, client_id=None)) == (None, None)
    assert links(patched(w, task, client_id=new["id"])) == (new["id"], None)
    assert adds_up(w)
    clean_up(w)
    assert links(shown(w, f"/tasks/{task['id']}")) == (new["id"], None)
    assert adds_up(w)


def test_files_stay_where_they_are(w: Harness) -> None:
    task = a_finished_task(w, provider="sandbox")
    moved = patched(w, task, client_id=a_client(w)["id"])
    assert [each["bytes"] for each in moved["outputs"]] == [each["bytes"] for each in task["outputs"]]


@pytest.mark.parametrize("days", [40, 100])
def test_an_old_task_moves_as_well(w: Harness, days: int) -> None:
    campaign, task = a_campaign(w), priced(w, client_id=a_client(w)["id"])
    w.pass_time(timedelta(days=days).total_seconds())
    w.call("PUT", f"/clients/{campaign['client_id']}/budget", {"limit": 1, "period": "month"})
    a_task(w, campaign_id=campaign["id"])
    patched(w, task, campaign_id=campaign["id"])
    assert adds_up(w)
