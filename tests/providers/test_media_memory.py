"""A large file passes through the worker in pieces: its memory does not grow with the file."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Final

import pytest

from atelier.store.media_formats import MIB
from tests.support.files import recording

SIZE: Final = 500 * MIB
VIDEO: Final = recording("mp4", "libx264")
# After the video, a box that players skip.
HEADER: Final = VIDEO + (SIZE - len(VIDEO)).to_bytes(4) + b"free"
NOUGHTS: Final = bytes(MIB)


class Quiet(BaseHTTPRequestHandler):
    """A handler of HTTP/1.1 that says nothing."""

    protocol_version = "HTTP/1.1"

    def answer(self, status: int = 200, body: bytes = b"", **headers: str) -> None:
        """One whole answer."""
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Cdn(Quiet):
    """Sends a small video, or one that is padded to `SIZE`."""

    def do_GET(self) -> None:
        """Send it, piece by piece."""
        if self.path == "/small":
            return self.answer(body=VIDEO)
        self.send_response(200)
        self.send_header("content-length", str(SIZE))
        self.end_headers()
        self.wfile.write(HEADER)
        left = SIZE - len(HEADER)
        while left:
            left -= self.wfile.write(NOUGHTS[: min(left, MIB)])
        return None


class ForgetfulS3(Quiet):
    """Takes uploads, whole or in parts, and forgets them: what it gives back is always the video, and noughts."""

    def do_PUT(self) -> None:
        """Take an object or a part, or copy one."""
        if "x-amz-copy-source" in self.headers:
            self.answer(body=b"<CopyPartResult><ETag>etag</ETag></CopyPartResult>", content_type="application/xml")
            return
        left = int(self.headers["content-length"])
        while left:
            left -= len(self.rfile.read(min(left, MIB)))
        self.answer(ETag='"etag"')

    def do_POST(self) -> None:
        """Begin an upload, or complete it."""
        self.rfile.read(int(self.headers.get("content-length") or 0))
        began = self.path.endswith("?uploads")
        name = "InitiateMultipartUploadResult" if began else "CompleteMultipartUploadResult"
        body = f"<{name}><UploadId>upload</UploadId><ETag>etag</ETag></{name}>"
        self.answer(body=body.encode(), content_type="application/xml")

    def do_HEAD(self) -> None:
        """Say how large it is."""
        self.send_response(200)
        self.send_header("content-length", str(SIZE))
        self.send_header("etag", '"etag"')
        self.end_headers()

    def do_GET(self) -> None:
        """Give a range of the object."""
        first, last = map(int, re.findall(r"\d+", self.headers["range"]))
        wanted = HEADER[first : last + 1]
        self.answer(206, wanted + bytes(last + 1 - first - len(wanted)))


@contextmanager
def serving(handler: type[Quiet]) -> Iterator[str]:
    """The address of a server on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much memory a process had")
def test_memory_does_not_grow_with_the_file() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with serving(Cdn) as cdn, serving(ForgetfulS3) as s3:
        command = [sys.executable, "-m", "tests.support.big_file", s3, f"{cdn}/small", f"{cdn}/large"]
        done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=60)
    measured = json.loads(done.stdout)
    assert measured["bytes"] == SIZE
    assert measured["grown_kib"] < 60 * 1024, measured
