"""A receiver of webhooks on this machine, which remembers what it was sent and answers as the test says."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

LOOPBACK: Final = "127.0.0.1"

Reply = Callable[[BaseHTTPRequestHandler], None]


@dataclass(frozen=True)
class Request:
    """What came: the names of its headers are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """A running receiver. `names` are the server names that TLS clients asked for."""

    port: int
    requests: list[Request] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)


def says(status: int, **headers: str) -> Reply:
    """An answer with this status; `headers` are named with underscores."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"content-length": "0", **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()

    return reply


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that give up are what some tests are about."""


@contextmanager
def receiver(reply: Reply, *, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver for as long as the context lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            made.requests.append(Request(self.command, self.path, headers, body))
            reply(self)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name for it
            """Say nothing."""

    with _Server((LOOPBACK, 0), Handler) as server:
        made = Receiver(server.server_address[1])
        if tls:
            tls.sni_callback = lambda _socket, name, _context: made.names.append(name)
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
