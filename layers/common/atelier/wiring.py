"""The composition root: what a function works with, built when first asked for and once per process."""

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from atelier.domain.generation import Pipeline
from atelier.domain.models import SANDBOX
from atelier.domain.provider import Provider
from atelier.settings import settings
from atelier.store.campaigns import Campaigns
from atelier.store.cascade import Cascade
from atelier.store.clients import Clients
from atelier.store.media import MediaBucket
from atelier.store.queues import Queue
from atelier.store.table import Table
from atelier.store.tasks import Tasks

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# A call that hangs must leave time for another try within the function's timeout.
_PATIENCE = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
_FILES = Config(connect_timeout=2, read_timeout=20, retries={"mode": "standard"}, signature_version="s3v4")


def _client(service: str, config: Config) -> Any:
    return boto3.client(service, config=config)  # type: ignore[call-overload]


@cache
def dynamodb() -> "DynamoDBClient":
    """The DynamoDB client; the only seam between the stores and the network."""
    client: DynamoDBClient = _client("dynamodb", _PATIENCE)
    return client


@cache
def table() -> Table:
    """The table."""
    return Table(dynamodb(), settings().table)


@cache
def clients() -> Clients:
    """The store of clients."""
    return Clients(table())


@cache
def campaigns() -> Campaigns:
    """The store of campaigns."""
    return Campaigns(table())


@cache
def tasks() -> Tasks:
    """The store of tasks."""
    return Tasks(table())


@cache
def media() -> MediaBucket:
    """Our own storage of generated files."""
    return MediaBucket(_client("s3", _FILES), settings().bucket)


@cache
def generation_queue() -> Queue:
    """Where the next step of a generation waits."""
    return Queue(_client("sqs", _PATIENCE), settings().generation_queue)


@cache
def cascade_queue() -> Queue:
    """Where clean-ups wait."""
    return Queue(_client("sqs", _PATIENCE), settings().cascade_queue)


@cache
def cascade() -> Cascade:
    """The engine of the referential actions."""
    return Cascade(table(), cascade_queue(), grace=settings().grace)


def configured() -> tuple[str, ...]:
    """The providers that really generate here. The sandbox is one where the deployment asked for it."""
    return (SANDBOX,) if settings().sandbox else ()


@cache
def providers() -> dict[str, Provider]:
    """The configured providers by name."""
    from atelier.providers.sandbox.provider import Sandbox  # noqa: PLC0415 - its encoders are not deployed everywhere

    return {SANDBOX: Sandbox()} if settings().sandbox else {}


@cache
def pipeline() -> Pipeline:
    """What the worker works with."""
    return Pipeline(tasks(), generation_queue(), media(), providers())
