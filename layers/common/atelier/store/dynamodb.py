"""Our short way to DynamoDB: the seven calls that this project makes, answered as botocore's client answers them.

botocore is made for every service of AWS. To import it and to make its client takes as long as all else in a cold
start, and most of a warm request is spent in its layers (ADR 0017 has the numbers). Here a request is one JSON text,
one signature and one round trip on a kept connection. What callers see is the same: requests, answers, errors, when it
is tried again, which credentials. Tests hold all of that against botocore itself.

This is the only module that goes around botocore. `SHORTCUTS=off` brings botocore's client back, and so does an
environment that this one does not know its way in: see `connect`.
"""

import base64
import hashlib
import hmac
import json
import random
import select
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache, partial
from http import HTTPStatus
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import urlsplit

from botocore.exceptions import (
    BotoCoreError,
    ChecksumError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)
from botocore.exceptions import ConnectionError as LostConnectionError
from pydantic_core import from_json

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

Answer = dict[str, Any]
Environment = Mapping[str, str]

# As wiring.py has it for every other client: a call that hangs must leave time for another try.
CONNECT_SECONDS: Final = 2
READ_SECONDS: Final = 5
ATTEMPTS: Final = 3

ROOTS: Final = Path(__file__).with_name("amazon-roots.pem")
"""The certificates that all of AWS is signed below (Amazon Trust Services), out of botocore's own bundle. To read the
whole bundle takes as long as dozens of requests."""

_TRANSIENT_STATUS: Final = {500, 502, 503, 504}
_TRANSIENT_CODES: Final = {
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "SlowDown",
    "Throttling",
    "ThrottledException",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
}
"""What botocore's standard mode tries again; tests/providers/test_dynamodb.py compares."""

_OTHERS_KNOW_THE_WAY: Final = (
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "HTTP_PROXY",
    "http_proxy",
    "HTTPS_PROXY",
    "https_proxy",
)


class Keys(NamedTuple):
    """Credentials that stay, in the form of botocore's."""

    access_key: str
    secret_key: str
    token: str | None = None


Credentials = Callable[[], "Keys | ReadOnlyCredentials"]
"""Whose requests these are, asked before each."""


class Reply(NamedTuple):
    """What came back over HTTP."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def connect(environment: Environment) -> "DynamoDB | None":
    """A client for this environment, or None where botocore knows more of the way than we do.

    That is behind a proxy, for FIPS and dual-stack endpoints, and outside the partitions aws and aws-us-gov.
    """
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION", "")
    elsewhere = not region or region.startswith(("cn-", "us-iso", "eu-isoe-", "eusc-"))
    if elsewhere or any(environment.get(name) for name in _OTHERS_KNOW_THE_WAY):
        return None
    url = environment.get("AWS_ENDPOINT_URL_DYNAMODB") or environment.get("AWS_ENDPOINT_URL")
    return DynamoDB(
        url or f"https://dynamodb.{region}.amazonaws.com",
        region=region,
        credentials=credentials_of(environment),
        authorities=environment.get("AWS_CA_BUNDLE") or str(ROOTS),
    )


def credentials_of(environment: Environment) -> Credentials:
    """Whose requests these are: the environment's keys, or else whatever botocore finds, and renews when it is time.

    Raises NoCredentialsError when there are none.
    """
    if environment.get("AWS_ACCESS_KEY_ID"):
        keys = Keys(
            environment["AWS_ACCESS_KEY_ID"],
            environment["AWS_SECRET_ACCESS_KEY"],
            environment.get("AWS_SESSION_TOKEN") or None,
        )
        return lambda: keys
    return _credentials_that_end()


def _credentials_that_end() -> Credentials:
    # SnapStart has no keys in the environment: they would be in the snapshot. Its imports are, and cost nothing then.
    from botocore.exceptions import NoCredentialsError  # noqa: PLC0415
    from botocore.session import get_session  # noqa: PLC0415

    found = get_session().get_credentials()
    if found is None:
        raise NoCredentialsError
    return found.get_frozen_credentials


class DynamoDB:
    """The client. Answers are botocore's, but that binary values stay the text that JSON has for them, which
    `wire.deserialized` reads: to look for them takes as long as a tenth of a list. Raises ClientError and its kin.
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

    def transact_write_items(self, **request: Any) -> Answer:
        """TransactWriteItems."""
        return self._call("TransactWriteItems", request)

    def close(self) -> None:
        """Let go of all connections; the next call makes a new one."""
        self._connections.close()

    def begin(self, operation: str, **request: Any) -> "Begun":
        """Send a request (`GetItem`, ...) whose answer is asked for later; others can be on their way meanwhile."""
        body = json.dumps(request, default=_base64).encode()
        try:
            return Begun(self, operation, body, self._send(operation, body))
        except (ClientError, BotoCoreError) as failure:
            return Begun(self, operation, body, failure)

    def _call(self, operation: str, request: Mapping[str, Any]) -> Answer:
        body = json.dumps(request, default=_base64).encode()
        return self.process(operation, body, lambda: self._send(operation, body))

    def process(self, operation: str, body: bytes, first: Callable[[], "Sent"]) -> Answer:
        """The answer to a request, of which `first` is the first try. Raises ClientError and its kin."""
        sent, attempt = first, 0
        while True:
            try:
                return _understood(operation, sent().receive(), retries=attempt)
            except (ClientError, BotoCoreError) as failure:
                attempt += 1
                if attempt == ATTEMPTS or not _is_transient(failure):
                    raise
                # A connection that was kept too long says nothing about DynamoDB's health.
                if not isinstance(failure, _StaleConnection):
                    self._sleep(random.random() * 2 ** (attempt - 1))  # noqa: S311 - a pause is no secret
            sent = partial(self._send, operation, body)

    def _send(self, operation: str, body: bytes) -> "Sent":
        return self._connections.send(self._signer.headers(operation, body, time.gmtime()), body)


