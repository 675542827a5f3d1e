"""A task's summary and detail: who writes which of them, under which conditions, and what the recount says of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.pipeline_ports import TaskChanged
from atelier.domain.schema import utcnow
from atelier.domain.tasks.life_cycle import canceled, started
from atelier.domain.tasks.record import DeliveryAttempt, Task
from atelier.store import keys
from atelier.store.table import Write
from testbed.harness import TABLE, Harness
from tests.integration.builders import Json, a_campaign, a_task, clean_up
from tests.support.fault_injection import WRITES, FaultyDynamoDB, Request, Trouble, faulty_harness
from tests.support.recount import scan, violations


class Recording(Trouble):
    """Which items each write is about."""

    def __init__(self) -> None:
        self.writes: list[tuple[str, list[str]]] = []

    def before(self, call: str, request: Request) -> Request:
        """Note the write."""
        if call in WRITES:
            each = [next(iter(write.values())) for write in request.get("TransactItems", [])] or [request]
            places = [write.get("Key") or write["Item"] for write in each]
            self.writes.append((call, [place["SK"]["S"] for place in places if place["PK"]["S"].startswith("TASK#")]))
        return request


@dataclass
class Stage:
    """A harness with one task, which is somebody's campaign's."""

    w: Harness
    client: FaultyDynamoDB
    task: Task

    def written_by(self, change: Callable[[], object]) -> list[tuple[str, list[str]]]:
        """Every write of `change` that is about the task: the call, and which of the task's items it writes."""
        self.client.trouble = recording = Recording()
        change()
        self.client.trouble = Trouble()
        return recording.writes

    def note(self, before: Task | None = None, **change: Any) -> Task:
        """Have the pipeline note something."""
        return wiring.tasks().note(before or self.task, **change)

    def kept(self) -> Task:
        """The task as it is now."""
        return wiring.tasks().kept(self.task.id, access=Access.own(1))


@pytest.fixture
def stage() -> Iterator[Stage]:
    with faulty_harness() as (w, client):
        made = a_task(w, campaign_id=a_campaign(w)["id"])
        yield Stage(w, client, wiring.tasks().kept(made["id"], access=Access.own(1)))


ONE_UPDATE_OF = {"detail": [("update_item", ["DETAIL"])], "summary": [("update_item", ["TASK"])]}
BOTH_AT_ONCE = [("transact_write_items", ["TASK", "DETAIL"])]

# ------------------------------------------------------------------------------------------------- what is written


def test_a_step_without_news_updates_the_detail_once(stage: Stage) -> None:
    assert stage.written_by(lambda: stage.note(step=1)) == ONE_UPDATE_OF["detail"]
    assert stage.kept() == stage.task.changed(step=1)


def test_a_step_with_news_writes_both_items_at_once(stage: Stage) -> None:
    assert stage.written_by(lambda: stage.note(step=1, progress=0.5)) == BOTH_AT_ONCE
    assert stage.kept() == stage.task.changed(step=1, progress=0.5)


def test_the_lease_demands_the_summary_as_well(stage: Stage) -> None:
    until = stage.w.now + timedelta(seconds=90)
    assert stage.written_by(lambda: stage.note(lease_until=until)) == BOTH_AT_ONCE
    assert stage.kept() == stage.task.changed(lease_until=until), "the summary's version is what it was"


def test_the_providers_job_is_one_update_of_the_summary(stage: Stage) -> None:
    assert stage.written_by(lambda: stage.note(provider_task_id="job")) == ONE_UPDATE_OF["summary"]


def test_a_transition_leaves_the_detail_alone(stage: Stage) -> None:
    def start() -> None:
        wiring.tasks().move(stage.task, started(stage.task, now=stage.w.now))

    assert stage.written_by(start) == [("transact_write_items", ["TASK"])]


def test_a_job_sent_meanwhile_refuses_its_cancel(stage: Stage) -> None:
    """What ends without having been sent is booked as free: it must still not have been sent."""
    stage.note(lease_until=stage.w.now + timedelta(seconds=90))
    with pytest.raises(TaskChanged):
        wiring.tasks().move(stage.task, canceled(stage.task, now=stage.w.now))


def test_a_transition_that_ends_a_step_writes_both_items(stage: Stage) -> None:
    def start() -> None:
        wiring.tasks().move(stage.task, started(stage.task, now=stage.w.now, step=1))

    assert stage.written_by(start) == BOTH_AT_ONCE
    assert (stage.kept().status, stage.kept().step) == ("processing", 1)


