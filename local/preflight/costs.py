"""The monthly cost of an idle stack: list prices of us-east-1 in US dollars, no free tiers."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from local.preflight.stacks import Stack

MONTH_SECONDS: Final = 30 * 24 * 3600
ALARM_METRIC: Final = 0.10  # each metric that an alarm looks at
DASHBOARD: Final = 3.00  # from the fourth of an account on
QUEUE_REQUEST: Final = 0.40 / 1_000_000
SNAPSHOT_GB_SECOND: Final = 0.0000015046
SECRET: Final = 0.40
POLLERS: Final = 5
POLL_SECONDS: Final = 20
RUN: Final = 0.20 / 1_000_000 + 0.05 * 0.0000133334 + 8 * 0.5 * 0.125 / 1_000_000
"""A run of the sweep that finds nothing: the invocation, 50 ms of a gigabyte, and eight queries of half a unit. One of
the check of models is no dearer."""
IDLE_POLLS: Final = POLLERS * MONTH_SECONDS // POLL_SECONDS
"""Requests to one empty queue in a month: Lambda listens with five pollers, for twenty seconds each."""


class Cost(NamedTuple):
    """A line of the bill."""

    what: str
    dollars: float


def idle(stack: Stack) -> Iterator[Cost]:
    """Every charge of an idle stack."""
    alarms = stack.of_type("AWS::CloudWatch::Alarm")
    metrics = sum(sum("MetricStat" in it for it in each.properties.get("Metrics", [])) or 1 for each in alarms)
    yield Cost(f"{len(alarms)} alarms on {metrics} metrics", metrics * ALARM_METRIC)
    if boards := len(stack.of_type("AWS::CloudWatch::Dashboard")):
        yield Cost("dashboard (the account's first three are free)", boards * DASHBOARD)
    sources = stack.of_type("AWS::Lambda::EventSourceMapping")
    queues = sum(":sqs:" in it.properties["EventSourceArn"] for it in sources)
    yield Cost(f"listening to {queues} queues", queues * IDLE_POLLS * QUEUE_REQUEST)
    if schedules := len(stack.of_type("AWS::Events::Rule")):
        yield Cost(f"{schedules} functions that run every minute", schedules * MONTH_SECONDS // 60 * RUN)
    if snapshots := list(_snapshots(stack)):
        seconds = sum(snapshots) * MONTH_SECONDS
        yield Cost(f"snapshots of {len(snapshots)} functions", seconds * SNAPSHOT_GB_SECOND)
    if secrets := sum(name.endswith("Secret") and bool(value) for name, value in stack.values.items()):
        yield Cost(f"{secrets} secrets of yours", secrets * SECRET)


def _snapshots(stack: Stack) -> Iterator[float]:
    """Gigabytes of each function that starts from a snapshot."""
    for function in stack.of_type("AWS::Lambda::Function"):
        if function.properties.get("SnapStart", {}).get("ApplyOn", "None") != "None":
            yield int(function.properties.get("MemorySize", 128)) / 1024
