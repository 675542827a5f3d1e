"""Handlers of a stream or a queue: a function says how one record is processed, this module does the rest."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.typing import LambdaContext

from atelier.telemetry import log_context


def consume(source: EventType, each: Callable[[Any], None]) -> Callable[[dict[str, Any], LambdaContext], Any]:
    """A handler that processes `each` record; records that raise are reported as failures and delivered again."""
    processor = BatchProcessor(event_type=source, raise_on_entire_batch_failure=False)

    def handler(event: dict[str, Any], context: LambdaContext) -> Any:
        if not event["Records"]:
            return {"batchItemFailures": []}

        def one(record: Any) -> None:
            with log_context(request_id=context.aws_request_id):
                each(record)

        return process_partial_response(event=event, record_handler=one, processor=processor, context=context)

    return handler
