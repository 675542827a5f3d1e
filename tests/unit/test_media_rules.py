"""What may come into the bucket: from where, of which type, how large, and what a look into a file may cost."""

import io
import os
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import av
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from atelier.domain.pipeline_ports import MediaRejected
from atelier.domain.provider import Remote
from atelier.domain.tasks.record import TaskType
from atelier.store.downloads import place_of
from atelier.store.media_formats import HEAD, LIMITS, check_size, format_of
from atelier.store.media_metadata import read_metadata
from atelier.store.s3_reader import BLOCK, MOST_BLOCKS, S3Reader
from tests.support.files import HEIGHT, NEVER_KEPT, SAMPLES, SECONDS, WIDTH, Sample, image, recording

MEDIA = (TaskType.IMAGE, TaskType.VIDEO, TaskType.AUDIO)

HOSTS = ("fal.media", "delivery.example.net")


def code_of(url: str, *, hosts: tuple[str, ...] = HOSTS, plain_http: bool = False) -> str | None:
    """Why a file is not fetched from `url`; None when it is."""
    try:
        place_of(Remote(url, hosts, plain_http))
    except MediaRejected as refusal:
        return refusal.error.code
    return None


# ------------------------------------------------------------------------------------------------------- from where


@pytest.mark.parametrize(
    "url",
    [
        "https://fal.media/files/a.png",
        "https://FAL.media/a.png?token=x%20y&z=1#here",
        "https://v3.fal.media:443/a.png",
        "https://a.b.delivery.example.net",
    ],
)
def test_files_come_from_the_providers_hosts_and_subdomains(url: str) -> None:
    assert code_of(url) is None


@pytest.mark.parametrize(
    "url",
    [
        "http://fal.media/a.png",
        "ftp://fal.media/a.png",
        "file:///etc/passwd",
        "//fal.media/a.png",
        "fal.media/a.png",
        "",
        "https://",
        "https:///a.png",
        "https://evil-fal.media/a.png",
        "https://fal.media.evil.example/a.png",
        "https://evil.example/?https://fal.media/",
        "https://evil.example#.fal.media/",
        "https://evil.example\\.fal.media/",
        "https://fal.media@evil.example/",
        "https://user:secret@fal.media/a.png",
        "https://user@fal.media/a.png",
        "https://@fal.media/a.png",
        "https://fal.media:8443/a.png",
        "https://fal.media:0/a.png",
        "https://fal.media./a.png",
        "https://.fal.media.evil/",
        "https://fal.media /a.png",
        "https://fal.media/a\r\nHost: evil.example",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::1]/a.png",
        "https://localhost/a.png",
    ],
)
def test_files_come_from_nowhere_else(url: str) -> None:
    assert code_of(url) == "media_refused"


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "2130706433", "0x7f.1", "127.1"])
def test_a_number_is_no_host_of_https_urls(host: str) -> None:
    """Whatever the provider says."""
    assert code_of(f"https://{host}/a.png", hosts=(host,)) == "media_refused"
    assert code_of(f"https://{host}/a.png", hosts=(host,), plain_http=True) == "media_refused"


def test_plain_http_is_allowed_at_the_providers_address_only() -> None:
    """At a provider with a plain address, on any port."""
    assert code_of("http://127.0.0.1:8080/a.png", hosts=("127.0.0.1",), plain_http=True) is None
    assert code_of("http://127.0.0.2:8080/a.png", hosts=("127.0.0.1",), plain_http=True) == "media_refused"


def test_asking_again_does_not_make_an_address_better() -> None:
    with pytest.raises(MediaRejected) as refusal:
        place_of(Remote("https://evil.example/a.png?token=secret", HOSTS))
    assert refusal.value.error.retryable is False
    assert "secret" not in refusal.value.error.message


def test_a_provider_without_hosts_has_no_files() -> None:
    assert code_of("https://fal.media/a.png", hosts=()) == "media_refused"
    assert code_of("https://fal.media/a.png", hosts=("",)) == "media_refused"


SIGNS = (
    "https",
    "http",
    "://",
    ":/",
    "//",
    "/",
    "\\",
    "@",
    ":",
    "443",
    "80",
    "?",
    "#",
    ".",
    "[",
    "]",
    "%2e",
    "%40",
    "%00",
)
HOSTILE = ("fal.media", "evil.example", "::1", "127.0.0.1", "а", "ｆal.media", "。", "\u200b", "\t", "\n", " ", "a")
PIECES = st.sampled_from(SIGNS + HOSTILE)
URLS = st.lists(PIECES, max_size=10).map("".join) | st.lists(PIECES, max_size=8).map(lambda p: "https://" + "".join(p))


