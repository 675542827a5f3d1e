"""Who asks and whose data it is are two things: a colleague (the actor) works in somebody else's account.

No route grants that yet, so these tests talk to the stores.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.campaigns import Campaign, CampaignQuery, NewCampaign
from atelier.domain.clients import Client, ClientPatch, ClientQuery, NewClient
from atelier.domain.errors import NotFound
from atelier.domain.ids import new_id
from atelier.domain.roles import Role
from atelier.domain.task_creation import Parents, TaskIdentity, new_task
from atelier.domain.tasks.life_cycle import canceled
from atelier.domain.tasks.queries import TaskQuery
from atelier.domain.tasks.record import Task
from atelier.domain.tasks.requests import NewImage
from atelier.store.idempotency import IdempotentRequest
from testbed.harness import Harness, harness

ACCOUNT = 1
ANNA = Access(account=ACCOUNT, actor=7, role=Role.ADMIN)
BEN = Access(account=ACCOUNT, actor=8, role=Role.ADMIN)
ONCE = IdempotentRequest("key", "digest")


@pytest.fixture
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


def how(w: Harness, access: Access, idempotent: IdempotentRequest | None) -> dict[str, Any]:
    now = w.clock()
    return {"access": access, "idempotent": idempotent, "now": now}


def a_client(w: Harness, access: Access, once: IdempotentRequest | None = None) -> Client:
    return wiring.clients().create(NewClient(name="Acme"), id_=new_id(w.clock(), 0), **how(w, access, once)).record


def a_campaign(w: Harness, access: Access, client: Client) -> Campaign:
    new = NewCampaign(client_id=client.id, name="Launch", goal="Sell")
    return wiring.campaigns().create(new, id_=new_id(w.clock(), 0), **how(w, access, None)).record


def a_task(w: Harness, access: Access, once: IdempotentRequest | None = None) -> Task:
    identity = TaskIdentity(new_id(w.clock(), 0), "token", w.clock())
    new = NewImage.model_validate({"prompt": "A boat"})
    task = new_task(new, Parents(), wiring.generation_context(), identity=identity, access=access)
    return wiring.tasks().create(task, **how(w, access, once)).record


def by(record: Client | Campaign | Task) -> tuple[int, int, int]:
    return record.user_id, record.created_by, record.updated_by


def test_records_name_their_account_and_their_actor(w: Harness) -> None:
    client = a_client(w, ANNA)
    for record in (client, a_campaign(w, ANNA, client), a_task(w, ANNA)):
        assert by(record) == (ACCOUNT, ANNA.actor, ANNA.actor)


def test_a_change_names_the_actor_who_made_it(w: Harness) -> None:
    client, task = a_client(w, ANNA), a_task(w, ANNA)
    patch = ClientPatch.model_validate({"name": "Other"})
    changed = wiring.clients().patch(client.id, patch, access=BEN, accepted=None, now=w.clock())
    assert by(changed) == by(wiring.clients().get(client.id, access=ANNA)) == (ACCOUNT, ANNA.actor, BEN.actor)
    stopped = wiring.tasks().change(task.id, lambda each: canceled(each, now=w.clock()), access=BEN)
    assert by(stopped) == (ACCOUNT, ANNA.actor, BEN.actor)


def test_colleagues_see_the_same_account(w: Harness) -> None:
    client, task = a_client(w, ANNA), a_task(w, ANNA)
    campaign = a_campaign(w, BEN, client)
    assert wiring.campaigns().get(campaign.id, access=ANNA) == campaign
    assert wiring.tasks().get(task.id, access=BEN) == task
    assert [each.id for each in wiring.clients().list(ClientQuery(), access=BEN).items] == [client.id]
    assert [each.id for each in wiring.campaigns().list(CampaignQuery(), access=BEN).items] == [campaign.id]
    assert [each["id"] for each in wiring.tasks().list(TaskQuery(), access=BEN).items] == [task.id]


def test_others_do_not_see_an_actors_work_elsewhere(w: Harness) -> None:
    """Work under somebody else's account is not in the actor's own."""
    client, task, own = a_client(w, ANNA), a_task(w, ANNA), Access.own(ANNA.actor)
    with pytest.raises(NotFound):
        wiring.clients().get(client.id, access=own)
    with pytest.raises(NotFound):
        wiring.tasks().get(task.id, access=own)
    assert wiring.clients().list(ClientQuery(), access=own).total == 0
    assert wiring.tasks().list(TaskQuery(), access=own).total == 0


def test_an_idempotency_key_is_its_actors(w: Harness) -> None:
    first, again, other = a_client(w, ANNA, ONCE), a_client(w, ANNA, ONCE), a_client(w, BEN, ONCE)
    assert first == again
    assert other.id != first.id


def test_a_tasks_idempotency_key_is_its_actors(w: Harness) -> None:
    task = a_task(w, ANNA, ONCE)
    replay = wiring.tasks().find_replay(ONCE, access=ANNA, now=w.clock())
    assert replay is not None
    assert (replay.record, replay.replayed) == (task, True)
    assert wiring.tasks().find_replay(ONCE, access=BEN, now=w.clock()) is None
