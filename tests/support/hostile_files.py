"""Files that are made to cost whoever opens them: small ones that unfold, headers that lie, tables without end."""

import struct
import zlib
from collections.abc import Callable
from functools import cache
from typing import Final

from tests.support.files import image, recording

_IDENTITY: Final = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
MANY: Final = 2**27


def box(name: bytes, *content: bytes) -> bytes:
    """A box of an MP4."""
    inside = b"".join(content)
    return struct.pack(">I", len(inside) + 8) + name + inside


def video(*tables: bytes, tracks: int = 1, around: Callable[[bytes], bytes] = lambda moov: moov) -> bytes:
    """An MP4 without a single image, whose tables of samples are these."""
    start = box(b"ftyp", b"isom", bytes(4), b"isommp41")
    header = box(b"mvhd", bytes(12), struct.pack(">II", 1000, 1000), struct.pack(">IH", 0x10000, 0x100), bytes(78))
    return (
        start + around(box(b"moov", header, *(_track(n + 1, tables) for n in range(tracks)))) + box(b"mdat", bytes(8))
    )


def _track(number: int, tables: tuple[bytes, ...]) -> bytes:
    header = box(
        b"tkhd",
        struct.pack(">IIIIII", 7, 0, 0, number, 0, 1000),
        bytes(16),
        _IDENTITY,
        struct.pack(">II", 64 << 16, 64 << 16),
    )
    media_header = box(b"mdhd", bytes(12), struct.pack(">II", 1000, 1000), bytes(4))
    handler = box(b"hdlr", bytes(8), b"vide", bytes(13))
    coding = b"avc1".rjust(8, b"\0")[4:]
    entry = struct.pack(">I", 86) + coding + bytes(6) + struct.pack(">H", 1) + bytes(16) + struct.pack(">HH", 64, 64)
    entry += struct.pack(">III", 0x480000, 0x480000, 0) + struct.pack(">H", 1) + bytes(32) + struct.pack(">Hh", 24, -1)
    description = box(b"stsd", bytes(4), struct.pack(">I", 1), entry)
    return box(b"trak", header, box(b"mdia", media_header, handler, box(b"minf", box(b"stbl", description, *tables))))


def table(name: bytes, count: int, *entries: int) -> bytes:
    """A table that says it has `count` entries, and has these."""
    return box(name, bytes(4), struct.pack(f">I{len(entries)}I", count, *entries))


