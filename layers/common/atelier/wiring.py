"""The composition root: dependencies of the functions, imported and built on first use, once per process.

Imports stand where they are needed, because a cold start pays for each: the functions of clients and campaigns never
load the pipeline, and who has no file to show never loads botocore (ADR 0017). tests/contract/test_budget.py counts.
"""

import os
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final

from atelier import VERSION
from atelier.settings import settings
from atelier.store.deadline import remaining
from atelier.store.dynamodb.client import connect, usual_region
from atelier.store.dynamodb.connections import CONNECT_SECONDS, READ_SECONDS
from atelier.store.dynamodb.replies import ATTEMPTS
from atelier.store.table import Database, Table
from atelier.telemetry import count

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from aws_lambda_powertools.utilities.parameters import SecretsProvider
    from botocore.awsrequest import AWSPreparedRequest
    from botocore.session import Session

    from atelier.domain.access import Access
    from atelier.domain.account import Account
    from atelier.domain.account_limits import AccountLimits
    from atelier.domain.campaigns import Campaign
    from atelier.domain.catalog import Catalog, Model
    from atelier.domain.clients import Client
    from atelier.domain.model_lines import ConfiguredModel
    from atelier.domain.params import SafetyPolicy
    from atelier.domain.pipeline import Pipeline
    from atelier.domain.provider import CallbackVerifier, Provider, Secret
    from atelier.domain.shares import ReceivedSharePage, ShareQuery
    from atelier.domain.sharing import Grant, Needs, SharedKind
    from atelier.domain.task_creation import GenerationContext
    from atelier.domain.webhook_delivery import WebhookDispatcher
    from atelier.providers.built_in_checks import BuiltInChecks
    from atelier.providers.catalogs import ProviderCatalog
    from atelier.providers.fal import Fal
    from atelier.providers.http import Http
    from atelier.providers.model_checks import ModelChecks
    from atelier.providers.replicate import Replicate
    from atelier.store.activity import ActivityLog
    from atelier.store.activity_reader import ActivityReader
    from atelier.store.asset_check import AssetCheck
    from atelier.store.asset_files import AssetFiles
    from atelier.store.asset_work import AssetWorker
    from atelier.store.assets import Assets
    from atelier.store.budget_alerts import BudgetAlerts
    from atelier.store.budgets import Budgets
    from atelier.store.callbacks import Callbacks
    from atelier.store.cascade import Cascade
    from atelier.store.circuit_breaker import CircuitBreakers
    from atelier.store.cloudfront import CloudFront
    from atelier.store.export_builder import ExportBuilder
    from atelier.store.exports import Exports
    from atelier.store.import_bucket import ImportBucket
    from atelier.store.importing import Importer, ReadRow, TellFailure
    from atelier.store.imports import Imports
    from atelier.store.input_files import InputBucket
    from atelier.store.ledger_reader import LedgerReader
    from atelier.store.media import MediaBucket
    from atelier.store.model_lines import ModelLines
    from atelier.store.queues import ProviderQueues, Queue
    from atelier.store.receivers import Receivers
    from atelier.store.resources import Resources
    from atelier.store.s3_urls import S3Urls
    from atelier.store.shares import Shares
    from atelier.store.sweep import Sweep
    from atelier.store.table_health import TableHealth
    from atelier.store.tasks import Tasks
    from atelier.store.users import Users
    from atelier.store.webhook_secrets import WebhookSecrets

# A call that hangs must leave time for another try within the function's timeout; see _patient_client as well.
_PATIENCE: Final = {
    "connect_timeout": CONNECT_SECONDS,
    "read_timeout": READ_SECONDS,
    "retries": {"mode": "standard", "total_max_attempts": ATTEMPTS},
}
_FILES: Final = {
    "connect_timeout": 2,
    "read_timeout": 20,
    "retries": {"mode": "standard"},
    "signature_version": "s3v4",
}
# What is paid for is asked for once. An image takes its time, and must still be stored before the worker's ends.
_PAID: Final = {
    "connect_timeout": 2,
    "read_timeout": 40,
    "retries": {"mode": "standard", "total_max_attempts": 1},
}
_SECRET_SECONDS: Final = 300


