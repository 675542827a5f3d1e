"""The card that carries the prompt: one face of text, its outline and the shadow under it."""

from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

from . import shapes
from .lettering import LEADING, Lettering, fit, font
from .paints import RGB, mix
from .palette import Palette

# Shares of the picture's shorter side.
_MARGIN = 0.06
_PADDING = 0.055
_LARGEST = 0.088
_SMALLEST = 0.021
_FINE_PRINT = 0.019
_RADIUS = 0.022
_SHADOW = 0.042
_LEGIBLE = 9  # pixels; type is never set smaller
_CAPTIONED = 240  # pixels; smaller pictures leave the caption out

_TALLEST = 0.56  # of the picture's height: the rest belongs to the shapes


@dataclass(frozen=True, slots=True)
class Card:
    """The card's face and outline, its shadow's mask (`spread` pixels wider all round), its place."""

    face: Image.Image
    mask: Image.Image
    shadow: Image.Image
    x: int
    y: int
    spread: int


def card(prompt: str, *, palette: Palette, seed: int, width: int, height: int, right: bool) -> Card:
    """Return the card for a picture of `width` x `height` pixels, in its lower left (or right) corner."""
    unit = min(width, height)
    margin, padding = round(unit * _MARGIN), round(unit * _PADDING)
    inside = max(1, _card_width(width, height, margin) - 2 * padding)
    caption = _caption(f"ATELIER SANDBOX · {width} x {height} · SEED {seed}", unit, inside)
    furniture = 3 * padding + (2 * caption.size if caption else 0)
    room = max(1, round(height * _TALLEST) - furniture)
    largest, smallest = (max(_LEGIBLE, round(unit * share)) for share in (_LARGEST, _SMALLEST))
    text = fit(prompt, width=inside, height=room, largest=largest, smallest=smallest)
    size = inside + 2 * padding, min(height, text.height + furniture)
    mask = shapes.rounded(*size, radius=round(unit * _RADIUS))
    spread = max(1, round(unit * _SHADOW))
    return Card(
        face=_face(size, padding, text, caption, palette),
        mask=mask,
        shadow=_shadow(mask, spread),
        x=width - margin - size[0] if right else margin,
        y=height - margin - size[1],
        spread=spread,
    )


def _card_width(width: int, height: int, margin: int) -> int:
    """Return a column that suits the format: half of a wide picture, nearly all of a tall or tiny one."""
    if width > height * 1.2:
        return round(width * 0.5)
    roomy = width > height * 0.8 and width >= _CAPTIONED
    return round(width * 0.66) if roomy else width - 2 * margin


def _caption(text: str, unit: int, width: int) -> Lettering | None:
    """Return the line that says what this file is, so that nobody takes it for the real thing."""
    if unit < _CAPTIONED:
        return None
    size = max(_LEGIBLE, round(unit * _FINE_PRINT))
    return fit(text, width=width, height=size, largest=size, smallest=size)


def _face(
    size: tuple[int, int], padding: int, text: Lettering, caption: Lettering | None, palette: Palette
) -> Image.Image:
    face = Image.new("RGB", size, palette.surface)
    pen = ImageDraw.Draw(face)
    bar = max(1, padding // 7)
    pen.rectangle((padding, padding, padding * 2, padding + bar - 1), fill=palette.accent)
    _write(pen, text, (padding, padding * 2 - bar), palette.ink)
    if caption:
        quiet = mix(palette.ink, palette.surface, 0.3)
        _write(pen, caption, (padding, size[1] - padding - caption.size), quiet)
    return face


def _write(pen: ImageDraw.ImageDraw, text: Lettering, corner: tuple[int, int], ink: RGB) -> None:
    for number, line in enumerate(text.lines):
        pen.text((corner[0], corner[1] + number * text.size * LEADING), line, fill=ink, font=font(text.size))


def _shadow(mask: Image.Image, spread: int) -> Image.Image:
    """Return the outline blurred and thinned, `spread` pixels larger on every side."""
    shadow = Image.new("L", (mask.width + 2 * spread, mask.height + 2 * spread))
    shadow.paste(mask, (spread, spread))
    return shadow.filter(ImageFilter.GaussianBlur(spread / 2.5)).point(lambda value: value * 0.35)
