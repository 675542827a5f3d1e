"""Lists while many deletions are pending: what a read costs has a bound, and nothing is missing."""

from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest

from atelier import wiring
from atelier.store import table
from testbed.harness import Harness, harness
from tests.integration.builders import a_client, a_task


@pytest.fixture
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


@pytest.fixture
def asked(w: Harness) -> Iterator[list[str]]:
    """The partitions that are queried."""
    partitions: list[str] = []
    client: Any = wiring.dynamodb()
    query, begin = client.query, client.begin

    def noted(request: dict[str, Any]) -> None:
        partitions.extend(each["S"] for each in request.get("ExpressionAttributeValues", {}).values() if "S" in each)

    def recorded(**request: Any) -> Any:
        noted(request)
        return query(**request)

    def begun(operation: str, **request: Any) -> Any:
        noted(request)
        return begin(operation, **request)

    with mock.patch.multiple(client, query=recorded, begin=begun):
        yield partitions


def deleted_clients(w: Harness, number: int, *, tasks: int) -> list[str]:
    """Clients with so many tasks each, whose cleanup has not begun; the ids of their tasks."""
    made = []
    for _ in range(number):
        client = a_client(w)["id"]
        made += [a_task(w, client_id=client)["id"] for _ in range(tasks)]
        assert w.call("DELETE", f"/clients/{client}").status == 204
    return made


def unassigned(w: Harness, **query: str) -> Any:
    return w.call("GET", "/tasks", query={"client_id": "none", "page_size": "100", **query}).json


def test_pending_clients_without_tasks_are_not_asked(w: Harness, asked: list[str]) -> None:
    made = a_task(w)["id"]
    deleted_clients(w, 12, tasks=0)
    asked.clear()
    assert [each["id"] for each in unassigned(w)["items"]] == [made]
    assert len({each for each in asked if "#" in each}) <= 2


@pytest.mark.parametrize("query", [{}, {"created_from": "2020-01-01T00:00:00Z"}], ids=["counted", "counted by row"])
def test_tasks_of_many_pending_clients_are_listed(w: Harness, query: dict[str, str]) -> None:
    """More of them than are asked at once."""
    with mock.patch.object(table, "AT_ONCE", 3):
        made = [*deleted_clients(w, 7, tasks=2), a_task(w)["id"]]
        page = unassigned(w, **query)
    assert [each["id"] for each in page["items"]] == sorted(made, reverse=True)
    assert page["total"] == len(made)
