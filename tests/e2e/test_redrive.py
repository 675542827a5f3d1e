"""A relay that is down for a while: what was given up comes back by `redrive`, from the bucket."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from local.cloud import deployed
from local.cloud.redrive import redrive
from local.stack import Stack
from tests.e2e.conftest import eventually


@contextmanager
def relay_is_down(stack: Stack) -> Iterator[None]:
    """Lambda hands the relay nothing meanwhile."""
    functions = stack.client("lambda")
    name = stack.outputs["RelayFunctionName"]
    (mapping,) = functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        time.sleep(1)  # for what is being handed over at this moment
        yield
    finally:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def record_of_new_task(stack: Stack, id_: str) -> dict[str, Any]:
    """The stream's record of a new task, made of its item."""
    key = {"PK": {"S": f"TASK#{id_}"}, "SK": {"S": "TASK"}}
    item = stack.client("dynamodb").get_item(TableName=stack.outputs["TableName"], Key=key)["Item"]
    change = {"Keys": key, "NewImage": item, "SequenceNumber": "1", "StreamViewType": "NEW_AND_OLD_IMAGES"}
    return {"eventID": id_, "eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": change}


def test_a_redriven_record_finishes_its_task(stack: Stack, api: httpx.Client) -> None:
    here = deployed.on_this_machine(int(stack.url.rpartition(":")[2]))
    with relay_is_down(stack):
        id_ = api.post("/generate/image", json={"prompt": "A boat"}).json()["id"]
        time.sleep(2)
        assert api.get(f"/tasks/{id_}").json()["status"] == "pending"
        given_up = {"payload": json.dumps({"Records": [record_of_new_task(stack, id_)]})}
        bucket, key = stack.outputs["RelayFailuresName"], "aws/lambda/1/shardId-1/2026/11/28/x"
        stack.client("s3").put_object(Bucket=bucket, Key=key, Body=json.dumps(given_up))

        assert [tuple(it) for it in redrive(here)] == [(key, 1)]
        eventually(lambda: api.get(f"/tasks/{id_}").json()["status"] == "succeeded", f"task {id_} is made")
    assert "Contents" not in stack.client("s3").list_objects_v2(Bucket=bucket)
    assert list(redrive(here)) == []
