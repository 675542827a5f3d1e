"""What a text is: how it is stored, compared, sorted, and when it has content.

stored    as it was sent, but for white space and invisible characters at its two ends (`trim`)
compared  normalized to NFKC, without case and what cannot be seen, each run of white space one blank (`comparison_key`)
sorted    normalized to NFKD, without case (`sort_key`), so that an accent sorts behind the letter that carries it
content   at least one character that can be seen (`has_content`)
"""

import re
from typing import Final, Literal
from unicodedata import normalize

# White space by everybody's definition (Unicode's, Python's, ECMAScript's).
_WHITE_SPACE: Final = "\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
# Variation selectors and tags say how the character before them looks: an emoji, a flag, an ideograph's variant.
_SELECTORS: Final = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0020-\U000e007f\U000e0100-\U000e01ef"
# Controls, format characters that draw nothing, fillers, the blank of braille, default ignorables, noncharacters.
_NONCHARACTERS: Final = "".join(f"{chr(plane | 0xFFFE)}{chr(plane | 0xFFFF)}" for plane in range(0, 0x110000, 0x10000))
_INVISIBLE: Final = (
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u2800\u3164\uffa0\ufff0-\ufffb\ufdd0-\ufdef\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e001f\U000e0080-\U000e00ff\U000e01f0-\U000e0fff" + _NONCHARACTERS
)
_DRAWS_NOTHING: Final = _WHITE_SPACE + _INVISIBLE


def _escaped(members: str) -> str:
    return "".join(each if each == "-" or each > "\uffff" else f"\\u{ord(each):04x}" for each in members)


CONTENT_PATTERN: Final = f"[^{_escaped(_DRAWS_NOTHING + _SELECTORS)}]"
"""What a text with content matches somewhere, as a regular expression of Python's and ECMAScript's (with flag u)."""

_CONTENT: Final = re.compile(CONTENT_PATTERN)
_LEADING: Final = re.compile(f"[{_DRAWS_NOTHING}{_SELECTORS}]+")
_EDGE: Final = re.compile(f"[{_DRAWS_NOTHING}]")
_BLANKS: Final = re.compile(f"[{_WHITE_SPACE}]+")
_UNSEEN: Final = re.compile(f"[{_INVISIBLE}{_SELECTORS}]+")


def trim(text: str) -> str:
    """The text as it is stored: without white space and invisible characters at its ends."""
    if text.isascii() and text.isprintable():
        return text.strip(" ")
    leading = _LEADING.match(text)
    begin, end = leading.end() if leading else 0, len(text)
    while end > begin and _EDGE.match(text, end - 1):
        end -= 1
    return text[begin:end]


def has_content(text: str) -> bool:
    """Whether anything of it can be seen."""
    return _CONTENT.search(text) is not None


def comparison_key(text: str) -> str:
    """What two texts have in common when they are the same to a reader, and what a search looks through."""
    # Soft hyphens, joiners, selectors: Unicode's NFKC_Casefold leaves them out, too. Before a form is made of the rest.
    seen = text if text.isascii() and text.isprintable() else _UNSEEN.sub("", text)
    return _BLANKS.sub(" ", _caseless(seen, "NFKC")).strip(" ")


def sort_key(text: str) -> str:
    """What texts are put in order by: code point by code point, the accents after the letters."""
    return _caseless(text, "NFKD")


def _caseless(text: str, form: Literal["NFKC", "NFKD"]) -> str:
    if text.isascii():
        return text.lower()
    # Unicode's compatibility caseless match (D146): folding takes texts out of their form, and a form brings capitals.
    folded = normalize("NFKD", normalize("NFD", text).casefold())
    return normalize(form, folded.casefold())


def prefix_of_bytes(text: str, limit: int) -> str:
    """As much of the text as `limit` bytes in UTF-8 hold, never part of a character."""
    return text if len(text) * 4 <= limit else text.encode()[:limit].decode(errors="ignore")
