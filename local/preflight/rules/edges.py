"""The HTTP API, the user pool and CloudFront."""

import re
from collections.abc import Iterator
from typing import Any, Final

from local import routes
from local.preflight.functions import functions
from local.preflight.stacks import Resource, Stack
from local.preflight.violation import Violation

# https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
ROUTES: Final = 300
INTEGRATION_SECONDS: Final = 30
WORTH_CACHING: Final = 3600  # seconds
VENDED: Final = "/aws/vendedlogs/"
LOGGED: Final = ("requestId", "identity.sourceIp", "integration.status", "integration.error", "authorizer.error")
# https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html
DEPLOYMENTS: Final = re.compile(
    r"CodeDeployDefault\.Lambda(AllAtOnce|Canary10Percent(5|10|15|30)Minutes|Linear10PercentEvery(1|2|3|10)Minutes?)"
)
PUBLIC_KEY: Final = re.compile(r"-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]{360,}\n-----END PUBLIC KEY-----\n?")


def api_routes(stack: Stack) -> Iterator[Violation]:
    """An API has at most 300 routes; settings are of routes that there are; no function outlasts the gateway."""
    for api in stack.of_type(routes.API_TYPE):
        keys = {it.key for it in routes.routes_of(api.properties["Body"])}
        if len(keys) > ROUTES:
            yield Violation(api.id, "route-quota", f"it has {len(keys)} of {ROUTES} routes")
        for stage in stack.of_type("AWS::ApiGatewayV2::Stage"):
            for key in set(stage.properties.get("RouteSettings", {})) - keys:
                yield Violation(stage.id, "route-settings", f"{key!r} is no route of the API")
    behind = {it.properties["FunctionName"].rpartition("function:")[2].partition(":")[0] for it in _permitted(stack)}
    for function in functions(stack):
        timeout = int(function.resource.properties.get("Timeout", 3))
        if function.name in behind and timeout >= INTEGRATION_SECONDS:
            yield Violation(function.id, "integration-timeout", f"{timeout} s outlast the gateway's 30")


def _permitted(stack: Stack) -> list[Resource]:
    permissions = stack.of_type("AWS::Lambda::Permission")
    return [it for it in permissions if it.properties["Principal"] == "apigateway.amazonaws.com"]


def open_routes(stack: Stack) -> Iterator[Violation]:
    """A route that needs no token has a throttle of its own, below the API's."""
    for api in stack.of_type(routes.API_TYPE):
        open_ones = {it.key for it in routes.routes_of(api.properties["Body"]) if is_open(it.operation)}
        for stage in stack.of_type("AWS::ApiGatewayV2::Stage"):
            settings, default = stage.properties.get("RouteSettings", {}), stage.properties["DefaultRouteSettings"]
            for key in sorted(open_ones):
                rate = float(settings.get(key, default)["ThrottlingRateLimit"])
                if not 0 < rate < float(default["ThrottlingRateLimit"]):
                    yield Violation(stage.id, "open-route", f"{key} has no throttle of its own")


def is_open(operation: dict[str, Any]) -> bool:
    """Whether an operation of the body needs no token."""
    return operation.get("security") == [{"NONE": []}]


def access_log(stack: Stack) -> Iterator[Violation]:
    """The access log goes to a group of AWS's prefix for many groups, and says what an operator looks for.

    Groups under /aws/vendedlogs/ need no line each in CloudWatch's resource policy, which has 5,120 characters.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
    """
    groups = {it.identity["Arn"]: it for it in stack.of_type("AWS::Logs::LogGroup")}
    for stage in stack.of_type("AWS::ApiGatewayV2::Stage"):
        settings = stage.properties["AccessLogSettings"]
        group = groups[settings["DestinationArn"]]
        if not str(group.properties.get("LogGroupName", "")).startswith(VENDED):
            yield Violation(group.id, "vended-logs", f"an access log wants a group under {VENDED}")
        for variable in LOGGED:
            if f"$context.{variable}" not in settings["Format"]:
                yield Violation(stage.id, "access-log", f"it does not say $context.{variable}")


def system_logs(stack: Stack) -> Iterator[Violation]:
    """Lambda's own three lines for each invocation are paid for; a function asks for warnings only."""
    for function in functions(stack):
        logging = function.resource.properties.get("LoggingConfig", {})
        if logging.get("LogFormat") != "JSON" or logging.get("SystemLogLevel") != "WARN":
            yield Violation(function.id, "system-log-level", "Lambda writes its own lines at INFO")


def callbacks(stack: Stack) -> Iterator[Violation]:
    """A user pool sends people back by https only, or to this machine."""
    for client in stack.of_type("AWS::Cognito::UserPoolClient"):
        for url in client.properties.get("CallbackURLs", []):
            if not re.match(r"https://|http://localhost[:/]|[a-z][a-z0-9+.-]*://(?<!http://)", url):
                yield Violation(client.id, "callback-url", f"{url!r} is neither https nor localhost")


def deployments(stack: Stack) -> Iterator[Violation]:
    """The deployment configurations are CodeDeploy's own."""
    for group in stack.of_type("AWS::CodeDeploy::DeploymentGroup"):
        if not DEPLOYMENTS.fullmatch(group.properties["DeploymentConfigName"]):
            yield Violation(group.id, "deployment", f"{group.properties['DeploymentConfigName']} does not exist")


def public_keys(stack: Stack) -> Iterator[Violation]:
    """A public key is whole: a shell cuts a PEM at its first blank unless it is quoted twice."""
    for key in stack.of_type("AWS::CloudFront::PublicKey"):
        encoded = key.properties["PublicKeyConfig"]["EncodedKey"]
        if not PUBLIC_KEY.fullmatch(encoded):
            yield Violation(key.id, "public-key", f"{encoded[:40]!r}... is no whole RSA public key in PEM")


def caching(stack: Stack) -> Iterator[Violation]:
    """CloudFront keeps what S3 calls private for the policy's minimum only, so that must be long.

    https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/Expiration.html
    """
    policies = {
        it.identity["Ref"]: it.properties["CachePolicyConfig"] for it in stack.of_type("AWS::CloudFront::CachePolicy")
    }
    for distribution in stack.of_type("AWS::CloudFront::Distribution"):
        behaviour = distribution.properties["DistributionConfig"]["DefaultCacheBehavior"]
        policy = policies.get(behaviour["CachePolicyId"], {"MinTTL": 1})
        if int(policy["MinTTL"]) < WORTH_CACHING:
            yield Violation(distribution.id, "cache-minimum", f"private objects are kept for {policy['MinTTL']} s")
        if not behaviour.get("TrustedKeyGroups"):
            yield Violation(distribution.id, "signed-urls", "anybody may read it")
        if "OPTIONS" not in behaviour["AllowedMethods"] or "ResponseHeadersPolicyId" not in behaviour:
            yield Violation(distribution.id, "cors", "a browser's fetch gets no CORS headers")


RULES: Final = (
    *(api_routes, open_routes, access_log, system_logs),
    *(callbacks, deployments, public_keys, caching),
)
