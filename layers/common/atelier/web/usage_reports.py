"""A usage report as it is sent: JSON, or CSV whose columns are those of FOCUS 1.3 where it has them.

FOCUS is the FinOps Open Cost and Usage Specification (https://focus.finops.org); columns of our own begin with `x_`.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from atelier.domain.csv_text import csv_line
from atelier.domain.errors import FieldError
from atelier.domain.usage_report import Group, NamedResource, UsageReport, UsageRow
from atelier.web.api import JSON, Reply, bounded_response

CSV: Final = "text/csv"
_TOO_LARGE: Final = FieldError(
    "this report is too large to be sent; ask for fewer days or groups", parameter="group_by"
)

_RESOURCES: Final[Mapping[Group, tuple[str, str, str]]] = {
    Group.CLIENT: ("SubAccountId", "SubAccountName", "x_ClientDeleted"),
    Group.CAMPAIGN: ("x_CampaignId", "x_CampaignName", "x_CampaignDeleted"),
}
_GROUPS: Final[Mapping[Group, str]] = {
    Group.TYPE: "x_TaskType",
    Group.PROVIDER: "ServiceProviderName",
    Group.MODEL: "SkuId",
    Group.STATUS: "x_TaskStatus",
    Group.CREATED_BY: "x_CreatedBy",
}
_AMOUNTS: Final[Mapping[str, Callable[[UsageRow], Any]]] = {
    "BilledCost": lambda row: row.cost,
    "x_Tasks": lambda row: row.tasks,
    "x_Outputs": lambda row: row.outputs,
    "x_Bytes": lambda row: row.bytes,
    "x_MeanSeconds": lambda row: row.seconds,
    "x_UnpricedTasks": lambda row: row.unpriced_tasks,
}


def usage_response(report: UsageReport, *, wanted: str | None, accept: str | None) -> Reply:
    """A report in the format that is wanted, else in that which the `Accept` header prefers; JSON by default.

    Raises Invalid for one that is larger than a Lambda may answer.
    """
    if wanted == "csv" or (wanted is None and prefers_csv(accept or "")):
        name = f"usage_{report.from_}_{report.to}.csv"
        return bounded_response(
            usage_csv(report),
            content_type=f"{CSV}; charset=utf-8",
            too_large=_TOO_LARGE,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )
    body = report.model_dump_json(by_alias=True, exclude_unset=True)
    return bounded_response(body, content_type=JSON, too_large=_TOO_LARGE)


def prefers_csv(accept: str) -> bool:
    """Whether an `Accept` header prefers CSV to JSON (RFC 9110, section 12.5.1)."""
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        media, *parameters = (each.strip() for each in part.split(";"))
        weight = next((each.removeprefix("q=") for each in parameters if each.startswith("q=")), "1")
        weights[media] = float(weight) if re.fullmatch(r"[01](\.[0-9]{0,3})?", weight) else 0
    csv, json = (_weight(weights, media) for media in (CSV, JSON))
    return csv > json


def _weight(weights: Mapping[str, float], media: str) -> float:
    ranges = (media, f"{media.partition('/')[0]}/*", "*/*")
    return next((weights[each] for each in ranges if each in weights), 0)


def usage_csv(report: UsageReport) -> str:
    """The rows of a report as CSV (RFC 4180), in UTF-8, which no spreadsheet takes for formulas. It has no totals."""
    lines = [_columns(report.group_by), *(list(_cells(row, report)) for row in report.rows)]
    return "".join(map(csv_line, lines))


def _columns(groups: Sequence[Group]) -> list[str]:
    named = [name for group in groups for name in (_RESOURCES.get(group) or (_GROUPS[group],))]
    return ["ChargePeriodStart", "ChargePeriodEnd", *named, "BillingCurrency", *_AMOUNTS]


def _cells(row: UsageRow, report: UsageReport) -> Iterator[Any]:
    yield from (_midnight(row.start), _midnight(row.end))
    for group in report.group_by:
        value = getattr(row, group)
        if group not in _RESOURCES:
            yield value
        elif isinstance(value, NamedResource):
            yield from (value.id, value.name, value.deleted)
        else:
            yield from (None, None, None)
    yield report.currency
    yield from (amount(row) for amount in _AMOUNTS.values())


def _midnight(day: date) -> str:
    return f"{day}T00:00:00Z"
