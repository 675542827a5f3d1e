"""Random histories over three levels, and SQLite with `ON DELETE CASCADE` beside them: at every step both answer alike.

The third level is that of `tests.support.third_level`. Cleanups run a message at a time and a few children a message,
late, twice, and between creates and deletes. `ORACLE_EXAMPLES=500` looks for longer, at other histories each time.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import Final
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.errors import NotFound
from atelier.domain.ids import new_id
from atelier.store import cascade, keys
from atelier.store.account_summary import summary_from
from atelier.store.long_texts import INLINE_BYTES
from testbed.harness import TABLE, Harness, harness
from testbed.lambda_events import sqs_record
from tests.support.fault_injection import Snapshot
from tests.support.recount import scan
from tests.support.third_level import BriefVersionQuery, BriefVersions, NewBriefVersion, third_level

ASKED: Final = os.environ.get("ORACLE_EXAMPLES")
ME: Final = Access.own(1)
BATCH: Final = 2
SCHEMA: Final = """
CREATE TABLE clients (id TEXT PRIMARY KEY);
CREATE TABLE campaigns (id TEXT PRIMARY KEY, client_id TEXT NOT NULL REFERENCES clients ON DELETE CASCADE);
CREATE TABLE brief_versions (id TEXT PRIMARY KEY, campaign_id TEXT NOT NULL REFERENCES campaigns ON DELETE CASCADE);
"""
which = st.integers(0, 2**16)


class Levels(RuleBasedStateMachine):
    """What callers and the cascade may do, in any order."""

    def __init__(self, w: Harness, beginning: Snapshot) -> None:
        super().__init__()
        beginning.again()
        self.harness = w
        self.made: dict[str, list[str]] = {"clients": [], "campaigns": [], "brief_versions": []}
        self.random = Random(0)
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.execute("PRAGMA foreign_keys=ON")
        self.db.executescript(SCHEMA)

    @initialize(seed=which)
    def begin(self, seed: int) -> None:
        """Every history begins with two of each level below each of two parents."""
        self.random = Random(seed)
        for _ in range(2):
            self.make_client()
            for _ in range(2):
                self.make_campaign(0)
                self.make_version(0)
                self.make_version(0)

    # ------------------------------------------------------------------------------------------------------ callers

    @rule()
    def make_client(self) -> None:
        body = {"name": "n", "brand_guidelines": self._text()}
        self._known("clients", self.harness.call("POST", "/clients", body).json["id"])

    @rule(client=which)
    def make_campaign(self, client: int) -> None:
        client_id = self._pick("clients", client)
        status = self.random.choice(("active", "archived", "draft"))
        body = {"client_id": client_id, "name": "n", "goal": "g", "status": status, "brief": self._text()}
        answer = self.harness.call("POST", "/campaigns", body)
        assert answer.status == (201 if self._has("clients", client_id) else 404), answer.text
        if answer.status == 201:
            self._known("campaigns", answer.json["id"], client_id)

    @rule(campaign=which)
    def make_version(self, campaign: int) -> None:
        campaign_id, now = self._pick("campaigns", campaign), self.harness.clock()
        new = NewBriefVersion(campaign_id=campaign_id, text=self._text())
        create = partial(self._versions().create, new, id_=new_id(now, 0), access=ME, idempotent=None, now=now)
        if self._has("campaigns", campaign_id):
            self._known("brief_versions", create().record.id, campaign_id)
        else:
            with pytest.raises(NotFound):
                create()

    @rule(client=which)
    def delete_client(self, client: int) -> None:
        self._delete_over_http("clients", client)

    @rule(campaign=which)
    def delete_campaign(self, campaign: int) -> None:
        self._delete_over_http("campaigns", campaign)

    @rule(version=which)
    def delete_version(self, version: int) -> None:
        id_ = self._pick("brief_versions", version)
        delete = partial(self._versions().delete, id_, access=ME, accepted=None, now=self.harness.clock())
        if self._removed("brief_versions", id_):
            delete()
        else:
            with pytest.raises(NotFound):
                delete()

    # ---------------------------------------------------------------------------------------------- what goes on behind

    @rule()
    def relay(self) -> None:
        self.harness.relay()

    @rule(message=which, again=st.booleans())
    def clean_one(self, message: int, again: bool) -> None:
        """Deliver one of the messages that wait; with `again`, it will come once more."""
        self.harness.relay()
        waiting = self.harness.cascade.waiting
        if waiting:
            body, delay = waiting[message % len(waiting)]
            if not again:
                waiting.remove((body, delay))
            self.harness.pass_time(delay)
            assert not self.harness.invoke("cascade", {"Records": [sqs_record(body)]})["batchItemFailures"]

    @rule()
    def clean_everything(self) -> None:
        self.harness.settle()

    # ------------------------------------------------------------------------------------------ what must be the same

    @invariant()
    def all_levels_agree(self) -> None:
        assert self._over_http("clients") == self._rows("SELECT id FROM clients")
        assert self._over_http("campaigns") == self._rows("SELECT id FROM campaigns")
        assert self._found(None) == self._rows("SELECT id FROM brief_versions")

    @invariant()
    def lists_below_a_parent_agree(self) -> None:
        if self.made["campaigns"]:
            client, campaign = self.random.choice(self.made["clients"]), self.random.choice(self.made["campaigns"])
            of_client = self._rows("SELECT id FROM campaigns WHERE client_id = ?", client)
            assert self._over_http("campaigns", client_id=client) == of_client
            assert self._found(campaign) == self._rows("SELECT id FROM brief_versions WHERE campaign_id = ?", campaign)

    @invariant()
    def one_version_agrees(self) -> None:
        if self.made["brief_versions"]:
            id_ = self.random.choice(self.made["brief_versions"])
            if self._has("brief_versions", id_):
                assert self._versions().get(id_, access=ME).id == id_
            else:
                with pytest.raises(NotFound):
                    self._versions().get(id_, access=ME)

    def teardown(self) -> None:
        for id_ in self._rows("SELECT id FROM clients"):
            assert self.harness.call("DELETE", f"/clients/{id_}").status == 204
        self.harness.settle()
        account = [item for item in scan(self.harness.dynamodb, TABLE) if item["PK"] == "ACCOUNT#1"]
        assert {item["SK"] for item in account} <= {"SUMMARY", "COUNTERS#all", "COUNTERS#none"}
        summary = summary_from(wiring.table().get(keys.summary(1)))
        assert (set(summary.counters.values()) <= {0}, summary.pending.resources) == (True, frozenset())
        self.db.close()

    # ---------------------------------------------------------------------------------------------------- both sides

    def _delete_over_http(self, table: str, number: int) -> None:
        id_ = self._pick(table, number)
        assert self.harness.call("DELETE", f"/{table}/{id_}").status == (204 if self._removed(table, id_) else 404)

    def _text(self) -> str:
        """A text that is stored with its resource, or beside it."""
        return "t" * self.random.choice((1, INLINE_BYTES, INLINE_BYTES + 1))

    def _pick(self, table: str, number: int) -> str:
        """Any that was ever made, the youngest for 0: most of the time one that is still there."""
        there = [id_ for id_ in self.made[table] if self._has(table, id_)]
        wanted = there if there and number % 10 < 7 else self.made[table] or [new_id(self.harness.clock(), 0)]
        return wanted[-1 - number // 10 % len(wanted)]

    def _known(self, table: str, *row: str) -> None:
        self.db.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608
        self.made[table].append(row[0])

    def _has(self, table: str, id_: str) -> bool:
        return bool(self._rows(f"SELECT id FROM {table} WHERE id = ?", id_))  # noqa: S608

    def _removed(self, table: str, id_: str) -> bool:
        return self.db.execute(f"DELETE FROM {table} WHERE id = ?", [id_]).rowcount > 0  # noqa: S608

    def _rows(self, query: str, *values: str) -> list[str]:
        """The ids that SQL finds, newest first."""
        return [id_ for (id_,) in self.db.execute(f"{query} ORDER BY id DESC", values)]

    def _over_http(self, table: str, **asked: str) -> list[str]:
        """All ids of a list, walked by cursor; every page must have the total that the walk comes to."""
        walked: list[str] = []
        totals: set[int] = set()
        cursor: dict[str, str] = {}
        size = self.random.randint(1, 4)
        while True:
            page = self.harness.call("GET", f"/{table}", query={**asked, **cursor, "page_size": size}).json
            walked += [each["id"] for each in page["items"]]
            totals.add(page["total"])
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert totals == {len(walked)}
        return walked

    def _found(self, campaign_id: str | None) -> list[str]:
        """All versions, or those of a campaign, from pages of two; the totals must be those of all pages."""
        found: list[str] = []
        number, more = 1, True
        totals: set[int] = set()
        while more:
            query = BriefVersionQuery(campaign_id=campaign_id, page=number, page_size=2)
            page = self._versions().list(query, access=ME)
            found += [each.id for each in page.items]
            totals.add(page.total)
            number, more = number + 1, page.has_more
        assert totals == {len(found)}
        return found

    def _versions(self) -> BriefVersions:
        return BriefVersions(wiring.table())


@contextmanager
def small_batches() -> Iterator[None]:
    """A cleanup's message releases few children, so that a cleanup has many states to be found in."""
    with mock.patch.object(cascade, "Cascade", partial(cascade.Cascade, batch=BATCH)):
        yield


def test_histories_of_three_levels_are_answered_like_sql() -> None:
    with third_level(), small_batches(), harness() as w:
        run_state_machine_as_test(
            partial(Levels, w, beginning=Snapshot(w)),  # type: ignore[arg-type]  # any factory will do
            settings=settings(
                max_examples=int(ASKED or 6),
                stateful_step_count=25,
                derandomize=ASKED is None,
                print_blob=True,
                deadline=None,
                suppress_health_check=list(HealthCheck),
                phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
            ),
        )
