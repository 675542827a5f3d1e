"""The asset queue: S3 says that a file was uploaded, or we that something of an asset is left to be done."""

from atelier.bootstrap import bootstrap

import json
from collections.abc import Iterator
from urllib.parse import unquote_plus

from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from atelier import wiring
from atelier.batches import consume
from atelier.domain.assets import AssetMessage
from atelier.domain.schema import utcnow
from atelier.telemetry import log


def see_to(record: SQSRecord) -> None:
    """Do what is to be done for the assets of a message."""
    for message in messages_in(record.body):
        became = wiring.asset_worker().process(message, now=utcnow())
        log.info("asset", extra={"asset_id": message.asset_id, "user_id": message.user_id, "became": became})


def messages_in(body: str) -> Iterator[AssetMessage]:
    """The assets that a message is about: one of ours, or an event of S3 (Amazon S3, "Event message structure")."""
    told = json.loads(body)
    if "asset_id" in told:
        yield AssetMessage.model_validate(told)
    for event in told.get("Records", ()):  # there are none in the event by which S3 tries the queue
        _, account, asset_id = unquote_plus(event["s3"]["object"]["key"]).split("/")
        yield AssetMessage(user_id=int(account), asset_id=asset_id)


handler = bootstrap(consume(EventType.SQS, see_to), wiring.asset_worker)
