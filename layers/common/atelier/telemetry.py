"""Logs and metrics: one JSON line per request or event, with ids to follow it by, and no prompt, name or secret in it.

Metrics are lines of the log, too, in CloudWatch's embedded format. What is counted during a request or a record is
written at its end as one line; where nothing was counted, nothing is written. Each metric is there for the stack as a
whole, and once more by whatever `by` has named.
"""

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Literal

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

NAMESPACE: Final = "Atelier"

Metric = Literal[
    "CascadeAge",
    "CascadeChildren",
    "ExportsFailed",
    "IntegrityViolations",
    "ModelReports",
    "OverduePutBack",
    "ProviderKeyRefused",
    "ProviderUnavailable",
    "SubmitOutcomeUnknown",
    "TaskDollars",
    "TaskDuration",
    "TasksEnded",
    "UnexpectedErrors",
    "WriteConflictRetries",
]
"""Every metric that there is; docs/operations.md says what each one means."""


class _Formatter(LambdaPowertoolsFormatter):
    """Shows of an exception where it happened and what it is. Its message may quote what somebody sent."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name is logging's
        """The frames of an exception and of those that led to it, oldest first."""
        parts: list[str] = []
        error: BaseException | None = ei[1]
        while error is not None:
            parts.insert(0, "".join(traceback.format_tb(error.__traceback__)) + _named(error))
            error = error.__cause__ or error.__context__
        return "\n\n".join(parts)


def _named(error: BaseException) -> str:
    name = f"{type(error).__module__}.{type(error).__qualname__}"
    return f"{name}: {error}" if name.startswith(_QUOTES_NOBODY) else name


_QUOTES_NOBODY: Final = ("botocore.", "atelier.store.dynamodb.")
"""Modules whose exceptions say what a service said about our request: codes, actions, names of resources."""

log: Final = Logger(
    service="atelier", log_uncaught_exceptions=True, logger_formatter=_Formatter(serialize_stacktrace=False)
)

# Two stacks of one account share the namespace, so the one dimension that every metric has is the stack's name.
_metrics: Final = Metrics(namespace=NAMESPACE, service=os.environ.get("POWERTOOLS_SERVICE_NAME") or "atelier")


def count(name: Metric, number: float = 1) -> None:
    """Add to a metric of unit Count."""
    _metrics.add_metric(name=name, unit="Count", value=number)


def duration(name: Metric, seconds: float) -> None:
    """Record a duration in seconds."""
    _metrics.add_metric(name=name, unit="Seconds", value=seconds)


def dimensions(**dimensions: str) -> None:
    """Add dimensions of low cardinality to this request's or record's metrics."""
    _metrics.add_dimensions(service=_metrics.service, **dimensions)


def log_user(user_id: int) -> None:
    """Add the user to the log lines of the request."""
    log.append_keys(user_id=user_id)


@contextmanager
def log_context(**ids: str) -> Iterator[None]:
    """The context of one request or record: adds `ids` to its log lines, and flushes its metrics at the end."""
    log.append_keys(**ids)
    try:
        yield
    finally:
        log.remove_keys([*ids, "user_id"])
        if _metrics.metric_set:
            _metrics.flush_metrics()
