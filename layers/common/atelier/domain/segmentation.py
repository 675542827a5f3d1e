"""Where sentences and characters end, in any script: Unicode's text segmentation (UAX 29).

The classes are computed from what Python knows of each character; the few that it does not know are listed. A test
compares all of them with a library that carries Unicode's own tables.
"""

import re
from typing import Final
from unicodedata import category, combining

# One letter for each class of the rules for sentences, as the expression below has them.
_TERMINATORS: Final = (
    "!?\u0589\u061d-\u061f\u06d4\u0700-\u0702\u07f9\u0837\u0839\u083d\u083e\u0964\u0965\u104a\u104b\u1362\u1367\u1368"
    "\u166e\u1735\u1736\u17d4\u17d5\u1803\u1809\u1944\u1945\u1aa8-\u1aab\u1b4e\u1b4f\u1b5a\u1b5b\u1b5e\u1b5f\u1b7d-\u1b7f"
    "\u1c3b\u1c3c\u1c7e\u1c7f\u203c\u203d\u2047-\u2049\u2cf9-\u2cfb\u2e2e\u2e3c\u2e53\u2e54\u3002\ua4ff\ua60e\ua60f"
    "\ua6f3\ua6f7\ua876\ua877\ua8ce\ua8cf\ua92f\ua9c8\ua9c9\uaa5d-\uaa5f\uaaf0\uaaf1\uabeb\ufe12\ufe15\ufe16\ufe56\ufe57"
    "\uff01\uff1f\uff61\U00010a56\U00010a57\U00010f55-\U00010f59\U00010f86-\U00010f89\U00011047\U00011048"
    "\U000110be-\U000110c1\U00011141-\U00011143\U000111c5\U000111c6\U000111cd\U000111de\U000111df\U00011238\U00011239"
    "\U0001123b\U0001123c\U000112a9\U000113d4\U000113d5\U0001144b\U0001144c\U000115c2\U000115c3\U000115c9-\U000115d7"
    "\U00011641\U00011642\U0001173c-\U0001173e\U00011944\U00011946\U00011a42\U00011a43\U00011a9b\U00011a9c\U00011c41"
    "\U00011c42\U00011ef7\U00011ef8\U00011f43\U00011f44\U00016a6e\U00016a6f\U00016af5\U00016b37\U00016b38\U00016b44"
    "\U00016d6e\U00016d6f\U00016e98\U0001bc9f\U0001da88"
)
_CONTINUERS: Final = (
    ",\\-:;\u037e\u055d\u060c\u060d\u07f8\u1802\u1808\u2013\u2014\u3001\ufe10\ufe11\ufe13\ufe14\ufe31\ufe32\ufe50\ufe51"
    "\ufe54\ufe55\ufe58\ufe63\uff0c\uff0d\uff1a\uff1b\uff64"
)
_LISTED: Final = (
    ("R", "\r"),
    ("N", "\n"),
    ("P", "\x85\u2028\u2029"),
    ("S", "\t\x0b\x0c \xa0\u1680\u2000-\u200a\u202f\u205f\u3000"),
    ("A", ".\u2024\ufe52\uff0e"),
    ("c", _CONTINUERS),
    ("T", _TERMINATORS),
    ("C", "\"'\u275b-\u2760\u2e00\u2e01\u2e06-\u2e08\u2e0b\U0001f676-\U0001f678"),
    ("o", "\u05f3\u10d0-\u10fa\u10fd-\u10ff\u1c90-\u1cba\u1cbd-\u1cbf"),
    ("9", "\u0600-\u0605\u066b\u066c\u06dd\u0890\u0891\u08e2\u19da\U000110bd\U000110cd"),
    ("l", "\u10fc\ua7f2-\ua7f4\uab69"),
    ("X", "\u200c\u200d\uff9e\uff9f\U000e0020-\U000e007f"),
)
_BY_LIST: Final = tuple((name, re.compile(f"[{members}]")) for name, members in _LISTED)
_BY_CATEGORY: Final = {
    **dict.fromkeys(("Mn", "Mc", "Me", "Cf"), "X"),
    **dict.fromkeys(("Ps", "Pe", "Pi", "Pf"), "C"),
    **dict.fromkeys(("Lo", "Lm", "Nl"), "o"),
    "Lt": "u",
    "Nd": "9",
}


