"""A DynamoDB that says over real HTTP whatever the test has written down, to anybody's client."""

import json
import socket
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any, Final

HANG_UP: Final = "hang up"
"""Instead of an answer: the connection ends."""
RESET: Final = "reset"
"""Instead of an answer: the connection is reset."""
STALL: Final = "stall"
"""Instead of an answer: nothing, until the server ends."""
TRICKLE: Final = "trickle"
"""An answer of which a byte comes ten times a second."""


@dataclass(frozen=True)
class Said:
    """One answer. `damaged` ones have a checksum that does not fit; `closing` ones end their connection afterwards,
    `announced` or not."""

    body: Any = field(default_factory=dict)
    status: int = 200
    damaged: bool = False
    closing: bool = False
    announced: bool = True

    @property
    def content(self) -> bytes:
        """The body as it is sent: JSON, but for what is bytes already."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Heard:
    """One request."""

    headers: Mapping[str, str]
    body: bytes
    connection: int


class Server(ThreadingHTTPServer):
    """What is to be said, in this order (the last of it for ever), and what was heard."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: list[Said | str] = [Said()]
        self.heard: list[Heard] = []
        self.ended = Event()

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: Any) -> None:
        """A client that goes away is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        names = {name.lower(): value for name, value in self.headers.items()}
        self.server.heard.append(Heard(names, body, self.client_address[1]))
        said = self.server.script.pop(0) if len(self.server.script) > 1 else self.server.script[0]
        if isinstance(said, str):
            self.close_connection = True
            self._misbehave(said)
            return
        self.send_response(said.status)
        self.send_header("content-type", "application/x-amz-json-1.0")
        self.send_header("content-length", str(len(said.content)))
        self.send_header("x-amzn-requestid", "REQUEST")
        self.send_header("x-amz-crc32", str(zlib.crc32(said.content) + said.damaged))
        if said.closing and said.announced:
            self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(said.content)
        self.close_connection = said.closing

    def _misbehave(self, how: str) -> None:
        if how == RESET:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
        elif how == STALL:
            self.server.ended.wait()
        elif how == TRICKLE:
            for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n" + b" " * 1_000_000:
                if self.server.ended.wait(0.1):
                    return
                self.wfile.write(bytes([byte]))

    def log_message(self, *_: Any) -> None:
        """Tests have their own words."""


@contextmanager
def serving() -> Iterator[Server]:
    """A server on 127.0.0.1, for as long as the test takes."""
    with Server() as server:
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.ended.set()
            server.shutdown()
            thread.join()
