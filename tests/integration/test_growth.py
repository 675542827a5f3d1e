"""Requests take the same of DynamoDB whatever the size of the table; bench/growth.py shows it for 100,000."""

from collections.abc import Mapping
from functools import cache
from typing import Final

import pytest

from bench.growth import FLAT, Rows, flat, growing, is_linear, ratio

pytestmark = pytest.mark.only_on_moto  # it measures in moto's own memory

SIZES: Final[Mapping[str, tuple[int, int]]] = {"clients": (100, 3_000), "campaigns": (100, 3_000), "tasks": (10, 3_000)}
GROWING: Final = (200, 400, 800)


@cache
def rows(kind: str) -> Rows:
    """Measured once."""
    return flat(kind, SIZES[kind])


@pytest.mark.parametrize("kind", SIZES)
def test_requests_cost_the_same_on_a_large_table(kind: str) -> None:
    """First pages, gets, creates, changes, deletes and walks."""
    grown = {name: ratio(took) for name, took in rows(kind).items() if ratio(took) > FLAT}
    assert grown == {}


@pytest.mark.parametrize("kind", SIZES)
def test_no_request_makes_more_calls_in_a_large_table(kind: str) -> None:
    for name, (small, large) in rows(kind).items():
        assert (large.calls, large.round_trips) == (small.calls, small.round_trips), name


def test_requests_that_read_more_grow_linearly() -> None:
    """What reads more than it shows takes as much more with every row."""
    for name, took in growing(GROWING).items():
        assert is_linear(GROWING, took), name
        assert took[0].bytes_read < took[1].bytes_read, name
