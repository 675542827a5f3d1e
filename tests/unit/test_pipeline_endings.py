"""Tasks that end on our side first: too late, canceled, deleted, given up. Nothing of them stays."""

from datetime import timedelta
from decimal import Decimal

import pytest

from atelier.domain.pipeline import DEADLINE
from atelier.domain.pipeline_ports import GenerationMessage
from atelier.domain.tasks import life_cycle
from atelier.domain.tasks.record import Outcome, TaskStatus, TaskType
from tests.support.builders import NOON, a_task, an_id
from tests.support.fake_worker import FIRST, TASK_ID, FakeWorker
from tests.support.fakes import PICTURES, Worker, as_the_worker_does


@pytest.fixture
def hands() -> FakeWorker:
    return FakeWorker()


@pytest.mark.parametrize("kind", TaskType)
def test_a_task_fails_after_its_deadline_and_its_job_is_stopped(hands: FakeWorker, kind: TaskType) -> None:
    hands.tasks.kept[TASK_ID] = a_task(type=kind)
    hands.do(FIRST)
    hands.do(hands.next(), now=NOON + DEADLINE[kind])
    assert not hands.task.over
    hands.do(hands.next(), now=NOON + DEADLINE[kind] + timedelta(microseconds=1))
    assert hands.task.error
    assert (hands.task.error.code, hands.task.error.retryable) == ("timeout", True)
    hands.do(hands.next())
    assert hands.provider.canceled == [f"job-{TASK_ID}"]


def test_a_canceled_task_stops_its_job_and_one_that_was_never_submitted_has_none(hands: FakeWorker) -> None:
    hands.tasks.move(hands.task, life_cycle.canceled(hands.task, now=NOON))
    hands.do(FIRST)
    assert (hands.provider.accepted, hands.provider.canceled) == ([], [])

    begun = FakeWorker()
    begun.do(FIRST)
    begun.tasks.move(begun.task, life_cycle.canceled(begun.task, now=NOON))
    begun.do(begun.next())
    assert begun.provider.canceled == [f"job-{TASK_ID}"]


def test_a_task_that_is_canceled_while_it_is_submitted_has_its_job_stopped(hands: FakeWorker) -> None:
    worker = Worker(as_the_worker_does(FIRST, receives=1, now=NOON), hands.pipeline)
    for _ in ("load", "note the lease"):
        assert not worker.step()
    hands.tasks.move(hands.task, life_cycle.canceled(hands.task, now=NOON))
    hands.do(GenerationMessage(task_id=TASK_ID, user_id=1, step=None), now=NOON + timedelta(seconds=1))
    while not worker.step():
        pass
    assert hands.provider.canceled == [f"job-{TASK_ID}"]


def test_a_job_that_cannot_be_stopped_is_asked_after_until_it_ends_and_its_cost_is_recorded(hands: FakeWorker) -> None:
    hands.provider.stops = False
    hands.do(FIRST)
    hands.tasks.move(hands.task, life_cycle.canceled(hands.task, now=NOON))
    waits = []
    for minute in (0, 1, 4):
        hands.do(hands.next(), now=NOON + timedelta(minutes=minute))
        waits.append(hands.queue.waiting[-1][1])
    assert waits == sorted(waits)
    hands.provider.state = PICTURES
    hands.do(hands.next(), now=NOON + timedelta(minutes=9))
    assert (hands.task.status, hands.task.provider_outcome) == (TaskStatus.CANCELED, Outcome.SUCCEEDED)
    assert (hands.task.cost.actual, hands.media.files, hands.queue.waiting) == (Decimal("0.25"), {}, [])


def test_a_job_that_never_ends_is_let_go(hands: FakeWorker) -> None:
    hands.provider.stops = False
    hands.do(FIRST)
    hands.tasks.move(hands.task, life_cycle.canceled(hands.task, now=NOON))
    hands.do(hands.next(), now=NOON + timedelta(hours=2))
    assert (hands.queue.waiting, hands.task.provider_outcome) == ([], None)


def test_the_job_of_a_deleted_task_is_stopped(hands: FakeWorker) -> None:
    hands.do(FIRST)
    del hands.tasks.kept[TASK_ID]
    hands.do(hands.next())
    assert hands.provider.canceled == [f"job-{TASK_ID}"]


def a_worker_that_has_stored_both_pictures(hands: FakeWorker) -> Worker:
    hands.do(FIRST)
    hands.provider.state = PICTURES
    worker = Worker(as_the_worker_does(hands.next(), receives=1, now=NOON), hands.pipeline)
    for _ in ("load", "poll", "put", "put"):
        assert not worker.step()
    assert len(hands.media.files) == 2
    return worker


def test_a_task_canceled_while_its_media_are_stored_keeps_none(hands: FakeWorker) -> None:
    worker = a_worker_that_has_stored_both_pictures(hands)
    hands.tasks.move(hands.task, life_cycle.canceled(hands.task, now=NOON))
    while not worker.step():
        pass
    assert (hands.task.status, hands.media.files) == (TaskStatus.CANCELED, {})


def test_a_task_deleted_while_its_media_are_stored_leaves_none(hands: FakeWorker) -> None:
    worker = a_worker_that_has_stored_both_pictures(hands)
    del hands.tasks.kept[TASK_ID]
    while not worker.step():
        pass
    assert hands.media.files == {}


def test_the_message_of_a_worker_that_died_with_media_stored_removes_them_however_late_it_comes(
    hands: FakeWorker,
) -> None:
    a_worker_that_has_stored_both_pictures(hands)
    hands.tasks.note(hands.task, step=7)
    hands.tasks.move(hands.task, life_cycle.canceled(hands.task, now=NOON))
    hands.do(GenerationMessage(task_id=TASK_ID, step=1, user_id=1))
    assert hands.media.files == {}


def test_a_twin_that_is_slower_does_not_take_back_what_may_still_succeed(hands: FakeWorker) -> None:
    slow = a_worker_that_has_stored_both_pictures(hands)
    hands.tasks.note(hands.task, client_id=None)
    assert not slow.step(), "its move is refused: it looks again"
    hands.do(GenerationMessage(task_id=TASK_ID, step=1, user_id=1))
    while not slow.step():
        pass
    assert [hands.media.files.get(output.key) for output in hands.task.outputs] == [b"one", b"two"]


def test_a_given_up_message_fails_the_task_and_one_more_tells_the_provider(hands: FakeWorker) -> None:
    hands.do(FIRST)
    message = hands.next()
    hands.pipeline.give_up(message, now=NOON)
    assert hands.task.error
    assert hands.task.error.code == "internal_error"
    hands.do(hands.next())
    assert hands.provider.canceled == [f"job-{TASK_ID}"]


def test_a_given_up_message_fails_the_task_even_when_it_changes_under_its_hands(hands: FakeWorker) -> None:
    worker = Worker(lambda pipeline: pipeline.give_up(FIRST, now=NOON), hands.pipeline)
    assert not worker.step()
    hands.tasks.note(hands.task, client_id=None)
    while not worker.step():
        pass
    assert hands.task.status is TaskStatus.FAILED


def test_giving_up_a_message_that_no_longer_matters_changes_nothing(hands: FakeWorker) -> None:
    hands.do(FIRST)
    before = hands.task
    hands.queue.waiting.clear()
    hands.pipeline.give_up(FIRST, now=NOON)
    assert hands.task == before
    hands.pipeline.give_up(GenerationMessage(task_id=an_id(9), user_id=1), now=NOON)
