"""Names of files and folders that are readable, and safe on every system that unpacks or saves them.

A name is in Unicode's form NFC. It has no separators, no characters that Windows, macOS or Linux refuse, none that look
like those, none that are invisible; no dot but that of its extension, so neither `..` nor a second extension; and it is
no device of Windows. It is short enough for ext4, NTFS and APFS, also with what `distinct` appends.
https://learn.microsoft.com/en-us/windows/win32/fileio/naming-a-file
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal
from unicodedata import category, normalize
from urllib.parse import quote

from atelier.domain.text import comparison_key, prefix_of_bytes

WORD_BYTES: Final = 60
"""Of a text in a name, in UTF-8; of its last word only what fits as a whole."""
_PROMPT: Final = 200
"""Characters of a prompt that are looked at for the words of a name."""
_NOTHING: Final = "untitled"
# A dot may end a name, or begin a hidden one; a dash may be an option, and a tilde a home, of a shell's command.
_REPLACED: Final = frozenset("<>:\"/\\|?*.%~$`#&;!'")
_EDGES: Final = "-_ "
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|conin|conout|com\d|lpt\d)")
_EXTENSION: Final = re.compile(r"[a-z0-9]{1,8}")
_VISIBLE: Final = "LMNPS"  # letters, marks, numbers, punctuation, symbols
_SELECTORS: Final = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def file_name(words: Sequence[str], number: int, extension: str) -> str:
    """`Summer-Launch_A-boat-at-dawn_1.png`: texts of any origin, the file's number, the extension of its format.

    Raises ValueError for what is no extension, which is ours and comes from nobody else.
    """
    if not _EXTENSION.fullmatch(extension):
        raise ValueError(f"{extension!r} is not an extension")
    return f"{file_stem(words, number)}.{extension}"


def file_stem(words: Iterable[str], number: int) -> str:
    """The name of a file without its extension."""
    return f"{'_'.join(filter(None, map(part_of_name, words))) or _NOTHING}_{number}"


def saved_name(name: str, extension: str) -> str:
    """`Product-shot.png`: what a file is saved as that a caller has named, with the extension of its format."""
    stem, dot, _ = name.rpartition(".")
    return f"{folder_name(stem if dot else name)}.{extension}"


def output_stem(campaign: str, prompt: str, number: int) -> str:
    """What a task's output of this number, from 0, is saved as, without its extension."""
    return file_stem((campaign, prompt[:_PROMPT]), number + 1)


def folder_name(text: str) -> str:
    """A folder that is named after a text of any origin."""
    name = part_of_name(text) or _NOTHING
    return f"_{name}" if _DEVICES.fullmatch(comparison_key(name)) else name


def distinct(names: Iterable[str]) -> list[str]:
    """The names in their order; one that any system takes for an earlier one gets a number before its extension."""
    found: list[str] = []
    numbers: dict[str, int] = {}
    for name in names:
        stem, dot, extension = name.partition(".")
        number, unlike = numbers.get(_compared(name), 1), name
        while _compared(unlike) in numbers:
            number += 1
            unlike = f"{stem}-{number}{dot}{extension}"
        numbers[_compared(name)] = number
        numbers.setdefault(_compared(unlike), 1)
        found.append(unlike)
    return found


def content_disposition(name: str, how: Literal["inline", "attachment"] = "inline") -> str:
    """The header that has a file shown in place or saved at once, and under this name (RFC 6266, RFC 8187).

    `name` is one that was made here: what a caller has called a file may end the header.
    """
    if name.isascii():
        return f'{how}; filename="{name}"'
    plain = "".join(each for each in normalize("NFKD", name) if each.isascii() and (each.isalnum() or each in "-_."))
    return f"{how}; filename=\"{plain.lstrip('-_')}\"; filename*=UTF-8''{quote(name, safe='')}"


def part_of_name(text: str) -> str:
    """The first words of a text, as part of a name; empty when nothing of it may be in one."""
    visible = normalize("NFC", "".join(each for each in _SELECTORS.sub("", text) if not _is_invisible(each)))
    words = "".join(" " if _is_replaced(each) else each for each in visible).split()
    joined = "-".join(words)
    short = prefix_of_bytes(joined, WORD_BYTES)
    if len(short) < len(joined) and joined[len(short)] != "-":
        short = short.rpartition("-")[0] or short
    return short.strip(_EDGES)


def _is_invisible(character: str) -> bool:
    return category(character) in {"Cf", "Cn", "Co", "Cs"}


def _is_replaced(character: str) -> bool:
    # One that a system without it shows as another (U+FF0F as a slash) is not better than that.
    return category(character)[0] not in _VISIBLE or not _REPLACED.isdisjoint(normalize("NFKC", character))


def _compared(name: str) -> str:
    # Systems compare by capitals, by small letters, composed or not: what is unlike here is unlike for all of them.
    return comparison_key(name.upper())
