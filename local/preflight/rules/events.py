"""Functions, their environments, and the queues and streams that invoke them."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from local.preflight.functions import Function, functions
from local.preflight.stacks import Resource, Stack
from local.preflight.violation import Violation

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
VARIABLES_BYTES: Final = 4096
LAYERS: Final = 5
FILTERS: Final = 5
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
QUEUE_BOUNDS: Final = {
    "VisibilityTimeout": (0, 43_200),
    "MessageRetentionPeriod": (60, 1_209_600),
    "DelaySeconds": (0, 900),
    "ReceiveMessageWaitTimeSeconds": (0, 20),
}
RECEIVES: Final = (1, 1000)
VISIBILITY: Final = 6  # times the function's timeout, by Lambda's guide for queues
STREAM_DAY: Final = 86_400
# https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
RESERVED: Final = (
    *("_HANDLER", "_X_AMZN_TRACE_ID", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR", "AWS_EXECUTION_ENV"),
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    *("AWS_SESSION_TOKEN", "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
    *("AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME"),
    *("AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_MAX_CONCURRENCY"),
)


def environments(stack: Stack) -> Iterator[Violation]:
    """A function's variables have 4 KB together and no reserved names, and it has at most five layers."""
    for function in functions(stack):
        size = sum(len(name.encode()) + len(str(value).encode()) for name, value in function.variables.items())
        if size > VARIABLES_BYTES:
            yield Violation(function.id, "environment", f"its variables have {size} of {VARIABLES_BYTES} bytes")
        for name in function.variables:
            if name in RESERVED:
                yield Violation(function.id, "environment", f"Lambda sets {name} itself")
        if (has := len(function.resource.properties.get("Layers", []))) > LAYERS:
            yield Violation(function.id, "layers", f"it has {has} of {LAYERS} layers")


def loops(stack: Stack) -> Iterator[Violation]:
    """Lambda stops a chain in which a function runs about 16 times, unless the function allows it.

    Whoever may send to a queue that leads back to it, directly or by other functions, needs `RecursiveLoop: Allow`.
    https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
    """
    all_functions = functions(stack)
    queues = [it.identity["Arn"] for it in stack.of_type("AWS::SQS::Queue")]
    next_ones = {it.id: _invoked_by(it, all_functions, queues) for it in all_functions}
    for function in all_functions:
        allows = function.resource.properties.get("RecursiveLoop") == "Allow"
        if function.id in _reachable(next_ones, function.id) and not allows:
            yield Violation(function.id, "recursive-loop", "it feeds its own queue without `RecursiveLoop: Allow`")


def _invoked_by(sender: Function, all_functions: list[Function], queues: list[str]) -> set[str]:
    fed = {queue for queue in queues if sender.may("sqs:SendMessage", queue)}
    return {it.id for it in all_functions for source in it.sources if source.properties["EventSourceArn"] in fed}


def _reachable(next_ones: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(next_ones[start])
    while waiting:
        each = waiting.pop()
        if each not in seen:
            seen.add(each)
            waiting += next_ones[each]
    return seen


def queues(stack: Stack) -> Iterator[Violation]:
    """Attributes of queues are within SQS's bounds, and dead letters are kept for longer than the queue keeps them."""
    by_arn = {it.identity["Arn"]: it for it in stack.of_type("AWS::SQS::Queue")}
    for queue in by_arn.values():
        for name, (least, most) in QUEUE_BOUNDS.items():
            if name in queue.properties and not least <= int(queue.properties[name]) <= most:
                yield Violation(queue.id, "queue-bounds", f"{name} is {queue.properties[name]}, not {least}-{most}")
        if policy := queue.properties.get("RedrivePolicy"):
            yield from _dead_letters(queue, _parsed(policy), by_arn)


def _dead_letters(queue: Resource, policy: Mapping[str, Any], by_arn: Mapping[str, Resource]) -> Iterator[Violation]:
    least, most = RECEIVES
    if not least <= int(policy["maxReceiveCount"]) <= most:
        yield Violation(queue.id, "queue-bounds", f"maxReceiveCount is {policy['maxReceiveCount']}, not {least}-{most}")
    letters = by_arn[policy["deadLetterTargetArn"]].properties
    # A dead letter keeps the date at which it was first sent.
    if int(letters.get("MessageRetentionPeriod", 345_600)) <= int(
        queue.properties.get("MessageRetentionPeriod", 345_600)
    ):
        yield Violation(queue.id, "dead-letters", "its dead letters are not kept for longer than its messages")


def consumers(stack: Stack) -> Iterator[Violation]:
    """A queue hides a message for six timeouts of its function; Lambda refuses a mapping with less than one."""
    by_arn = {it.identity["Arn"]: it for it in stack.of_type("AWS::SQS::Queue")}
    for function in functions(stack):
        timeout = int(function.resource.properties.get("Timeout", 3))
        for source in function.sources:
            if queue := by_arn.get(source.properties["EventSourceArn"]):
                hidden = int(queue.properties.get("VisibilityTimeout", 30))
                if hidden < VISIBILITY * timeout:
                    yield Violation(queue.id, "visibility", f"{hidden} s are less than {VISIBILITY} times {timeout} s")
            if (has := len(source.properties.get("FilterCriteria", {}).get("Filters", []))) > FILTERS:
                yield Violation(source.id, "filters", f"it has {has} of {FILTERS} filters")


def streams(stack: Stack) -> Iterator[Violation]:
    """A record is retried until it works, and goes to a bucket with all it holds while the stream still has it."""
    for source in stack.of_type("AWS::Lambda::EventSourceMapping"):
        given = source.properties
        if ":dynamodb:" not in given["EventSourceArn"]:
            continue
        if int(given.get("MaximumRetryAttempts", -1)) != -1:
            yield Violation(source.id, "stream-retries", "a record is given up before the stream's day is over")
        if not 0 < int(given.get("MaximumRecordAgeInSeconds", -1)) < STREAM_DAY:
            yield Violation(source.id, "stream-age", "a record leaves the stream before it is given up")
        if ":s3:" not in given.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", ""):
            yield Violation(source.id, "stream-destination", "only a bucket keeps the record itself")


def snapshots(stack: Stack) -> Iterator[Violation]:
    """Every version that stays keeps its snapshot, which is billed."""
    snapped = {
        it.name for it in functions(stack) if it.resource.properties.get("SnapStart", {}).get("ApplyOn") != "None"
    }
    for version in stack.of_type("AWS::Lambda::Version"):
        if version.properties["FunctionName"] in snapped and version.attributes.get("DeletionPolicy") != "Delete":
            yield Violation(version.id, "kept-snapshots", "its snapshot stays when a new version replaces it")


def _parsed(policy: Any) -> Mapping[str, Any]:
    parsed: Mapping[str, Any] = json.loads(policy) if isinstance(policy, str) else policy
    return parsed


RULES: Final = (environments, loops, queues, consumers, streams, snapshots)
