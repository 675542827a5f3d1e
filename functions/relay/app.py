"""The table's stream -> the queues. The stream is the outbox: what was committed is what gets done."""

from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from atelier import wiring
from atelier.domain.generation import NextStep
from atelier.store.cascade import CleanUp
from atelier.telemetry import log

processor = BatchProcessor(event_type=EventType.DynamoDBStreams)


def relay(record: DynamoDBRecord) -> None:
    """A new task goes to the generation queue; a deletion, or a task that is gone, to the cascade's."""
    change = record.dynamodb
    assert change is not None  # noqa: S101 - every record of a table's stream has one
    sort_key = change.keys["SK"]
    if sort_key == "TASK" and change.new_image:
        wiring.generation_queue().send(NextStep(task_id=change.new_image["id"]))
    elif sort_key == "TASK":
        _clean_up(change.old_image, kind="task")
    else:
        _clean_up(change.new_image, kind=change.new_image["kind"])


def _clean_up(image: dict[str, Any], *, kind: str) -> None:
    wiring.cascade_queue().send(CleanUp(user_id=int(image["user_id"]), kind=kind, id=image["id"]))


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    """Records that could not be passed on are reported by their number and come again."""
    log.info("stream", extra={"records": len(event["Records"])})
    return process_partial_response(event=event, record_handler=relay, processor=processor, context=context)