def test_a_delivery_is_one_update_of_the_detail(stage: Stage) -> None:
    def log() -> None:
        wiring.tasks().log_delivery(stage.task, DeliveryAttempt(at=stage.w.now, status=204))

    assert stage.written_by(log) == ONE_UPDATE_OF["detail"]


@pytest.mark.parametrize("parent", ["client", "campaign"])
def test_a_freed_task_is_one_update_of_the_summary(stage: Stage, parent: str) -> None:
    stage.w.call("DELETE", f"/{parent}s/{getattr(stage.task, f'{parent}_id')}")
    of_task = [write for write in stage.written_by(lambda: clean_up(stage.w)) if write[1]]
    assert of_task == ONE_UPDATE_OF["summary"]


def test_a_deleted_task_leaves_neither_item(stage: Stage) -> None:
    stage.w.call("DELETE", f"/tasks/{stage.task.id}")
    assert not [item for item in scan(stage.w.dynamodb, TABLE) if item["PK"].startswith("TASK#")]


# ----------------------------------------------------------------------------------------------- what is demanded

STEP: Json = {"step": 1}
LEASE: Json = {"lease_until": timedelta(seconds=90)}
NEWS: Json = {"step": 1, "progress": 0.5}
JOB: Json = {"provider_task_id": "job"}


@pytest.mark.parametrize("first", [STEP, LEASE, NEWS])
@pytest.mark.parametrize("second", [STEP, LEASE, NEWS])
def test_of_two_workers_at_one_step_one_is_refused(stage: Stage, first: Any, second: Any) -> None:
    stage.note(**_at(stage, first))
    with pytest.raises(TaskChanged):
        stage.note(**_at(stage, second))


@pytest.mark.parametrize("late", [LEASE, NEWS, JOB])
def test_what_ended_is_not_leased_and_has_no_news(stage: Stage, late: Any) -> None:
    wiring.tasks().move(stage.task, canceled(stage.task, now=stage.w.now))
    with pytest.raises(TaskChanged):
        stage.note(**_at(stage, late))


@pytest.mark.parametrize("late", [LEASE, NEWS, JOB])
def test_a_job_that_was_reported_meanwhile_is_not_overlooked(stage: Stage, late: Any) -> None:
    stage.note(**JOB)
    with pytest.raises(TaskChanged):
        stage.note(**_at(stage, late))


@pytest.mark.parametrize("change", [STEP, LEASE, NEWS, JOB])
def test_a_note_does_not_mind_that_a_parent_went(stage: Stage, change: Any) -> None:
    stage.w.call("DELETE", f"/clients/{stage.task.client_id}")
    clean_up(stage.w)
    stage.note(**_at(stage, change))
    kept = stage.kept()
    assert (kept.client_id, kept.campaign_id) == (None, None)
    assert violations(scan(stage.w.dynamodb, TABLE), at_rest=True) == []


def test_a_task_that_moved_on_is_not_deleted_unseen(stage: Stage) -> None:
    """The delete reads it again."""
    stage.note(**STEP)
    calls: list[Task] = []

    def check(task: Task) -> None:
        if not calls:
            stage.note(stage.kept(), step=2)
        calls.append(task)

    wiring.tasks().delete(stage.task.id, check, access=Access.own(1), now=utcnow())
    assert [task.step for task in calls] == [1, 2]


def _at(stage: Stage, change: dict[str, Any]) -> dict[str, Any]:
    """The change, with moments instead of spans."""
    return {name: stage.w.now + each if isinstance(each, timedelta) else each for name, each in change.items()}


# -------------------------------------------------------------------------------------------------- the recount


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda id_: Write(keys.task_detail(id_), delete=True), "task {id} has no detail."),
        (lambda id_: Write(keys.task(id_), delete=True), "the detail of task {id} has outlived it."),
        (
            lambda id_: Write(keys.task_detail(id_), set={"owner_tasks": "U#1"}),
            "detail of task {id} stands at U#1 in owner_tasks, and belongs at None.",
        ),
    ],
)
def test_the_recount_misses_no_half_of_a_task(stage: Stage, change: Any, finding: str) -> None:
    wiring.table().write(change(stage.task.id))
    assert finding.format(id=stage.task.id) in violations(scan(stage.w.dynamodb, TABLE))


def test_half_a_task_is_not_there(stage: Stage) -> None:
    wiring.table().write(Write(keys.task_detail(stage.task.id), delete=True))
    assert stage.w.call("GET", f"/tasks/{stage.task.id}").status == 404
    assert wiring.tasks().load(stage.task.id) is None
