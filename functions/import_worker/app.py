"""The import queue: a turn of one import per message."""

from atelier.bootstrap import bootstrap

from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from atelier import wiring
from atelier.batches import consume
from atelier.domain.messages import ImportMessage
from atelier.domain.schema import utcnow
from atelier.telemetry import log
from atelier.web.import_rows import failure_of, request_of


def carry_on(record: SQSRecord) -> None:
    """Carry an import on by a turn."""
    message = ImportMessage.model_validate_json(record.body)
    running = wiring.importer(request_of, failure_of, utcnow).process(message)
    about = {"import_id": message.import_id, "user_id": message.user_id, "turn": message.turn}
    if running:
        about |= {"status": running.record.status, "rows": running.looked_at}
    log.info("import", extra=about)


handler = bootstrap(consume(EventType.SQS, carry_on), wiring.imports, wiring.import_queue)
