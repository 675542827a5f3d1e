"""Lists of tasks: every filter, and spans of time exact to the microsecond."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from testbed.harness import Harness, harness
from tests.integration.builders import (
    NOBODY,
    Json,
    a_campaign,
    a_canceled_task,
    a_client,
    a_task,
    clean_up,
    ids,
    shown,
    walk,
)


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


@pytest.fixture(scope="module")
def client(w: Harness) -> str:
    id_: str = a_client(w)["id"]
    return id_


@pytest.fixture(scope="module")
def campaign(w: Harness, client: str) -> str:
    id_: str = a_campaign(w, {"id": client})["id"]
    return id_


@pytest.fixture(scope="module")
def tasks(w: Harness, client: str, campaign: str) -> list[Json]:
    """Some of each kind, oldest first."""
    return [
        a_canceled_task(w, client_id=client),
        marked(w, a_task(w, "video", campaign_id=campaign), rating=5, tags=["Hero", "spring sale"]),
        a_task(w, "audio", client_id=a_client(w)["id"], provider="fal"),
        marked(w, a_canceled_task(w, kind="audio", provider="fal", prompt="Waves at Dawn"), rating=2),
        a_task(w, campaign_id=campaign),
        marked(w, a_task(w, provider="fal", model="fal-ai/flux-pro"), tags=["\u2075"]),
        a_canceled_task(w, kind="audio", provider="fal"),
    ]


def marked(w: Harness, task: Json, **marks: Any) -> Json:
    answer = w.call("PATCH", f"/tasks/{task['id']}", marks)
    assert answer.status == 200, answer.text
    changed: Json = answer.json
    return changed


def everything(task: Json) -> bool:
    return True


def nothing(task: Json) -> bool:
    return False


Wanted = Callable[[Json], bool]
FILTERS: list[tuple[Json, Wanted]] = [
    ({"status": ["canceled", "pending"]}, everything),
    ({"type": ["video", "audio"]}, lambda task: task["type"] != "image"),
    (
        {"provider": ["fal", "nobody"], "client_id": "none"},
        lambda task: task["provider"] == "fal" and not task["client_id"],
    ),
    ({"model": "fal-ai/flux-pro/v1.1"}, lambda task: task["model"] == "fal-ai/flux-pro"),
    ({"model": ["fal-ai/flux-pro", "sandbox-image"]}, lambda task: task["type"] == "image"),
    ({"tag": "HERO"}, lambda task: task["rating"] == 5),
    ({"tag": ["5", " spring  SALE "]}, lambda task: task["tags"]),
    ({"tag": "sale"}, nothing),
    ({"tag": ""}, nothing),
    ({"tag": " \u200b"}, nothing),
    ({"rating_from": "2"}, lambda task: task["rating"]),
    ({"rating_from": "3", "type": ["video", "image"]}, lambda task: task["rating"] == 5),
    ({"rating_from": "1", "client_id": "none"}, lambda task: task["rating"] == 2),
    ({"rating_from": "1", "campaign_id": "{campaign}"}, lambda task: task["rating"] == 5),
    ({"rating_from": "1", "created_from": "9999-12-31T23:59:59Z"}, nothing),
    ({"search": "AT  dawn"}, lambda task: task["rating"] == 2),
    ({"search": "boat", "rating_from": "1"}, lambda task: task["rating"] == 5),
    ({"search": "%"}, nothing),
    ({"campaign_id": "none"}, lambda task: task["campaign_id"] is None),
    ({}, everything),
    ({"client_id": "{client}"}, lambda task: task["client_id"] == task["_client"]),
    ({"client_id": "none"}, lambda task: task["client_id"] is None),
    ({"campaign_id": "{campaign}"}, lambda task: task["campaign_id"] is not None),
    ({"client_id": "{client}", "campaign_id": "{campaign}"}, lambda task: task["campaign_id"] is not None),
    ({"status": "canceled"}, lambda task: task["status"] == "canceled"),
    ({"status": "succeeded"}, nothing),
    ({"type": "audio"}, lambda task: task["type"] == "audio"),
    ({"provider": "fal"}, lambda task: task["provider"] == "fal"),
    ({"provider": "fal", "status": "pending"}, lambda task: task["provider"] == "fal" and task["status"] == "pending"),
    ({"client_id": "none", "type": "image"}, lambda task: task["client_id"] is None and task["type"] == "image"),
    ({"campaign_id": "{campaign}", "type": "video"}, lambda task: task["type"] == "video"),
    ({"provider": "nobody"}, nothing),
    ({"client_id": NOBODY}, nothing),
    ({"client_id": "nonsense"}, nothing),
    ({"client_id": ""}, nothing),
    ({"campaign_id": NOBODY}, nothing),
    ({"campaign_id": ""}, nothing),
    ({"client_id": NOBODY, "campaign_id": "{campaign}"}, nothing),
    ({"client_id": "none", "campaign_id": "{campaign}"}, nothing),
    ({"created_from": "1960-01-01T00:00:00Z"}, everything),
    ({"created_to": "1960-01-01T00:00:00Z"}, nothing),
    ({"created_from": "9999-12-31T23:59:59Z"}, nothing),
]


@pytest.mark.parametrize("asked", FILTERS)
def test_every_filter_pages_its_tasks_in_both_directions(
    w: Harness, tasks: list[Json], client: str, campaign: str, asked: tuple[Json, Wanted]
) -> None:
    query, wanted = asked
    query = {
        name: value.format(client=client, campaign=campaign) if isinstance(value, str) else value
        for name, value in query.items()
    }
    expected = [task["id"] for task in tasks if wanted({**task, "_client": client})]
    for order, in_order in (("asc", expected), ("desc", expected[::-1])):
        page = shown(w, "/tasks", sort_order=order, **query)
        assert ([item["id"] for item in page["items"]], page["total"]) == (in_order, len(expected))
        walked = walk(w, "/tasks", sort_order=order, page_size=2, **query)
        assert [item["id"] for each in walked for item in each["items"]] == in_order
    second = shown(w, "/tasks", page=2, page_size=2, **query)
    assert [item["id"] for item in second["items"]] == expected[::-1][2:4]
    assert second["has_more"] is (len(expected) > 4)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def written(at: datetime) -> str:
    return at.isoformat(timespec="microseconds").replace("+00:00", "Z")


def test_a_time_span_includes_both_its_ends(w: Harness, tasks: list[Json]) -> None:
    """To the microsecond."""
    tick = timedelta(microseconds=1)
    at = [moment(task["created_at"]) for task in tasks]

    def found(**span: datetime) -> list[str]:
        return ids(w, "/tasks", sort_order="asc", **{name: written(each) for name, each in span.items()})

    every = [task["id"] for task in tasks]
    assert found(created_from=at[2], created_to=at[4]) == every[2:5]
    assert found(created_from=at[2] + tick, created_to=at[4] - tick) == every[3:4]
    assert found(created_from=at[3], created_to=at[3]) == every[3:4]
    assert found(created_from=at[-1] + tick) == found(created_to=at[0] - tick) == []
    assert found(created_from=at[0], created_to=at[-1]) == every


@pytest.mark.parametrize(
    "write",
    [
        lambda at: at.isoformat(),
        lambda at: (at + timedelta(hours=5, minutes=30)).isoformat().replace("+00:00", "+05:30"),
        lambda at: (at - timedelta(hours=8)).isoformat().replace("+00:00", "-08:00"),
        lambda at: at.isoformat().replace("+00:00", "z").replace("T", "t"),
    ],
)
def test_a_timestamp_may_take_any_rfc_3339_form(w: Harness, tasks: list[Json], write: Any) -> None:
    at = moment(tasks[3]["created_at"])
    assert ids(w, "/tasks", created_from=write(at), created_to=write(at)) == [tasks[3]["id"]]


def test_a_spans_total_is_exact_and_iterating_stays_inside(w: Harness, tasks: list[Json]) -> None:
    span = {"created_from": tasks[1]["created_at"], "created_to": tasks[5]["created_at"]}
    pages = list(walk(w, "/tasks", page_size=2, **span))
    assert [item["id"] for page in pages for item in page["items"]] == [task["id"] for task in tasks[5:0:-1]]
    assert {page["total"] for page in pages} == {5}
    assert shown(w, "/tasks", type="audio", **span)["total"] == 2


def test_tasks_of_a_deleted_parent_are_listed_unlinked(w: Harness) -> None:
    client = a_client(w)["id"]
    campaign = a_campaign(w, {"id": client})["id"]
    linked = a_task(w, campaign_id=campaign)
    w.call("DELETE", f"/campaigns/{campaign}")
    assert ids(w, "/tasks", campaign_id=campaign) == []
    one, (row,) = shown(w, f"/tasks/{linked['id']}"), shown(w, "/tasks", client_id=client)["items"]
    assert [(each["client_id"], each["campaign_id"]) for each in (one, row)] == [(client, None)] * 2
    before = shown(w, "/tasks", client_id="none")["total"]
    w.call("DELETE", f"/clients/{client}")
    assert shown(w, "/tasks", client_id="none")["total"] == before + 1
    found = shown(w, "/tasks", client_id="none", page_size=1)["items"][0]
    assert (found["id"], found["client_id"], found["campaign_id"]) == (linked["id"], None, None)
    assert ids(w, "/tasks", client_id=client) == []
    w.call("DELETE", f"/tasks/{linked['id']}")


@pytest.mark.parametrize("clients", [1, 2])
@pytest.mark.parametrize("span", [{}, {"created_from": "2020-01-01T00:00:00Z"}], ids=["by counters", "row by row"])
def test_the_unassigned_of_pending_clients_are_counted(w: Harness, span: Json, clients: int) -> None:
    """On pages that are full: what a page shows cannot make up for a total that is too small."""
    unassigned = {"client_id": "none", "page_size": 3, **span}
    before = shown(w, "/tasks", **unassigned)["total"]
    parents = [None, *(a_client(w)["id"] for _ in range(clients))]
    made = [a_task(w, client_id=parent)["id"] for _ in range(3) for parent in parents]
    for client in parents[1:]:
        w.call("DELETE", f"/clients/{client}")
    for _ in ("at once", "after the cleanup"):
        first = shown(w, "/tasks", **unassigned)
        assert [each["id"] for each in first["items"]] == made[:-4:-1]
        assert (first["total"], first["has_more"]) == (before + len(made), True)
        clean_up(w)


@pytest.mark.parametrize("query", [{}, {"client_id": "none"}, {"type": "audio"}, {"campaign_id": "{campaign}"}])
@pytest.mark.parametrize("page", [2, 9])
def test_a_page_beyond_the_end_has_the_total(
    w: Harness, tasks: list[Json], campaign: str, query: Json, page: int
) -> None:
    query = {name: value.format(campaign=campaign) for name, value in query.items()}
    total = shown(w, "/tasks", **query)["total"]
    beyond = shown(w, "/tasks", page=page, **query)
    assert (beyond["items"], beyond["total"], beyond["has_more"]) == ([], total, False)
