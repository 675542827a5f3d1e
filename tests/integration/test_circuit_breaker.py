"""The circuit breakers on the table: when a provider is left alone, for how long, and who knows."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from atelier import wiring
from atelier.store.circuit_breaker import BELIEVED, FAILURES, FIRST_PAUSE, LONGEST_PAUSE, CircuitBreakers
from testbed.harness import harness
from tests.support.builders import NOON


@pytest.fixture
def health() -> Iterator[CircuitBreakers]:
    with harness():
        yield wiring.circuit_breakers()


def fail(health: CircuitBreakers, times: int, *, now: datetime = NOON) -> None:
    for _ in range(times):
        health.record_failure("fal", "It does not answer.", now=now)


def test_the_circuit_opens_after_failures_in_a_row(health: CircuitBreakers) -> None:
    fail(health, FAILURES - 1)
    assert health.reason_to_wait("fal", now=NOON) is None
    fail(health, 1)
    reason = health.reason_to_wait("fal", now=NOON)
    assert reason
    assert "It does not answer." in reason
    assert health.reason_to_wait("replicate", now=NOON) is None


def test_the_circuits_pause_doubles_up_to_a_limit(health: CircuitBreakers) -> None:
    now, pause = NOON, FIRST_PAUSE
    fail(health, FAILURES, now=now)
    for _ in range(8):
        assert health.reason_to_wait("fal", now=now + pause - timedelta(seconds=1))
        now += pause
        assert health.reason_to_wait("fal", now=now) is None
        fail(health, 1, now=now)
        pause = min(pause * 2, LONGEST_PAUSE)
    assert pause == LONGEST_PAUSE


def test_one_success_closes_the_breaker(health: CircuitBreakers) -> None:
    fail(health, FAILURES + 3)
    later = NOON + LONGEST_PAUSE
    assert health.reason_to_wait("fal", now=later) is None
    health.record_success("fal")
    fail(health, FAILURES - 1, now=later)
    assert health.reason_to_wait("fal", now=later) is None


def test_all_workers_share_the_breakers_state(health: CircuitBreakers) -> None:
    other = CircuitBreakers(wiring.table())
    assert other.reason_to_wait("fal", now=NOON) is None
    fail(health, FAILURES)
    assert other.reason_to_wait("fal", now=NOON + BELIEVED)


def test_failures_of_several_workers_add_up(health: CircuitBreakers) -> None:
    other = CircuitBreakers(wiring.table())
    for _ in range(FAILURES):
        fail(health, 1)
        fail(other, 1)
    assert health.reason_to_wait("fal", now=NOON)
