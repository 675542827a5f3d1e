"""ZIP archives, held against two programs that read them: Python's zipfile and Info-ZIP's unzip."""

import io
import shutil
import subprocess
import zipfile
import zlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from atelier.domain.zip_archive import LIMIT_32, Archive, Entry, Unlike, directory, local_header, room_of

NOON: Final = datetime(2026, 1, 31, 12, 0, 58, tzinfo=UTC)
GIB: Final = 2**30
FILES: Final = {"a.txt": b"abc", "Über/🙂_1.png": bytes(range(256)) * 100, "empty": b""}


def archive(files: dict[str, bytes]) -> bytes:
    """An archive of these files, written in chunks."""
    out = io.BytesIO()
    made = Archive(out.write, at=NOON)
    for name, content in files.items():
        made.add(
            name, len(content), zlib.crc32(content), (content[at : at + 100] for at in range(0, len(content), 100))
        )
    made.close()
    assert made.size == len(out.getvalue())
    return out.getvalue()


def test_zipfile_reads_what_was_written() -> None:
    with zipfile.ZipFile(io.BytesIO(archive(FILES))) as read:
        assert read.testzip() is None
        assert {name: read.read(name) for name in read.namelist()} == FILES
        assert {info.date_time for info in read.infolist()} == {(2026, 1, 31, 12, 0, 58)}
        assert {info.external_attr >> 16 for info in read.infolist()} == {0o100644}


@pytest.mark.skipif(shutil.which("unzip") is None, reason="there is no unzip here")
def test_unzip_finds_no_fault(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(archive(FILES))
    ran = subprocess.run(["unzip", "-t", tmp_path / "a.zip"], capture_output=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")


def test_sizes_and_checksums_stand_before_the_bytes() -> None:
    written = archive({"a": b"abc"})
    assert written[6:8] == b"\0\x08"  # no data descriptor, names in UTF-8
    assert int.from_bytes(written[14:18], "little") == zlib.crc32(b"abc")
    assert [int.from_bytes(written[at : at + 4], "little") for at in (18, 22)] == [3, 3]


@pytest.mark.parametrize("chunks", [[b"abd"], [b"ab"], [b"abcd"], []])
def test_other_bytes_than_announced_are_noticed(chunks: list[bytes]) -> None:
    made = Archive(io.BytesIO().write, at=NOON)
    with pytest.raises(Unlike):
        made.add("a", 3, zlib.crc32(b"abc"), chunks)


def test_room_is_never_less_than_needed() -> None:
    room = sum(room_of(name, len(content)) for name, content in FILES.items())
    assert len(archive(FILES)) <= room + 22


@pytest.mark.parametrize("begins", [5 * GIB, LIMIT_32])
def test_what_lies_behind_four_gib_is_found(tmp_path: Path, begins: int) -> None:
    """A file with a hole in it: nobody writes the bytes before."""
    entry, path = Entry("far.txt", 3, zlib.crc32(b"far"), begins), tmp_path / "far.zip"
    with path.open("wb") as sparse:
        sparse.seek(begins)
        sparse.write(local_header(entry, 0) + b"far")
        sparse.writelines(directory([entry], sparse.tell(), 0))
    with zipfile.ZipFile(path) as read:
        assert read.read("far.txt") == b"far"
    if shutil.which("unzip"):
        assert subprocess.run(["unzip", "-tq", path], capture_output=True, check=False).returncode == 0


def test_a_file_of_five_gib_has_its_size() -> None:
    entry = Entry("large", 5 * GIB, 1, 0)
    header = local_header(entry, 0)
    assert header[18:26] == b"\xff" * 8
    assert header[-16:] == (5 * GIB).to_bytes(8, "little") * 2
    (listed, *_) = directory([entry], len(header) + 5 * GIB, 0)
    assert listed[20:28] == b"\xff" * 8
    assert listed[-20:] == b"\1\0\x10\0" + (5 * GIB).to_bytes(8, "little") * 2


def test_more_files_than_sixteen_bits_count() -> None:
    *_, end64, locator, end = directory([Entry("a", 0, 0, 0)] * 65_536, 0, 0)
    assert end64[24:40] == (65_536).to_bytes(8, "little") * 2
    assert locator[8:16] == (47 * 65_536).to_bytes(8, "little")
    assert end[8:12] == b"\xff" * 4
