"""The table's stream -> the activity log: what was created or changed, by whom."""

from atelier.bootstrap import bootstrap

from typing import Any

from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from atelier import wiring
from atelier.batches import consume
from atelier.domain.activity import entry_of_change


def log_change(record: DynamoDBRecord) -> None:
    """Write the entry of a change, if what changed is logged. A record that comes again writes the same one."""
    change: Any = record.dynamodb
    kind = change.keys["SK"].partition("#")[0].lower()
    if entry := entry_of_change(kind, change.old_image or None, change.new_image):
        wiring.activity_log().put(entry)


handler = bootstrap(consume(EventType.DynamoDBStreams, log_change), wiring.activity_log)