class Begun:
    """A request that was sent, or could not be."""

    def __init__(self, client: DynamoDB, operation: str, body: bytes, first: "Sent | Exception") -> None:
        self._client, self._operation, self._body, self._first = client, operation, body, first

    def answer(self) -> Answer:
        """Its answer, after as many tries as any other request gets. Raises ClientError and its kin."""
        return self._client.process(self._operation, self._body, self._sent)

    def drop(self) -> None:
        """Nobody wants to know any more."""
        if isinstance(self._first, Sent):
            self._first.drop()

    def _sent(self) -> "Sent":
        if isinstance(self._first, Exception):
            raise self._first
        return self._first


# --------------------------------------------------------------------------------------------------------- signature


class Signer:
    """The headers of a request, with AWS's signature, version 4."""

    def __init__(self, url: str, region: str, credentials: Credentials) -> None:
        parts = urlsplit(url)
        self._host = parts.netloc
        self._path = parts.path or "/"
        self._region = region
        self._credentials = credentials

    def headers(self, operation: str, body: bytes, now: time.struct_time) -> dict[str, str]:
        """Everything that is sent above the body. What is signed is in the order of the alphabet, as it must be."""
        keys = self._credentials()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", now)
        signed = {
            "content-type": "application/x-amz-json-1.0",
            "host": self._host,
            "x-amz-date": stamp,
            **({"x-amz-security-token": keys.token} if keys.token else {}),
            "x-amz-target": f"DynamoDB_20120810.{operation}",
        }
        names = ";".join(signed)
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        canonical = f"POST\n{self._path}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{stamp[:8]}/{self._region}/dynamodb/aws4_request"
        said = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(_signing_key(keys.secret_key, stamp[:8], self._region), said.encode(), "sha256").hex()
        proof = f"Credential={keys.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        return {**signed, "authorization": f"AWS4-HMAC-SHA256 {proof}"}


