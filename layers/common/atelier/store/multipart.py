"""A file of any size on its way to S3, one part of it in memory at a time."""

import hashlib
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from atelier.domain.file_names import content_disposition
from atelier.store.s3_objects import PART

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef


class MultipartUpload:
    """An upload of an archive to one key, to be saved as `name`. Left by an exception, it is aborted: S3 keeps nothing.

    `on_part` is called after each part.
    """

    def __init__(self, client: "S3Client", bucket: str, key: str, *, name: str, on_part: Callable[[], object]) -> None:
        self._client = client
        self._bucket = bucket
        self._key = key
        self._name = name
        self._on_part = on_part
        self._buffer = bytearray()
        self._parts: list[CompletedPartTypeDef] = []
        self._sum = hashlib.sha256()
        self._id = ""

    def __enter__(self) -> Self:
        """Begin."""
        begun = self._client.create_multipart_upload(
            Bucket=self._bucket,
            Key=self._key,
            ContentType="application/zip",
            ContentDisposition=content_disposition(self._name, "attachment"),
            CacheControl="private, no-store",
        )
        self._id = begun["UploadId"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Abort what was not completed."""
        if kind is not None:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=self._key, UploadId=self._id)

    def write(self, piece: bytes) -> None:
        """Add these bytes; they may be sent now or later."""
        self._sum.update(piece)
        self._buffer += piece
        if len(self._buffer) >= PART:
            self._send()
            self._on_part()

    def complete(self) -> str:
        """Send what is left and make the file of it; its SHA-256 in hexadecimal digits."""
        if self._buffer:
            self._send()
        self._client.complete_multipart_upload(
            Bucket=self._bucket, Key=self._key, UploadId=self._id, MultipartUpload={"Parts": self._parts}
        )
        return self._sum.hexdigest()

    def _send(self) -> None:
        number, body = len(self._parts) + 1, bytes(self._buffer)
        self._buffer = bytearray()
        sent = self._client.upload_part(
            Bucket=self._bucket, Key=self._key, UploadId=self._id, PartNumber=number, Body=body
        )
        self._parts.append({"ETag": sent["ETag"], "PartNumber": number})
