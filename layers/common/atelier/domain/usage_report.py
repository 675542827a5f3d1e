"""Usage reports: rows of the ledger, added up by time and by up to three of the things that they say.

A report is a function of the ledger's rows of its days, so its cost depends on how many of these there are, and not on
how many tasks they count. Amounts are whole numbers until they are shown: sums of reports are exact.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, Final, Literal, Protocol

from pydantic import BaseModel, BeforeValidator, Field, PlainSerializer, ValidationInfo, WithJsonSchema, field_validator

from atelier.domain.ledger import AMOUNTS, Row
from atelier.domain.money import from_millionths
from atelier.domain.pages import FROM_TEXT, OWNER, AccountNumber
from atelier.domain.schema import UNASSIGNED, QueryId, RequestModel, Timestamp
from atelier.domain.sharing import ACCOUNT, Grant
from atelier.domain.tasks.record import TaskType

LONGEST: Final = 366
"""Days of a report, at most."""
MOST_GROUPS: Final = 3
MOST_VALUES: Final = 100
CURRENCY: Final = "USD"
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Bucket(StrEnum):
    """What a row of a report covers: a day, a calendar month, or the whole range."""

    DAY = "day"
    MONTH = "month"
    TOTAL = "total"


class Group(StrEnum):
    """What rows can be told apart by; each is a field of `ledger.Row`."""

    CLIENT = "client"
    CAMPAIGN = "campaign"
    TYPE = "type"
    PROVIDER = "provider"
    MODEL = "model"
    STATUS = "status"
    CREATED_BY = "created_by"


NAMED: Final = (Group.CLIENT, Group.CAMPAIGN)
"""Groups that are resources, which have names."""


def _only_a_date(value: Any) -> Any:
    # pydantic would also take a number of seconds, or a time at midnight.
    if isinstance(value, str) and not _DATE.fullmatch(value):
        raise ValueError("must be a date such as 2026-01-31")
    return value


QueryDate = Annotated[date, BeforeValidator(_only_a_date)]
_UpTo = Field(max_length=MOST_VALUES)


class UsageQuery(RequestModel):
    """What to report. Parameters with several values are given once with commas, or several times."""

    from_: Annotated[QueryDate, Field(alias="from", description="The first day, in UTC.")]
    to: Annotated[QueryDate, Field(description="The day after the last one, in UTC; at most 366 days after `from`.")]
    bucket: Annotated[Bucket, Field(description="What a row covers.")] = Bucket.DAY
    group_by: Annotated[
        tuple[Group, ...], Field(max_length=MOST_GROUPS, description="What to have rows of its own for.")
    ] = ()
    client: Annotated[
        tuple[QueryId, ...], _UpTo, Field(description="Only of these clients; `none`: without a client.")
    ] = ()
    campaign: Annotated[
        tuple[QueryId, ...], _UpTo, Field(description="Only of these campaigns; `none`: without a campaign.")
    ] = ()
    type: Annotated[tuple[TaskType, ...], _UpTo, Field(description="Only of these types.")] = ()
    provider: Annotated[
        tuple[Annotated[str, Field(max_length=64)], ...], _UpTo, Field(description="Only of these providers.")
    ] = ()
    model: Annotated[
        tuple[Annotated[str, Field(max_length=255)], ...],
        _UpTo,
        Field(description="Only of these models, by id or alias."),
    ] = ()
    status: Annotated[
        tuple[Literal["succeeded", "failed", "canceled"], ...],
        _UpTo,
        Field(description="Only of tasks that ended like this."),
    ] = ()
    created_by: Annotated[
        tuple[Annotated[int, Field(ge=1, le=10**15 - 1), FROM_TEXT], ...],
        _UpTo,
        Field(description="Only of tasks that these users created."),
    ] = ()
    owner: Annotated[AccountNumber | None, Field(**OWNER)] = None
    format: Annotated[
        Literal["json", "csv"] | None, Field(description="Without it, the `Accept` header decides; JSON by default.")
    ] = None

    @field_validator("to")
    @classmethod
    def _in_range(cls, to: date, info: ValidationInfo) -> date:
        start = info.data.get("from_")
        if start is not None and to <= start:
            raise ValueError("must be after from")
        if start is not None and (to - start).days > LONGEST:
            raise ValueError(f"must be at most {LONGEST} days after from")
        return to

    @field_validator("group_by")
    @classmethod
    def _distinct(cls, group_by: tuple[Group, ...]) -> tuple[Group, ...]:
        if len(set(group_by)) < len(group_by):
            raise ValueError("must not name a group twice")
        return group_by


Dollars = Annotated[
    Decimal,
    PlainSerializer(lambda amount: format(amount, "f"), return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,6})?$"}),
]
"""An amount as text, exact to the millionth of a dollar."""


class NamedResource(BaseModel):
    """A client or campaign of a report. A deleted one keeps its name."""

    id: Annotated[str, Field(json_schema_extra={"format": "uuid"})]
    name: str | None
    deleted: bool


class UsageAmounts(BaseModel):
    """What tasks that ended add up to."""

    tasks: Annotated[int, Field(description="Tasks that ended.")]
    outputs: Annotated[int, Field(description="Files that they made.")]
    bytes: Annotated[int, Field(description="Size of these files.")]
    seconds: Annotated[float, Field(description="Mean time from creation to end, to the millisecond; 0 without tasks.")]
    cost: Annotated[Dollars, Field(description="What providers charged, as far as it is known.")]
    unpriced_tasks: Annotated[
        int, Field(description="Tasks that may have been charged without anybody having said how much.")
    ]


class RowKey(BaseModel):
    """What a row is about: a bucket of time, and one value of each group of the report. Other groups are left out.

    A group is null for tasks without a client or campaign, and in the one row of a bucket in which nothing ended.
    """

    start: Annotated[date, Field(description="The first day of the row.")]
    end: Annotated[date, Field(description="The day after its last one.")]
    client: NamedResource | None = None
    campaign: NamedResource | None = None
    type: TaskType | None = None
    provider: str | None = None
    model: str | None = None
    status: str | None = None
    created_by: int | None = None


class UsageRow(UsageAmounts, RowKey):
    """One row of a report."""


class UsageReport(BaseModel):
    """A usage report. `totals` are of the whole range; `as_of` says when the ledger was read."""

    from_: Annotated[date, Field(serialization_alias="from")]
    to: date
    bucket: Bucket
    group_by: list[Group]
    currency: Literal["USD"]
    as_of: Timestamp
    rows: list[UsageRow]
    totals: UsageAmounts


class Ledger(Protocol):
    """An account's ledger."""

    def rows(self, account: int, *, start: date, end: date) -> Iterable[tuple[Row, Mapping[str, int]]]:
        """The rows of the days from `start` up to and without `end`, and what each adds up, by `ledger.AMOUNTS`."""

    def names(self, account: int, kind: str, ids: Collection[str]) -> Mapping[str, NamedResource]:
        """What resources of a kind are called, deleted ones included."""


