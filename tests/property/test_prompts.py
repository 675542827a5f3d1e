"""What a provider is sent, for any text of callers."""

from hypothesis import given
from hypothesis import strategies as st

from atelier.domain.prompts import Composed, effective_prompt

WORDS = st.text(alphabet="ab .!?;\n。！É", max_size=60)
TEXTS = st.one_of(st.none(), WORDS, st.text(max_size=40))
ENDS = (".", "!", "?", ";", "。", "！", "？", "；")


@given(st.text(min_size=1, max_size=40), TEXTS, TEXTS, st.integers(min_value=0, max_value=200))
def test_the_prompt_comes_first_and_whole_and_the_limit_holds(
    prompt: str, guidelines: str | None, brief: str | None, limit: int
) -> None:
    composed = effective_prompt(prompt, guidelines=guidelines, brief=brief, limit=limit)
    assert composed.text.startswith(prompt)
    assert len(composed.text) <= max(limit, len(prompt))
    whole = effective_prompt(prompt, guidelines=guidelines, brief=brief, limit=100_000)
    assert composed.truncated == (composed.text != whole.text)


@given(st.text(min_size=1), TEXTS, TEXTS)
def test_with_room_for_everything_everything_is_there_to_the_letter(
    prompt: str, guidelines: str | None, brief: str | None
) -> None:
    expected = prompt
    for heading, text in (("Brand guidelines", guidelines), ("Campaign brief", brief)):
        if text and text.strip():
            expected += f"\n\n{heading}: {text.strip()}"
    assert effective_prompt(prompt, guidelines=guidelines, brief=brief, limit=100_000) == Composed(expected)


@given(WORDS, st.integers(min_value=0, max_value=100))
def test_what_does_not_fit_is_cut_behind_a_sentence_or_a_line_and_no_sentence_that_fits_is_left_out(
    guidelines: str, limit: int
) -> None:
    whole = guidelines.strip()
    composed = effective_prompt("A barn", guidelines=guidelines, brief=None, limit=limit).text
    room = limit - len("A barn\n\nBrand guidelines: ")
    kept = composed.removeprefix("A barn").removeprefix("\n\nBrand guidelines: ")
    assert whole.startswith(kept)
    assert whole == kept or not kept or kept[-1] in ENDS or whole[len(kept) :].lstrip(" ").startswith("\n")
    if len(whole) <= room:
        assert kept == whole
    # The oracle: every place where a sentence ends, by going through the text letter by letter.
    ends = [
        place
        for place in range(1, len(whole))
        if whole[place] == "\n" or (whole[place - 1] in ".!?;" and whole[place].isspace()) or whole[place - 1] in "。！"
    ]
    longest = max((place for place in ends if place <= room), default=0)
    assert kept == whole or kept == whole[:longest].rstrip()


def test_guidelines_come_before_the_brief_and_have_the_room_first() -> None:
    def composed(limit: int) -> str:
        return effective_prompt("A barn", guidelines="Be red.", brief="Sell.", limit=limit).text

    whole = "A barn\n\nBrand guidelines: Be red.\n\nCampaign brief: Sell."
    assert composed(len(whole)) == whole
    assert composed(len(whole) - 1) == "A barn\n\nBrand guidelines: Be red."
    assert composed(len("A barn\n\nBrand guidelines: Be red")) == "A barn\n\nCampaign brief: Sell."
    assert composed(len("A barn\n\nCampaign brief: Sell")) == "A barn"


def test_a_heading_never_stands_alone() -> None:
    assert effective_prompt("A barn", guidelines="  \n ", brief="", limit=1000) == Composed("A barn")
    endless = effective_prompt("A barn", guidelines="Endless" * 100, brief=None, limit=60)
    assert endless == Composed("A barn", truncated=True)


def test_guidelines_that_are_a_list_of_lines_are_cut_behind_a_line() -> None:
    rules = "- Blue\n- Never red\n- Plenty of white space"
    composed = effective_prompt("A barn", guidelines=rules, brief=None, limit=len("A barn\n\nBrand guidelines: ") + 20)
    assert composed.text == "A barn\n\nBrand guidelines: - Blue\n- Never red"
