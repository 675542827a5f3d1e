"""Usage reports over HTTP: whose they are, what they call things, what they refuse, and CSV."""

import csv
import io
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from unittest import mock

import pytest

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.tasks import life_cycle
from atelier.domain.tasks.record import Outcome, Task
from atelier.web import api
from testbed.harness import Harness
from tests.integration.builders import (
    NOBODY,
    SOMEBODY_ELSE,
    Json,
    a_campaign,
    a_canceled_task,
    a_client,
    a_finished_task,
    a_task,
    clean_up,
    places,
    problem,
    shown,
)
from tests.support.fault_injection import faulty_harness, meanwhile

MINE = Access.own(1)


def today(w: Harness) -> dict[str, str]:
    """The range of this day."""
    return {"from": str(w.now.date()), "to": str(w.now.date() + timedelta(days=1))}


def usage(w: Harness, **asked: Any) -> Json:
    return shown(w, "/reports/usage", **today(w) | asked)


def charged(w: Harness, task: Json, cost: str) -> Task:
    """A canceled task, whose job ended afterwards and cost something."""
    kept = wiring.tasks().kept(task["id"], access=MINE)
    after = life_cycle.with_outcome(kept, Outcome.SUCCEEDED, cost=Decimal(cost), now=w.clock())
    return wiring.tasks().record_outcome(kept, after)


def groups(report: Json, *names: str) -> list[tuple[Any, ...]]:
    """The values of these groups in the rows, and the number of tasks."""
    return [(*(row[name] for name in names), row["tasks"]) for row in report["rows"]]


def test_a_report_counts_tasks_that_ended(w: Harness) -> None:
    client = a_client(w)
    done = a_finished_task(w, client_id=client["id"])
    a_canceled_task(w)
    a_task(w)
    report = usage(w, group_by="status,client")
    (made,) = done["outputs"]
    named = {"id": client["id"], "name": "Acme", "deleted": False}
    one = {"start": today(w)["from"], "end": today(w)["to"], "tasks": 1, "cost": "0", "unpriced_tasks": 0}
    took = datetime.fromisoformat(done["completed_at"]) - datetime.fromisoformat(done["created_at"])
    seconds = round(took.total_seconds(), 3)
    assert report["rows"] == [
        {**one, "status": "canceled", "client": None, "outputs": 0, "bytes": 0, "seconds": 0.0},
        {**one, "status": "succeeded", "client": named, "outputs": 1, "bytes": made["bytes"], "seconds": seconds},
    ]
    totals = {"outputs": 1, "bytes": made["bytes"], "cost": "0", "unpriced_tasks": 0}
    assert report["totals"] == {**totals, "tasks": 2, "seconds": pytest.approx(seconds / 2, abs=0.001)}
    assert (report["currency"], report["bucket"], report["group_by"]) == ("USD", "day", ["status", "client"])
    assert {name: report[name] for name in ("from", "to")} == today(w)


def test_costs_are_exact(w: Harness) -> None:
    for cost in ("0.1", "0.2", "0.000001"):
        charged(w, a_canceled_task(w), cost)
    assert usage(w)["totals"]["cost"] == "0.300001"


def test_empty_days_and_months_are_there(w: Harness) -> None:
    report = shown(w, "/reports/usage", **{"from": "2024-01-15", "to": "2024-03-02", "group_by": "model"})
    assert [row["start"] for row in report["rows"]] == [
        str(date(2024, 1, 15) + timedelta(days=number)) for number in range(47)
    ]
    assert {(row["model"], row["tasks"], row["cost"]) for row in report["rows"]} == {(None, 0, "0")}
    months = shown(w, "/reports/usage", **{"from": "2024-01-15", "to": "2024-03-02", "bucket": "month"})
    assert [(row["start"], row["end"]) for row in months["rows"]] == [
        ("2024-01-15", "2024-02-01"),
        ("2024-02-01", "2024-03-01"),
        ("2024-03-01", "2024-03-02"),
    ]


def test_the_last_day_is_exclusive(w: Harness) -> None:
    a_canceled_task(w)
    day = w.now.date()
    before, after = day - timedelta(days=1), day + timedelta(days=1)
    for start, end, tasks in ((before, day, 0), (day, after, 1), (after, after + timedelta(days=1), 0)):
        assert shown(w, "/reports/usage", **{"from": start, "to": end})["totals"]["tasks"] == tasks


