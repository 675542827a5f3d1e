"""The generation queues: one step of one task per message."""

from atelier.bootstrap import bootstrap

from datetime import datetime
from typing import Final

from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from atelier import wiring
from atelier.batches import consume
from atelier.domain.pipeline_ports import GenerationMessage
from atelier.domain.schema import utcnow
from atelier.domain.tasks.record import Task
from atelier.task_metrics import count_task_end
from atelier.telemetry import count, log

MAX_RECEIVES: Final = 5  # the queues' maxReceiveCount: after that the message is a dead letter


class GivenUp(Exception):
    """The step was tried as often as it is going to be; its message becomes a dead letter."""


def work(record: SQSRecord) -> None:
    """Carry out the step. What fails comes again; what fails for good fails its task, where its owner sees it."""
    message, now = GenerationMessage.model_validate_json(record.body), utcnow()
    about = {"task_id": message.task_id, "user_id": message.user_id, "step": message.step}
    if int(record.attributes.approximate_receive_count) >= MAX_RECEIVES:
        # The last time it is not tried again: whoever was killed at every try would be killed once more.
        _count(wiring.pipeline().give_up(message, now=now), now=now)
        raise GivenUp(message.task_id)
    try:
        task = wiring.pipeline().process(message, now=now)
    except Exception:
        log.exception("step failed", extra=about)
        raise
    _count(task, now=now)
    log.info("step", extra={**about, "status": task.status if task else "gone"})


def _count(task: Task | None, *, now: datetime) -> None:
    if task is None:
        return
    count_task_end(task, now=now)
    was_sent, was_heard = task.lease_until is not None, task.provider_task_id is not None
    if was_sent and not was_heard and task.status_reason:
        count("SubmitOutcomeUnknown")  # one for every look at it


handler = bootstrap(consume(EventType.SQS, work), wiring.pipeline)
