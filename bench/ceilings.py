"""What can one account do in a second?  `make bench`; it rewrites a table of docs/capacity.md.

    PYTHONPATH=layers/common:. .venv/bin/python bench/ceilings.py

Our real stores meet the model of DynamoDB (bench/model.py): requests of one account arrive at random moments, so many a
second on average, for 20 seconds. The ceiling is the highest rate at which hardly any is refused and 99 of 100 are
answered within a second. Every request is alone in its function; there are as many functions as it takes.
"""

import statistics
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from secrets import randbits
from typing import Any, Final

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.campaigns import CampaignPatch, NewCampaign
from atelier.domain.clients import ClientQuery, NewClient
from atelier.domain.errors import Busy
from atelier.domain.ids import new_id
from atelier.domain.task_creation import TaskIdentity, new_task
from atelier.domain.tasks.life_cycle import requeued, started
from atelier.domain.tasks.record import Task, TaskStatus
from atelier.domain.tasks.requests import NewImage
from bench.capacity import DOCUMENT, filled
from bench.emulated import multiply
from bench.model import BURST_SECONDS, Model, modelled
from bench.samples import CAMPAIGN, CLIENT, image
from testbed.harness import Harness

ME: Final = Access.own(1)
SECONDS: Final = 20.0
WITHIN: Final = 1.0
"""Seconds in which 99 of 100 requests are answered, at the ceiling."""
REFUSED: Final = 0.001
"""The share of requests that may be refused there."""

Act = Callable[[int], object]


@dataclass
class Load:
    """What became of requests: the seconds that each took, those that were refused, and what DynamoDB met."""

    rate: float
    took: list[float] = field(default_factory=list)
    refused: int = 0
    met: Counter[str] = field(default_factory=Counter)

    @property
    def is_carried(self) -> bool:
        """Whether it is below the ceiling."""
        return self.refused <= REFUSED * (self.refused + len(self.took)) and self.percentile(99) <= WITHIN

    def percentile(self, share: int) -> float:
        """Seconds within which so many of a hundred were answered."""
        return statistics.quantiles(self.took, n=100)[share - 1] if len(self.took) > 1 else float("inf")


def load(prepare: Callable[["Account"], Act], rate: float, *, seconds: float = SECONDS, saved: float = 1.0) -> Load:
    """Send so many requests a second for a while."""
    with modelled() as (made, model):
        model.saved_seconds = saved
        act = prepare(Account(made))
        found = Load(rate)
        for number, moment in enumerate(_moments(rate, seconds, model.chance)):
            model.time.at(moment, _noted(act, number, found, model))
        model.time.run()
        found.met = model.met
    return found


def _moments(rate: float, seconds: float, chance: Random) -> Iterator[float]:
    moment = chance.expovariate(rate)
    while moment < seconds:
        yield moment
        moment += chance.expovariate(rate)


def _noted(act: Act, number: int, found: Load, model: Model) -> Callable[[], None]:
    def happen() -> None:
        began = model.time.now
        try:
            act(number)
        except Busy:
            found.refused += 1
        else:
            found.took.append(model.time.now - began)

    return happen


# -------------------------------------------------------------------------------------------------------- requests


class Account:
    """One account's requests, without HTTP."""

    def __init__(self, made: Harness) -> None:
        self.made = made

    def client(self) -> str:
        """Create a client."""
        now = self.made.clock()
        new = NewClient.model_validate(CLIENT)
        made = wiring.clients().create(new, id_=_id(now), access=ME, idempotent=None, now=now)
        return made.record.id

    def campaign(self, client: str) -> str:
        """Create a campaign."""
        now = self.made.clock()
        new = NewCampaign.model_validate({**CAMPAIGN, "client_id": client})
        made = wiring.campaigns().create(new, id_=_id(now), access=ME, idempotent=None, now=now)
        return made.record.id

    def task(self, **parents: str) -> Task:
        """Request an image."""
        now, store = self.made.clock(), wiring.tasks()
        new = NewImage.model_validate(image(**parents))
        found, _ = store.parents(new.client_id, new.campaign_id, access=ME)
        identity = TaskIdentity(_id(now), "token", now)
        task = new_task(new, found, wiring.generation_context(), identity=identity, access=ME)
        return store.create(task, idempotent=None, now=now, access=ME).record

    def move(self, task: Task) -> Task:
        """Begin a task, or put it back."""
        how = started if task.status is TaskStatus.PENDING else requeued
        return wiring.tasks().move(task, how(task, now=self.made.clock()))


def _id(now: Any) -> str:
    return new_id(now, randbits(62))


def create_clients(account: Account) -> Act:
    """Clients."""
    return lambda _: account.client()


def create_campaigns_of_one(account: Account) -> Act:
    """Campaigns of one client."""
    client = account.client()
    return lambda _: account.campaign(client)


def create_campaigns_of_many(account: Account) -> Act:
    """Campaigns, each of another client."""
    clients = [account.client() for _ in range(100)]
    return lambda number: account.campaign(clients[number % 100])


