"""Which colours a picture is made of: the brand's first, then the prompt's, then chance."""

import math
import re
from dataclasses import dataclass

from .paints import BLACK, COOL, PAINTS, RGB, WARM, WHITE, contrast, is_cool, mix
from .seeded import rng_for

READABLE = 4.5  # the WCAG AA contrast ratio of body text
VISIBLE = 1.7  # the ratio below which we would not choose a companion for a ground
DISTINCT = 1.1  # the ratio below which the panel cannot be told from the ground
APART = 40  # the RGB distance below which a colour asked for cannot be told from the ground

# How much of the ground is replaced, and by what, when the brief asks for a mood.
_GROUNDS: dict[str, tuple[RGB, float]] = {
    "light": (WHITE, 0.84),
    "bright": (WHITE, 0.84),
    "pastel": (WHITE, 0.72),
    "minimal": (WHITE, 0.9),
    "minimalist": (WHITE, 0.9),
    "clean": (WHITE, 0.9),
    "dark": (BLACK, 0.74),
    "moody": (BLACK, 0.66),
    "night": (BLACK, 0.78),
}
_BOLDNESS = {"minimal": 0.0, "minimalist": 0.0, "clean": 0.2, "modern": 0.4, "bold": 1.0, "vibrant": 1.0}

# "Avoid red or pink" must not paint the picture red, nor "not dark" darken it.
_WORD = rf"(?:#[0-9a-f]{{6}}|\b(?:{'|'.join([*PAINTS, *_GROUNDS, *_BOLDNESS])})(?:s|ish)?)\b"
_ASKED = re.compile(_WORD, re.IGNORECASE | re.ASCII)
_REFUSED = re.compile(
    rf"\b(?:no|not|never|avoid|without|don['’]t)\s+(?:(?:use|using|any|the)\s+)*{_WORD}(?:\s*(?:,|and\b|or\b)\s*{_WORD})*",
    re.IGNORECASE | re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one picture, and how much the composition may dare with them.

    `ink` reads on both `background` and `surface`; `boldness` runs from 0 (minimal) to 1.
    """

    background: RGB
    surface: RGB
    accent: RGB
    highlight: RGB
    ink: RGB
    boldness: float = 0.7


def palette_for(prompt: str, guidelines: str, seed: int) -> Palette:
    """Return the palette that `guidelines` ask for, else `prompt`, else one drawn from `seed`.

    Colour words and `#rrggbb` codes count in order: the first is the ground (or, where the
    mood asks for a pale or dark ground, the accent upon it), the next are the accents.
    What `guidelines` refuse ("avoid red") is never painted.
    """
    rng = rng_for("palette", prompt, seed)
    refused = _refused(guidelines)
    asked = [word for word in _asked(guidelines) + _asked(prompt) if word not in refused]
    paints = [PAINTS[name] for name in WARM + COOL if PAINTS[name] not in _colours(refused)]
    named = [colour for colour in _colours(asked) if colour not in _colours(refused)] or [rng.choice(paints or [WHITE])]
    mood = next((word for word in asked if word in _GROUNDS), None)
    background = mix(named[0], *_GROUNDS[mood]) if mood else named[0]
    companions = [paint for paint in _opposite(named[0]) if paint in paints and contrast(paint, background) >= VISIBLE]
    rng.shuffle(companions)
    seen = [colour for colour in named if math.dist(colour, background) >= APART]
    accents = dict.fromkeys([*seen, *companions, WHITE, BLACK])
    accent, highlight = list(accents)[:2]
    ink = _ink_on(background)
    return Palette(
        background=background,
        surface=_surface(background, ink),
        accent=accent,
        highlight=highlight,
        ink=ink,
        boldness=next((_BOLDNESS[word] for word in asked if word in _BOLDNESS), 0.7),
    )


def _asked(text: str) -> list[str]:
    """Return the words of `text` that steer colour or style, in order, refusals left out."""
    return [_singular(word) for word in _ASKED.findall(_REFUSED.sub(" ", text))]


def _refused(text: str) -> list[str]:
    """Return the words that `text` warns against."""
    return [_singular(word) for refusal in _REFUSED.findall(text) for word in _ASKED.findall(refusal)]


def _singular(word: str) -> str:
    """Return the name we know `word` by: "Blues" and "blueish" are blue."""
    return word.lower().removesuffix("ish").removesuffix("s")


def _colours(words: list[str]) -> list[RGB]:
    """Return the colours among `words`, each once, in order."""
    colours = (_hex(word) if word.startswith("#") else PAINTS.get(word) for word in words)
    return list(dict.fromkeys(colour for colour in colours if colour))


def _hex(code: str) -> RGB:
    red, green, blue = bytes.fromhex(code[1:])
    return red, green, blue


def _opposite(base: RGB) -> list[RGB]:
    """Return the paints whose temperature is not that of `base`."""
    return [PAINTS[name] for name in (WARM if is_cool(base) else COOL)]


def _ink_on(background: RGB) -> RGB:
    """Return the first ink that reads on `background`.

    Tinted inks look kinder than pure ones; pure black or white always reads, since no ground
    is nearer than 4.58 to both.
    """
    inks = (mix(WHITE, background, 0.05), mix(BLACK, background, 0.14), WHITE, BLACK)
    return next(ink for ink in inks if contrast(ink, background) >= READABLE)


def _surface(background: RGB, ink: RGB) -> RGB:
    """Return the panel's colour: the ground moved away from the ink, so text only gains contrast.

    A ground too dark to be deepened is lifted a little instead; its ink has contrast to spare.
    """
    if contrast(ink, WHITE) > contrast(ink, BLACK):
        return mix(background, WHITE, 0.72)
    deeper = mix(background, BLACK, 0.4)
    return deeper if contrast(deeper, background) >= DISTINCT else mix(background, ink, 0.1)
