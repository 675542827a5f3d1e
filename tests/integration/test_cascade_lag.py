"""Global indexes follow the table when they like, each by itself. Deletes are complete and invisible all the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock

import pytest

from tests.integration.builders import Json, a_campaign, a_canceled_task, a_client, a_task, ids, shown
from tests.support.faulty import FaultyDynamoDB, LateIndexes, Request, Trouble, faulty_world
from tests.support.recount import findings, scan
from tests.support.world import TABLE, World

INDEXES: Final = ("tasks_of_owner", "tasks_of_client", "tasks_of_campaign")
A_REQUEST: Final = 15
"""No request takes longer than so many seconds."""


@contextmanager
def late_world(**lag: float) -> Iterator[World]:
    """A world whose indexes are late by so many seconds, at once for those that are not named."""
    with faulty_world() as (w, client):
        client.trouble = LateIndexes(w, client, {index: lag.get(index, 0) for index in INDEXES})
        yield w


@pytest.mark.parametrize("parent", ["client", "campaign"])
def test_a_task_that_no_index_shows_when_its_parent_is_deleted_is_found_later(parent: str) -> None:
    with late_world(**dict.fromkeys(INDEXES, 30)) as w:
        client = a_client(w)
        campaign = a_campaign(w, client)
        task = a_task(w, campaign_id=campaign["id"])
        deleted = client if parent == "client" else campaign
        w.call("DELETE", f"/{parent}s/{deleted['id']}")
        w.relay()
        w.clean()
        assert _kept(w, task)[f"{parent}_id"] == deleted["id"]  # the first pass did not find it
        _clean_unseen(w, deleted["id"])
        assert findings(scan(w.dynamodb, TABLE), at_rest=True) == []


@pytest.mark.parametrize("late", INDEXES)
@pytest.mark.parametrize("parent", ["client", "campaign"])
def test_no_list_shows_a_parent_whose_clean_up_came_long_after_its_delete(parent: str, late: str) -> None:
    with late_world(**{late: 20}) as w:
        client = a_client(w)
        campaign = a_campaign(w, client)
        a_canceled_task(w, campaign_id=campaign["id"])
        w.pass_time(3600)
        deleted = client if parent == "client" else campaign
        w.call("DELETE", f"/{parent}s/{deleted['id']}")
        w.pass_time(3600)  # the stream or the queue had stopped for an hour
        _clean_unseen(w, deleted["id"])
        assert findings(scan(w.dynamodb, TABLE), at_rest=True) == []


def test_a_task_that_was_freed_is_listed_once_while_the_indexes_disagree() -> None:
    with late_world(tasks_of_client=20) as w:
        client = a_client(w)
        task = a_canceled_task(w, client_id=client["id"])
        w.pass_time(60)
        w.call("DELETE", f"/clients/{client['id']}")
        w.relay()
        while w.cascade.waiting:
            unassigned = shown(w, "/tasks", client_id="none")
            assert [each["id"] for each in unassigned["items"]] == [task["id"]]
            assert unassigned["total"] == 1
            w.clean()


class CleanUpWithin(Trouble):
    """While a list is being read, everything goes on behind it, as soon as `call` has been answered."""

    def __init__(self, w: World, client: FaultyDynamoDB, call: str) -> None:
        self._w = w
        self._client = client
        self._call = call

    def after(self, call: str, request: Request) -> None:
        """As much clean-up as there is in the time of a request, once."""
        if call == self._call:
            self._client.trouble = Trouble()
            self._w.relay()
            self._clean_what_is_due()

    def _clean_what_is_due(self) -> None:
        queue = self._w.cascade
        while due := [each for each in queue.waiting if each[1] < A_REQUEST]:
            later = [each for each in queue.waiting if each not in due]
            queue.waiting = due
            self._w.clean()
            queue.waiting += later


@pytest.mark.parametrize("path", ["/campaigns", "/tasks"])
def test_a_list_that_is_read_while_the_clean_up_is_carried_out_does_not_show_the_parent(path: str) -> None:
    with faulty_world() as (w, client), _in_order():
        gone = a_client(w)
        campaign = a_campaign(w, gone)
        a_canceled_task(w, campaign_id=campaign["id"])
        w.call("DELETE", f"/clients/{gone['id']}")
        w.pass_time(3600)
        client.trouble = CleanUpWithin(w, client, "query")
        assert gone["id"] not in w.call("GET", path).text


def test_a_list_that_is_read_while_a_clean_up_ends_still_counts_its_tasks() -> None:
    with faulty_world() as (w, client):
        gone = a_client(w)
        task = a_canceled_task(w, client_id=gone["id"])
        w.call("DELETE", f"/clients/{gone['id']}")
        w.relay()
        w.clean()
        w.clean()
        [(last, _)] = w.cascade.waiting
        w.pass_time(3600)
        w.cascade.waiting = [(last, 0)]
        client.trouble = CleanUpWithin(w, client, "batch_get_item")
        unassigned = shown(w, "/tasks", client_id="none")
        assert w.cascade.waiting == []
        assert (unassigned["total"], [each["id"] for each in unassigned["items"]]) == (1, [task["id"]])


@contextmanager
def _in_order() -> Iterator[None]:
    """Rows are read before counts, not at the same time."""
    in_order: Any = lambda rows, counts: (rows(), counts())  # noqa: E731
    with (
        mock.patch("atelier.store.lists.together", in_order),
        mock.patch("atelier.store.task_lists.together", in_order),
    ):
        yield


def _clean_unseen(w: World, deleted_id: str) -> None:
    """Clean up, message by message; all the time no answer names the deleted parent."""
    w.relay()
    while True:
        _nothing_names(w, deleted_id)
        if not w.clean():
            return


def _nothing_names(w: World, deleted_id: str) -> None:
    for path, filters in (("/clients", {}), ("/campaigns", {}), ("/tasks", {}), ("/tasks", {"client_id": "none"})):
        assert deleted_id not in w.call("GET", path, query=filters).text
    for task_id in ids(w, "/tasks"):
        assert deleted_id not in w.call("GET", f"/tasks/{task_id}").text
    assert ids(w, "/tasks", client_id=deleted_id) + ids(w, "/tasks", campaign_id=deleted_id) == []


def _kept(w: World, task: Json) -> Json:
    return next(dict(item) for item in scan(w.dynamodb, TABLE) if item["SK"] == "TASK" and item["id"] == task["id"])
