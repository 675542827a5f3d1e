"""Which providers the local run really asks: what the environment of `make run` says, in the template's terms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from local.environment import LOOPBACK

# The variable, and the template's parameter for the secret that it becomes in the emulator's Secrets Manager.
KEYS: Final = {"FAL_KEY": "FalKeySecret", "REPLICATE_API_TOKEN": "ReplicateTokenSecret"}
ADDRESSES: Final = ("FAL_QUEUE_URL", "FAL_REST_URL", "FAL_API_URL", "REPLICATE_API_URL", "CALLBACK_URL")
AWS_ADDRESSES: Final = ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ENDPOINT_URL_POLLY")


@dataclass(frozen=True, slots=True)
class Providers:
    """Parameters of the template, the secrets whose ARNs are others of them, and variables for the functions.

    `near` says that a provider runs on this machine, so that it can call back.
    """

    parameters: Mapping[str, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    near: bool = False


def from_environment(given: Mapping[str, str]) -> Providers:
    """What these variables configure; nothing when there are none."""
    keys = {name: given[name].strip() for name in KEYS if given.get(name, "").strip()}
    addresses = {name: given[name] for name in ADDRESSES if given.get(name)}
    of_aws = {name: given[name] for name in AWS_ADDRESSES if given.get(name)}
    return Providers(
        # That there will be an ARN decides what the template has, before there is one.
        parameters={KEYS[name]: "later" for name in keys} | ({"AwsProviders": "on"} if of_aws else {}),
        secrets={KEYS[name]: key for name, key in keys.items()},
        environment={**addresses, **of_aws},
        near=any(urlsplit(address).hostname in (LOOPBACK, "localhost") for address in addresses.values()),
    )
