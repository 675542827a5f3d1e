"""Reports of random histories, through the store and over HTTP, against the tasks in memory.

Tasks end, fail, are canceled, charged late, moved and deleted, and so are their clients and campaigns, with cleanups
that come late or not at all.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.tasks import life_cycle
from atelier.domain.tasks.record import Outcome, Output, Task, TaskError
from testbed.harness import Harness, harness
from tests.integration.builders import Json, a_campaign, a_client, a_task, clean_up, shown
from tests.support.spend import NOTHING, mean_seconds, plus, spent, told, without_time

ERROR = TaskError(code="broken", message="It broke.", retryable=False)
GROUPINGS: tuple[tuple[str, ...], ...] = (
    (),
    ("client",),
    ("campaign", "client"),
    ("type", "status"),
    ("provider", "model", "created_by"),
)

amounts = st.none() | st.integers(0, 10**7).map(lambda millionths: Decimal(millionths) / 10**6)
which = st.integers(0, 100)
steps = st.one_of(
    st.tuples(st.just("create"), which, which),
    st.tuples(st.just("succeed"), which, amounts),
    st.tuples(st.just("fail"), which, amounts),
    st.tuples(st.just("cancel"), which),
    st.tuples(st.just("charge"), which, amounts),
    st.tuples(st.just("move"), which, which, which),
    st.tuples(st.just("delete_task"), which),
    st.tuples(st.just("delete_client"), which),
    st.tuples(st.just("delete_campaign"), which),
    st.tuples(
        st.just("clean"),
    ),
    st.tuples(st.just("wait"), which),
)


class History:
    """One account's history, and what it must lead to."""

    def __init__(self, w: Harness, account: int) -> None:
        self.w = w
        self.access = Access.own(account)
        self.clients = [a_client(w, f"Client {number}") for number in range(3)]
        self.campaigns = [a_campaign(w, self.clients[number // 2], name=f"Campaign {number}") for number in range(4)]
        self.gone: set[str] = set()
        self.tasks: dict[str, Task] = {}
        """Every task as it was last, deleted ones included, booked where this test says."""
        self.deleted: set[str] = set()
        self.began = w.now.date()

    def _living(self, things: list[Json], number: int) -> str | None:
        """One of those that are not deleted, or none."""
        ids: list[str | None] = [None, *(each["id"] for each in things if each["id"] not in self.gone)]
        return ids[number % len(ids)]

    def _parents(self, client: int, campaign: int) -> dict[str, str | None]:
        campaign_id = self._living(self.campaigns, campaign)
        of_it = next((each["client_id"] for each in self.campaigns if each["id"] == campaign_id), None)
        return {"client_id": of_it or self._living(self.clients, client), "campaign_id": campaign_id}

    def _task(self, number: int, *, over: bool) -> Task | None:
        found = [id_ for id_, task in self.tasks.items() if task.over is over and id_ not in self.deleted]
        return wiring.tasks().kept(found[number % len(found)], access=self.access) if found else None

    def _note(self, task: Task, **booked: str | None) -> None:
        names = ("booked_client_id", "booked_campaign_id")
        where = booked or {name: getattr(self.tasks[task.id], name) for name in names}
        model = wiring.catalog().id_of(task.provider, task.model)  # it is stored as the caller called it
        self.tasks[task.id] = task.model_copy(update={**where, "model": model})

    # ------------------------------------------------------------------------------------------------------- steps

    def create(self, client: int, campaign: int) -> None:
        parents = self._parents(client, campaign)
        models = ({"provider": "fal", "model": "fal-ai/flux-pro"}, {"provider": "sandbox"})
        id_ = a_task(self.w, **{name: id_ for name, id_ in parents.items() if id_}, **models[client % 2])["id"]
        booked = {f"booked_{name}": id_ for name, id_ in parents.items()}
        self._note(wiring.tasks().kept(id_, access=self.access), **booked)

    def succeed(self, number: int, cost: Decimal | None) -> None:
        if task := self._task(number, over=False):
            files = [Output(content_type="image/png", bytes=number, key="k")] * (number % 3)
            after = life_cycle.succeeded(task, outputs=files, cost=cost, now=self.w.clock())
            self._note(wiring.tasks().move(task, after))

    def fail(self, number: int, cost: Decimal | None) -> None:
        if task := self._task(number, over=False):
            outcome = Outcome.FAILED if cost is not None else None
            after = life_cycle.failed(task, ERROR, outcome=outcome, cost=cost, now=self.w.clock())
            self._note(wiring.tasks().move(task, after))

    def cancel(self, number: int) -> None:
        if task := self._task(number, over=False):
            self.w.call("POST", f"/tasks/{task.id}/cancel")
            self._note(wiring.tasks().kept(task.id, access=self.access))

    def charge(self, number: int, cost: Decimal | None) -> None:
        if task := self._task(number, over=True):
            after = life_cycle.with_outcome(task, Outcome.SUCCEEDED, cost=cost, now=self.w.clock())
            self._note(wiring.tasks().record_outcome(task, after))

    def move(self, number: int, client: int, campaign: int) -> None:
        if task := self._task(number, over=number % 2 == 0):
            links = self._parents(client, campaign)
            booked = {f"booked_{name}": id_ for name, id_ in links.items()}
            wiring.tasks().change(task.id, lambda kept: kept.changed(**links, **booked), access=self.access)
            self._note(wiring.tasks().kept(task.id, access=self.access), **booked)

    def delete_task(self, number: int) -> None:
        if task := self._task(number, over=True):
            assert self.w.call("DELETE", f"/tasks/{task.id}").status == 204
            self.deleted.add(task.id)

    def delete_client(self, number: int) -> None:
        if id_ := self._living(self.clients, number):
            assert self.w.call("DELETE", f"/clients/{id_}").status == 204
            self.gone |= {id_, *(each["id"] for each in self.campaigns if each["client_id"] == id_)}

    def delete_campaign(self, number: int) -> None:
        if id_ := self._living(self.campaigns, number):
            assert self.w.call("DELETE", f"/campaigns/{id_}").status == 204
            self.gone.add(id_)

    def clean(self) -> None:
        clean_up(self.w)

    def wait(self, number: int) -> None:
        self.w.pass_time(number * 3600)

    # ------------------------------------------------------------------------------------------------------ checks

    def check(self, middle: int) -> None:
        """Every report is what the tasks add up to, and parts of a range are the whole."""
        start, end = self.began, self.w.now.date() + timedelta(days=1)
        for group_by in GROUPINGS:
            self._check(start, end, group_by)
        between = start + timedelta(days=middle % max((end - start).days, 1))
        added = NOTHING
        for part in ((start, between), (between, end)):
            if part[0] < part[1]:
                added = plus(added, told(self._report(*part)["totals"]))
        assert added == told(self._report(start, end)["totals"])

    def _check(self, start: date, end: date, group_by: tuple[str, ...]) -> None:
        report = self._report(start, end, **({"group_by": ",".join(group_by)} if group_by else {}))
        tasks = self.tasks.values()
        everything = spent(tasks, start=start, end=end).get((), NOTHING)
        assert told(report["totals"]) == without_time(everything)
        assert report["totals"]["seconds"] == mean_seconds(everything)
        for day in {row["start"] for row in report["rows"]}:
            on = date.fromisoformat(day)
            right = spent(tasks, start=on, end=on + timedelta(days=1), group_by=group_by)
            rows = [row for row in report["rows"] if row["start"] == day and row["tasks"]]
            assert {self._key(row, group_by): told(row) for row in rows} == {
                key: without_time(each) for key, each in right.items()
            }

    def _key(self, row: Json, group_by: tuple[str, ...]) -> tuple[Any, ...]:
        return tuple(self._checked(row[group]) if isinstance(row[group], dict) else row[group] for group in group_by)

    def _checked(self, named: Json) -> str:
        (known,) = (each for each in (*self.clients, *self.campaigns) if each["id"] == named["id"])
        assert (named["name"], named["deleted"]) == (known["name"], known["id"] in self.gone)
        id_: str = named["id"]
        return id_

    def _report(self, start: date, end: date, **asked: str) -> Json:
        return shown(self.w, "/reports/usage", **{"from": start, "to": end}, **asked)


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


accounts = iter(range(2000, 10**6))


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(st.lists(steps, max_size=25), which)
def test_reports_are_what_the_tasks_add_up_to(w: Harness, history: list[tuple[Any, ...]], middle: int) -> None:
    account = next(accounts)
    with mock.patch("atelier.caller.PLACEHOLDER_USER", account):
        made = History(w, account)
        for number in range(4):
            made.create(number, number)
        for name, *arguments in history:
            getattr(made, name)(*arguments)
        made.check(middle)
        clean_up(w)
        made.check(middle)
