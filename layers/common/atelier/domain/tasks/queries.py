"""Which tasks a list shows."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from atelier.domain.pages import ANY_OF, FROM_TEXT, OwnedQuery
from atelier.domain.schema import LONGEST_TAG, QueryId, Timestamp
from atelier.domain.tasks.record import TaskStatus, TaskType

_DIGITS: Final = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?"
_RFC_3339: Final = re.compile(rf"{_DIGITS}([Zz]|[+-][0-9]{{2}}:[0-9]{{2}})")
_PLUS_LOST: Final = re.compile(rf"{_DIGITS} [0-9]{{2}}:[0-9]{{2}}")  # in a query string, + is a blank


def _rfc_3339(value: Any) -> Any:
    # pydantic would also take a bare date or a number of seconds.
    if isinstance(value, str) and not _RFC_3339.fullmatch(value):
        hint = "; in a URL the + of its offset is written %2B" if _PLUS_LOST.fullmatch(value) else ""
        raise ValueError(f"must be an RFC 3339 time such as 2026-01-31T12:00:00Z{hint}")
    return value


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be a time between the years 1 and 9999 in UTC") from None


_SEVERAL: Final = Field(max_length=100)

QueryTimestamp = Annotated[Timestamp, BeforeValidator(_rfc_3339), AfterValidator(_in_utc)]


class TaskQuery(OwnedQuery):
    """Which tasks to list, newest or oldest first."""

    client_id: Annotated[
        QueryId | None, Field(description="Only this client's tasks; `none`: those without a client.")
    ] = None
    campaign_id: Annotated[
        QueryId | None, Field(description="Only this campaign's tasks; `none`: those without a campaign.")
    ] = None
    status: Annotated[tuple[TaskStatus, ...], _SEVERAL, Field(description=ANY_OF.format("statuses"))] = ()
    type: Annotated[tuple[TaskType, ...], _SEVERAL, Field(description=ANY_OF.format("types"))] = ()
    provider: Annotated[
        tuple[Annotated[str, Field(max_length=64)], ...], _SEVERAL, Field(description=ANY_OF.format("providers"))
    ] = ()
    model: Annotated[
        tuple[Annotated[str, Field(max_length=255)], ...],
        _SEVERAL,
        Field(description=ANY_OF.format("models, by id or alias")),
    ] = ()
    tag: Annotated[
        tuple[Annotated[str, Field(max_length=LONGEST_TAG)], ...],
        _SEVERAL,
        Field(description=ANY_OF.format("tags, whatever their case")),
    ] = ()
    rating_from: Annotated[
        int | None, Field(ge=1, le=5, description="Only with this rating or a higher one."), FROM_TEXT
    ] = None
    search: Annotated[
        str | None,
        Field(max_length=255, description="Part of the prompt, whatever its case, composition and white space."),
    ] = None
    created_from: Annotated[QueryTimestamp | None, Field(description="Created at this moment or later.")] = None
    created_to: Annotated[QueryTimestamp | None, Field(description="Created at this moment or earlier.")] = None
    sort_by: Annotated[Literal["created_at"], Field(description="Field to sort by; ties are sorted by id.")] = (
        "created_at"
    )

    @field_validator("created_to")
    @classmethod
    def _in_order(cls, end: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("created_from")
        if start is not None and end is not None and end < start:
            raise ValueError("must not be before created_from")
        return end
