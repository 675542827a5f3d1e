"""Refusals in free text: whether it is the content that a provider refuses, which asking again does not change."""

import re
from typing import Final

from atelier.domain.provider import CONTENT_POLICY
from atelier.domain.tasks.record import TaskError

LONGEST_MESSAGE: Final = 1000
# What providers write where they have no code for it. Their own words, not those of a prompt: `violation` alone is also
# what a program says that has crashed.
_CONTENT: Final = re.compile(
    r"nsfw|sensitive|moderat(ion|ed)|safety|content (policy|filter|checker)|flagged|inappropriate|prohibited content"
    r"|(usage|acceptable use|responsible ai) policy|violat\w+ .{0,40}(policy|policies|guidelines|terms)",
    re.IGNORECASE,
)


def is_about_content(text: str) -> bool:
    """Whether a provider's text says that it refuses what was asked for or what came of it."""
    return _CONTENT.search(text) is not None


def failure_of(text: str, *, code: str = "provider_failed", retryable: bool = True) -> TaskError:
    """The error that a provider's text tells of; `code` unless it is about content."""
    message = text[:LONGEST_MESSAGE]
    if is_about_content(text):
        return TaskError(code=CONTENT_POLICY, message=message, retryable=False)
    return TaskError(code=code, message=message, retryable=retryable)


def too_long(provider: str) -> TaskError:
    """The error of a job whose outcome is longer than an answer may be."""
    text = f"What {provider} answered is too long to be read."
    return TaskError(code="provider_answer_too_long", message=text, retryable=False)
