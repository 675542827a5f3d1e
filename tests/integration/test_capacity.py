"""What requests ask of DynamoDB: docs/capacity.md says what the code does, and the ceilings hold."""

import json
from typing import Final
from unittest import mock

import pytest
from moto.dynamodb.models.table import Table as KeptTable

from atelier.web.routes import document
from bench.calls import usage
from bench.capacity import (
    CHILDREN,
    DOCUMENT,
    LISTS,
    Calls,
    Measured,
    Measuring,
    is_count,
    measured,
    measuring,
    page,
    rewritten,
)
from bench.samples import CLIENT
from testbed.harness import TABLE
from tests.support.recount import scan, violations

pytestmark = pytest.mark.only_on_moto  # it measures in moto's own memory

MOTOS_OWN_QUERY: Final = KeptTable.query

BEYOND: Final = {
    "/clients?page=2",
    "/clients?search=acme",
    "/campaigns?status=archived&sort_by=name",
    "/campaigns?client_id={client_id}&sort_by=name",
    "/campaigns?client_id={client_id}&status=active",
    "/clients/{client_id}/campaigns?status=active",
    "/tasks?page=2",
    "/tasks?type=audio",
    "/tasks?status=failed",
    "/tasks?status=processing",
    "/tasks?campaign_id={campaign_id}&status=failed",
    "/tasks?created_from={midway}",
    "/tasks?created_to={midway}",
}
"""Lists that are not within the ceiling; docs/capacity.md says why."""


@pytest.fixture(scope="module", autouse=True)
def _pictures_are_drawn_once() -> None:
    """Here each is drawn: their sizes are in items that are measured."""


@pytest.fixture(scope="module")
def found() -> Measured:
    """Everything, measured once."""
    return measured()


def read_by(calls: Calls) -> list[str]:
    """The sort keys of what was read, without ids."""
    return sorted(sk.partition("#")[0] for call in calls for _, sk in call.read)


# ---------------------------------------------------------------------------------------------------- the document


def test_the_document_says_what_the_code_does(found: Measured) -> None:
    text = DOCUMENT.read_text()
    assert rewritten(text, found) == text, "bench/capacity.py rewrites it"


def test_every_endpoint_has_a_row(found: Measured) -> None:
    paths = json.loads(document())["paths"]
    documented = {
        f"{method.upper()} {path.removeprefix('/api/v3')}" for path, methods in paths.items() for method in methods
    }
    assert {row.partition(",")[0] for row in found.requests} == documented


# ---------------------------------------------------------------------------------------------------- the ceilings


@pytest.mark.parametrize(
    ("row", "items"),
    [
        ("GET /clients/{client_id}", ["CLIENT", "TEXT"]),
        ("GET /campaigns/{campaign_id}", ["CAMPAIGN", "SUMMARY", "TEXT"]),
        ("GET /tasks/{task_id}", ["DETAIL", "SUMMARY", "TASK"]),
        ("GET /tasks/{task_id}/result", ["SUMMARY", "TASK"]),
    ],
)
def test_a_get_is_one_round_trip_of_two_items(found: Measured, row: str, items: list[str]) -> None:
    """The resource itself and the account's summary."""
    calls = found.requests[row]
    assert usage(calls).round_trips == len(calls) == 1
    assert read_by(calls) == items


@pytest.mark.parametrize("each", [each for each in LISTS if each not in BEYOND])
def test_a_page_is_one_round_trip_at_any_size(found: Measured, each: str) -> None:
    """It reads little more than itself, whatever the size of the catalogue."""
    for listed in (found.few[each], found.many[each]):
        took = usage(listed.calls)
        assert (took.calls, took.round_trips) == (2, 1)
        assert listed.read <= 1.2 * listed.own


def test_a_page_reads_only_its_own_counters(found: Measured) -> None:
    """The account's summary and the counters of its scope, and no others."""
    for each in LISTS:
        counts = {sk for call in found.many[each].calls for _, sk in call.read if is_count(sk)}
        assert "SUMMARY" in counts, each
        assert len(counts) <= 2, each


def test_a_guests_first_page_is_two_round_trips(found: Measured) -> None:
    """With ten shares of clients and ten of campaigns."""
    for row in ("GET /clients, of a guest", "GET /campaigns, of a guest", "GET /tasks, of a guest", "GET /shares"):
        assert usage(found.requests[row]).round_trips == 2, row


