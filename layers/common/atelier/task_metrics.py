"""Metrics of ended tasks."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from atelier.domain.tasks.record import Task
from atelier.telemetry import Metric, count, dimensions, duration

# What an operator has to do something about. All other codes are between the caller and the provider.
OUR_PROBLEM: Final[Mapping[str, Metric]] = {
    "provider_auth": "ProviderKeyRefused",
    "provider_unavailable": "ProviderUnavailable",
}


def count_task_end(task: Task, *, now: datetime) -> None:
    """Count a task that has ended at `now`; any other is not counted.

    A process that dies before this line leaves the task out of the metric, not out of the table.
    """
    if task.completed_at != now:
        return
    dimensions(outcome=task.status, served_by=task.served_by)
    count("TasksEnded")
    duration("TaskDuration", (now - task.created_at).total_seconds())
    charged = task.cost.actual if task.cost.actual is not None else task.cost.estimated
    if charged:
        count("TaskDollars", float(charged))
    for code in _codes(task):
        if code in OUR_PROBLEM:
            count(OUR_PROBLEM[code])


def _codes(task: Task) -> Iterator[str]:
    yield from (attempt.error.code for attempt in task.attempts)
    if task.error:
        yield task.error.code
