"""Names of files and folders, from texts of any origin."""

import re
from typing import Final
from unicodedata import category, normalize
from urllib.parse import unquote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from atelier.domain.file_names import content_disposition, distinct, file_name, folder_name, saved_name

TEXTS = st.text(max_size=80) | st.sampled_from(
    [
        "../x",
        "..\\..\\x",
        "/etc/passwd",
        "C:\\x",
        "CON",
        "nul",
        "com¹",
        "lpt9",
        "a.",
        "-rf",
        "",
        "\u202egnp.exe",
        "🙂👩‍👩‍👧",
        "／x",
        "․․／",
    ]
)
HEADER: Final = re.compile(r"""inline; filename="([!-~]+)"(?:; filename\*=UTF-8''([\w.%~-]+))?""", re.ASCII)
DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)


def is_safe(name: str) -> bool:
    """Whether the name is one on Windows, macOS and Linux, and in no archive leads out of it."""
    plain = normalize("NFKC", name)
    return (
        0 < len(name.encode()) <= 200
        and normalize("NFC", name) == name
        and not set(plain) & set('<>:"/\\|?*')
        and not any(category(each) in {"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"} for each in name)
        and name[0] not in ".-~ "
        and name[-1] not in ". "
        and ".." not in plain
        and DEVICE.fullmatch(name) is None
    )


@settings(max_examples=40)
@given(st.lists(TEXTS, max_size=3), st.integers(1, 10_000))
def test_a_file_name_is_safe_everywhere(words: list[str], number: int) -> None:
    name = file_name(words, number, "png")
    assert is_safe(name)
    assert name.endswith(f"_{number}.png")
    assert name.count(".") == 1


@settings(max_examples=40)
@given(TEXTS)
@example("COM²")
@example("_CON")
def test_a_folder_name_is_safe_everywhere(text: str) -> None:
    name = folder_name(text)
    assert is_safe(name)
    assert "." not in name


@settings(max_examples=40)
@given(st.lists(st.lists(TEXTS, max_size=1), max_size=12))
@example([["x"], ["X"], ["x-2"], ["x"]])
def test_names_are_distinct_on_every_system(texts: list[list[str]]) -> None:
    names = distinct(file_name(words, 1, "png") for words in texts)
    assert all(map(is_safe, names))
    for form in ("NFC", "NFD", "NFKD"):
        for compared in (str.upper, str.lower, str.casefold):
            assert len({compared(normalize(form, name)) for name in names}) == len(texts)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["Summer Launch", "A boat, at dawn"], "Summer-Launch_A-boat,-at-dawn_1.png"),
        (["", "../../etc/passwd"], "etc-passwd_1.png"),
        (["Über 🙂"], "Über-🙂_1.png"),
        (["U\u0308ber"], "Über_1.png"),
        (["\u202egnp.exe"], "gnp-exe_1.png"),
        ([], "untitled_1.png"),
        (["word " * 40], f"{'-'.join(['word'] * 12)}_1.png"),
    ],
)
def test_a_file_name_shows_the_words(words: list[str], name: str) -> None:
    assert file_name(words, 1, "png") == name


@pytest.mark.parametrize(
    ("name", "saved"),
    [
        ("product shot.PNG", "product-shot.png"),
        ("../../x.html", "x.png"),
        ('a"; filename="b.exe', "a-filename=-b.png"),
        ("a\r\nX-Evil: 1.png", "a-X-Evil-1.png"),
        ("CON.png", "_CON.png"),
        ("\u202egnp.exe", "gnp.png"),
        ("Mu\u0308ller", "Müller.png"),
        (".png", "untitled.png"),
    ],
)
def test_a_callers_name_is_saved_safely(name: str, saved: str) -> None:
    assert saved_name(name, "png") == saved


def test_names_alike_get_numbers_in_their_order() -> None:
    assert distinct(["a.png", "A.png", "a-2.png", "a.png", "b.png"]) == [
        "a.png",
        "A-2.png",
        "a-2-2.png",
        "a-3.png",
        "b.png",
    ]


def test_a_thousand_names_alike_are_distinct() -> None:
    assert len(set(distinct(["a.png"] * 1_000))) == 1_000


def test_what_is_no_extension_is_refused() -> None:
    with pytest.raises(ValueError, match="extension"):
        file_name(["a"], 1, "../sh")


@settings(max_examples=40)
@given(TEXTS, TEXTS)
def test_a_header_carries_any_name(campaign: str, prompt: str) -> None:
    name = file_name((campaign, prompt), 1, "png")
    header = content_disposition(name)
    assert header.isascii()
    found = HEADER.fullmatch(header)
    assert found
    plain, encoded = found.groups()
    assert (unquote(encoded) if encoded else plain) == name
    assert plain.endswith("1.png")
    assert not set(plain) & set('"\\')
