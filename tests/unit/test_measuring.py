"""Foreign media are opened in a child: what a file may cost, whatever is in it, and what becomes of the child."""

import io
import resource
import struct
import sys
import time
import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest
from PIL import Image

from atelier.domain.pipeline_ports import MediaRejected
from atelier.domain.tasks.record import C2pa, TaskType
from atelier.store import measuring
from atelier.store.measuring import Facts, Limits, Measurer, Track, Unmeasurable
from atelier.store.media_metadata import read_metadata
from tests.support.files import HEIGHT, SAMPLES, WIDTH, Sample, image, recording
from tests.support.hostile_files import HUNGRY, IMAGES, SOUNDS, VIDEOS, cut, sizes, table, video, whole_video

CORPUS: Final = [
    *((TaskType.IMAGE, name, make) for name, make in IMAGES.items()),
    *((TaskType.VIDEO, name, make) for name, make in VIDEOS.items()),
    *((TaskType.AUDIO, name, make) for name, make in SOUNDS.items()),
]
LINUX: Final = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere memory is not limited")
PNG: Final = image("PNG")
SLOW: Final = IMAGES["png with 10,000 texts"]


@pytest.fixture
def measurer() -> Iterator[Measurer]:
    made = Measurer(Limits(memory=256 * 2**20))
    yield made
    made.close()


def sides(measurer: Measurer, content: bytes = PNG, reader: str = "PNG") -> tuple[int, int]:
    facts = measurer.image(io.BytesIO(content), len(content), reader)
    return facts.width, facts.height


def reason(measurer: Measurer, content: bytes, reader: str) -> str:
    with pytest.raises(Unmeasurable) as failure:
        (measurer.video if reader.islower() else measurer.image)(io.BytesIO(content), len(content), reader)
    return failure.value.reason


def outcome_of(content: bytes, kind: TaskType) -> str:
    try:
        read_metadata(io.BytesIO(content), kind)
    except MediaRejected as refusal:
        return refusal.error.code
    return "measured"


# ------------------------------------------------------------------------------------------------- what it may cost


@pytest.mark.parametrize(
    ("kind", "content"), [(kind, make) for kind, _, make in CORPUS], ids=[each[1] for each in CORPUS]
)
def test_hostile_files_are_measured_or_refused_within_limits(kind: TaskType, content: object) -> None:
    assert callable(content)
    made = content()
    ours, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    assert outcome_of(made, kind) in ("measured", "media_wrong_type", "media_too_large")
    assert time.monotonic() - began < 20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - ours < 32 * 1024, "our own process opened it"


@LINUX
def test_memory_beyond_the_limit_is_not_given(measurer: Measurer) -> None:
    measurer.limits = Limits(memory=64 * 2**20)
    assert reason(measurer, VIDEOS["mp4 whose index is compressed"](), "mov") == "memory"
    assert reason(measurer, SOUNDS["mp3 whose cover says it is 256 MB"](), "mp3") in ("memory", "format")


def test_processor_time_beyond_the_limit_is_not_given(measurer: Measurer) -> None:
    measurer.limits = Limits(processor=1)
    began = time.monotonic()
    assert reason(measurer, IMAGES["jpeg of 100,000 empty segments"]() * 100, "JPEG") in ("format", "time")
    assert time.monotonic() - began < 15


def test_a_child_that_takes_too_long_is_replaced(measurer: Measurer) -> None:
    assert sides(measurer) == (WIDTH, HEIGHT)
    measurer.limits = Limits(wall=0.02)
    assert reason(measurer, SLOW(), "PNG") == "time"
    measurer.limits = Limits()
    assert sides(measurer) == (WIDTH, HEIGHT)


def test_a_child_that_asks_without_end_is_killed(measurer: Measurer) -> None:
    measurer.limits = Limits(reads=3)
    assert reason(measurer, SLOW(), "PNG") == "time"


@pytest.mark.parametrize(
    "tables",
    [
        [table(b"stts", 1, 2**26, 1), sizes(1, 2**26)],
        [table(b"stts", 2**26, 1, 1), sizes(1, 1)],
        [table(b"co64", 2**26, 1, 1), sizes(1, 1)],
        [table(b"stsz", 0, 2**26), table(b"stts", 1, 1, 1)],
    ],
)
def test_tables_that_exceed_their_file_are_refused(measurer: Measurer, tables: list[bytes]) -> None:
    assert reason(measurer, video(*tables), "mov") == "truncated"
    assert reason(measurer, HUNGRY, "mov") == "truncated"


