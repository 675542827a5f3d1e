"""Sentences and characters as Unicode divides them, against a library that carries Unicode's own tables."""

from unicodedata import category

from hypothesis import example, given, settings
from hypothesis import strategies as st
from uniseg.graphemecluster import grapheme_cluster_boundaries
from uniseg.sentencebreak import sentence_boundaries, sentence_break

from atelier.domain.segmentation import _CLASSES, sentence_ends, splits_character

LETTERS = {
    "CR": "R", "LF": "N", "SEP": "P", "SP": "S", "ATERM": "A", "SCONTINUE": "c", "STERM": "T", "CLOSE": "C",
    "OLETTER": "o", "NUMERIC": "9", "LOWER": "l", "UPPER": "u", "EXTEND": "X", "FORMAT": "X", "OTHER": "x",
}  # fmt: skip
TRICKY = "aA.?!。।1 \t\n\r\u0308\u200d,;:)\"'”“xüÉ\u2029\u0085漢क्षि؟…"
JOINED = "aक्षि\u0940\u200d\u200c😀👩🏽\ufe0f❤🇩🇪🇫ᄀ가각ᆨ한\r\n\u0301\u0600ำกå"


def test_every_character_has_unicodes_class() -> None:
    assigned = (chr(code) for code in range(0x110000) if category(chr(code)) not in ("Cn", "Cs"))
    wrong = [letter for letter in assigned if _CLASSES[ord(letter)] != LETTERS[sentence_break(letter).name]]
    assert not wrong


@settings(max_examples=500)
@given(st.text(TRICKY, min_size=1, max_size=14) | st.text(min_size=1, max_size=20).filter(str.isprintable))
@example('He said “go.” Then left. The U.S. Army has 3.5 of them, e.g. this. {"a":1.5}. धन्यवाद। ठीक है')
def test_sentences_end_where_unicode_says(text: str) -> None:
    if all(category(letter) != "Cn" for letter in text):
        assert sentence_ends(text) == [*sentence_boundaries(text)][1:]


@settings(max_examples=500)
@given(st.text(JOINED, min_size=2, max_size=14) | st.text(min_size=2, max_size=20))
def test_nothing_that_unicode_calls_one_character_is_divided(text: str) -> None:
    allowed = set(grapheme_cluster_boundaries(text))
    if all(category(letter) != "Cn" for letter in text):
        assert {at for at in range(len(text)) if not splits_character(text, at)} <= allowed


def test_plain_characters_are_divided() -> None:
    for text in ("abc", "日本語", "नमक", "😀😀", "a b\n", "각나다", "🇩🇪🇫🇷"[:2] + "a"):
        apart = [at for at in range(1, len(text)) if not splits_character(text, at)]
        assert apart == [*grapheme_cluster_boundaries(text)][1:-1]
