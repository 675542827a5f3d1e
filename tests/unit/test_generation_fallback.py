"""Several providers for one task: the next one is asked only when the one before has certainly not accepted the job."""

from decimal import Decimal

import pytest

from atelier.domain.generation import LEASE
from atelier.domain.tasks import Alternative, TaskStatus
from tests.support.builders import NOON, a_task
from tests.support.fakes import NOT_ALLOWED
from tests.support.hands import FIRST, TASK_ID, Hands


@pytest.fixture
def hands() -> Hands:
    made = Hands()
    other = Alternative(provider="other", model="other-image", served_by="other")
    made.tasks.kept[TASK_ID] = a_task(alternatives=[other])
    return made


@pytest.mark.parametrize("mood", ["strict", "deaf"])
def test_the_next_provider_is_asked_when_the_first_certainly_did_not_accept_the_job(hands: Hands, mood: str) -> None:
    hands.provider.mood = mood
    hands.do(FIRST)
    hands.do(hands.next())
    assert (hands.provider.accepted, hands.other.accepted) == ([], [TASK_ID])
    task = hands.task
    assert (task.provider, task.served_by, task.model) == ("other", "other", "other-image")
    assert [attempt.provider for attempt in task.attempts] == ["fake"]
    assert (task.cost.estimated, task.alternatives) == (Decimal("0.3"), [])


def test_the_next_provider_is_asked_when_the_first_is_known_to_be_out_of_order(hands: Hands) -> None:
    hands.health.reasons["fake"] = "fake is out of order."
    hands.do(FIRST)
    hands.do(hands.next())
    assert hands.other.accepted == [TASK_ID]
    assert hands.task.attempts[0].error.message == "fake is out of order."


def test_no_other_provider_is_asked_while_the_first_may_have_accepted_the_job(hands: Hands) -> None:
    hands.provider.mood = "mute"
    hands.do(FIRST)
    for mood in ("mute", "deaf", "forgetful"):
        hands.provider.mood = mood
        hands.do(hands.next(), now=NOON + LEASE)
    hands.health.reasons["fake"] = "fake is out of order."
    hands.do(hands.next(), now=NOON + LEASE)
    assert (hands.provider.accepted, hands.other.accepted) == ([TASK_ID], [])


def test_the_last_providers_refusal_is_the_tasks_error(hands: Hands) -> None:
    hands.provider.mood = hands.other.mood = "strict"
    hands.do(FIRST)
    hands.do(hands.next())
    assert (hands.task.status, hands.task.error) == (TaskStatus.FAILED, NOT_ALLOWED)
    assert not hands.queue.waiting
