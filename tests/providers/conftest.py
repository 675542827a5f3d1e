"""Tests of the adapters over real HTTP, against fakes on loopback; no other address can be reached."""

import logging
from collections.abc import Iterator

import pytest
import urllib3
from pytest_socket import socket_allow_hosts

from atelier.providers.fal import Fal
from atelier.providers.http import Http
from atelier.providers.replicate import Replicate
from tests.support.aws_harness import AwsHarness, aws_harness
from tests.support.aws_media import AwsMedia
from tests.support.fal_server import FalServer
from tests.support.replicate_server import ReplicateServer


def pytest_runtest_setup() -> None:
    """Allow loopback and nothing else; pytest-socket lifts it again after each test."""
    socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)


@pytest.fixture(autouse=True)
def heard(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What adapters log is captured, also after Powertools has set up our logger, which hands nothing on."""
    log = logging.getLogger("atelier.providers")
    log.addHandler(caplog.handler)
    with caplog.at_level(logging.INFO, logger=log.name):
        yield
    log.removeHandler(caplog.handler)


@pytest.fixture
def http() -> Iterator[Http]:
    """The client of the adapters, less patient than in production."""
    with urllib3.PoolManager() as pool:
        yield Http(pool, patience=urllib3.Timeout(connect=2, read=1.5))


@pytest.fixture
def fal_server() -> Iterator[FalServer]:
    with FalServer(slow=2) as server:
        yield server


@pytest.fixture
def fal(http: Http, fal_server: FalServer) -> Fal:
    url = fal_server.url
    return Fal(http, key=lambda: fal_server.key, queue_url=url, rest_url=url, api_url=f"{url}/v1")


@pytest.fixture(scope="module")
def harness() -> Iterator[AwsHarness]:
    """AWS as far as Bedrock and Polly need it."""
    with aws_harness() as made:
        yield made


@pytest.fixture
def books(harness: AwsHarness) -> AwsMedia:
    """What AWS has noted, of this test only."""
    harness.empty()
    return harness.server.aws


@pytest.fixture
def replicate_server() -> Iterator[ReplicateServer]:
    with ReplicateServer(slow=2) as server:
        yield server


@pytest.fixture
def replicate(http: Http, replicate_server: ReplicateServer) -> Replicate:
    return Replicate(http, token=lambda: replicate_server.token, api_url=replicate_server.api_url)
