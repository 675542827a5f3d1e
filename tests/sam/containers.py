"""`sam local` as these tests use it: functions in containers, with an AWS that the emulator plays."""

import json
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest import mock

import boto3
from botocore import UNSIGNED
from botocore.config import Config

from atelier import settings, wiring
from local import template, tools
from local.engine import Engine
from testbed.template import create_table
from tests.e2e.conftest import eventually
from tests.support.golden import event as golden

TABLE: Final = "atelier"
QUEUES: Final = {
    "generation": "GENERATION_QUEUE_URL",
    "cascade": "CASCADE_QUEUE_URL",
    "exports": "EXPORT_QUEUE_URL",
    "deliveries": "WEBHOOK_DELIVERY_QUEUE_URL",
    "imports": "IMPORT_QUEUE_URL",
    "assets": "ASSET_QUEUE_URL",
}
"""The queues of an account, and the variables that name them."""
# A name of this machine, because the local run serves no other; in a container it leads to the engine's gateway.
EMULATOR: Final = "emulator.localhost"


@dataclass(frozen=True)
class Containers:
    """Where functions are run. `endpoint` is the emulator as seen from here, `address` as seen from a container."""

    engine: Engine
    template: Path
    endpoint: str
    address: str

    def command(self, *words: str) -> list[str]:
        """A call of `sam local`."""
        # Which layers a function has depends on parameters, whatever its variables are overridden with later.
        parameters = ["--parameter-overrides", f"Architecture={tools.HERE}", "Sandbox=on"]
        host = ["--add-host", f"{EMULATOR}:{self.engine.gateway}"]
        here = ["--template", str(self.template), *parameters, *host]
        return [tools.sam(), "local", *words, *here, *self.engine.options]

    def environment(self, account: str) -> dict[str, str]:
        """What SAM's command line sees; its credentials are also the functions'."""
        ours = {**tools.environment(), **self.engine.environment}
        return {**ours, **credentials(account), "AWS_ENDPOINT_URL": self.endpoint}

    @contextmanager
    def serving(self, command: str, account: str, variables: Path) -> Iterator[int]:
        """`sam local start-...`, with a container for each function that is asked for once and then kept; its port."""
        port = free_port()
        words = self.command(command, "--port", str(port), "--warm-containers", "LAZY", "--env-vars", str(variables))
        log = variables.with_suffix(".log")
        with log.open("w") as said:
            process = subprocess.Popen(words, env=self.environment(account), stdout=said, stderr=said)
            try:
                eventually(lambda: listens(port), f"it listens; {log.read_text()}")
                yield port
            finally:
                process.send_signal(signal.SIGINT)
                try:
                    process.wait(60)
                except subprocess.TimeoutExpired:
                    process.terminate()  # what a background shell started ignores SIGINT
                    process.wait(60)


