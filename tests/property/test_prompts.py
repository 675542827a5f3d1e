"""What a provider is sent, for any text of callers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from uniseg.graphemecluster import grapheme_cluster_boundaries
from uniseg.sentencebreak import sentence_boundaries

from atelier.domain.prompts import SENTENCE_NEARBY, WORD_NEARBY, Composed, effective_prompt, fitting_prefix
from atelier.domain.text import trim

WORDS = st.text(alphabet="ab .!?;\n。！É", max_size=60)
TEXTS = st.one_of(st.none(), WORDS, st.text(max_size=40))
PARTS = (
    "Be red. ",
    "नीला रंग। ",
    "赤を使う。",
    "a.b",
    "x" * 90,
    " ",
    "\n",
    "é",
    "e\u0301",
    "👩🏽‍🚀",
    "“go.” ",
    '{"a":1}',
    "3.5 ",
)
TEXTS_OF_MANY_SCRIPTS = st.lists(st.sampled_from(PARTS), max_size=60).map("".join)


@given(st.text(min_size=1, max_size=40), TEXTS, TEXTS, st.integers(min_value=0, max_value=200))
def test_the_prompt_comes_first_whole_within_the_limit(
    prompt: str, guidelines: str | None, brief: str | None, limit: int
) -> None:
    composed = effective_prompt(prompt, guidelines=guidelines, brief=brief, limit=limit)
    assert composed.text.startswith(prompt)
    assert len(composed.text) <= max(limit, len(prompt))
    whole = effective_prompt(prompt, guidelines=guidelines, brief=brief, limit=100_000)
    assert composed.truncated == (composed.text != whole.text)


@given(st.text(min_size=1), TEXTS, TEXTS)
def test_with_enough_room_nothing_is_cut(prompt: str, guidelines: str | None, brief: str | None) -> None:
    expected = prompt
    for heading, text in (("Brand guidelines", guidelines), ("Campaign brief", brief)):
        if text and trim(text):
            expected += f"\n\n{heading}: {trim(text)}"
    assert effective_prompt(prompt, guidelines=guidelines, brief=brief, limit=100_000) == Composed(expected)


@given(TEXTS_OF_MANY_SCRIPTS, st.integers(min_value=0, max_value=2500))
def test_a_cut_is_a_prefix_that_wastes_little(text: str, room: int) -> None:
    """Without a boundary nearby it gives nothing away."""
    kept = fitting_prefix(text, room)
    assert text.startswith(kept)
    assert len(kept) <= room or kept == text
    lost = min(room, len(text)) - len(kept)
    if kept == text or lost == 0:
        return
    if behind := _sentence_before(text, room):
        assert kept == text[:behind].rstrip()
    elif kept[-1:].isspace() or text[len(kept)].isspace():
        assert lost <= WORD_NEARBY
    else:
        # Part of the one character that did not fit, as a reader counts them.
        assert len(kept) == max(at for at in grapheme_cluster_boundaries(text[: room + 60]) if at <= room)


def _sentence_before(text: str, room: int) -> int:
    """The oracle: the last place in reach where a sentence ends, of all that the whole text has."""
    ends = (end for end in sentence_boundaries(text) if 0 < end < len(text))
    return max((end for end in ends if room - SENTENCE_NEARBY <= len(text[:end].rstrip()) <= room), default=0)


SENTENCE_OF_HINDI = "नीला रंग प्रयोग करें। "


@pytest.mark.parametrize(
    ("text", "room", "kept"),
    [
        (SENTENCE_OF_HINDI * 300, 2000, (SENTENCE_OF_HINDI * (2000 // len(SENTENCE_OF_HINDI))).rstrip()),
        (
            "He said “be bold.” She said “be calm.” " * 3,
            60,
            "He said “be bold.” She said “be calm.” He said “be bold.”",
        ),
        (
            '{"palette":["#ff0000","#00ff00"],"tone":"calm"}' * 60,
            1000,
            ('{"palette":["#ff0000","#00ff00"],"tone":"calm"}' * 60)[:1000],
        ),
        ("赤を使う。青は使わない。" * 9, 20, "赤を使う。青は使わない。赤を使う。"),
        ("استخدم الأزرق؟ لا تستخدم الأحمر أبدا", 20, "استخدم الأزرق؟"),
        ("Nie Rot. z. B. Blau nur dort", 21, "Nie Rot. z. B."),
        ("Short. " + "x" * 900, 800, "Short. " + "x" * 793),
        ("word " * 400, 103, ("word " * 21).strip()[:-5].rstrip()),
        ("👩🏽‍🚀" * 9, 10, "👩🏽‍🚀" * 2),
        ("e\u0301" * 50, 7, "e\u0301" * 3),
        ("a" + "\u0301" * 500, 300, "a" + "\u0301" * 299),
        ("- Blue\r\n- Never red\r\n- White", 20, "- Blue\r\n- Never red"),
    ],
)
def test_every_script_is_cut_at_its_own_boundaries(text: str, room: int, kept: str) -> None:
    assert fitting_prefix(text, room) == kept


@given(st.text(max_size=300), st.text(max_size=300), st.integers(0, 700))
def test_what_was_left_out_is_counted(guidelines: str, brief: str, limit: int) -> None:
    composed = effective_prompt("A barn", guidelines=guidelines, brief=brief, limit=limit)
    sent = composed.text.removeprefix("A barn")
    for heading in ("Brand guidelines", "Campaign brief"):
        sent = sent.replace(f"\n\n{heading}: ", "", 1)
    assert composed.omitted == len(trim(guidelines)) + len(trim(brief)) - len(sent)
    assert composed.truncated == (composed.omitted > 0)


def test_guidelines_precede_the_brief_and_get_room_first() -> None:
    def composed(limit: int) -> str:
        return effective_prompt("A barn", guidelines="Be red.", brief="Sell.", limit=limit).text

    whole = "A barn\n\nBrand guidelines: Be red.\n\nCampaign brief: Sell."
    assert composed(len(whole)) == whole
    assert composed(len(whole) - 1) == whole[:-1]
    assert composed(len("A barn\n\nBrand guidelines: Be red")) == "A barn\n\nBrand guidelines: Be"
    assert composed(len("A barn\n\nBrand guidelines: ")) == "A barn\n\nCampaign brief: Se"
    assert composed(len("A barn\n\nCampaign brief: ")) == "A barn"


def test_a_heading_never_stands_alone() -> None:
    assert effective_prompt("A barn", guidelines="  \n ", brief="", limit=1000) == Composed("A barn")
    no_room = effective_prompt("A barn", guidelines="Be red.", brief=None, limit=len("A barn\n\nBrand guidelines: "))
    assert no_room == Composed("A barn", omitted=7)


def test_guidelines_in_lines_are_cut_after_a_line() -> None:
    rules = "- Blue\n- Never red\n- Plenty of white space"
    composed = effective_prompt("A barn", guidelines=rules, brief=None, limit=len("A barn\n\nBrand guidelines: ") + 20)
    assert composed.text == "A barn\n\nBrand guidelines: - Blue\n- Never red"