def sizes(each: int, count: int) -> bytes:
    """A table by which there are `count` samples, all of one size."""
    return box(b"stsz", bytes(4), struct.pack(">II", each, count))


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    """A PNG that says it is so large."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return (
        b"\x89PNG\r\n\x1a\n"
        + header
        + b"".join(chunks)
        + _chunk(b"IDAT", zlib.compress(bytes(100)))
        + _chunk(b"IEND", b"")
    )


@cache
def _zeros(megabytes: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(2**20)) for _ in range(megabytes)) + packer.flush()


def _gif(frames: int) -> bytes:
    frame = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    return b"GIF89a" + struct.pack("<HHBBB", 1, 1, 0x80, 0, 0) + bytes(6) + frame * frames + b"\x3b"


def _webp(width: int, height: int, frames: int) -> bytes:
    def le24(value: int) -> bytes:
        return struct.pack("<I", value)[:3]

    head = b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + le24(width - 1) + le24(height - 1)
    anim = b"ANIM" + struct.pack("<IIH", 6, 0, 0)
    still = image("WEBP", 16, 16)[12:]
    frame = b"ANMF" + struct.pack("<I", 16 + len(still)) + bytes(6) + le24(15) + le24(15) + le24(100) + b"\0" + still
    inside = b"WEBP" + head + anim + frame * frames
    return b"RIFF" + struct.pack("<I", len(inside)) + inside


def _compressed_index() -> bytes:
    packed = _zeros(128)
    told = box(b"dcom", b"zlib") + box(b"cmvd", struct.pack(">I", 2**31 - 1), packed)
    return box(b"ftyp", b"isom", bytes(4), b"isommp41") + box(b"moov", box(b"cmov", told))


def _nested(depth: int) -> bytes:
    inside = b""
    for _ in range(depth):
        inside = box(b"moov", inside)
    return box(b"ftyp", b"isom", bytes(4), b"isommp41") + inside


def _fragment(samples: int) -> bytes:
    header = box(b"tfhd", struct.pack(">II", 0, 1))
    run = box(b"trun", struct.pack(">III", 0x301, samples, 8), struct.pack(">II", 1, 1) * 100)
    return box(b"moof", box(b"mfhd", struct.pack(">II", 0, 1)), box(b"traf", header, run)) + box(b"mdat", bytes(64))


def _wav(length: int) -> bytes:
    form = struct.pack("<HHIIHH", 1, 1, 48_000, 96_000, 2, 16)
    return (
        b"RIFF"
        + struct.pack("<I", length)
        + b"WAVEfmt "
        + struct.pack("<I", 16)
        + form
        + b"data"
        + struct.pack("<I", length)
        + bytes(64)
    )


def _webm(*parts: bytes) -> bytes:
    head = b"\x1aE\xdf\xa3" + b"\x93" + b"\x42\x82\x88webm\0\0\0\0" + bytes(8)
    return head + b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" + b"".join(parts)


def _mp3() -> bytes:
    tag = b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + b"APIC" + b"\x7f\x7f\x7f\x70" + bytes(2)
    return tag + b"\0image/png\0\x03\0" + image("PNG")


def _ogg_start(number: int) -> bytes:
    return b"OggS\0\2" + bytes(8) + struct.pack("<III", number, 0, 0) + b"\1\x13OpusHead\1\2" + bytes(9)


def _jpeg_of_segments(count: int) -> bytes:
    return b"\xff\xd8" + b"\xff\xe1\0\x02" * count + b"\xff\xd9"


_MILLION: Final = 2_000_000
_TIMES: Final = table(b"stts", 1, MANY, 1)
_CHUNKS: Final = table(b"stsc", 1, 1, MANY, 1)
_PLACES: Final = table(b"stco", 1, 100)
HUNGRY: Final = video(table(b"stts", 1, 2**26, 1), sizes(1, 2**26), _CHUNKS, _PLACES, tracks=4)
"""1.7 KB; FFmpeg takes gigabytes for the index of its samples."""

IMAGES: Final[dict[str, Callable[[], bytes]]] = {
    "png of 60,000 x 60,000": lambda: png(60_000, 60_000),
    "png of 2^31 x 2^31": lambda: png(2**31 - 1, 2**31 - 1),
    "png with a text that unfolds to 128 MB": lambda: png(8, 8, _chunk(b"zTXt", b"k\0\0" + _zeros(128))),
    "png with a profile that unfolds to 128 MB": lambda: png(8, 8, _chunk(b"iCCP", b"k\0\0" + _zeros(128))),
    "png with 10,000 texts": lambda: png(8, 8, *[_chunk(b"tEXt", b"key%d\0" % n + bytes(40)) for n in range(10_000)]),
    "jpeg of 65,535 x 65,535": lambda: bytes.fromhex("ffd8 ffc0 0011 08 ffff ffff 03 011100 021101 031101 ffd9"),
    "jpeg of 100,000 empty segments": lambda: _jpeg_of_segments(100_000),
    "gif of a million images": lambda: _gif(1_000_000),
    "webp of 16,384 x 16,384": lambda: _webp(16_384, 16_384, 2),
    "webp of 5,000 images": lambda: _webp(16, 16, 5_000),
}  # fmt: skip
VIDEOS: Final[dict[str, Callable[[], bytes]]] = {
    "mp4 of 1.6 KB that says it has 2^27 samples": lambda: video(_TIMES, sizes(1, MANY), _CHUNKS, _PLACES),
    "mp4 of 2^30 samples in as many chunks": lambda: video(_TIMES, sizes(1, 2**30), _CHUNKS, table(b"stco", 2**30, 1)),
    "mp4 whose durations are without end": lambda: video(table(b"stts", MANY, 1, 1), sizes(1, 10), _CHUNKS, _PLACES),
    "mp4 whose offsets are": lambda: video(_TIMES, table(b"ctts", MANY, 1, 1), sizes(1, 10), _CHUNKS, _PLACES),
    "mp4 whose key frames are": lambda: video(_TIMES, table(b"stss", MANY, 1), sizes(1, 10), _CHUNKS, _PLACES),
    "mp4 of a fragment of 2^30 samples": lambda: video(table(b"stts", 0), sizes(0, 0)) + _fragment(2**30),
    "mp4 of two million real entries": lambda: video(
        table(b"stts", 1, _MILLION, 1),
        box(b"stsz", bytes(4), struct.pack(">II", 0, _MILLION), bytes(3) + b"\1" * (4 * _MILLION - 3)),
        table(b"stsc", 1, 1, _MILLION, 1),
        _PLACES,
    ),
    "mp4 of 20,000 tracks": lambda: video(table(b"stts", 0), sizes(0, 0), tracks=20_000),
    "mp4 of four tracks of 2^26 samples": lambda: HUNGRY,
    "mov of four tracks of 2^26 samples": lambda: HUNGRY.replace(b"ftypisom", b"ftypqt  "),
    "mp4 whose index is compressed": _compressed_index,
    "mp4 of boxes in boxes": lambda: _nested(10_000),
    "webm whose tags say they are gigabytes": lambda: _webm(b"\x12\x54\xc3\x67\x01\0\0\0\x7f\xff\xff\xff", bytes(64)),
    "webm of a private part of gigabytes": lambda: _webm(b"\x16\x54\xae\x6b\xff\xae\xfe\x63\xa2\x10\x3f\xff\xff\xff"),
    "webm of a million voids": lambda: _webm(b"\xec\x80" * 1_000_000),
}  # fmt: skip
SOUNDS: Final[dict[str, Callable[[], bytes]]] = {
    "wav that says it is 4 GB": lambda: _wav(0xFFFF_FFF0),
    "mp3 whose cover says it is 256 MB": _mp3,
    "flac whose image says it is 16 MB": lambda: b"fLaC\x06\xff\xff\xff" + bytes(64),
    "ogg of 100,000 streams": lambda: b"".join(_ogg_start(number) for number in range(100_000)),
    "m4a of 2^27 samples": lambda: video(_TIMES, sizes(1, MANY), _CHUNKS, _PLACES),
}  # fmt: skip


def cut(content: bytes, share: float = 0.6) -> bytes:
    """The beginning of a file whose index comes first."""
    return content[: int(len(content) * share)]


def whole_video() -> bytes:
    """A good video, with its index in front."""
    made = recording("mp4", "libx264")
    at = made.index(b"moov") - 4
    return made[: made.index(b"mdat") - 4] + made[at:] + made[made.index(b"mdat") - 4 : at]
