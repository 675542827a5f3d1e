"""The webhook delivery queue: each message is one attempt to tell a receiver of a task's end or an alert."""

from atelier.bootstrap import bootstrap

from secrets import token_bytes

from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from atelier import wiring
from atelier.batches import consume
from atelier.domain.access import Access
from atelier.domain.schema import utcnow
from atelier.domain.tasks.record import Task
from atelier.domain.webhook_delivery import WebhookDelivery
from atelier.domain.webhook_secrets import secret_text
from atelier.telemetry import log
from atelier.web.tasks import with_urls


def deliver(record: SQSRecord) -> None:
    """Make the attempt, or wait until it is due."""
    message = WebhookDelivery.model_validate_json(record.body)
    made = wiring.webhook_dispatcher().process(message, show=_shown, fresh=secret_text(token_bytes(32)), now=utcnow())
    about = {"status": made.status, "error": made.error} if made else {"status": "nothing due"}
    of = {"alert_id": message.alert_id} if message.alert_id else {"task_id": message.task_id}
    log.info("webhook delivery", extra={**of, "attempt": message.attempt, **about})


def _shown(task: Task) -> Task:
    access = Access.own(task.created_by, at=utcnow())
    return with_urls(wiring.tasks().get(task.id, access=access), wiring.media_urls())


handler = bootstrap(consume(EventType.SQS, deliver), wiring.webhook_dispatcher)
