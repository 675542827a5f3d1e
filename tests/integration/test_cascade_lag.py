"""Global indexes follow the table when they like, each by itself. Deletes are complete and invisible all the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from unittest import mock

import pytest

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.pipeline_ports import TaskChanged
from atelier.domain.tasks.life_cycle import with_outcome
from atelier.domain.tasks.record import Outcome
from atelier.store.table import Table
from testbed.harness import TABLE, Harness
from tests.integration.builders import (
    Json,
    a_campaign,
    a_canceled_task,
    a_client,
    a_task,
    clean_up,
    ids,
    problem,
    shown,
)
from tests.support.fault_injection import FaultyDynamoDB, LateIndexes, Request, Trouble, faulty_harness, meanwhile
from tests.support.recount import scan, violations

INDEXES: Final = ("tasks_of_owner", "tasks_of_client", "tasks_of_campaign")
A_REQUEST: Final = 15
"""No request takes longer than so many seconds."""


@contextmanager
def late_harness(**lag: float) -> Iterator[Harness]:
    """A harness whose indexes are late by so many seconds, at once for those that are not named."""
    with faulty_harness() as (w, client):
        client.trouble = LateIndexes(w, client, {index: lag.get(index, 0) for index in INDEXES})
        yield w


@pytest.mark.parametrize("parent", ["client", "campaign"])
def test_a_task_missing_from_indexes_is_found_later(parent: str) -> None:
    with late_harness(**dict.fromkeys(INDEXES, 30)) as w:
        client = a_client(w)
        campaign = a_campaign(w, client)
        task = a_task(w, campaign_id=campaign["id"])
        deleted = client if parent == "client" else campaign
        w.call("DELETE", f"/{parent}s/{deleted['id']}")
        w.relay()
        w.clean()
        assert _kept(w, task)[f"{parent}_id"] == deleted["id"]  # the first pass did not find it
        _clean_unseen(w, deleted["id"])
        assert violations(scan(w.dynamodb, TABLE), at_rest=True) == []


@pytest.mark.parametrize("late", INDEXES)
@pytest.mark.parametrize("parent", ["client", "campaign"])
def test_a_late_cleanup_shows_the_parent_in_no_list(parent: str, late: str) -> None:
    with late_harness(**{late: 20}) as w:
        client = a_client(w)
        campaign = a_campaign(w, client)
        a_canceled_task(w, campaign_id=campaign["id"])
        w.pass_time(3600)
        deleted = client if parent == "client" else campaign
        w.call("DELETE", f"/{parent}s/{deleted['id']}")
        w.pass_time(3600)  # the stream or the queue had stopped for an hour
        _clean_unseen(w, deleted["id"])
        assert violations(scan(w.dynamodb, TABLE), at_rest=True) == []


@pytest.mark.parametrize("parent", ["client", "campaign"])
def test_the_last_task_found_never_shows_its_parent(parent: str) -> None:
    """Not even to a reader that began before the cleanup ended."""
    with late_harness(tasks_of_client=20, tasks_of_campaign=20, tasks_of_owner=60) as w:
        task = a_canceled_task(w, campaign_id=a_campaign(w)["id"])
        w.call("DELETE", f"/{parent}s/{task[f'{parent}_id']}")
        _clean_unseen(w, task[f"{parent}_id"])


def test_a_freed_task_is_listed_once_while_indexes_disagree() -> None:
    with late_harness(tasks_of_client=20) as w:
        client = a_client(w)
        task = a_canceled_task(w, client_id=client["id"])
        w.pass_time(60)
        w.call("DELETE", f"/clients/{client['id']}")
        for _ in _passes(w):
            unassigned = shown(w, "/tasks", client_id="none")
            assert [each["id"] for each in unassigned["items"]] == [task["id"]]
            assert unassigned["total"] == 1


@pytest.mark.parametrize("parent", ["client", "campaign"])
def test_a_task_is_freed_once_despite_a_late_index(parent: str) -> None:
    with late_harness(tasks_of_client=20, tasks_of_campaign=20) as w:
        task = a_canceled_task(w, campaign_id=a_campaign(w)["id"])
        w.pass_time(60)
        w.call("DELETE", f"/{parent}s/{task[f'{parent}_id']}")
        w.relay()
        w.clean()
        released = _kept(w, task)
        assert f"{parent}_id" not in released
        for _ in _passes(w):
            assert _kept(w, task) == released


@pytest.mark.parametrize("parent", ["client", "campaign"])
def test_a_late_index_does_not_revive_a_deleted_task(parent: str) -> None:
    with late_harness(tasks_of_client=20, tasks_of_campaign=20) as w:
        task = a_canceled_task(w, campaign_id=a_campaign(w)["id"])
        w.pass_time(60)
        for path in (f"/{parent}s/{task[f'{parent}_id']}", f"/tasks/{task['id']}"):
            assert w.call("DELETE", path).status == 204
        clean_up(w)
        assert violations(scan(w.dynamodb, TABLE), at_rest=True, deleted=None) == []
        assert not any(item["SK"] == "TASK" for item in scan(w.dynamodb, TABLE))


# ------------------------------------------------------------------------- an index that is later than any may be


@contextmanager
def blind_harness() -> Iterator[tuple[Harness, FaultyDynamoDB]]:
    """A harness whose cascade never sees a task."""
    with faulty_harness() as (w, client):
        never = timedelta(days=999).total_seconds()
        client.trouble = LateIndexes(w, client, {"tasks_of_client": never, "tasks_of_campaign": never})
        yield w, client


@pytest.mark.parametrize("parent", ["client", "campaign"])
def test_an_unfreed_task_cannot_restore_its_parents_counts(parent: str) -> None:
    with blind_harness() as (w, _):
        campaign = a_campaign(w)
        under_way, over = a_task(w, campaign_id=campaign["id"]), a_canceled_task(w, campaign_id=campaign["id"])
        w.call("DELETE", f"/{parent}s/{over[f'{parent}_id']}")
        clean_up(w)
        left = list(scan(w.dynamodb, TABLE))
        problem(w.call("POST", f"/tasks/{under_way['id']}/cancel"), 503)
        kept = wiring.tasks().kept(over["id"], access=Access.own(1))
        with pytest.raises(TaskChanged):
            wiring.tasks().record_outcome(kept, with_outcome(kept, Outcome.SUCCEEDED, cost=Decimal(1), now=w.now))
        assert list(scan(w.dynamodb, TABLE)) == left
        assert any(over["id"] in each for each in violations(left))


def _about_to_be_over(w: Harness) -> Json:
    """A task of a deleted client whose cleanup has not found it, and is to end with the next message."""
    client = a_client(w)
    a_canceled_task(w, client_id=client["id"])
    task = a_task(w, client_id=client["id"])
    w.call("DELETE", f"/clients/{client['id']}")
    w.relay()
    w.clean()
    return task


def test_counts_changed_during_their_merge_merge_as_changed() -> None:
    with blind_harness() as (w, client):
        task = _about_to_be_over(w)
        with meanwhile(client, lambda: w.call("POST", f"/tasks/{task['id']}/cancel")):
            w.clean()
        assert shown(w, "/tasks", client_id="none", status="canceled")["total"] == 2
        assert shown(w, "/tasks", client_id="none", status="pending")["total"] == 0


# ------------------------------------------------------------------------------------- lists, read during a cleanup


class CleanUpWithin(Trouble):
    """While a list is being read, everything goes on behind it, as soon as `call` has been answered."""

    def __init__(self, w: Harness, client: FaultyDynamoDB, call: str) -> None:
        self._w = w
        self._client = client
        self._call = call

    def after(self, call: str, request: Request) -> None:
        """As much cleanup as there is in the time of a request, once."""
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
def test_a_list_read_during_cleanup_hides_the_parent(path: str) -> None:
    with faulty_harness() as (w, client), _in_order():
        gone = a_client(w)
        campaign = a_campaign(w, gone)
        a_canceled_task(w, campaign_id=campaign["id"])
        w.call("DELETE", f"/clients/{gone['id']}")
        w.pass_time(3600)
        client.trouble = CleanUpWithin(w, client, "query")
        assert gone["id"] not in w.call("GET", path).text


def test_a_list_read_during_a_freeing_misses_nothing() -> None:
    with faulty_harness() as (w, client), _in_order():
        gone = a_client(w)
        task = a_canceled_task(w, client_id=gone["id"])
        w.call("DELETE", f"/clients/{gone['id']}")
        client.trouble = CleanUpWithin(w, client, "query")
        assert ids(w, "/tasks", client_id="none") == [task["id"]]


def test_a_list_read_as_cleanup_ends_counts_its_tasks() -> None:
    with faulty_harness() as (w, client):
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
    in_order: Any = lambda table, keys, queries: ([table.run(each) for each in queries], table.get_many(keys))  # noqa: E731
    with mock.patch.object(Table, "read_together", in_order):
        yield


def _clean_unseen(w: Harness, deleted_id: str) -> None:
    """Clean up, message by message; all the time no answer names the deleted parent."""
    for _ in _passes(w):
        _nothing_names(w, deleted_id)


def _passes(w: Harness) -> Iterator[None]:
    """Before each pass of the cleanup, and when all is over, which it must be in the end."""
    w.relay()
    for _ in range(20):
        yield
        if not w.clean():
            return
    raise AssertionError("Messages keep coming.")


def _nothing_names(w: Harness, deleted_id: str) -> None:
    for path, filters in (("/clients", {}), ("/campaigns", {}), ("/tasks", {}), ("/tasks", {"client_id": "none"})):
        assert deleted_id not in w.call("GET", path, query=filters).text
    for task_id in ids(w, "/tasks"):
        assert deleted_id not in w.call("GET", f"/tasks/{task_id}").text
    assert ids(w, "/tasks", client_id=deleted_id) + ids(w, "/tasks", campaign_id=deleted_id) == []


def _kept(w: Harness, task: Json) -> Json:
    return next(dict(item) for item in scan(w.dynamodb, TABLE) if item["SK"] == "TASK" and item["id"] == task["id"])