@settings(max_examples=1500)
@given(URLS | st.text(max_size=40))
@example("https://fal.media\\@evil.example")
@example("https://evil.example\\@fal.media")
@example("https://[fal.media]/")
def test_every_url_parser_agrees_on_allowed_urls(url: str) -> None:
    if code_of(url) is None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        assert parts.scheme == "https"
        assert any(host == each or host.endswith(f".{each}") for each in HOSTS)
        assert parts.username is None
        assert parts.password is None
        assert parts.port in (None, 443)


# ---------------------------------------------------------------------------------------------------- of which type


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_files_type_and_size_are_its_contents(sample: Sample) -> None:
    form, measures = read_metadata(io.BytesIO(sample.content), sample.kind)
    assert (form.content_type, form.extension) == (sample.content_type, sample.extension)
    sides = (None, None) if sample.kind is TaskType.AUDIO else (WIDTH, HEIGHT)
    assert (measures.width, measures.height) == sides
    if sample.kind is TaskType.IMAGE:
        assert measures.duration is None
    else:
        assert measures.duration == pytest.approx(SECONDS, abs=0.05)


def refusal_of(content: bytes, kind: TaskType) -> str | None:
    """Why a file is not kept; None when it is."""
    try:
        read_metadata(io.BytesIO(content), kind)
    except MediaRejected as refusal:
        return refusal.error.code
    return None


@pytest.mark.parametrize("kind", MEDIA)
@pytest.mark.parametrize("name", NEVER_KEPT)
def test_what_is_no_media_is_not_kept(name: str, kind: TaskType) -> None:
    assert refusal_of(NEVER_KEPT[name], kind) == "media_wrong_type"


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_file_of_another_kind_is_not_kept(sample: Sample) -> None:
    for kind in set(MEDIA) - {sample.kind}:
        assert refusal_of(sample.content, kind) == "media_wrong_type"


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_the_right_first_bytes_are_not_enough(sample: Sample) -> None:
    head = sample.content[:12]
    assert refusal_of(head, sample.kind) == "media_wrong_type"
    assert refusal_of(head + b"<html></html>" * 1000, sample.kind) == "media_wrong_type"


@settings(max_examples=300)
@given(st.binary(max_size=HEAD), st.sampled_from(MEDIA))
def test_any_bytes_are_of_a_type_or_refused(head: bytes, kind: TaskType) -> None:
    try:
        form = format_of(head, kind)
    except MediaRejected as refusal:
        code: str | None = refusal.error.code
    else:
        code = None if form.content_type.startswith(f"{kind}/") else form.content_type
    assert code in (None, "media_wrong_type")


@settings(max_examples=300)
@given(
    st.sampled_from(SAMPLES),
    st.floats(0, 1),
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=20),
)
def test_a_broken_file_is_measured_or_refused(sample: Sample, length: float, damage: list[tuple[float, int]]) -> None:
    content = bytearray(sample.content[: int(length * len(sample.content))])
    for place, value in damage if content else []:
        content[int(place * (len(content) - 1))] = value
    assert refusal_of(bytes(content), sample.kind) in (None, "media_wrong_type", "media_too_large")


SOUND = recording("mp3", None, "libmp3lame")


def test_a_cover_does_not_make_a_recording_a_video() -> None:
    file = io.BytesIO()
    with av.open(io.BytesIO(SOUND), "r") as source, av.open(file, "w", format="mp3") as made:
        cover: Any = made.add_stream("mjpeg")
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        sound = made.add_stream_from_template(source.streams.audio[0])
        made.mux(cover.encode(av.VideoFrame(64, 64, "yuvj420p")))
        made.mux(cover.encode(None))
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = sound
                made.mux(packet)
    form, measures = read_metadata(io.BytesIO(file.getvalue()), TaskType.AUDIO)
    assert (form.extension, measures.width) == ("mp3", None)
    assert measures.duration == pytest.approx(SECONDS, abs=0.1)


# -------------------------------------------------------------------------------------------------------- how large


