"""The client: one method per operation, and when a request is tried again."""

import base64
import json
import random
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from atelier.store.deadline import remaining
from atelier.store.dynamodb.connections import Connections, Sent, StaleConnection
from atelier.store.dynamodb.credentials import Credentials, Environment, credentials_of
from atelier.store.dynamodb.replies import ATTEMPTS, Answer, is_transient, parse_reply
from atelier.store.dynamodb.signature import Signer

ROOTS: Final = Path(__file__).with_name("amazon-roots.pem")
"""The certificates that all of AWS is signed below (Amazon Trust Services), out of botocore's own bundle. To read the
whole bundle takes as long as dozens of requests."""

_LEFT_TO_BOTOCORE: Final = (
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
)


def connect(environment: Environment) -> "DynamoDB | None":
    """A client for this environment, or None where botocore's has to be used.

    These are: behind a proxy, for FIPS and dual-stack endpoints, and outside the partitions aws and aws-us-gov.
    """
    region = usual_region(environment)
    if region is None:
        return None
    url = environment.get("AWS_ENDPOINT_URL_DYNAMODB") or environment.get("AWS_ENDPOINT_URL")
    return DynamoDB(
        url or f"https://dynamodb.{region}.amazonaws.com",
        region=region,
        credentials=credentials_of(environment),
        authorities=environment.get("AWS_CA_BUNDLE") or str(ROOTS),
    )


def usual_region(environment: Environment) -> str | None:
    """The region, where AWS's endpoints have their usual names; None where botocore has to say what they are."""
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION", "")
    elsewhere = not region or region.startswith(("cn-", "us-iso", "eu-isoe-", "eusc-"))
    return None if elsewhere or any(environment.get(name) for name in _LEFT_TO_BOTOCORE) else region


class DynamoDB:
    """The client. Its answers are botocore's, except that binary values stay base64 text, which `wire.deserialized`
    decodes: looking for them here would take a tenth of the time of a list. Raises ClientError and botocore's
    connection errors.
    """

    def __init__(
        self,
        url: str,
        *,
        region: str,
        credentials: Credentials,
        authorities: str = str(ROOTS),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._signer = Signer(url, region, credentials)
        self._connections = Connections(url, authorities)
        self._sleep = sleep

    def get_item(self, **request: Any) -> Answer:
        """GetItem."""
        return self._call("GetItem", request)

    def batch_get_item(self, **request: Any) -> Answer:
        """BatchGetItem."""
        return self._call("BatchGetItem", request)

    def query(self, **request: Any) -> Answer:
        """Query."""
        return self._call("Query", request)

    def put_item(self, **request: Any) -> Answer:
        """PutItem."""
        return self._call("PutItem", request)

    def update_item(self, **request: Any) -> Answer:
        """UpdateItem."""
        return self._call("UpdateItem", request)

    def delete_item(self, **request: Any) -> Answer:
        """DeleteItem."""
        return self._call("DeleteItem", request)

    def batch_write_item(self, **request: Any) -> Answer:
        """BatchWriteItem."""
        return self._call("BatchWriteItem", request)

    def transact_write_items(self, **request: Any) -> Answer:
        """TransactWriteItems."""
        return self._call("TransactWriteItems", request)

    def close(self) -> None:
        """Close all connections; the next call opens a new one."""
        self._connections.close()

    def begin(self, operation: str, **request: Any) -> "InFlightRequest":
        """Send a request (`GetItem`, ...) and read its answer later; other requests may be in flight meanwhile."""
        body = json.dumps(request, default=_base64).encode()
        try:
            return InFlightRequest(self, operation, body, self._send(operation, body))
        except (ClientError, BotoCoreError) as failure:
            return InFlightRequest(self, operation, body, failure)

    def _call(self, operation: str, request: Mapping[str, Any]) -> Answer:
        body = json.dumps(request, default=_base64).encode()
        return self.process(operation, body, lambda: self._send(operation, body))

    def process(self, operation: str, body: bytes, first: Callable[[], "Sent"]) -> Answer:
        """The answer to a request whose first attempt is `first`. Raises ClientError and botocore's errors."""
        sent, attempt = first, 0
        while True:
            try:
                return parse_reply(operation, sent().receive(), retries=attempt)
            except (ClientError, BotoCoreError) as failure:
                attempt += 1
                # A connection that was kept too long says nothing about DynamoDB's health.
                is_stale = isinstance(failure, StaleConnection)
                pause = 0.0 if is_stale else random.random() * 2 ** (attempt - 1)  # noqa: S311 - a pause is no secret
                if attempt == ATTEMPTS or not is_transient(failure) or pause >= remaining():
                    raise
                if not is_stale:
                    self._sleep(pause)
            sent = partial(self._send, operation, body)

    def _send(self, operation: str, body: bytes) -> "Sent":
        return self._connections.send(self._signer.headers(operation, body, time.gmtime()), body)


class InFlightRequest:
    """A request that was sent, or could not be."""

    def __init__(self, client: DynamoDB, operation: str, body: bytes, first: "Sent | Exception") -> None:
        self._client, self._operation, self._body, self._first = client, operation, body, first

    def answer(self) -> Answer:
        """The answer, after the usual retries. Raises ClientError and botocore's connection errors."""
        return self._client.process(self._operation, self._body, self._sent)

    def drop(self) -> None:
        """Discard the answer; the connection is closed."""
        if isinstance(self._first, Sent):
            self._first.drop()

    def _sent(self) -> "Sent":
        if isinstance(self._first, Exception):
            raise self._first
        return self._first


def _base64(value: object) -> str:
    # The only values of a request that JSON has no word for.
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} cannot be sent")
