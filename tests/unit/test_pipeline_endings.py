"""Tasks that end on our side first: too late, canceled, deleted, given up. Nothing of them stays."""

from datetime import timedelta
from decimal import Decimal
from typing import Final

import pytest

from atelier.domain.due import DEADLINE
from atelier.domain.pipeline import LEASE
from atelier.domain.pipeline_ports import GenerationMessage
from atelier.domain.tasks import life_cycle
from atelier.domain.tasks.record import Outcome, TaskStatus, TaskType
from tests.support.builders import NOON, a_task, an_id
from tests.support.fake_worker import FIRST, TASK_ID, FakeWorker
from tests.support.fakes import IMAGES, Worker, as_the_worker_does

WAKE: Final = GenerationMessage(task_id=TASK_ID, user_id=1, step=None)


@pytest.fixture
def hands() -> FakeWorker:
    return FakeWorker()


@pytest.mark.parametrize("kind", TaskType)
def test_a_task_past_its_deadline_fails_and_stops(hands: FakeWorker, kind: TaskType) -> None:
    hands.tasks.kept[TASK_ID] = a_task(type=kind)
    hands.do(FIRST)
    hands.do(hands.next(), now=NOON + DEADLINE[kind])
    assert not hands.task.over
    hands.do(hands.next(), now=NOON + DEADLINE[kind] + timedelta(microseconds=1))
    assert hands.task.error
    assert (hands.task.error.code, hands.task.error.retryable) == ("timeout", True)
    hands.do(hands.next())
    assert hands.provider.canceled == [f"job-{TASK_ID}"]


def test_a_canceled_task_stops_the_job_it_has(hands: FakeWorker) -> None:
    hands.tasks.move(hands.task, life_cycle.canceled(hands.task, now=NOON))
    hands.do(FIRST)
    assert (hands.provider.accepted, hands.provider.canceled) == ([], [])

    begun = FakeWorker()
    begun.do(FIRST)
    begun.tasks.move(begun.task, life_cycle.canceled(begun.task, now=NOON))
    begun.do(begun.next())
    assert begun.provider.canceled == [f"job-{TASK_ID}"]


def test_a_task_canceled_during_submit_stops_its_job(hands: FakeWorker) -> None:
    worker = Worker(as_the_worker_does(FIRST, receives=1, now=NOON), hands.pipeline)
    for _ in ("load", "note the lease"):
        assert not worker.step()
    hands.tasks.move(hands.task, life_cycle.canceled(hands.task, now=NOON))
    hands.do(WAKE, now=NOON + timedelta(seconds=1))
    while not worker.step():
        pass
    assert hands.provider.canceled == [f"job-{TASK_ID}"]


def test_an_unstoppable_job_is_polled_to_its_end(hands: FakeWorker) -> None:
    """And its cost is recorded."""
    hands.provider.stops = False
    hands.do(FIRST)
    hands.tasks.move(hands.task, life_cycle.canceled(hands.task, now=NOON))
    waits = []
    for minute in (0, 1, 4):
        hands.do(hands.next(), now=NOON + timedelta(minutes=minute))
        waits.append(hands.queue.waiting[-1][1])
    assert waits == sorted(waits)
    hands.provider.state = IMAGES
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
    hands.tasks.delete(TASK_ID, now=NOON)
    hands.do(hands.next())
    assert hands.provider.canceled == [f"job-{TASK_ID}"]
    assert not hands.tasks.deleted


def test_a_deleted_tasks_unheard_submit_is_looked_for(hands: FakeWorker) -> None:
    """By its texts, when the lease of whoever may still be submitting it is over."""
    hands.provider.mood = "mute"
    hands.do(FIRST)
    hands.provider.mood = "well"
    hands.queue.waiting.clear()
    hands.tasks.delete(TASK_ID, now=NOON)
    assert hands.tasks.deleted[TASK_ID].effective_prompt
    hands.do(WAKE)
    assert (hands.provider.canceled, len(hands.queue.waiting)) == ([], 1)
    hands.do(hands.next(), now=NOON + 2 * LEASE)
    assert (hands.provider.canceled, hands.tasks.deleted) == ([f"job-{TASK_ID}"], {})


def test_a_task_deleted_during_submit_stops_its_job(hands: FakeWorker) -> None:
    worker = Worker(as_the_worker_does(FIRST, receives=1, now=NOON), hands.pipeline)
    for _ in ("load", "note the lease"):
        assert not worker.step()
    hands.tasks.delete(TASK_ID, now=NOON)
    hands.do(WAKE)
    while not worker.step():
        pass
    assert (hands.provider.canceled, hands.tasks.deleted) == ([f"job-{TASK_ID}"], {})


