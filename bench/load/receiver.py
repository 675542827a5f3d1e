"""The receiver of webhooks."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from local.environment import LOOPBACK


@contextmanager
def receiver() -> Iterator[str]:
    """An address that takes every call, for as long as the context lasts."""
    with ThreadingHTTPServer((LOOPBACK, 0), _Receiver) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://{LOOPBACK}:{server.server_port}/"
        finally:
            server.shutdown()


class _Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - the name is its base's
        """Nothing: the screen is for the report."""