def order_for_nobody(account: Account) -> Act:
    """Images for no client."""
    return lambda _: account.task()


def order_for_a_campaign(account: Account) -> Act:
    """Images for one campaign."""
    campaign = account.campaign(account.client())
    return lambda _: account.task(campaign_id=campaign)


def transitions(account: Account) -> Act:
    """Changes of status, of tasks of one campaign."""
    campaign = account.campaign(account.client())
    idle = [account.task(campaign_id=campaign) for _ in range(300)]

    def move(_: int) -> None:
        idle.append(account.move(idle.pop(0)))

    return move


def rename_campaigns(account: Account) -> Act:
    """Campaigns renamed, each of them another one."""
    client = account.client()
    campaigns = [account.campaign(client) for _ in range(300)]

    def rename(number: int) -> object:
        patch = CampaignPatch(name=f"Renamed {number}")
        return wiring.campaigns().patch(
            campaigns[number % 300], patch, access=ME, accepted=None, now=account.made.clock()
        )

    return rename


def search(account: Account) -> Act:
    """Searches over 5,000 clients."""
    multiply(account.made, account.client, 4_999)
    return lambda _: wiring.clients().list(ClientQuery(search="acme"), access=ME)


def first_page(account: Account) -> Act:
    """First pages of clients, 50 each."""
    multiply(account.made, account.client, 99)
    return lambda _: wiring.clients().list(ClientQuery(), access=ME)


# ----------------------------------------------------------------------------------------------------------- ceilings


RATES: Final = (2, 5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100, 150, 200, 250)
LOADS: Final[Mapping[str, tuple[Callable[[Account], Act], float]]] = {
    "clients created": (create_clients, SECONDS),
    "campaigns created, of one client": (create_campaigns_of_one, SECONDS),
    "campaigns created, each of another client": (create_campaigns_of_many, SECONDS),
    "images requested, for no client": (order_for_nobody, SECONDS),
    "images requested, for one campaign": (order_for_a_campaign, SECONDS),
    "changes of status, of one campaign's tasks": (transitions, SECONDS),
    "campaigns renamed, each another one": (rename_campaigns, SECONDS),
    "first pages of clients": (first_page, SECONDS),
    "searches over 5,000 clients": (search, 10.0),
}
CROWDS: Final = (50, 100, 200, 400)


@dataclass(frozen=True)
class Ceiling:
    """The highest rate of `RATES` at which requests are answered in time, and the next one."""

    below: Load
    beyond: Load


def ceiling(prepare: Callable[[Account], Act], seconds: float) -> Ceiling:
    """The last of `RATES` that is carried, if each below it is, and the next one."""
    below, beyond = -1, len(RATES)
    loads: dict[int, Load] = {}
    while beyond - below > 1:
        middle = (below + beyond) // 2
        loads[middle] = load(prepare, RATES[middle], seconds=seconds)
        below, beyond = (middle, beyond) if loads[middle].is_carried else (below, middle)
    return Ceiling(loads[below], loads[beyond])


def crowd(size: int) -> Load:
    """So many campaigns of one client, created within 50 ms, after a pause."""
    return load(create_campaigns_of_one, size / 0.05, seconds=0.05, saved=BURST_SECONDS)


def table() -> str:
    """The ceilings, as the document has them."""
    rows = [_row(name, ceiling(*each)) for name, each in LOADS.items()]
    head = "| one account | a second | median ms | p99 ms | one step more | median ms | p99 ms | refused |"
    return "\n".join([head, "| --- |" + " --- |" * 7, *rows])


def _row(name: str, found: Ceiling) -> str:
    below, beyond = found.below, found.beyond
    told = [
        f"**{below.rate:.0f}**",
        *_milliseconds(below),
        f"{beyond.rate:.0f}",
        *_milliseconds(beyond),
        _refused(beyond),
    ]
    return f"| {name} | " + " | ".join(told) + " |"


def _milliseconds(found: Load) -> list[str]:
    return [f"{1000 * found.percentile(share):.0f}" for share in (50, 99)]


def _refused(found: Load) -> str:
    return f"{100 * found.refused / (found.refused + len(found.took)):.1f} %"


def crowds() -> str:
    """What becomes of many creates at once, as the document has it."""
    head = "| at once | refused | median ms | p99 ms | tries that met another |\n" + "| --- |" + " --- |" * 4
    rows = [(size, crowd(size)) for size in CROWDS]
    told = [
        f"| {size} | {_refused(found)} | {' | '.join(_milliseconds(found))} | {found.met['conflicts']:,} |"
        for size, found in rows
    ]
    return "\n".join([head, *told])


def main() -> None:
    """Bring the document up to date."""
    found = {"ceilings": table(), "crowds": crowds()}
    DOCUMENT.write_text(filled(DOCUMENT.read_text(), found))


if __name__ == "__main__":
    main()
