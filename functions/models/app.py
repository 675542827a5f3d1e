"""What providers publish of models: of those that operators have added, every minute; of built-in ones, every hour."""

from atelier.bootstrap import bootstrap

from collections.abc import Iterator
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from atelier import wiring
from atelier.domain.schema import utcnow
from atelier.telemetry import count, log, log_context

Checked = tuple[dict[str, str], list[tuple[str, str]]]
"""A model that was checked, as logs name it, and what there is to report of it: kinds and details."""


def check(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    """Check the models that are due: how many were, and how many things there are that an operator has to look at."""
    looked_at = reported = 0
    with log_context(request_id=context.aws_request_id):
        for about, reports in _built_in_models() if event.get("models") == "built_in" else _lines():
            for kind, detail in reports:
                log.warning("model reported", extra={**about, "kind": kind, "detail": detail})
            looked_at, reported = looked_at + 1, reported + len(reports)
        if reported:
            count("ModelReports", reported)
    return {"looked_at": looked_at, "reported": reported}


def _lines() -> Iterator[Checked]:
    """Lines that are new, or were not looked at for a day."""
    for line in wiring.model_checks().run(now=utcnow()):
        about = {"id": line.id, "provider": line.provider, "model": line.model}
        log.info("model checked", extra={**about, "status": line.status, "reason": line.reason})
        yield about, [(each.kind, each.detail) for each in line.reports]


def _built_in_models() -> Iterator[Checked]:
    """Built-in models that were not looked at for a day, some of them at a time."""
    for looked in wiring.built_in_checks().run(now=utcnow()):
        yield {"provider": looked.provider, "model": looked.model}, [*looked.reports.items()]


handler = bootstrap(check, wiring.model_lines)
