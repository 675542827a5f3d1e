"""What changes about a task beside its life cycle: another provider takes it, or its job ends after it has."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.ledger import Row
from atelier.domain.money import from_millionths
from atelier.domain.pipeline_ports import TaskChanged
from atelier.domain.tasks import life_cycle
from atelier.domain.tasks.record import Fallback, Outcome, Task, TaskError
from atelier.store import keys
from atelier.store.ledger import row_from
from atelier.store.verify import read, violations
from testbed.harness import Harness, harness
from tests.integration.builders import a_campaign, a_client, clean_up
from tests.integration.builders import a_task as ordered_task

REFUSED = TaskError(code="provider_refused", message="No.", retryable=False)


@pytest.fixture
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


def a_kept_task(w: Harness) -> Task:
    """A task of a campaign, canceled while its job was running."""
    campaign = a_campaign(w, a_client(w))
    made = ordered_task(w, campaign_id=campaign["id"])
    store = wiring.tasks()
    kept = store.note(store.kept(made["id"], access=Access.own(1)), provider_task_id="job-1", lease_until=w.clock())
    return store.move(kept, life_cycle.canceled(kept, now=w.clock()))


def spent(w: Harness) -> Decimal:
    """What the rows of user 1's ledger add up to."""
    rows = wiring.table().iterate(keys.ledger(1))
    return from_millionths(sum(int(row.get("cost", 0)) for row in rows))


def booked(w: Harness) -> list[Row]:
    """The rows of user 1's ledger that count a task."""
    return [row_from(row["SK"]) for row in wiring.table().iterate(keys.ledger(1)) if row["tasks"]]


def test_a_late_cost_counts_on_the_day_it_ended(w: Harness) -> None:
    """The cost of a job that ended after its task was canceled."""
    task = a_kept_task(w)
    w.pass_time(timedelta(days=2).total_seconds())
    after = life_cycle.with_outcome(task, Outcome.SUCCEEDED, cost=Decimal("0.25"), now=w.clock())
    wiring.tasks().record_outcome(task, after)
    assert spent(w) == Decimal("0.25")
    kept = wiring.tasks().kept(task.id, access=Access.own(1))
    assert (kept.status, kept.provider_outcome, kept.cost.actual) == ("canceled", "succeeded", Decimal("0.25"))
    assert violations(read(wiring.table(), 1)) == []


def test_a_late_cost_is_not_added_twice(w: Harness) -> None:
    task = a_kept_task(w)
    after = life_cycle.with_outcome(task, Outcome.SUCCEEDED, cost=Decimal("0.25"), now=w.clock())
    wiring.tasks().record_outcome(task, after)
    with pytest.raises(TaskChanged):
        wiring.tasks().record_outcome(task, after)
    assert spent(w) == Decimal("0.25")


@pytest.mark.parametrize("parent", ["client", "campaign"])
def test_a_late_cost_stays_where_its_task_is_booked(w: Harness, parent: str) -> None:
    task = a_kept_task(w)
    ids = {"client": task.client_id, "campaign": task.campaign_id}
    w.call("DELETE", f"/{parent}s/{ids[parent]}")
    clean_up(w)
    after = life_cycle.with_outcome(task, Outcome.SUCCEEDED, cost=Decimal("0.25"), now=w.clock())
    with pytest.raises(TaskChanged):
        wiring.tasks().record_outcome(task, after)
    (row,) = booked(w)
    assert (row.client, row.campaign) == (task.client_id, task.campaign_id)
    now = wiring.tasks().kept(task.id, access=Access.own(1))
    wiring.tasks().record_outcome(
        now, life_cycle.with_outcome(now, Outcome.SUCCEEDED, cost=Decimal("0.25"), now=w.clock())
    )
    assert (spent(w), violations(read(wiring.table(), 1))) == (Decimal("0.25"), [])


def test_a_fallen_back_task_counts_for_its_last_provider(w: Harness) -> None:
    made = ordered_task(w, provider="fal", model="fal-ai/flux/dev")
    store = wiring.tasks()
    other = Fallback(provider="replicate", model="black-forest-labs/flux-schnell", served_by="sandbox")
    kept = store.note(store.kept(made["id"], access=Access.own(1)), fallbacks=[other])
    store.move(kept, life_cycle.rerouted(kept, REFUSED, now=w.clock()))
    for provider, total in (("fal", 0), ("replicate", 1)):
        assert w.call("GET", "/tasks", query={"provider": provider}).json["total"] == total
    shown = w.call("GET", f"/tasks/{made['id']}").json
    assert [each["error"]["code"] for each in shown["attempts"]] == ["provider_refused"]
    assert violations(read(wiring.table(), 1)) == []
