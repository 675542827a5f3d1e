"""The cascade queue: cleanup after deletes, a bounded piece per message."""

from atelier.bootstrap import bootstrap

from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from atelier import wiring
from atelier.batches import consume
from atelier.domain.schema import utcnow
from atelier.store.cascade import CleanUpMessage
from atelier.telemetry import count, duration, log


def clean_up(record: SQSRecord) -> None:
    """See to a deleted parent's children."""
    message, now = CleanUpMessage.model_validate_json(record.body), utcnow()
    released = wiring.cascade().process(message, now=now)
    count("CascadeChildren", released)
    if message.deleted_at:
        duration("CascadeAge", (now - message.deleted_at).total_seconds())
    about = {"user_id": message.user_id, "kind": message.kind, "id": message.id}
    log.info("cleanup", extra={**about, "released": released})


handler = bootstrap(consume(EventType.SQS, clean_up), wiring.cascade)
