"""IAM's quotas, and what it refuses in a policy. https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from local.preflight.functions import functions, listed, statements_of
from local.preflight.stacks import Stack
from local.preflight.violation import Violation

ROLE_POLICY_CHARACTERS: Final = 10_240  # of all inline policies of a role, white space not counted
TRUST_POLICY_CHARACTERS: Final = 2048
MANAGED_POLICIES: Final = 10
BUCKET_POLICY_BYTES: Final = 20_480
_ARN: Final = re.compile(r"arn:aws[a-z-]*:[a-z0-9-]+:[a-z0-9*-]*:(\d{12}|aws|\*)?:.+")
_ACTION: Final = re.compile(r"[a-z0-9-]+:[A-Za-z*]+")


def sizes(stack: Stack) -> Iterator[Violation]:
    """A role's inline policies have room for 10,240 characters together."""
    for role in stack.of_type("AWS::IAM::Role"):
        size = sum(_size(it["PolicyDocument"]) for it in role.properties.get("Policies", []))
        if size > ROLE_POLICY_CHARACTERS:
            yield Violation(role.id, "policy-size", f"its policies have {size} of {ROLE_POLICY_CHARACTERS} characters")
        if (trust := _size(role.properties["AssumeRolePolicyDocument"])) > TRUST_POLICY_CHARACTERS:
            yield Violation(role.id, "policy-size", f"its trust policy has {trust} of {TRUST_POLICY_CHARACTERS}")
        if (managed := len(role.properties.get("ManagedPolicyArns", []))) > MANAGED_POLICIES:
            yield Violation(role.id, "policy-size", f"it has {managed} of {MANAGED_POLICIES} managed policies")
    for policy in stack.of_type("AWS::S3::BucketPolicy"):
        if (size := _size(policy.properties["PolicyDocument"])) > BUCKET_POLICY_BYTES:
            yield Violation(policy.id, "policy-size", f"it has {size} of {BUCKET_POLICY_BYTES} bytes")


def statements(stack: Stack) -> Iterator[Violation]:
    """Every statement names actions and resources in the form that IAM takes."""
    for role in stack.of_type("AWS::IAM::Role"):
        for statement in statements_of(role.properties):
            yield from (Violation(role.id, "policy-form", it) for it in _malformed(statement))


def _malformed(statement: Mapping[str, Any]) -> Iterator[str]:
    actions, resources = listed(statement["Action"]), listed(statement["Resource"])
    if not actions or not resources:
        yield f"a statement has no action or no resource: {actions} on {resources}"
    for action in actions:
        if not _ACTION.fullmatch(action):
            yield f"{action!r} is no action"
    for resource in resources:
        if resource != "*" and not _ARN.fullmatch(resource):
            yield f"{', '.join(actions)} on {resource!r}, which is neither an ARN nor `*`"


def sources(stack: Stack) -> Iterator[Violation]:
    """A function may read what invokes it, and write to where its failures go."""
    for function in functions(stack):
        for source in function.sources:
            for action, arn in _needed(source.properties):
                if not function.may(action, arn) and not _by_managed_policy(function.managed_policies, action):
                    yield Violation(function.id, "source-rights", f"{source.id} needs {action} on {arn}")


def _needed(mapping: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    source = mapping["EventSourceArn"]
    if ":sqs:" in source:
        yield from ((f"sqs:{it}", source) for it in ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes"))
    if ":dynamodb:" in source:
        stream = ("GetRecords", "GetShardIterator", "DescribeStream", "ListStreams")
        yield from ((f"dynamodb:{it}", source) for it in stream)
    destination = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination", "")
    if ":sqs:" in destination:
        yield "sqs:SendMessage", destination
    if ":s3:" in destination:
        # https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
        yield "s3:PutObject", f"{destination}/x"
        yield "s3:ListBucket", destination


def _by_managed_policy(policies: tuple[str, ...], action: str) -> bool:
    granting = {"sqs": "AWSLambdaSQSQueueExecutionRole", "dynamodb": "AWSLambdaDynamoDBExecutionRole"}
    wanted = granting.get(action.partition(":")[0], "-")
    return action != "sqs:SendMessage" and any(it.endswith(wanted) for it in policies)


def _size(document: Any) -> int:
    return len(re.sub(r"\s", "", json.dumps(document)))


RULES: Final = (sizes, statements, sources)