@pytest.mark.parametrize("share", [0.3, 0.6, 0.99])
def test_a_video_that_was_cut_off_is_not_kept(measurer: Measurer, share: float) -> None:
    good = whole_video()
    assert measurer.video(io.BytesIO(good), len(good), "mov").tracks
    assert reason(measurer, cut(good, share), "mov") in ("truncated", "format")


@pytest.mark.parametrize("share", [0.5, 0.99])
def test_images_or_sounds_shorter_than_declared_are_refused(measurer: Measurer, share: float) -> None:
    for content, reader in ((image("WEBP"), "WEBP"), (recording("wav", None, "pcm_s16le"), "wav")):
        assert reason(measurer, cut(content, share), reader) == "truncated"


def test_a_recording_without_a_length_is_measured(measurer: Measurer) -> None:
    content = bytearray(recording("wav", None, "pcm_s16le"))
    for unknown in (b"\xff\xff\xff\xff", b"\0\0\0\0"):
        content[4:8] = unknown
        assert measurer.sound(io.BytesIO(bytes(content)), len(content), "wav").tracks


# --------------------------------------------------------------------------------------------------- what it brings


def test_images_have_sides_and_recordings_have_tracks(measurer: Measurer) -> None:
    assert sides(measurer) == (WIDTH, HEIGHT)
    content = recording("mp4", "libx264", "aac")
    facts = measurer.video(io.BytesIO(content), len(content), "mov")
    assert [(track.type, track.width, track.height) for track in facts.tracks] == [
        ("video", WIDTH, HEIGHT),
        ("audio", 0, 0),
    ]
    assert facts.seconds == pytest.approx(1.5, abs=0.1)


def drawn(thumbnail: bytes | None) -> Image.Image:
    assert thumbnail is not None
    return Image.open(io.BytesIO(thumbnail), formats=("WEBP",))


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_every_type_of_file_has_a_thumbnail(sample: Sample) -> None:
    small = drawn(read_metadata(io.BytesIO(sample.content), sample.kind)[1].thumbnail)
    assert small.size == ((512, 128) if sample.kind is TaskType.AUDIO else (WIDTH, HEIGHT))


def test_a_thumbnail_is_small_and_the_right_way_up(measurer: Measurer) -> None:
    left, file = Image.new("RGB", (1000, 2000), "white"), io.BytesIO()
    left.paste("black", (0, 0, 1000, 1000))
    exif = Image.Exif()
    exif[0x0112] = 6  # it is to be turned a quarter to the right
    left.save(file, "JPEG", exif=exif)
    small = drawn(measurer.image(file, file.tell(), "JPEG").thumbnail).convert("L")
    assert small.size == (512, 256)
    assert [small.getpixel((x, 128)) for x in (10, 500)] == [pytest.approx(255, abs=9), pytest.approx(0, abs=9)]


def test_a_transparent_image_stays_transparent(measurer: Measurer) -> None:
    for mode in ("RGBA", "LA", "P"):
        file = io.BytesIO()
        Image.new("RGBA", (20, 10), (255, 0, 0, 0)).convert(mode).save(file, "PNG")
        assert drawn(measurer.image(file, file.tell(), "PNG").thumbnail).mode == "RGBA"


def test_a_waveform_is_as_high_as_it_is_loud(measurer: Measurer) -> None:
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(8000) + struct.pack("<4000h", *[16000, -16000] * 2000))
    small = drawn(measurer.sound(file, file.tell(), "wav").thumbnail).getchannel("A")
    heights = [sum(bool(small.getpixel((x, y))) for y in range(128)) for x in (100, 400)]
    assert heights[0] <= 3
    assert 50 <= heights[1] <= 80


