"""The environment variables of functions under test."""

from typing import Final

ENVIRONMENT: Final = {
    "TABLE_NAME": "atelier",
    "MEDIA_BUCKET": "media",
    "GENERATION_QUEUE_URL": "generation",
    "PROVIDER_QUEUE_URLS": "{}",
    "CASCADE_QUEUE_URL": "cascade",
    "WEBHOOK_DELIVERY_QUEUE_URL": "deliveries",
    "AUTH_MODE": "placeholder",
    "SANDBOX": "on",
    "CASCADE_QUIET_PERIOD": "90",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "POWERTOOLS_LOG_LEVEL": "CRITICAL",
}
