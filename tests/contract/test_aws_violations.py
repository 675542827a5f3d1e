"""Each rule of AWS, broken on purpose: it is noticed, where and by its name."""

import copy
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, get_args
from unittest import mock

import pytest

from local import routes
from local.preflight import check
from local.preflight.rules import edges
from local.preflight.stacks import Stack
from local.preflight.violation import Rule
from tests.support.deployments import BUDGET, CDN, few_routes

Template = dict[str, Any]
Change = Callable[[Template], None]


class Break(NamedTuple):
    """A change to the template, and who is said to break which rule by it."""

    rule: Rule
    resource: str
    change: Change
    parameters: Mapping[str, str] = {}


def properties(of: Template, resource: str) -> dict[str, Any]:
    """The properties of a resource, to be changed."""
    found: dict[str, Any] = of["Resources"][resource]["Properties"]
    return found


def put(resource: str, path: str, value: Any) -> Change:
    """Set a property of a resource: `A.B.0.C`."""

    def change(of: Template) -> None:
        node, last = along(of, resource, path)
        node[last] = value

    return change


def drop(resource: str, path: str) -> Change:
    """Take a property of a resource away."""

    def change(of: Template) -> None:
        node, last = along(of, resource, path)
        del node[last]

    return change


def along(of: Template, resource: str, path: str) -> tuple[Any, Any]:
    """What holds the property at the end of a path, and its name or number there."""
    *way, last = path.split(".")
    node: Any = properties(of, resource)
    for step in way:
        node = node[int(step)] if isinstance(node, list) else node.setdefault(step, {})
    return node, int(last) if isinstance(node, list) else last


def beside(resource: str, **attributes: Any) -> Change:
    """Set what stands beside the properties of a resource."""
    return lambda of: of["Resources"][resource].update(attributes)


def add_resource(name: str, type_: str, **given: Any) -> Change:
    """Add a resource."""
    return lambda of: of["Resources"].update({name: {"Type": type_, "Properties": given}})


def nothing(_: Template) -> None:
    """Leave the template as it is: a parameter breaks the rule."""


def outputs(of: Template) -> None:
    of["Outputs"] = {f"Output{number}": {"Value": "x"} for number in range(201)}


def statement(function: str, **changes: Any) -> Change:
    """Change the first statement of a function's policy."""
    return lambda of: properties(of, function)["Policies"][0]["Statement"][0].update(changes)


def without_bucket_rights(of: Template) -> None:
    policy = properties(of, "RelayFunction")["Policies"][0]
    policy["Statement"] = [it for it in policy["Statement"] if "s3:PutObject" not in it["Action"]]


