"""Logs and metrics: one JSON line per request or event, with ids to follow it by, and no prompt, name or secret in it.

Metrics are lines of the log, too, in CloudWatch's embedded format. What is counted during a request or a record is
written at its end as one line; where nothing was counted, nothing is written. Each metric is there for the stack as a
whole, and once more by whatever `by` has named.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Literal

from aws_lambda_powertools import Logger, Metrics

NAMESPACE: Final = "Atelier"

Metric = Literal[
    "CascadeAge",
    "CascadeChildren",
    "IntegrityViolations",
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

log: Final = Logger(service="atelier", log_uncaught_exceptions=True)

# Two stacks of one account share the namespace, so the one dimension that every metric has is the stack's name.
_metrics: Final = Metrics(namespace=NAMESPACE, service=os.environ.get("POWERTOOLS_SERVICE_NAME") or "atelier")


def count(name: Metric, number: float = 1) -> None:
    """Add to a metric that is summed up."""
    _metrics.add_metric(name=name, unit="Count", value=number)


def duration(name: Metric, seconds: float) -> None:
    """A duration, of which the average, the longest and the percentiles are asked for."""
    _metrics.add_metric(name=name, unit="Seconds", value=seconds)


def dimensions(**dimensions: str) -> None:
    """Tell the metrics of this request or record apart by a few words of which there are only a few."""
    _metrics.add_dimensions(service=_metrics.service, **dimensions)


def acting_for(user_id: int) -> None:
    """From here to the end of the request, its lines carry the user."""
    log.append_keys(user_id=user_id)


@contextmanager
def log_context(**ids: str) -> Iterator[None]:
    """One request or record: its lines carry `ids`, and what it counted is written when it is over."""
    log.append_keys(**ids)
    try:
        yield
    finally:
        log.remove_keys([*ids, "user_id"])
        if _metrics.metric_set:
            _metrics.flush_metrics()
