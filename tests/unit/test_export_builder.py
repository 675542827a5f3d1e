"""The worker of exports, with an S3 that makes up its files and keeps none: what it has in memory at a time."""

import json
import tracemalloc
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final
from unittest import mock

import pytest
from botocore.exceptions import ClientError

from atelier.domain.exports import Export, ExportMessage, ExportPart, ExportStatus
from atelier.store.export_builder import CHUNK, ExportBuilder, StepFailed
from atelier.store.s3_objects import PART
from tests.support.builders import an_id

NOON: Final = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
MIB: Final = 2**20
LARGE: Final = 96 * MIB
SMALL: Final = 300
PIECE: Final = bytes(CHUNK)


class Body:
    """Zeros, of a file or a plan."""

    def __init__(self, size: int, content: bytes = b"") -> None:
        self._size = size
        self._content = content

    def read(self) -> bytes:
        """All of it."""
        return self._content

    def iter_chunks(self, chunk: int) -> Iterator[bytes]:
        """It in pieces."""
        for at in range(0, self._size, chunk):
            yield PIECE[: min(chunk, self._size - at)]


class MadeUpS3:
    """An S3 of files that are as large as their names say. It adds up what it is sent."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.parts: list[int] = []
        self.opened: list[str] = []
        self.end = b""
        self.is_replaced = False

    def get_object(self, **request: Any) -> Any:
        """An object that was put, or one that is made up. If files are replaced, each time it is another one."""
        key = request["Key"]
        if key in self.objects:
            return {"Body": Body(0, self.objects[key])}
        self.opened.append(key)
        size, etag = int(key.rpartition("/")[2]), f"{len(self.opened) if self.is_replaced else 'same'}"
        if request.get("IfMatch", etag) != etag:
            raise ClientError({"Error": {"Code": "PreconditionFailed"}}, "GetObject")
        return {"Body": Body(size), "ContentLength": size, "ETag": etag}

    def put_object(self, **request: Any) -> None:
        """Keep an object."""
        self.objects[request["Key"]] = request["Body"]

    def create_multipart_upload(self, **_: Any) -> Any:
        """Begin."""
        return {"UploadId": "upload"}

    def upload_part(self, **request: Any) -> Any:
        """Count a part."""
        self.parts.append(len(request["Body"]))
        self.end = request["Body"]
        return {"ETag": "part"}

    def complete_multipart_upload(self, **_: Any) -> None:
        """End."""

    def abort_multipart_upload(self, **_: Any) -> None:
        """End without it."""

    def list_multipart_uploads(self, **_: Any) -> Any:
        """None are open."""
        return {}

    def list_objects_v2(self, **_: Any) -> Any:
        """Nothing is left to remove."""
        return {}


def export_of(s3: MadeUpS3, files: list[list[Any]]) -> str | None:
    """What becomes of an export of these files."""
    exports = mock.Mock()
    export = Export(
        id=an_id(1),
        status=ExportStatus.PROCESSING,
        user_id=1,
        created_by=1,
        include=list(ExportPart),
        created_at=NOON,
        expires_at=NOON,
        name="Acme",
        step=1,
    )
    exports.load.return_value = exports.lease.return_value = export
    exports.change.side_effect = lambda it, **change: it.model_copy(update=change)
    s3.objects[f"{export.folder}plan/files.json"] = json.dumps({"pages": 0, "files": files}).encode()
    client: Any = s3
    builder = ExportBuilder(exports, mock.Mock(), client, "bucket", lambda _, name: name)
    return builder.process(ExportMessage.about(export, step=1), clock=lambda: NOON)


def test_memory_stays_flat_whatever_is_exported() -> None:
    s3 = MadeUpS3()
    files = [["large", f"media/{LARGE}", LARGE], *([f"{n}.png", "media/1000", 1000] for n in range(SMALL))]
    tracemalloc.start()
    became = export_of(s3, files)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert became == "succeeded"
    assert peak < 48 * MIB
    assert sum(s3.parts) > LARGE + 1000 * SMALL
    assert all(size >= 5 * MIB for size in s3.parts[:-1])
    assert s3.opened.count(f"media/{LARGE}") == 2
    assert zlib.crc32(bytes(1000)).to_bytes(4, "little") in s3.end


def test_a_file_replaced_between_two_reads_is_not_archived() -> None:
    """The step fails, and reads what is there then."""
    s3 = MadeUpS3()
    s3.is_replaced = True
    large = 2 * PART
    with pytest.raises(StepFailed):
        export_of(s3, [["large", f"media/{large}", large]])
    assert s3.parts == []
