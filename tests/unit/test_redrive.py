"""Redriving: batches are relayed oldest first, deleted when they were taken, and kept when not."""

import io
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.cloud.deployed import Deployed, NotDeployed
from local.cloud.redrive import NotRelayed, redrive

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)


def failure(*ids: str) -> dict[str, Any]:
    """What Lambda leaves of a batch, in the form of its guide."""
    records = [{"eventID": id_, "eventName": "INSERT", "dynamodb": {"SequenceNumber": id_}} for id_ in ids]
    return {
        "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 7},
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2026-11-28T08:00:00.000Z",
        "DDBStreamBatchInfo": {"shardId": "shardId-1", "batchSize": len(ids)},
        "payload": json.dumps({"Records": records}),
    }


class FakeAws:
    """S3 with one bucket, and Lambda with one function."""

    def __init__(self, objects: Mapping[str, tuple[datetime, Any]]) -> None:
        self.objects = dict(objects)
        self.relayed: list[list[str]] = []
        self.invoked: list[str] = []
        self.answer: dict[str, Any] = {"batchItemFailures": []}
        self.error = ""

    def connect(self, _: str) -> Any:
        return self

    def get_paginator(self, _: str) -> "FakeAws":
        return self

    def paginate(self, *, Bucket: str) -> list[dict[str, Any]]:  # noqa: N803
        listed = [{"Key": key, "LastModified": at} for key, (at, _) in self.objects.items()]
        return [{"Contents": listed[:1]}, {"Contents": listed[1:]}, {}]

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        return {"Body": io.BytesIO(json.dumps(self.objects[Key][1]).encode())}

    def delete_object(self, *, Bucket: str, Key: str) -> None:  # noqa: N803
        del self.objects[Key]

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        self.invoked.append(FunctionName)
        self.relayed.append([it["eventID"] for it in json.loads(Payload)["Records"]])
        answer = {"Payload": io.BytesIO(json.dumps(self.answer).encode())}
        return {**answer, "FunctionError": self.error} if self.error else answer


def stack(aws: FakeAws, **outputs: str) -> Deployed:
    names = {"RelayFailuresName": "failures", "RelayFunctionName": "relay"}
    return Deployed("atelier", outputs or names, {}, aws.connect)


def two() -> FakeAws:
    return FakeAws({"b": (NOON, failure("1", "2")), "a": (NOON + timedelta(hours=1), failure("3"))})


def test_batches_are_relayed_oldest_first_and_then_gone() -> None:
    aws = two()
    assert [tuple(it) for it in redrive(stack(aws))] == [("b", 2), ("a", 1)]
    assert (aws.relayed, aws.objects) == ([["1", "2"], ["3"]], {})


def test_a_batch_returns_to_the_function_it_failed() -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:atelier-Activity:$LATEST"
    lost = failure("1")
    lost["requestContext"]["functionArn"] = arn
    aws = FakeAws({"a": (NOON, lost), "b": (NOON, failure("2"))})
    assert len(list(redrive(stack(aws)))) == 2
    assert aws.invoked == ["atelier-Activity", "relay"]


def test_nothing_to_redrive_is_no_error() -> None:
    assert list(redrive(stack(FakeAws({})))) == []


def test_a_refused_batch_keeps_all_behind_it() -> None:
    aws = two()
    aws.answer = {"batchItemFailures": [{"itemIdentifier": "2"}]}
    with pytest.raises(NotRelayed, match="b: relay could not process 1 of 2 records"):
        list(redrive(stack(aws)))
    assert set(aws.objects) == {"a", "b"}
    assert aws.relayed == [["1", "2"]]


def test_a_relay_that_fails_is_quoted() -> None:
    aws = two()
    aws.error, aws.answer = "Unhandled", {"errorMessage": "No queue."}
    with pytest.raises(NotRelayed, match="relay failed: No queue"):
        list(redrive(stack(aws)))


@pytest.mark.parametrize("body", [{}, {"payload": "?"}, {"payload": "[]"}, {"payload": '{"Records": 1}'}])
def test_an_object_that_is_no_failure_is_left_alone(body: Any) -> None:
    aws = FakeAws({"other": (NOON, body)})
    with pytest.raises(NotRelayed, match="other holds no event"):
        list(redrive(stack(aws)))
    assert set(aws.objects) == {"other"}


def test_an_old_stack_must_be_deployed_again() -> None:
    with pytest.raises(NotDeployed, match="no output RelayFailuresName"):
        list(redrive(stack(two(), ApiUrl="x")))