def test_an_unreachable_provider_is_told_of_a_delete_later(hands: FakeWorker) -> None:
    hands.do(FIRST)
    hands.tasks.delete(TASK_ID, now=NOON)
    assert not hands.tasks.deleted[TASK_ID].effective_prompt
    hands.provider.mood = "deaf"
    hands.do(hands.next())
    ((_, delay),) = hands.queue.waiting
    assert hands.tasks.deleted[TASK_ID].next_at == NOON + timedelta(seconds=delay)
    hands.provider.mood = "well"
    hands.do(hands.next(), now=NOON + timedelta(seconds=delay))
    assert (hands.provider.canceled, hands.tasks.deleted) == ([f"job-{TASK_ID}"], {})


def test_a_deleted_tasks_endless_job_is_let_go(hands: FakeWorker) -> None:
    hands.provider.stops = False
    hands.do(FIRST)
    hands.tasks.delete(TASK_ID, now=NOON)
    hands.do(hands.next(), now=NOON + timedelta(hours=2))
    assert (hands.queue.waiting, hands.tasks.deleted) == ([], {})


def test_a_task_that_vanished_leaves_no_job(hands: FakeWorker) -> None:
    """It was taken out of the table by hand, as after a restore."""
    hands.do(FIRST)
    del hands.tasks.kept[TASK_ID]
    hands.do(hands.next())
    assert hands.provider.canceled == [f"job-{TASK_ID}"]


def a_worker_that_has_stored_both_images(hands: FakeWorker) -> Worker:
    hands.do(FIRST)
    hands.provider.state = IMAGES
    worker = Worker(as_the_worker_does(hands.next(), receives=1, now=NOON), hands.pipeline)
    for _ in ("load", "poll", "put", "put"):
        assert not worker.step()
    assert len(hands.media.files) == 2
    return worker


def test_a_task_canceled_during_storing_keeps_no_media(hands: FakeWorker) -> None:
    worker = a_worker_that_has_stored_both_images(hands)
    hands.tasks.move(hands.task, life_cycle.canceled(hands.task, now=NOON))
    while not worker.step():
        pass
    assert (hands.task.status, hands.media.files) == (TaskStatus.CANCELED, {})


def test_a_task_deleted_during_storing_leaves_no_media(hands: FakeWorker) -> None:
    worker = a_worker_that_has_stored_both_images(hands)
    hands.tasks.delete(TASK_ID, now=NOON)
    while not worker.step():
        pass
    assert hands.media.files == {}


def test_a_dead_workers_message_removes_media_however_late(
    hands: FakeWorker,
) -> None:
    a_worker_that_has_stored_both_images(hands)
    hands.tasks.note(hands.task, step=7)
    hands.tasks.move(hands.task, life_cycle.canceled(hands.task, now=NOON))
    hands.do(GenerationMessage(task_id=TASK_ID, step=1, user_id=1))
    assert hands.media.files == {}


def test_a_slower_twin_does_not_undo_success(hands: FakeWorker) -> None:
    slow = a_worker_that_has_stored_both_images(hands)
    hands.tasks.note(hands.task, client_id=None)
    assert not slow.step(), "its move is refused: it looks again"
    hands.do(GenerationMessage(task_id=TASK_ID, step=1, user_id=1))
    while not slow.step():
        pass
    assert [hands.media.files.get(output.key) for output in hands.task.outputs] == [b"one", b"two"]


def test_a_given_up_message_fails_its_task(hands: FakeWorker) -> None:
    """And one more message tells the provider."""
    hands.do(FIRST)
    message = hands.next()
    hands.pipeline.give_up(message, now=NOON)
    assert hands.task.error
    assert hands.task.error.code == "internal_error"
    hands.do(hands.next())
    assert hands.provider.canceled == [f"job-{TASK_ID}"]


def test_giving_up_fails_the_task_despite_concurrent_changes(hands: FakeWorker) -> None:
    worker = Worker(lambda pipeline: pipeline.give_up(FIRST, now=NOON), hands.pipeline)
    assert not worker.step()
    hands.tasks.note(hands.task, client_id=None)
    while not worker.step():
        pass
    assert hands.task.status is TaskStatus.FAILED


def test_giving_up_an_obsolete_message_changes_nothing(hands: FakeWorker) -> None:
    hands.do(FIRST)
    before = hands.task
    hands.queue.waiting.clear()
    hands.pipeline.give_up(FIRST, now=NOON)
    assert hands.task == before
    hands.pipeline.give_up(GenerationMessage(task_id=an_id(9), user_id=1), now=NOON)
