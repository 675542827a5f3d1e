"""Names of files for whoever saves them: `Summer-Launch-A-futuristic-cityscape-1.png`.

They are safe in every system: letters, digits and hyphens only, at most 180 bytes, never a name that Windows reserves.
"""

import unicodedata
from itertools import groupby, islice
from typing import Final
from urllib.parse import quote

_WORDS: Final = 6
"""How many of a prompt are in a name."""
_OF_WORDS: Final = frozenset({"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd"})
"""Unicode's categories of letters, the marks on them, and digits."""
_BYTES: Final = 80
"""The longest part of a name, in UTF-8; file systems take 255 for the whole."""


def name_part(text: str, words: int | None = None) -> str:
    """The first words of a text, as part of a file's name; empty when it has no letter and no digit."""
    plain = unicodedata.normalize("NFC", text)
    found = ("".join(each) for is_word, each in groupby(plain, _is_of_a_word) if is_word)
    joined = "-".join(islice(found, words)).encode()[:_BYTES].decode(errors="ignore")
    return joined.strip("-")


def _is_of_a_word(character: str) -> bool:
    return unicodedata.category(character) in _OF_WORDS


def file_name(prefix: str, prompt: str, number: int) -> str:
    """The name of a task's file without its extension: the campaign's part, the prompt's first words, the number."""
    return "-".join(filter(None, (prefix, name_part(prompt, _WORDS) or "file", str(number))))


def content_disposition(name: str) -> str:
    """The header that has a file shown in place, and saved under this name (RFC 6266, RFC 8187)."""
    if name.isascii():
        return f'inline; filename="{name}"'
    decomposed = unicodedata.normalize("NFKD", name)
    plain = "".join(each for each in decomposed if each.isascii() and (each.isalnum() or each in "-.")).lstrip("-")
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
