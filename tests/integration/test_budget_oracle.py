"""Random histories of budgets and tasks, against SQLite, where a limit is a CHECK within a serialised transaction."""

import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.catalog import Catalog
from atelier.domain.errors import NotFound
from atelier.domain.money import in_millionths
from atelier.domain.reservations import Scope
from atelier.domain.tasks import life_cycle
from atelier.domain.tasks.record import Outcome, TaskError
from atelier.store.verify import read, violations
from testbed.harness import Harness, harness
from tests.integration.builders import a_campaign, a_client

ERROR: Final = TaskError(code="broken", message="It broke.", retryable=False)
SCHEMA: Final = """
CREATE TABLE budget (scope TEXT PRIMARY KEY, period TEXT NOT NULL, lim INTEGER NOT NULL, blocks INTEGER NOT NULL);
CREATE TABLE used (
  scope TEXT, period TEXT, spent INTEGER NOT NULL DEFAULT 0, reserved INTEGER NOT NULL DEFAULT 0, lim INTEGER,
  PRIMARY KEY (scope, period), CHECK (spent + reserved <= lim)
);
CREATE TABLE task (
  id TEXT PRIMARY KEY, month TEXT NOT NULL, client TEXT, campaign TEXT, reserved INTEGER NOT NULL, sent INTEGER NOT NULL
);
"""
"""What nobody limits has no `lim`, which a CHECK lets pass."""

BEYOND: Final = 10**12
"""What a budget that blocks takes without a price for."""

which = st.integers(0, 50)
prices = st.sampled_from([None, 0, 10_000, 25_000, 40_000])
steps = st.one_of(
    st.tuples(st.just("create"), which, prices, st.sampled_from([None, 40_000])),
    st.tuples(st.just("create"), which, prices, st.sampled_from([None, 40_000])),
    st.tuples(st.just("send"), which),
    st.tuples(st.just("succeed"), which, st.integers(0, 4)),
    st.tuples(st.just("fail"), which),
    st.tuples(st.just("cancel"), which),
    st.tuples(st.just("delete"), which),
    st.tuples(st.just("put"), which, st.sampled_from(["month", "total"]), st.integers(0, 8), st.booleans()),
    st.tuples(st.just("remove"), which),
    st.tuples(st.just("wait"), st.sampled_from([1, 20])),
)


class Books:
    """The budgets in SQL, one transaction for each step."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(":memory:", isolation_level=None)
        self.db.executescript(SCHEMA)

    def reserve(self, id_: str, month: str, links: tuple[str | None, str | None], amount: int | None) -> bool:
        """Whether a task is created that reserves so much (None: nobody knows how much)."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            for scope in self._scopes(links):
                self._begin(scope, month)
                blocks = self.db.execute("SELECT blocks FROM budget WHERE scope = ?", (scope,)).fetchone()
                self._add(scope, month, 0, BEYOND if amount is None and blocks == (1,) else amount or 0)
            self.db.execute("INSERT INTO task VALUES (?, ?, ?, ?, ?, 0)", (id_, month, *links, amount or 0))
        except sqlite3.IntegrityError:
            self.db.execute("ROLLBACK")
            return False
        self.db.execute("COMMIT")
        return True

    def settle(self, id_: str, spent: int) -> None:
        """A task ends, and has cost so much."""
        self.db.execute("BEGIN IMMEDIATE")
        (task,) = self.db.execute("SELECT month, client, campaign, reserved FROM task WHERE id = ?", (id_,))
        month, client, campaign, reserved = task
        for scope in self._scopes((client, campaign)):
            self._add(scope, month, spent, -reserved)
        self.db.execute("DELETE FROM task WHERE id = ?", (id_,))
        self.db.execute("COMMIT")

    def put(self, scope: str, month: str, period: str, lim: int, *, blocks: bool) -> int:
        """Set a budget, which allows at least what is used; its limit."""
        self._begin(scope, month)
        now = month if period == "month" else "total"
        ((used,),) = self.db.execute("SELECT spent + reserved FROM used WHERE (scope, period) = (?, ?)", (scope, now))
        limit: int = max(lim, used)
        self.remove(scope)
        self.db.execute("INSERT INTO budget VALUES (?, ?, ?, ?)", (scope, period, limit, blocks))
        checked = limit if blocks else None
        self.db.execute("UPDATE used SET lim = ? WHERE (scope, period) = (?, ?)", (checked, scope, now))
        return limit

    def remove(self, scope: str) -> None:
        """Remove a budget."""
        self.db.execute("DELETE FROM budget WHERE scope = ?", (scope,))
        self.db.execute("UPDATE used SET lim = NULL WHERE scope = ?", (scope,))

    def shown(self, scope: str, month: str) -> tuple[int, int, int] | None:
        """What is spent, reserved and left of a budget."""
        self._begin(scope, month)
        found = self.db.execute("SELECT period, lim FROM budget WHERE scope = ?", (scope,)).fetchone()
        if found is None:
            return None
        period, limit = found
        now = month if period == "month" else "total"
        asked = "SELECT spent, reserved FROM used WHERE (scope, period) = (?, ?)"
        ((spent, reserved),) = self.db.execute(asked, (scope, now))
        return spent, reserved, max(limit - spent - reserved, 0)

    def _scopes(self, links: tuple[str | None, str | None]) -> list[str]:
        return ["account", *filter(None, links)]

    def _begin(self, scope: str, month: str) -> None:
        for period in (month, "total"):
            of_month = "SELECT lim FROM budget WHERE scope = ? AND period = 'month' AND blocks"
            new = "INSERT OR IGNORE INTO used (scope, period, lim) VALUES (?, ?, ({}))"
            limit, more = (of_month, (scope,)) if period == month else ("NULL", ())
            self.db.execute(new.format(limit), (scope, period, *more))

    def _add(self, scope: str, month: str, spent: int, reserved: int) -> None:
        change = "UPDATE used SET spent = spent + ?, reserved = reserved + ? WHERE scope = ? AND period IN (?, 'total')"
        self.db.execute(change, (spent, reserved, scope, month))