ModelId = Callable[[str, str], str]
"""The id of a provider's model by its id or alias."""


def usage_report(
    query: UsageQuery,
    *,
    account: int,
    ledger: Ledger,
    model_id: ModelId,
    now: datetime,
    grants: Collection[Grant] | None = None,
) -> UsageReport:
    """What an account's tasks that ended in a range of days add up to; with `grants`, those that they cover."""
    buckets = Buckets(query.from_, query.to, query.bucket)
    # Asked for only where it matters, and once for each model.
    model_id = cache(model_id) if query.model or Group.MODEL in query.group_by else lambda _, name: name
    wanted, groups = _filter(query, model_id), query.group_by
    sums: dict[tuple[Any, ...], list[int]] = {}
    for row, amounts in ledger.rows(account, start=query.from_, end=query.to):
        shown = row._replace(model=model_id(row.provider, row.model))
        # A row that everything was moved away from is as good as none.
        if any(amounts.values()) and wanted(shown) and _is_covered(shown, grants):
            key = (buckets.start_of(row.day), *(getattr(shown, group) for group in groups))
            sums[key] = _added(sums.get(key, [0] * len(AMOUNTS)), amounts)
    names: dict[Group, Mapping[str, NamedResource]] = {
        group: _visible(ledger.names(account, group, {key[at] for key in sums} - {UNASSIGNED}), group, grants)
        for at, group in enumerate(groups, 1)
        if group in NAMED
    }
    return UsageReport(
        from_=query.from_,
        to=query.to,
        bucket=query.bucket,
        group_by=list(groups),
        currency=CURRENCY,
        as_of=now,
        rows=list(_rows(sums, buckets, groups, names)),
        totals=UsageAmounts(**_amounts([sum(each) for each in zip(*sums.values(), strict=True)])),
    )