class _Classes(dict[int, str]):
    """The class of each code point, as `str.translate` asks for it, found out when it is first met."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        listed = (name for name, members in _BY_LIST if members.match(letter))
        self[code] = found = next(listed, None) or _cased(letter) or _BY_CATEGORY.get(category(letter), "x")
        return found


def _cased(letter: str) -> str | None:
    if letter.islower() and category(letter) != "Mn":
        return "l"
    return "u" if letter.isupper() else None


_CLASSES: Final = _Classes()
# SB4; SB11 with what SB8a keeps together; for a full stop also SB6, SB7 and SB8.
_END: Final = re.compile(
    r"[TA]C*+S*+(?:RN|[RNP])|RN|[RNP]"
    r"|TC*+S*+(?![cTA])"
    r"|A(?!9)(?!(?<=[ul]A)u)C*+S*+(?![cTA])(?![^oulTARNP]*+l)"
)


def sentence_ends(text: str) -> list[int]:
    """Every place where a sentence ends, behind its mark, quotes and blanks. The last one is the end of the text."""
    classes = text.translate(_CLASSES)
    # A mark that combines belongs to the character before it and has no say (SB5).
    own = [at for at, name in enumerate(classes) if name != "X" or at == 0 or classes[at - 1] in "RNP"]
    own.append(len(text))
    spoken = "".join(classes[at] if classes[at] != "X" else "x" for at in own[:-1])
    ends = [own[found.end()] for found in _END.finditer(spoken)]
    return ends if ends and ends[-1] == len(text) else [*ends, len(text)]


# ------------------------------------------------------------------------------------------------- characters

_ZWJ: Final = "\u200d"
_JOINS_BEFORE: Final = re.compile(
    "[\u0e33\u0eb3\u1160-\u11ff\ud7b0-\ud7ff\u200c\u200d\uff9e\uff9f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]"
)
_JOINS_BEHIND: Final = re.compile(
    "[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\u200d\U000110bd\U000110cd\U000111c2\U000111c3\U000113d1"
    "\U0001193f\U00011941\U00011a3a\U00011a84-\U00011a89\U00011d46\U00011f02]"
)
_LEADING_CONSONANT: Final = re.compile("[\u1100-\u115f\ua960-\ua97c]")
_SYLLABLE: Final = re.compile("[\u1100-\u11ff\ua960-\ua97c\uac00-\ud7a3]")
_REGIONAL: Final = re.compile("[\U0001f1e6-\U0001f1ff]")
_VIRAMA: Final = 9


def splits_character(text: str, at: int) -> bool:
    """Whether a cut before `text[at]` would go through what a reader sees as one character.

    It may also say so of two characters that are close; it never takes one for two.
    """
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if category(after).startswith("M") or _JOINS_BEFORE.match(after) or _JOINS_BEHIND.match(before):
        return True
    if _REGIONAL.match(before) and _REGIONAL.match(after):
        return _regionals_before(text, at) % 2 == 1
    joins_syllable = _LEADING_CONSONANT.match(before) and _SYLLABLE.match(after)
    conjunct = category(after) == "Lo" and _ends_with_virama(text, at)
    return bool(joins_syllable or conjunct or (before, after) == ("\r", "\n"))


def _ends_with_virama(text: str, at: int) -> bool:
    while at and category(text[at - 1]).startswith("M"):
        at -= 1
        if combining(text[at]) == _VIRAMA:
            return True
    return False


def _regionals_before(text: str, at: int) -> int:
    begin = at
    while begin and _REGIONAL.match(text, begin - 1):
        begin -= 1
    return at - begin
