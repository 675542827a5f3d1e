"""Which tasks a list shows."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from atelier.domain.pages import ListQuery
from atelier.domain.schema import Timestamp
from atelier.domain.tasks.record import TaskStatus, TaskType


def _rfc_3339(value: Any) -> Any:
    # pydantic would also take a bare date or a number of seconds.
    if isinstance(value, str) and not re.fullmatch(
        r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", value
    ):
        raise ValueError("must be an RFC 3339 time such as 2026-01-31T12:00:00Z")
    return value


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be a time between the years 1 and 9999 in UTC") from None


QueryTimestamp = Annotated[Timestamp, BeforeValidator(_rfc_3339), AfterValidator(_in_utc)]


class TaskQuery(ListQuery):
    """Which tasks to list, newest or oldest first."""

    client_id: Annotated[
        str | None, Field(max_length=255, description="Only this client's tasks; `none`: those without a client.")
    ] = None
    campaign_id: Annotated[str | None, Field(max_length=255, description="Only this campaign's tasks.")] = None
    status: TaskStatus | None = None
    type: TaskType | None = None
    provider: Annotated[str | None, Field(max_length=64)] = None
    created_from: Annotated[QueryTimestamp | None, Field(description="Created at this moment or later.")] = None
    created_to: Annotated[QueryTimestamp | None, Field(description="Created at this moment or earlier.")] = None
    sort_by: Annotated[Literal["created_at"], Field(description="Order; ties by id.")] = "created_at"