def index(name: str, *, projected: int, key: str = "by_name") -> dict[str, Any]:
    """A local index that names so many attributes."""
    schema = [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": key, "KeyType": "RANGE"}]
    attributes = [f"{name}{number}" for number in range(projected)]
    return {
        "IndexName": name,
        "KeySchema": schema,
        "Projection": {"ProjectionType": "INCLUDE", "NonKeyAttributes": attributes},
    }


def through_two_functions(of: Template) -> None:
    """The relay is fed by a queue that the worker feeds, and feeds the worker's."""
    properties(of, "RelayFunction")["Events"]["Again"] = {
        "Type": "SQS",
        "Properties": {"Queue": {"Fn::GetAtt": ["CascadeQueue", "Arn"]}},
    }
    add = {"Effect": "Allow", "Action": ["sqs:SendMessage"], "Resource": {"Fn::GetAtt": ["CascadeQueue", "Arn"]}}
    properties(of, "WorkerFunction")["Policies"][0]["Statement"].append(add)


def filters(number: int) -> list[dict[str, str]]:
    return [{"Pattern": f'{{"eventName":["INSERT"],"x":["{each}"]}}'} for each in range(number)]


def metrics(number: int) -> list[dict[str, Any]]:
    metric = {"Namespace": "AWS/SQS", "MetricName": "x", "Dimensions": []}
    stats = [
        {"Id": f"m{each}", "MetricStat": {"Stat": "Sum", "Period": 60, "Metric": metric}} for each in range(number)
    ]
    return [{"Id": "value", "Expression": "SUM(METRICS())"}, *stats]


STREAM: Final = "Events.TableChanges.Properties"
SIZES: Final = [
    {"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": f"arn:aws:s3:::{n:0300}"} for n in range(40)
]
SNAPSHOTS: Final = {"SnapStart": "on"}
BEHAVIOUR: Final = "DistributionConfig.DefaultCacheBehavior"

BREAKS: Final = (
    # what the service models say
    Break("max", "CommonLayer", put("CommonLayer", "Description", "x" * 257)),
    Break(
        "max",
        "Table",
        put("Table", "GlobalSecondaryIndexes.0.Projection.NonKeyAttributes", list("abcdefghijklmnopqrstu")),
    ),
    Break(
        "min",
        "CascadeFunctionDeletions",
        put("CascadeFunction", "Events.Deletions.Properties.ScalingConfig.MaximumConcurrency", 1),
    ),
    Break("enum", "Table", put("Table", "BillingMode", "FREE")),
    Break("pattern", "ApiLog", put("ApiLog", "LogGroupName", "/aws/vendedlogs/what was asked")),
    Break("required", "Budget", drop("Budget", "Budget.TimeUnit"), BUDGET),
    Break("unknown", "Table", put("Table", "Colour", "red")),
    Break("type", "Table", put("Table", "DeletionProtectionEnabled", "perhaps")),
    Break("unknown-type", "Topic", add_resource("Topic", "AWS::SNS::Topic", TopicName="x")),
    # the template as a whole
    Break("template-quota", "Outputs", outputs),
    Break("circular", "AccountFunction", beside("Table", DependsOn=["AccountFunction"])),
    Break("unresolved", "template.yaml", put("MediaBucket", "BucketName", {"Ref": "Nothing"})),
    Break("unresolved", "template.yaml", put("MediaBucket", "BucketName", {"Ref": "CdnKey"})),
    # IAM
    Break("policy-size", "VerifyFunctionRole", put("VerifyFunction", "Policies", [{"Statement": SIZES}])),
    Break("policy-form", "AccountFunctionRole", statement("AccountFunction", Resource="")),
    Break("policy-form", "AccountFunctionRole", statement("AccountFunction", Resource=[])),
    Break("policy-form", "AccountFunctionRole", statement("AccountFunction", Action=["GetItem"])),
    Break("source-rights", "RelayFunction", without_bucket_rights),
    # names
    Break("account-wide-name", "Dashboard", put("Dashboard", "DashboardName", {"Ref": "AWS::StackName"})),
    Break("account-wide-name", "Budget", put("Budget", "Budget.BudgetName", "monthly"), BUDGET),
    Break("account-wide-name", "CdnKey", put("CdnKey", "PublicKeyConfig.Name", "media"), CDN),
    # table, buckets, logs
    Break("named-projection", "Table", put("Table", "LocalSecondaryIndexes.4", index("catalogue", projected=21))),
    Break(
        "named-projections",
        "Table",
        put("Table", "GlobalSecondaryIndexes", [index(f"i{n}", projected=20) for n in range(5)]),
    ),
    Break(
        "index-quota", "Table", put("Table", "LocalSecondaryIndexes", [index(f"i{n}", projected=1) for n in range(6)])
    ),
    Break("key-attributes", "Table", drop("Table", "AttributeDefinitions.3")),
    Break("billed-encryption", "Table", put("Table", "SSESpecification", {"SSEEnabled": True})),
    Break("log-retention", "WorkerLog", put("WorkerLog", "RetentionInDays", 31)),
    Break("log-retention", "WorkerLog", drop("WorkerLog", "RetentionInDays")),
    Break("deletion-policy", "MediaBucket", beside("MediaBucket", DeletionPolicy="Retain")),
    Break("deletion-policy", "Table", beside("Table", DeletionPolicy="Delete")),
    Break("cors", "MediaBucket", drop("MediaBucket", "CorsConfiguration")),
    # functions, queues, the stream
    Break("environment", "WorkerFunction", put("WorkerFunction", "Environment.Variables.LONG", "x" * 4096)),
    Break("environment", "WorkerFunction", put("WorkerFunction", "Environment.Variables.AWS_REGION", "x")),
    Break(
        "layers",
        "WorkerFunction",
        put("WorkerFunction", "Layers", [f"arn:aws:lambda:us-east-1:1:layer:{n}:1" for n in "abcd"]),
    ),
    Break("recursive-loop", "WorkerFunction", drop("WorkerFunction", "RecursiveLoop")),
    Break("recursive-loop", "CascadeFunction", drop("CascadeFunction", "RecursiveLoop")),
    Break("recursive-loop", "WebhookDeliveryFunction", put("WebhookDeliveryFunction", "RecursiveLoop", "Terminate")),
    Break("recursive-loop", "RelayFunction", through_two_functions),
    Break("queue-bounds", "FalQueue", put("FalQueue", "MessageRetentionPeriod", 1_209_601)),
    Break("queue-bounds", "FalQueue", put("FalQueue", "RedrivePolicy.maxReceiveCount", 0)),
    Break("dead-letters", "FalQueue", put("GenerationDeadLetters", "MessageRetentionPeriod", 345_600)),
    Break("visibility", "CascadeQueue", put("CascadeQueue", "VisibilityTimeout", 60)),
    Break("filters", "RelayFunctionTableChanges", put("RelayFunction", f"{STREAM}.FilterCriteria.Filters", filters(6))),
    Break("stream-retries", "RelayFunctionTableChanges", put("RelayFunction", f"{STREAM}.MaximumRetryAttempts", 10)),
    Break(
        "stream-age", "RelayFunctionTableChanges", put("RelayFunction", f"{STREAM}.MaximumRecordAgeInSeconds", 86_400)
    ),
    Break("stream-age", "RelayFunctionTableChanges", drop("RelayFunction", f"{STREAM}.MaximumRecordAgeInSeconds")),
    Break(
        "stream-destination",
        "RelayFunctionTableChanges",
        put("RelayFunction", f"{STREAM}.DestinationConfig.OnFailure.Destination", {"Fn::GetAtt": ["FalQueue", "Arn"]}),
    ),
    Break("kept-snapshots", "ClientsFunctionVersion", drop("ClientsFunction", "VersionDeletionPolicy"), SNAPSHOTS),
    # the API, the user pool, CloudFront
    Break(
        "route-settings",
        "ApiApiGatewayDefaultStage",
        put("Api", "RouteSettings.GET /nowhere", {"ThrottlingRateLimit": 1}),
    ),
    Break("integration-timeout", "AccountFunction", put("AccountFunction", "Timeout", 30)),
    Break("open-route", "ApiApiGatewayDefaultStage", drop("Api", "RouteSettings.GET /api/v3/health")),
    Break("open-route", "ApiApiGatewayDefaultStage", drop("Api", "RouteSettings.$default")),
    Break("vended-logs", "ApiLog", drop("ApiLog", "LogGroupName")),
    Break("access-log", "ApiApiGatewayDefaultStage", put("Api", "AccessLogSettings.Format", "$context.requestId")),
    Break("system-log-level", "WorkerFunction", put("WorkerFunction", "LoggingConfig.SystemLogLevel", "INFO")),
    Break("callback-url", "UserPoolClient", put("UserPoolClient", "CallbackURLs", ["http://app.example.com/"])),
    Break(
        "deployment",
        "ClientsFunctionDeploymentGroup",
        put("ClientsFunction", "DeploymentPreference.Type", "Canary5Percent"),
    ),
    Break("public-key", "CdnKey", nothing, {**CDN, "CdnPublicKey": "-----BEGIN"}),
    Break("cache-minimum", "Cdn", put("CdnCaching", "CachePolicyConfig.MinTTL", 1), CDN),
    Break(
        "cache-minimum", "Cdn", put("Cdn", f"{BEHAVIOUR}.CachePolicyId", "658327ea-f89d-4fab-a63d-7e88639e58f6"), CDN
    ),
    Break("signed-urls", "Cdn", drop("Cdn", f"{BEHAVIOUR}.TrustedKeyGroups"), CDN),
    Break("cors", "Cdn", put("Cdn", f"{BEHAVIOUR}.AllowedMethods", ["GET", "HEAD"]), CDN),
    Break("cors", "Cdn", drop("Cdn", f"{BEHAVIOUR}.ResponseHeadersPolicyId"), CDN),
    # alarms and dashboards
    Break("alarm-metrics", "ConsumersAlarm", put("ConsumersAlarm", "Metrics", metrics(11))),
    Break("alarm-period", "ThrottlesAlarm", put("ThrottlesAlarm", "Period", 45)),
    Break("alarm-window", "ThrottlesAlarm", put("ThrottlesAlarm", "EvaluationPeriods", 1441)),
    Break("dashboard", "Dashboard", put("Dashboard", "DashboardBody", '{"widgets": [}')),
    Break("dashboard", "Dashboard", put("Dashboard", "DashboardBody", '{"widgets": [' + ",".join(["{}"] * 501) + "]}")),
    Break("unwatched-drops", "CascadeFunction", drop("DroppedInvocationsAlarm", "Metrics.4")),
    Break("unwatched-throttles", "Table", drop("TableReadThrottlesAlarm", "Metrics.1")),
)


def violations(of: Template, parameters: Mapping[str, str]) -> set[tuple[str, str]]:
    """Rules that are broken, and by which resource."""
    return {(it.rule, it.resource) for it in check.violations(Stack(of, parameters))}


@pytest.mark.parametrize("broken", BREAKS, ids=[f"{number}-{it.rule}" for number, it in enumerate(BREAKS)])
def test_what_breaks_a_rule_is_noticed(broken: Break) -> None:
    changed = copy.deepcopy(few_routes())
    broken.change(changed)
    found = violations(changed, broken.parameters)
    assert [it for it in found if it[0] == broken.rule and it[1].startswith(broken.resource)], sorted(found)


def test_more_routes_than_an_api_may_have_are_noticed() -> None:
    """With a lower quota, because SAM takes ten seconds to translate 301 routes."""
    assert edges.ROUTES == 300
    (api,) = Stack(few_routes(), {}).of_type(routes.API_TYPE)
    has = len(list(routes.routes_of(api.properties["Body"])))
    for quota, is_noticed in ((has, False), (has - 1, True)):
        with mock.patch.object(edges, "ROUTES", quota):
            found = violations(few_routes(), {})
        assert ("route-quota" in {rule for rule, _ in found}) is is_noticed


OF_PARAMETERS: Final = {"parameter", "template-rule"}  # test_aws_limits
OF_VERSIONS: Final = {"stale-version", "empty-version"}  # test_aws_versions


def test_every_rule_is_broken_by_some_test() -> None:
    assert set(get_args(Rule)) - {it.rule for it in BREAKS} == OF_PARAMETERS | OF_VERSIONS | {"route-quota"}