def test_a_waveform_of_a_part_is_not_drawn(measurer: Measurer) -> None:
    whole = recording("mp3", None, "libmp3lame")
    assert measurer.sound(io.BytesIO(whole), len(whole), "mp3").thumbnail
    part = whole[: len(whole) // 2]
    facts = measurer.sound(io.BytesIO(part), len(part), "mp3")
    assert facts.seconds == pytest.approx(1.5, abs=0.1)
    assert facts.thumbnail is None


def test_a_damaged_image_is_kept_without_a_thumbnail(measurer: Measurer) -> None:
    """Its head is good, so it has sides; as before, nobody looks at the rest of it."""
    part = PNG[: len(PNG) // 2]
    assert measurer.image(io.BytesIO(part), len(part), "PNG") == Facts(WIDTH, HEIGHT)


@LINUX
def test_a_thumbnail_that_takes_too_much_is_not_made(measurer: Measurer) -> None:
    file = io.BytesIO()
    Image.new("L", (9000, 9000)).save(file, "PNG", compress_level=1)
    measurer.limits = Limits(memory=48 * 2**20)
    assert measurer.image(file, file.tell(), "PNG") == Facts(9000, 9000, c2pa=C2pa.ABSENT)
    assert sides(measurer) == (WIDTH, HEIGHT)


def test_one_child_measures_one_file_after_the_other(measurer: Measurer) -> None:
    sides(measurer)
    first = measurer.process_id
    assert reason(measurer, b"\x89PNG\r\n\x1a\n", "PNG") == "format"
    sides(measurer)
    assert measurer.process_id == first


def test_many_threads_share_a_child(measurer: Measurer) -> None:
    contents = [image("PNG", 20 + number, 10) for number in range(12)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda each: sides(measurer, each), contents)) == [(20 + n, 10) for n in range(12)]


def test_an_unreadable_file_is_reported_and_the_next_measured(measurer: Measurer) -> None:
    class Broken(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ConnectionError("down")

    with pytest.raises(ConnectionError):
        measurer.image(Broken(PNG), len(PNG), "PNG")
    assert sides(measurer) == (WIDTH, HEIGHT)


# ------------------------------------------------------------------------------------------- a child is not believed


@pytest.mark.parametrize(
    "script",
    [
        "import sys; sys.exit(0)",
        "import os; os.write(1, b'\\xff\\xff\\xff\\xff')",
        "import os; os.write(1, b'\\0\\0\\0\\x02[]')",
        "import os; os.write(1, b'\\0\\0\\0\\x02{{')",
        "import os; os.write(1, b'\\0\\0\\0\\x12{\"read\": [-1, 20]}')",
        "import os; os.write(1, b'\\0\\0\\0\\x12{\"read\": [1e9,20]}')",
        "import os; os.write(1, b'\\0\\0\\0\\x0d{\"read\": 77}}')",
        "import os; os.write(1, b'\\0\\0')",
    ],
)
def test_a_nonsense_answer_means_an_unmeasurable_file(
    script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = tmp_path / "child.py"
    child.write_text(script)
    monkeypatch.setattr(measuring, "_CHILD", child)
    assert reason(Measurer(), PNG, "PNG") == "memory"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ('{"width": -5, "height": "9"}', Facts()),
        (
            '{"tracks": [7, {"type": "video", "width": true}], "microseconds": -1}',
            Facts(tracks=(Track("video", 0, 0, 0),)),
        ),
    ],
)
def test_numbers_that_are_none_are_not_taken_over(
    facts: str, expected: Facts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = tmp_path / "child.py"
    frames = [f'{{"facts": {facts}}}', '{"ended": 0}']
    child.write_text(
        f"import os\nfor each in {frames!r}: os.write(1, len(each).to_bytes(4) + each.encode())\nos.read(0, 9)"
    )
    monkeypatch.setattr(measuring, "_CHILD", child)
    measurer = Measurer()
    measure = measurer.video if "tracks" in facts else measurer.image
    assert measure(io.BytesIO(PNG), len(PNG), "PNG") == expected
    measurer.close()


def says(*messages: str) -> str:
    """A child that says this and ends."""
    return f"import os\nfor each in {messages!r}: os.write(1, len(each).to_bytes(4) + each.encode())"


FACTS: Final = '{"facts": {"width": 3, "height": 4}}'


@pytest.mark.parametrize(
    "then",
    [
        "",
        '{"c2pa": "certified"}',
        '{"c2pa": []}',
        '{"thumbnail": 7}',
        '{"thumbnail": "PHN2Zz4="}',
        '{"thumbnail": "%"}',
        "[",
        "{}",
    ],
)
def test_facts_hold_whatever_becomes_of_the_thumbnail(
    then: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also of a child that says nothing any more; and only a WebP is one."""
    child = tmp_path / "child.py"
    child.write_text(says(FACTS, *([then, '{"ended": 0}'] if then else [])))
    monkeypatch.setattr(measuring, "_CHILD", child)
    measurer = Measurer()
    assert measurer.image(io.BytesIO(PNG), len(PNG), "PNG") == Facts(3, 4)
    measurer.close()


@LINUX
def test_a_child_knows_none_of_our_secrets(measurer: Measurer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "quixotic")
    sides(measurer)
    environment = Path(f"/proc/{measurer.process_id}/environ").read_bytes()
    assert b"quixotic" not in environment
    assert {each.partition(b"=")[0] for each in environment.split(b"\0") if each} <= {
        b"PATH",
        b"LANG",
        b"LD_LIBRARY_PATH",
    }
