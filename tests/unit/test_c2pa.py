"""Manifests in files: every format by a file that was put together here, whole, cut off and with lengths that lie."""

import io
import struct
from collections.abc import Callable
from random import Random
from typing import Final

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from atelier.domain.tasks.record import C2pa, TaskType
from atelier.store.c2pa import MOST_PARTS, find_store
from atelier.store.media_metadata import read_metadata
from tests.support.files import SAMPLES, Sample, image, recording
from tests.support.hostile_files import box

# As `c2patool` writes it: a superbox whose description names its type and is labelled.
TYPE: Final = b"c2pa" + bytes.fromhex("0011 0010 8000 00AA 0038 9B71")
STORE: Final = box(b"jumb", box(b"jumd", TYPE, b"\x03c2pa\0"), box(b"jumb", box(b"jumd", bytes(16), b"\x03x\0")))
OTHER: Final = box(b"jumb", box(b"jumd", b"json", TYPE[4:], b"\x03json\0"))
BOX: Final = bytes([0xD8, 0xFE, 0xC3, 0xD6, 0x1B, 0x0E, 0x48, 0x3C, 0x92, 0x97, 0x58, 0x28, 0x87, 0x7E, 0xC4, 0x81])


def a_png(store: bytes) -> bytes:
    """Written by Pillow."""
    chunks, file = PngInfo(), io.BytesIO()
    chunks.add_text("Title", "A boat")
    chunks.add(b"caBX", store)
    Image.new("RGB", (8, 8)).save(file, "PNG", pnginfo=chunks)
    return file.getvalue()


def a_jpeg(store: bytes) -> bytes:
    """With the segments of ISO 19566-5, D.2, which Pillow puts behind its own."""
    file = io.BytesIO()
    content = struct.pack(">2sHI", b"JP", 1, 1) + store
    segment = b"\xff\xeb" + struct.pack(">H", 2 + len(content)) + content
    Image.new("RGB", (8, 8)).save(file, "JPEG", extra=segment, comment=b"A boat")
    return file.getvalue()


def riff(whole: bytes, store: bytes) -> bytes:
    """A RIFF file with one chunk more."""
    padded = store + b"\0" * (len(store) % 2)
    content = whole[8:] + b"C2PA" + struct.pack("<I", len(store)) + padded
    return b"RIFF" + struct.pack("<I", len(content)) + content


def a_gif(store: bytes) -> bytes:
    """With an application extension before its image."""
    whole = image("GIF", 8, 8)
    begin = 13 + 3 * 2 ** ((whole[10] & 7) + 1)
    blocks = [store[at : at + 255] for at in range(0, len(store), 255)]
    extension = b"!\xff\x0bC2PA_GIF\1\0\0" + b"".join(bytes([len(each)]) + each for each in blocks) + b"\0"
    return whole[:begin] + b"!\xfe\x03abc\x02de\0" + extension + whole[begin:]


def behind(whole: bytes, store: bytes, purpose: bytes = b"manifest") -> bytes:
    """An ISO BMFF file with one box more at its end."""
    return whole + box(b"uuid", BOX, bytes(4), purpose, b"\0", bytes(8), store)


def tag(store: bytes, *, version: int = 3, kind: bytes = b"application/c2pa", wide: bool = False) -> bytes:
    """An ID3 tag, behind which a sound would stand."""
    code, encoding = (b"\1", "utf-16") if wide else (b"\0", "latin-1")
    names = b"".join(f"{each}\0".encode(encoding) for each in ("c2pa", "c2pa manifest store"))
    frames = [(b"TIT2", b"\0A boat"), (b"GEOB", code + kind + b"\0" + names + store)]
    content = b"".join(
        name + (seven(len(each)) if version == 4 else struct.pack(">I", len(each))) + bytes(2) + each
        for name, each in frames
    )
    return b"ID3" + bytes([version, 0, 0]) + seven(len(content) + 20) + content + bytes(20)


def seven(number: int) -> bytes:
    """Four bytes of seven bits."""
    bits = f"{number:028b}"
    return bytes(int(bits[at : at + 7], 2) for at in (0, 7, 14, 21))


