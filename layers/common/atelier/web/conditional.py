"""Entity tags, If-Match and If-None-Match."""

import re
from typing import Final

from atelier.store.versions import Versions

_TAG: Final = re.compile(r'(W/)?"([^"]*)"')


def etag(version: int) -> str:
    """The ETag of a stored resource: its version."""
    return f'"{version}"'


def accepted_versions(if_match: str | None) -> Versions:
    """The versions that If-Match allows to be changed; None for `*` or when it is absent.

    Tags that are not ours, and weak ones, match nothing (RFC 9110, section 13.1.1).
    """
    if if_match is None or if_match.strip() == "*":
        return None
    strong = [tag for weak, tag in _TAG.findall(if_match) if not weak]
    return [int(tag) for tag in strong if re.fullmatch(r"[1-9][0-9]{0,14}", tag)]


def matches(if_match: str | None, current: str) -> bool:
    """Whether If-Match allows what `current` tags to be changed, by strong comparison."""
    if if_match is None or if_match.strip() == "*":
        return True
    return current.strip('"') in [tag for weak, tag in _TAG.findall(if_match) if not weak]


def unchanged(if_none_match: str | None, current: str) -> bool:
    """Whether the caller already has what `current` tags, by weak comparison."""
    if if_none_match is None:
        return False
    opaque = current.removeprefix("W/").strip('"')
    return if_none_match.strip() == "*" or opaque in [tag for _, tag in _TAG.findall(if_none_match)]