def _client(service: str, config: Mapping[str, Any], region: str | None = None) -> Any:
    # botocore's, which is what boto3.client makes as well, but without boto3's own imports.
    from botocore.config import Config

    return _session().create_client(service, config=Config(**config), region_name=region)


@cache
def _session() -> "Session":
    from botocore.session import get_session

    return get_session()


def _patient_client(service: str) -> Any:
    client = _client(service, _PATIENCE)
    client.meta.events.register("before-send", _before_the_deadline)
    return client


def _before_the_deadline(request: "AWSPreparedRequest", **_: object) -> None:
    # botocore's timeouts are fixed when a client is made, so a try that could outlast the deadline does not begin.
    if remaining() < CONNECT_SECONDS + READ_SECONDS:
        from botocore.exceptions import ConnectTimeoutError

        raise ConnectTimeoutError(endpoint_url=request.url, error="too close to the deadline")


def _paid_client(service: str, region: str | None = None) -> Any:
    client = _client(service, _PAID, region)
    client.meta.events.register("before-send", _on_a_connection_of_its_own)
    return client


def _on_a_connection_of_its_own(request: "AWSPreparedRequest", **_: object) -> None:
    # One that was kept and has died meanwhile would leave open whether a paid request was heard.
    request.headers["Connection"] = "close"


@cache
def _sqs() -> Any:
    return _patient_client("sqs")


@cache
def _s3() -> Any:
    return _client("s3", _FILES)


@cache
def dynamodb() -> Database:
    """The DynamoDB client; the only seam between the stores and the network."""
    ours = connect(os.environ) if settings().own_dynamodb_client else None
    client: Database = ours or _patient_client("dynamodb")
    return client


def disconnect() -> None:
    """Close connections that may be dead, as they are in a process restored from a snapshot."""
    for client in (dynamodb, _sqs, _s3):
        if client.cache_info().currsize:
            client().close()


@cache
def table() -> Table:
    """The table."""
    return Table(dynamodb(), settings().table, on_retry=partial(count, "WriteConflictRetries"))


@cache
def table_health() -> "TableHealth":
    """Whether the table answers."""
    from atelier.store.table_health import TableHealth

    return TableHealth(table())


@cache
def users() -> "Users":
    """The store of user numbers."""
    from atelier.store.users import Users

    return Users(table())


@cache
def clients() -> "Resources[Client]":
    """The store of clients."""
    from atelier.domain.clients import Client, ClientPage
    from atelier.store.resources import Resources

    return Resources(table(), "client", Client, ClientPage)


@cache
def campaigns() -> "Resources[Campaign]":
    """The store of campaigns."""
    from atelier.domain.campaigns import Campaign, CampaignPage
    from atelier.store.resources import Resources

    return Resources(table(), "campaign", Campaign, CampaignPage)


@cache
def assets() -> "Assets":
    """The store of assets."""
    from atelier.store.assets import Assets

    return Assets(table())


@cache
def asset_files() -> "AssetFiles":
    """The files of assets."""
    from atelier.store.asset_files import AssetFiles

    return AssetFiles(_s3(), settings().bucket)


@cache
def asset_queue() -> "Queue":
    """The asset queue."""
    from atelier.store.queues import Queue

    return Queue(_sqs(), settings().asset_queue)


@cache
def asset_check() -> "AssetCheck":
    """What checks the files of assets. It needs the media layer."""
    from atelier.store.asset_check import CHECKER, AssetCheck

    return AssetCheck(assets(), asset_files(), CHECKER)


