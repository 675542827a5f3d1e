"""Budgets: what they show, what they refuse, and what the end of a task gives back."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest

from atelier import settings, wiring
from atelier.domain.access import Access
from atelier.domain.tasks import life_cycle
from atelier.domain.tasks.record import Outcome, Task, TaskError
from atelier.store import keys
from testbed.harness import TABLE, Answer, Harness, harness
from tests.integration.builders import NOBODY, a_campaign, a_client, clean_up, shown
from tests.support.recount import scan, violations

ME = Access.own(1)
PRICE = 0.025  # fal-ai/flux/dev, a megapixel
BROKEN = TaskError(code="provider_error", message="No.", retryable=True)


@pytest.fixture
def w() -> Iterator[Harness]:
    """A deployment with fal, whose prices are known. No worker runs unless the test has it run."""
    with harness() as made, mock.patch.dict("os.environ", FAL_KEY_SECRET="key"):
        for cached in (settings.settings, wiring.generation_context):
            cached.cache_clear()
        yield made


def generate(w: Harness, *, headers: dict[str, str] | None = None, **more: Any) -> Answer:
    body = {"prompt": "A lighthouse", "provider": "fal", "model": "fal-ai/flux/dev", **more}
    return w.call("POST", "/generate/image", body, headers=headers or {})


def budget(w: Harness, path: str = "/account", **change: Any) -> Any:
    if change:
        answer = w.call("PUT", f"{path}/budget", change)
        assert answer.status == 200, answer.text
        return answer.json
    return w.call("GET", f"{path}/budget").json


def left(w: Harness, path: str = "/account") -> tuple[float, float, float]:
    """What is spent, reserved and available."""
    found = budget(w, path)
    return found["spent"], found["reserved"], found["available"]


def kept(answer: Answer) -> Task:
    return wiring.tasks().kept(answer.json["id"], access=ME)


def sent(w: Harness, answer: Answer) -> Task:
    """The task, after its provider has accepted its job."""
    task = wiring.tasks().note(kept(answer), lease_until=w.clock() + timedelta(seconds=90))
    return wiring.tasks().note(task, provider_task_id="job-1")


def succeeded(w: Harness, task: Task, cost: str) -> Task:
    return wiring.tasks().move(task, life_cycle.succeeded(task, outputs=[], cost=Decimal(cost), now=w.clock()))


def adds_up(w: Harness, *deleted: Any) -> bool:
    assert violations(scan(w.dynamodb, TABLE), deleted=deleted) == []
    return True


def at_the_end_of_a_month(w: Harness) -> None:
    """An hour before a month begins."""
    now = w.clock()
    w.pass_time((datetime(now.year + 1, 1, 31, 23, tzinfo=now.tzinfo) - now).total_seconds())


# ------------------------------------------------------------------------------------------------------- refusals


def test_a_budget_that_blocks_is_not_overshot(w: Harness) -> None:
    budget(w, limit=0.06, period="total")
    made = [generate(w) for _ in range(3)]
    assert [each.status for each in made] == [202, 202, 409]
    assert made[2].json["type"] == "urn:atelier:problem:budget-exceeded"
    wanted = {"type": "account", "period": "total", "limit": 0.06, "available": 0.01, "needed": PRICE}
    assert made[2].json["budget"] == wanted
    assert left(w) == (0, 0.05, 0.01)
    assert adds_up(w)


@pytest.mark.parametrize("period", ["month", "total"])
def test_the_last_of_a_limit_may_be_spent(w: Harness, period: str) -> None:
    budget(w, limit=PRICE, period=period)
    assert [generate(w).status for _ in range(2)] == [202, 409]


def test_a_budget_that_warns_refuses_nothing(w: Harness) -> None:
    budget(w, limit=0.01, on_exceeded="warn")
    assert generate(w).status == 202
    assert left(w) == (0, PRICE, 0)
    assert adds_up(w)


@pytest.mark.parametrize("whose", ["client", "campaign"])
def test_each_parent_has_a_budget_of_its_own(w: Harness, whose: str) -> None:
    campaign = a_campaign(w, a_client(w))
    paths = {"client": f"/clients/{campaign['client_id']}", "campaign": f"/campaigns/{campaign['id']}"}
    budget(w, paths[whose], limit=0.03)
    statuses = [generate(w, campaign_id=campaign["id"]).status for _ in range(2)]
    assert statuses == [202, 409]
    assert generate(w).status == 202  # which is not theirs
    assert left(w, paths[whose]) == (0, PRICE, 0.005)
    assert adds_up(w)


def test_all_budgets_of_a_task_are_asked(w: Harness) -> None:
    campaign = a_campaign(w, a_client(w))
    for path in ("/account", f"/clients/{campaign['client_id']}", f"/campaigns/{campaign['id']}"):
        budget(w, path, limit=0.01)
        refused = generate(w, campaign_id=campaign["id"])
        assert refused.status == 409
    assert refused.json["budget"]["type"] == "client"  # the first of those that refuse
    assert adds_up(w)


def test_what_costs_nothing_is_never_refused(w: Harness) -> None:
    budget(w, limit=0)
    body = {"prompt": "A lighthouse", "provider": "sandbox"}
    assert w.call("POST", "/generate/image", body).status == 202


def test_fallbacks_reserve_the_dearest_candidate(w: Harness) -> None:
    budget(w, limit=1)
    body = {"prompt": "A lighthouse", "providers": ["sandbox", "fal"]}
    assert w.call("POST", "/generate/image", body).status == 202
    assert left(w)[1] > 0


def test_a_budget_comes_before_a_limit(w: Harness) -> None:
    with mock.patch.dict("os.environ", OPEN_TASKS_PER_ACCOUNT="1"):
        for cached in (settings.settings, wiring.account_limits, wiring.tasks):
            cached.cache_clear()
        budget(w, limit=0.03)
        assert generate(w).status == 202
        assert generate(w).status == 409
        budget(w, limit=1)
        assert generate(w).status == 429


# --------------------------------------------------------------------------------------------- without a price


@pytest.fixture
def unpriced() -> Iterator[None]:
    with mock.patch("atelier.domain.catalog.Model.estimate", return_value=None):
        yield


@pytest.mark.usefixtures("unpriced")
def test_what_has_no_price_is_refused_under_a_budget(w: Harness) -> None:
    budget(w, limit=100)
    refused = generate(w)
    assert refused.status == 409
    assert "needed" not in refused.json["budget"]
    assert "max_cost" in refused.json["detail"]
    assert generate(w, max_cost=0.5).status == 202
    assert left(w) == (0, 0.5, 99.5)
    assert adds_up(w)


@pytest.mark.usefixtures("unpriced")
def test_a_max_cost_needs_room_as_well(w: Harness) -> None:
    budget(w, limit=1)
    assert [generate(w, max_cost=0.6).status for _ in range(2)] == [202, 409]


@pytest.mark.usefixtures("unpriced")
def test_without_a_price_a_warning_budget_reserves_nothing(w: Harness) -> None:
    budget(w, limit=1, on_exceeded="warn")
    made = generate(w)
    assert left(w) == (0, 0, 1)
    succeeded(w, sent(w, made), "0.3")
    assert left(w) == (0.3, 0, 0.7)
    assert adds_up(w)


def test_a_max_cost_below_the_estimate_is_bad_input(w: Harness) -> None:
    answer = generate(w, max_cost=0.01)
    assert answer.status == 400
    assert answer.json["errors"][0]["pointer"] == "/max_cost"


# --------------------------------------------------------------------------------------------------------- ends


def test_a_cancel_gives_everything_back(w: Harness) -> None:
    budget(w, limit=1)
    made = [generate(w) for _ in range(4)]
    for each in made:
        w.call("POST", f"/tasks/{each.json['id']}/cancel")
    assert left(w) == (0, 0, 1)
    assert adds_up(w)


def test_a_delete_gives_everything_back_once(w: Harness) -> None:
    budget(w, limit=1)
    made = generate(w)
    assert [w.call("DELETE", f"/tasks/{made.json['id']}").status for _ in range(2)] == [204, 404]
    assert left(w) == (0, 0, 1)
    assert adds_up(w)


def test_a_success_settles_to_what_it_cost(w: Harness) -> None:
    campaign = a_campaign(w, a_client(w))
    path = f"/campaigns/{campaign['id']}"
    budget(w, path, limit=1)
    budget(w, limit=2)
    succeeded(w, sent(w, generate(w, campaign_id=campaign["id"])), "0.02")
    assert (left(w, path), left(w)) == ((0.02, 0, 0.98), (0.02, 0, 1.98))
    assert adds_up(w)


def test_a_failure_gives_back_what_was_not_charged(w: Harness) -> None:
    budget(w, limit=1)
    task = sent(w, generate(w))
    wiring.tasks().move(task, life_cycle.failed(task, BROKEN, now=w.clock(), outcome=Outcome.FAILED))
    assert left(w) == (0, 0, 1)


@pytest.mark.parametrize(("outcome", "cost", "spent"), [("canceled", None, 0), ("succeeded", "0.02", 0.02)])
def test_an_unknown_cost_counts_until_it_is_known(w: Harness, outcome: str, cost: str | None, spent: float) -> None:
    """The job of a canceled task may still be charged: what it reserved counts as spent."""
    budget(w, limit=1)
    task = sent(w, generate(w))
    w.call("POST", f"/tasks/{task.id}/cancel")
    assert left(w) == (PRICE, 0, 0.975)
    assert adds_up(w)
    ended = kept_by_id(task.id)
    after = life_cycle.with_outcome(ended, Outcome(outcome), cost=cost and Decimal(cost), now=w.clock())  # type: ignore[arg-type]
    wiring.tasks().record_outcome(ended, after)
    assert left(w) == (spent, 0, 1 - spent)
    assert adds_up(w)


def kept_by_id(task_id: str) -> Task:
    return wiring.tasks().kept(task_id, access=ME)


def reported(w: Harness) -> tuple[str, int, int]:
    """What a report of everything says: cost, tasks, and how many of them have no price."""
    day = w.now.date()
    asked = {"from": day - timedelta(days=2), "to": day + timedelta(days=2), "bucket": "total"}
    found = shown(w, "/reports/usage", **asked)["totals"]
    return found["cost"], found["tasks"], found["unpriced_tasks"]


@pytest.mark.parametrize("how", ["open", "canceled"])
def test_a_deleted_job_that_was_sent_stays_spent(w: Harness, how: str) -> None:
    campaign = a_campaign(w, a_client(w))
    path = f"/campaigns/{campaign['id']}"
    budget(w, path, limit=1)
    task = sent(w, generate(w, campaign_id=campaign["id"]))
    if how == "canceled":
        w.call("POST", f"/tasks/{task.id}/cancel")
        assert reported(w) == ("0", 1, 1)
    w.call("DELETE", f"/tasks/{task.id}")
    assert left(w, path) == (PRICE, 0, 0.975)
    assert reported(w) == ("0.025", 1, 0)


@pytest.mark.parametrize("gone", ["nothing", "campaign", "client"])
def test_a_deleted_job_that_was_stopped_costs_nothing(w: Harness, gone: str) -> None:
    campaign = a_campaign(w, a_client(w))
    for path in ("/account", f"/campaigns/{campaign['id']}"):
        budget(w, path, limit=1)
    task = sent(w, generate(w, campaign_id=campaign["id"]))
    w.call("DELETE", f"/tasks/{task.id}")
    if gone != "nothing":
        w.call("DELETE", f"/{gone}s/{campaign['id' if gone == 'campaign' else 'client_id']}")
        w.cascade.take()
        clean_up(w)
    for _ in range(2):
        wiring.tasks().release_deleted(1, task.id)
    assert left(w) == (0, 0, 1)
    assert reported(w) == ("0", 1, 0)
    if gone == "nothing":
        assert left(w, f"/campaigns/{campaign['id']}") == (0, 0, 1)


def test_the_worker_stops_the_job_of_a_deleted_task(w: Harness) -> None:
    with mock.patch.dict("os.environ", FAL_KEY_SECRET="", SANDBOX_PRICES="list"), other_settings():
        budget(w, limit=1)
        made = generate(w, size="64x64")
        w.relay()
        w.work()  # it is submitted, and runs
        assert w.call("DELETE", f"/tasks/{made.json['id']}").status == 204
        assert left(w) == (PRICE, 0, 0.975)
        w.settle()
        assert left(w) == (0, 0, 1)
    assert reported(w) == ("0", 1, 0)


def test_a_task_deleted_before_it_was_sent_is_nowhere(w: Harness) -> None:
    w.call("DELETE", f"/tasks/{generate(w).json['id']}")
    assert reported(w) == ("0", 0, 0)


def test_a_corrected_cost_is_in_reports_and_budgets(w: Harness) -> None:
    campaign = a_campaign(w, a_client(w))
    path = f"/campaigns/{campaign['id']}"
    budget(w, path, limit=1)
    task = succeeded(w, sent(w, generate(w, campaign_id=campaign["id"])), "0.02")
    for cost in (0.5, 0.5, 0.03):
        answer = w.call("PUT", f"/tasks/{task.id}/cost", {"actual": cost})
        assert (answer.status, answer.json["cost"]["actual"]) == (200, cost)
        assert left(w, path) == (cost, 0, 1 - cost)
        assert reported(w) == (str(cost), 1, 0)
    assert adds_up(w)


def test_a_correction_prices_what_had_no_price(w: Harness) -> None:
    budget(w, limit=1)
    task = sent(w, generate(w))
    assert w.call("PUT", f"/tasks/{task.id}/cost", {"actual": 0.01}).status == 409
    w.call("POST", f"/tasks/{task.id}/cancel")
    assert (left(w), reported(w)) == ((PRICE, 0, 0.975), ("0", 1, 1))
    w.call("PUT", f"/tasks/{task.id}/cost", {"actual": 0.01})
    assert (left(w), reported(w)) == ((0.01, 0, 0.99), ("0.01", 1, 0))
    assert adds_up(w)


def test_a_correction_outlives_the_parents_of_its_task(w: Harness) -> None:
    client = a_client(w)
    task = succeeded(w, sent(w, generate(w, client_id=client["id"])), "0.02")
    w.call("DELETE", f"/clients/{client['id']}")
    clean_up(w)
    assert w.call("PUT", f"/tasks/{task.id}/cost", {"actual": 0.5}).status == 200
    assert budget(w, limit=1)["spent"] == 0.5
    assert reported(w) == ("0.5", 1, 0)


def test_what_a_deleted_task_cost_stays_spent(w: Harness) -> None:
    budget(w, limit=1)
    task = succeeded(w, sent(w, generate(w)), "0.02")
    w.call("DELETE", f"/tasks/{task.id}")
    assert left(w) == (0.02, 0, 0.98)


# ----------------------------------------------------------------------------------------------- retry and replay


def test_a_retry_reserves_anew(w: Harness) -> None:
    budget(w, limit=0.03)
    first = generate(w)
    w.call("POST", f"/tasks/{first.json['id']}/cancel")
    retry = f"/tasks/{first.json['id']}/retry"
    assert [w.call("POST", retry).status for _ in range(2)] == [202, 409]
    assert left(w) == (0, PRICE, 0.005)


def test_a_replay_reserves_nothing(w: Harness) -> None:
    budget(w, limit=0.03)
    made = [generate(w, headers={"Idempotency-Key": "once"}) for _ in range(3)]
    assert [each.status for each in made] == [202, 202, 202]
    assert left(w) == (0, PRICE, 0.005)


def test_a_refused_key_may_be_used_again(w: Harness) -> None:
    budget(w, limit=0.01)
    key = {"Idempotency-Key": "later"}
    assert generate(w, headers=key).status == 409
    budget(w, limit=1)
    assert generate(w, headers=key).status == 202


# -------------------------------------------------------------------------------------------------------- periods


def test_a_month_begins_with_all_of_its_limit(w: Harness) -> None:
    campaign = a_campaign(w, a_client(w))
    paths = ("/account", f"/clients/{campaign['client_id']}", f"/campaigns/{campaign['id']}")
    at_the_end_of_a_month(w)
    for path in paths:
        budget(w, path, limit=0.03)
    assert [generate(w, campaign_id=campaign["id"]).status for _ in range(2)] == [202, 409]
    assert budget(w)["resets_at"][5:] == "02-01T00:00:00.000000Z"
    w.pass_time(3600)
    assert left(w) == (0, 0, 0.03)
    assert [generate(w, campaign_id=campaign["id"]).status for _ in range(2)] == [202, 409]
    assert all(left(w, path) == (0, PRICE, 0.005) for path in paths)
    assert adds_up(w)


def test_an_end_settles_the_month_of_its_reservation(w: Harness) -> None:
    at_the_end_of_a_month(w)
    budget(w, limit=0.03)
    first = sent(w, generate(w))
    w.pass_time(3600)
    generate(w)
    succeeded(w, first, "0.02")
    assert left(w) == (0, PRICE, 0.005)
    assert adds_up(w)


def test_a_total_never_begins_again(w: Harness) -> None:
    budget(w, limit=0.03, period="total")
    assert generate(w).status == 202
    w.pass_time(40 * 86400)
    assert generate(w).status == 409
    assert budget(w)["resets_at"] is None


def test_old_months_are_not_kept(w: Harness) -> None:
    budget(w, limit=1)
    for _ in range(6):
        generate(w)
        w.pass_time(28 * 86400)
    item = wiring.table().get(keys.counters(1, "all")) or {}
    assert len([name for name in item if name.startswith("room|")]) <= 3
    assert adds_up(w)


# ------------------------------------------------------------------------------------------------------- estimates


def estimate(w: Harness, **more: Any) -> Any:
    body = {"prompt": "A lighthouse", "provider": "fal", "model": "fal-ai/flux/dev", **more}
    answer = w.call("POST", "/generate/image/estimate", body)
    assert answer.status == 200, answer.text
    return answer.json


def test_an_estimate_prices_every_candidate(w: Harness) -> None:
    found = estimate(w, provider=None, providers=["fal", "sandbox"])
    asked = {"provider": "fal", "model": "fal-ai/flux/dev", "served_by": "fal", "cost": PRICE}
    assert found["candidates"][0] == asked
    assert [(each["served_by"], each["cost"]) for each in found["candidates"]] == [("fal", PRICE), ("sandbox", 0)]
    assert (found["reserved"], found["currency"], found["exceeded_budgets"]) == (PRICE, "USD", [])


@pytest.mark.parametrize("period", ["month", "total"])
def test_an_estimate_names_budgets_as_the_create_does(w: Harness, period: str) -> None:
    campaign = a_campaign(w, a_client(w))
    for path in ("/account", f"/campaigns/{campaign['id']}"):
        budget(w, path, limit=0.01, period=period)
    found = estimate(w, campaign_id=campaign["id"])["exceeded_budgets"]
    assert [each["type"] for each in found] == ["campaign", "account"]
    assert found[0] == generate(w, campaign_id=campaign["id"]).json["budget"]


def test_an_estimate_finds_room_where_a_create_does(w: Harness) -> None:
    at_the_end_of_a_month(w)
    budget(w, limit=0.03)
    assert estimate(w)["exceeded_budgets"] == []  # no task has begun the month
    generate(w)
    assert estimate(w)["exceeded_budgets"][0]["available"] == 0.005
    w.pass_time(3600)
    assert estimate(w)["exceeded_budgets"] == []


def test_an_estimate_writes_nothing(w: Harness) -> None:
    campaign = a_campaign(w, a_client(w))
    budget(w, f"/campaigns/{campaign['id']}", limit=1)
    before = list(scan(w.dynamodb, TABLE))
    estimate(w, campaign_id=campaign["id"], max_cost=0.5)
    assert list(scan(w.dynamodb, TABLE)) == before


@pytest.mark.parametrize(
    ("wrong", "status"), [({"model": "x"}, 400), ({"max_cost": 0.01}, 400), ({"client_id": NOBODY}, 404)]
)
def test_an_estimate_refuses_what_a_create_refuses(w: Harness, wrong: dict[str, Any], status: int) -> None:
    body = {"prompt": "A lighthouse", "provider": "fal", "model": "fal-ai/flux/dev", **wrong}
    answers = [w.call("POST", f"/generate/image{path}", body) for path in ("/estimate", "")]
    assert [each.status for each in answers] == [status, status]
    assert answers[0].json.get("errors") == answers[1].json.get("errors")


@pytest.mark.usefixtures("unpriced")
def test_without_a_price_there_is_no_estimate(w: Harness) -> None:
    budget(w, limit=1)
    found = estimate(w)
    assert (found["candidates"][0]["cost"], found["reserved"]) == (None, None)
    assert found["exceeded_budgets"][0]["needed"] is None
    found = estimate(w, max_cost=0.5)
    assert (found["candidates"][0]["cost"], found["reserved"], found["exceeded_budgets"]) == (None, 0.5, [])


def test_the_sandbox_may_cost_what_it_stands_for(w: Harness) -> None:
    prices = {"FAL_KEY_SECRET": "", "SANDBOX_PRICES": "list"}
    with mock.patch.dict("os.environ", prices), other_settings():
        budget(w, limit=0.03)
        made = generate(w, size="64x64")
        assert (made.json["served_by"], left(w)) == ("sandbox", (0, PRICE, 0.005))
        assert generate(w).status == 409
        w.settle()
        assert (shown(w, f"/tasks/{made.json['id']}")["cost"]["actual"], left(w)) == (PRICE, (PRICE, 0, 0.005))
    assert adds_up(w)


@contextmanager
def other_settings() -> Iterator[None]:
    cached = (settings.settings, wiring.models, wiring.catalog, wiring.providers, wiring.pipeline)
    for each in (*cached, wiring.generation_context):
        each.cache_clear()
    yield


# -------------------------------------------------------------------------------------------- setting and removing


@pytest.mark.parametrize("period", ["month", "total"])
def test_a_new_budget_knows_what_was_spent(w: Harness, period: str) -> None:
    succeeded(w, sent(w, generate(w)), "0.02")
    generate(w)
    assert budget(w, limit=1, period=period)["spent"] == 0.02
    assert left(w) == (0.02, PRICE, 0.955)
    assert adds_up(w)


def test_a_lower_limit_stops_new_work_only(w: Harness) -> None:
    budget(w, limit=1)
    made = [generate(w) for _ in range(2)]
    assert budget(w, limit=0.03)["available"] == 0
    assert generate(w).status == 409
    succeeded(w, sent(w, made[0]), "0.025")
    assert left(w) == (PRICE, PRICE, 0)
    assert adds_up(w)


def test_the_period_of_a_budget_may_change(w: Harness) -> None:
    budget(w, limit=1)
    generate(w)
    budget(w, limit=0.04, period="total", on_exceeded="warn")
    assert left(w) == (0, PRICE, 0.015)
    assert generate(w).status == 202
    budget(w, limit=0.04, period="month")
    assert generate(w).status == 409
    assert adds_up(w)


def test_a_removed_budget_is_no_limit(w: Harness) -> None:
    budget(w, limit=0.01)
    assert generate(w).status == 409
    assert w.call("DELETE", "/account/budget").status == 204
    assert generate(w).status == 202
    assert w.call("GET", "/account/budget").status == 404
    assert w.call("DELETE", "/account/budget").status == 404
    assert budget(w, limit=1)["reserved"] == PRICE
    assert adds_up(w)


def test_the_account_shows_its_budget(w: Harness) -> None:
    assert w.call("GET", "/account").json["budget"] is None
    budget(w, limit=5)
    shown = w.call("GET", "/account").json["budget"]
    assert (shown["limit"], shown["on_exceeded"]) == (5, "block")


@pytest.mark.parametrize("kind", ["client", "campaign"])
def test_a_budget_goes_with_its_resource(w: Harness, kind: str) -> None:
    campaign = a_campaign(w, a_client(w))
    path = f"/clients/{campaign['client_id']}" if kind == "client" else f"/campaigns/{campaign['id']}"
    budget(w, path, limit=1)
    generate(w, campaign_id=campaign["id"])
    assert w.call("DELETE", path).status == 204
    for method in ("GET", "DELETE"):
        assert w.call(method, f"{path}/budget").status == 404
    assert w.call("PUT", f"{path}/budget", {"limit": 1}).status == 404
    assert adds_up(w)


@pytest.mark.parametrize(
    "bad",
    [
        {},
        {"limit": -1},
        {"limit": "1"},
        {"limit": True},
        {"limit": 0.0000001},
        {"limit": 5e-324},
        {"limit": 33.3333333},
        {"limit": 1e12},
        {"limit": 1, "period": "week"},
        {"limit": 1, "colour": "blue"},
    ],
)
def test_a_bad_budget_is_refused(w: Harness, bad: dict[str, Any]) -> None:
    assert w.call("PUT", "/account/budget", bad).status == 400
    assert w.call("GET", "/account/budget").status == 404
