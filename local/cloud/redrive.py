"""`redrive`: hand stream records that could not be processed to their function once more.

Lambda leaves each batch that it gives up as an object of the bucket: what went wrong, and as `payload` the event with
its records, as JSON within JSON. https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from local.cloud.deployed import Deployed
from local.errors import LocalError


class NotRelayed(LocalError):
    """The relay did not take a batch. It stays in the bucket, and so does what is behind it."""


class Relayed(NamedTuple):
    """A batch that the relay has taken."""

    key: str
    records: int


def redrive(stack: Deployed) -> Iterator[Relayed]:
    """Relay every batch in the bucket, oldest first, and delete each when all of it was taken. Raises NotRelayed.

    A batch goes to the function that gave it up: the relay, or the activity log. It may be repeated: what a record
    starts happens once, however often it is relayed.
    """
    s3, bucket = stack.connect("s3"), stack.output("RelayFailuresName")
    for key in _oldest_first(s3, bucket):
        failure = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        event = event_of(key, failure)
        _relay(stack, key, event, function=function_of(failure) or stack.output("RelayFunctionName"))
        s3.delete_object(Bucket=bucket, Key=key)
        yield Relayed(key, len(event["Records"]))


def event_of(key: str, failure: Mapping[str, Any]) -> dict[str, Any]:
    """The event that a failure holds. Raises NotRelayed for an object that is no failure."""
    try:
        event = json.loads(failure["payload"])
    except (KeyError, TypeError, ValueError) as unreadable:
        raise NotRelayed(f"{key} holds no event: {unreadable!r}") from unreadable
    if not isinstance(event, dict) or not isinstance(event.get("Records"), list):
        raise NotRelayed(f"{key} holds no event")
    return event


def function_of(failure: Mapping[str, Any]) -> str:
    """The name of the function that gave a batch up; empty where the failure does not say."""
    arn: str = failure.get("requestContext", {}).get("functionArn", "")
    return arn.partition(":function:")[2].partition(":")[0]


def _oldest_first(s3: Any, bucket: str) -> list[str]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    objects = [it for page in pages for it in page.get("Contents", [])]
    return [it["Key"] for it in sorted(objects, key=lambda it: (it["LastModified"], it["Key"]))]


def _relay(stack: Deployed, key: str, event: Mapping[str, Any], *, function: str) -> None:
    answer = stack.connect("lambda").invoke(FunctionName=function, Payload=json.dumps(event).encode())
    said = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise NotRelayed(f"{key}: {function} failed: {said.get('errorMessage', said)}")
    if failed := said["batchItemFailures"]:
        raise NotRelayed(f"{key}: {function} could not process {len(failed)} of {len(event['Records'])} records")
