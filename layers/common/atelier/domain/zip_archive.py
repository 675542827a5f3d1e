"""ZIP archives of files that are stored as they are, written in one pass, in parts of any size (APPNOTE.TXT 6.3.10).

Pictures, videos and audio are compressed already, so nothing is deflated. The size and the CRC-32 of a file are known
before its first byte is written, so they stand in its local header: no data descriptor follows (4.3.9), which programs
that read an archive from its beginning cannot find behind stored data. What needs more than 32 bits has a ZIP64 extra
field (4.5.3), and an archive with more than 65,535 files or 4 GiB ZIP64's own end of the directory (4.3.14).
https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

import struct
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

LIMIT_16: Final = 0xFFFF
LIMIT_32: Final = 0xFFFFFFFF
"""A field with this value says that the true one is in ZIP64's."""
_STORED: Final = 0
_UTF_8: Final = 1 << 11  # general purpose bit 11: names are in UTF-8 (Appendix D)
_PLAIN: Final = 20  # versions needed to extract, 4.4.3
_ZIP64: Final = 45
_UNIX: Final = 3 << 8  # made by, 4.4.2: external attributes are a file's mode
_MODE: Final = 0o100644 << 16
_EXTRA: Final = 0x0001
_FIRST_YEAR: Final = 1980
_LAST_YEAR: Final = 2107


@dataclass(frozen=True)
class Entry:
    """A file of an archive. `offset` is where its local header begins."""

    name: str
    size: int
    crc: int
    offset: int


class Unlike(Exception):
    """A file's bytes are not those whose size and checksum were announced."""


class Archive:
    """An archive that goes to `write` piece by piece. Its files are said to be of the moment `at`."""

    def __init__(self, write: Callable[[bytes], object], *, at: datetime) -> None:
        self._write = write
        self._at = _dos_time(at)
        self._entries: list[Entry] = []
        self.size = 0

    def __len__(self) -> int:
        """The number of files."""
        return len(self._entries)

    def add(self, name: str, size: int, crc: int, chunks: Iterable[bytes]) -> None:
        """Write a file, whose name must be safe and unlike all others. Raises Unlike for other bytes than announced."""
        entry = Entry(name, size, crc, self.size)
        self._put(local_header(entry, self._at))
        written = found = 0
        for chunk in chunks:
            self._put(chunk)
            written, found = written + len(chunk), zlib.crc32(chunk, found)
        if (written, found) != (size, crc):
            raise Unlike(f"{written} bytes with the checksum {found:08x} in place of {size} with {crc:08x}")
        self._entries.append(entry)

    def close(self) -> None:
        """Write the central directory, which ends the archive."""
        for piece in directory(self._entries, self.size, self._at):
            self._put(piece)

    def _put(self, piece: bytes) -> None:
        self._write(piece)
        self.size += len(piece)


def room_of(name: str, size: int) -> int:
    """The bytes that a file takes in an archive, its entry in the directory included; ZIP64's fields counted always."""
    return size + 30 + 46 + 2 * len(name.encode()) + 20 + 28


def local_header(entry: Entry, at: int) -> bytes:
    """What stands in front of a file (4.3.7)."""
    name = entry.name.encode()
    large = entry.size >= LIMIT_32
    size = LIMIT_32 if large else entry.size
    extra = struct.pack("<HHQQ", _EXTRA, 16, entry.size, entry.size) if large else b""
    needed = _ZIP64 if large else _PLAIN
    fixed = struct.pack(
        "<4sHHHIIIIHH", b"PK\3\4", needed, _UTF_8, _STORED, at, entry.crc, size, size, len(name), len(extra)
    )
    return fixed + name + extra


def directory(entries: Iterable[Entry], begins: int, at: int) -> Iterable[bytes]:
    """The central directory, which begins at this offset, and its end (4.3.12 to 4.3.16)."""
    number = size = 0
    for entry in entries:
        piece = _directory_header(entry, at)
        number, size = number + 1, size + len(piece)
        yield piece
    if number >= LIMIT_16 or size >= LIMIT_32 or begins >= LIMIT_32:
        yield struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, _UNIX | _ZIP64, _ZIP64, 0, 0, number, number, size, begins)
        yield struct.pack("<4sIQI", b"PK\6\7", 0, begins + size, 1)
    number, size, begins = min(number, LIMIT_16), min(size, LIMIT_32), min(begins, LIMIT_32)
    yield struct.pack("<4sHHHHIIH", b"PK\5\6", 0, 0, number, number, size, begins, 0)


def _directory_header(entry: Entry, at: int) -> bytes:
    name = entry.name.encode()
    # Only what does not fit, in this order.
    large = [each for each in (entry.size, entry.size, entry.offset) if each >= LIMIT_32]
    extra = struct.pack(f"<HH{len(large)}Q", _EXTRA, 8 * len(large), *large) if large else b""
    needed = _ZIP64 if large else _PLAIN
    size, offset = min(entry.size, LIMIT_32), min(entry.offset, LIMIT_32)
    fixed = struct.pack(
        "<4sHHHHIIIIHHHHHII",
        b"PK\1\2",
        _UNIX | needed,
        needed,
        _UTF_8,
        _STORED,
        at,
        entry.crc,
        size,
        size,
        len(name),
        len(extra),
        0,
        0,
        0,
        _MODE,
        offset,
    )
    return fixed + name + extra


def _dos_time(moment: datetime) -> int:
    """A moment in UTC as MS-DOS writes it, the date in the upper half (4.4.6)."""
    utc = moment.astimezone(UTC)
    year = min(max(utc.year, _FIRST_YEAR), _LAST_YEAR) - _FIRST_YEAR
    date = year << 9 | utc.month << 5 | utc.day
    return date << 16 | utc.hour << 11 | utc.minute << 5 | utc.second // 2
