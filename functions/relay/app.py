"""The table's stream -> the queues. The stream is the outbox: what was committed is what gets done."""

from typing import Any

from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from atelier import wiring
from atelier.batches import consume
from atelier.domain.generation import NextStep
from atelier.store.cascade import CleanUp
from atelier.telemetry import log


def relay(record: DynamoDBRecord) -> None:
    """A new task goes to the generation queue; a deletion, or a task that is gone, to the cascade's."""
    change: Any = record.dynamodb
    is_task, image = change.keys["SK"] == "TASK", change.new_image or change.old_image
    if is_task and change.new_image:
        wiring.generation_queue().send(NextStep(task_id=image["id"], user_id=int(image["user_id"])))
    else:
        kind = "task" if is_task else image["kind"]
        wiring.cascade_queue().send(CleanUp(user_id=int(image["user_id"]), kind=kind, id=image["id"]))
    log.info("relayed", extra={"event": record.event_name.name if record.event_name else "", "id": image["id"]})


handler = consume(EventType.DynamoDBStreams, relay)
