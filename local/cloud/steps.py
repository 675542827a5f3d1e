"""What `cloud-test` tries of a stack, step by step. Each step says what it saw, or raises.

Steps make clients, campaigns and tasks of the caller, and delete them again.
"""

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from atelier.store import keys
from local.cloud.api import Api
from local.cloud.deployed import Deployed
from local.cloud.redrive import redrive
from local.cloud.updates import update
from local.errors import LocalError

HANDS: Final = 8  # children are created by so many at once
TASK_SECONDS: Final = 120.0
CLEANUP_SECONDS: Final = 1800.0
# In form it is a key, and CloudFront will not take it: the update fails after it has begun.
NO_KEY: Final = f"-----BEGIN PUBLIC KEY-----\n{'A' * 392}\n-----END PUBLIC KEY-----\n"


class Failed(LocalError):
    """A step did not see what it should have seen."""


class Skipped(LocalError):
    """A step cannot be tried of this stack; the text says why."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried: a stack, its API, how long a job takes and how many children are deleted."""

    stack: Deployed
    api: Api
    job_seconds: int = 600
    children: int = 5000


def routes(trial: Trial) -> str:
    """The API has every route of the document, the open ones without a token."""
    document = trial.api.call("GET", "/openapi.json")
    health = Api(trial.api.url).call("GET", "/health")
    return f"{len(document['paths'])} paths, version {health['version']}"


def tour(trial: Trial) -> str:
    """A client, a campaign, an image, and a delete that is true at once."""
    call = trial.api.call
    client = call("POST", "/clients", {"name": "Cloud test"}, status=201)
    campaign = call("POST", "/campaigns", {"client_id": client["id"], "name": "Tour", "goal": "Try"}, status=201)
    task = call("POST", "/generate/image", {"prompt": "A lighthouse", "campaign_id": campaign["id"]}, status=202)
    done = _finished(trial, task["id"], TASK_SECONDS)
    size = trial.api.fetch(done["outputs"][0]["url"])
    call("DELETE", f"/clients/{client['id']}", status=204)
    if call("GET", f"/tasks/{task['id']}")["client_id"] is not None:
        raise Failed("a task of a deleted client still names it")
    call("DELETE", f"/tasks/{task['id']}", status=204)
    return f"{done['served_by']} made {size} bytes"


def long_job(trial: Trial) -> str:
    """A job that is polled for many more rounds than Lambda lets a chain have by itself."""
    _need_sandbox(trial)
    asked = {"prompt": f"take:{trial.job_seconds}", "provider": "sandbox", "size": "64x64"}
    task = trial.api.call("POST", "/generate/image", asked, status=202)
    began = time.monotonic()
    _finished(trial, task["id"], trial.job_seconds + TASK_SECONDS)
    trial.api.call("DELETE", f"/tasks/{task['id']}", status=204)
    return f"done after {time.monotonic() - began:.0f} s of {trial.job_seconds}"


def large_delete(trial: Trial) -> str:
    """A delete of a client with thousands of campaigns: true at once, and cleaned up to the end."""
    call = trial.api.call
    client = call("POST", "/clients", {"name": "Many children"}, status=201)
    with ThreadPoolExecutor(HANDS) as hands:
        body = {"client_id": client["id"], "name": "Child", "goal": "Go"}
        list(hands.map(lambda _: call("POST", "/campaigns", body, status=201), range(trial.children)))
    began = time.monotonic()
    call("DELETE", f"/clients/{client['id']}", status=204)
    answered = time.monotonic() - began
    if left := call("GET", f"/campaigns?client_id={client['id']}")["total"]:
        raise Failed(f"{left} campaigns are shown after the delete")
    _cleaned_up(trial, int(client["user_id"]), client["id"])
    took = time.monotonic() - began
    _recount(trial, int(client["user_id"]))
    return f"{trial.children} campaigns; answered in {answered:.2f} s, cleaned up in {took:.0f} s, everything adds up"


def parameter_flip(trial: Trial) -> str:
    """A parameter's new value reaches the functions, and its old one does again."""
    _need_updates(trial)
    before = trial.stack.parameters.get("Sandbox", "off")
    after = "off" if before == "on" else "on"
    for value in (after, before):
        if (status := update(trial.stack, {"Sandbox": value})) != "UPDATE_COMPLETE":
            raise Failed(f"Sandbox={value}: {status}")
        if _has_sandbox(trial) != (value == "on"):
            raise Failed(f"Sandbox={value} is deployed, and the functions do not know")
    return f"Sandbox={after}, then {before}"


