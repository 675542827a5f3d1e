"""Which quotas of an account a stack meets, and how much of each it needs."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from local.preflight.stacks import Stack

NEW_ACCOUNT: Final = 10
# Defaults, per account and region unless said otherwise. https://docs.aws.amazon.com/general/latest/gr/aws-service-information.html
CONCURRENT_EXECUTIONS: Final = 1000
ROLES: Final = 1000  # of the account
BUCKETS: Final = 10_000
ALARM_QUOTA: Final = 5000
STACK_RESOURCES: Final = 500
GATEWAY_RATE: Final = 10_000
GATEWAY_BURST: Final = 5_000
KEY_GROUPS: Final = 10  # of the account


class Quota(NamedTuple):
    """A quota: what the stack needs of it at most, what an account has by default, and what to do about it."""

    name: str
    needed: int
    default: int
    note: str = ""


def met(stack: Stack) -> Iterator[Quota]:
    """The quotas that this stack takes a part of."""
    yield _concurrency(stack)
    stages = stack.of_type("AWS::ApiGatewayV2::Stage")
    for stage in stages:
        throttle = stage.properties["DefaultRouteSettings"]
        rate, burst = int(throttle["ThrottlingRateLimit"]), int(throttle["ThrottlingBurstLimit"])
        yield Quota("API Gateway, requests a second (ApiRateLimit)", rate, GATEWAY_RATE)
        yield Quota("API Gateway, requests at one moment (ApiBurstLimit)", burst, GATEWAY_BURST)
    yield Quota("CloudFormation, resources of a stack", len(stack.resources), STACK_RESOURCES)
    yield Quota("IAM, roles", len(stack.of_type("AWS::IAM::Role")), ROLES)
    yield Quota("S3, buckets", len(stack.of_type("AWS::S3::Bucket")), BUCKETS)
    yield Quota("CloudWatch, alarms", len(stack.of_type("AWS::CloudWatch::Alarm")), ALARM_QUOTA)
    if groups := len(stack.of_type("AWS::CloudFront::KeyGroup")):
        yield Quota("CloudFront, key groups", groups, KEY_GROUPS)


def _concurrency(stack: Stack) -> Quota:
    sources = stack.of_type("AWS::Lambda::EventSourceMapping")
    needed = sum(int(it.properties.get("ScalingConfig", {}).get("MaximumConcurrency", 1)) for it in sources)
    note = f"with every queue busy; a new account may have {NEW_ACCOUNT}" if needed > NEW_ACCOUNT else ""
    return Quota("Lambda, concurrent executions behind queues and the stream", needed, CONCURRENT_EXECUTIONS, note)
