"""Every minute: what providers publish of the lines of the catalog that are new, or were not looked at for a day."""

from atelier.bootstrap import bootstrap

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from atelier import wiring
from atelier.domain.schema import utcnow
from atelier.telemetry import count, log, log_context


def check(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Check the lines that are due: how many were, and how many things there are that an operator has to look at."""
    looked_at = reported = 0
    with log_context(request_id=context.aws_request_id):
        for line in wiring.model_checks().run(now=utcnow()):
            about = {"id": line.id, "provider": line.provider, "model": line.model, "status": line.status}
            log.info("model checked", extra={**about, "reason": line.reason})
            for report in line.reports:
                log.warning("model reported", extra={**about, "kind": report.kind, "detail": report.detail})
            looked_at, reported = looked_at + 1, reported + len(line.reports)
        if reported:
            count("ModelReports", reported)
    return {"looked_at": looked_at, "reported": reported}


handler = bootstrap(check, wiring.model_lines)
