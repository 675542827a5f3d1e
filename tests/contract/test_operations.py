"""Every alarm is something to do, what to do is written down, and nothing fails without an alarm."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final, get_args

import pytest

from atelier.domain.pipeline_ports import GenerationMessage
from atelier.store.cascade import CleanUpMessage
from atelier.telemetry import NAMESPACE, Metric
from testbed.template import PROJECT
from tests.contract.sources import FUNCTIONS
from tests.contract.test_template import RESOURCES, functions

RUNBOOK: Final = (PROJECT / "docs/runbook.md").read_text()
OPERATIONS: Final = (PROJECT / "docs/operations.md").read_text()
Properties = dict[str, Any]


def of_type(type_: str) -> dict[str, Properties]:
    """The resources of a type by their name."""
    return {name: it["Properties"] for name, it in RESOURCES.items() if it["Type"] == type_}


ALARMS: Final = of_type("AWS::CloudWatch::Alarm")


def sections(under: str) -> dict[str, str]:
    """The sections of a chapter of the runbook, each by the anchor that links lead to."""
    chapter = RUNBOOK.split(f"\n## {under}\n")[1].split("\n## ")[0]
    parts = (part.partition("\n") for part in chapter.split("\n### ")[1:])
    return {title.lower().replace(" ", "-"): text for title, _, text in parts}


def link(alarm: Properties) -> str:
    """The section that an alarm leads to."""
    return str(alarm["AlarmDescription"]).partition(" docs/runbook.md#")[2]


# ------------------------------------------------------------------------------------------------------ runbook


def test_alarms_and_runbook_sections_match() -> None:
    assert {link(alarm) for alarm in ALARMS.values()} == set(sections("Alarms"))


@pytest.mark.parametrize("name", ALARMS)
def test_runbook_sections_name_alarm_signs_actions_and_end(name: str) -> None:
    """A section names its alarm, how to see it, what to do, and when it is over."""
    text = sections("Alarms")[link(ALARMS[name])]
    assert f"`{name}`" in text
    assert all(f"- **{each}**" in text for each in ("See", "Do", "Over"))


def test_links_within_the_documents_lead_somewhere() -> None:
    known = {*sections("Alarms"), *sections("Procedures"), "alarms"}
    assert set(re.findall(r"\]\(#([a-z-]+)\)", RUNBOOK)) <= known
    assert set(re.findall(r"\(runbook\.md#([a-z-]+)\)", OPERATIONS)) <= known


def test_logical_ids_in_the_runbook_exist() -> None:
    named = re.findall(r"\b(?:named|arn|peek|lines) \"?([A-Z]\w+)", RUNBOOK)
    assert named
    assert set(named) <= set(RESOURCES)


def test_messages_that_are_sent_by_hand_are_messages() -> None:
    wake, clean = re.findall(r"--message-body '(.*)'", RUNBOOK.replace('"<id>"', '"x"').replace("<user_id>", "1"))
    assert GenerationMessage.model_validate_json(wake) == GenerationMessage(task_id="x", user_id=1, step=None)
    assert CleanUpMessage.model_validate_json(clean) == CleanUpMessage(user_id=1, kind="client", id="x")


# ------------------------------------------------------------------------------------------------------- alarms


def watched(alarm: Properties) -> Iterator[Properties]:
    """The metrics that an alarm looks at."""
    if "MetricName" in alarm:
        yield alarm
    yield from (each["MetricStat"]["Metric"] for each in alarm.get("Metrics", []) if "MetricStat" in each)


def watchers(metric: str, dimension: str) -> set[str]:
    """What some alarm watches a metric of."""
    return {
        each["Value"]
        for alarm in ALARMS.values()
        for about in watched(alarm)
        if about["MetricName"] == metric
        for each in about.get("Dimensions", [])
        if each["Name"] == dimension
    }


def events(type_: str) -> list[Properties]:
    """The events of a type that functions are invoked by."""
    found = [event for function in functions().values() for event in function.get("Events", {}).values()]
    return [event["Properties"] for event in found if event["Type"] == type_]


@pytest.mark.parametrize("name", ALARMS)
def test_alarms_notify_and_keep_to_the_metric_limit(name: str) -> None:
    alarm = ALARMS[name]
    assert alarm["AlarmActions"] == ["WithAlarmTopic", ["AlarmTopicArn"], "AWS::NoValue"]
    assert alarm["TreatMissingData"] == "notBreaching"
    assert len(alarm.get("Metrics", [])) <= 10


def test_work_queues_have_dead_letters_and_alarms() -> None:
    queues = {event["Queue"].removesuffix(".Arn") for event in events("SQS")}
    dead = {of_type("AWS::SQS::Queue")[queue]["RedrivePolicy"]["deadLetterTargetArn"] for queue in queues}
    assert {f"{queue}.QueueName" for queue in queues} <= watchers("ApproximateAgeOfOldestMessage", "QueueName")
    letters = {each.replace(".Arn", ".QueueName") for each in dead}
    assert letters <= watchers("ApproximateNumberOfMessagesVisible", "QueueName")


def test_the_stream_and_what_it_gives_up_are_watched() -> None:
    for event in events("DynamoDB"):
        bucket = event["DestinationConfig"]["OnFailure"]["Destination"].removesuffix(".Arn")
        assert RESOURCES[bucket]["Type"] == "AWS::S3::Bucket"
        assert event["MetricsConfig"] == {"Metrics": ["EventCount"]}
    for metric in ("OnFailureDestinationDeliveredEventCount", "DroppedEventCount"):
        assert watchers(metric, "EventSourceMappingUUID") == {
            "RelayFunctionTableChanges",
            "ActivityFunctionTableChanges",
        }
    assert watchers("IteratorAge", "FunctionName") == {"RelayFunction", "ActivityFunction"}


def test_every_function_is_watched() -> None:
    assert watchers("Errors", "FunctionName") == set(of_type("AWS::Serverless::Function"))


def test_every_index_that_can_throttle_is_watched() -> None:
    indexes = RESOURCES["Table"]["Properties"]["GlobalSecondaryIndexes"]
    for metric in ("ReadThrottleEvents", "WriteThrottleEvents"):
        assert watchers(metric, "GlobalSecondaryIndexName") == {each["IndexName"] for each in indexes}


# ------------------------------------------------------------------------------------------------------ metrics


METRICS: Final = set(get_args(Metric))


def test_the_document_lists_the_metrics_that_there_are() -> None:
    chapter = OPERATIONS.split("\n## Metrics\n")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)`", chapter, re.MULTILINE)) == METRICS


def test_alarms_and_dashboard_look_at_metrics_that_there_are() -> None:
    own = [each for alarm in ALARMS.values() for each in watched(alarm) if each["Namespace"] == NAMESPACE]
    assert {each["MetricName"] for each in own} <= METRICS
    assert all(each["Dimensions"] == [{"Name": "service", "Value": "AWS::StackName"}] for each in own)
    body = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]
    shown = set(re.findall(r'"Atelier", "(\w+)"', body)) | set(re.findall(r'MetricName=\\"(\w+)', body))
    assert shown == METRICS


def test_the_dashboard_is_json_and_names_what_is_there() -> None:
    body = RESOURCES["Dashboard"]["Properties"]["DashboardBody"]
    assert len(json.loads(body)["widgets"]) > 1
    made_by_sam = {
        f"{name}{event}" for name, it in of_type("AWS::Serverless::Function").items() for event in it.get("Events", {})
    }
    assert set(re.findall(r"\$\{(\w+)[.}]", body)) <= {*RESOURCES, *made_by_sam, "AWS"}


# ------------------------------------------------------------------------------------------ retention and rollout


def test_every_log_group_forgets() -> None:
    for name, group in of_type("AWS::Logs::LogGroup").items():
        assert group["RetentionInDays"] == "LogRetentionDays", name


@pytest.mark.parametrize("function", FUNCTIONS)
def test_only_api_functions_shift_traffic_gradually(function: str) -> None:
    properties = functions()[function]
    is_behind_the_api = any(event["Type"] == "HttpApi" for event in properties.get("Events", {}).values())
    assert ("AutoPublishAlias" in properties) is ("DeploymentPreference" in properties) is is_behind_the_api
    # Without it, a change of our own layer would make no version, and the alias would stay where it is.
    assert properties.get("AutoPublishAliasAllProperties", False) is is_behind_the_api


def test_a_changed_layer_makes_new_versions_of_api_functions() -> None:
    layers = of_type("AWS::Serverless::LayerVersion")
    published = {name for name, layer in layers.items() if layer.get("PublishLambdaVersion")}
    assert published == {"DepsLayer", "CommonLayer", "MediaLayer"}


def test_rollback_alarms_do_not_depend_on_the_api() -> None:
    """The API depends on the deployments, and these on their alarms: a cycle otherwise."""
    preferences = [each["DeploymentPreference"] for each in functions().values() if "DeploymentPreference" in each]
    for preference in preferences:
        condition, gradually, at_once = preference["Alarms"]
        assert (condition, at_once) == ("Gradually", ["AWS::NoValue"])
        assert all("ApiId" not in str(ALARMS[name]) for name in gradually)
