"""One POST to a caller's receiver, to a verified address only.

A name is resolved once, here. Only if all its addresses are public is one of them connected to, by its number: nobody
can answer the check with one address and the connection with another. The certificate must be the name's all the
same. Redirects and proxies would lead elsewhere, so there are none.
"""

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from functools import cache
from http.client import HTTPException
from threading import Timer
from typing import Final
from urllib.parse import SplitResult, urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError

from atelier.domain.webhook_delivery import DeliveryFailed
from atelier.domain.webhook_targets import SCHEMES, is_public_address, webhook_url_error

# Seconds; together they leave a function of 30 s the time to record what came of it.
_LOOKUP: Final = 5
_CONNECT: Final = 5
_ANSWER: Final = 10

Resolve = Callable[[str, int], list[str]]
"""The addresses of a host."""


def addresses_of(host: str, port: int) -> list[str]:
    """What a name resolves to. Raises OSError."""
    # The resolver has no time limit of its own that could be set.
    found = _lookups().submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM).result(timeout=_LOOKUP)
    return [str(address[0]) for *_, address in found]


@cache
def _lookups() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=8, thread_name_prefix="lookup")


class WebhookClient:
    """The HTTP client of deliveries. `private` allows http and private addresses (local run only)."""

    def __init__(
        self, agent: str, *, private: bool = False, resolve: Resolve = addresses_of, trust: ssl.SSLContext | None = None
    ) -> None:
        self._agent = agent
        self._private = private
        self._resolve = resolve
        self._trust = trust or ssl.create_default_context()

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """The status of the receiver's answer, of which nothing else is read. Raises DeliveryFailed."""
        if fault := webhook_url_error(url, private=self._private):
            raise DeliveryFailed(f"webhook_url {fault}")
        parts = urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        own = {"host": parts.netloc, "user-agent": self._agent}
        try:
            with closing(self._connection(parts)) as connection:
                connection.connect()
                with _cut_off_in_time(connection):
                    connection.request("POST", target, body=body, headers={**headers, **own}, preload_content=False)
                    with closing(connection.getresponse()) as answer:
                        return answer.status
        except (OSError, HTTPException, HTTPError) as failure:
            raise DeliveryFailed(_reason(failure)) from failure

    def _connection(self, parts: SplitResult) -> HTTPConnection:
        host, port = (parts.hostname or "").removesuffix("."), parts.port or SCHEMES[parts.scheme]
        address = self._address(host, port)
        if parts.scheme == "http":
            return HTTPConnection(address, port, timeout=_CONNECT)
        return HTTPSConnection(address, port, timeout=_CONNECT, ssl_context=self._trust, server_hostname=host)

    def _address(self, host: str, port: int) -> str:
        """The one address to connect to. IPv4 goes first: a function outside a VPC has no IPv6."""
        found = self._resolve(host, port)
        if not (self._private or all(map(is_public_address, found))):
            raise DeliveryFailed("webhook_url must not name a private address")
        return min(found, key=lambda address: ":" in address)


@contextmanager
def _cut_off_in_time(connection: HTTPConnection) -> Iterator[None]:
    """End the exchange when its time is over, also with a receiver that sends a byte now and then."""
    channel = connection.sock
    channel.settimeout(_ANSWER)
    connection.timeout = _ANSWER

    def cut() -> None:
        with suppress(OSError):
            # Not TLS's own way of ending, which would take the state away from the thread that is reading.
            socket.socket.shutdown(channel, socket.SHUT_RDWR)

    timer = Timer(_ANSWER, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _reason(failure: Exception) -> str:
    """What the owner of the receiver is told; what the error itself says may be about us."""
    match failure:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not accepted: {failure.verify_message}"
        case ssl.SSLError():
            return "TLS with it failed"
        case socket.gaierror():
            return "its name cannot be resolved"
        case NewConnectionError():
            return "it cannot be connected to"
        case TimeoutError() | HTTPError():
            return "it did not answer in time"
        case _:
            return "it did not answer"
