"""When work is due: what is still to be done for a task, and from when on its message is late.

A message carries work on, and is never the only memory of it. A task is looked at in the moment that its place in the
index of due work says; what is to be done is decided by the task alone. So a place that is too early costs a look, and
none may be too late: every write that begins or ends work sets it (`first_look`), and every look sets it anew (`look`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final

from atelier.domain.tasks.record import DeliveryAttempt, Task, TaskType

# From creation; a provider that has not answered by then is not going to.
DEADLINE: Final = {
    TaskType.IMAGE: timedelta(minutes=15),
    TaskType.VIDEO: timedelta(hours=1),
    TaskType.AUDIO: timedelta(minutes=30),
    TaskType.EDIT: timedelta(minutes=15),
    TaskType.UPSCALE: timedelta(minutes=30),
    TaskType.REMOVE_BACKGROUND: timedelta(minutes=15),
}
AFTERMATH: Final = timedelta(hours=1)
"""How long after its task's deadline a job that could not be stopped is asked after."""
# Seconds between one attempt of a webhook and the next: ten attempts in about a day, most of them soon.
BACK_OFF: Final = (5, 30, 2 * 60, 10 * 60, 30 * 60, 3600, 3 * 3600, 7 * 3600, 12 * 3600)
ATTEMPTS: Final = len(BACK_OFF) + 1
DELIVERY_ENDS: Final = timedelta(days=3)
"""From the end of a task: a receiver that does not answer is given up."""
LATE_AFTER: Final = timedelta(minutes=5)
"""How late the message of a task may be before another one is sent: a queue that is a little behind loses nothing."""

_NO_LOGS: Final[Mapping[str, Any]] = {
    "outputs": [],
    "attempts": [],
    "webhook_deliveries": [],
    "metadata": None,
    "error": None,
}
_NO_TEXTS: Final[Mapping[str, Any]] = {"prompt": "", "effective_prompt": "", "params": {}}


class Work(StrEnum):
    """What may be left to do for a task: carry it on, find out how its job ended, tell its receiver."""

    STEP = "step"
    OUTCOME = "outcome"
    DELIVERY = "delivery"


def work_left(task: Task, *, now: datetime) -> Mapping[Work, datetime]:
    """What is still to be done for the task, and for which moment the message about it was planned."""
    if not task.over:
        return {Work.STEP: task.next_at or task.created_at}
    left, ended = {}, _ended(task)
    if _outcome_is_open(task) and now < outcome_ends(task):
        left[Work.OUTCOME] = max(ended, task.next_at or ended)
    if planned := _delivery_of(task):
        left[Work.DELIVERY] = planned
    return left


def first_look(task: Task) -> datetime | None:
    """When a task that is written now is to be looked at; None when nothing will be left to do for it.

    It is the same for every write of an open task, so that none of them has to change the index.
    """
    if not task.over:
        return task.created_at + LATE_AFTER
    since = _ended(task) if _outcome_is_open(task) else task.delivery_since
    return since + LATE_AFTER if _outcome_is_open(task) or _delivery_of(task) else None


@dataclass(frozen=True)
class Look:
    """What a look at something has found: the work whose message is late, and when to look again (None: never)."""

    overdue: tuple[Work, ...]
    again: datetime | None


def look(task: Task, *, now: datetime) -> Look:
    """Look at a task that is due."""
    left = work_left(task, now=now)
    overdue = tuple(work for work, planned in left.items() if is_late(planned, LATE_AFTER, now=now))
    return Look(overdue, min((look_again(planned, LATE_AFTER, now=now) for planned in left.values()), default=None))


def is_late(planned: datetime, late_after: timedelta, *, now: datetime) -> bool:
    """Whether a message that was planned for this moment is late."""
    return planned + late_after <= now


def look_again(planned: datetime, late_after: timedelta, *, now: datetime) -> datetime:
    """When to look again: once the message is late or, when it is, after as long as it has been late already.

    Where queues are behind by hours, few messages are added, and where one is lost, another comes soon.
    """
    return now + (now - planned) if is_late(planned, late_after, now=now) else planned + late_after


def next_delivery(made: Sequence[DeliveryAttempt], *, since: datetime) -> datetime | None:
    """For when the next attempt to tell a receiver is planned, of something that happened at `since`; None: never."""
    if len(made) >= ATTEMPTS or any(map(ends, made)):
        return None
    if not made:
        return since
    last = made[-1].at
    return last + timedelta(seconds=BACK_OFF[len(made) - 1]) if last <= since + DELIVERY_ENDS else None


def outcome_ends(task: Task) -> datetime:
    """From when on nobody asks any more how the job of a task that has ended came out."""
    return task.created_at + DEADLINE[task.type] + AFTERMATH


def deleted(task: Task, *, now: datetime) -> Task:
    """What is kept of a task that its caller deletes, until its files are gone and its job has stopped.

    Its texts are kept only where its job has to be looked for by them: where nobody has heard of the submit.
    """
    texts = {} if task.sent and task.provider_task_id is None and not task.job_over else _NO_TEXTS
    return task.model_copy(update={**_NO_LOGS, **texts, "next_at": now, "updated_at": now})


def delivered(delivery: DeliveryAttempt) -> bool:
    """Whether the receiver accepted the delivery (any 2xx)."""
    return delivery.status is not None and HTTPStatus.OK <= delivery.status < HTTPStatus.MULTIPLE_CHOICES


def ends(delivery: DeliveryAttempt) -> bool:
    """Whether no further attempt follows: accepted, 410 Gone, or given up."""
    return delivered(delivery) or delivery.status == HTTPStatus.GONE or delivery.given_up


def _ended(task: Task) -> datetime:
    return task.completed_at or task.updated_at


def _outcome_is_open(task: Task) -> bool:
    return not task.job_over


def _delivery_of(task: Task) -> datetime | None:
    return next_delivery(task.deliveries_made, since=task.delivery_since) if task.webhook_url else None