def failed_update(trial: Trial) -> str:
    """An update that fails on its way is rolled back, and the API answers as before."""
    _need_updates(trial)
    names = ("CdnPublicKey", "CdnSecondPublicKey")
    free = next((name for name in names if not trial.stack.parameters.get(name)), None)
    if free is None:
        raise Skipped("both places for CloudFront's keys are in use")
    changes = {free: NO_KEY}
    if not trial.stack.parameters.get("CdnKeySecret"):
        changes["CdnKeySecret"] = "arn:aws:secretsmanager:us-east-1:123456789012:secret:cloud-test-AbCdEf"
    if (status := update(trial.stack, changes)) != "UPDATE_ROLLBACK_COMPLETE":
        raise Failed(f"a key that CloudFront cannot take: {status}")
    return f"rolled back; then {tour(trial)}"


def relay_again(trial: Trial) -> str:
    """A record that was given up is relayed from its bucket, and starts nothing twice."""
    task = trial.api.call("POST", "/generate/image", {"prompt": "A buoy"}, status=202)
    _finished(trial, task["id"], TASK_SECONDS)
    key = keys.task(task["id"])
    at = {"PK": {"S": key.pk}, "SK": {"S": key.sk}}
    item = trial.stack.connect("dynamodb").get_item(TableName=trial.stack.output("TableName"), Key=at)["Item"]
    change = {"Keys": at, "NewImage": item, "SequenceNumber": "1", "StreamViewType": "NEW_AND_OLD_IMAGES"}
    record = {"eventID": task["id"], "eventName": "INSERT", "eventSource": "aws:dynamodb", "dynamodb": change}
    name = f"cloud-test/{datetime.now(UTC):%Y-%m-%dT%H.%M.%S}"
    body = json.dumps({"payload": json.dumps({"Records": [record]})})
    trial.stack.connect("s3").put_object(Bucket=trial.stack.output("RelayFailuresName"), Key=name, Body=body)
    if name not in [it.key for it in redrive(trial.stack)]:
        raise Failed("the batch was not relayed")
    time.sleep(5)  # for what it would start
    if (status := trial.api.call("GET", f"/tasks/{task['id']}")["status"]) != "succeeded":
        raise Failed(f"the task is {status} after its record was relayed again")
    trial.api.call("DELETE", f"/tasks/{task['id']}", status=204)
    return "one batch"


Step = Callable[[Trial], str]
STEPS: Final[tuple[Step, ...]] = (*(routes, tour, long_job, large_delete, parameter_flip, failed_update, relay_again),)


def run(trial: Trial) -> Iterator[tuple[str, str]]:
    """Every step with what it saw. Raises what the first one that fails raises."""
    for step in STEPS:
        try:
            yield step.__name__, step(trial)
        except Skipped as skipped:
            yield step.__name__, f"skipped: {skipped}"


def _finished(trial: Trial, task_id: str, seconds: float) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        task = trial.api.call("GET", f"/tasks/{task_id}")
        if task["status"] in ("failed", "canceled"):
            raise Failed(f"the task is {task['status']}: {task['error']}")
        if task["status"] == "succeeded":
            return task
        time.sleep(1)
    raise Failed(f"the task is still {task['status']} after {seconds:.0f} s")


def _cleaned_up(trial: Trial, account: int, client_id: str) -> None:
    table, key = trial.stack.connect("dynamodb"), keys.deletion(account, "client", client_id)
    at = {"PK": {"S": key.pk}, "SK": {"S": key.sk}}
    end = time.monotonic() + CLEANUP_SECONDS
    while "Item" in table.get_item(TableName=trial.stack.output("TableName"), Key=at, ConsistentRead=True):
        if time.monotonic() > end:
            raise Failed(f"the cleanup goes on after {CLEANUP_SECONDS:.0f} s")
        time.sleep(2)


def _recount(trial: Trial, account: int) -> None:
    function, payload = trial.stack.output("VerifyFunctionName"), json.dumps({"user_ids": [account]}).encode()
    said = json.loads(trial.stack.connect("lambda").invoke(FunctionName=function, Payload=payload)["Payload"].read())
    if not said.get("ok"):
        raise Failed(f"a recount finds {said.get('findings', said)}")


def _has_sandbox(trial: Trial) -> bool:
    providers = trial.api.call("GET", "/providers")
    return any(it["name"] == "sandbox" and it["configured"] for it in providers["items"])


def _need_sandbox(trial: Trial) -> None:
    if not _has_sandbox(trial):
        raise Skipped("the stack has no sandbox (Sandbox=on)")


def _need_updates(trial: Trial) -> None:
    if trial.stack.is_local:
        raise Skipped("the local run has no updates of its stack")