@pytest.mark.parametrize("kind", MEDIA)
def test_the_size_limit_of_a_kind_is_exact(kind: TaskType) -> None:
    check_size(LIMITS[kind], kind)
    with pytest.raises(MediaRejected) as refusal:
        check_size(LIMITS[kind] + 1, kind)
    assert refusal.value.error.code == "media_too_large"


def test_a_decompression_bomb_is_refused() -> None:
    """A small file that unfolds to gigabytes."""
    sides = (60_000).to_bytes(4) * 2
    content = bytearray(image("PNG"))
    content[16:24] = sides
    assert refusal_of(bytes(content), TaskType.IMAGE) in ("media_too_large", "media_wrong_type")
    gif = bytearray(image("GIF"))
    gif[6:10] = b"\xff\xff\xff\xff"
    assert refusal_of(bytes(gif), TaskType.IMAGE) == "media_too_large"


# ------------------------------------------------------------------------------------------ what a look may cost


class Bucket:
    """An S3 client with one object, that counts what is asked of it."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.asked: list[str] = []
        self.failure: Exception | None = None

    def get_object(self, *, Bucket: str, Key: str, Range: str) -> dict[str, Any]:  # noqa: N803 - as boto3 has it
        """A range of the object."""
        self.asked.append(Range)
        if self.failure:
            raise self.failure
        first, last = map(int, Range.removeprefix("bytes=").split("-"))
        return {"Body": SimpleNamespace(read=lambda: self.content[first : last + 1])}


def stored(bucket: Any) -> S3Reader:
    """The object."""
    return S3Reader(bucket, "bucket", "key", len(bucket.content))


def test_a_video_is_measured_by_its_two_ends() -> None:
    """Wherever its index is."""
    video = recording("mp4", "libx264")
    at = video.index(b"moov") - 4
    padding = 20 * BLOCK
    free = (padding + 8).to_bytes(4) + b"free" + bytes(padding)
    bucket = Bucket(video[:at] + free + video[at:])
    form, measures = read_metadata(stored(bucket), TaskType.VIDEO)
    assert (form.extension, measures.width, measures.duration) == ("mp4", WIDTH, SECONDS)
    assert len(bucket.asked) <= 3


@given(st.binary(min_size=1, max_size=40), st.lists(st.tuples(st.integers(-5, 50), st.integers(0, 60)), max_size=8))
def test_a_stored_file_reads_like_any_other(content: bytes, reads: list[tuple[int, int]]) -> None:
    ours, other = stored(Bucket(content)), io.BytesIO(content)
    for place, size in reads:
        for whence, offset in [(os.SEEK_SET, max(place, 0)), (os.SEEK_END, -min(abs(place), len(content)))]:
            assert ours.seek(offset, whence) == other.seek(offset, whence) == other.tell()
            assert ours.read(size) == other.read(size)
            assert ours.tell() == other.tell()


def test_reads_cross_blocks_and_fetch_each_once() -> None:
    content = os.urandom(2 * BLOCK + 10)
    bucket = Bucket(content)
    file = stored(bucket)
    assert file.read(len(content) + 5) == content
    file.seek(BLOCK - 3)
    assert file.read(6) == content[BLOCK - 3 : BLOCK + 3]
    assert len(bucket.asked) == 3


def test_no_more_is_fetched_than_a_look_may_cost() -> None:
    bucket = Bucket(bytes((MOST_BLOCKS + 2) * BLOCK))
    assert len(stored(bucket).read(len(bucket.content))) == MOST_BLOCKS * BLOCK
    assert len(bucket.asked) == MOST_BLOCKS


@pytest.mark.parametrize("kind", [TaskType.IMAGE, TaskType.VIDEO])
def test_a_silent_bucket_is_not_a_bad_file(kind: TaskType) -> None:
    content = image("PNG", 1000, 1000) if kind is TaskType.IMAGE else recording("mp4", "libx264")
    bucket = Bucket(content)
    bucket.failure = ConnectionError("down")
    with pytest.raises(ConnectionError):
        read_metadata(stored(bucket), kind)


def test_an_image_is_read_once() -> None:
    """For its sides and for its thumbnail."""
    bucket = Bucket(image("PNG", 1200, 900))
    assert len(bucket.content) > 2 * BLOCK
    assert read_metadata(stored(bucket), TaskType.IMAGE)[1].width == 1200
    assert len(bucket.asked) == -(-len(bucket.content) // BLOCK) == len(set(bucket.asked))