@cache
def asset_worker() -> "AssetWorker":
    """The worker of assets."""
    from atelier.store.asset_work import AssetWorker

    return AssetWorker(table(), assets(), asset_files(), asset_check(), asset_queue())


@cache
def imports() -> "Imports":
    """The store of imports."""
    from atelier.store.imports import Imports

    return Imports(table())


@cache
def import_bucket() -> "ImportBucket":
    """The files of imports."""
    from atelier.store.import_bucket import ImportBucket

    return ImportBucket(_s3(), settings().bucket)


@cache
def import_queue() -> "Queue":
    """The import queue."""
    from atelier.store.queues import Queue

    return Queue(_sqs(), settings().import_queue)


def importer(read: "ReadRow", tell: "TellFailure", clock: "Callable[[], datetime]") -> "Importer":
    """What carries out imports."""
    from atelier.domain.imports import ImportType
    from atelier.store.importing import Importer

    stores: dict[ImportType, Resources[Any]] = {ImportType.CLIENTS: clients(), ImportType.CAMPAIGNS: campaigns()}
    return Importer(table(), imports(), import_bucket(), import_queue(), stores, read, tell, clock)


@cache
def shares(kind: "SharedKind") -> "Shares":
    """The store of the shares and invitations of a kind of resource."""
    from atelier.store.shares import Shares

    return Shares(table(), kind)


def received_shares(query: "ShareQuery", *, access: "Access") -> "ReceivedSharePage":
    """A page of what was shared with the actor."""
    from atelier.store.shares import received_shares

    return received_shares(table(), query, access=access)


@cache
def tasks() -> "Tasks":
    """The store of tasks."""
    from atelier.store.tasks import Tasks

    return Tasks(table(), account_limits)  # which only those ask who create tasks


@cache
def ledger_reader() -> "LedgerReader":
    """The ledger, for reports."""
    from atelier.store.ledger_reader import LedgerReader

    return LedgerReader(table())


def access_to(account: int | None, *, access: "Access", needs: "Needs") -> "Access":
    """The access to a whole account, the actor's own (None) or one that was shared. Raises NotFound and Forbidden."""
    if account in (None, access.account):
        return access
    from atelier.store.received import reach_account

    return reach_account(table(), account, access=access, needs=needs)


def grants_of(account: int | None, *, access: "Access") -> "tuple[Grant, ...] | None":
    """What of an account was shared with the actor; None for the actor's own. Raises NotFound."""
    if account in (None, access.account):
        return None
    from atelier.store.received import grants_of

    return grants_of(table(), account, access=access)


@cache
def activity_log() -> "ActivityLog":
    """The activity log, to be written."""
    from atelier.store.activity import ActivityLog

    return ActivityLog(table())


@cache
def activity_reader() -> "ActivityReader":
    """The activity log, to be read."""
    from atelier.store.activity_reader import ActivityReader

    return ActivityReader(table())


@cache
def account_limits() -> "AccountLimits":
    """The limits of each account."""
    from atelier.domain.account_limits import AccountLimits

    return AccountLimits(settings().open_tasks_per_account, settings().tasks_per_hour_per_account)


def account(number: int, *, now: "datetime") -> "Account":
    """An account, what is used of its limits, and its budget."""
    from atelier.store.account import account_of

    return account_of(table(), number, account_limits(), now=now)


def private_webhooks() -> bool:
    """Whether webhooks may be sent to private addresses, as in a local run."""
    return settings().private_webhook_targets


@cache
def budgets() -> "Budgets":
    """The store of budgets."""
    from atelier.store.budgets import Budgets

    return Budgets(table(), {"client": clients(), "campaign": campaigns()})


@cache
def budget_alerts() -> "BudgetAlerts":
    """The alerts of budgets."""
    from atelier.store.budget_alerts import BudgetAlerts

    return BudgetAlerts(table())


@cache
def media() -> "MediaBucket":
    """The media bucket."""
    from atelier.store.media import MediaBucket

    return MediaBucket(_s3(), settings().bucket)