def test_a_deleted_client_keeps_its_name(w: Harness) -> None:
    client = a_client(w, "Umbrella")
    campaign = a_campaign(w, client, name="Spring")
    a_canceled_task(w, campaign_id=campaign["id"])
    before = usage(w, group_by="client,campaign")
    w.call("DELETE", f"/clients/{client['id']}")
    named = [
        (
            {"id": client["id"], "name": "Umbrella", "deleted": True},
            {"id": campaign["id"], "name": "Spring", "deleted": True},
            1,
        )
    ]
    assert groups(usage(w, group_by="client,campaign"), "client", "campaign") == named
    clean_up(w)
    after = usage(w, group_by="client,campaign")
    assert groups(after, "client", "campaign") == named
    assert after["totals"] == before["totals"]


def test_a_deleted_campaign_keeps_its_name(w: Harness) -> None:
    campaign = a_campaign(w, name="Spring")
    a_canceled_task(w, campaign_id=campaign["id"])
    w.call("DELETE", f"/campaigns/{campaign['id']}")
    for _ in range(2):
        ((client, shown_campaign, tasks),) = groups(usage(w, group_by="client,campaign"), "client", "campaign")
        assert (client["deleted"], shown_campaign["name"], shown_campaign["deleted"], tasks) == (
            False,
            "Spring",
            True,
            1,
        )
        clean_up(w)


def test_a_name_is_found_while_its_campaign_is_removed() -> None:
    """The cleanup keeps the name and removes the campaign between the two reads of a report."""
    with faulty_harness() as (w, client):
        campaign = a_campaign(w, name="Spring")
        a_canceled_task(w, campaign_id=campaign["id"])
        w.call("DELETE", f"/clients/{campaign['client_id']}")
        with meanwhile(client, lambda: clean_up(w), call="batch_get_item"):
            ((named, _),) = groups(usage(w, group_by="campaign"), "campaign")
        assert (named["name"], named["deleted"]) == ("Spring", True)


def test_a_deleted_task_stays_in_its_report(w: Harness) -> None:
    task = charged(w, a_canceled_task(w), "0.25")
    before = usage(w)
    assert w.call("DELETE", f"/tasks/{task.id}").status == 204
    assert usage(w)["rows"] == before["rows"]


def test_a_late_charge_counts_when_its_task_ended(w: Harness) -> None:
    task = a_canceled_task(w)
    then = today(w)
    w.pass_time(timedelta(days=3).total_seconds())
    charged(w, task, "0.5")
    assert shown(w, "/reports/usage", **then)["totals"]["cost"] == "0.5"
    assert usage(w)["totals"]["tasks"] == 0


def test_a_moved_task_takes_its_spend_along(w: Harness) -> None:
    first, second = a_client(w, "First"), a_client(w, "Second")
    task = charged(w, a_canceled_task(w, client_id=first["id"]), "0.5")
    wiring.tasks().change(
        task.id,
        lambda kept: kept.changed(client_id=second["id"], booked_client_id=second["id"]),
        access=MINE,
    )
    assert [(client["name"], tasks) for client, tasks in groups(usage(w, group_by="client"), "client")] == [
        ("Second", 1)
    ]


def test_unpriced_tasks_are_counted(w: Harness) -> None:
    task = a_canceled_task(w)
    kept = wiring.tasks().kept(task["id"], access=MINE)
    wiring.tasks().record_outcome(kept, life_cycle.with_outcome(kept, Outcome.SUCCEEDED, cost=None, now=w.clock()))
    assert usage(w)["totals"]["unpriced_tasks"] == 1
    charged(w, task, "0.5")
    assert usage(w)["totals"]["unpriced_tasks"] == 0


@pytest.mark.parametrize(
    "query", ["group_by=type,status&type=image,audio", "group_by=type&group_by=status&type=image&type=audio"]
)
def test_several_values_come_with_commas_or_one_by_one(w: Harness, query: str) -> None:
    a_canceled_task(w)
    a_canceled_task(w, kind="video")
    span = "&".join(f"{name}={value}" for name, value in today(w).items())
    answer = w.call("GET", "/reports/usage", query=f"{span}&{query}")
    assert groups(answer.json, "type", "status") == [("image", "canceled", 1)]


def test_a_model_is_found_by_its_alias(w: Harness) -> None:
    a_canceled_task(w, provider="fal", model="fal-ai/flux-pro")
    (model,) = (
        model for model in wiring.catalog().models if model.answers_to("fal-ai/flux-pro") and model.provider == "fal"
    )
    assert groups(usage(w, group_by="model"), "model") == [(model.id, 1)]
    assert (
        usage(w, model="fal-ai/flux-pro")["totals"]
        == usage(w, model=model.id)["totals"]
        != usage(w, model="x")["totals"]
    )


