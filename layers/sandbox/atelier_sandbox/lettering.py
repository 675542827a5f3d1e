"""Setting a prompt in type: making it printable, wrapping it and finding the size that fits."""

import math
import unicodedata
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import cast

from PIL import ImageFont

LONGEST = 4000  # characters; no panel holds more, and measuring text costs time
LEADING = 1.3  # distance between baselines, in type sizes
_WIDEST = 200  # signs; no line holds more, and measuring a whole long word costs time
SHRINK = 0.9  # step from one size that does not fit to the next

# Signs the bundled font lacks and plain ones that say the same.
_PLAIN = str.maketrans({"–": "-", "—": "-", "×": "x", "ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "€": "EUR "})

Measure = Callable[[str], float]


@dataclass(frozen=True, slots=True)
class Lettering:
    """Text ready to be drawn: its lines and the size of its type in pixels."""

    lines: tuple[str, ...]
    size: int

    @property
    def height(self) -> int:
        """The height of the block in pixels, first ascender to last descender."""
        return math.ceil(len(self.lines) * self.size * LEADING)


@lru_cache(maxsize=32)
def font(size: int) -> ImageFont.FreeTypeFont:
    """Return Pillow's own typeface at `size` pixels.

    The basic layout engine is asked for by name: the other one is there or not depending on
    the machine's libraries, and the same prompt must look the same everywhere.
    """
    bundled = cast("ImageFont.FreeTypeFont", ImageFont.load_default(size))
    return bundled.font_variant(layout_engine=ImageFont.Layout.BASIC)


def printable(text: str) -> str:
    """Return `text` with its line breaks kept and what cannot be printed removed.

    Accents are dropped because the font has none: "Cafe" reads better than "Caf" and a box.
    """
    plain = unicodedata.normalize("NFKD", text[:LONGEST].translate(_PLAIN))
    base = "".join(_sign(char) for char in plain)
    return unicodedata.normalize("NFC", base)[:LONGEST]


def _sign(char: str) -> str:
    category = unicodedata.category(char)
    if category in {"Mn", "Me", "Cf"}:  # accents, joiners, direction marks
        return ""
    if category == "Cs":  # half of a pair, which no font can draw
        return "\N{REPLACEMENT CHARACTER}"
    return " " if category == "Cc" and not char.isspace() else char


def fit(text: str, *, width: int, height: int, largest: int, smallest: int) -> Lettering:
    """Return `text` set as large as `width` x `height` pixels allow.

    Text too long even at the `smallest` size ends in an ellipsis; at least one line is set.
    """
    text = printable(text)
    size = largest
    while size > smallest:
        lines = _lines(text, size, width, height)
        if len(lines) <= _capacity(size, height):
            return Lettering(tuple(lines), size)
        size = max(smallest, math.floor(size * SHRINK))
    lines = _lines(text, smallest, width, height)
    return Lettering(tuple(_cut(lines, _capacity(smallest, height), width, font(smallest).getlength)), smallest)


def _capacity(size: int, height: int) -> int:
    return max(1, int(height / (size * LEADING)))


def _lines(text: str, size: int, width: int, height: int) -> list[str]:
    """Return the first lines of `text`: as many as fit, and one more if there are more."""
    return list(islice(wrap(text, width, font(size).getlength), _capacity(size, height) + 1))


def _cut(lines: list[str], capacity: int, width: int, measure: Measure) -> list[str]:
    """Return `lines` within `capacity`, the last one ending in an ellipsis if any were lost."""
    if len(lines) <= capacity:
        return lines
    last = lines[capacity - 1]
    while last and measure(f"{last}…") > width:
        last = last[:-1]
    return [*lines[: capacity - 1], f"{last.rstrip()}…"]


def wrap(text: str, width: float, measure: Measure) -> Iterator[str]:
    """Yield the lines of `text`, none wider than `width` by `measure` unless one sign is."""
    for paragraph in text.splitlines():
        line = ""
        for piece in _pieces(paragraph, width, measure):
            joined = f"{line} {piece}" if line else piece
            if line and measure(joined) > width:
                yield line
                joined = piece
            line = joined
        if line:
            yield line


def _pieces(paragraph: str, width: float, measure: Measure) -> Iterator[str]:
    """Yield the words of `paragraph`, those wider than a line cut where the line ends.

    Scripts that write no spaces come as one long word and are broken here.
    """
    for word in paragraph.split():
        rest = word
        while rest:
            cut = _reach(rest, width, measure)
            yield rest[:cut]
            rest = rest[cut:]


def _reach(word: str, width: float, measure: Measure) -> int:
    """Return how many signs of `word` fit in `width`; one always counts as fitting."""
    if len(word) <= _WIDEST and measure(word) <= width:
        return len(word)
    return max(1, bisect_right(range(1, min(len(word), _WIDEST) + 1), width, key=lambda signs: measure(word[:signs])))
