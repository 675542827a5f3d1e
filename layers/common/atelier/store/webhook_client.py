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
from time import monotonic
from typing import Final
from urllib.parse import SplitResult, urlsplit

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError

from atelier.domain.webhook_delivery import DeliveryFailed
from atelier.domain.webhook_targets import SCHEMES, is_public_address, webhook_url_error

_SECONDS: Final = 5.0
"""Seconds from the look-up of the name to the status of the answer. Slack gives 3, Shopify 5, GitHub 10, Stripe 20."""

LATE: Final = "it did not answer in time"

Resolve = Callable[[str, int], list[str]]
"""The addresses of a host."""


def addresses_of(host: str, port: int) -> list[str]:
    """What a name resolves to. Raises OSError."""
    # The resolver has no time limit of its own that could be set.
    found = _lookups().submit(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM).result(timeout=_SECONDS)
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
        end = monotonic() + _SECONDS
        try:
            with closing(self._connection(parts, end)) as connection, _cut_off(connection, end):
                connection.connect()
                connection.request("POST", target, body=body, headers={**headers, **own}, preload_content=False)
                with closing(connection.getresponse()) as answer:
                    return answer.status
        except (OSError, HTTPException, HTTPError) as failure:
            raise DeliveryFailed(LATE if monotonic() >= end else _reason(failure)) from failure

    def _connection(self, parts: SplitResult, end: float) -> "_Http | _Https":
        host, port = (parts.hostname or "").removesuffix("."), parts.port or SCHEMES[parts.scheme]
        address, left = self._address(host, port), end - monotonic()
        if left <= 0:
            raise TimeoutError
        if parts.scheme == "http":
            return _Http(address, port, timeout=left)
        return _Https(address, port, timeout=left, ssl_context=self._trust, server_hostname=host)

    def _address(self, host: str, port: int) -> str:
        """The one address to connect to. IPv4 goes first: a function outside a VPC has no IPv6."""
        found = self._resolve(host, port)
        if not (self._private or all(map(is_public_address, found))):
            raise DeliveryFailed("webhook_url must not name a private address")
        return min(found, key=lambda address: ":" in address)


class _Http(HTTPConnection):
    """A connection that another thread can end at any moment, also while TLS is being agreed on."""

    channel: socket.socket | None = None

    def _new_conn(self) -> socket.socket:
        made = super()._new_conn()
        self.channel = made.dup()
        return made

    def cut(self) -> None:
        """End it."""
        with suppress(OSError):
            # Below TLS, whose own way of ending would take the state away from the thread that is reading.
            if self.channel is not None:
                self.channel.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close it."""
        super().close()
        if self.channel is not None:
            self.channel.close()


class _Https(_Http, HTTPSConnection):
    """The same with TLS."""


@contextmanager
def _cut_off(connection: _Http, end: float) -> Iterator[None]:
    """Cut the exchange off when its time is over, also with a receiver that sends a byte now and then."""
    timer = Timer(max(0.0, end - monotonic()), connection.cut)
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
            return LATE
        case _:
            return "it did not answer"
