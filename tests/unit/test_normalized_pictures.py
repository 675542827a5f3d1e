"""Normalized copies of pictures, made in this process; `tests/unit/test_measuring.py` has the child that makes them."""

import base64
import io
from typing import Any

import pytest
from PIL import Image, PngImagePlugin

from atelier.store import measuring_child

Sides = tuple[int, int]
WIDE: Sides = (40, 20)
SIDEWAYS = 6
"""The value of EXIF's tag 0x0112 of a picture that is to be turned by a right angle."""


@pytest.fixture(autouse=True)
def _pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", Image.MAX_IMAGE_PIXELS)  # which the child sets for itself


def copied(file: io.BytesIO, reader: str) -> tuple[Image.Image, dict[str, Any]]:
    """The copy of a file, and what is said of it."""
    job = {"reader": reader, "size": len(file.getvalue()), "pixels": 10**6, "longest": 4096, "lossless": False}
    said = list(measuring_child._picture(io.BytesIO(file.getvalue()), job))
    content = b"".join(base64.b64decode(each["copy"]) for each in said if "copy" in each)
    return Image.open(io.BytesIO(content)), said[-1]["facts"]


def test_a_picture_that_lies_on_its_side_is_turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = SIDEWAYS
    file = io.BytesIO()
    Image.new("RGB", WIDE, "red").save(file, "JPEG", exif=exif)
    copy, facts = copied(file, "JPEG")
    assert copy.size == (facts["width"], facts["height"]) == WIDE[::-1]
    assert not copy.getexif()


def test_a_copy_has_none_of_the_comments() -> None:
    comments = PngImagePlugin.PngInfo()
    comments.add_text("Author", "A photographer")
    file = io.BytesIO()
    Image.new("RGBA", WIDE, (255, 0, 0, 9)).save(file, "PNG", pnginfo=comments)
    copy, facts = copied(file, "PNG")
    assert (copy.format, facts["alpha"]) == ("PNG", True)
    assert copy.info.keys() <= {"srgb", "gamma"}
    jpeg = io.BytesIO()
    Image.new("RGB", WIDE, "red").save(jpeg, "JPEG", comment=b"A photographer")
    copy, _ = copied(jpeg, "JPEG")
    assert "comment" not in copy.info


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_an_animation_has_no_copy(form: str) -> None:
    file = io.BytesIO()
    frames = [Image.new("RGB", WIDE, colour) for colour in ("red", "green")]
    frames[0].save(file, form, save_all=True, append_images=frames[1:])
    with pytest.raises(measuring_child.Unfit, match="animated"):
        copied(file, form)
