"""Every function is given the variables that it reads and no others: watched while it handles its golden events.

Everything that a deployment can switch on is on: all providers and a CloudFront distribution.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final
from unittest import mock

import boto3
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from atelier import settings, wiring
from atelier.domain.model_lines import UnknownModel
from atelier.domain.pipeline_ports import GenerationMessage
from atelier.domain.webhook_delivery import WebhookDelivery
from atelier.providers.catalogs import FalCatalog
from atelier.providers.fal import Fal
from atelier.providers.replicate import Replicate
from atelier.settings import Settings
from atelier.store import keys
from atelier.store.callbacks import Callbacks
from atelier.store.table import Write
from atelier.store.webhook_client import WebhookClient
from testbed.environment import fresh_wiring
from testbed.harness import BUCKET, Harness, harness
from testbed.lambda_events import sqs_record
from testbed.template import template
from tests.contract.sources import FUNCTIONS
from tests.contract.test_template import functions
from tests.integration.builders import a_finished_task
from tests.support.golden import NEW_ASSET, PICTURE, ROWS, event, saved, seed

THEN: Final = datetime(2026, 1, 31, 12, 5, tzinfo=UTC)
SHARED: Final[Mapping[str, Any]] = template()["Globals"]["Function"]["Environment"]["Variables"]
# Read by the packages that they belong to.
FOR_OTHERS: Final = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_LOG_LEVEL", "PYDANTIC_DISABLE_PLUGINS"}
QUEUES: Final = {
    name: getattr(wiring, name)
    for name in (
        *("generation_queue", "cascade_queue", "export_queue", "import_queue", "webhook_delivery_queue"),
        "asset_queue",
    )
}
VALUES: Final = {"7", '{"a": "b"}'}.union(
    *(map(str, parameter.get("AllowedValues", [])) for parameter in template()["Parameters"].values())
)
"""Something for a variable of any type: a number, an object, and every word that a parameter may be."""
NOWHERE: Final = "http://127.0.0.1:9"
EVERYTHING: Final = {
    "FAL_KEY_SECRET": "key",
    "FAL_QUEUE_URL": NOWHERE,
    "FAL_REST_URL": NOWHERE,
    "FAL_API_URL": NOWHERE,
    "REPLICATE_TOKEN_SECRET": "key",
    "REPLICATE_API_URL": NOWHERE,
    "AWS_PROVIDERS": "on",
    "CDN_URL": "https://cdn.example",
    "CDN_KEY_ID": "K123",
    "CDN_KEY_SECRET": "key",
}


def own(function: str) -> set[str]:
    """The variables that the template gives this function alone."""
    return set(functions()[function].get("Environment", {}).get("Variables", {}))


@cache
def variables() -> dict[str, str]:
    """The variable behind each field of the settings: the one that changes it."""
    asked = mock.Mock(side_effect=lambda _, default=None: default)
    with mock.patch("os.environ", mock.Mock(get=asked)):
        settings.settings.__wrapped__()
    names = {call.args[0] for call in asked.call_args_list}
    return {field: name for name in names for field in changed_by(name)}


def changed_by(name: str) -> set[str]:
    """The fields that some value of a variable changes."""
    usual, changed = asdict(read({})), set()
    for value in VALUES:
        try:
            found = asdict(read({name: value}))
        except ValueError:
            continue  # not of the type that this variable has
        changed |= {field for field in usual if found[field] != usual[field]}
    return changed


def read(environment: Mapping[str, str]) -> Settings:
    """The settings of this environment alone."""
    with mock.patch.dict("os.environ", environment, clear=True):
        return settings.settings.__wrapped__()


@dataclass
class Deployment:
    """A harness where everything is switched on, with a task that has files."""

    harness: Harness
    finished: str
    also_finished: str
    uploaded: str
    exported: str
    asset: str
    edit: str
    found: dict[str, set[str]] = field(default_factory=dict)

    def read_by(self, function: str) -> set[str]:
        """The variables that a function reads while it handles everything that it is given.

        In both modes of access, and with URLs of the distribution and of the bucket.
        """
        if function not in self.found:
            found = self._read_by(function, self.finished, AUTH_MODE="jwt")
            found |= self._read_by(function, self.finished, AUTH_MODE="placeholder")
            if "CDN_URL" in own(function):
                found |= self._read_by(function, self.also_finished, AUTH_MODE="placeholder", CDN_URL="")
            self.found[function] = found
        return self.found[function]

    def _read_by(self, function: str, finished: str, **environment: str) -> set[str]:
        # A report that is awaited goes on to the queue; the golden event's own task awaits none.
        awaited = mock.patch.object(Callbacks, "accept", return_value=1)
        with fresh_wiring(environment), awaited, watched() as fields:
            for each in self._events(function, finished):
                self.harness.invoke(function, each)
        return {name for each, name in variables().items() if each in fields}

    def _events(self, function: str, finished: str) -> Iterator[dict[str, Any]]:
        for name in sorted(each for each in saved() if each.startswith(f"{function}.")):
            sent = event(name)
            if "requestContext" in sent and "authorizer" not in sent["requestContext"]:
                sent["requestContext"]["authorizer"] = {"jwt": {"claims": CLAIMS, "scopes": None}}
            yield sent
        yield from self._further_events(finished).get(function, ())

    def _further_events(self, finished: str) -> dict[str, list[dict[str, Any]]]:
        """What it takes besides to have a function read everything."""
        edit = GenerationMessage(task_id=self.edit, user_id=1, step=None)
        delivery = WebhookDelivery(user_id=1, task_id=finished)
        requests = {
            "tasks.get_result": f"/api/v3/tasks/{finished}/result",
            "imports.start": f"/api/v3/imports/{self.uploaded}/start",
            "assets.get_asset": f"/api/v3/assets/{self.asset}",
            "asset_checks.complete_asset": f"/api/v3/assets/{self.asset}/complete",
            "exports.get_export": f"/api/v3/exports/{self.exported}",
            "callbacks.fal": "/api/v3/webhooks/replicate",
        }
        return {
            **{name.partition(".")[0]: [at(event(name), path)] for name, path in requests.items()},
            "worker": [{"Records": [sqs_record(edit.model_dump_json())]}],
            "webhook_delivery": [{"Records": [sqs_record(delivery.model_dump_json())]}],
        }


CLAIMS: Final = {"iss": "https://id.example", "sub": "ann", "cognito:groups": "[admin]"}


def at(sent: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The same request at another path."""
    moved = copy.deepcopy(dict(sent))
    moved["rawPath"] = moved["requestContext"]["http"]["path"] = path
    return moved


