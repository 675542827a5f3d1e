"""Work that takes more messages than Lambda lets a chain have by itself: it needs `RecursiveLoop: Allow`, and ends."""

from datetime import timedelta
from unittest import mock

from atelier.domain.provider import Refused
from atelier.domain.tasks.record import TaskStatus, TaskType
from atelier.domain.webhook_delivery import ATTEMPTS
from local.lineage import LIMIT
from tests.support.builders import NOON, a_task
from tests.support.fake_worker import FIRST, TASK_ID, FakeWorker
from tests.support.fakes import NOT_ALLOWED
from tests.unit.test_webhook_delivery import Scene, an_ended_task, deliveries


def test_a_job_is_polled_for_the_better_part_of_an_hour() -> None:
    hands = FakeWorker()
    hands.tasks.kept[TASK_ID] = a_task(type=TaskType.VIDEO)
    hands.do(FIRST)
    now, messages = NOON, 1
    while not hands.task.over:
        ((message, delay),) = hands.queue.waiting
        hands.queue.waiting.clear()
        now += timedelta(seconds=delay)
        messages += 1
        if now > NOON + timedelta(minutes=58):
            hands.provider.state = Refused(NOT_ALLOWED)
        hands.do(message, now=now)
    assert hands.task.error == NOT_ALLOWED
    assert messages > 3 * LIMIT


def test_a_job_that_never_ends_is_polled_until_its_deadline() -> None:
    hands = FakeWorker()
    hands.tasks.kept[TASK_ID] = a_task(type=TaskType.VIDEO)
    hands.do(FIRST)
    now, messages = NOON, 1
    while hands.queue.waiting:
        message, delay = hands.queue.waiting.pop(0)
        now += timedelta(seconds=delay)
        messages += 1
        hands.do(message, now=now)
    assert hands.task.status is TaskStatus.FAILED
    assert messages > 3 * LIMIT


def test_a_delivery_is_attempted_for_a_day() -> None:
    scene = Scene(an_ended_task(), answers=[503] * ATTEMPTS)
    with mock.patch.object(scene, "tell", wraps=scene.tell) as tell:
        scene.run()
    assert len(deliveries(scene)) == ATTEMPTS
    assert scene.now - NOON > timedelta(days=1) - timedelta(hours=1)
    assert tell.call_count > 3 * LIMIT
