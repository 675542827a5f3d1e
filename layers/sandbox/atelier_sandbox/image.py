"""The sandbox's stills: a poster of the prompt, as a Pillow image or as PNG bytes."""

import io

from PIL import Image

from .palette import Palette
from .scene import compose


def draw(prompt: str, *, palette: Palette, seed: int, width: int, height: int) -> Image.Image:
    """Return the RGB poster of `prompt`, exactly `width` x `height` pixels.

    Raises ValueError if a side is shorter than 16 pixels.
    """
    return compose(prompt, palette=palette, seed=seed, width=width, height=height).frame()


def png(prompt: str, *, palette: Palette, seed: int, width: int, height: int) -> bytes:
    """Return `draw` of the same arguments as a PNG file; the same arguments give the same bytes."""
    file = io.BytesIO()
    draw(prompt, palette=palette, seed=seed, width=width, height=height).save(file, "PNG")
    return file.getvalue()
