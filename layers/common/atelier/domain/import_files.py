"""Files of imports, read a piece at a time: CSV and JSON lines, as programs and spreadsheets write them.

UTF-8, with or without a byte order mark, and UTF-16 with one; commas, semicolons or tabs; line ends of any system, also
within quotation marks. A row says where the next one begins, so that reading goes on there later. What cannot be read
raises FileRefused, with the line: nobody has to guess what has become of the rest.
"""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, pairwise
from typing import Final, NamedTuple

from atelier.domain.schema import KIB
from atelier.domain.text import comparison_key, has_content

LARGEST_FILE: Final = 64 * KIB * KIB
"""Bytes."""
MOST_ROWS: Final = 50_000
MOST_LINES: Final = 2_000_000
"""Blank ones and those within cells included: each takes time, and a file of line ends has 67 million of them."""
LARGEST_ROW: Final = 256 * KIB
"""Bytes of a row, as of the body of a request; a row may be several lines."""

_BYTE_ORDER_MARKS: Final = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_WORKBOOKS: Final = (b"PK\3\4", b"\xd0\xcf\x11\xe0")
"""What files begin with that spreadsheets save as their own: .xlsx and .ods, which are ZIP archives, and .xls."""
_LONGEST_MARK: Final = 4
_NAMES: Final = {"utf-8": "UTF-8", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16"}
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_QUOTED: Final = re.compile(r'"[^"]*"')
_DELIMITERS: Final = re.compile("[,;\t]")
_JSON_SPACE: Final = " \t\r\n"

csv.field_size_limit(LARGEST_ROW)


class FileRefused(Exception):
    """The file cannot be read, or is not what an import takes; the text may be shown to the caller."""

    def __init__(self, detail: str, *, line: int | None = None) -> None:
        self.detail = detail
        self.line = line
        super().__init__(detail)


class ImportFormat(StrEnum):
    """What a file is written in."""

    CSV = "csv"
    JSONL = "jsonl"


class Place(NamedTuple):
    """Where a row begins: after so many bytes of the file, in this line, of which the first is 1."""

    offset: int = 0
    line: int = 1


@dataclass(frozen=True)
class Layout:
    """How a file is to be read. `columns` are the fields of its rows; JSON lines have none, and no delimiter."""

    encoding: str
    delimiter: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """A row: its line, where the next one begins, and its fields (CSV) or its JSON text.

    `fault` is what is wrong with the row as such.
    """

    line: int
    after: Place
    content: dict[str, str] | str
    fault: str | None = None


@dataclass(frozen=True)
class CheckedFile:
    """A file that can be read to its end: how, from where on, and how many rows it has."""

    layout: Layout
    first: Place
    rows: int


@dataclass(frozen=True)
class Columns:
    """The columns that a CSV file may have, and those that it has to have."""

    known: tuple[str, ...]
    required: tuple[str, ...] = ()


def checked(form: ImportFormat, columns: Columns, blocks: Iterable[bytes]) -> CheckedFile:
    """Look at a whole file. Raises FileRefused for one that cannot be read, has other columns, no rows or too many."""
    encoding, first, rest = _begun(blocks)
    lines = _Lines(rest, encoding, first)
    layout = _layout(form, columns, encoding, lines)
    first, count = lines.place, 0
    for row in _rows(layout, lines):
        count += 1
        if count > MOST_ROWS:
            raise FileRefused(f"The file has more than {MOST_ROWS} rows.", line=row.line)
    if not count:
        raise FileRefused("The file has no rows.")
    return CheckedFile(layout, first, count)


def rows(layout: Layout, blocks: Iterable[bytes], first: Place) -> Iterator[Row]:
    """The rows of a file from a place on; `blocks` begin there. Raises FileRefused."""
    return _rows(layout, _Lines(blocks, layout.encoding, first))


# -------------------------------------------------------------------------------------------------------- from bytes


def _begun(blocks: Iterable[bytes]) -> tuple[str, Place, Iterator[bytes]]:
    """The encoding that a file's first bytes name, where its text begins, and its bytes from there."""
    every = iter(blocks)
    head = b""
    while len(head) < _LONGEST_MARK and (block := next(every, None)) is not None:
        head += block
    if head.startswith(_WORKBOOKS):
        raise FileRefused("The file is a workbook, as a spreadsheet saves it for itself. Save it as CSV UTF-8.", line=1)
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return encoding, Place(len(mark)), chain([head[len(mark) :]], every)
    return "utf-8", Place(), chain([head], every)


class _Lines:
    """The lines of a text, with their ends. `place` is where the next one begins."""

    def __init__(self, blocks: Iterable[bytes], encoding: str, place: Place) -> None:
        self._blocks = iter(blocks)
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._found: Iterator[str] = iter(())
        self._rest = ""
        self._ended = False
        self.place = place
        self._row = place

    def begin_row(self) -> Place:
        """A row begins with the next line; where that is."""
        self._row = self.place
        return self._row

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._found, None)
        while line is None:
            self._read()
            line = next(self._found, None)
        size = len(line) if self._encoding == "utf-8" and line.isascii() else len(line.encode(self._encoding))
        if self.place.line > MOST_LINES:
            raise FileRefused(f"The file has more than {MOST_LINES:,} lines.", line=self.place.line)
        self.place = Place(self.place.offset + size, self.place.line + 1)
        self._check_size(self.place.offset - self._row.offset)
        return line

    def _read(self) -> None:
        """Read another block. Raises StopIteration behind the last line."""
        if self._ended:
            raise StopIteration
        block = next(self._blocks, None)
        self._ended = block is None
        text = self._rest + self._decoded(block or b"")
        # What comes next may be the second half of a line end.
        until = len(text) - (text.endswith("\r") and not self._ended)
        ends = [0, *(match.end() for match in _LINE_END.finditer(text, 0, until))]
        found = [text[start:end] for start, end in pairwise(ends)]
        self._rest = text[ends[-1] :]
        if not found:
            self._check_size(self.place.offset - self._row.offset + len(self._rest))
        if self._ended and self._rest:
            found.append(self._rest)
        self._found = iter(found)

    def _decoded(self, block: bytes) -> str:
        try:
            text = self._decoder.decode(block, final=self._ended)
        except UnicodeDecodeError as error:
            before = bytes(error.object[: error.start]).decode(self._encoding)
            raise FileRefused(self._undecodable(error.object[error.start]), line=self._line_after(before)) from None
        if "\0" in text:
            line = self._line_after(text.partition("\0")[0])
            detail = "The file has a NUL character. UTF-16 needs a byte order mark; UTF-8 is read with or without one."
            raise FileRefused(detail, line=line)
        return text

    def _undecodable(self, byte: int) -> str:
        name = _NAMES[self._encoding]
        hint = "" if name == "UTF-16" else " If a spreadsheet wrote it, save it as CSV UTF-8, not as Windows-1252."
        return f"The file is not {name}: it has the byte 0x{byte:02X} where none such may be.{hint}"

    def _line_after(self, text: str) -> int:
        return self.place.line + sum(1 for _ in _LINE_END.finditer(self._rest + text))

    def _check_size(self, size: int) -> None:
        if size > LARGEST_ROW:
            detail = f"A row is longer than {LARGEST_ROW} bytes. Is there a quotation mark that is never closed?"
            raise FileRefused(detail, line=self._row.line)


