"""A provider that is switched off while tasks of it are under way: they fail visibly or go elsewhere."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from atelier.domain.due import DEADLINE
from atelier.domain.pipeline import LEASE
from atelier.domain.tasks import life_cycle
from atelier.domain.tasks.record import Fallback, Outcome, TaskStatus
from tests.support.builders import NOON, a_task
from tests.support.fake_worker import FIRST, TASK_ID, FakeWorker
from tests.support.fakes import IMAGES

Moment = Callable[[FakeWorker], None]
LONG: Final = timedelta(days=1)


def before_it_is_sent(_: FakeWorker) -> None:
    """Its first message waits."""


def while_it_is_sent(hands: FakeWorker) -> None:
    """A worker holds the lease, and may have died."""
    hands.tasks.note(hands.task, lease_until=NOON + LEASE)


def after_it_was_sent(hands: FakeWorker) -> None:
    """The provider has accepted the job."""
    hands.do(FIRST)


def while_nobody_knows(hands: FakeWorker) -> None:
    """No answer to the submit came."""
    hands.provider.mood = "mute"
    hands.do(FIRST)


def while_it_is_processed(hands: FakeWorker) -> None:
    """The provider works on it."""
    hands.do(FIRST)
    hands.tasks.move(hands.task, life_cycle.started(hands.task, now=NOON))


UNDER_WAY: Final = (before_it_is_sent, while_it_is_sent, after_it_was_sent, while_nobody_knows, while_it_is_processed)


def switch_off(hands: FakeWorker, *names: str) -> None:
    """Deploy without these providers."""
    left = {name: it for name, it in hands.pipeline.providers.items() if name not in names}
    hands.pipeline = replace(hands.pipeline, providers=left)


def drain(hands: FakeWorker, *, for_: timedelta = LONG) -> None:
    """Process what waits, and what follows from it, as time goes by."""
    now = NOON
    while hands.queue.waiting and now < NOON + for_:
        message, delay = hands.queue.waiting.pop(0)
        now += timedelta(seconds=delay)
        hands.do(message, now=now)


@pytest.mark.parametrize("moment", UNDER_WAY)
def test_a_switched_off_providers_task_fails_visibly(moment: Moment) -> None:
    hands = FakeWorker()
    moment(hands)
    switch_off(hands, "fake")
    hands.do(FIRST.model_copy(update={"step": hands.task.step}))
    error = hands.task.error
    assert hands.task.status is TaskStatus.FAILED
    assert error
    assert (error.code, error.message) == ("provider_unavailable", "fake is no longer configured here.")
    assert error.retryable
    drain(hands)
    assert not hands.queue.waiting, "what waits for the job to be stopped ends by itself"


def test_an_unsent_task_goes_to_the_next_provider() -> None:
    hands = FakeWorker()
    hands.tasks.kept[TASK_ID] = a_task(fallbacks=[Fallback(provider="other", model="other-image", served_by="other")])
    switch_off(hands, "fake")
    hands.do(FIRST)
    hands.do(hands.next())
    assert hands.other.accepted == [TASK_ID]


def test_a_possibly_sent_task_goes_nowhere_else() -> None:
    hands = FakeWorker()
    hands.tasks.kept[TASK_ID] = a_task(fallbacks=[Fallback(provider="other", model="other-image", served_by="other")])
    while_nobody_knows(hands)
    switch_off(hands, "fake")
    hands.do(hands.next(), now=NOON + LEASE)
    assert hands.task.status is TaskStatus.FAILED
    assert hands.other.accepted == []


def test_a_task_whose_every_provider_is_switched_off_fails() -> None:
    hands = FakeWorker()
    hands.tasks.kept[TASK_ID] = a_task(fallbacks=[Fallback(provider="other", model="other-image", served_by="other")])
    switch_off(hands, "fake", "other")
    hands.do(FIRST)
    drain(hands)
    assert hands.task.status is TaskStatus.FAILED


@pytest.mark.parametrize("moment", UNDER_WAY[1:])
def test_a_switched_off_providers_canceled_task_stays_canceled(moment: Moment) -> None:
    hands = FakeWorker()
    moment(hands)
    hands.tasks.move(hands.task, life_cycle.canceled(hands.task, now=NOON))
    switch_off(hands, "fake")
    hands.do(FIRST.model_copy(update={"step": None}))
    drain(hands)
    assert (hands.task.status, hands.task.provider_outcome) == (TaskStatus.CANCELED, None)


def test_a_switched_off_providers_deleted_task_is_cleaned_up() -> None:
    hands = FakeWorker()
    after_it_was_sent(hands)
    hands.tasks.delete(TASK_ID, now=NOON)
    switch_off(hands, "fake")
    drain(hands, for_=LONG)
    assert not hands.queue.waiting
    assert not hands.tasks.deleted


def test_a_returning_provider_is_told_to_stop() -> None:
    hands = FakeWorker()
    after_it_was_sent(hands)
    configured = hands.pipeline.providers
    switch_off(hands, "fake")
    drain(hands, for_=timedelta(minutes=5))
    assert hands.task.status is TaskStatus.FAILED
    hands.pipeline = replace(hands.pipeline, providers=configured)
    drain(hands, for_=LONG)
    assert hands.provider.canceled == [f"job-{TASK_ID}"]
    assert hands.task.provider_outcome is Outcome.CANCELED


def test_a_returning_provider_reports_the_jobs_cost() -> None:
    hands = FakeWorker()
    hands.provider.stops = False
    after_it_was_sent(hands)
    configured = hands.pipeline.providers
    switch_off(hands, "fake")
    hands.do(hands.next(), now=NOON + timedelta(seconds=1))
    hands.pipeline = replace(hands.pipeline, providers=configured)
    hands.provider.state = IMAGES
    hands.do(hands.next(), now=NOON + DEADLINE[hands.task.type])
    assert hands.task.provider_outcome is Outcome.SUCCEEDED
    assert hands.task.cost.actual
