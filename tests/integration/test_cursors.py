"""Cursors that nobody gave out, and cursors in the wrong hands."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from testbed.harness import Harness, harness
from tests.integration.builders import NOBODY, Json, a_campaign, a_client, a_task, places, shown, walk

LISTS = ["/clients", "/campaigns", "/tasks"]


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    """A harness with a few of everything."""
    with harness() as made:
        client = a_client(made, "Kept")
        for number in range(5):
            a_client(made, f"Client {number}")
            a_campaign(made, client, name=f"Campaign {number}")
            a_task(made, prompt=f"Task {number}")
        yield made


def forged(*parts: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


def unpacked(cursor: str) -> list[Any]:
    parts: list[Any] = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    return parts


def next_cursor(w: Harness, path: str, **query: Any) -> str:
    cursor: str = shown(w, path, page_size=2, **query)["next_cursor"]
    return cursor


@pytest.mark.parametrize("path", LISTS)
def test_tasks_and_resources_iterate_alike(w: Harness, path: str) -> None:
    pages = list(walk(w, path, page_size=2))
    items = [item for page in pages for item in page["items"]]
    assert items == shown(w, path)["items"]
    assert len(items) == pages[0]["total"]


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "é",
        "====",
        "a b",
        "null",
        "🦊",
        "e30",
        "[" * 3000,
        base64.b64encode(b"\xff\xfe\xfd").decode(),
        base64.b64encode(b"[" * 2000).decode(),
        forged(),
        forged(1, 2, 3),
        forged("f", "p", NOBODY, 1, 1),
        forged("f", "p", NOBODY, float("inf")),
        forged("f", "p", NOBODY, float("nan")),
        forged("f", "p", NOBODY, -1),
        forged("f", "p", NOBODY, 10**400),
        forged("f", "p", NOBODY, "1e5"),
        forged("f", "p", NOBODY, [1]),
        forged("f", "p", "not-an-id", 1),
        forged("f", "p" * 1500, NOBODY, 1),
        forged("f", "\ud800", NOBODY, 1),
        forged("f", None, None, None),
        forged("f", {}, [], {}),
    ],
)
def test_a_cursor_that_nobody_gave_out_is_refused(w: Harness, path: str, cursor: str) -> None:
    assert places(w.call("GET", path, query={"cursor": cursor})) == {"cursor"}


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize(
    "change",
    [
        lambda parts: ["0" * 16, *parts[1:]],
        lambda parts: [None, *parts[1:]],
        lambda parts: [[], *parts[1:]],
        lambda parts: [*parts[:3], 10**9],
        lambda parts: [*parts[:2], parts[2].upper(), parts[3]],
    ],
)
def test_a_cursor_that_was_tampered_with_is_refused(w: Harness, path: str, change: Any) -> None:
    cursor = forged(*change(unpacked(next_cursor(w, path))))
    assert places(w.call("GET", path, query={"cursor": cursor})) == {"cursor"}


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("position", ["", "\0", "~" * 900, NOBODY])
@pytest.mark.parametrize(
    "id_", [NOBODY, "00000000-0000-1000-8000-000000000000", "ffffffff-ffff-8fff-bfff-ffffffffffff"]
)
def test_a_made_up_position_breaks_nothing(w: Harness, path: str, position: str, id_: str) -> None:
    fingerprint = unpacked(next_cursor(w, path))[0]
    assert w.call("GET", path, query={"cursor": forged(fingerprint, position, id_, 4)}).status == 200


@pytest.mark.parametrize(
    ("path", "other"),
    [
        ("/clients", {"search": "Client"}),
        ("/clients", {"sort_by": "name"}),
        ("/clients", {"sort_order": "asc"}),
        ("/campaigns", {"status": "draft"}),
        ("/campaigns", {"client_id": NOBODY}),
        ("/campaigns", {"sort_by": "status"}),
        ("/tasks", {"status": "pending"}),
        ("/tasks", {"client_id": "none"}),
        ("/tasks", {"campaign_id": NOBODY}),
        ("/tasks", {"type": "image"}),
        ("/tasks", {"provider": "sandbox"}),
        ("/tasks", {"created_from": "2020-01-01T00:00:00Z"}),
        ("/tasks", {"created_to": "2099-01-01T00:00:00Z"}),
    ],
)
def test_a_cursor_is_good_for_its_own_list_only(w: Harness, path: str, other: Json) -> None:
    cursor = next_cursor(w, path)
    assert places(w.call("GET", path, query={**other, "cursor": cursor})) == {"cursor"}
    for another in {*LISTS} - {path}:
        assert places(w.call("GET", another, query={"cursor": cursor})) == {"cursor"}


@pytest.mark.parametrize("path", LISTS)
def test_page_and_cursor_exclude_each_other(w: Harness, path: str) -> None:
    query = {"page": 1, "cursor": next_cursor(w, path)}
    assert places(w.call("GET", path, query=query)) == {"cursor"}
