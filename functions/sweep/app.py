"""Every minute: work whose message is late goes back on its queue."""

from atelier.bootstrap import bootstrap

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from atelier import wiring
from atelier.domain.schema import utcnow
from atelier.telemetry import count, log, log_context


def sweep(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Put back what is overdue; how much was looked at, and how much of it was put back."""
    with log_context(request_id=context.aws_request_id):
        swept = wiring.sweep().run(now=utcnow())
        put_back = swept.put_back.total()
        if put_back:
            count("OverduePutBack", put_back)
            log.warning("overdue work put back", extra={"work": dict(swept.put_back)})
        for key, error in swept.failed:
            log.error("sweep failed", exc_info=error, extra={"id": f"{key.pk} {key.sk}"})
    if swept.failed:
        raise SweepFailed(f"{len(swept.failed)} of {swept.looked_at} could not be looked at.")
    return {"looked_at": swept.looked_at, "put_back": put_back}


class SweepFailed(Exception):
    """Something that is due could not be looked at; everything else was."""


handler = bootstrap(sweep, wiring.sweep)
