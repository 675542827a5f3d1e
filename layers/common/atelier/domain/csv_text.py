"""CSV (RFC 4180) in UTF-8 that spreadsheets open harmlessly: no cell of it is taken for a formula."""

import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

_FORMULA: Final = re.compile(r"(?:^|(?<=[,;|\t\r\n\"]))(?= *[=+\-@\uff1d\uff0b\uff0d\uff20])|^(?=[\t\r])")
"""Where a spreadsheet could see a formula begin: in front of a cell, and behind whatever another program may take for
the end of one. The last four are the first four as wide characters, which East Asian spreadsheets take for them."""


def csv_line(cells: Iterable[Any]) -> str:
    """One line, with its end."""
    return f"{','.join(map(_cell, cells))}\r\n"


def inert(text: str) -> str:
    """A text that no spreadsheet takes for a formula: an apostrophe stands before whatever could begin one."""
    return _FORMULA.sub("'", text)


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case Decimal():
            return format(value, "f")
        case str():
            # Always in quotes: otherwise a program that separates cells by something else would see another cell.
            return '"{}"'.format(inert(value).replace('"', '""'))
        case _:
            return str(value)
