"""A usage report as CSV: FOCUS's columns, and nothing that a spreadsheet would take for a formula."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

import pytest

from atelier.domain.csv_text import inert
from atelier.domain.usage_report import Bucket, Group, NamedResource, UsageAmounts, UsageReport, UsageRow
from atelier.web.usage_reports import prefers_csv, usage_csv
from tests.support.builders import an_id

AMOUNTS: Final[dict[str, Any]] = {
    "tasks": 3,
    "outputs": 4,
    "bytes": 5500,
    "seconds": 1.667,
    "cost": Decimal("0.000012"),
    "unpriced_tasks": 1,
}


def a_report(*rows: dict[str, Any], group_by: list[Group]) -> UsageReport:
    begins, ends = date(2026, 11, 1), date(2026, 11, 2)
    return UsageReport(
        from_=begins,
        to=ends,
        bucket=Bucket.DAY,
        group_by=group_by,
        currency="USD",
        as_of=datetime(2026, 12, 1, tzinfo=UTC),
        rows=[UsageRow(start=begins, end=ends, **AMOUNTS | row) for row in rows],
        totals=UsageAmounts(**AMOUNTS),
    )


def cells(report: UsageReport) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(usage_csv(report), newline="")))


def named(name: str) -> NamedResource:
    return NamedResource(id=an_id(), name=name, deleted=True)


def test_columns_are_named_after_focus() -> None:
    groups = [Group.CLIENT, Group.PROVIDER, Group.MODEL]
    client = named('Ärzte, "Nord"')
    (row,) = cells(a_report({"client": client, "provider": "fal", "model": "flux"}, group_by=groups))
    assert row == {
        "ChargePeriodStart": "2026-11-01T00:00:00Z",
        "ChargePeriodEnd": "2026-11-02T00:00:00Z",
        "SubAccountId": client.id,
        "SubAccountName": 'Ärzte, "Nord"',
        "x_ClientDeleted": "true",
        "ServiceProviderName": "fal",
        "SkuId": "flux",
        "BillingCurrency": "USD",
        "BilledCost": "0.000012",
        "x_Tasks": "3",
        "x_Outputs": "4",
        "x_Bytes": "5500",
        "x_MeanSeconds": "1.667",
        "x_UnpricedTasks": "1",
    }


def test_every_group_has_columns() -> None:
    for group in Group:
        (row,) = cells(a_report({}, group_by=[group]))
        columns = set(row) - set(cells(a_report({}, group_by=[]))[0])
        assert columns
        assert {row[column] for column in columns} == {""}


def test_a_large_cost_is_written_in_full() -> None:
    for cost, text in ((Decimal("1E+3"), "1000"), (Decimal("1234567.000001"), "1234567.000001"), (Decimal(0), "0")):
        assert cells(a_report({"cost": cost}, group_by=[]))[0]["BilledCost"] == text


@pytest.mark.parametrize("character", ["=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20"])
def test_no_cell_begins_a_formula(character: str) -> None:
    for before in ("", " ", "\t", "Acme;", 'Acme";', "Acme\r\n", "Acme, ", "Acme\t", 'Acme",', "Acme|"):
        name = f"{before}{character}cmd|' /C calc'!A0"
        (row,) = cells(a_report({"client": named(name)}, group_by=[Group.CLIENT]))
        for separator in (",", ";", "\t", "|", '"', "\r", "\n"):
            for cell in row["SubAccountName"].split(separator):
                assert cell.lstrip(" \t")[:1] != character
        assert row["SubAccountName"].replace("'", "") == name.replace("'", "")


def test_other_programs_find_no_formula_either() -> None:
    """Whoever separates cells by something else, or does not know quotes."""
    text = usage_csv(a_report({"client": named('Acme;=1+1,"=2+2"\t=3+3')}, group_by=[Group.CLIENT]))
    for separator in (",", ";", "\t", "|"):
        for quoting in (csv.QUOTE_MINIMAL, csv.QUOTE_NONE):
            for line in csv.reader(io.StringIO(text, newline=""), delimiter=separator, quoting=quoting):
                assert not [cell for cell in line if cell.lstrip(' \t"').startswith(("=", "+", "-", "@"))]


def test_a_cell_does_not_begin_with_a_control_character() -> None:
    for character in ("\t", "\r"):
        assert inert(f"{character}x") == f"'{character}x"


def test_ordinary_names_stay_as_they_are() -> None:
    for name in ("Acme", "Coca-Cola", "Müller + Söhne", "a@b", "1=1", "50%", "Acme, Inc.", "O'Neill", ""):
        assert inert(name) == name


@pytest.mark.parametrize(
    ("accept", "csv_is_better"),
    [
        ("", False),
        ("text/csv", True),
        ("text/csv; charset=utf-8", True),
        ("TEXT/CSV", True),
        ("text/*", True),
        ("*/*", False),
        ("application/json", False),
        ("text/csv, */*;q=0.1", True),
        ("text/csv;q=0.5, application/json", False),
        ("application/json;q=0.5, text/csv;q=0.6", True),
        ("text/csv;q=0", False),
        ("text/csv;q=x", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
    ],
)
def test_the_accept_header_chooses_the_format(accept: str, csv_is_better: bool) -> None:
    assert prefers_csv(accept) is csv_is_better


def test_a_text_of_separators_takes_no_longer() -> None:
    """What looks behind each of them for the end of all would take minutes."""
    text = "a" + "\t" * 150_000 + "b"
    assert inert(text) == text
