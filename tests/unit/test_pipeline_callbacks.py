"""Callbacks of providers: they wake a task up, and prove nothing by what they say."""

from datetime import timedelta

import pytest

from atelier.domain.pipeline import LEASE
from atelier.domain.pipeline_ports import GenerationMessage
from atelier.domain.tasks import life_cycle
from atelier.domain.tasks.record import TaskStatus
from tests.support.builders import NOON, a_task
from tests.support.fake_worker import FIRST, TASK_ID, FakeWorker
from tests.support.fakes import IMAGES, Worker, as_the_worker_does


@pytest.fixture
def hands() -> FakeWorker:
    made = FakeWorker()
    made.tasks.kept[TASK_ID] = a_task(callback_token="secret")
    return made


def callback(**fields: str) -> GenerationMessage:
    known = {"job": f"job-{TASK_ID}", "served_by": "fake", "token": "secret"}
    return GenerationMessage.model_validate({"task_id": TASK_ID, "user_id": 1, "step": None} | known | fields)


def test_a_callback_has_the_task_looked_at_at_once(hands: FakeWorker) -> None:
    hands.do(FIRST)
    hands.provider.state = IMAGES
    hands.do(callback())
    assert hands.task.status is TaskStatus.SUCCEEDED


def test_a_callback_that_comes_twice_changes_nothing_more(hands: FakeWorker) -> None:
    hands.do(FIRST)
    hands.provider.state = IMAGES
    hands.do(callback())
    before = hands.task
    hands.do(callback())
    hands.do(hands.next())
    assert hands.task == before


@pytest.mark.parametrize(
    "forged",
    [
        {"token": "guessed"},
        {"token": ""},
        {"token": "\u00e9"},
        {"job": "job-of-another"},
        {"served_by": "other"},
        {"job": ""},
    ],
    ids=str,
)
def test_a_callback_about_another_job_changes_nothing(hands: FakeWorker, forged: dict[str, str]) -> None:
    hands.do(FIRST)
    hands.provider.state = IMAGES
    before = hands.task
    assert hands.do(callback(**forged)) is None
    assert hands.task == before


def test_a_callback_before_anything_was_submitted_changes_nothing(hands: FakeWorker) -> None:
    before = hands.task
    assert hands.do(callback()) is None
    assert hands.task == before


def test_a_callback_identifies_an_unanswered_submit(hands: FakeWorker) -> None:
    hands.provider.mood = "mute"
    hands.do(FIRST)
    hands.provider.mood, hands.provider.state = "forgetful", IMAGES
    hands.do(callback(), now=NOON + timedelta(seconds=5))
    assert (hands.provider.accepted, hands.task.provider_task_id) == ([TASK_ID], f"job-{TASK_ID}")


def test_a_callback_before_the_submits_answer_changes_nothing(hands: FakeWorker) -> None:
    worker = Worker(as_the_worker_does(FIRST, receives=1, now=NOON), hands.pipeline)
    for _ in ("load", "note the lease", "submit"):
        assert not worker.step()
    hands.provider.state = IMAGES
    hands.do(callback())
    while not worker.step():
        pass
    assert (worker.error, hands.task.status, hands.provider.accepted) == (None, TaskStatus.SUCCEEDED, [TASK_ID])


def test_waking_during_a_submit_does_not_disturb_it(hands: FakeWorker) -> None:
    worker = Worker(as_the_worker_does(FIRST, receives=1, now=NOON), hands.pipeline)
    for _ in ("load", "note the lease"):
        assert not worker.step()
    hands.do(GenerationMessage(task_id=TASK_ID, user_id=1, step=None), now=NOON + LEASE / 2)
    while not worker.step():
        pass
    assert hands.provider.accepted == [TASK_ID]


def test_a_callback_after_a_cancel_is_only_recorded(hands: FakeWorker) -> None:
    hands.provider.stops = False
    hands.do(FIRST)
    hands.tasks.move(hands.task, life_cycle.canceled(hands.task, now=NOON))
    hands.provider.state = IMAGES
    hands.do(callback(), now=NOON + timedelta(minutes=1))
    task = hands.task
    assert (task.status, task.outputs, task.completed_at) == (TaskStatus.CANCELED, [], NOON)
    assert (task.provider_outcome, str(task.cost.actual)) == ("succeeded", "0.25")
