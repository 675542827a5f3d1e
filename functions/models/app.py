"""What providers publish of models: of those that operators have added, every minute; of built-in ones, every hour."""

from atelier.bootstrap import bootstrap

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from atelier import wiring
from atelier.domain.schema import utcnow
from atelier.telemetry import count, log, log_context


def check(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Check the models that are due: how many were, and how many things there are that an operator has to look at."""
    with log_context(request_id=context.aws_request_id):
        looked_at, reported = _built_in_models() if event.get("models") == "built_in" else _lines()
        if reported:
            count("ModelReports", reported)
    return {"looked_at": looked_at, "reported": reported}


def _lines() -> tuple[int, int]:
    """Lines that are new, or were not looked at for a day."""
    looked_at = reported = 0
    for line in wiring.model_checks().run(now=utcnow()):
        about = {"id": line.id, "provider": line.provider, "model": line.model}
        log.info("model checked", extra={**about, "status": line.status, "reason": line.reason})
        for report in line.reports:
            log.warning("model reported", extra={**about, "kind": report.kind, "detail": report.detail})
        looked_at, reported = looked_at + 1, reported + len(line.reports)
    return looked_at, reported


def _built_in_models() -> tuple[int, int]:
    """Built-in models that were not looked at for a day, some of them at a time."""
    looked_at = reported = 0
    for looked in wiring.built_in_checks().run(now=utcnow()):
        about = {"provider": looked.provider, "model": looked.model}
        for kind, detail in looked.reports.items():
            log.warning("model reported", extra={**about, "kind": kind, "detail": detail})
        looked_at, reported = looked_at + 1, reported + len(looked.reports)
    return looked_at, reported


handler = bootstrap(check, wiring.model_lines)
