"""The cascade queue: clean-up after deletes, a bounded piece per message."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from atelier import wiring
from atelier.domain.shapes import utcnow
from atelier.store.cascade import CleanUp
from atelier.telemetry import log

processor = BatchProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


def clean_up(record: SQSRecord) -> None:
    """See to a deleted parent's children, or to the media of a deleted task."""
    message = CleanUp.model_validate_json(record.body)
    if message.kind == "task":
        freed = wiring.media().delete_of_task(message.user_id, message.id)
    else:
        freed = wiring.cascade().carry_out(message, now=utcnow())
    log.info("clean-up", extra={"kind": message.kind, "id": message.id, "freed": freed})


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Messages that failed are reported one by one and come again."""
    return process_partial_response(event=event, record_handler=clean_up, processor=processor, context=context)