@dataclass(frozen=True)
class Account:
    """An account of its own in the emulator, with a table, a bucket and queues: nobody else's events reach it."""

    number: str
    containers: Containers

    @property
    def variables(self) -> dict[str, str]:
        """What the template would tell the functions."""
        queues = {variable: self.queue(name, self.containers.address) for name, variable in QUEUES.items()}
        given = {"TABLE_NAME": TABLE, "MEDIA_BUCKET": f"media-{self.number}", "PROVIDER_QUEUE_URLS": "{}"}
        switches = {
            "AUTH_MODE": "placeholder",
            "SANDBOX": "on",
            "ALLOW_PRIVATE_WEBHOOK_TARGETS": "on",
            "CALLBACK_URL": "none",
        }
        return {**given, **queues, **switches}

    def queue(self, name: str, endpoint: str) -> str:
        """The address of one of its queues."""
        return f"{endpoint}/{self.number}/{name}"

    @contextmanager
    def here(self) -> Iterator[None]:
        """This process works with the account as a function would."""
        caches = [each for each in vars(wiring).values() if hasattr(each, "cache_clear")]
        seen = {**self.variables, **credentials(self.number), "AWS_ENDPOINT_URL": self.containers.endpoint}
        # boto3's own session would keep the credentials of the account before.
        with mock.patch.dict("os.environ", seen), mock.patch.object(boto3, "DEFAULT_SESSION", None):
            for cached in [*caches, settings.settings]:
                cached.cache_clear()
            yield
            wiring.disconnect()
        for cached in [*caches, settings.settings]:
            cached.cache_clear()

    def create(self) -> None:
        """Make its table, bucket and queues. To be called `here`."""
        create_table(boto3.client("dynamodb"), TABLE)
        boto3.client("s3").create_bucket(Bucket=self.variables["MEDIA_BUCKET"])
        for name in QUEUES:
            boto3.client("sqs").create_queue(QueueName=name)

    def remove(self) -> None:
        """Remove them with all that they hold. To be called `here`."""
        boto3.client("dynamodb").delete_table(TableName=TABLE)
        s3, bucket = boto3.client("s3"), self.variables["MEDIA_BUCKET"]
        for each in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
            s3.delete_object(Bucket=bucket, Key=each["Key"])
        s3.delete_bucket(Bucket=bucket)
        for name in QUEUES:
            boto3.client("sqs").delete_queue(QueueUrl=self.queue(name, self.containers.endpoint))

    def settings(self, folder: Path) -> Path:
        """A file of its variables, as SAM's command line takes it."""
        file = folder / "variables.json"
        file.write_text(json.dumps({"Parameters": {**self.variables, "AWS_ENDPOINT_URL": self.containers.address}}))
        return file

    def waiting(self, name: str) -> list[dict[str, Any]]:
        """The messages that wait in a queue. To be called `here`."""
        asked = boto3.client("sqs").receive_message(
            QueueUrl=self.queue(name, self.containers.endpoint), MaxNumberOfMessages=10
        )
        return [json.loads(message["Body"]) for message in asked.get("Messages", [])]

    def delayed(self, name: str) -> int:
        """How many messages of a queue are to be delivered later. To be called `here`."""
        asked = boto3.client("sqs").get_queue_attributes(
            QueueUrl=self.queue(name, self.containers.endpoint), AttributeNames=["ApproximateNumberOfMessagesDelayed"]
        )
        return int(asked["Attributes"]["ApproximateNumberOfMessagesDelayed"])

    def invoke(self, function: str, event: str, folder: Path) -> Any:
        """What the function answers to a golden event, by `sam local invoke`: in a container made for it."""
        sent, variables = folder / "event.json", self.settings(folder)
        sent.write_text(json.dumps(golden(event)))
        command = self.containers.command(
            "invoke", logical_id(function), "--event", str(sent), "--env-vars", str(variables)
        )
        ran = subprocess.run(
            command, env=self.containers.environment(self.number), capture_output=True, text=True, check=False
        )
        # It exits with 0 whatever the handler did, and says "null" or nothing where there is no answer.
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.strip(), ran.stderr
        return json.loads(ran.stdout)

    def invoke_again(self, function: str, event: str, port: int) -> Any:
        """The same by a server that keeps its containers (`sam local start-lambda`)."""
        unsigned = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}, read_timeout=120)
        server = boto3.client("lambda", endpoint_url=f"http://127.0.0.1:{port}", config=unsigned)
        answer = server.invoke(FunctionName=logical_id(function), Payload=json.dumps(golden(event)))
        said = answer["Payload"].read().decode()
        assert "FunctionError" not in answer, said
        return json.loads(said)


def credentials(account: str) -> dict[str, str]:
    """Credentials of an account of the emulator: the key's id is its number; signed URLs are checked by this secret."""
    return {"AWS_ACCESS_KEY_ID": account, "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": template.REGION}


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """Whether somebody listens on it."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def logical_id(function: str) -> str:
    """What template.yaml calls the function of a folder."""
    return f"{function.title().replace('_', '')}Function"


def with_endpoint(built: Path) -> Path:
    """The built template, with the one variable that `sam local` could not set otherwise: where AWS is."""
    changed = template.load(built)
    changed["Globals"]["Function"]["Environment"]["Variables"]["AWS_ENDPOINT_URL"] = ""
    read_together = built.with_name("with-endpoint.json")
    read_together.write_text(json.dumps(changed))
    return read_together


def functions_environment(stack_client: Any, names: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The variables of every deployed function, by logical id."""
    configured = {name: stack_client.get_function_configuration(FunctionName=real) for name, real in names.items()}
    return {name: each.get("Environment", {}).get("Variables", {}) for name, each in configured.items()}
