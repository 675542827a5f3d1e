"""A provider's files on their way into the bucket: over real HTTP from a server on this machine, into moto."""

import socket
import struct
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from unittest import mock

import boto3
import pytest
import urllib3
from moto import mock_aws
from moto.s3.models import s3_backends

from atelier.domain.pipeline_ports import MediaRejected
from atelier.domain.provider import Content, Remote, Unavailable
from atelier.domain.tasks.record import TaskType
from atelier.store import downloads
from atelier.store.media import MediaBucket
from atelier.store.media_formats import LIMITS, MIB
from atelier.store.s3_objects import PART
from tests.support.builders import MADE
from tests.support.files import NEVER_KEPT, SAMPLES, Sample, image, recording

BUCKET = "media-bucket"
STEM = "media/1/task/0"
THUMBNAIL = f"{STEM}-thumbnail.webp"
PNG = image("PNG")
LARGE = PNG + bytes(2 * PART)

Behaviour = Callable[[BaseHTTPRequestHandler], None]


class Cdn(ThreadingHTTPServer):
    """Where a provider's files are. It does what the test says, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behaviour: Behaviour = sends(PNG)
        self.asked: list[tuple[str, dict[str, str]]] = []

    def file(self, path: str = "/file") -> Remote:
        """A file there."""
        return Remote(f"http://127.0.0.1:{self.server_port}{path}", ("127.0.0.1",), plain_http=True)


class _Handler(BaseHTTPRequestHandler):
    server: Cdn

    def do_GET(self) -> None:
        """Behave."""
        self.server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.server.behaviour(self)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def sends(content: bytes, *, status: int = 200, length: int | None = None, **headers: str) -> Behaviour:
    """The whole content, and `length` as what it says is its length."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("content-length", str(len(content) if length is None else length))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        _write(handler, content)

    return behave


def chunks(*contents: bytes, finished: bool = True) -> Behaviour:
    """Chunks, which tell no length before they end."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        handler.protocol_version = "HTTP/1.1"
        handler.send_response(200)
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        for content in contents:
            _write(handler, f"{len(content):x}\r\n".encode() + content + b"\r\n")
        if finished:
            _write(handler, b"0\r\n\r\n")

    return behave


def resets(content: bytes) -> Behaviour:
    """Some content, and then the connection is torn down."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        sends(content, length=len(content) + 1000)(handler)
        handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        handler.connection.close()

    return behave


def _write(handler: BaseHTTPRequestHandler, content: bytes) -> None:
    try:
        handler.wfile.write(content)
        handler.wfile.flush()
    except OSError:
        pass  # the other side has heard enough