def an_ogg(store: bytes) -> bytes:
    """With a stream of its own, which begins behind the beginning of the first one."""
    whole = recording("ogg", None, "libopus")
    first = 27 + whole[26] + sum(whole[27 : 27 + whole[26]])
    packet = b"\0c2pa" + store
    lacing = bytes([255] * (len(packet) // 255) + [len(packet) % 255])
    page = b"OggS" + struct.pack("<BBqIII", 0, 2, 0, 7, 0, 0) + bytes([len(lacing)]) + lacing + packet
    return whole[:first] + page + whole[first:]


def a_sound(store: bytes) -> bytes:
    """An MP3."""
    return tag(store) + recording("mp3", None, "libmp3lame")


MAKERS: Final[dict[str, tuple[str, Callable[[bytes], bytes]]]] = {
    "png": ("PNG", a_png),
    "jpeg": ("JPEG", a_jpeg),
    "webp": ("WEBP", lambda store: riff(image("WEBP", 8, 8), store)),
    "gif": ("GIF", a_gif),
    "avif": ("AVIF", lambda store: behind(image("AVIF", 16, 16), store)),
    "mp4": ("mov", lambda store: behind(recording("mp4", "libx264", "aac"), store)),
    "quicktime": ("mov", lambda store: behind(recording("mov", "libx264"), store, b"update")),
    "wav": ("wav", lambda store: riff(recording("wav", None, "pcm_s16le"), store)),
    "mp3": ("mp3", a_sound),
    "mp3 of 2.4": ("mp3", lambda store: tag(store, version=4, kind=b"application/x-c2pa-manifest-store", wide=True)),
    "flac": ("flac", lambda store: tag(store, wide=True) + b"fLaC"),
    "ogg": ("ogg", an_ogg),
}


def found(content: bytes, reader: str) -> str:
    """What is said of a file."""
    return find_store(io.BytesIO(content), reader)


@pytest.mark.parametrize("name", MAKERS)
def test_a_manifest_is_found_where_it_belongs(name: str) -> None:
    reader, make = MAKERS[name]
    assert found(make(STORE), reader) == "present"
    long = struct.pack(">I4sQ", 1, b"jumb", len(STORE) + 8) + STORE[8:]
    assert found(make(long), reader) == "present"
    assert found(make(OTHER), reader) == found(make(b""), reader) == "absent"


@pytest.mark.parametrize("name", MAKERS)
def test_nothing_is_said_of_what_was_cut_off(name: str) -> None:
    """Neither that there is a manifest before it begins, nor that there is none while one may follow.

    Behind each of its boxes an ISO BMFF file may end.
    """
    reader, make = MAKERS[name]
    whole = make(STORE)
    begins = whole.index(STORE)
    for end in {*range(0, begins, max(1, begins // 200)), begins}:
        assert found(whole[:end], reader) in ({"unknown", "absent"} if reader in ("mov", "AVIF") else {"unknown"}), end


@pytest.mark.parametrize("name", MAKERS)
def test_a_manifest_that_was_cut_off_is_unknown(name: str) -> None:
    reader, make = MAKERS[name]
    whole = make(STORE + bytes(1000))
    assert found(whole, reader) == "present"
    assert found(whole[: whole.index(STORE) + 600], reader) == "unknown"


@pytest.mark.parametrize("name", MAKERS)
def test_lengths_that_lie_are_survived(name: str) -> None:
    reader, make = MAKERS[name]
    whole, chance = bytearray(make(STORE)[:6000]), Random(name)
    for _ in range(300):
        at = chance.randrange(len(whole) - 4)
        lies = whole[:at] + chance.choice(
            [bytes(4), b"\xff" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\1", chance.randbytes(4)]
        )
        assert found(bytes(lies + whole[at + 4 :]), reader) in set(C2pa)


def test_only_so_many_parts_are_looked_at() -> None:
    chunk = bytes(4) + b"teXt" + bytes(4)
    head, rest = a_png(STORE)[:33], a_png(STORE)[33:]
    assert found(head + 100 * chunk + rest, "PNG") == "present"
    assert found(head + MOST_PARTS * chunk + rest, "PNG") == "unknown"
    assert found(b"\xff\xd8" + MOST_PARTS * b"\xff", "JPEG") == "unknown"
    assert found(image("GIF", 8, 8)[:13] + bytes(MOST_PARTS), "GIF") == "unknown"


def test_what_is_passed_by_is_not_read() -> None:
    class Counted(io.BytesIO):
        """A file that counts what is read of it."""

        count = 0

        def read(self, size: int | None = -1) -> bytes:
            """Read."""
            content = super().read(size)
            self.count += len(content)
            return content

    file = Counted(behind(box(b"ftyp", b"isom") + box(b"mdat", bytes(2**22)), STORE))
    assert find_store(file, "mov") == "present"
    assert file.count < 4096


@pytest.mark.parametrize(
    ("content", "reader"),
    [
        (tag(STORE)[:5] + b"\x80" + tag(STORE)[6:], "mp3"),
        (tag(STORE, version=2), "mp3"),
        (b"\x1aE\xdf\xa3", "matroska"),
    ],
)
def test_what_cannot_be_read_is_unknown(content: bytes, reader: str) -> None:
    assert found(content, reader) == "unknown"


def test_a_box_of_another_purpose_is_none() -> None:
    assert found(behind(box(b"ftyp", b"isom"), STORE, b"merkle"), "mov") == "absent"
    assert found(behind(box(b"ftyp", b"isom"), STORE, b"original"), "mov") == "present"


# ---------------------------------------------------------------------------------------------- in the process apart


@pytest.mark.parametrize(("kind", "name"), [(TaskType.IMAGE, "png"), (TaskType.VIDEO, "mp4"), (TaskType.AUDIO, "mp3")])
def test_a_measured_file_tells_of_its_manifest(kind: TaskType, name: str) -> None:
    _, metadata = read_metadata(io.BytesIO(MAKERS[name][1](STORE)), kind)
    assert (metadata.c2pa, metadata.thumbnail is not None) == (C2pa.PRESENT, True)


@pytest.mark.parametrize("sample", SAMPLES, ids=str)
def test_a_file_without_one_has_none(sample: Sample) -> None:
    _, metadata = read_metadata(io.BytesIO(sample.content), sample.kind)
    assert metadata.c2pa == (C2pa.UNKNOWN if sample.extension == "webm" else C2pa.ABSENT)
