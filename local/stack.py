"""The whole project, running here: for `python -m local run` and for the end-to-end tests."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from local import deployment, template, verifying, warming
from local.emulator import Emulator, emulator
from local.issuer import Issuer
from local.providers import Providers

PROJECT: Final = Path(__file__).parent.parent

# How the template's parameters differ from a real deployment's: nobody logs in (unless there is an issuer), the sandbox
# stands in for providers, who could not call back here, and webhooks may go to this machine.
PARAMETERS: Final[Mapping[str, str]] = {
    "AuthMode": "placeholder",
    "Sandbox": "on",
    "CallbackUrl": "none",
    "AllowPrivateWebhookTargets": "on",
}
NOBODY: Final = Providers()


@dataclass(frozen=True, slots=True)
class Stack:
    """A running project."""

    url: str
    """Where the API is: `http://127.0.0.1:<port>`."""
    endpoint: str
    """Where AWS clients find the emulator."""
    outputs: Mapping[str, str]
    """The outputs of template.yaml."""
    log: Path
    """What the emulator itself had to say. Gone when the stack is."""
    invocations: Path
    """One JSON line for each finished invocation of a function. Gone when the stack is."""
    emulator: Emulator

    def client(self, service: str) -> Any:
        """A boto3 client of the emulator."""
        return deployment.client(service, self.endpoint)


@contextmanager
def start(
    *,
    port: int = 0,
    parameters: Mapping[str, str] | None = None,
    environment: Mapping[str, str] | None = None,
    providers: Providers = NOBODY,
    issuer: Issuer | None = None,
    project: Path = PROJECT,
) -> Iterator[Stack]:
    """The project as its files are now, ready to be used, for as long as the context lasts.

    `parameters` go over the local run's own, `environment` into every function that declares the variable; a name
    that the template does not know is an error. Port 0 is any free one. With an `issuer`, the API asks for its
    tokens.
    """
    believed = issuer.parameters if issuer else {}
    values = {**PARAMETERS, **providers.parameters, **believed, **(parameters or {})}
    variables = {**providers.environment, **(environment or {})}
    # The plan takes as long as the emulator takes to start, so they are made at the same time.
    with ThreadPoolExecutor(max_workers=1) as aside:
        planned = aside.submit(deployment.plan, project, parameters=values, environment=variables)
        with emulator(port=port) as running:
            plan = planned.result().with_layers_in(running.home / "layers")
            plan = plan.with_parameters(deployment.keep_secrets(providers.secrets, running.endpoint))
            if template.declares(plan.template, "MEDIA_ORIGINS"):
                plan = plan.with_environment({"MEDIA_ORIGINS": running.endpoint})
            if providers.near:
                plan = plan.with_parameters({"CallbackUrl": f"{running.url}/api/v3/webhooks"})
            outputs = deployment.deploy(plan, running.endpoint)
            warming.warm_api(plan, running.endpoint, token=issuer.token("viewer", "viewer") if issuer else None)
            running.open()
            warming.warm_consumers(plan, running.endpoint)
            named = {"function": outputs["VerifyFunctionName"], "table": outputs["TableName"]}
            verifying.leave_note(running.log.parent, url=running.url, endpoint=running.endpoint, **named)
            yield Stack(running.url, running.endpoint, outputs, running.log, running.invocations, running)