def test_lists_beyond_the_ceiling_are_the_documented_ones(found: Measured) -> None:
    assert {each for each in LISTS if not found.is_within(each)} == BEYOND


def test_creating_a_campaign_is_one_transaction_of_five_items(found: Measured) -> None:
    """At most five."""
    for row in ("POST /campaigns", "POST /campaigns, with an idempotency key", "POST /clients/{client_id}/campaigns"):
        (call,) = found.requests[row]
        assert call.operation == "TransactWriteItems"
        assert len(call.written) <= 5


def test_long_guidelines_are_written_once(found: Measured) -> None:
    assert usage(found.requests["POST /clients, guidelines of 32 KB"]).write_units <= 2 * 33 + 15
    beside = usage(found.requests["PATCH /clients/{client_id}, beside guidelines of 32 KB"])
    assert beside.write_units <= usage(found.requests["PATCH /clients/{client_id}"]).write_units


def test_long_guidelines_cost_at_most_one_more_read(found: Measured) -> None:
    for row, more in (
        ("GET /clients/{client_id}, guidelines of 32 KB", 0),
        ("GET /clients, guidelines of 32 KB each", 1),
    ):
        took, usual = (usage(found.requests[each]) for each in (row, row.partition(",")[0]))
        assert (took.calls, took.round_trips) == (usual.calls + more, usual.round_trips + more)


def test_deleting_a_client_is_always_two_round_trips(found: Measured) -> None:
    """Whatever the client has."""
    none, *others = (usage(found.deletes[children]) for children in CHILDREN)
    assert none.round_trips == none.calls == 2
    for took in others:
        assert took[:6] == none[:6], "calls, items and units"
        more = took.beyond(none)
        assert more.asked + more.answered < 256, "counts, and their digits"


def test_cleanup_writes_one_item_per_task_four_per_campaign(found: Measured) -> None:
    """A campaign's name is kept and its end is logged, and then it and its counters are deleted."""
    assert {row: found.clean_ups[row].items_written for row in found.clean_ups if row.startswith("for each")} == {
        "for each campaign of a client": 4,
        "for each task of a client": 1,
        "for each task of a campaign": 1,
    }


def test_a_report_costs_its_rows_not_its_tasks(found: Measured) -> None:
    """A year of 100,000 tasks takes at most 1.2 times of what one of 100 takes for the same rows."""
    few, many, *larger = (usage(calls) for calls in found.reports.values())
    assert few.items_read == many.items_read == 101, "100 rows, and that of the picture that they are copies of"
    for name in few._fields:
        assert getattr(many, name) <= 1.2 * getattr(few, name), name
    assert all(took.read_units > many.read_units for took in larger)


# ---------------------------------------------------------------------------------------- what it is measured with


def shown(it: Measuring) -> list[tuple[list[str], int]]:
    """What is on every page, and how much there is in all."""
    pages = [page(it, each, page_size="5") for each in LISTS if "cursor" not in each]
    return [([item["id"] for item in page["items"]], page["total"]) for page in pages]


def test_the_emulators_pages_are_those_of_moto_itself() -> None:
    with measuring() as it:
        it.fill(12)
        ours = shown(it)
        with mock.patch.object(KeptTable, "query", MOTOS_OWN_QUERY):
            assert shown(it) == ours


def test_a_multiplied_table_equals_a_created_one() -> None:
    with measuring() as it:
        it.fill(60)
        assert violations(scan(it.made.dynamodb, TABLE), at_rest=True) == []
        assert page(it, "/tasks?client_id={client_id}")["total"] == 60


def test_a_refused_transaction_leaves_the_table_unchanged() -> None:
    with measuring() as it:
        it.names["client_id"] = it.create("POST /clients", CLIENT)
        first = it.call("POST /clients", CLIENT, headers={"Idempotency-Key": "key"})
        before = list(scan(it.made.dynamodb, TABLE))
        again = it.call("POST /clients", CLIENT, headers={"Idempotency-Key": "key"})
        assert again.json == first.json
        assert list(scan(it.made.dynamodb, TABLE)) == before
