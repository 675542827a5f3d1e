"""Media in our bucket, stored by the worker. Callers read them through signed, expiring URLs (`s3_urls`, `cloudfront`).

Finished files are at `media/<user>/<task>/<number>.<extension>`, and the thumbnail of each is beside it, at
`media/<user>/<task>/<number>-thumbnail.webp`. What a provider puts into the bucket itself is copied from below
`incoming/<task>/`.
"""

import io
from collections.abc import Iterator
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Final, TypedDict, cast

from botocore.exceptions import ClientError
from urllib3 import PoolManager

from atelier.domain.file_names import content_disposition
from atelier.domain.pipeline_ports import MediaRejected
from atelier.domain.provider import Content, File, Remote, Staged
from atelier.domain.tasks.record import Output, TaskType
from atelier.store.downloads import download
from atelier.store.media_formats import HEAD, MIB, Format, check_size, format_of, media_rejected
from atelier.store.media_metadata import MediaMetadata, read_metadata
from atelier.store.s3_reader import S3Reader

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

INCOMING: Final = "incoming/"
_THUMBNAIL: Final = Format("image/webp", "webp", "WEBP")
PART: Final = 8 * MIB
"""As much of a file as is in memory at a time, more or less."""


class MediaBucket:
    """One bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._http = PoolManager()

    # ---------------------------------------------------------------------------------------------- bringing in

    def keep(self, file: File, stem: str, kind: TaskType, name: str) -> Output:
        """Store one file under `stem` and the extension of its real type, replacing what was there.

        Whoever saves it gets it as `name`, with that extension. It may be repeated. Raises MediaRejected, which leaves
        nothing under `stem`, and Unavailable when a file cannot be fetched now.
        """
        match file:
            case Content(content):
                return self._keep_content(content, stem, kind, name)
            case Remote():
                return self._keep_remote(file, stem, kind, name)
            case Staged(key):
                return self._keep_staged(key, stem, kind, name)

    def _keep_content(self, content: bytes, stem: str, kind: TaskType, name: str) -> Output:
        check_size(len(content), kind)
        form, measures = read_metadata(io.BytesIO(content), kind)
        key = _key(stem, form)
        self._client.put_object(Bucket=self._bucket, Key=key, Body=content, **_served_as(form, name))
        return self._output(key, form, len(content), measures)

    def _keep_remote(self, remote: Remote, stem: str, kind: TaskType, name: str) -> Output:
        from boto3.s3.transfer import TransferConfig, create_transfer_manager  # noqa: PLC0415 - who reads does without

        with download(remote, kind, self._http) as source:
            form = format_of(source.peek(HEAD), kind)
            key = _key(stem, form)
            # Without threads there is one part in memory at a time; if reading fails, the upload is aborted.
            by_parts = TransferConfig(
                multipart_threshold=PART,
                multipart_chunksize=PART,
                use_threads=False,
                preferred_transfer_client="classic",
            )
            with create_transfer_manager(self._client, by_parts) as transfers:
                transfers.upload(
                    cast("IO[bytes]", source),
                    self._bucket,
                    key,
                    dict(_served_as(form, name)),
                ).result()
        try:
            form, measures = read_metadata(self._reader(key, source.size), kind)
        except MediaRejected:
            self.delete(key)
            raise
        return self._output(key, form, source.size, measures)

    def _keep_staged(self, staged: str, stem: str, kind: TaskType, name: str) -> Output:
        # It stays where it is until the task ends badly, is deleted, or the bucket's rule for `incoming/` removes it:
        # the provider is asked again when this step is repeated, and must find the same files then.
        if not staged.startswith(INCOMING):
            raise media_rejected("media_refused", "The provider has put the file where none is expected.")
        size = self._size(staged)
        if size is None:
            raise media_rejected("media_unavailable", "The file is not where the provider has put it.")
        check_size(size, kind)
        form, measures = read_metadata(self._reader(staged, size), kind)
        key = _key(stem, form)
        source: CopySourceTypeDef = {"Bucket": self._bucket, "Key": staged}
        self._client.copy_object(
            Bucket=self._bucket,
            Key=key,
            CopySource=source,
            MetadataDirective="REPLACE",
            TaggingDirective="REPLACE",
            **_served_as(form, name),
        )
        return self._output(key, form, size, measures)

    def _output(self, key: str, form: Format, size: int, measures: MediaMetadata) -> Output:
        """What is at `key`, with its thumbnail, which is stored beside it."""
        beside = f"{key.rpartition('.')[0]}-thumbnail.webp" if measures.thumbnail else None
        if beside and measures.thumbnail:
            drawn = _served_as(_THUMBNAIL)
            self._client.put_object(Bucket=self._bucket, Key=beside, Body=measures.thumbnail, **drawn)
        return Output(
            key=key,
            thumbnail_key=beside,
            content_type=form.content_type,
            bytes=size,
            width=measures.width,
            height=measures.height,
            duration=measures.duration,
        )

    def _reader(self, key: str, size: int) -> S3Reader:
        return S3Reader(self._client, self._bucket, key, size)

    def _size(self, key: str) -> int | None:
        try:
            return self._client.head_object(Bucket=self._bucket, Key=key)["ContentLength"]
        except ClientError as failure:
            if failure.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
                return None
            raise

    # ------------------------------------------------------------------------------------------------- removing

    def delete(self, key: str) -> None:
        """Remove one file, or do nothing when there is none."""
        self._client.delete_object(Bucket=self._bucket, Key=key)

    def delete_of_task(self, user_id: int, task_id: str) -> int:
        """Remove everything a task ever stored, and what waits for it; how many files that were."""
        below = (f"media/{user_id}/{task_id}/", f"{INCOMING}{task_id}/")
        keys = [key for prefix in below for key in self._keys(prefix)]
        for key in keys:
            self.delete(key)
        return len(keys)

    def _keys(self, prefix: str) -> Iterator[str]:
        last = prefix
        while True:
            page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix, StartAfter=last)
            for entry in page.get("Contents", []):
                last = entry["Key"]
                yield last
            if not page["IsTruncated"]:
                return


def _key(stem: str, form: Format) -> str:
    return f"{stem}.{form.extension}"


class _Served(TypedDict):
    ContentType: str
    ContentDisposition: str
    CacheControl: str


def _served_as(form: Format, name: str | None = None) -> _Served:
    # What is at a key never changes but by a repeat, which brings the same file.
    cached = "private, max-age=31536000, immutable"
    shown = content_disposition(f"{name}.{form.extension}") if name else "inline"
    return {"ContentType": form.content_type, "ContentDisposition": shown, "CacheControl": cached}
