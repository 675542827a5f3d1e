"""When work is due: what is left to do for a task, when its message is late, and when to look again."""

from datetime import timedelta
from typing import Any, Final

import pytest

from atelier.domain.due import (
    AFTERMATH,
    ATTEMPTS,
    BACK_OFF,
    DEADLINE,
    LATE_AFTER,
    Look,
    Work,
    first_look,
    look,
    look_again,
    work_left,
)
from atelier.domain.tasks.life_cycle import resent
from atelier.domain.tasks.record import DeliveryAttempt, Outcome, Task, TaskStatus, TaskType
from tests.support.builders import NOON, a_task

URL: Final = "https://receiver.example/hooks"
MINUTE: Final = timedelta(minutes=1)
ENDED: Final = NOON + MINUTE


def an_ended_task(status: TaskStatus, **fields: Any) -> Task:
    return a_task(**{"status": status, "completed_at": ENDED, **fields})


def refused(*minutes: int) -> list[DeliveryAttempt]:
    """Attempts that a receiver answered 500, so many minutes after the task's end."""
    return [DeliveryAttempt(at=ENDED + each * MINUTE, status=500) for each in minutes]


# ------------------------------------------------------------------------------------------------- what is left


@pytest.mark.parametrize("status", ["pending", "processing"])
def test_an_open_task_waits_for_its_next_step(status: str) -> None:
    assert work_left(a_task(status=status), now=NOON) == {Work.STEP: NOON}
    later = NOON + timedelta(hours=9)
    assert work_left(a_task(status=status, next_at=later), now=NOON) == {Work.STEP: later}


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_a_job_whose_outcome_is_unknown_is_asked_after(status: TaskStatus) -> None:
    task = an_ended_task(status, provider_task_id="job")
    assert work_left(task, now=ENDED) == {Work.OUTCOME: ENDED}
    assert work_left(task.changed(next_at=ENDED + MINUTE), now=ENDED) == {Work.OUTCOME: ENDED + MINUTE}
    assert work_left(task.changed(next_at=NOON), now=ENDED) == {Work.OUTCOME: ENDED}
    assert work_left(task.changed(provider_outcome=Outcome.FAILED), now=ENDED) == {}


def test_a_lease_alone_may_mean_a_job() -> None:
    assert work_left(an_ended_task(TaskStatus.CANCELED, lease_until=ENDED), now=ENDED) == {Work.OUTCOME: ENDED}


@pytest.mark.parametrize("kind", TaskType)
def test_an_outcome_is_not_asked_after_for_ever(kind: TaskType) -> None:
    task = an_ended_task(TaskStatus.CANCELED, type=kind, provider_task_id="job")
    end = NOON + DEADLINE[kind] + AFTERMATH
    assert work_left(task, now=end - MINUTE)
    assert not work_left(task, now=end)


@pytest.mark.parametrize(
    "task", [an_ended_task(TaskStatus.SUCCEEDED, provider_task_id="job"), an_ended_task(TaskStatus.FAILED)]
)
def test_nothing_is_left_of_a_settled_task(task: Task) -> None:
    assert work_left(task, now=ENDED) == {}
    assert first_look(task) is None
    assert look(task, now=ENDED + LATE_AFTER) == Look((), None)


def test_a_delivery_is_left_until_it_is_over() -> None:
    task = an_ended_task(TaskStatus.SUCCEEDED, webhook_url=URL)
    assert work_left(task, now=ENDED) == {Work.DELIVERY: ENDED}
    tried = task.changed(webhook_deliveries=refused(0, 1))
    assert work_left(tried, now=ENDED) == {Work.DELIVERY: ENDED + MINUTE + timedelta(seconds=BACK_OFF[1])}
    for status in (204, 410):
        told = task.changed(webhook_deliveries=[*refused(0), DeliveryAttempt(at=ENDED, status=status)])
        assert work_left(told, now=ENDED) == {}
    assert work_left(task.changed(webhook_deliveries=refused(*range(ATTEMPTS - 1))), now=ENDED)
    assert work_left(task.changed(webhook_deliveries=refused(*range(ATTEMPTS))), now=ENDED) == {}