@pytest.fixture
def cdn() -> Iterator[Cdn]:
    with Cdn() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    with mock_aws():
        yield boto3.client("s3", region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret")


@pytest.fixture
def s3(client: Any) -> Any:
    """An S3 with one empty bucket."""
    s3_backends["123456789012"]["aws"].reset()
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture
def media(s3: Any) -> Iterator[MediaBucket]:
    with mock.patch.object(downloads, "_PATIENCE", urllib3.Timeout(connect=1, read=0.5)):
        yield MediaBucket(s3, BUCKET)


def left_over(s3: Any) -> tuple[list[str], int]:
    """The keys in the bucket, and how many uploads are open."""
    objects = [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    return objects, len(s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []))


def code_of(media: MediaBucket, remote: Remote, kind: TaskType = TaskType.IMAGE) -> str:
    """Why a file is not kept."""
    with pytest.raises(MediaRejected) as refusal:
        media.keep(remote, STEM, kind, "Summer-A-boat-1", MADE)
    assert refusal.value.error.retryable is False
    return refusal.value.error.code


# ------------------------------------------------------------------------------------------------------------ keeping


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_files_type_is_its_contents_not_its_servers(media: MediaBucket, s3: Any, cdn: Cdn, sample: Sample) -> None:
    cdn.behaviour = sends(sample.content, content_type="text/html", content_disposition="attachment; filename=x.exe")
    output = media.keep(cdn.file("/x.exe"), STEM, sample.kind, "Summer-A-boat-1", MADE)
    assert output.content_type == sample.content_type
    assert output == media.keep(Content(sample.content), STEM, sample.kind, "Summer-A-boat-1", MADE)
    media.keep(cdn.file(), STEM, sample.kind, "Summer-A-boat-1", MADE)
    disposition = f'inline; filename="Summer-A-boat-1.{sample.extension}"'
    kept = s3.get_object(Bucket=BUCKET, Key=output.key)
    assert kept["Body"].read() == sample.content
    assert (kept["ContentType"], kept["ContentDisposition"]) == (sample.content_type, disposition)
    assert output.provenance
    assert (kept["Metadata"]["model"], kept["Metadata"]["c2pa"]) == (MADE.model, output.provenance.c2pa)


@pytest.mark.parametrize("size", [len(PNG), PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 1])
@pytest.mark.parametrize("how", [sends, chunks], ids=["length", "chunks"])
def test_a_file_of_any_number_of_parts_arrives_whole(
    media: MediaBucket, s3: Any, cdn: Cdn, size: int, how: Callable[[bytes], Behaviour]
) -> None:
    content = (PNG + bytes(size))[:size]
    cdn.behaviour = how(content)
    assert media.keep(cdn.file(), STEM, TaskType.IMAGE, "Summer-A-boat-1", MADE).bytes == size
    kept = s3.get_object(Bucket=BUCKET, Key=f"{STEM}.png")
    assert (kept["Body"].read(), kept["Metadata"]["c2pa"]) == (content, "unknown" if size < len(PNG) else "absent")
    assert left_over(s3) == ([THUMBNAIL, f"{STEM}.png"], 0)


def test_a_file_fetched_again_replaces_the_first(media: MediaBucket, s3: Any, cdn: Cdn) -> None:
    first = media.keep(cdn.file(), STEM, TaskType.IMAGE, "Summer-A-boat-1", MADE)
    assert media.keep(cdn.file(), STEM, TaskType.IMAGE, "Summer-A-boat-1", MADE) == first
    assert left_over(s3) == ([THUMBNAIL, f"{STEM}.png"], 0)


def test_no_key_is_sent_and_no_encoding_asked_for(media: MediaBucket, cdn: Cdn) -> None:
    media.keep(cdn.file("/a%20b.png?token=x%2Fy"), STEM, TaskType.IMAGE, "Summer-A-boat-1", MADE)
    [(path, headers)] = cdn.asked
    assert path == "/a%20b.png?token=x%2Fy"
    assert not headers.keys() & {"authorization", "cookie", "proxy-authorization", "x-api-key"}
    assert headers["accept-encoding"] == "identity"


# ----------------------------------------------------------------------------------------------------------- refusing


@pytest.mark.parametrize("name", NEVER_KEPT)
def test_nothing_is_left_of_what_is_no_media(media: MediaBucket, s3: Any, cdn: Cdn, name: str) -> None:
    cdn.behaviour = sends(NEVER_KEPT[name], content_type="image/png")
    assert code_of(media, cdn.file("/a.png")) == "media_wrong_type"
    assert left_over(s3) == ([], 0)


@pytest.mark.parametrize("size", [100, 2 * PART])
def test_nothing_is_left_of_what_only_begins_well(media: MediaBucket, s3: Any, cdn: Cdn, size: int) -> None:
    cdn.behaviour = sends(recording("mp4", "libx264")[:32] + bytes(size))
    assert code_of(media, cdn.file(), TaskType.VIDEO) == "media_wrong_type"
    assert left_over(s3) == ([], 0)


def test_a_file_declared_too_large_is_not_downloaded(media: MediaBucket, s3: Any, cdn: Cdn) -> None:
    cdn.behaviour = sends(PNG, length=LIMITS[TaskType.IMAGE] + 1)
    assert code_of(media, cdn.file()) == "media_too_large"
    assert left_over(s3) == ([], 0)


def test_a_file_that_turns_out_too_large_is_dropped(media: MediaBucket, s3: Any, cdn: Cdn) -> None:
    cdn.behaviour = chunks(PNG, *[bytes(PART)] * 8)
    assert LIMITS[TaskType.IMAGE] == 8 * PART == 64 * MIB
    assert code_of(media, cdn.file()) == "media_too_large"
    assert left_over(s3) == ([], 0)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(media: MediaBucket, cdn: Cdn, status: int) -> None:
    cdn.behaviour = sends(b"", status=status, location="/elsewhere")
    assert code_of(media, cdn.file()) == "media_unavailable"
    assert len(cdn.asked) == 1


@pytest.mark.parametrize("status", [201, 204, 206, 400, 401, 403, 404, 410, 451])
def test_a_file_that_is_not_served_is_unavailable(media: MediaBucket, cdn: Cdn, status: int) -> None:
    cdn.behaviour = sends(PNG if status != 204 else b"", status=status)
    assert code_of(media, cdn.file()) == "media_unavailable"


def test_only_the_providers_hosts_are_asked(media: MediaBucket, cdn: Cdn) -> None:
    there = cdn.file()
    assert code_of(media, Remote(there.url, ("fal.media",), plain_http=True)) == "media_refused"
    assert code_of(media, Remote(there.url, there.hosts)) == "media_refused"
    assert cdn.asked == []


def test_a_refusal_does_not_tell_the_address(media: MediaBucket, cdn: Cdn) -> None:
    cdn.behaviour = sends(b"", status=404)
    with pytest.raises(MediaRejected) as refusal:
        media.keep(cdn.file("/a.png?signature=secret"), STEM, TaskType.IMAGE, "Summer-A-boat-1", MADE)
    assert "secret" not in refusal.value.error.message


# -------------------------------------------------------------------------------------------- what may be better later


def silent(handler: BaseHTTPRequestHandler) -> None:
    """Nothing, until the other side has gone."""
    handler.connection.recv(1)


def stalls(content: bytes) -> Behaviour:
    """Some content, and then nothing."""

    def behave(handler: BaseHTTPRequestHandler) -> None:
        sends(content, length=len(content) + 1)(handler)
        handler.connection.recv(1)

    return behave


@pytest.mark.parametrize(
    "behaviour",
    [
        *(sends(b"", status=status) for status in (408, 425, 429, 500, 502, 503, 504)),
        silent,
        lambda handler: handler.connection.close(),
        lambda handler: handler.wfile.write(b"nonsense\r\n\r\n"),
        sends(PNG, length=len(PNG) + 1),
        sends(PNG[:3], length=len(PNG)),
        sends(b"", length=len(PNG)),
        sends(LARGE, length=len(LARGE) + 1),
        sends(LARGE[: 2 * PART], length=len(LARGE)),
        chunks(PNG, finished=False),
        chunks(PNG[:3], finished=False),
        chunks(LARGE, finished=False),
        resets(PNG),
        resets(LARGE),
        stalls(PNG),
        stalls(PNG[:3]),
        stalls(LARGE),
    ],
)
def test_a_broken_transfer_leaves_nothing_and_is_retriable(
    media: MediaBucket, s3: Any, cdn: Cdn, behaviour: Behaviour
) -> None:
    cdn.behaviour = behaviour
    with pytest.raises(Unavailable):
        media.keep(cdn.file(), STEM, TaskType.IMAGE, "Summer-A-boat-1", MADE)
    assert left_over(s3) == ([], 0)
    cdn.behaviour = sends(PNG)
    assert media.keep(cdn.file(), STEM, TaskType.IMAGE, "Summer-A-boat-1", MADE).bytes == len(PNG)


def test_an_unreachable_server_is_retriable(media: MediaBucket) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        nobody = Remote(f"http://127.0.0.1:{taken.getsockname()[1]}/a.png", ("127.0.0.1",), plain_http=True)
        with pytest.raises(Unavailable):
            media.keep(nobody, STEM, TaskType.IMAGE, "Summer-A-boat-1", MADE)


def test_a_failing_bucket_is_not_the_files_fault(media: MediaBucket, s3: Any, cdn: Cdn) -> None:
    cdn.behaviour = sends(LARGE)
    with mock.patch.object(s3, "upload_part", side_effect=ConnectionError("down")), pytest.raises(ConnectionError):
        media.keep(cdn.file(), STEM, TaskType.IMAGE, "Summer-A-boat-1", MADE)
    assert left_over(s3) == ([], 0)
