"""Media in our bucket, stored by the worker. Callers read them through signed, expiring URLs (`s3_urls`, `cloudfront`).

Finished files are at `media/<user>/<task>/<number>.<extension>`, and the thumbnail of each is beside it, at
`media/<user>/<task>/<number>-thumbnail.webp`. What a provider puts into the bucket itself is copied from below
`incoming/<task>/`.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from string import punctuation
from typing import IO, TYPE_CHECKING, Final, NotRequired, TypedDict, cast
from urllib.parse import quote

from urllib3 import PoolManager

from atelier.domain.file_names import content_disposition
from atelier.domain.pipeline_ports import MediaRejected
from atelier.domain.provider import Content, File, Remote, Staged
from atelier.domain.tasks.record import C2pa, Output, Provenance, TaskType
from atelier.store.downloads import download
from atelier.store.media_formats import Format, check_size, format_of, media_rejected
from atelier.store.media_metadata import MediaMetadata, read_metadata
from atelier.store.s3_objects import PART, found
from atelier.store.s3_reader import S3Reader

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef
    from s3transfer.manager import TransferManager

INCOMING: Final = "incoming/"
# An object's own metadata are 2 KB at most, names included, of ASCII: any other character is written as in a URL.
_PLAIN: Final = punctuation.replace("%", "")
_LONGEST: Final = 400
_COPIED: Final = 8 * PART
"""As much as S3 copies with one request."""


class MediaBucket:
    """One bucket."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket
        self._http = PoolManager()

    # ---------------------------------------------------------------------------------------------- bringing in

    def keep(self, file: File, stem: str, kind: TaskType, name: str, provenance: Provenance) -> Output:
        """Store one file as it is, under `stem` and the extension of its real type, replacing what was there.

        Whoever saves it gets it as `name`, with that extension. Its `provenance`, with whether a manifest was found in
        it, is part of the object's metadata. It may be repeated. Raises MediaRejected, which leaves nothing under
        `stem`, and Unavailable when a file cannot be fetched now.
        """
        target = _Target(stem, name, provenance)
        match file:
            case Content(content):
                return self._keep_content(content, kind, target)
            case Remote():
                return self._keep_remote(file, kind, target)
            case Staged(key):
                return self._keep_staged(key, kind, target)

    def _keep_content(self, content: bytes, kind: TaskType, target: "_Target") -> Output:
        check_size(len(content), kind)
        form, measures = read_metadata(io.BytesIO(content), kind)
        served = target.served_as(form, measures.c2pa)
        self._client.put_object(Bucket=self._bucket, Key=target.key(form), Body=content, **served)
        return self._output(target, form, len(content), measures)

    def _keep_remote(self, remote: Remote, kind: TaskType, target: "_Target") -> Output:
        with download(remote, kind, self._http) as source:
            begin = source.peek(PART)
            if len(begin) < PART:
                return self._keep_content(begin, kind, target)
            form = format_of(begin, kind)
            key = target.key(form)
            # Without threads there is one part in memory at a time; if reading fails, the upload is aborted.
            with self._transfers(PART, use_threads=False) as transfers:
                served = dict(target.served_as(form))
                transfers.upload(cast("IO[bytes]", source), self._bucket, key, served).result()
        try:
            form, measures = read_metadata(self._reader(key, source.size), kind)
        except MediaRejected:
            self.delete(key)
            raise
        # Only now it is known what is in it, and metadata are written with the whole object or not at all.
        with self._transfers(_COPIED) as transfers:
            how = {"MetadataDirective": "REPLACE", "ChecksumAlgorithm": "CRC32"}
            served = {**how, **target.served_as(form, measures.c2pa)}
            transfers.copy({"Bucket": self._bucket, "Key": key}, self._bucket, key, served).result()
        return self._output(target, form, source.size, measures)

    def _transfers(self, part: int, *, use_threads: bool = True) -> "TransferManager":
        from boto3.s3.transfer import TransferConfig, create_transfer_manager  # noqa: PLC0415 - who reads does without

        by_parts = TransferConfig(
            multipart_threshold=part,
            multipart_chunksize=part,
            use_threads=use_threads,
            preferred_transfer_client="classic",
        )
        return create_transfer_manager(self._client, by_parts)

    def _keep_staged(self, staged: str, kind: TaskType, target: "_Target") -> Output:
        # It stays where it is until the task ends badly, is deleted, or the bucket's rule for `incoming/` removes it:
        # the provider is asked again when this step is repeated, and must find the same files then.
        if not staged.startswith(INCOMING):
            raise media_rejected("media_refused", "The provider has put the file where none is expected.")
        size = self._size(staged)
        if size is None:
            raise media_rejected("media_unavailable", "The file is not where the provider has put it.")
        check_size(size, kind)
        form, measures = read_metadata(self._reader(staged, size), kind)
        source: CopySourceTypeDef = {"Bucket": self._bucket, "Key": staged}
        self._client.copy_object(
            Bucket=self._bucket,
            Key=target.key(form),
            CopySource=source,
            MetadataDirective="REPLACE",
            TaggingDirective="REPLACE",
            **target.served_as(form, measures.c2pa),
        )
        return self._output(target, form, size, measures)

    def _output(self, target: "_Target", form: Format, size: int, measures: MediaMetadata) -> Output:
        """What is stored there, with its thumbnail, which is stored beside it."""
        beside = f"{target.stem}-thumbnail.webp" if measures.thumbnail else None
        if beside and measures.thumbnail:
            drawn = _served_as("image/webp", "inline")
            self._client.put_object(Bucket=self._bucket, Key=beside, Body=measures.thumbnail, **drawn)
        return Output(
            key=target.key(form),
            thumbnail_key=beside,
            content_type=form.content_type,
            bytes=size,
            width=measures.width,
            height=measures.height,
            duration=measures.duration,
            provenance=target.provenance.model_copy(update={"c2pa": measures.c2pa}),
        )

    def _reader(self, key: str, size: int) -> S3Reader:
        return S3Reader(self._client, self._bucket, key, size)

    def _size(self, key: str) -> int | None:
        head = found(lambda: self._client.head_object(Bucket=self._bucket, Key=key))
        return None if head is None else head["ContentLength"]

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


class _Served(TypedDict):
    ContentType: str
    ContentDisposition: str
    CacheControl: str
    Metadata: NotRequired[dict[str, str]]


def _served_as(content_type: str, disposition: str) -> _Served:
    # What is at a key never changes but by a repeat, which brings the same file.
    cached = "private, max-age=31536000, immutable"
    return {"ContentType": content_type, "ContentDisposition": disposition, "CacheControl": cached}


@dataclass(frozen=True)
class _Target:
    """Where a file is to be stored, and what is said of it there."""

    stem: str
    name: str
    provenance: Provenance

    def key(self, form: Format) -> str:
        """The key of the object."""
        return f"{self.stem}.{form.extension}"

    def served_as(self, form: Format, c2pa: C2pa | None = None) -> _Served:
        """What goes with the object; whether a manifest was found may not be known yet."""
        served = _served_as(form.content_type, content_disposition(f"{self.name}.{form.extension}"))
        return {**served, "Metadata": self._metadata(c2pa)}

    def _metadata(self, c2pa: C2pa | None) -> dict[str, str]:
        said = {
            "ai-generated": str(self.provenance.ai_generated).lower(),
            "provider": self.provenance.provider,
            "model": self.provenance.model,
            "at": self.provenance.at,
            **({"c2pa": c2pa} if c2pa else {}),
        }
        return {name: quote(text, safe=_PLAIN)[:_LONGEST] for name, text in said.items()}