class History:
    """One account's history, here and in SQL."""

    def __init__(self, w: Harness, account: int) -> None:
        self.w, self.access, self.books = w, Access.own(account), Books()
        client = a_client(w)
        campaign = a_campaign(w, client)
        self.links: list[tuple[str | None, str | None]] = [(None, None), (client["id"], None)]
        self.links.append((client["id"], campaign["id"]))
        self.paths = {"account": "/account"}
        self.paths |= {client["id"]: f"/clients/{client['id']}", campaign["id"]: f"/campaigns/{campaign['id']}"}
        self.open: list[str] = []

    @property
    def month(self) -> str:
        return f"{self.w.now:%Y-%m}"

    def create(self, number: int, price: int | None, max_cost: int | None) -> None:
        client, campaign = self.links[number % 3]
        amount = max_cost if price is None else price
        named = {"client_id": client, "campaign_id": campaign, "max_cost": max_cost and max_cost / 10**6}
        body = {"prompt": "A boat", **{name: value for name, value in named.items() if value}}
        with mock.patch.object(Catalog, "estimate", return_value=None if price is None else Decimal(price) / 10**6):
            estimate = self.w.call("POST", "/generate/image/estimate", body)
            made = self.w.call("POST", "/generate/image", body)
        id_ = made.json.get("id", "")
        admitted = self.books.reserve(id_, self.month, (client, campaign), amount)
        assert made.status == (202 if admitted else 409), made.text
        assert (estimate.json["exceeded_budgets"] == []) is admitted
        if admitted:
            self.open.append(id_)

    def _end(self, number: int) -> str | None:
        return self.open.pop(number % len(self.open)) if self.open else None

    def send(self, number: int) -> None:
        if self.open:
            task = wiring.tasks().kept(self.open[number % len(self.open)], access=self.access)
            if not task.sent:
                wiring.tasks().note(task, lease_until=self.w.clock() + timedelta(seconds=90))
                self.books.db.execute("UPDATE task SET sent = 1 WHERE id = ?", (task.id,))

    def succeed(self, number: int, quarters: int) -> None:
        if id_ := self._end(number):
            self.send_now(id_)
            task = wiring.tasks().kept(id_, access=self.access)
            cost = (task.reserved or 0) * quarters / 4
            after = life_cycle.succeeded(task, outputs=[], cost=Decimal(cost), now=self.w.clock())
            wiring.tasks().move(task, after)
            self.books.settle(id_, int(cost * 10**6))

    def send_now(self, id_: str) -> None:
        self.open.append(id_)
        self.send(len(self.open) - 1)
        self.open.remove(id_)

    def fail(self, number: int) -> None:
        if id_ := self._end(number):
            task = wiring.tasks().kept(id_, access=self.access)
            outcome = Outcome.FAILED
            wiring.tasks().move(task, life_cycle.failed(task, ERROR, now=self.w.clock(), outcome=outcome))
            self.books.settle(id_, 0)

    def cancel(self, number: int) -> None:
        self._leave(number, "POST", "/cancel")

    def delete(self, number: int) -> None:
        self._leave(number, "DELETE", "")

    def _leave(self, number: int, method: str, path: str) -> None:
        """End a task on our side: what was sent may be charged, and counts."""
        if id_ := self._end(number):
            ((reserved, sent),) = self.books.db.execute("SELECT reserved, sent FROM task WHERE id = ?", (id_,))
            assert self.w.call(method, f"/tasks/{id_}{path}").status in (200, 204)
            self.books.settle(id_, reserved if sent else 0)

    def put(self, number: int, period: str, lim: int, blocks: bool) -> None:
        scope = list(self.paths)[number % 3]
        limit = self.books.put(scope, self.month, period, lim * 20_000, blocks=blocks)
        new = {"limit": limit / 10**6, "period": period, "on_exceeded": "block" if blocks else "warn"}
        assert self.w.call("PUT", f"{self.paths[scope]}/budget", new).status == 200

    def remove(self, number: int) -> None:
        scope = list(self.paths)[number % 3]
        self.w.call("DELETE", f"{self.paths[scope]}/budget")
        self.books.remove(scope)

    def wait(self, days: int) -> None:
        self.w.pass_time(days * 86400)

    def check(self) -> None:
        """Every budget shows what SQL has."""
        for number, (id_, path) in enumerate(self.paths.items()):
            scope = Scope(("account", "client", "campaign")[number], None if path == "/account" else id_)
            try:
                found = wiring.budgets().get(scope, access=self.access, now=self.w.now)
            except NotFound:
                assert self.books.shown(id_, self.month) is None
            else:
                amounts = map(in_millionths, (found.spent, found.reserved, found.available))
                assert self.books.shown(id_, self.month) == tuple(amounts)


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


accounts = iter(range(2000, 10**6))


@settings(max_examples=6, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, min_size=10, max_size=25))
def test_budgets_are_what_sql_makes_of_them(w: Harness, history: list[tuple[Any, ...]]) -> None:
    with mock.patch("atelier.caller.PLACEHOLDER_USER", next(accounts)) as account:
        made = History(w, account)
        for scope in range(3):
            made.put(scope, ("month", "total")[scope % 2], 5, True)
        for name, *arguments in history:
            getattr(made, name)(*arguments)
            made.check()
        assert violations(read(wiring.table(), account), deleted=None) == []
