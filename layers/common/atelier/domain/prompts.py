"""What a provider is sent: the caller's prompt first and whole, then as much of the brand as the model takes."""

import re
from dataclasses import dataclass
from typing import Final

# Behind a mark that a space follows, behind a mark that needs none, and at the end of a line.
_SENTENCE_END: Final = re.compile(r"(?<=[.!?;])(?=\s)|(?<=[。！？；])|(?=\n)")


@dataclass(frozen=True)
class Composed:
    """What a provider is sent, and whether the model's limit left some of the brand out of it."""

    text: str
    truncated: bool = False


def effective_prompt(prompt: str, *, guidelines: str | None, brief: str | None, limit: int) -> Composed:
    """The prompt with brand guidelines and campaign brief behind it, at most `limit` characters.

    The prompt is never cut. Guidelines come before the brief, and what does not fit is left out by whole sentences.
    """
    composed = Composed(prompt)
    for heading, text in (("Brand guidelines", guidelines), ("Campaign brief", brief)):
        composed = _with_section(composed, heading, (text or "").strip(), limit)
    return composed


def _with_section(composed: Composed, heading: str, text: str, limit: int) -> Composed:
    section = f"\n\n{heading}: "
    room = limit - len(composed.text) - len(section)
    kept = _first_sentences(text, room)
    whole = composed.text + section + kept if kept else composed.text
    return Composed(whole, composed.truncated or kept != text)


def _first_sentences(text: str, room: int) -> str:
    ends = [*(end.start() for end in _SENTENCE_END.finditer(text)), len(text)]
    return text[: max((end for end in ends if end <= room), default=0)].rstrip()
