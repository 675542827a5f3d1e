"""Connections to one host: HTTP/1.1 over sockets, kept after use, with botocore's errors."""

import io
import select
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, Final, NamedTuple
from urllib.parse import urlsplit

from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    ReadTimeoutError,
    SSLError,
)

from atelier.store.deadline import remaining

# As wiring.py has it for every other client: a call that hangs must leave time for another try. Neither is ever longer
# than the invocation's deadline allows.
CONNECT_SECONDS: Final = 2
READ_SECONDS: Final = 5


class Reply(NamedTuple):
    """An HTTP response."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class StaleConnection(ConnectionClosedError):
    """A kept connection was closed by the peer."""


class Connection(NamedTuple):
    """A connection and its reader."""

    socket: socket.socket
    reader: IO[bytes]

    def close(self) -> None:
        """Close it."""
        self.reader.close()
        self.socket.close()


class _Received(io.RawIOBase):
    """What comes from a socket; no wait for it outlasts the deadline."""

    def __init__(self, source: socket.socket) -> None:
        self._source = source

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._source.settimeout(_seconds_for(READ_SECONDS))
        return self._source.recv_into(buffer)


def _seconds_for(seconds: float) -> float:
    allowed = min(seconds, remaining())
    if allowed <= 0:
        raise TimeoutError("The invocation's deadline has passed.")
    return allowed


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
        """Send a request. Raises botocore's connection errors."""
        kept = self._take()
        connection = kept or self._opened()
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"POST {self._path} HTTP/1.1\r\n{lines}content-length: {len(body)}\r\n\r\n"
        with self._in_botocores_words(connection, kept=kept is not None):
            connection.socket.settimeout(_seconds_for(READ_SECONDS))
            connection.socket.sendall(head.encode("ascii") + body)
        return Sent(self, connection, kept=kept is not None)

    def receive(self, connection: Connection, *, kept: bool) -> Reply:
        """Read the response. Raises botocore's connection errors."""
        with self._in_botocores_words(connection, kept=kept):
            reply = _read(connection.reader)
        if reply.headers.get("connection", "").lower() == "close":
            connection.close()
        else:
            self._idle.append(connection)
        return reply

    def close(self) -> None:
        """Close idle connections."""
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
            made = socket.create_connection((self._host, self._port), _seconds_for(CONNECT_SECONDS))
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            made = self._context.wrap_socket(made, server_hostname=self._host) if self._context else made
        except TimeoutError as failure:
            raise ConnectTimeoutError(endpoint_url=self._url, error=failure) from failure
        except ssl.SSLError as failure:
            raise SSLError(endpoint_url=self._url, error=failure) from failure
        except OSError as failure:
            raise EndpointConnectionError(endpoint_url=self._url, error=failure) from failure
        return Connection(made, io.BufferedReader(_Received(made)))

    @contextmanager
    def _in_botocores_words(self, connection: Connection, *, kept: bool) -> Iterator[None]:
        try:
            yield
        except TimeoutError as failure:
            connection.close()
            raise ReadTimeoutError(endpoint_url=self._url, error=failure) from failure
        except ConnectionError as failure:
            connection.close()
            raise (StaleConnection if kept else ConnectionClosedError)(
                endpoint_url=self._url, error=failure
            ) from failure
        except (OSError, ValueError) as failure:
            connection.close()
            raise HTTPClientError(error=failure) from failure
        except BaseException:
            connection.close()
            raise


class Sent:
    """A request in flight."""

    def __init__(self, connections: Connections, connection: Connection, *, kept: bool) -> None:
        self._connections, self._connection, self._kept = connections, connection, kept

    def receive(self) -> Reply:
        """The response. Raises botocore's connection errors."""
        return self._connections.receive(self._connection, kept=self._kept)

    def drop(self) -> None:
        """Discard the response; the connection is closed."""
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
            raise ConnectionResetError("The connection closed within the headers.")
        headers[name.lower()] = value.strip()
    if version != b"HTTP/1.1" or "content-length" not in headers:
        raise ValueError("Not a DynamoDB response.")
    content = reader.read(length := int(headers["content-length"]))
    if len(content) < length:
        raise ConnectionResetError("The connection closed within the body.")
    return Reply(int(status[:3]), headers, content)


def _is_silent(connection: Connection) -> bool:
    # Nobody speaks on a connection that is idle but to say that it is over.
    poll = select.poll()
    poll.register(connection.socket, select.POLLIN)
    return not poll.poll(0)
