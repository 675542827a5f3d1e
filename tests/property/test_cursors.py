"""Cursors come from callers: those that are ours come back, all others are refused in words."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.domain.campaigns import CampaignQuery
from atelier.domain.clients import ClientQuery
from atelier.domain.errors import Invalid
from atelier.domain.kinds import KINDS
from atelier.domain.pages import ListQuery
from atelier.domain.tasks.queries import TaskQuery
from atelier.store import keys
from atelier.store.keys import POSITION, Partition
from atelier.store.lists import LONGEST_POSITION, Cursor, cursor_of
from tests.support.builders import an_id

QUERIES: list[ListQuery] = [
    ClientQuery(),
    ClientQuery(sort_order="asc"),
    ClientQuery(sort_by="name"),
    ClientQuery(search="x"),
    CampaignQuery(),
    CampaignQuery.model_validate({"status": "draft"}),
    CampaignQuery(client_id=an_id(1)),
    TaskQuery(),
    TaskQuery.model_validate({"status": ("failed",)}),
    TaskQuery(provider=("fal",)),
    TaskQuery(client_id=an_id(1)),
    TaskQuery.model_validate({"created_from": "0001-01-01T00:00:00Z"}),
    TaskQuery.model_validate({"created_from": "2026-01-31T12:00:00Z"}),
]
IDS = st.integers(min_value=0, max_value=2**62 - 1).map(an_id)
NAMES = st.text(min_size=1, max_size=255)
SEEN = st.integers(min_value=0, max_value=10**9 - 1)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
)


def with_cursor(query: ListQuery, cursor: str) -> ListQuery:
    return type(query).model_validate({**query.model_dump(exclude={"page"}, exclude_unset=True), "cursor": cursor})


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def decoded(cursor: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))


@given(st.sampled_from(QUERIES), NAMES, IDS, SEEN)
def test_a_cursor_round_trips_for_any_name(query: ListQuery, name: str, id_: str, seen: int) -> None:
    cursor = Cursor(POSITION["name"]({"name": name, "id": id_}), id_, seen)
    text = cursor.text(query)
    assert cursor_of(with_cursor(query, text)) == cursor
    assert text == text.strip("=")
    assert all(letter.isalnum() or letter in "-_" for letter in text), "it goes into a URL as it is"


@given(st.sampled_from(QUERIES), st.sampled_from(QUERIES), st.integers(min_value=1, max_value=100))
def test_a_cursor_serves_only_its_list_any_page_size(query: ListQuery, other: ListQuery, page_size: int) -> None:
    text = Cursor("x", an_id(1), 50).text(query)
    asked = with_cursor(other.model_copy(update={"page_size": page_size}), text)
    if other is query:
        assert cursor_of(asked) is not None
        return
    with pytest.raises(Invalid, match="other filters"):
        cursor_of(asked)


def refused(text: str) -> bool:
    """Whether a cursor is refused in words; whatever else is raised, is raised."""
    try:
        cursor_of(ClientQuery.model_construct(cursor=text))
    except Invalid as error:
        (fault,) = error.field_errors
        return fault.parameter == "cursor"
    return False


@settings(max_examples=200)
@given(st.text(max_size=60) | st.text(alphabet="ABCxyz019-_=+/\n ", max_size=60))
def test_any_text_that_is_not_a_cursor_is_refused(text: str) -> None:
    assert refused(text)


@settings(max_examples=200)
@given(st.binary(max_size=60))
def test_any_bytes_that_are_not_a_cursor_are_refused(content: bytes) -> None:
    assert refused(base64.urlsafe_b64encode(content).decode().rstrip("="))


@settings(max_examples=200)
@given(JSON)
def test_any_json_that_is_not_a_cursor_is_refused(value: Any) -> None:
    assert refused(encoded(value))
    assert refused(encoded([value, value, value, value]))


@settings(max_examples=300)
@given(st.integers(min_value=0, max_value=3), JSON, IDS)
def test_a_tampered_cursor_is_refused_or_within_bounds(place: int, value: Any, id_: str) -> None:
    parts = decoded(Cursor("position", id_, 50).text(ClientQuery()))
    parts[place] = value
    text = encoded(parts)
    if refused(text):
        return
    cursor = cursor_of(ClientQuery.model_construct(cursor=text))
    assert cursor is not None
    assert len(cursor.position.encode()) <= LONGEST_POSITION
    assert (cursor.id, type(cursor.seen)) == (id_, int)
    assert 0 <= cursor.seen < 10**9


@pytest.mark.parametrize(
    "number", ["1e999", "-1e999", "NaN", "-1", "1000000000", "9" * 5000, '"' + "9" * 5000 + '"', "[]"]
)
def test_a_count_that_cannot_be_is_refused(number: str) -> None:
    fingerprint = decoded(Cursor("x", an_id(1), 0).text(ClientQuery()))[0]
    text = f'["{fingerprint}", "x", "{an_id(1)}", {number}]'
    assert refused(base64.urlsafe_b64encode(text.encode()).decode().rstrip("="))


@pytest.mark.parametrize("deep", [lambda: "[" * 5000, lambda: "[" * 5000 + "]" * 5000, lambda: '{"a":' * 5000])
def test_a_cursor_that_nests_without_end_is_refused(deep: Callable[[], str]) -> None:
    assert refused(base64.urlsafe_b64encode(deep().encode()).decode().rstrip("="))


def test_no_cursor_is_no_cursor() -> None:
    assert cursor_of(ClientQuery()) is None


def test_our_longest_cursor_is_accepted() -> None:
    for letter in ("\x01", "ΐ", "😀", "a"):
        position = POSITION["name"]({"name": letter * 255, "id": an_id(1)})
        text = Cursor(position, an_id(1), 10**9 - 1).text(CampaignQuery(client_id=an_id(1)))
        assert cursor_of(with_cursor(CampaignQuery(client_id=an_id(1)), text)) is not None


LISTED = [
    partition
    for kind in KINDS
    if kind.in_account
    for partition in (
        keys.newest(2**63, kind.name),
        *(keys.sorted_by(2**63, kind.name, sort) for sort in kind.sorts),
        *(keys.sorted_by(2**63, kind.name, "status", status) for status in kind.statuses),
        *(keys.children(2**63, kind.name, an_id(1)) for _ in kind.parents),
    )
]


@pytest.mark.parametrize("partition", LISTED, ids=lambda partition: partition.index or partition.prefix)
@pytest.mark.parametrize("letter", ["a", "é", "語", "😀"])
def test_positions_with_prefix_fit_a_sort_key(partition: Partition, letter: str) -> None:
    longest = letter * (LONGEST_POSITION // len(letter.encode()))
    for position, is_taken in ((longest, True), (longest + letter, False)):
        text = Cursor(position, an_id(1), 1).text(ClientQuery())
        assert refused(text) is not is_taken
    assert len((partition.prefix + longest).encode()) <= 1024


@given(st.text(max_size=255) | st.text("😀é\x01ﷺ", max_size=255), st.text(max_size=255) | st.just("\U0010ffff" * 255))
def test_no_input_makes_a_key_too_long(name: str, idempotency_key: str) -> None:
    """Longer than DynamoDB takes."""
    position = POSITION["name"]({"name": name, "id": an_id(1)})
    assert len(position.encode()) <= LONGEST_POSITION
    assert all(len((each.prefix + position).encode()) <= 1024 for each in LISTED)
    assert len(keys.idempotency(2**63, idempotency_key).pk.encode()) <= 2048
