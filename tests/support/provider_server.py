"""What the fake providers have in common: a server on loopback, its books, its media, callbacks tried again.

A fake is told what to do wrong by words in the prompt, `<where>:<what>`, such as `submit:429` or `hook:twice`; each
fake lists its own. All of them know these about their media, whose files are otherwise real:

media:404    the file is gone
media:html   a web page in its place
media:huge   a file that says it has 2 GB, and begins
media:moved  a redirect to another host
"""

import argparse
import contextlib
import json
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import jsonschema_rs

Json = dict[str, Any]

LAYERS: Final = tuple(str(Path(__file__).parents[2] / "layers" / name) for name in ("common", "sandbox"))
_WORD: Final = re.compile(r"\b(submit|status|end|hook|media|cancel):([a-z0-9_]+)")


@dataclass(frozen=True)
class Request:
    """A request as a fake sees it; names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Json:
        """The body's JSON object."""
        content: Json = json.loads(self.body or b"{}")
        return content


@dataclass(frozen=True)
class Reply:
    """What a fake answers; the content is JSON unless it is bytes. `status` 0: it hangs up without a word."""

    status: int
    content: Any = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        """The content as it is sent."""
        return self.content if isinstance(self.content, bytes) else json.dumps(self.content).encode()


HANG_UP: Final = Reply(0)


def fits(content: Json, schema: Mapping[str, Any]) -> bool:
    """Whether an input is one that the schema of a model allows."""
    return jsonschema_rs.Draft202012Validator(dict(schema)).is_valid(content)


def words_in(prompt: object) -> dict[str, str]:
    """What a prompt tells the fake to do, by where."""
    return dict(_WORD.findall(str(prompt)))


@dataclass
class Books:
    """Everything that happened, in order: one entry each, with `kind` and what belongs to it."""

    entries: list[Json] = field(default_factory=list)

    def note(self, kind: str, **what: Any) -> Json:
        """Write down one thing."""
        entry = {"kind": kind, **what}
        self.entries.append(entry)
        return entry

    def of(self, kind: str) -> list[Json]:
        """What is written down of one kind."""
        return [entry for entry in self.entries if entry["kind"] == kind]


