"""The geometric vocabulary of a sandbox picture, as masks: 255 inside a shape, 0 outside."""

from collections.abc import Callable
from itertools import product

from PIL import Image, ImageChops, ImageDraw

Mask = Image.Image

_OVERSAMPLE = 3  # Pillow draws hard edges; shapes are drawn larger and averaged down


def disc(size: int) -> Mask:
    """Return a filled circle `size` pixels across."""
    return _smooth(size, lambda pen, side: pen.ellipse((0, 0, side - 1, side - 1), fill=255))


def ring(size: int, thickness: float) -> Mask:
    """Return a circle `size` pixels across whose stroke is `thickness` (0 to 1) of its radius."""
    return _smooth(
        size,
        lambda pen, side: pen.ellipse((0, 0, side - 1, side - 1), outline=255, width=max(1, int(side / 2 * thickness))),
    )


def quarter(size: int, turns: int) -> Mask:
    """Return a quarter disc of radius `size`, its right angle at the top left, then turned."""
    return _smooth(size, lambda pen, side: pen.ellipse((-side, -side, side - 1, side - 1), fill=255)).rotate(90 * turns)


def dots(size: int, across: int) -> Mask:
    """Return a square lattice of `across` x `across` dots."""

    def paint(pen: ImageDraw.ImageDraw, side: int) -> None:
        pitch = side / across
        for row, column in product(range(across), repeat=2):
            pen.circle(((column + 0.5) * pitch, (row + 0.5) * pitch), pitch * 0.17, fill=255)

    return _smooth(size, paint)


def stripes(size: int, count: int) -> Mask:
    """Return a disc cut into `count` horizontal bars."""

    def paint(pen: ImageDraw.ImageDraw, side: int) -> None:
        pitch = side / count
        for bar in range(count):
            pen.rectangle((0, bar * pitch, side, (bar + 0.5) * pitch), fill=255)

    return ImageChops.multiply(_smooth(size, paint), disc(size))


def rounded(width: int, height: int, radius: int) -> Mask:
    """Return a rectangle with round corners."""
    scaled = width * _OVERSAMPLE, height * _OVERSAMPLE
    mask = Image.new("L", scaled)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, scaled[0] - 1, scaled[1] - 1), radius * _OVERSAMPLE, fill=255)
    return mask.reduce(_OVERSAMPLE)


def _smooth(size: int, paint: Callable[[ImageDraw.ImageDraw, int], None]) -> Mask:
    side = size * _OVERSAMPLE
    mask = Image.new("L", (side, side))
    paint(ImageDraw.Draw(mask), side)
    return mask.reduce(_OVERSAMPLE)