@cache
def input_bucket() -> "InputBucket":
    """The input files of tasks, for the worker."""
    from atelier.store.input_files import InputBucket

    def sign(key: str, task_id: str) -> str:
        return _media_urls()(key, task_id)

    return InputBucket(_s3(), settings().bucket, load=tasks().present_inputs, sign=sign)


class MediaUrls:
    """Signed media URLs, from CloudFront where there is a distribution.

    Most answers have no URL in them, so what signs is made for the first one.
    """

    def url(self, key: str) -> str:
        """A URL for the file of this key, which works for a while."""
        return _media_urls()(key)


@cache
def media_urls() -> MediaUrls:
    """The signer of media URLs."""
    return MediaUrls()


@cache
def _media_urls() -> "CloudFront | S3Urls":
    return _cdn() if settings().cdn_url else _s3_urls()


def _s3_urls(life: "timedelta | None" = None, window: "timedelta | None" = None) -> "S3Urls":
    from atelier.domain.tasks.record import URL_LIFE, URL_WINDOW
    from atelier.store.dynamodb.credentials import credentials_of
    from atelier.store.s3_urls import S3Urls

    bucket, region = settings().bucket, usual_region(os.environ)
    if region and not (os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")):
        base = f"https://{bucket}.s3.{region}.amazonaws.com"
    else:
        base, region = f"{_s3().meta.endpoint_url}/{bucket}", _s3().meta.region_name
    return S3Urls(base, region, credentials_of(os.environ), life=life or URL_LIFE, window=window or URL_WINDOW)


def _cdn() -> "CloudFront":
    from atelier.store.cloudfront import CloudFront

    ours = settings()
    return CloudFront(ours.cdn_url, ours.cdn_key_id, _secret(ours.cdn_key_secret))


@cache
def generation_queue() -> "ProviderQueues":
    """The generation queues, one per provider."""
    from atelier.store.queues import ProviderQueues

    return ProviderQueues(_sqs(), settings().generation_queue, settings().provider_queues)


@cache
def cascade_queue() -> "Queue":
    """The cascade queue."""
    from atelier.store.queues import Queue

    return Queue(_sqs(), settings().cascade_queue)


@cache
def cascade() -> "Cascade":
    """The engine of the referential actions."""
    from atelier.store.cascade import Cascade

    return Cascade(table(), cascade_queue(), quiet_period=settings().cascade_quiet_period)


@cache
def exports() -> "Exports":
    """The store of exports."""
    from atelier.store.exports import Exports

    return Exports(table())


@cache
def export_queue() -> "Queue":
    """The export queue."""
    from atelier.store.queues import Queue

    return Queue(_sqs(), settings().export_queue)


def export_url(key: str) -> str:
    """A signed URL of an archive. It never comes from CloudFront, which has media only."""
    return _export_urls()(key)


@cache
def _export_urls() -> Callable[[str], str]:
    from datetime import timedelta

    from atelier.domain.exports import URL_LIFE

    second = timedelta(seconds=1)  # signatures are dated by the second
    return _s3_urls(life=URL_LIFE - second, window=second)


@cache
def export_builder() -> "ExportBuilder":
    """The worker of exports."""
    from atelier.store.export_builder import ExportBuilder

    return ExportBuilder(exports(), export_queue(), _s3(), settings().bucket, model_id)


@cache
def sweep() -> "Sweep":
    """The sweep of overdue work."""
    from atelier.store.sweep import Sweep

    return Sweep(
        table(),
        generation=generation_queue(),
        cascade=cascade_queue(),
        deliveries=webhook_delivery_queue(),
        imports=import_queue(),
        exports=export_queue(),
        assets=asset_queue(),
    )


@cache
def callbacks() -> "Callbacks":
    """The callbacks of providers that have been passed on."""
    from atelier.store.callbacks import Callbacks

    return Callbacks(table())


@cache
def circuit_breakers() -> "CircuitBreakers":
    """The circuit breakers of the providers."""
    from atelier.store.circuit_breaker import CircuitBreakers

    return CircuitBreakers(table())


# ------------------------------------------------------------------------------------------------- the providers


# A new provider is a file in `providers/` and its rows here.


@cache
def catalog() -> "Catalog":
    """The built-in models of all providers, configured or not, with what this deployment allows of their parameters."""
    return models().under(_safety())


@cache
def offered() -> "Catalog":
    """The same, with those that operators have added, which are read when they are asked for."""
    return catalog().with_added(lambda: model_lines().models())


@cache
def _safety() -> "SafetyPolicy":
    from atelier.domain.params import SafetyPolicy

    ours = settings()
    return SafetyPolicy(ours.safety_tolerance, ours.safety_checker_optional)


@cache
def model_lines() -> "ModelLines":
    """The lines of the catalog that operators have added."""
    from atelier.domain.catalog import under
    from atelier.store.model_lines import ModelLines

    return ModelLines(table(), _derived, lambda model: under(model, _safety()))


def _derived(record: "ConfiguredModel", text: str | None) -> "Model":
    if text is None:
        from atelier.providers.like import model_like

        return model_like(record, built_in_models())
    from atelier.providers.model_checks import derived_of_text

    return derived_of_text(record, text)


def model_checks() -> "ModelChecks":
    """The check of lines against what the configured providers publish."""
    from atelier.providers.model_checks import ModelChecks

    return ModelChecks(model_lines(), _provider_catalogs())


def built_in_checks() -> "BuiltInChecks":
    """The check of built-in models against what the configured providers publish."""
    from atelier.providers.built_in_checks import BuiltInChecks
    from atelier.store.watched_models import WatchedModels

    return BuiltInChecks(WatchedModels(table()), _provider_catalogs(), built_in_models())


def _provider_catalogs() -> "dict[str, ProviderCatalog]":
    """What the configured providers publish of their models."""
    from atelier.providers.catalogs import FalCatalog, ReplicateCatalog

    ours = settings()
    catalogs: Mapping[str, Callable[[], ProviderCatalog]] = {
        "fal": lambda: FalCatalog(http(), key=_secret(ours.fal_key_secret), api_url=ours.fal_api_url),
        "replicate": lambda: ReplicateCatalog(
            http(), token=_secret(ours.replicate_token_secret), api_url=ours.replicate_api_url
        ),
    }
    keys = {"fal": ours.fal_key_secret, "replicate": ours.replicate_token_secret}
    return {name: made() for name, made in catalogs.items() if keys[name]}


@cache
def models() -> "Catalog":
    """The models of all providers, as these offer them."""
    from atelier.domain.catalog import Catalog

    return Catalog(built_in_models(), sandbox_prices=settings().sandbox_prices)


def built_in_models() -> "tuple[Model, ...]":
    """The models of all providers that a release has."""
    from atelier.providers import bedrock, fal, polly, replicate, sandbox

    return (*sandbox.MODELS, *fal.MODELS, *replicate.MODELS, *bedrock.MODELS, *polly.MODELS)


def model_id(provider: str, name: str) -> str:
    """The id of a provider's model by any of its names. The first call loads the adapters: the models are with them."""
    return models().id_of(provider, name)


def configured() -> tuple[str, ...]:
    """The configured providers; the sandbox is one where it is switched on."""
    ours = settings()
    asked_for = {
        "sandbox": ours.sandbox,
        "fal": ours.fal_key_secret,
        "replicate": ours.replicate_token_secret,
        "bedrock": ours.aws_providers,
        "polly": ours.aws_providers,
    }
    return tuple(name for name, is_asked_for in asked_for.items() if is_asked_for)


@cache
def providers() -> "dict[str, Provider]":
    """The configured providers by name."""
    adapters: Mapping[str, Callable[[], Provider]] = {
        "sandbox": _sandbox,
        "fal": _fal,
        "replicate": _replicate,
        "bedrock": _bedrock,
        "polly": _polly,
    }
    return {name: adapters[name]() for name in configured()}


@cache
def callback_verifier(provider: str) -> "CallbackVerifier | None":
    """The verifier of a provider's callbacks; None when it has none or is not configured."""
    reporters: Mapping[str, Callable[[], CallbackVerifier]] = {"fal": _fal, "replicate": _replicate}
    return reporters[provider]() if provider in reporters and provider in configured() else None


def _sandbox() -> "Provider":
    from atelier.providers.sandbox import Sandbox

    return Sandbox(costs=None) if settings().sandbox_prices else Sandbox()


def _fal() -> "Fal":
    from atelier.providers.fal import Fal

    ours = settings()
    return Fal(
        http(),
        queue_url=ours.fal_queue_url,
        rest_url=ours.fal_rest_url,
        api_url=ours.fal_api_url,
        key=_secret(ours.fal_key_secret),
    )


def _replicate() -> "Replicate":
    from atelier.providers.replicate import Replicate

    return Replicate(http(), api_url=settings().replicate_api_url, token=_secret(settings().replicate_token_secret))


def _bedrock() -> "Provider":
    from atelier.providers.bedrock import Bedrock

    runtime = _paid_client("bedrock-runtime", settings().bedrock_region or None)
    return Bedrock(runtime, _s3(), settings().bucket)


def _polly() -> "Provider":
    from atelier.providers.polly import Polly

    return Polly(_paid_client("polly"), _s3(), settings().bucket)


@cache
def http() -> "Http":
    """The adapters' HTTP client."""
    from atelier.providers.http import Http, transport

    return Http(transport())


@cache
def _secrets() -> "SecretsProvider":
    from aws_lambda_powertools.utilities.parameters import SecretsProvider

    return SecretsProvider(boto3_client=_patient_client("secretsmanager"))


def _secret(name: str) -> "Secret":
    return lambda: str(_secrets().get(name, max_age=_SECRET_SECONDS)).strip()


@cache
def generation_context() -> "GenerationContext":
    """What task creation depends on."""
    from atelier.domain.task_creation import GenerationContext

    return GenerationContext(offered(), configured(), private_webhooks=settings().private_webhook_targets)


@cache
def pipeline() -> "Pipeline":
    """The generation pipeline."""
    from atelier.domain.pipeline import Pipeline

    return Pipeline(
        tasks(),
        generation_queue(),
        media(),
        providers(),
        circuit_breakers(),
        catalog(),
        input_bucket(),
        settings().callbacks,
        lambda line: model_lines().version(line),
    )


@cache
def webhook_delivery_queue() -> "Queue":
    """The webhook delivery queue."""
    from atelier.store.queues import Queue

    return Queue(_sqs(), settings().webhook_delivery_queue)


@cache
def webhook_secrets() -> "WebhookSecrets":
    """The store of the secrets that sign outgoing webhooks."""
    from atelier.store.webhook_secrets import WebhookSecrets

    return WebhookSecrets(table())


@cache
def webhook_dispatcher() -> "WebhookDispatcher":
    """The webhook dispatcher."""
    from atelier.domain.webhook_delivery import WebhookDispatcher
    from atelier.store.webhook_client import WebhookClient

    sender = WebhookClient(f"Atelier-Webhooks/{VERSION}", private=settings().private_webhook_targets)
    queue = webhook_delivery_queue()
    return WebhookDispatcher(tasks(), budget_alerts(), webhook_secrets(), sender, queue, receivers())


@cache
def receivers() -> "Receivers":
    """The circuit breakers of receivers, and the share of each account: half of what is delivered at once."""
    from atelier.store.receivers import Receivers

    return Receivers(table(), share=max(1, settings().webhook_delivery_concurrency // 2))
