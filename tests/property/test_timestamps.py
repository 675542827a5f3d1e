"""Moments as text: what is kept sorts as time does, and what callers send is understood or refused."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from atelier.domain.schema import Timestamp, format_timestamp
from atelier.domain.tasks.queries import TaskQuery

OFFSETS = st.integers(min_value=-1439, max_value=1439).map(lambda minutes: timezone(timedelta(minutes=minutes)))
FIRST, LAST = datetime(1, 1, 2), datetime(9999, 12, 30, 23, 59, 59)  # noqa: DTZ001 - a day inside, in any zone
MOMENTS = st.datetimes(FIRST, LAST, timezones=OFFSETS)


@given(MOMENTS)
def test_a_timestamp_round_trips(moment: datetime) -> None:
    text = format_timestamp(moment)
    assert re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z", text)
    assert datetime.fromisoformat(text) == moment
    assert TypeAdapter(Timestamp).validate_json(TypeAdapter(Timestamp).dump_json(moment)) == moment


@given(MOMENTS, MOMENTS)
def test_texts_sort_as_times_do(one: datetime, other: datetime) -> None:
    assert (format_timestamp(one) < format_timestamp(other)) == (one < other)


@given(st.datetimes(timezones=OFFSETS))
def test_every_rfc_3339_time_is_understood_or_refused(moment: datetime) -> None:
    """And the list of tasks takes it as a filter."""
    try:
        query = TaskQuery.model_validate({"created_from": moment.isoformat()})
    except ValidationError:
        assert not FIRST <= moment.replace(tzinfo=None) <= LAST
        return
    assert query.created_from == moment
    assert query.filters()["created_from"] == format_timestamp(moment.astimezone(UTC))


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31",
        "1769860800",
        "2026-01-31T12:00:00",
        "2026-01-31 12:00:00Z",
        "2026-01-31T12:00Z",
        "noon",
        "",
        "٢٠٢٦-01-31T12:00:00Z",
    ],
)
def test_a_time_that_is_not_rfc_3339_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        TaskQuery.model_validate({"created_to": text})
