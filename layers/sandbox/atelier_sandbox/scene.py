"""A picture as layers that can move: the composition the still and the film both show."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from . import shapes
from .paints import BLACK, RGB, WHITE, mix
from .palette import Palette
from .panel import Card, card
from .seeded import rng_for

SMALLEST = 16  # pixels; below this there is nothing to compose

Fill = RGB | Image.Image


@dataclass(frozen=True, slots=True)
class Layer:
    """One shape: what it is filled with, where it rests and how far it orbits, in pixels."""

    mask: Image.Image
    fill: Fill
    x: float
    y: float
    orbit: tuple[float, float] = (0.0, 0.0)

    def at(self, turn: float) -> tuple[int, int]:
        """Return the top-left corner after `turn` (0 to 1) of the orbit; 0 and 1 are rest."""
        angle = 2 * math.pi * turn
        return round(self.x + self.orbit[0] * math.sin(angle)), round(self.y + self.orbit[1] * (1 - math.cos(angle)))


@dataclass(frozen=True, slots=True)
class Scene:
    """A ground and the layers above it, lowest first."""

    ground: Image.Image
    layers: tuple[Layer, ...]

    def frame(self, turn: float = 0.0) -> Image.Image:
        """Return the RGB picture with every layer `turn` (0 to 1) of the way round its orbit."""
        picture = self.ground.copy()
        for layer in self.layers:
            picture.paste(layer.fill, layer.at(turn), layer.mask)
        return picture


def compose(prompt: str, *, palette: Palette, seed: int, width: int, height: int) -> Scene:
    """Return the scene of `prompt`: `width` x `height` pixels, the same for the same arguments.

    Raises ValueError if a side is shorter than `SMALLEST`.
    """
    if min(width, height) < SMALLEST:
        raise ValueError(f"a picture needs at least {SMALLEST} pixels a side, not {width} x {height}")
    stage = _Stage(rng_for("scene", prompt, seed), palette, width, height)
    extras = [part for part in _PARTS if part not in _ESSENTIAL]
    chosen = stage.rng.sample(extras, 1 + round(palette.boldness * 4))
    parts = [part for part in _PARTS if part in _ESSENTIAL or part in chosen]
    caption = card(prompt, palette=palette, seed=seed, width=width, height=height, right=stage.mirrored)
    return Scene(stage.ground(), (*(part(stage) for part in parts), *_card_layers(caption, palette)))


def _card_layers(caption: Card, palette: Palette) -> tuple[Layer, Layer]:
    shadow_colour = mix(palette.background, BLACK, 0.75)
    shadow = Layer(caption.shadow, shadow_colour, caption.x - caption.spread, caption.y - caption.spread // 2)
    return shadow, Layer(caption.mask, caption.face, caption.x, caption.y)


class _Stage:
    """The canvas the parts are placed on: lengths are shares of its shorter side."""

    def __init__(self, rng: random.Random, palette: Palette, width: int, height: int) -> None:
        self.rng, self.palette, self.width, self.height = rng, palette, width, height
        self.unit = min(width, height)
        self.mirrored = rng.random() < 0.5  # noqa: PLR2004  a coin

    def length(self, low: float, high: float) -> int:
        """Return a length in pixels between two shares of the shorter side."""
        return max(2, round(self.unit * self.rng.uniform(low, high)))

    def place(self, mask: Image.Image, fill: Fill, across: float, down: float, sway: float) -> Layer:
        """Return `mask` centred near (`across`, `down`), swaying by a share of the shorter side."""
        column = 1 - across if self.mirrored else across
        x = (column + self.rng.uniform(-0.06, 0.06)) * self.width - mask.width / 2
        y = (down + self.rng.uniform(-0.06, 0.06)) * self.height - mask.height / 2
        orbit = sway * self.unit * self.rng.choice((-1, 1)), sway * self.unit * self.rng.choice((-0.5, 0.5))
        return Layer(mask, fill, x, y, orbit)

    def ground(self) -> Image.Image:
        """Return the background: its own colour at the centre, a little deeper to one corner."""
        colour = self.palette.background
        deep = mix(colour, self.palette.surface, 0.5)
        return gradient(colour, deep, self.width, self.height, mirrored=self.mirrored)


def gradient(start: RGB, end: RGB, width: int, height: int, *, mirrored: bool = False) -> Image.Image:
    """Return a diagonal blend from `start` (top left, or top right if mirrored) to `end`."""
    down = Image.linear_gradient("L")
    across = down.rotate(-90 if mirrored else 90)
    blend = Image.blend(down, across, 0.5).resize((width, height), Image.Resampling.BICUBIC)
    return Image.composite(Image.new("RGB", blend.size, end), Image.new("RGB", blend.size, start), blend)


def _sun(stage: _Stage) -> Layer:
    size = stage.length(0.54, 0.7)
    lit = mix(stage.palette.accent, WHITE, 0.25)
    return stage.place(shapes.disc(size), gradient(lit, stage.palette.accent, size, size), 0.68, 0.33, 0.035)


def _halo(stage: _Stage) -> Layer:
    size = stage.length(0.9, 1.2)
    # A tone of the ground, not a blend with an accent: opposite colours blend to mud.
    tone = mix(stage.palette.background, stage.palette.ink, 0.13)
    return stage.place(shapes.ring(size, stage.rng.uniform(0.14, 0.34)), tone, 0.12, 0.12, 0.02)


def _hill(stage: _Stage) -> Layer:
    size = stage.length(0.9, 1.15)
    tone = mix(stage.palette.background, stage.palette.surface, 0.6)
    return stage.place(shapes.disc(size), tone, 0.95, 0.98, 0.025)


def _petal(stage: _Stage) -> Layer:
    size = stage.length(0.3, 0.42)
    return stage.place(shapes.quarter(size, stage.rng.randrange(4)), stage.palette.highlight, 0.88, 0.7, 0.045)


def _orbit(stage: _Stage) -> Layer:
    size = stage.length(0.5, 0.8)
    return stage.place(shapes.ring(size, 0.022), stage.palette.ink, 0.78, 0.4, 0.05)


def _blinds(stage: _Stage) -> Layer:
    size = stage.length(0.24, 0.36)
    return stage.place(shapes.stripes(size, 8), stage.palette.ink, 0.88, 0.2, 0.06)


def _lattice(stage: _Stage) -> Layer:
    size = stage.length(0.24, 0.32)
    return stage.place(shapes.dots(size, stage.rng.randint(5, 8)), stage.palette.ink, 0.36, 0.2, 0.05)


def _moon(stage: _Stage) -> Layer:
    size = stage.length(0.08, 0.16)
    return stage.place(shapes.disc(size), stage.palette.highlight, 0.3, 0.27, 0.07)


# From back to front. The sun and the halo are in every picture, the others when it dares.
_PARTS: tuple[Callable[[_Stage], Layer], ...] = (_hill, _halo, _sun, _petal, _orbit, _blinds, _lattice, _moon)
_ESSENTIAL = (_halo, _sun)
