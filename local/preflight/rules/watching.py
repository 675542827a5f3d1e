"""Alarms and dashboards. https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from local.preflight.functions import functions
from local.preflight.stacks import Stack
from local.preflight.violation import Violation

METRICS: Final = 10  # that the expression of an alarm may use
WINDOW_SECONDS: Final = 86_400
PERIODS: Final = (10, 20, 30)
WIDGETS: Final = 500


def alarms(stack: Stack) -> Iterator[Violation]:
    """An alarm calculates with at most ten metrics, over at most a day, in periods that there are."""
    for alarm in stack.of_type("AWS::CloudWatch::Alarm"):
        given = alarm.properties
        metrics = [it for it in given.get("Metrics", []) if "MetricStat" in it]
        if len(metrics) > METRICS:
            yield Violation(alarm.id, "alarm-metrics", f"it uses {len(metrics)} of {METRICS} metrics")
        periods = [int(it["MetricStat"]["Period"]) for it in metrics] or [int(given["Period"])]
        for period in periods:
            if period not in PERIODS and period % 60:
                yield Violation(alarm.id, "alarm-period", f"{period} s is no period")
        if max(periods) * int(given["EvaluationPeriods"]) > WINDOW_SECONDS:
            yield Violation(alarm.id, "alarm-window", "it looks back for more than a day")


def dashboards(stack: Stack) -> Iterator[Violation]:
    """A dashboard is JSON with at most 500 widgets."""
    for board in stack.of_type("AWS::CloudWatch::Dashboard"):
        try:
            widgets = json.loads(board.properties["DashboardBody"])["widgets"]
        except ValueError as broken:
            yield Violation(board.id, "dashboard", f"its body is no JSON: {broken}")
            continue
        if len(widgets) > WIDGETS:
            yield Violation(board.id, "dashboard", f"it has {len(widgets)} of {WIDGETS} widgets")


def dropped_invocations(stack: Stack) -> Iterator[Violation]:
    """Invocations that Lambda drops as a loop are not redelivered, so an alarm must watch them."""
    watched = {
        dimension["Value"]
        for alarm in stack.of_type("AWS::CloudWatch::Alarm")
        for metric in _metrics(alarm.properties)
        if metric["MetricName"] == "RecursiveInvocationsDropped"
        for dimension in metric.get("Dimensions", [])
    }
    for function in functions(stack):
        if function.sources and function.name not in watched:
            yield Violation(function.id, "unwatched-drops", "no alarm watches RecursiveInvocationsDropped of it")


def throttled_reads(stack: Stack) -> Iterator[Violation]:
    """Reads and writes that DynamoDB turns away are watched, of the table and of each global index."""
    seen = {
        (metric["MetricName"], *(it["Value"] for it in metric["Dimensions"]))
        for alarm in stack.of_type("AWS::CloudWatch::Alarm")
        for metric in _metrics(alarm.properties)
        if metric["Namespace"] == "AWS/DynamoDB"
    }
    for table in stack.of_type("AWS::DynamoDB::Table"):
        indexes = [it["IndexName"] for it in table.properties.get("GlobalSecondaryIndexes", [])]
        name = table.identity["Ref"]
        for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
            for of in ((metric, name), *((metric, name, index) for index in indexes)):
                if of not in seen:
                    yield Violation(table.id, "unwatched-throttles", f"no alarm watches {' '.join(of)}")


def _metrics(alarm: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if "MetricName" in alarm:
        yield alarm
    yield from (it["MetricStat"]["Metric"] for it in alarm.get("Metrics", []) if "MetricStat" in it)


RULES: Final = (alarms, dashboards, dropped_invocations, throttled_reads)
