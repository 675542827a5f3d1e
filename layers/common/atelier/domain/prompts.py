"""The prompt a provider gets: the caller's prompt, whole, then as much of the brand as the model accepts."""

import re
from dataclasses import dataclass
from typing import Final

from atelier.domain.text import trim

SENTENCE_NEARBY: Final = 400
"""How many characters that would fit are given up so that the text ends with a sentence or a line."""
WORD_NEARBY: Final = 64
"""How many are given up so that it ends with a word, where no sentence ends nearby."""
_LONGEST_CHARACTER: Final = 32  # code points of what a reader sees as one; longer ones are no writing

_WHITE_SPACE: Final = re.compile(r"\s")


@dataclass(frozen=True)
class Composed:
    """What a provider is sent, and how many characters of the brand the model's limit left out."""

    text: str
    omitted: int = 0

    @property
    def truncated(self) -> bool:
        """Whether any were."""
        return self.omitted > 0


def effective_prompt(prompt: str, *, guidelines: str | None, brief: str | None, limit: int) -> Composed:
    """The prompt with brand guidelines and campaign brief behind it, at most `limit` characters.

    The prompt is never cut. Guidelines come before the brief. What does not fit is cut where a sentence or a line ends
    if one does nearby, else where a word does, else at the limit, but not within a character.
    """
    composed = Composed(prompt)
    for heading, text in (("Brand guidelines", guidelines), ("Campaign brief", brief)):
        composed = _with_section(composed, heading, trim(text or ""), limit)
    return composed


def _with_section(composed: Composed, heading: str, text: str, limit: int) -> Composed:
    section = f"\n\n{heading}: "
    kept = fitting_prefix(text, limit - len(composed.text) - len(section))
    whole = composed.text + section + kept if kept else composed.text
    return Composed(whole, composed.omitted + len(text) - len(kept))


def fitting_prefix(text: str, room: int) -> str:
    """As much of the text, from its beginning, as `room` characters hold and a reader would cut it at."""
    if len(text) <= room:
        return text
    if room <= 0:
        return ""
    return text[: _sentence_end(text, room) or _word_end(text, room) or _character_end(text, room)]


def _sentence_end(text: str, room: int) -> int:
    from atelier.domain.segmentation import sentence_ends  # noqa: PLC0415 - only for texts that do not fit

    # Blanks behind a sentence need no room. What is read beyond the room tells a full stop from an abbreviation.
    begin = max(0, room - 2 * SENTENCE_NEARBY)
    part = text[begin : room + SENTENCE_NEARBY]
    ends = [begin + len(part[:end].rstrip()) for end in sentence_ends(part)[:-1]]
    return max((end for end in ends if room - SENTENCE_NEARBY <= end <= room), default=0)


def _word_end(text: str, room: int) -> int:
    for end in range(room, max(0, room - WORD_NEARBY), -1):
        if _WHITE_SPACE.match(text, end):
            return len(text[:end].rstrip())
    return 0


def _character_end(text: str, room: int) -> int:
    from atelier.domain.segmentation import splits_character  # noqa: PLC0415 - only for texts that do not fit

    for end in range(room, max(0, room - _LONGEST_CHARACTER), -1):
        if not splits_character(text, end):
            return end
    return room