def test_tasks_without_a_client_are_none(w: Harness) -> None:
    a_canceled_task(w)
    a_canceled_task(w, client_id=a_client(w)["id"])
    assert usage(w, client="none")["totals"]["tasks"] == 1
    assert usage(w, campaign="none")["totals"]["tasks"] == 2
    assert usage(w, client=NOBODY)["totals"]["tasks"] == 0


def test_another_accounts_spend_is_in_no_report(w: Harness) -> None:
    client = a_client(w)
    charged(w, a_canceled_task(w, client_id=client["id"]), "0.5")
    with mock.patch("atelier.caller.PLACEHOLDER_USER", SOMEBODY_ELSE):
        assert usage(w)["totals"]["tasks"] == 0
        assert groups(usage(w, group_by="client", client=client["id"]), "client") == [(None, 0)]


def test_every_problem_is_told_at_once(w: Harness) -> None:
    query = {
        "from": "2026-02-30",
        "to": "tomorrow",
        "bucket": "week",
        "group_by": "client,colour",
        "type": "image,text",
        "status": "pending",
        "created_by": "me",
        "format": "xml",
        "colour": "red",
    }
    assert places(w.call("GET", "/reports/usage", query=query)) == set(query)
    assert places(w.call("GET", "/reports/usage")) == {"from", "to"}
    query = {"from": "2026-02-01", "to": "2026-02-01", "group_by": "client,client", "bucket": "year"}
    assert places(w.call("GET", "/reports/usage", query=query)) == {"to", "group_by", "bucket"}


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-02-01", "2026-01-31"),
        ("2024-01-01", "2025-01-02"),
        ("0001-01-01", "9999-12-31"),
        ("2026-01-01", "0001-01-01"),
        ("9999-12-31", "9999-12-31"),
    ],
)
def test_a_range_is_one_to_366_days(w: Harness, start: str, end: str) -> None:
    assert places(w.call("GET", "/reports/usage", query={"from": start, "to": end})) == {"to"}
    leap_year = {"from": "2024-01-01", "to": "2025-01-01"}
    assert len(shown(w, "/reports/usage", **leap_year)["rows"]) == 366


def test_parameters_out_of_bounds_are_named(w: Harness) -> None:
    for name, values in {
        "from": ["", "2026-1-1", "20260101", "1769860800", "2026-01-01T00:00:00Z", " 2026-01-01", "\u0662026-01-01"],
        "group_by": ["", "client,", "client,campaign,type,model", "Client"],
        "created_by": ["", "0", "-1", "1.0", "x", "9" * 20],
        "status": ["", "processing", "SUCCEEDED"],
        "client": [",".join(["x"] * 101), "x" * 256],
        "format": ["", "CSV"],
    }.items():
        for value in values:
            asked = {"from": "2026-01-01", "to": "2026-01-02", name: value}
            assert places(w.call("GET", "/reports/usage", query=asked)) == {name}, value


@pytest.mark.parametrize("how", [{"format": "csv"}, {"Accept": "text/csv"}])
def test_csv_is_asked_for_by_parameter_or_header(w: Harness, how: dict[str, str]) -> None:
    client = a_client(w, "=Acme")
    charged(w, a_canceled_task(w, client_id=client["id"]), "0.25")
    query = {**today(w), "group_by": "client", **({} if "Accept" in how else how)}
    answer = w.call("GET", "/reports/usage", query=query, headers=how if "Accept" in how else {})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    name = f"usage_{query['from']}_{query['to']}.csv"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    (row,) = csv.DictReader(io.StringIO(answer.text, newline=""))
    assert (row["SubAccountId"], row["SubAccountName"], row["BilledCost"]) == (client["id"], "'=Acme", "0.25")


def test_the_format_parameter_wins_over_the_header(w: Harness) -> None:
    answer = w.call("GET", "/reports/usage", query={**today(w), "format": "json"}, headers={"Accept": "text/csv"})
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("how", ["json", "csv"])
def test_a_report_too_large_to_send_is_refused(w: Harness, how: str) -> None:
    with mock.patch.object(api, "LARGEST_ANSWER", 500):
        answer = w.call("GET", "/reports/usage", query={"from": "2026-01-01", "to": "2026-02-01", "format": how})
    assert places(answer) == {"group_by"}
    assert "too large" in problem(answer, 400)["detail"]


def test_more_names_than_one_read_takes_are_found(w: Harness) -> None:
    ids = [a_client(w, f"Client {number}")["id"] for number in range(101)]
    found = wiring.ledger_reader().names(1, "client", ids)
    assert [found[id_].name for id_ in ids] == [f"Client {number}" for number in range(101)]
