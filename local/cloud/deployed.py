"""A running stack: its outputs, and clients of the AWS services that it uses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local import deployment, verifying
from local.errors import LocalError

Connect = Callable[[str], Any]


class NotDeployed(LocalError):
    """There is no such stack, or it cannot be asked."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A stack by its name, its outputs, its parameters, and how AWS's services are reached (`connect("s3")`)."""

    name: str
    outputs: Mapping[str, str]
    parameters: Mapping[str, str]
    connect: Connect
    is_local: bool = False

    def output(self, name: str) -> str:
        """An output. Raises NotDeployed for a stack of an older template, which does not have it."""
        if name not in self.outputs:
            raise NotDeployed(f"the stack {self.name} has no output {name}; deploy it anew")
        return self.outputs[name]


def on_aws(name: str) -> Deployed:
    """A stack in the account and region of the environment's credentials. Raises NotDeployed."""

    def connect(service: str) -> Any:
        return boto3.client(service)  # type: ignore[call-overload]

    return _described(name, connect, is_local=False)


def on_this_machine(port: int) -> Deployed:
    """The stack that `make run` serves at this port. Raises NotRunning."""
    endpoint = verifying.endpoint_of(port)
    local = _described(deployment.STACK, lambda service: deployment.client(service, endpoint), is_local=True)
    outputs = {**local.outputs, "ApiUrl": f"http://127.0.0.1:{port}/api/v3"}
    return Deployed(local.name, outputs, local.parameters, local.connect, is_local=True)


def _described(name: str, connect: Connect, *, is_local: bool) -> Deployed:
    try:
        (stack,) = connect("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except (BotoCoreError, ClientError) as refused:
        raise NotDeployed(f"the stack {name} cannot be asked: {refused}") from refused
    outputs = {it["OutputKey"]: it["OutputValue"] for it in stack.get("Outputs", [])}
    parameters = {it["ParameterKey"]: it["ParameterValue"] for it in stack.get("Parameters", [])}
    return Deployed(name, outputs, parameters, connect, is_local)
