"""What a text is: trimmed, compared and sorted alike in scripts of all kinds, however it was typed."""

import re
from collections.abc import Callable
from unicodedata import category, normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atelier.domain.text import CONTENT_PATTERN, comparison_key, has_content, prefix_of_bytes, sort_key, trim

SCRIPTS = (
    "Müller Ärzte Straße",
    "Ελλάς ΣΟΦΌΣ",
    "Йогурт",
    "עברית",
    "كتاب",
    "हिन्दी क्षि",
    "ไทย น้ำ",
    "日本語ﾊﾝｶｸ",
    "한국어각",
)
LETTERS = st.sampled_from(sorted({letter for script in SCRIPTS for letter in normalize("NFD", script) + script}))
TEXTS = st.text(max_size=30) | st.text(LETTERS, max_size=30)
INVISIBLE = (
    "\u200b\u200c\u200d\u200e\u2060\ufeff\u00ad\u034f\u115f\u3164\u2800\u180e\u061c\u202a\u2066\x00\x1b\x7f\U000e0001"
)
BLANKS = " \t\n\r\x0b\x0c\x1c\x85\xa0\u1680\u2003\u2028\u2029\u202f\u205f\u3000"
NOTHING = st.text(INVISIBLE + BLANKS, max_size=6)

# Format characters that do draw something: signs of Arabic and Syriac that stand around digits and letters.
DRAWN = {*range(0x600, 0x606), 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
# Unicode's Default_Ignorable_Code_Point, what of it is not among the categories below.
IGNORABLE = {0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, 0x2065}
IGNORABLE |= {*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFF9), *range(0xE0000, 0xE1000)}
DRAWS_NOTHING = {"Cc", "Cf", "Zs", "Zl", "Zp"}
BRAILLE_BLANK = 0x2800


def draws_nothing(code: int) -> bool:
    """The oracle: what Unicode says of a character, one by one."""
    if code in IGNORABLE or code == BRAILLE_BLANK or code & 0xFFFE == 0xFFFE or code in range(0xFDD0, 0xFDF0):
        return True
    return category(chr(code)) in DRAWS_NOTHING and code not in DRAWN


def test_only_characters_that_draw_nothing_are_no_content() -> None:
    """As Unicode says it."""
    codes = (code for code in range(0x110000) if not 0xD800 <= code < 0xE000)
    # Egyptian controls arrange the signs around them; this Python may be too old to know all of them.
    wrong = [hex(code) for code in codes if has_content(chr(code)) == draws_nothing(code) and code not in EGYPTIAN]
    assert not wrong


EGYPTIAN = range(0x13430, 0x13460)


@pytest.mark.parametrize("script", SCRIPTS)
@given(before=NOTHING, after=NOTHING)
def test_invisible_characters_are_trimmed_only_at_the_edges(script: str, before: str, after: str) -> None:
    text = f"{script}{before}{script}"
    assert trim(before + text + after) == text
    assert not has_content(before + after)
    assert trim(before + after) == ""


@pytest.mark.parametrize("text", ["❤️", "Team 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "葛󠄀", "1️⃣", "न्", "e\u0301"])
def test_what_shapes_the_last_character_is_kept(text: str) -> None:
    assert trim(f"{text} ") == text


@given(TEXTS)
def test_a_trimmed_text_is_a_trimmed_part_of_itself(text: str) -> None:
    assert trim(text) in text
    assert trim(trim(text)) == trim(text)
    assert has_content(text) == has_content(trim(text)) == bool(re.search(CONTENT_PATTERN, text))
    assert comparison_key(text) == comparison_key(trim(text))


@given(TEXTS)
def test_keys_do_not_change_when_they_are_made_again(text: str) -> None:
    assert comparison_key(comparison_key(text)) == comparison_key(text)
    assert sort_key(sort_key(text)) == sort_key(text)


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@pytest.mark.parametrize("key", [comparison_key, sort_key])
@given(text=TEXTS)
def test_composed_and_decomposed_texts_have_the_same_keys(form: str, key: Callable[[str], str], text: str) -> None:
    assert key(normalize(form, text)) == key(text)  # type: ignore[arg-type]


@given(TEXTS)
def test_the_case_of_a_text_does_not_count(text: str) -> None:
    for key in (comparison_key, sort_key):
        assert key(text.casefold()) == key(text)
        if text.isascii():
            assert key(text.upper()) == key(text.lower())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Mu\u0308ller", "Müller"),
        ("MÜLLER", "müller"),
        ("Straße", "STRASSE"),
        ("ﬁne", "fine"),
        ("Ａｃｍｅ", "acme"),
        ("ﾊﾟﾅｿﾆｯｸ", "パナソニック"),
        ("Zara\u00a0Home", "zara home"),
        (" Zara \t  Home\n", "zara home"),
        ("각", "\u1100\u1161\u11a8"),
        ("ΣΟΦΌΣ", "σοφός"),
    ],
)
def test_what_reads_alike_compares_alike(one: str, other: str) -> None:
    assert comparison_key(one) == comparison_key(other)


@given(TEXTS, st.text(BLANKS, min_size=1, max_size=3), TEXTS)
def test_a_run_of_white_space_is_one_blank(one: str, blanks: str, other: str) -> None:
    assert comparison_key(one + blanks + other) == comparison_key(f"{one} {other}")


def test_an_accented_letter_sorts_before_the_next_letter() -> None:
    names = ["Zara", "elan", "Ärzte", "Arzt", "Banane", "Élan", "A\u0308rzte", "Etat", "Azur"]
    assert sorted(names, key=sort_key) == [
        *("Arzt", "Azur", "Ärzte", "A\u0308rzte", "Banane", "elan", "Etat", "Élan", "Zara")
    ]
    assert {sort_key(each) for each in ("Ärzte", "A\u0308rzte", "ÄRZTE")} == {"a\u0308rzte"}


@given(st.text(max_size=40), st.integers(0, 60))
def test_a_prefix_of_bytes_is_a_prefix_of_characters(text: str, limit: int) -> None:
    kept = prefix_of_bytes(text, limit)
    assert text.startswith(kept)
    assert len(kept.encode()) <= limit
    assert kept == text or len(text[: len(kept) + 1].encode()) > limit
