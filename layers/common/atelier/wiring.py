"""The composition root: what a function works with, built when first asked for and once per process."""

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

import boto3
from aws_lambda_powertools.utilities.parameters import SecretsProvider
from botocore.awsrequest import AWSPreparedRequest
from botocore.config import Config

from atelier import VERSION
from atelier.domain.generation import Pipeline
from atelier.domain.models import SANDBOX, Registry
from atelier.domain.notices import Herald
from atelier.domain.ordering import Desk
from atelier.domain.provider import Provider, Reporter, Secret
from atelier.providers import bedrock, fal, polly, replicate
from atelier.providers.http import Http, transport
from atelier.providers.sandbox import provider as sandbox
from atelier.settings import settings
from atelier.store.campaigns import Campaigns
from atelier.store.cascade import Cascade
from atelier.store.clients import Clients
from atelier.store.cloudfront import CloudFront
from atelier.store.health import ProviderHealth
from atelier.store.media import URL_LIFE, MediaBucket
from atelier.store.queues import Lanes, Queue
from atelier.store.sender import Sender
from atelier.store.table import Table
from atelier.store.tasks import Tasks
from atelier.store.users import Users
from atelier.store.webhook_secrets import WebhookSecrets
from atelier.telemetry import count

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# A call that hangs must leave time for another try within the function's timeout.
_PATIENCE = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 3})
_FILES = Config(connect_timeout=2, read_timeout=20, retries={"mode": "standard"}, signature_version="s3v4")

# What is paid for is asked for once. A picture takes its time, and must still be stored before the worker's ends.
_PAID = Config(connect_timeout=2, read_timeout=40, retries={"mode": "standard", "total_max_attempts": 1})
_SECRET_SECONDS: Final = 300


def _client(service: str, config: Config, region: str | None = None) -> Any:
    return boto3.client(service, config=config, region_name=region)  # type: ignore[call-overload]


def _paid_client(service: str, region: str | None = None) -> Any:
    client = _client(service, _PAID, region)
    client.meta.events.register("before-send", _on_a_connection_of_its_own)
    return client


def _on_a_connection_of_its_own(request: AWSPreparedRequest, **_: object) -> None:
    # One that was kept and has died meanwhile would leave open whether a paid request was heard.
    request.headers["Connection"] = "close"


@cache
def _sqs() -> Any:
    return _client("sqs", _PATIENCE)


@cache
def _s3() -> Any:
    return _client("s3", _FILES)


@cache
def dynamodb() -> "DynamoDBClient":
    """The DynamoDB client; the only seam between the stores and the network."""
    client: DynamoDBClient = _client("dynamodb", _PATIENCE)
    return client


@cache
def table() -> Table:
    """The table."""
    return Table(dynamodb(), settings().table, notice=partial(count, "ConflictsRetried"))


@cache
def users() -> Users:
    """Who is which user."""
    return Users(table())


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
    return MediaBucket(_s3(), settings().bucket)


@cache
def gallery() -> MediaBucket:
    """The same storage for those who show it: its URLs are CloudFront's where there is a distribution."""
    return MediaBucket(_s3(), settings().bucket, signer=_cdn() if settings().cdn_url else None)


def _cdn() -> Callable[[str], str]:
    ours = settings()
    return CloudFront(ours.cdn_url, ours.cdn_key_id, _secret(ours.cdn_key_secret), life=URL_LIFE)


@cache
def generation_queue() -> Lanes:
    """Where the next step of a generation waits, each provider's in its own lane."""
    return Lanes(_sqs(), settings().generation_queue, settings().lanes)


@cache
def cascade_queue() -> Queue:
    """Where clean-ups wait."""
    return Queue(_sqs(), settings().cascade_queue)


@cache
def cascade() -> Cascade:
    """The engine of the referential actions."""
    return Cascade(table(), cascade_queue(), grace=settings().grace)


@cache
def health() -> ProviderHealth:
    """The circuit breakers of the providers."""
    return ProviderHealth(table())


# ------------------------------------------------------------------------------------------------- the providers


# A new provider is a file in `providers/` and its rows here.


@cache
def registry() -> Registry:
    """The models of all providers, configured or not."""
    return Registry((*sandbox.MODELS, *fal.MODELS, *replicate.MODELS, *bedrock.MODELS, *polly.MODELS))


def configured() -> tuple[str, ...]:
    """The providers that really generate here. The sandbox is one where the deployment asked for it."""
    ours = settings()
    asked_for = {
        SANDBOX: ours.sandbox,
        "fal": ours.fal_key_secret,
        "replicate": ours.replicate_token_secret,
        "bedrock": ours.aws_providers,
        "polly": ours.aws_providers,
    }
    return tuple(name for name, is_asked_for in asked_for.items() if is_asked_for)


@cache
def providers() -> dict[str, Provider]:
    """The configured providers by name."""
    adapters: Mapping[str, Callable[[], Provider]] = {
        SANDBOX: sandbox.Sandbox,
        "fal": _fal,
        "replicate": _replicate,
        "bedrock": _bedrock,
        "polly": _polly,
    }
    return {name: adapters[name]() for name in configured()}


@cache
def reporter(provider: str) -> Reporter | None:
    """Whoever can tell that a callback is really this provider's; None when it has none or is not configured."""
    reporters: Mapping[str, Callable[[], Reporter]] = {"fal": _fal, "replicate": _replicate}
    return reporters[provider]() if provider in reporters and provider in configured() else None


def _fal() -> fal.Fal:
    ours = settings()
    return fal.Fal(
        http(),
        queue_url=ours.fal_queue_url,
        rest_url=ours.fal_rest_url,
        api_url=ours.fal_api_url,
        key=_secret(ours.fal_key_secret),
    )


def _replicate() -> replicate.Replicate:
    return replicate.Replicate(
        http(), api_url=settings().replicate_api_url, token=_secret(settings().replicate_token_secret)
    )


def _bedrock() -> Provider:
    runtime = _paid_client("bedrock-runtime", settings().bedrock_region or None)
    return bedrock.Bedrock(runtime, _s3(), settings().bucket)


def _polly() -> Provider:
    return polly.Polly(_paid_client("polly"), _s3(), settings().bucket)


@cache
def http() -> Http:
    """The one HTTP client of the adapters."""
    return Http(transport())


@cache
def _secrets() -> SecretsProvider:
    return SecretsProvider(boto3_client=_client("secretsmanager", _PATIENCE))


def _secret(name: str) -> Secret:
    return lambda: str(_secrets().get(name, max_age=_SECRET_SECONDS)).strip()


@cache
def desk() -> Desk:
    """What orders are taken with."""
    return Desk(registry(), configured(), private_webhooks=settings().private_webhooks)


@cache
def pipeline() -> Pipeline:
    """What the worker works with."""
    return Pipeline(tasks(), generation_queue(), media(), providers(), health(), registry(), settings().callbacks)


@cache
def notices_queue() -> Queue:
    """Where the next attempt to tell a receiver waits."""
    return Queue(_sqs(), settings().notices_queue)


@cache
def webhook_secrets() -> WebhookSecrets:
    """The store of the secrets that sign outgoing webhooks."""
    return WebhookSecrets(table())


@cache
def herald() -> Herald:
    """Who tells receivers that a task has ended."""
    sender = Sender(f"Atelier-Webhooks/{VERSION}", private=settings().private_webhooks)
    return Herald(tasks(), webhook_secrets(), sender, notices_queue())
