"""Files of imports: encodings, delimiters, line ends, places, and what is refused with which words."""

import codecs
from collections.abc import Iterator

import pytest

from atelier.domain import import_files
from atelier.domain.import_files import (
    LARGEST_ROW,
    MOST_ROWS,
    CheckedFile,
    Columns,
    FileRefused,
    ImportFormat,
    Place,
    Row,
    checked,
    rows,
)

CLIENTS = Columns(("name", "description", "brand_guidelines"), ("name",))
CSV, JSONL = ImportFormat.CSV, ImportFormat.JSONL


def in_blocks(content: bytes, size: int = 7) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


def check(content: bytes, form: ImportFormat = CSV, *, block: int = 7) -> CheckedFile:
    return checked(form, CLIENTS, in_blocks(content, block))


def read(content: bytes, form: ImportFormat = CSV, *, block: int = 7) -> list[Row]:
    found = check(content, form, block=block)
    every = list(rows(found.layout, in_blocks(content[found.first.offset :], block), found.first))
    assert len(every) == found.rows
    return every


def refused(content: bytes, form: ImportFormat = CSV, *, block: int = 7) -> FileRefused:
    with pytest.raises(FileRefused) as caught:
        check(content, form, block=block)
    return caught.value


TEXT = 'Name;description\r\nÄrzte;"zwei\r\nZeilen; ""so"""\r\n\r\n;;\r\n😀 & Söhne;\r\n'
MEANT = [(2, {"name": "Ärzte", "description": 'zwei\r\nZeilen; "so"'}), (6, {"name": "😀 & Söhne"})]


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ],
)
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_what_spreadsheets_write_is_read(mark: bytes, encoding: str, delimiter: str, end: str) -> None:
    text = TEXT.replace(";", delimiter).replace("\r\n", end)
    meant = [
        (line, {name: cell.replace(";", delimiter).replace("\r\n", end) for name, cell in fields.items()})
        for line, fields in MEANT
    ]
    content = mark + text.encode(encoding)
    for size in (1, 2, 3, 11, len(content)):
        assert [(row.line, row.content) for row in read(content, block=size)] == meant


@pytest.mark.parametrize(("mark", "encoding"), [(b"", "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le")])
def test_reading_goes_on_behind_any_row(mark: bytes, encoding: str) -> None:
    for form, text in ((CSV, TEXT), (JSONL, '{"name": "Ä"}\r\n\n {"name":\t"b"}\n{"name": "c"}')):
        content = mark + text.encode(encoding)
        every, layout = read(content, form), check(content, form).layout
        assert every[-1].after.offset == len(content)
        for number, row in enumerate(every):
            rest = rows(layout, in_blocks(content[row.after.offset :], 3), row.after)
            assert list(rest) == every[number + 1 :]


def test_lines_of_json_are_rows_but_blank_ones() -> None:
    found = read(b'\n{"name": "a"}\n  \r\n{"name": "b"}', JSONL)
    assert [(row.line, row.content) for row in found] == [(2, '{"name": "a"}'), (4, '{"name": "b"}')]


def test_a_row_may_have_fewer_cells_but_not_more() -> None:
    found = read(b"name,description\na\nb,c,\nd,e,f\n")
    assert [row.content for row in found[:2]] == [{"name": "a"}, {"name": "b", "description": "c"}]
    assert [row.fault for row in found] == [None, None, "has 3 cells where there are 2 columns"]


def test_blanks_in_a_cell_are_as_good_as_none() -> None:
    found = read("name,description\n \u00a0,\u200b\nAcme, \u3000,\u200b\n,\n".encode())
    assert [(row.content, row.fault) for row in found] == [({"name": "Acme"}, None)]


def test_a_single_row_needs_no_line_end() -> None:
    assert [row.content for row in read(b"name\nAcme")] == [{"name": "Acme"}]
    assert check(b'{"name": "Acme"}', JSONL).first == Place()


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        (b"", None, "empty"),
        (b"\n \r\n", None, "empty"),
        (b"name\n", None, "has no rows"),
        (b"name\n\n,\n", None, "has no rows"),
        (b"name,colour\na,b", 1, '"colour" is unknown; known: name, description, brand_guidelines'),
        (b"\nname,description,NAME\na,b,c", 2, '"name" is there 2 times'),
        (b"description\na", 1, '"name" is missing'),
        (b"name,,description\na,b,c", 1, 'The column "" is unknown'),
        (b'name\na\n"b\nc\n', 3, "never closed"),
        (b'name\na\n"b"c\n', 3, "text follows"),
        (b'"name\na', 1, "never closed"),
        (b"name\nGr\xf6\xdfe\n", 2, "not UTF-8: it has the byte 0xF6"),
        (b"name\r\na\r\nb\r\n\xc3", 4, "byte 0xC3"),
        (codecs.BOM_UTF16_LE + "name\na".encode("utf-16-le") + b"\n", 2, "not UTF-16"),
        ("name\na".encode("utf-16-le"), 1, "NUL"),
        (b"name\na\nb\0\n", 3, "NUL"),
        (b"PK\x03\x04\x14\0\x06\0", 1, "a workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", 1, "a workbook"),
        (codecs.BOM_UTF32_LE + "name\na".encode("utf-32-le"), 1, "NUL"),
    ],
)
@pytest.mark.parametrize("block", [1, 5, 100])
def test_what_cannot_be_read_is_refused_with_its_line(content: bytes, line: int | None, says: str, block: int) -> None:
    error = refused(content, block=block)
    assert (error.line, says in error.detail) == (line, True), error.detail


def test_a_row_that_never_ends_is_refused() -> None:
    for content, form in (
        (b'name\na\n"b' + b"\n" * LARGEST_ROW, CSV),
        (b'name\na\n"b' + b"x" * LARGEST_ROW, CSV),
        (b"name\na\n" + b"x" * (LARGEST_ROW + 1), CSV),
        (b"{}\n{}\n" + b"x" * (LARGEST_ROW + 1), JSONL),
    ):
        error = refused(content, form, block=10_000)
        assert (error.line, "is longer than 262144 bytes" in error.detail) == (3, True)
    assert read(b"name\n" + b"x" * LARGEST_ROW, block=100_000)[0].after.line == 3


def test_a_file_has_at_most_50000_rows() -> None:
    assert check(b"{}\n" * MOST_ROWS, JSONL, block=50_000).rows == MOST_ROWS
    assert refused(b"{}\n" * (MOST_ROWS + 1), JSONL, block=50_000).line == MOST_ROWS + 1


@pytest.mark.parametrize(
    "content", [b"\n" * 12, b",\n" * 12, b'"' + b"\n" * 12 + b'"'], ids=["blank", "empty", "quoted"]
)
@pytest.mark.parametrize("form", [CSV, JSONL])
def test_a_file_has_only_so_many_lines(form: ImportFormat, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_files, "MOST_LINES", 10)
    begin = b"name\n" if form is CSV else b"{}\n"
    error = refused(begin + content, form)
    assert (error.line, error.detail) == (11, "The file has more than 10 lines.")


@pytest.mark.parametrize(
    "name", ["\ufeffname", "name\u200b", "\u00a0NAME ", "\uff4e\uff41\uff4d\uff45", "\u202aName\u202c"]
)
def test_a_column_is_named_as_it_is_read(name: str) -> None:
    content = codecs.BOM_UTF8 + f"{name};description\nAcme;x\n".encode()
    assert [row.content for row in read(content)] == [{"name": "Acme", "description": "x"}]
