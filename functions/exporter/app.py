"""The export queue: each message is one step of an export, its plan or one of its archives."""

from atelier.bootstrap import bootstrap

from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from atelier import wiring
from atelier.batches import consume
from atelier.domain.exports import ExportMessage, ExportStatus
from atelier.domain.schema import utcnow
from atelier.store.export_builder import StepFailed
from atelier.telemetry import count, log


def export(record: SQSRecord) -> None:
    """Carry out the step."""
    message = ExportMessage.model_validate_json(record.body)
    about = {"user_id": message.user_id, "export_id": message.export_id, "step": message.step}
    try:
        became = wiring.export_builder().process(message, clock=lambda: utcnow())  # noqa: PLW0108 - a test sets the clock
    except StepFailed as failed:
        became = str(failed)
        log.exception("export step failed", exc_info=failed, extra=about)
    if became == ExportStatus.FAILED:
        count("ExportsFailed")
    log.info("export", extra={**about, "became": became})


handler = bootstrap(consume(EventType.SQS, export), wiring.export_builder)