def _is_covered(row: Row, grants: Collection[Grant] | None) -> bool:
    return grants is None or any(each.kind == ACCOUNT or getattr(row, each.kind) == each.id for each in grants)


def _visible(
    names: Mapping[str, NamedResource], group: Group, grants: Collection[Grant] | None
) -> Mapping[str, NamedResource]:
    """The names that may be seen: a guest of a campaign does not see what its client is called."""
    if grants is None or group is not Group.CLIENT:
        return names
    seen = {each.id for each in grants if each.kind == "client"}
    is_all = any(each.kind == ACCOUNT for each in grants)
    return {id_: it if is_all or id_ in seen else it.model_copy(update={"name": None}) for id_, it in names.items()}


class Buckets:
    """The buckets of a range of days. The first and the last month are as long as the range lets them be."""

    def __init__(self, start: date, end: date, bucket: Bucket) -> None:
        self._starts: dict[str, date] = {}
        began: dict[str, date] = {}
        for number in range((end - start).days):
            day = start + timedelta(days=number)
            name = {Bucket.DAY: str(day), Bucket.MONTH: str(day)[:7], Bucket.TOTAL: ""}[bucket]
            self._starts[str(day)] = began.setdefault(name, day)
        starts = list(began.values())
        self.ends = dict(zip(starts, [*starts[1:], end], strict=True))
        """Where each bucket ends, by its first day, in their order."""

    def start_of(self, day: str) -> date:
        """The first day of the bucket of a day."""
        return self._starts[day]


def _filter(query: UsageQuery, model_id: ModelId) -> Callable[[Row], bool]:
    asked = {group: set(getattr(query, group)) for group in Group if group is not Group.MODEL and getattr(query, group)}

    def wanted(row: Row) -> bool:
        return all(getattr(row, group) in values for group, values in asked.items()) and (
            not query.model or row.model in {model_id(row.provider, name) for name in query.model}
        )

    return wanted


def _added(sums: list[int], amounts: Mapping[str, int]) -> list[int]:
    return [total + amounts.get(name, 0) for total, name in zip(sums, AMOUNTS, strict=True)]


def _rows(
    sums: Mapping[tuple[Any, ...], list[int]],
    buckets: Buckets,
    groups: tuple[Group, ...],
    names: Mapping[Group, Mapping[str, NamedResource]],
) -> Iterator[UsageRow]:
    empty = buckets.ends.keys() - {start for start, *_ in sums}
    nothing = [((start, *[None] * len(groups)), [0] * len(AMOUNTS)) for start in empty]
    # Buckets without tasks have one row each, so that the Nones of their groups are never compared.
    for (start, *values), sums_of_row in sorted([*sums.items(), *nothing]):
        told = {
            str(group): names[group].get(value) if group in NAMED else value
            for group, value in zip(groups, values, strict=True)
        }
        yield UsageRow(start=start, end=buckets.ends[start], **told, **_amounts(sums_of_row))


def _amounts(sums: list[int]) -> dict[str, Any]:
    named = dict(zip(AMOUNTS, sums or [0] * len(AMOUNTS), strict=True))
    tasks = named["tasks"]
    return {
        "tasks": tasks,
        "outputs": named["outputs"],
        "bytes": named["bytes"],
        "seconds": round(named["milliseconds"] / tasks / 1000, 3) if tasks else 0.0,
        "cost": from_millionths(named["cost"]),
        "unpriced_tasks": named["unpriced"],
    }
