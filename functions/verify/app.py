"""Invoked by an operator, after an incident or every night: does everything of these users still add up?"""

from atelier.bootstrap import bootstrap

from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from atelier import wiring
from atelier.store import verify
from atelier.telemetry import count, log, log_context


def recount(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """`{"user_ids": [1]}` -> `{"ok": false, "findings": ["User 1: ..."]}`; the findings are logged as errors, too."""
    with log_context(request_id=context.aws_request_id):
        found = [finding for user_id in event["user_ids"] for finding in _of(user_id)]
        for finding in found:
            log.error("integrity", extra={"finding": finding})
            count("IntegrityViolations")
    return {"ok": not found, "findings": found}


def _of(user_id: int) -> list[str]:
    # A task that is deleted stays in the ledger, so there may be more in it than the tasks that are left account for.
    return verify.violations(verify.read(wiring.table(), user_id), deleted=None)


handler = bootstrap(recount, wiring.table)
