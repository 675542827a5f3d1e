"""If-Match and If-None-Match by RFC 9110, sections 8.8.3 and 13.1."""

import pytest

from atelier.web.conditional import accepted_versions, etag, matches, unchanged


def strongly(if_match: str | None, version: int) -> bool:
    accepted = accepted_versions(if_match)
    return accepted is None or version in accepted


CASES = [
    # header, current version, If-Match lets pass (strong), If-None-Match says 304 (weak)
    ('"7"', 7, True, True),
    ('"7"', 8, False, False),
    ('W/"7"', 7, False, True),
    ('W/"7"', 8, False, False),
    ('"1", "7"', 7, True, True),
    ('"1","7"', 7, True, True),
    ('W/"1", "7"', 7, True, True),
    ('"1", W/"7"', 7, False, True),
    (' "7" ', 7, True, True),
    ("*", 7, True, True),
    (" * ", 7, True, True),
    ("", 7, False, False),
    ("7", 7, False, False),
    ('"07"', 7, False, False),
    ('"7 "', 7, False, False),
    ('" 7"', 7, False, False),
    ('"+7"', 7, False, False),
    ('"٧"', 7, False, False),
    ('"xyz"', 7, False, False),
    ('"7', 7, False, False),
    ('"*"', 7, False, False),
    ('"' + "7" * 400 + '"', 7, False, False),
    ('"a,b", "7"', 7, True, True),
    ('""', 7, False, False),
]


@pytest.mark.parametrize(("header", "version", "passes", "same"), CASES)
def test_headers_are_compared_as_the_rfc_says(header: str, version: int, passes: bool, same: bool) -> None:
    assert strongly(header, version) is passes
    assert matches(header, etag(version)) is passes
    assert unchanged(header, etag(version)) is same


def test_without_a_header_every_request_is_allowed() -> None:
    assert accepted_versions(None) is None
    assert matches(None, '"x"')
    assert not unchanged(None, '"x"')


def test_a_tag_is_quoted_and_changes_with_the_version() -> None:
    assert (etag(1), etag(10)) == ('"1"', '"10"')


def test_a_digest_tag_is_compared_letter_by_letter() -> None:
    assert matches('"a1b2"', '"a1b2"')
    assert not matches('"A1B2"', '"a1b2"')
    assert unchanged('"z", W/"a1b2"', '"a1b2"')


def test_a_weak_tag_matches_for_reads() -> None:
    assert unchanged('"7"', 'W/"7"')
