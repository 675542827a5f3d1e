"""Settings from a function's environment variables."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Final

JWT: Final = "jwt"
PLACEHOLDER: Final = "placeholder"
NOWHERE: Final = "none"


@dataclass(frozen=True)
class Settings:
    """The settings of one function; what it is not given is empty."""

    table: str
    bucket: str
    generation_queue: str
    cascade_queue: str
    export_queue: str
    own_dynamodb_client: bool
    auth_mode: str
    role_claim: str
    sandbox: bool
    sandbox_prices: bool
    cascade_quiet_period: timedelta
    provider_queues: Mapping[str, str]
    callbacks: str | None
    fal_key_secret: str
    fal_queue_url: str
    fal_rest_url: str
    fal_api_url: str
    replicate_token_secret: str
    replicate_api_url: str
    aws_providers: bool
    bedrock_region: str
    cdn_url: str
    cdn_key_id: str
    cdn_key_secret: str
    webhook_delivery_queue: str
    import_queue: str
    asset_queue: str
    webhook_delivery_concurrency: int
    private_webhook_targets: bool
    safety_tolerance: int
    open_tasks_per_account: int
    tasks_per_hour_per_account: int
    safety_checker_optional: bool


@cache
def settings() -> Settings:
    """This function's settings, read once."""
    env = os.environ.get
    return Settings(
        table=env("TABLE_NAME", ""),
        bucket=env("MEDIA_BUCKET", ""),
        generation_queue=env("GENERATION_QUEUE_URL", ""),
        cascade_queue=env("CASCADE_QUEUE_URL", ""),
        export_queue=env("EXPORT_QUEUE_URL", ""),
        own_dynamodb_client=env("DYNAMODB_CLIENT", "own") == "own",
        auth_mode=env("AUTH_MODE", JWT),
        role_claim=env("ROLE_CLAIM", "cognito:groups"),
        sandbox=env("SANDBOX", "off") == "on",
        sandbox_prices=env("SANDBOX_PRICES", "none") == "list",
        cascade_quiet_period=timedelta(seconds=int(env("CASCADE_QUIET_PERIOD", "90"))),
        provider_queues=json.loads(env("PROVIDER_QUEUE_URLS", "{}")),
        callbacks=None if env("CALLBACK_URL", NOWHERE) == NOWHERE else env("CALLBACK_URL"),
        fal_key_secret=env("FAL_KEY_SECRET", ""),
        fal_queue_url=env("FAL_QUEUE_URL", ""),
        fal_rest_url=env("FAL_REST_URL", ""),
        fal_api_url=env("FAL_API_URL", ""),
        replicate_token_secret=env("REPLICATE_TOKEN_SECRET", ""),
        replicate_api_url=env("REPLICATE_API_URL", ""),
        aws_providers=env("AWS_PROVIDERS", "off") == "on",
        bedrock_region=env("BEDROCK_REGION", ""),
        cdn_url=env("CDN_URL", ""),
        cdn_key_id=env("CDN_KEY_ID", ""),
        cdn_key_secret=env("CDN_KEY_SECRET", ""),
        webhook_delivery_queue=env("WEBHOOK_DELIVERY_QUEUE_URL", ""),
        import_queue=env("IMPORT_QUEUE_URL", ""),
        asset_queue=env("ASSET_QUEUE_URL", ""),
        webhook_delivery_concurrency=int(env("WEBHOOK_DELIVERY_CONCURRENCY", "2")),
        private_webhook_targets=env("ALLOW_PRIVATE_WEBHOOK_TARGETS", "off") == "on",
        safety_tolerance=int(env("SAFETY_TOLERANCE", "2")),
        open_tasks_per_account=int(env("OPEN_TASKS_PER_ACCOUNT", "0")),
        tasks_per_hour_per_account=int(env("TASKS_PER_HOUR_PER_ACCOUNT", "0")),
        safety_checker_optional=env("SAFETY_CHECKER", "required") == "optional",
    )
