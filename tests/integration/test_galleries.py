"""A gallery of 50 in a real browser, where there is one: the second poll downloads no picture again."""

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import boto3
import pytest
from moto import mock_aws

from atelier.domain.provider import Content
from atelier.domain.tasks.record import URL_WINDOW, Output, TaskType
from atelier.store.dynamodb.credentials import Keys
from atelier.store.media import MediaBucket
from atelier.store.s3_urls import S3Urls
from atelier.web.tasks import with_urls
from tests.support.builders import MADE, NOON, a_task
from tests.support.files import image

BROWSER: Final = shutil.which("chromium") or shutil.which("google-chrome")
HEADLESS: Final = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000", "--dump-dom")
BUCKET: Final = "media-bucket"
PICTURES: Final = 50
POLLS: Final = 10
PAGE: Final = """<!DOCTYPE html><title>Gallery</title><body><script>
const loaded = (url) => new Promise((done, failed) => {
  const picture = new Image()
  picture.onload = done
  picture.onerror = () => failed(new Error(url))
  picture.src = url
  document.body.append(picture)
})
const poll = async () => {
  const outputs = await (await fetch("/tasks")).json()
  document.querySelectorAll("img").forEach((picture) => picture.remove())
  await Promise.all(outputs.map((output) => loaded(output.thumbnail_url)))
  return outputs.length
}
const run = async () => {
  let shown = 0
  for (let count = 0; count < POLLS; count++) shown += await poll()
  document.title = `${shown} shown`
}
run().catch((failure) => { document.title = `failed: ${failure}` })
</script>""".replace("POLLS", str(POLLS))


class Gallery(ThreadingHTTPServer):
    """The page, the list that it polls, and the bucket that its pictures are in. Between two polls a minute passes."""

    daemon_threads = True

    def __init__(self, s3: Any, outputs: list[Output]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.s3 = s3
        self.address = f"http://127.0.0.1:{self.server_port}"
        self.outputs = outputs
        self.now: datetime = NOON
        self.downloads: Counter[str] = Counter()
        self.polls = 0
        keys = Keys("ASIAEXAMPLE", "secret", "token")
        self.url = S3Urls(f"{self.address}/{BUCKET}", "us-east-1", lambda: keys, now=lambda: self.now)

    def listed(self) -> str:
        """What the next poll is answered."""
        self.polls += 1
        self.now += timedelta(minutes=1)
        task = with_urls(a_task(outputs=self.outputs), self)
        return json.dumps([output.model_dump(mode="json") for output in task.outputs])


class _Handler(BaseHTTPRequestHandler):
    server: Gallery
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """The page, the list or a picture."""
        path = unquote(urlsplit(self.path).path)
        if path == "/":
            self._send(PAGE.encode(), "text/html")
        elif path == "/tasks":
            self._send(self.server.listed().encode(), "application/json", "no-store")
        elif path.startswith(f"/{BUCKET}/"):
            key = path.removeprefix(f"/{BUCKET}/")
            self.server.downloads[key] += 1
            kept = self.server.s3.get_object(Bucket=BUCKET, Key=key)
            self._send(kept["Body"].read(), kept["ContentType"], kept["CacheControl"])
        else:
            self.send_error(404)

    def _send(self, content: bytes, content_type: str, cached: str = "no-store") -> None:
        self.send_response(200)
        self.send_header("content-type", content_type)
        self.send_header("cache-control", cached)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def gallery() -> Iterator[Gallery]:
    """Fifty pictures, stored as the worker stores them."""
    assert timedelta(minutes=POLLS) < URL_WINDOW
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret")
        s3.create_bucket(Bucket=BUCKET)
        media, content = MediaBucket(s3, BUCKET), Content(image("PNG"))
        outputs = [
            media.keep(content, f"media/1/{number}/0", TaskType.IMAGE, "Summer-A-boat-1", MADE)
            for number in range(PICTURES)
        ]
        with Gallery(s3, outputs) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            yield server
            server.shutdown()


@pytest.mark.skipif(BROWSER is None, reason="no Chromium on the path")
def test_a_gallery_downloads_each_picture_once(gallery: Gallery, tmp_path: Path) -> None:
    assert BROWSER is not None
    command = [BROWSER, *HEADLESS, f"--user-data-dir={tmp_path}", f"{gallery.address}/"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout
    assert f"<title>{PICTURES * POLLS} shown</title>" in shown
    assert gallery.polls == POLLS
    assert gallery.downloads == Counter({output.thumbnail_key: 1 for output in gallery.outputs})
