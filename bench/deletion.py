"""Does a delete cost the same whatever the number of children?  `make bench`

On the local emulator, with the stores as they are deployed and the table of template.yaml, in one run: clients with one
campaign and one task, and clients with 600 campaigns and 5,000 tasks. Then the cleanup of the large ones.
"""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from secrets import randbits
from typing import Any, Final

from pydantic import BaseModel

from atelier.domain.access import Access
from atelier.domain.campaigns import Campaign, CampaignPage, NewCampaign
from atelier.domain.catalog import Catalog
from atelier.domain.clients import Client, ClientPage, NewClient
from atelier.domain.ids import new_id
from atelier.domain.schema import utcnow
from atelier.domain.task_creation import GenerationContext, Parents, TaskIdentity, new_task
from atelier.domain.tasks.requests import NewImage
from atelier.providers.sandbox import MODELS
from atelier.store.cascade import Cascade, CleanUpMessage
from atelier.store.resources import Resources
from atelier.store.table import Table
from atelier.store.tasks import Tasks
from local import deployment
from local.emulator import emulator
from testbed.template import create_table

REGISTRY: Final = Catalog(MODELS)
USER: Final = 1
ME: Final = Access.own(USER)
SMALL: Final = (1, 1)
LARGE: Final = (600, 5000)
PAIRS: Final = 5


class Held(list[CleanUpMessage]):
    """A queue in a list."""

    def send(self, message: BaseModel, *, delay: int) -> None:  # noqa: ARG002 - nobody waits here
        """Keep the message."""
        self.append(CleanUpMessage.model_validate(message.model_dump()))


class Bench:
    """The stores on one emulator."""

    def __init__(self, dynamodb: Any) -> None:
        self.writes = 0
        for name in ("before-call.dynamodb.UpdateItem", "before-call.dynamodb.DeleteItem"):
            dynamodb.meta.events.register(name, self._count)
        self.table = Table(dynamodb, "bench")
        self.clients = Resources(self.table, "client", Client, ClientPage)
        self.campaigns = Resources(self.table, "campaign", Campaign, CampaignPage)
        self.tasks = Tasks(self.table)

    def _count(self, **_: Any) -> None:
        self.writes += 1

    def client_with(self, campaigns: int, tasks: int) -> str:
        """A new client with so many children."""
        made = self.clients.create(NewClient(name="Bench"), id_=_id(), access=ME, idempotent=None, now=utcnow())
        client = made.record
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: self._campaign(client.id), range(campaigns)))
            list(pool.map(lambda _: self._task(Parents(client)), range(tasks)))
        return client.id

    def _campaign(self, client_id: str) -> None:
        new = NewCampaign(client_id=client_id, name="Bench", goal="Measure")
        self.campaigns.create(new, id_=_id(), access=ME, idempotent=None, now=utcnow())

    def _task(self, parents: Parents) -> None:
        new, now = NewImage(prompt="A lighthouse at dusk"), utcnow()
        task = new_task(
            new,
            parents,
            GenerationContext(REGISTRY, ("sandbox",)),
            identity=TaskIdentity(_id(), "token", now),
            access=ME,
        )
        self.tasks.create(task, access=ME, idempotent=None, now=now)

    def milliseconds_to_delete(self, client_id: str) -> float:
        """How long what DELETE /clients/{id} does takes."""
        began = time.perf_counter()
        self.clients.delete(client_id, access=ME, accepted=None, now=utcnow())
        return (time.perf_counter() - began) * 1000

    def clean_up(self, client_id: str) -> None:
        """All messages of the cleanup, one after the other."""
        queue = Held([CleanUpMessage(user_id=USER, kind="client", id=client_id)])
        cascade = Cascade(self.table, queue, quiet_period=timedelta(0))
        while queue:
            cascade.process(queue.pop(0), now=utcnow())


def _id() -> str:
    return new_id(utcnow(), randbits(62))


def main() -> None:
    """Print the tables."""
    with emulator(port=0) as running:
        dynamodb = deployment.client("dynamodb", running.endpoint)
        create_table(dynamodb, "bench")
        bench = Bench(dynamodb)
        small, large = ([bench.client_with(*size) for _ in range(PAIRS)] for size in (SMALL, LARGE))
        bench.milliseconds_to_delete(bench.client_with(*SMALL))  # the first call of all is slower
        one, many = (
            statistics.median(bench.milliseconds_to_delete(each) for each in group) for group in (small, large)
        )
        print("| DELETE of a client with | median ms | ratio |\n| --- | --- | --- |")
        print(
            f"| 1 campaign, 1 task | {one:.1f} | 1 |\n| 600 campaigns, 5,000 tasks | {many:.1f} | {many / one:.2f} |\n"
        )
        bench.writes = 0
        began = time.perf_counter()
        bench.clean_up(large[0])
        seconds = time.perf_counter() - began
        children = sum(LARGE)
        print("| cleanup of | seconds | children a second | writes a child |\n| --- | --- | --- | --- |")
        print(f"| {children:,} children | {seconds:.0f} | {children / seconds:.0f} | {bench.writes / children:.2f} |")


if __name__ == "__main__":
    main()