@lru_cache(maxsize=2)
def _signing_key(secret: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, "dynamodb", "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


# ------------------------------------------------------------------------------------------------------- connections


class _StaleConnection(ConnectionClosedError):
    """A kept connection had died."""


class Connection(NamedTuple):
    """One connection, and what is read from it."""

    socket: socket.socket
    reader: IO[bytes]

    def close(self) -> None:
        """End it."""
        self.reader.close()
        self.socket.close()


class Connections:
    """Connections to one host, kept after use. Threads may share them."""

    def __init__(self, url: str, authorities: str) -> None:
        parts = urlsplit(url)
        self._url = url
        self._host = parts.hostname or ""
        self._context = ssl.create_default_context(cafile=authorities) if parts.scheme == "https" else None
        self._port = parts.port or (443 if self._context else 80)
        self._path = parts.path or "/"
        self._idle: list[Connection] = []

    def send(self, headers: Mapping[str, str], body: bytes) -> "Sent":
        """Send a request, whose reply is to be read. Raises botocore's errors for all that can go wrong on the way."""
        kept = self._take()
        connection = kept or self._opened()
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {self._path} HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n"
        with self._in_botocores_words(connection, kept=kept is not None):
            connection.socket.sendall(head.encode("ascii") + body)
        return Sent(self, connection, kept=kept is not None)

    def receive(self, connection: Connection, *, kept: bool) -> Reply:
        """Read the reply to what was sent. Raises botocore's errors, as `send`."""
        with self._in_botocores_words(connection, kept=kept):
            reply = _read(connection.reader)
        if reply.headers.get("connection", "").lower() == "close":
            connection.close()
        else:
            self._idle.append(connection)
        return reply

    def close(self) -> None:
        """Let go of those that are not in use."""
        while (connection := self._take()) is not None:
            connection.close()

    def _take(self) -> Connection | None:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if _is_silent(connection):
                return connection
            connection.close()

    def _opened(self) -> Connection:
        try:
            made = socket.create_connection((self._host, self._port), CONNECT_SECONDS)
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made = self._context.wrap_socket(made, server_hostname=self._host) if self._context else made
        except TimeoutError as failure:
            raise ConnectTimeoutError(endpoint_url=self._url, error=failure) from failure
        except ssl.SSLError as failure:
            raise SSLError(endpoint_url=self._url, error=failure) from failure
        except OSError as failure:
            raise EndpointConnectionError(endpoint_url=self._url, error=failure) from failure
        made.settimeout(READ_SECONDS)
        return Connection(made, made.makefile("rb"))

    @contextmanager
    def _in_botocores_words(self, connection: Connection, *, kept: bool) -> Iterator[None]:
        try:
            yield
        except TimeoutError as failure:
            connection.close()
            raise ReadTimeoutError(endpoint_url=self._url, error=failure) from failure
        except ConnectionError as failure:
            connection.close()
            raise (_StaleConnection if kept else ConnectionClosedError)(
                endpoint_url=self._url, error=failure
            ) from failure
        except (OSError, ValueError) as failure:
            connection.close()
            raise HTTPClientError(error=failure) from failure
        except BaseException:
            connection.close()
            raise


class Sent:
    """A request on its way."""

    def __init__(self, connections: Connections, connection: Connection, *, kept: bool) -> None:
        self._connections, self._connection, self._kept = connections, connection, kept

    def receive(self) -> Reply:
        """The reply. Raises botocore's errors for all that can go wrong on its way."""
        return self._connections.receive(self._connection, kept=self._kept)

    def drop(self) -> None:
        """Nobody wants to know any more."""
        self._connection.close()


def _read(reader: IO[bytes]) -> Reply:
    """A reply, as DynamoDB sends it: with its length. Raises ConnectionError when there is none, or only a part.

    http.client reads what any server may send, and takes longer for it than DynamoDB's client for all the rest.
    """
    version, _, status = reader.readline().partition(b" ")
    headers = {}
    for line in iter(reader.readline, b"\r\n"):
        name, colon, value = line.decode("latin-1").partition(":")
        if not colon:
            raise ConnectionResetError("It ended within the headers.")
        headers[name.lower()] = value.strip()
    if version != b"HTTP/1.1" or "content-length" not in headers:
        raise ValueError("This is not how DynamoDB answers.")
    content = reader.read(length := int(headers["content-length"]))
    if len(content) < length:
        raise ConnectionResetError("It ended within the body.")
    return Reply(int(status[:3]), headers, content)


def _is_silent(connection: Connection) -> bool:
    # Nobody speaks on a connection that is idle but to say that it is over.
    poll = select.poll()
    poll.register(connection.socket, select.POLLIN)
    return not poll.poll(0)


# ----------------------------------------------------------------------------------------------------------- answers


def _understood(operation: str, reply: Reply, *, retries: int) -> Answer:
    """The answer. Raises ClientError for a refusal, ChecksumError for a damaged one."""
    status, headers, content = reply
    wanted, found = headers.get("x-amz-crc32"), str(zlib.crc32(content))
    if wanted is not None and wanted != found:
        raise ChecksumError(checksum_type="crc32", expected_checksum=wanted, actual_checksum=found)
    about: Answer = {"HTTPStatusCode": status, "HTTPHeaders": headers, "RetryAttempts": retries}
    if "x-amzn-requestid" in headers:
        about["RequestId"] = headers["x-amzn-requestid"]
    if status != HTTPStatus.OK:
        refusal = _refusal(status, content)
        if retries + 1 == ATTEMPTS and _passes(status, refusal["Error"]["Code"]):
            about["MaxAttemptsReached"] = True
        raise ClientError({**refusal, "ResponseMetadata": about}, operation)  # type: ignore[typeddict-item]
    try:
        return {**_object(content), "ResponseMetadata": about}
    except ValueError as failure:
        raise HTTPClientError(error=failure) from failure


def _object(content: bytes) -> Answer:
    """The object of a JSON text. Raises ValueError for anything else."""
    found = from_json(content)
    if not isinstance(found, dict):
        raise ValueError("It is no object.")
    return found


def _refusal(status: int, content: bytes) -> Answer:
    """The code, the message, and what a refused condition or transaction tells beside them."""
    try:
        told = _object(content)
    except ValueError:
        # Not DynamoDB's: whoever is in between speaks HTML, or says nothing.
        told = {"message": content.decode(errors="replace") if status < 500 else _phrase(status)}  # noqa: PLR2004
    code = str(told.get("__type", status)).partition(":")[0].rpartition("#")[2]
    message = told.get("message") or told.get("Message", "")
    more = {name: value for name, value in told.items() if name in ("Item", "CancellationReasons")}
    return {"Error": {"Code": code, "Message": message}} | more


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else ""


def _is_transient(failure: Exception) -> bool:
    if isinstance(failure, ClientError):
        response = failure.response
        return _passes(response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"])
    return isinstance(failure, LostConnectionError | HTTPClientError | ChecksumError)


def _passes(status: int, code: str) -> bool:
    return status in _TRANSIENT_STATUS or code in _TRANSIENT_CODES


def _base64(value: object) -> str:
    # The only values of a request that JSON has no word for.
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} cannot be sent")