class ProviderServer:
    """A fake provider: its routes answer requests, `deliver` sends callbacks. Used as a context manager.

    `queued` and `working` are how many seconds a job waits and runs, `slow` how long a slow answer takes, and `tries`
    how often a callback is sent until it is accepted.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        queued: float = 0.05,
        working: float = 0.1,
        slow: float = 1.0,
        tries: int = 4,
        pause: float = 0.2,
    ) -> None:
        self.queued, self.working, self.slow = queued, working, slow
        self.tries, self.pause = tries, pause
        self.books = Books()
        self.instead: Callable[[Request], Reply] | None = None  # what a test has it answer in place of everything
        self._port = port
        self._threads: list[threading.Thread] = []
        self._closing = threading.Event()

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", self._port), _handler_of(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self.begin(lambda: self._server.serve_forever(poll_interval=0.02))
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join(timeout=15)  # longer than a callback that is under way

    def begin(self, work: Callable[[], None]) -> None:
        """Do something beside."""
        thread = threading.Thread(target=work, daemon=True)
        self._threads.append(thread)
        thread.start()

    def sleep(self, seconds: float) -> None:
        """Wait, but not longer than the server runs."""
        self._closing.wait(seconds)

    def answer(self, request: Request) -> Reply:
        """What the fake says to a request."""
        if self.instead is not None:
            return self.instead(request)
        if request.path == "/_books":
            return Reply(200, {"entries": self.books.entries})
        if request.path.startswith("/_files/"):
            return self._file(request)
        return self.route(request)

    def route(self, request: Request) -> Reply:
        """What the provider says to a request."""
        raise NotImplementedError

    def media(self, kind: str, number: int, fault: str) -> str:
        """The address of a file."""
        name = {"image": "out.png", "video": "out.mp4", "audio": "out.wav"}[kind]
        return f"{self.url}/_files/{fault or 'good'}/{number}/{name}"

    def take_in(self, content: Json) -> bool:
        """Fetch the files that an input names, as the model does when it begins; whether all could be fetched."""
        named = [each for value in content.values() for each in (value if isinstance(value, list) else [value])]
        found = [self._taken(url) for url in named if isinstance(url, str) and url.startswith("http")]
        return all(found)

    def _taken(self, url: str) -> bool:
        try:
            with urlopen(url, timeout=10) as answer:
                entry = self.books.note("input", url=url, content_type=answer.headers["content-type"])
                entry["size"] = len(answer.read())
        except OSError as failure:
            self.books.note("input", url=url, failure=str(failure))
            return False
        return True

    def _file(self, request: Request) -> Reply:
        _, _, fault, _, name = request.path.split("/")
        self.books.note("fetch", path=request.path, with_key="authorization" in request.headers)
        match fault:
            case "404":
                return Reply(404, b"gone", {"Content-Type": "text/plain"})
            case "html":
                return Reply(200, b"<html>Sign in</html>", {"Content-Type": "text/html"})
            case "huge":
                return Reply(200, bytes(100_000), {"Content-Type": "image/png", "Content-Length": str(2 * 1024**3)})
            case "moved":
                return Reply(302, b"", {"Location": "http://169.254.169.254/latest/meta-data/"})
        content, content_type = real_file(name)
        return Reply(200, content, {"Content-Type": content_type})

    def deliver(self, url: str, headers: Mapping[str, str], body: bytes) -> None:
        """Send a callback until it is accepted; a redirect counts as a refusal. A server that closes sends none."""
        for _ in range(self.tries):
            if self._closing.is_set():
                return
            status = self._post(url, headers, body)
            self.books.note("callback", url=url, status=status, body=json.loads(body), headers=dict(headers))
            if status is not None and 200 <= status < 300:
                return
            self.sleep(self.pause)

    def _post(self, url: str, headers: Mapping[str, str], body: bytes) -> int | None:
        parts = urlsplit(url)
        connection = HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        try:
            target = f"{parts.path}?{parts.query}" if parts.query else parts.path
            connection.request("POST", target, body, {"Content-Type": "application/json", **headers})
            return connection.getresponse().status
        except (OSError, HTTPException):
            return None
        finally:
            connection.close()


@cache
def real_file(name: str) -> tuple[bytes, str]:
    """A small PNG, MP4 or WAV file, and its type."""
    # Only once it is asked for: the encoders take a while to load.
    from atelier_sandbox import audio, image, video  # noqa: PLC0415
    from atelier_sandbox.palette import palette_for  # noqa: PLC0415

    palette = palette_for("fake", "", 1)
    if name.endswith(".mp4"):
        return video.mp4("fake", palette=palette, seed=1, width=64, height=64, seconds=1), "video/mp4"
    if name.endswith(".wav"):
        return audio.wav("fake", seed=1, seconds=1), "audio/wav"
    return image.png("fake", palette=palette, seed=1, width=64, height=64), "image/png"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # whoever asked has hung up
            super().handle_error(request, client_address)


def _handler_of(server: ProviderServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = server.answer(Request(self.command, parts.path, query, headers, body))
            self.close_connection = self.close_connection or reply.status == 0
            if reply.status:
                with contextlib.suppress(OSError):  # who asked may be gone
                    self._send(reply)

        def _send(self, reply: Reply) -> None:
            described = {"Content-Type": "application/json", "Content-Length": str(len(reply.body)), **reply.headers}
            self.send_response(reply.status)
            for name, value in described.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body)
            if int(described["Content-Length"]) != len(reply.body):
                self.close_connection = True

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - the names that http.server looks for

        def log_message(self, *_: object) -> None:
            """Quiet."""

    return Handler


@contextlib.contextmanager
def receiver() -> Iterator[tuple[str, list[Request]]]:
    """An address that accepts every request, and the requests so far."""

    class Receiver(ProviderServer):
        def route(self, request: Request) -> Reply:
            received.append(request)
            return Reply(200)

    received: list[Request] = []
    with Receiver() as server:
        yield server.url, received


def serve(fake: type[ProviderServer]) -> None:
    """Run a fake until it is interrupted; its address is the first line of its output."""
    parser = argparse.ArgumentParser(description=fake.__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--queued", type=float, default=0.2, help="seconds that a job waits")
    parser.add_argument("--working", type=float, default=0.5, help="seconds that a job runs")
    parser.add_argument("--slow", type=float, default=30, help="seconds that a slow answer takes")
    sys.path[:0] = LAYERS
    with fake(**vars(parser.parse_args())) as server, contextlib.suppress(KeyboardInterrupt):
        print(server.url, flush=True)  # noqa: T201 - the address is what this command prints
        while True:
            time.sleep(3600)
