"""Whether a C2PA manifest store is embedded in a file.

That is all: nothing of it is verified, and what a file only refers to is not looked for. `measuring_child` runs this.
The places are those of the C2PA Technical Specification 2.3, "Embedding manifests into various file formats"; a
store is a JUMBF superbox (ISO 19566-5) of C2PA's type.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO, Final

MOST_PARTS: Final = 20_000
"""How many parts of a file are looked at: its chunks, boxes, segments, frames, blocks or pages."""
_HEAD: Final = 512
"""Bytes of a part in which it shows whether a store begins there."""


class _Unreadable(Exception):
    """The file is not as its format demands, or has too many parts."""


def find_store(file: BinaryIO, reader: str) -> str:
    """`present` or `absent`; `unknown` where the file or its format is not read as far as a store could be.

    `reader` is what Pillow or FFmpeg calls the format.
    """
    if reader not in _PLACES:
        return "unknown"
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    try:
        return "present" if any(map(_begins_store, _PLACES[reader](_Parts(file, size)))) else "absent"
    except _Unreadable:
        return "unknown"


_TYPE: Final = bytes.fromhex("6332706100110010800000aa00389b71")


def _begins_store(content: bytes) -> bool:
    inside = content[16:] if content[:4] == b"\0\0\0\1" else content[8:]  # behind a long or a short head
    return content[4:8] == b"jumb" and inside[4:8] == b"jumd" and inside[8:24] == _TYPE


class _Parts:
    """A file of `size` bytes, read part after part: never beyond its end, and only so many."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._left = MOST_PARTS
        self.size = size

    @property
    def at(self) -> int:
        """The current position."""
        return self._file.tell()

    def take(self, size: int) -> bytes:
        """The next bytes, all of them."""
        found = self._file.read(size)
        if len(found) < size:
            raise _Unreadable
        return found

    def pass_by(self, size: int) -> bytes:
        """The first of the next `size` bytes, which are one part; what comes next is behind them."""
        end = self.at + size
        self._left -= 1
        if size < 0 or end > self.size or not self._left:
            raise _Unreadable
        found = self.take(min(size, _HEAD))
        self._file.seek(end)
        return found


# ------------------------------------------------------------ of each format, the beginnings of what could be a store


def _png(file: _Parts) -> Iterator[bytes]:
    file.take(8)
    name = b""
    while name != b"IEND":
        size, name = int.from_bytes(file.take(4)), file.take(4)
        content = file.pass_by(size + 4)  # with its checksum
        if name == b"caBX":
            yield content


_FILL: Final = 0xFF
_JPEG_ENDS: Final = (0xD9, 0xDA)  # no segment stands behind the beginning of a scan
_JPEG_ALONE: Final = (0x01, *range(0xD0, 0xD9))
_APP11: Final = 0xEB


def _jpeg(file: _Parts) -> Iterator[bytes]:
    while (marker := _jpeg_marker(file)) not in _JPEG_ENDS:
        if marker in _JPEG_ALONE:
            continue
        content = file.pass_by(int.from_bytes(file.take(2)) - 2)
        if marker == _APP11 and content[:2] == b"JP":
            yield content[8:]  # behind the numbers of box and segment


def _jpeg_marker(file: _Parts) -> int:
    marker = _FILL
    if file.take(1)[0] != _FILL:
        raise _Unreadable
    while marker == _FILL:
        marker = file.pass_by(1)[0]
    return marker


_GIF_COLORS: Final = 0x80
_GIF_STORE: Final = b"\x0bC2PA_GIF\x01\x00\x00"


def _gif(file: _Parts) -> Iterator[bytes]:
    colors = file.take(13)[10]
    if colors & _GIF_COLORS:
        file.pass_by(3 * 2 ** (1 + (colors & 7)))
    while (kind := file.take(1)) == b"!":  # of extensions, those before the first image
        file.take(1)
        name, *content = _gif_blocks(file)
        if name == _GIF_STORE and content:
            yield content[0][1:]
    if kind not in (b",", b";"):
        raise _Unreadable


