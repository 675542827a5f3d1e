"""Stores that write at the same time, through our own client, on an engine that keeps transactions apart."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from secrets import randbits
from typing import Any, Final

import pytest

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.campaigns import Campaign, CampaignPatch, CampaignQuery, NewCampaign
from atelier.domain.clients import Client, ClientQuery, NewClient
from atelier.domain.errors import NotFound
from atelier.domain.ids import new_id
from atelier.domain.schema import utcnow
from atelier.store.idempotency import IdempotentRequest
from testbed import dynoxide, engines
from testbed.harness import TABLE, Harness, harness
from tests.support.recount import scan, violations

THREADS: Final = 8
ROUNDS: Final = 20
USER: Final = 1
ME = Access.own(USER)


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    """A harness on dynoxide, whatever the other tests run on."""
    if not dynoxide.BINARY.exists():
        pytest.skip(dynoxide.NOT_INSTALLED)
    usual = engines.current()
    engines.choose(engines.Dynoxide())
    try:
        with harness() as made:
            yield made
    finally:
        engines.choose(usual)


def at_once(*acts: Callable[[], object], seed: int = 0) -> list[Any]:
    """Do all of these at the same time, in an order that differs with the seed; what they return or NotFound."""

    def act(number: int) -> object:
        try:
            return acts[number]()
        except NotFound:
            return NotFound

    order = list(range(len(acts)))
    random.Random(seed).shuffle(order)
    with ThreadPoolExecutor(THREADS) as threads:
        done = dict(zip(order, threads.map(act, order), strict=True))
    return [done[number] for number in range(len(acts))]


def a_client(idempotent: IdempotentRequest | None = None) -> Client:
    new, now = NewClient(name="Contended"), utcnow()
    made = wiring.clients().create(new, id_=new_id(now, randbits(62)), access=ME, idempotent=idempotent, now=now)
    return made.record


def a_campaign(client: Client) -> Campaign:
    new, now = NewCampaign(client_id=client.id, name="Contended", goal="Survive"), utcnow()
    made = wiring.campaigns().create(new, id_=new_id(now, randbits(62)), access=ME, idempotent=None, now=now)
    return made.record


def campaigns_of(client: Client) -> int:
    return wiring.campaigns().list(CampaignQuery(client_id=client.id), access=ME).total


def test_creates_under_one_parent_all_count(w: Harness) -> None:
    client = a_client()
    made = at_once(*[lambda: a_campaign(client)] * 80)
    assert len({campaign.id for campaign in made}) == 80
    assert campaigns_of(client) == 80


def test_one_idempotency_key_creates_once(w: Harness) -> None:
    before = wiring.clients().list(ClientQuery(), access=ME).total
    for number in range(ROUNDS):
        request = IdempotentRequest(key=f"key-{number}", digest="the same")
        made = at_once(*[lambda: a_client(request)] * THREADS)  # noqa: B023 - done within the round
        assert len({client.id for client in made}) == 1
    assert wiring.clients().list(ClientQuery(), access=ME).total == before + ROUNDS


def test_a_delete_never_leaves_half_a_create(w: Harness) -> None:
    for number in range(ROUNDS):
        client = a_client()
        creates = [lambda: a_campaign(client)] * 3  # noqa: B023
        deleted, *_ = at_once(lambda: delete(wiring.clients(), client), *creates, seed=number)  # noqa: B023
        assert deleted is None
        assert campaigns_of(client) == 0


def test_moves_and_deletes_keep_the_counts(w: Harness) -> None:
    client = a_client()
    for number in range(ROUNDS):
        campaign = a_campaign(client)
        moves = [lambda status=status: move(campaign, status) for status in ("active", "archived", "draft")]  # noqa: B023
        *_, deleted = at_once(*moves, lambda: delete(wiring.campaigns(), campaign), seed=number)  # noqa: B023
        assert deleted is None
    assert campaigns_of(client) == 0


def test_afterwards_everything_adds_up(w: Harness) -> None:
    w.pass_time(3600)
    w.settle()
    assert violations(scan(w.dynamodb, TABLE), at_rest=True) == []


def delete(store: Any, what: Client | Campaign) -> None:
    store.delete(what.id, access=ME, accepted=None, now=utcnow())


def move(campaign: Campaign, status: Any) -> Campaign:
    patch = CampaignPatch(status=status)
    return wiring.campaigns().patch(campaign.id, patch, access=ME, accepted=None, now=utcnow())