@contextmanager
def watched() -> Iterator[set[str]]:
    """The fields of the settings that are read meanwhile."""
    seen: set[str] = set()

    def reading(self: Settings, name: str) -> Any:
        seen.add(name)
        return object.__getattribute__(self, name)

    with mock.patch.object(Settings, "__getattribute__", reading):
        yield seen


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with harness() as made:
        made.now = THEN
        seed(THEN)
        # Each is told of once.
        finished, also = (a_finished_task(made, webhook_url="https://receiver.example/hooks")["id"] for _ in range(2))
        uploaded = made.call("POST", "/imports", json.loads(event("imports.create")["body"])).json["id"]
        boto3.client("s3").put_object(Bucket=BUCKET, Key=f"imports/1/{uploaded}", Body=ROWS)
        asset = made.call("POST", "/assets", NEW_ASSET).json["id"]
        boto3.client("s3").put_object(Bucket=BUCKET, Key=f"uploads/1/{asset}", Body=PICTURE)
        assert made.call("POST", f"/assets/{asset}/complete").status == 200
        exported = made.call("POST", "/exports", {"task_ids": [finished]}).json["id"]
        while made.export():
            pass
        inputs = [{"role": "reference", "task_id": finished, "output": 0}]
        edit = made.call("POST", "/generate/edit", {"prompt": "In a storm", "inputs": inputs}).json["id"]
        by_fal = {"provider": "fal", "served_by": "fal", "model": "fal-ai/nano-banana-2/edit"}
        wiring.table().write(Write(keys.task(edit), set=by_fal))
        pem = generate_private_key(65537, 2048).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        boto3.client("secretsmanager").create_secret(Name="key", SecretString=pem.decode())
        queues = {f"{name.upper()}_URL": _queue(name) for name in QUEUES}
        with (
            mock.patch.dict("os.environ", EVERYTHING | queues),
            mock.patch.multiple(wiring, **QUEUES),
            mock.patch.object(WebhookClient, "post", return_value=204),
            mock.patch.object(Fal, "verified_job", return_value="job-1"),
            mock.patch.object(Replicate, "verified_job", return_value="job-1"),
            mock.patch.object(FalCatalog, "snapshot", side_effect=UnknownModel("Nobody has it.")),
        ):
            yield Deployment(made, finished, also, uploaded, exported, asset, edit)


def _queue(name: str) -> str:
    return str(boto3.client("sqs").create_queue(QueueName=name)["QueueUrl"])


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_given_the_variables_that_it_reads(deployment: Deployment, function: str) -> None:
    needed = deployment.read_by(function)
    assert needed <= SHARED.keys() | own(function)
    assert own(function) <= needed, "A variable that nobody reads."


def test_variables_of_all_functions_are_read(deployment: Deployment) -> None:
    needed = set().union(*map(deployment.read_by, FUNCTIONS))
    assert SHARED.keys() - needed == FOR_OTHERS


def test_every_field_of_the_settings_has_one_variable() -> None:
    fields = [field for name in {*variables().values()} for field in changed_by(name)]
    assert sorted(fields) == sorted(asdict(read({})))


def test_watching_finds_what_is_read(deployment: Deployment) -> None:
    assert deployment.read_by("clients") == {"TABLE_NAME", "DYNAMODB_CLIENT", "AUTH_MODE", "ROLE_CLAIM"}
    cascade = {"TABLE_NAME", "DYNAMODB_CLIENT", "CASCADE_QUEUE_URL", "CASCADE_QUIET_PERIOD"}
    assert deployment.read_by("cascade") == cascade
    assert {"FAL_QUEUE_URL", "REPLICATE_TOKEN_SECRET", "CALLBACK_URL", "SANDBOX"} < deployment.read_by("worker")