def _gif_blocks(file: _Parts) -> list[bytes]:
    """The blocks of an extension, with their lengths; nothing of those behind the second one."""
    blocks = [_gif_block(file)]
    while len(blocks[-1]) > 1:
        following = _gif_block(file)
        blocks[1:] = [*blocks[1:2], following]
    return blocks


def _gif_block(file: _Parts) -> bytes:
    size = file.take(1)
    return size + file.pass_by(size[0])


def _riff(file: _Parts) -> Iterator[bytes]:
    end = 8 + int.from_bytes(file.take(12)[4:8], "little")
    while file.at + 8 <= min(end, file.size):
        name, size = file.take(4), int.from_bytes(file.take(4), "little")
        content = file.pass_by(size)
        if size % 2 and file.at < file.size:
            file.take(1)
        if name == b"C2PA":
            yield content
    if end > file.size:
        raise _Unreadable


_BMFF_STORE: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_BMFF_PURPOSES: Final = (b"manifest", b"original", b"update")


def _bmff(file: _Parts) -> Iterator[bytes]:
    while file.at < file.size:
        begin = file.at
        size, name = int.from_bytes(file.take(4)), file.take(4)
        if size == 1:
            size = int.from_bytes(file.take(8))
        elif size == 0:
            size = file.size - begin  # until the end
        content = file.pass_by(begin + size - file.at)
        purpose, _, behind = content[20:].partition(b"\0")
        if name == b"uuid" and content[:16] == _BMFF_STORE and purpose in _BMFF_PURPOSES:
            yield behind[8:]  # an offset is between them


_ID3_ENCODED: Final = 0x80
_ID3_EXTENDED: Final = 0x40
_ID3_STORE: Final = re.compile(
    # The type, then a file name and a description, each of which ends with one zero or, in UTF-16, with two.
    rb"[\0\3](?:TYPE)\0(?:[^\0]*\0){2}|[\1\2](?:TYPE)\0(?:(?:(?!\0\0)..)*\0\0){2}".replace(
        b"TYPE", rb"application/c2pa|application/x-c2pa-manifest-store"
    ),
    re.DOTALL,
)


def _id3(file: _Parts) -> Iterator[bytes]:
    """ID3 2.3 and 2.4; there is a tag or there is none."""
    if file.take(3) != b"ID3":
        return
    version, flags, end = file.take(2)[0], file.take(1)[0], _seven_bits(file.take(4)) + 10
    size_of = _ID3_SIZES.get(version)
    if size_of is None or flags & _ID3_ENCODED or end > file.size:
        raise _Unreadable
    if flags & _ID3_EXTENDED:
        file.pass_by(size_of(file.take(4)) - (4 if version == 4 else 0))  # noqa: PLR2004 - which counts itself
    while file.at + 10 <= end and (name := file.take(4))[0]:  # noughts fill the rest
        size, changed = size_of(file.take(4)), file.take(2)[1]
        content = file.pass_by(size)
        if name == b"GEOB" and not changed and (described := _ID3_STORE.match(content)):
            yield content[described.end() :]


def _seven_bits(content: bytes) -> int:
    return sum((byte & 0x7F) << shift for byte, shift in zip(content, (21, 14, 7, 0), strict=True))


_ID3_SIZES: Final[Mapping[int, Callable[[bytes], int]]] = {3: int.from_bytes, 4: _seven_bits}


_OGG_BEGINS: Final = 2
_OGG_STORE: Final = b"\x00c2pa"


def _ogg(file: _Parts) -> Iterator[bytes]:
    """The first page of each stream; they all stand before any other page."""
    while True:
        head = file.take(27)
        if head[:4] != b"OggS":
            raise _Unreadable
        content = file.pass_by(sum(file.take(head[26])))
        if not head[5] & _OGG_BEGINS:
            return
        if content.startswith(_OGG_STORE):
            yield content[len(_OGG_STORE) :]


_PLACES: Final[Mapping[str, Callable[[_Parts], Iterator[bytes]]]] = {
    "PNG": _png,
    "JPEG": _jpeg,
    "GIF": _gif,
    "WEBP": _riff,
    "AVIF": _bmff,
    "HEIF": _bmff,
    "mov": _bmff,
    "wav": _riff,
    "mp3": _id3,
    "flac": _id3,
    "ogg": _ogg,
}
