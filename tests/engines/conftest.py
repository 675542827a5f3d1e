"""The engines that are asked, each with the template's table, for a module of tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

import boto3
import pytest
from botocore.config import Config
from moto import mock_aws

from local.emulator import emulator
from testbed import dynoxide
from testbed.template import create_table
from tests.engines.questions import TABLE, Asked

# What one engine is asked is what another one is: botocore must not refuse it, nor ask again.
_AS_IT_IS: Final = Config(parameter_validation=False, retries={"total_max_attempts": 1})

Engines = Callable[[str], Asked]


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    """An engine by its name, started when it is first asked for, and a partition of its own for each question."""
    with ExitStack() as running:
        started: dict[str, Asked] = {}

        def engine(name: str) -> Asked:
            if name not in started:
                started[name] = _STARTS[name](running)
                create_table(started[name].dynamodb, TABLE)
            return Asked(started[name].dynamodb, started[name].streams)

        yield engine
        for each in started.values():
            each.dynamodb.close()
            each.streams.close()


def _moto(running: ExitStack) -> Asked:
    running.enter_context(mock_aws())
    return _clients(None)


def _dynoxide(running: ExitStack) -> Asked:
    try:
        return _clients(running.enter_context(dynoxide.running()))
    except dynoxide.Unavailable as reason:
        pytest.skip(str(reason))


def _ministack(running: ExitStack) -> Asked:
    return _clients(running.enter_context(emulator(port=0)).endpoint)


_STARTS: Final = {"moto": _moto, "ministack": _ministack, "dynoxide": _dynoxide}


def _clients(url: str | None) -> Asked:
    client: Any = partial(
        boto3.client,
        endpoint_url=url,
        config=_AS_IT_IS,
        region_name="us-east-1",
        aws_access_key_id="000000000000",
        aws_secret_access_key="test",
    )
    return Asked(client("dynamodb"), client("dynamodbstreams"))
