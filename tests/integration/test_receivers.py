"""Receivers of webhooks that hang: what they cost, and that nobody else waits for them."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Final
from unittest import mock

import pytest

from atelier import wiring
from atelier.domain.webhook_delivery import DeliveryFailed
from atelier.settings import settings
from atelier.store.circuit_breaker import FAILURES, LONGEST_PAUSE
from atelier.store.receivers import LEASE, Receivers
from atelier.store.webhook_client import WebhookClient
from testbed.harness import Harness, harness
from tests.integration.builders import a_finished_task, shown
from tests.support.builders import NOON

HANGING: Final = "https://hanging.example/hooks"
QUICK: Final = "https://quick.example/hooks"
ONE: Final = "1#hanging.example"


@pytest.fixture
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


@pytest.fixture
def posts() -> Iterator[list[str]]:
    """The URLs that are called; those that hang do not answer."""
    called: list[str] = []

    def post(url: str, body: bytes, headers: dict[str, str]) -> int:
        called.append(url)
        if "hanging" in url:
            raise DeliveryFailed("it did not answer in time")
        return 204

    with mock.patch.object(WebhookClient, "post", side_effect=post):
        yield called


def receivers(share: int = 1) -> Receivers:
    return Receivers(wiring.table(), share=share)


# ------------------------------------------------------------------------------------------------ circuit breakers


def test_a_receiver_that_hangs_is_left_alone(w: Harness, posts: list[str]) -> None:
    """Twelve tasks name it; within five minutes it has been called a few times."""
    tasks = [a_finished_task(w, webhook_url=HANGING)["id"] for _ in range(12)]
    w.relay()
    end = w.now + timedelta(minutes=5)
    while w.deliveries.waiting and w.now < end:
        w.tell()
    assert FAILURES <= len(posts) <= FAILURES + 12
    waiting = {json.loads(message)["task_id"] for message, _ in w.deliveries.waiting}
    assert waiting == set(tasks), "none is lost"
    recorded = sum(len(shown(w, f"/tasks/{id_}")["webhook_deliveries"]) for id_ in tasks)
    assert recorded == len(posts), "only what was attempted is counted"


def test_an_open_breaker_delays_no_other_receiver(w: Harness, posts: list[str]) -> None:
    for _ in range(FAILURES):
        receivers().record_failure(ONE, "it did not answer in time", now=w.clock())
    for url in (HANGING, QUICK):
        a_finished_task(w, webhook_url=url)
    w.relay()
    w.tell()
    assert posts == [QUICK]
    assert len(w.deliveries.waiting) == 1


def test_a_breaker_is_of_one_account(w: Harness) -> None:
    breakers = receivers()
    for _ in range(FAILURES):
        breakers.record_failure(ONE, "it did not answer in time", now=NOON)
    assert breakers.open_until(ONE, now=NOON)
    assert breakers.open_until("2#hanging.example", now=NOON) is None
    assert wiring.circuit_breakers().reason_to_wait(ONE, now=NOON) is None


def test_a_receiver_that_answers_again_gets_everything(w: Harness, posts: list[str]) -> None:
    for _ in range(FAILURES):
        receivers().record_failure("1#quick.example", "it did not answer in time", now=w.clock())
    tasks = [a_finished_task(w, webhook_url=QUICK)["id"] for _ in range(3)]
    w.relay()
    w.tell()
    assert not posts
    w.pass_time(LONGEST_PAUSE.total_seconds())
    w.tell()
    assert [[each["status"] for each in shown(w, f"/tasks/{id_}")["webhook_deliveries"]] for id_ in tasks] == [
        [204]
    ] * 3
    assert not w.deliveries.waiting


# ---------------------------------------------------------------------------------------------------------- slots


def test_an_account_has_no_more_than_its_share(w: Harness) -> None:
    slots = receivers(share=2)
    taken = [slots.take_slot(1, now=NOON) for _ in range(3)]
    assert [slot is not None for slot in taken] == [True, True, False]
    assert len({slot.name for slot in taken if slot}) == 2


def test_a_share_is_of_each_account(w: Harness) -> None:
    assert all(receivers().take_slot(account, now=NOON) for account in (1, 2))


def test_a_released_slot_is_free_again(w: Harness) -> None:
    slots = receivers()
    slot = slots.take_slot(1, now=NOON)
    assert slot
    slots.release_slot(slot)
    assert slots.take_slot(1, now=NOON)


def test_a_slot_of_who_died_is_free_again(w: Harness) -> None:
    """And who comes back from the dead takes it from nobody."""
    slots, later = receivers(), NOON + LEASE
    dead = slots.take_slot(1, now=NOON)
    assert dead
    assert slots.take_slot(1, now=later - timedelta(seconds=1)) is None
    assert slots.take_slot(1, now=later)
    slots.release_slot(dead)
    assert slots.take_slot(1, now=later) is None


def test_a_share_is_half_of_the_attempts(w: Harness) -> None:
    with mock.patch.dict("os.environ", {"WEBHOOK_DELIVERY_CONCURRENCY": "7"}):
        for cached in (settings, wiring.receivers):
            cached.cache_clear()
        taken = [wiring.receivers().take_slot(1, now=NOON) for _ in range(4)]
    for cached in (settings, wiring.receivers):
        cached.cache_clear()
    assert taken.count(None) == 1
