"""Streams and queues deliver at least once and in no order. However often and whenever, it comes to the same."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

import pytest

from testbed.harness import TABLE, Harness, HeldQueue
from tests.integration.builders import a_campaign, a_canceled_task, a_client, a_task
from tests.support.fault_injection import VISIBILITY, Snapshot, faulty_harness, handled, settle_stubbornly
from tests.support.oracle import visible
from tests.support.recount import scan, violations

COPIED: Final = 2
"""How many messages about the same come twice: each begets another, so copies of all of them would never end."""


@dataclass
class Post:
    """Everything on its way: it arrives in any order, some of it twice, and all of it again in the end."""

    w: Harness
    chance: Random
    records: list[dict[str, Any]] = field(default_factory=list)
    messages: list[tuple[str, str, int]] = field(default_factory=list)
    delivered: list[tuple[str, str]] = field(default_factory=list)
    relayed: list[dict[str, Any]] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)

    def deliver_all(self) -> None:
        """Deliver until nothing is on its way any more."""
        for _ in range(400):
            if not self._collect():
                return
            self._deliver_any()
        raise AssertionError("Messages keep coming.")

    def deliver_again(self) -> None:
        """Deliver all that ever was delivered once more, the oldest among the newest."""
        self.chance.shuffle(self.relayed)
        for record in list(self.relayed):
            self._relay(record)
        self.chance.shuffle(self.delivered)
        for function, body in list(self.delivered):
            self._hand_over(function, body)
        self.deliver_all()

    def _deliver_any(self) -> None:
        if self.records and (not self.messages or self.chance.random() < 0.5):
            self._relay(self.records.pop(self.chance.randrange(len(self.records))))
        else:
            function, body, delay = self.messages.pop(self.chance.randrange(len(self.messages)))
            self.w.pass_time(delay)
            self._hand_over(function, body)

    def _collect(self) -> bool:
        self.records += [record for record in self.w.changes() for _ in range(2)]
        for function, queue in (("worker", self.w.generation), ("cascade", self.w.cascade)):
            self.messages += self._copies(function, queue)
        return bool(self.records or self.messages)

    def _copies(self, function: str, queue: HeldQueue) -> Iterator[tuple[str, str, int]]:
        for body, delay in queue.take():
            message = json.loads(body)
            about = f"{message.get('task_id', message.get('id'))} {message.get('step')}"
            self.seen[about] += 1
            for _ in range(2 if self.seen[about] <= COPIED else 1):
                yield function, body, delay

    def _relay(self, record: dict[str, Any]) -> None:
        self.w.invoke("relay", {"Records": [record]})
        self.relayed.append(record)

    def _hand_over(self, function: str, body: str) -> None:
        if handled(self.w, function, body):
            self.delivered.append((function, body))
        else:
            self.messages.append((function, body, VISIBILITY))


def busy_days(w: Harness) -> None:
    """Clients and campaigns come and go while tasks are under way."""
    client, other = a_client(w), a_client(w, "Other")
    launch, spring = a_campaign(w, client), a_campaign(w, client, name="Spring", status="active")
    kept = a_campaign(w, other, name="Kept")
    for number, links in enumerate(({}, {"client_id": client["id"]}, {"campaign_id": launch["id"]})):
        a_task(w, prompt=f"task {number}", size="64x64", **links)
    a_task(w, prompt="fail:x", campaign_id=kept["id"])
    a_canceled_task(w, prompt="spring", campaign_id=spring["id"])
    gone = a_canceled_task(w, prompt="gone", campaign_id=launch["id"])
    assert w.call("DELETE", f"/campaigns/{launch['id']}").status == 204
    assert w.call("DELETE", f"/tasks/{gone['id']}").status == 204
    assert w.call("DELETE", f"/clients/{client['id']}").status == 204


@dataclass(frozen=True)
class Days:
    """Busy days that are over for the callers, and what comes of them when all is delivered once and in order."""

    w: Harness
    evening: Snapshot
    outcome: dict[str, Any]
    ledger: Counter[str]


@pytest.fixture(scope="module")
def days() -> Iterator[Days]:
    with faulty_harness() as (w, _):
        busy_days(w)
        evening = Snapshot(w)
        settle_stubbornly(w)
        yield Days(w, evening, visible(w), _ledger(w))


@pytest.mark.parametrize("seed", range(5))
def test_repeated_and_shuffled_deliveries_have_the_same_outcome(days: Days, seed: int) -> None:
    days.evening.again()
    post = Post(days.w, Random(seed))
    for deliver in (post.deliver_all, post.deliver_again):
        deliver()
        assert visible(days.w) == days.outcome
        assert _ledger(days.w) == days.ledger
        assert violations(scan(days.w.dynamodb, TABLE), at_rest=True, deleted=None) == []


def _ledger(w: Harness) -> Counter[str]:
    """All that was counted and spent."""
    total: Counter[str] = Counter()
    for item in scan(w.dynamodb, TABLE):
        if item["PK"].startswith("LEDGER#") and "tasks" in item:
            total.update({name: value for name, value in item.items() if name not in ("PK", "SK", "milliseconds")})
    return total
