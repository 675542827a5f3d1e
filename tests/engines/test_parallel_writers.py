"""Stores that write at the same time, through our own client, on an engine that keeps transactions apart."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from secrets import randbits
from typing import Any, Final
from unittest import mock

import pytest

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.account_limits import AccountLimits
from atelier.domain.budgets import NewBudget
from atelier.domain.campaigns import Campaign, CampaignPatch, CampaignQuery, NewCampaign
from atelier.domain.catalog import Catalog
from atelier.domain.clients import Client, ClientQuery, NewClient
from atelier.domain.errors import BudgetExceeded, LimitExceeded, NotFound
from atelier.domain.ids import new_id
from atelier.domain.reservations import Period, Scope
from atelier.domain.schema import utcnow
from atelier.domain.task_creation import Parents, TaskIdentity, new_task
from atelier.domain.tasks.life_cycle import cancel
from atelier.domain.tasks.record import Task
from atelier.domain.tasks.requests import NewImage
from atelier.store import batches
from atelier.store.account import account_of
from atelier.store.idempotency import IdempotentRequest
from atelier.store.tasks import Tasks
from testbed import dynoxide, engines
from testbed.harness import TABLE, Harness, harness
from tests.support.builders import NOON
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
    """Do all of these at the same time, in an order of the seed; what they return, or raise as a class."""

    def act(number: int) -> object:
        try:
            return acts[number]()
        except (NotFound, BudgetExceeded, LimitExceeded) as refused:
            return type(refused)

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


def a_task(store: Tasks, account: Access) -> Task:
    identity = TaskIdentity(new_id(NOON, randbits(62)), "token", NOON)
    new = new_task(NewImage(prompt="x"), Parents(), wiring.generation_context(), identity=identity, access=account)
    return store.create(new, access=account, idempotent=None, now=NOON).record


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


def test_exactly_as_many_tasks_as_the_limit_allows(w: Harness) -> None:
    for number in range(ROUNDS):
        limits = AccountLimits(open_tasks=number % 5 + 1, tasks_per_hour=number % 7 + 1)
        account = Access.own(1000 + number)
        store = Tasks(wiring.table(), lambda: limits)  # noqa: B023
        made = at_once(*[lambda: a_task(store, account)] * 12, seed=number)  # noqa: B023
        there = [task for task in made if task is not LimitExceeded]
        assert len(there) == min(limits.open_tasks, limits.tasks_per_hour)
        for task in there:
            store.delete(task.id, lambda _: None, access=account)
        used = account_of(wiring.table(), account.account, limits, now=NOON).limits
        assert (used.open_tasks.used, used.tasks_per_hour.used) == (0, len(there))


def test_ends_make_room_for_as_many_creates(w: Harness) -> None:
    limits, account = AccountLimits(open_tasks=4), Access.own(2000)
    store = Tasks(wiring.table(), lambda: limits)
    there = [a_task(store, account) for _ in range(4)]
    for number in range(ROUNDS):
        end = partial(store.delete, there[0].id, lambda _: None, access=account)
        # The same end twice: one of them finds nothing, and must not make room.
        _, _, *made = at_once(end, end, *[lambda: a_task(store, account)] * 6, seed=number)
        there = [*there[1:], *(task for task in made if task is not LimitExceeded)]
        used = account_of(wiring.table(), account.account, limits, now=NOON).limits.open_tasks.used
        assert used == len(there) <= 4
        if len(there) < 4:  # all creates were before the end
            there.append(a_task(store, account))


def test_a_budget_admits_exactly_what_it_pays_for(w: Harness) -> None:
    """A dollar, at four cents each: 25 of 200, whatever their order; and all of it is back when they are canceled."""
    account, store, budgets = Access.own(3000), wiring.tasks(), wiring.budgets()
    scope, new = Scope("account"), NewBudget(limit=Decimal(1), period=Period.TOTAL)
    budgets.put(scope, new, access=account, now=NOON)

    def look() -> Decimal:
        found = budgets.get(scope, access=account, now=NOON)
        return found.spent + found.reserved

    with mock.patch.object(Catalog, "estimate", return_value=Decimal("0.04")):
        done = at_once(*[partial(a_task, store, account)] * 200, *[look] * 50)
    there, seen = [task for task in done[:200] if task is not BudgetExceeded], done[200:]
    assert len(there) == 25
    assert max(seen) <= 1
    for task in there:
        store.change(task.id, lambda task: cancel(task, now=NOON), access=account)
    assert budgets.get(scope, access=account, now=NOON).available == 1


def test_twenty_repetitions_of_a_batch_create_once(w: Harness) -> None:
    """A hundred campaigns, of which ten have no client."""
    client, gone = a_client(), new_id(NOON, 0)
    wanted = [NewCampaign(client_id=client.id if n % 10 else gone, name=f"{n}", goal="Survive") for n in range(100)]

    def repeat() -> set[str]:
        request = IdempotentRequest(key="a batch", digest="the same")
        progress, table = batches.begin(wiring.table(), ME, request, now=utcnow()), wiring.table()

        def operation(index: int, new: NewCampaign) -> batches.Operation:
            id_, creating = progress.id_of(index), wiring.campaigns().creating
            creation = partial(creating, new, id_=id_, access=ME, now=progress.moment)
            return batches.Operation(lambda as_guest: creation(as_guest=as_guest), id_, creates=True)

        operations = {index: operation(index, new) for index, new in enumerate(wanted)}
        outcomes = batches.Batch(table, operations, progress, ME, lambda: None).run()
        refused = {index: type(each) for index, each in outcomes.items() if not isinstance(each, batches.CarriedOut)}
        assert refused == dict.fromkeys(range(0, 100, 10), NotFound)
        return {each.id for each in outcomes.values() if isinstance(each, batches.CarriedOut)}

    first, *rest = at_once(*[repeat] * 20)
    assert all(each == first for each in rest)
    assert len(first) == campaigns_of(client) == 90


def test_parallel_writers_leave_no_violation(w: Harness) -> None:
    w.pass_time(3600)
    w.settle()
    assert violations(scan(w.dynamodb, TABLE), at_rest=True) == []


def delete(store: Any, what: Client | Campaign) -> None:
    store.delete(what.id, access=ME, accepted=None, now=utcnow())


def move(campaign: Campaign, status: Any) -> Campaign:
    patch = CampaignPatch(status=status)
    return wiring.campaigns().patch(campaign.id, patch, access=ME, accepted=None, now=utcnow())
