"""Names of downloads: whatever a campaign is called and a prompt says, every system takes them."""

import re
import unicodedata
from typing import Final
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from atelier.domain.tasks.file_names import content_disposition, file_name, name_part

HOSTILE: Final = (
    "../../etc/passwd",
    "CON",
    "a\r\nSet-Cookie: x",
    'x"; filename="evil.exe',
    "=HYPERLINK(1)",
    ".",
    "\u202egnp.exe",
)
HEADER: Final = re.compile(r"""inline; filename="([\w.-]+)"(?:; filename\*=UTF-8''([\w.%~-]+))?""", re.ASCII)
TEXTS: Final = st.text(st.characters(codec="utf-8"), max_size=200) | st.sampled_from(HOSTILE)


@pytest.mark.parametrize(
    ("campaign", "prompt", "name"),
    [
        ("Summer Launch", "A futuristic cityscape", "Summer-Launch-A-futuristic-cityscape-1"),
        ("", "A boat at dawn, with nets, ropes and gulls", "A-boat-at-dawn-with-nets-1"),
        ("Ärzte & Söhne", "東京の夜景", "Ärzte-Söhne-東京の夜景-1"),
        ("🎨", "🎉🎉", "file-1"),
        ("", "../../etc/passwd", "etc-passwd-1"),
        ("CON", "nul", "CON-nul-1"),
        ("हिन्दी", "x", "हिन्दी-x-1"),
    ],
)
def test_a_name_says_what_the_file_is(campaign: str, prompt: str, name: str) -> None:
    assert file_name(name_part(campaign), prompt, 1) == name


@given(TEXTS, TEXTS)
@example("a" * 79 + "é", "é" * 200)
def test_a_name_is_safe_in_every_system(campaign: str, prompt: str) -> None:
    name = file_name(name_part(campaign), prompt, 4)
    assert all(
        each == "-" or unicodedata.category(each) in ("Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Nd") for each in name
    )
    assert len(f"{name}.webm".encode()) <= 180
    assert re.fullmatch(r"[^-].*-4", name)


@given(TEXTS, TEXTS)
def test_a_header_carries_any_name(campaign: str, prompt: str) -> None:
    name = f"{file_name(name_part(campaign), prompt, 1)}.png"
    header = content_disposition(name)
    assert header.isascii()
    found = HEADER.fullmatch(header)
    assert found
    plain, encoded = found.groups()
    assert (unquote(encoded) if encoded else plain) == name
    assert plain.endswith("1.png")
