"""The environment variables of functions under test, and what is cached of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from unittest import mock

from atelier import settings, wiring

ENVIRONMENT: Final = {
    "TABLE_NAME": "atelier",
    "MEDIA_BUCKET": "media",
    "GENERATION_QUEUE_URL": "generation",
    "PROVIDER_QUEUE_URLS": "{}",
    "CASCADE_QUEUE_URL": "cascade",
    "EXPORT_QUEUE_URL": "exports",
    "WEBHOOK_DELIVERY_QUEUE_URL": "deliveries",
    "IMPORT_QUEUE_URL": "imports",
    "ASSET_QUEUE_URL": "assets",
    "AUTH_MODE": "placeholder",
    "SANDBOX": "on",
    "CASCADE_QUIET_PERIOD": "90",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
}


@contextmanager
def fresh_wiring(environment: Mapping[str, str]) -> Iterator[None]:
    """Nothing is cached that was made in another environment, and nothing of this one afterwards."""
    with mock.patch.dict("os.environ", environment):
        clear_caches()
        yield
    clear_caches()


def clear_caches() -> None:
    """Forget the settings and whatever was made from them."""
    for cached in [*vars(wiring).values(), settings.settings]:
        if hasattr(cached, "cache_clear"):
            cached.cache_clear()