# -------------------------------------------------------------------------------------------------------------- rows


def _rows(layout: Layout, lines: _Lines) -> Iterator[Row]:
    if not layout.delimiter:
        return _json_rows(lines)
    return _csv_rows(layout, lines)


def _json_rows(lines: _Lines) -> Iterator[Row]:
    while True:
        began = lines.begin_row()
        line = next(lines, None)
        if line is None:
            return
        if text := line.strip(_JSON_SPACE):
            yield Row(began.line, lines.place, text)


def _csv_rows(layout: Layout, lines: _Lines) -> Iterator[Row]:
    for began, cells in _records(lines, layout.delimiter):
        fields = {name: cell for name, cell in zip(layout.columns, cells, strict=False) if has_content(cell)}
        surplus = any(map(has_content, cells[len(layout.columns) :]))
        if fields or surplus:
            fault = f"has {len(cells)} cells where there are {len(layout.columns)} columns" if surplus else None
            yield Row(began.line, lines.place, fields, fault)


def _records(lines: _Lines, delimiter: str) -> Iterator[tuple[Place, list[str]]]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        began = lines.begin_row()
        try:
            cells = next(reader, None)
        except csv.Error:
            detail = "A quotation mark is never closed, or text follows one that is. Within a cell it is written twice."
            raise FileRefused(detail, line=began.line) from None
        if cells is None:
            return
        yield began, cells


def _layout(form: ImportFormat, columns: Columns, encoding: str, lines: _Lines) -> Layout:
    """How to read the file, of which the header is read."""
    if form is ImportFormat.JSONL:
        return Layout(encoding)
    header, line = "", lines.place.line
    while not header.strip():
        line = lines.begin_row().line
        header = next(lines, "")
        if not header:
            raise FileRefused("The file is empty.")
    found = _DELIMITERS.search(_QUOTED.sub("", header))
    delimiter = found.group() if found else ","
    try:
        (cells,) = csv.reader([header], delimiter=delimiter, strict=True)
    except csv.Error:
        raise FileRefused("The header has a quotation mark that is never closed.", line=line) from None
    names = [comparison_key(cell) for cell in cells]
    while names and not names[-1]:
        names.pop()
    if faults := list(_faults(names, columns)):
        raise FileRefused(" ".join(faults), line=line)
    return Layout(encoding, delimiter, tuple(names))


def _faults(names: Sequence[str], columns: Columns) -> Iterator[str]:
    known = ", ".join(columns.known)
    for name, count in Counter(names).items():
        if name not in columns.known:
            yield f'The column "{name[:40]}" is unknown; known: {known}.'
        elif count > 1:
            yield f'The column "{name}" is there {count} times.'
    for name in columns.required:
        if name not in names:
            yield f'The column "{name}" is missing.'
