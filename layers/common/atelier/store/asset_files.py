"""The files of assets in our bucket.

A caller uploads to `uploads/<account>/<asset>`, where nothing is read but by the check; a rule of the bucket removes
what is left there. What has passed is at `media/<account>/<asset>/`, beside the files of tasks.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING, Final

from atelier.domain.assets import UPLOAD_LIFE, Asset, FileUpload
from atelier.domain.file_names import content_disposition
from atelier.store.s3_objects import found, unchanged
from atelier.store.table import unanswered_is_busy

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

UPLOADS: Final = "uploads/"
_PIECE: Final = 1024 * 1024
_NO_ANSWER: Final = "The bucket did not answer."
_CACHED: Final = "private, max-age=31536000, immutable"


@dataclass(frozen=True)
class Fetched:
    """A file that was read as a whole. `etag` is another one where something else was put in its place."""

    size: int
    sha256: str
    etag: str


class AssetFiles:
    """See the module. Methods raise Busy when the bucket does not answer."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def upload(self, asset: Asset, *, now: datetime) -> FileUpload:
        """The request that uploads the file. Its signature holds for this very file, once, and for 15 minutes."""
        checksum = base64.b64encode(bytes.fromhex(asset.sha256 or "")).decode()
        url = self._client.generate_presigned_url(
            "put_object",
            Params={
                "Bucket": self._bucket,
                "Key": upload_key(asset.user_id, asset.id),
                "ContentLength": asset.size,
                "ContentType": asset.content_type,
                "ChecksumSHA256": checksum,
                "IfNoneMatch": "*",
            },
            ExpiresIn=int(UPLOAD_LIFE.total_seconds()),
        )
        headers = {"Content-Type": asset.content_type, "x-amz-checksum-sha256": checksum, "If-None-Match": "*"}
        return FileUpload(method="PUT", url=url, headers=headers, expires_at=now + UPLOAD_LIFE)

    def fetch(self, key: str, into: IO[bytes], *, most: int) -> Fetched | None:
        """Read a file, of which no more than `most` bytes and a little; None when it is not there."""
        digest, size = hashlib.sha256(), 0
        with unanswered_is_busy(_NO_ANSWER):
            answer = found(lambda: self._client.get_object(Bucket=self._bucket, Key=key))
            if answer is None:
                return None
            for piece in answer["Body"].iter_chunks(_PIECE):
                into.write(piece)
                digest.update(piece)
                size += len(piece)
                if size > most:
                    break
        return Fetched(size, digest.hexdigest(), answer["ETag"])

    def copy(self, source: str, etag: str, key: str, *, content_type: str, name: str) -> bool:
        """Copy a file byte for byte; False when it is no longer the one that was read."""
        with unanswered_is_busy(_NO_ANSWER):
            copied = unchanged(
                lambda: self._client.copy_object(
                    Bucket=self._bucket,
                    Key=key,
                    CopySource={"Bucket": self._bucket, "Key": source},
                    CopySourceIfMatch=etag,
                    MetadataDirective="REPLACE",
                    TaggingDirective="REPLACE",
                    ContentType=content_type,
                    ContentDisposition=content_disposition(name),
                    CacheControl=_CACHED,
                )
            )
        return copied is not None

    def put(self, key: str, content: bytes, *, content_type: str) -> None:
        """Store a file that was made of another one."""
        with unanswered_is_busy(_NO_ANSWER):
            self._client.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=content,
                ContentType=content_type,
                ContentDisposition="inline",
                CacheControl=_CACHED,
            )

    def forget_upload(self, account: int, asset_id: str) -> None:
        """Remove what was uploaded for an asset that is no longer pending, or no longer there."""
        self._delete(upload_key(account, asset_id))

    def remove(self, account: int, asset_id: str) -> int:
        """Remove everything that was stored of an asset; how many files that were."""
        keys = [*self._keys(folder(account, asset_id)), *self._keys(upload_key(account, asset_id))]
        for key in keys:
            self._delete(key)
        return len(keys)

    def _delete(self, key: str) -> None:
        with unanswered_is_busy(_NO_ANSWER):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def _keys(self, prefix: str) -> Iterator[str]:
        with unanswered_is_busy(_NO_ANSWER):
            page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix)  # a handful at most
        for entry in page.get("Contents", []):
            yield entry["Key"]


def upload_key(account: int, asset_id: str) -> str:
    """Where the file of an asset is uploaded to."""
    return f"{UPLOADS}{account}/{asset_id}"


def folder(account: int, asset_id: str) -> str:
    """What the keys of an asset's files begin with."""
    return f"media/{account}/{asset_id}/"
