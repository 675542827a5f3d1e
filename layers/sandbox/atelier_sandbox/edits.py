"""What the sandbox makes of pictures that it is given: an edit, an enlargement, a cut-out, a film over one of them."""

import io
from collections.abc import Iterator, Sequence

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from .palette import Palette
from .panel import card
from .video import film

LARGEST = 4096  # pixels; no picture is made larger than that
_INSET = 0.22  # of the shorter side: how large the second and further pictures are within an edit
_MOST_INSETS = 4
_SMALL = 192  # pixels; the background is looked for in a picture of at most so many
_ALIKE = 72  # how far a colour may be from that of its corner, in all channels together, to be background
_ZOOM = 0.2  # of the picture: how much narrower the part is that a film ends with
_SHORTEST_SIDE = 16


def edit(
    pictures: Sequence[bytes],
    prompt: str,
    *,
    palette: Palette,
    seed: int,
    size: tuple[int, int] | None = None,
    mask: bytes | None = None,
) -> bytes:
    """Return the first picture as PNG, cropped to `size`, with the others set into it and the prompt written upon it.

    Where there is a mask, only what is white in it differs from the first picture.
    """
    first = _fitted(_opened(pictures[0]).convert("RGB"), size)
    changed = first.copy()
    _set_in(changed, [_opened(each).convert("RGB") for each in pictures[1 : _MOST_INSETS + 1]])
    text = card(prompt, palette=palette, seed=seed, width=first.width, height=first.height, right=False)
    changed.paste(text.face, (text.x, first.height - text.y - text.face.height), text.mask)  # at the top
    if mask is not None:
        changed = Image.composite(changed, first, _fitted(_opened(mask).convert("L"), first.size))
    return _png(changed)


def enlarge(picture: bytes, factor: float) -> bytes:
    """Return the picture as PNG, `factor` times as wide and high, but no side longer than `LARGEST`."""
    original = _opened(picture)
    original = original.convert("RGBA" if original.has_transparency_data else "RGB")
    by = max(1.0, min(factor, LARGEST / max(original.size)))
    width, height = (round(side * by) for side in original.size)
    return _png(original.resize((width, height), Image.Resampling.LANCZOS))


def cut_out(picture: bytes) -> bytes:
    """Return the picture as PNG, transparent where it is of the colour of its corners, from these on."""
    original = _opened(picture).convert("RGBA")
    small = original.convert("RGB")
    small.thumbnail((_SMALL, _SMALL))
    shown = Image.new("L", small.size, 255)
    for corner in ((0, 0), (small.width - 1, 0), (0, small.height - 1), (small.width - 1, small.height - 1)):
        shown = ImageChops.darker(shown, _flooded(small, corner))
    alpha = shown.filter(ImageFilter.GaussianBlur(1)).resize(original.size, Image.Resampling.BICUBIC)
    original.putalpha(ImageChops.darker(alpha, original.getchannel("A")))
    return _png(original)


def pan(start: bytes, end: bytes | None = None, *, width: int, height: int, seconds: float, fps: int = 24) -> bytes:
    """Return an MP4 film that goes into the start picture, and fades over to the end picture if there is one.

    It is `width` x `height` pixels, an odd side trimmed by one.
    """
    size = width - width % 2, height - height % 2
    first = _fitted(_opened(start).convert("RGB"), size)
    last = _fitted(_opened(end).convert("RGB"), size) if end is not None else None
    return film(_going_in(first, last, max(1, round(seconds * fps))), size, fps)


def size_of(picture: bytes, longest: int) -> tuple[int, int]:
    """Return the sides of the picture, made smaller until none is longer than `longest`."""
    return _sides(_opened(picture), longest)


def _opened(content: bytes) -> Image.Image:
    return ImageOps.exif_transpose(Image.open(io.BytesIO(content)))


def _fitted(picture: Image.Image, size: tuple[int, int] | None) -> Image.Image:
    """Return the middle of the picture, of `size`; the whole of it, if not too small or large, where there is none."""
    width, height = size or _sides(picture, LARGEST)
    return ImageOps.fit(picture, (width, height)) if picture.size != (width, height) else picture


def _sides(picture: Image.Image, longest: int) -> tuple[int, int]:
    share = min(1.0, longest / max(picture.size))
    return max(_SHORTEST_SIDE, round(picture.width * share)), max(_SHORTEST_SIDE, round(picture.height * share))


def _set_in(picture: Image.Image, others: Sequence[Image.Image]) -> None:
    side = max(2, round(min(picture.size) * _INSET))
    gap = max(1, side // 6)
    for number, other in enumerate(others):
        place = picture.width - (number + 1) * (side + gap), picture.height - side - gap
        picture.paste(
            ImageOps.expand(ImageOps.fit(other, (side, side)), border=max(1, side // 40), fill="white"), place
        )


def _flooded(picture: Image.Image, corner: tuple[int, int]) -> Image.Image:
    """Return a mask that is black where a walk from the corner meets nothing but its colour."""
    marked = picture.copy()
    ImageDraw.floodfill(marked, corner, (255, 0, 255), thresh=_ALIKE)
    same = ImageChops.difference(marked, picture).convert("L").point(lambda value: 0 if value else 255)
    same.putpixel(corner, 0)
    return same


def _going_in(first: Image.Image, last: Image.Image | None, count: int) -> Iterator[Image.Image]:
    width, height = first.size
    for number in range(count):
        moment = number / max(1, count - 1)
        margin = _ZOOM / 2 * moment
        box = (width * margin, height * margin, width * (1 - margin), height * (1 - margin))
        frame = first.resize(first.size, Image.Resampling.BILINEAR, box=box)
        yield Image.blend(frame, last, moment) if last else frame


def _png(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=3)
    return file.getvalue()
