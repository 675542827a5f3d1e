"""Several providers for one task: the next one is asked only when the one before has certainly not accepted the job."""

from decimal import Decimal

import pytest

from atelier.domain.pipeline import LEASE
from atelier.domain.tasks.record import Fallback, TaskStatus
from tests.support.builders import NOON, a_task
from tests.support.fake_worker import FIRST, TASK_ID, FakeWorker
from tests.support.fakes import NOT_ALLOWED


@pytest.fixture
def hands() -> FakeWorker:
    made = FakeWorker()
    other = Fallback(provider="other", model="other-image", served_by="other", estimated=Decimal("0.3"))
    made.tasks.kept[TASK_ID] = a_task(fallbacks=[other])
    return made


@pytest.mark.parametrize("mood", ["strict", "deaf"])
def test_a_certainly_unaccepted_job_goes_to_the_next(hands: FakeWorker, mood: str) -> None:
    hands.provider.mood = mood
    hands.do(FIRST)
    hands.do(hands.next())
    assert (hands.provider.accepted, hands.other.accepted) == ([], [TASK_ID])
    task = hands.task
    assert (task.provider, task.served_by, task.model) == ("other", "other", "other-image")
    assert [attempt.provider for attempt in task.attempts] == ["fake"]
    assert (task.cost.estimated, task.fallbacks) == (Decimal("0.3"), [])


def test_an_open_circuit_sends_the_job_to_the_next(hands: FakeWorker) -> None:
    hands.health.reasons["fake"] = "fake is out of order."
    hands.do(FIRST)
    hands.do(hands.next())
    assert hands.other.accepted == [TASK_ID]
    assert hands.task.attempts[0].error.message == "fake is out of order."


def test_a_possibly_accepted_job_goes_nowhere_else(hands: FakeWorker) -> None:
    hands.provider.mood = "mute"
    hands.do(FIRST)
    for mood in ("mute", "deaf", "forgetful"):
        hands.provider.mood = mood
        hands.do(hands.next(), now=NOON + LEASE)
    hands.health.reasons["fake"] = "fake is out of order."
    hands.do(hands.next(), now=NOON + LEASE)
    assert (hands.provider.accepted, hands.other.accepted) == ([TASK_ID], [])


def test_the_last_providers_refusal_is_the_tasks_error(hands: FakeWorker) -> None:
    hands.provider.mood = hands.other.mood = "strict"
    hands.do(FIRST)
    hands.do(hands.next())
    assert (hands.task.status, hands.task.error) == (TaskStatus.FAILED, NOT_ALLOWED)
    assert not hands.queue.waiting
