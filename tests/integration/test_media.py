"""The bucket on moto: how files that are here already are kept, and what is left of those that are not."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest import mock

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from moto import mock_aws
from moto.s3.models import s3_backends
from urllib3 import HTTPResponse

from atelier.domain.pipeline_ports import MediaRejected
from atelier.domain.provider import Content, File, Remote, Staged
from atelier.domain.tasks.record import TaskType
from atelier.store import media as media_module
from atelier.store.downloads import Download
from atelier.store.media import MediaBucket
from atelier.store.media_formats import LIMITS
from atelier.store.s3_objects import PART
from tests.support.builders import MADE
from tests.support.files import HEIGHT, NEVER_KEPT, SAMPLES, SECONDS, WIDTH, Sample, image, recording

BUCKET = "media-bucket"
STEM = "media/1/task/0"
THUMBNAIL = "media/1/task/0-thumbnail.webp"
STAGED = "incoming/task/output"
METADATA = {
    "ai-generated": "true",
    "provider": "fal",
    "model": "fal-ai/flux-2-pro",
    "at": "2026-01-31T12:00:00.000000Z",
}


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    """A client of an S3 in this process."""
    with mock_aws():
        yield boto3.client(
            "s3",
            region_name="us-east-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            config=Config(signature_version="s3v4"),
        )


@pytest.fixture
def s3(client: Any) -> Any:
    """An S3 with one empty bucket."""
    s3_backends["123456789012"]["aws"].reset()
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture
def media(s3: Any) -> MediaBucket:
    """The bucket as the worker has it."""
    return MediaBucket(s3, BUCKET)


def keys(s3: Any) -> list[str]:
    """Everything in the bucket."""
    return [entry["Key"] for entry in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def put(s3: Any, key: str, content: bytes) -> None:
    """Something in the bucket, as somebody else puts it there."""
    s3.put_object(Bucket=BUCKET, Key=key, Body=content, ContentType="text/html", Metadata={"theirs": "yes"})


def code_of(media: MediaBucket, file: File, kind: TaskType) -> str:
    """Why a file is not kept."""
    with pytest.raises(MediaRejected) as refusal:
        media.keep(file, STEM, kind, "Summer-A-boat-1", MADE)
    assert refusal.value.error.retryable is False
    return refusal.value.error.code


# ------------------------------------------------------------------------------------------------------------ keeping


@pytest.mark.parametrize("staged", [False, True], ids=["here", "staged"])
@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_file_is_kept_as_what_it_is(media: MediaBucket, s3: Any, sample: Sample, staged: bool) -> None:
    put(s3, STAGED, sample.content)
    output = media.keep(
        Staged(STAGED) if staged else Content(sample.content), STEM, sample.kind, "Summer-A-boat-1", MADE
    )
    assert (output.key, output.content_type) == (f"{STEM}.{sample.extension}", sample.content_type)
    assert output.bytes == len(sample.content)
    sound = sample.kind is TaskType.AUDIO
    assert (output.width, output.height) == ((None, None) if sound else (WIDTH, HEIGHT))
    lasts = None if sample.kind is TaskType.IMAGE else pytest.approx(SECONDS, abs=0.05)
    assert output.duration == lasts
    disposition = f'inline; filename="Summer-A-boat-1.{sample.extension}"'
    kept = s3.get_object(Bucket=BUCKET, Key=output.key)
    assert kept["Body"].read() == sample.content
    assert (kept["ContentType"], kept["ContentDisposition"]) == (sample.content_type, disposition)
    assert kept["CacheControl"] == "private, max-age=31536000, immutable"
    assert kept["Metadata"] == {**METADATA, "c2pa": "unknown" if sample.extension == "webm" else "absent"}
    assert output.provenance == MADE.model_copy(update={"c2pa": kept["Metadata"]["c2pa"]})
    assert keys(s3) == sorted([STAGED, output.key, THUMBNAIL])


def test_a_thumbnail_is_served_as_its_file_is(media: MediaBucket, s3: Any) -> None:
    output = media.keep(Content(image("PNG")), STEM, TaskType.IMAGE, "Summer-A-boat-1", MADE)
    assert output.thumbnail_key == THUMBNAIL
    kept = s3.get_object(Bucket=BUCKET, Key=THUMBNAIL)
    assert kept["Body"].read()[8:12] == b"WEBP"
    assert kept["ContentDisposition"] == "inline"
    assert (kept["ContentType"], kept["CacheControl"]) == ("image/webp", "private, max-age=31536000, immutable")
    assert media.delete_of_task(1, "task") == 2


def test_a_file_without_a_thumbnail_is_kept(media: MediaBucket, s3: Any) -> None:
    output = media.keep(Content(image("PNG")[:2000]), STEM, TaskType.IMAGE, "Summer-A-boat-1", MADE)
    assert (output.width, output.thumbnail_key) == (WIDTH, None)
    assert keys(s3) == [output.key]


def test_metadata_of_a_large_file_come_with_its_measures(media: MediaBucket, s3: Any) -> None:
    content = image("PNG") + bytes(PART)

    @contextmanager
    def download(_: Remote, kind: TaskType, __: object) -> Iterator[Download]:
        yield Download(HTTPResponse(io.BytesIO(content), preload_content=False), kind)

    with mock.patch.object(media_module, "download", download):
        output = media.keep(Remote("https://cdn.example/x", ()), STEM, TaskType.IMAGE, "Summer-A-boat-1", MADE)
    kept = s3.get_object(Bucket=BUCKET, Key=output.key)
    assert kept["Body"].read() == content
    assert kept["Metadata"] == {**METADATA, "c2pa": "absent"}
    assert kept["CacheControl"] == "private, max-age=31536000, immutable"


def test_metadata_are_ascii_and_fit(media: MediaBucket, s3: Any) -> None:
    made = MADE.model_copy(update={"provider": "fäl %", "model": "⛵".ljust(2000, "x")})
    output = media.keep(Content(image("PNG")), STEM, TaskType.IMAGE, "Summer-A-boat-1", made)
    said = s3.head_object(Bucket=BUCKET, Key=output.key)["Metadata"]
    assert said["provider"] == "f%C3%A4l%20%25"
    assert said["model"].startswith("%E2%9B%B5xxx")
    assert sum(len(name) + len(text.encode("ascii")) for name, text in said.items()) < 2048
    assert output.provenance == made.model_copy(update={"c2pa": "absent"})


def test_a_file_replaces_what_was_there(media: MediaBucket, s3: Any) -> None:
    media.keep(Content(image("PNG", 10, 10)), STEM, TaskType.IMAGE, "Summer-A-boat-1", MADE)
    assert media.keep(Content(image("PNG", 20, 20)), STEM, TaskType.IMAGE, "Summer-A-boat-1", MADE).width == 20
    assert keys(s3) == [THUMBNAIL, f"{STEM}.png"]


@pytest.mark.parametrize("name", NEVER_KEPT)
def test_nothing_is_kept_of_what_is_no_media(media: MediaBucket, s3: Any, name: str) -> None:
    for kind in (TaskType.IMAGE, TaskType.VIDEO, TaskType.AUDIO):
        put(s3, STAGED, NEVER_KEPT[name])
        assert code_of(media, Content(NEVER_KEPT[name]), kind) == "media_wrong_type"
        assert code_of(media, Staged(STAGED), kind) == "media_wrong_type"
        assert keys(s3) == [STAGED]


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_nothing_is_kept_of_a_truncated_file(media: MediaBucket, s3: Any, sample: Sample) -> None:
    """One whose first bytes are right."""
    liar = sample.content[:12] + b"<html></html>" * 1000
    put(s3, STAGED, liar)
    assert code_of(media, Content(liar), sample.kind) == "media_wrong_type"
    assert code_of(media, Staged(STAGED), sample.kind) == "media_wrong_type"
    assert keys(s3) == [STAGED]


def test_nothing_is_kept_of_an_oversized_file(media: MediaBucket, s3: Any) -> None:
    large = image("PNG")
    put(s3, STAGED, large)
    with mock.patch.dict(LIMITS, {TaskType.IMAGE: len(large) - 1}):
        assert code_of(media, Content(large), TaskType.IMAGE) == "media_too_large"
        assert code_of(media, Staged(STAGED), TaskType.IMAGE) == "media_too_large"
    assert keys(s3) == [STAGED]


# ------------------------------------------------------------------------------------------------------------- staged


def test_staged_files_survive_repeats_and_go_with_the_task(media: MediaBucket, s3: Any) -> None:
    put(s3, STAGED, image("JPEG"))
    first = media.keep(Staged(STAGED), STEM, TaskType.IMAGE, "Summer-A-boat-1", MADE)
    assert media.keep(Staged(STAGED), STEM, TaskType.IMAGE, "Summer-A-boat-1", MADE) == first
    assert keys(s3) == [STAGED, THUMBNAIL, first.key]
    assert media.delete_of_task(1, "task") == 3
    assert keys(s3) == []


def test_a_staged_file_that_never_came_is_unavailable(media: MediaBucket, s3: Any) -> None:
    put(s3, "media/1/task/00.png", image("PNG"))
    assert code_of(media, Staged(STAGED), TaskType.IMAGE) == "media_unavailable"


@pytest.mark.parametrize("key", ["media/2/other/0.png", "incoming", "", "/incoming/task/output"])
def test_nothing_is_taken_from_elsewhere_in_the_bucket(media: MediaBucket, s3: Any, key: str) -> None:
    put(s3, "media/2/other/0.png", image("PNG"))
    assert code_of(media, Staged(key), TaskType.IMAGE) == "media_refused"
    assert keys(s3) == ["media/2/other/0.png"]


def test_a_bucket_that_refuses_is_not_a_missing_file(media: MediaBucket, s3: Any) -> None:
    s3.delete_bucket(Bucket=BUCKET)
    with pytest.raises(ClientError):
        media.keep(Content(recording("flac", None, "flac")), STEM, TaskType.AUDIO, "Summer-A-boat-1", MADE)


# ----------------------------------------------------------------------------------------------- ------------ removing


def test_removing_a_tasks_files_touches_no_other_task(media: MediaBucket, s3: Any) -> None:
    mine = ["media/1/task/0.png", "media/1/task/1.png", "incoming/task/output", "incoming/task/manifest.json"]
    others = ["incoming/task2/output", "media/1/task2/0.png", "media/2/task/0.png"]
    for key in (*mine, *others):
        put(s3, key, b"x")
    assert media.delete_of_task(1, "task") == 4
    assert keys(s3) == others
    assert media.delete_of_task(1, "task") == 0


def test_more_files_than_fit_one_page_are_removed(media: MediaBucket, s3: Any) -> None:
    for number in range(7):
        put(s3, f"media/1/task/{number}.png", b"")
    short_pages = partial(s3.list_objects_v2, MaxKeys=2)
    with mock.patch.object(s3, "list_objects_v2", short_pages):
        assert media.delete_of_task(1, "task") == 7
    assert keys(s3) == []
