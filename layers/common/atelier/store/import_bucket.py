"""The files of imports in our bucket, at `imports/<account>/<import>`: uploaded by callers, read by the worker.

A rule of the bucket removes them after three days.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from atelier.domain.import_files import FileRefused, ImportFormat
from atelier.domain.imports import CONTENT_TYPES, UPLOAD_LIFE, Upload
from atelier.store.s3_objects import found, unchanged
from atelier.store.table import unanswered_is_busy

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BLOCK: Final = 1024 * 1024
"""Bytes that are in memory at a time, more or less."""


@dataclass(frozen=True)
class UploadedFile:
    """A file that is there. `etag` is another one when it is uploaded again."""

    size: int
    etag: str


class ImportBucket:
    """The bucket of these files."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def upload(self, account: int, import_id: str, form: ImportFormat, size: int) -> Upload:
        """The request that uploads a file. Its signature holds for this length and type only, and for an hour."""
        url = self._client.generate_presigned_url(
            "put_object",
            Params={
                "Bucket": self._bucket,
                "Key": _key(account, import_id),
                "ContentLength": size,
                "ContentType": CONTENT_TYPES[form],
            },
            ExpiresIn=int(UPLOAD_LIFE.total_seconds()),
        )
        return Upload(method="PUT", url=url, headers={"Content-Type": CONTENT_TYPES[form]})

    def find(self, account: int, import_id: str) -> UploadedFile | None:
        """The file, if it is there. Raises Busy."""
        key = _key(account, import_id)
        with unanswered_is_busy("The bucket did not answer."):
            head = found(lambda: self._client.head_object(Bucket=self._bucket, Key=key))
        return None if head is None else UploadedFile(head["ContentLength"], head["ETag"])

    def blocks(self, account: int, import_id: str, file: UploadedFile, *, start: int) -> Iterator[bytes]:
        """The file from a byte on. Raises Busy, and FileRefused when it is gone or was uploaded again."""
        for at in range(start, file.size, BLOCK):
            yield self._block(_key(account, import_id), file.etag, f"bytes={at}-{min(at + BLOCK, file.size) - 1}")

    def _block(self, key: str, etag: str, wanted: str) -> bytes:
        with unanswered_is_busy("The bucket did not answer."):
            answer = unchanged(
                lambda: self._client.get_object(Bucket=self._bucket, Key=key, Range=wanted, IfMatch=etag)
            )
            if answer is None:
                raise FileRefused("The file is no longer what was uploaded before the start.")
            return answer["Body"].read()


def _key(account: int, import_id: str) -> str:
    return f"imports/{account}/{import_id}"
