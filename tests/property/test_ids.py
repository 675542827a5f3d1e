"""Ids against RFC 9562 and against the clock."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import RFC_4122, UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.domain.ids import first_id_at, is_id, last_id_at, new_id

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OFFSETS = st.integers(min_value=-1439, max_value=1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
ANY_MOMENTS = st.datetimes(timezones=OFFSETS)
MOMENTS = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is beside it
ENTROPY = st.integers(min_value=0, max_value=2**62 - 1)


@given(MOMENTS, st.integers(min_value=0))
def test_an_id_is_a_uuid7_of_its_millisecond(now: datetime, entropy: int) -> None:
    text = new_id(now, entropy)
    uuid = UUID(text)
    assert (uuid.version, uuid.variant) == (7, RFC_4122)
    assert uuid.int >> 80 == (now - EPOCH) // timedelta(milliseconds=1)
    assert is_id(text)
    assert text == str(uuid)


@given(MOMENTS, MOMENTS, ENTROPY, ENTROPY)
def test_ids_sort_by_creation_to_the_microsecond(one: datetime, other: datetime, entropy: int, more: int) -> None:
    if one != other:
        assert (new_id(one, entropy) < new_id(other, more)) == (one < other)
    following = min(one, datetime.max.replace(tzinfo=UTC) - timedelta(microseconds=1)) + timedelta(microseconds=1)
    assert new_id(following - timedelta(microseconds=1), 2**62 - 1) < new_id(following, 0)


@given(MOMENTS, ENTROPY)
def test_the_bounds_of_a_timestamp_hold_exactly_its_ids(moment: datetime, entropy: int) -> None:
    assert first_id_at(moment) <= new_id(moment, entropy) <= last_id_at(moment)
    assert first_id_at(moment) == new_id(moment, 0)
    assert last_id_at(moment) == new_id(moment, 2**62 - 1)


@given(MOMENTS, ENTROPY, ENTROPY)
def test_ids_of_one_timestamp_differ_by_their_entropy(moment: datetime, entropy: int, more: int) -> None:
    assert (new_id(moment, entropy) == new_id(moment, more)) == (entropy == more)


@settings(max_examples=300)
@given(ANY_MOMENTS, ANY_MOMENTS, ENTROPY)
def test_any_time_can_be_asked_for(one: datetime, other: datetime, entropy: int) -> None:
    low, high = sorted((one, other))
    assert is_id(first_id_at(one))
    assert is_id(last_id_at(one))
    assert first_id_at(low) <= first_id_at(high)
    assert last_id_at(low) <= last_id_at(high)
    if low < EPOCH:
        assert first_id_at(low) <= new_id(EPOCH, entropy)


@given(st.text())
def test_only_a_lower_case_uuid_is_an_id(text: str) -> None:
    known = new_id(EPOCH, 0xABCDEF)
    assert not is_id(text)
    assert not is_id(known + text[:1] + "\n")
    assert not is_id(known.upper())
    assert not is_id(known.replace("-", ""))
    assert not is_id("{" + known + "}")