def test_a_webhook_sent_again_is_left_to_deliver() -> None:
    told = an_ended_task(
        TaskStatus.SUCCEEDED, webhook_url=URL, webhook_deliveries=[DeliveryAttempt(at=ENDED, status=204)]
    )
    again = resent(told, now=ENDED + 9 * MINUTE)
    assert work_left(again, now=ENDED) == {Work.DELIVERY: ENDED + 9 * MINUTE}
    assert first_look(again) == ENDED + 9 * MINUTE + LATE_AFTER
    made = [*told.webhook_deliveries, DeliveryAttempt(at=ENDED + 9 * MINUTE, status=204)]
    assert work_left(again.changed(webhook_deliveries=made), now=ENDED) == {}


def test_attempts_are_not_kept_without_end() -> None:
    told = an_ended_task(TaskStatus.SUCCEEDED, webhook_url=URL, webhook_deliveries=refused(*range(60)))
    assert resent(told, now=NOON).deliveries_made == [], "by whatever clock"
    assert [each.at for each in resent(told, now=NOON).webhook_deliveries] == [
        ENDED + n * MINUTE for n in range(10, 60)
    ]


def test_a_delivery_that_was_given_up_is_over() -> None:
    task = an_ended_task(TaskStatus.FAILED, webhook_url=URL)
    given_up = [*refused(1), DeliveryAttempt(at=ENDED, error="It is not tried again.", given_up=True)]
    assert work_left(task.changed(webhook_deliveries=given_up[:1]), now=ENDED)
    assert work_left(task.changed(webhook_deliveries=given_up), now=ENDED) == {}
    assert first_look(task.changed(webhook_deliveries=given_up)) is None


def test_an_open_task_owes_its_receiver_nothing_yet() -> None:
    assert work_left(a_task(webhook_url=URL), now=NOON) == {Work.STEP: NOON}


# ------------------------------------------------------------------------------------------------- when to look


def test_steps_do_not_move_the_first_look() -> None:
    task = a_task()
    assert first_look(task) == NOON + LATE_AFTER
    assert first_look(task.changed(status="processing", step=9, next_at=NOON + 9 * MINUTE)) == NOON + LATE_AFTER


@pytest.mark.parametrize(
    "task",
    [
        an_ended_task(TaskStatus.SUCCEEDED, webhook_url=URL),
        an_ended_task(TaskStatus.FAILED, webhook_url=URL),
        an_ended_task(TaskStatus.CANCELED, provider_task_id="job"),
    ],
)
def test_an_end_that_leaves_work_is_looked_at_later(task: Task) -> None:
    assert first_look(task) == ENDED + LATE_AFTER


def test_a_message_in_time_is_waited_for() -> None:
    task = a_task(next_at=NOON + 4 * MINUTE)
    assert look(task, now=NOON + LATE_AFTER) == Look((), NOON + 4 * MINUTE + LATE_AFTER)


def test_a_late_message_is_sent_again() -> None:
    assert look(a_task(next_at=NOON), now=NOON + LATE_AFTER) == Look((Work.STEP,), NOON + 2 * LATE_AFTER)


def test_pauses_between_looks_grow_with_the_delay() -> None:
    """A queue that is behind for a day is not filled with a message every minute."""
    looks = [NOON + LATE_AFTER]
    while looks[-1] < NOON + timedelta(days=1):
        looks.append(look_again(NOON, LATE_AFTER, now=looks[-1]))
    assert len(looks) == 10
    assert looks[:3] == [NOON + LATE_AFTER, NOON + 2 * LATE_AFTER, NOON + 4 * LATE_AFTER]


def test_a_look_finds_everything_that_is_late() -> None:
    task = an_ended_task(TaskStatus.CANCELED, provider_task_id="job", webhook_url=URL)
    assert set(look(task, now=ENDED + LATE_AFTER).overdue) == {Work.OUTCOME, Work.DELIVERY}
    tried = task.changed(webhook_deliveries=refused(3))
    seen = look(tried, now=ENDED + LATE_AFTER)
    assert seen == Look((Work.OUTCOME,), ENDED + 3 * MINUTE + timedelta(seconds=BACK_OFF[0]) + LATE_AFTER)
