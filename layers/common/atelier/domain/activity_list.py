"""The activity log as callers ask for it and see it."""

from datetime import datetime
from typing import Annotated

from pydantic import Field, JsonValue, ValidationInfo, field_validator

from atelier.domain.pages import FROM_TEXT, CursorPage, CursorQuery, Whose
from atelier.domain.schema import Id, QueryId, StoredModel, TimestampText, in_form
from atelier.domain.tasks.queries import QueryTimestamp

_Action = Annotated[
    str,
    Field(max_length=64),
    *in_form("^[a-z_]+\\.[a-z]+$", "must be a type of resource, a point and what was done, such as client.updated"),
]


class ActivityQuery(CursorQuery):
    """Which entries of the activity log to list, newest first."""

    owner: Whose = None
    client_id: Annotated[QueryId | None, Field(description="Only this client and what is below it.")] = None
    campaign_id: Annotated[QueryId | None, Field(description="Only this campaign and what is below it.")] = None
    actor: Annotated[int | None, Field(ge=1, le=10**15 - 1, description="Only what this user did."), FROM_TEXT] = None
    action: Annotated[_Action | None, Field(description="Only this: `client.updated`.")] = None
    from_: Annotated[QueryTimestamp | None, Field(alias="from", description="At this moment or later.")] = None
    to: Annotated[QueryTimestamp | None, Field(description="At this moment or earlier.")] = None
    cursor: Annotated[
        str | None,
        Field(
            max_length=3000,
            description="The `next_cursor` of the page before. An entry is here a moment after its change; "
            "one that comes late can be missed by whoever has paged beyond its time.",
        ),
    ] = None

    @field_validator("to")
    @classmethod
    def _in_order(cls, end: datetime | None, info: ValidationInfo) -> datetime | None:
        start = info.data.get("from_")
        if start is not None and end is not None and end < start:
            raise ValueError("must not be before from")
        return end


class LoggedResource(StoredModel):
    """What an entry is about, by the name that it had."""

    type: Annotated[str, Field(description="`client`, `campaign`, `task`, `share`, `invitation`, `budget`, ...")]
    id: str
    name: str | None


class Activity(StoredModel):
    """One change that was made."""

    id: Id
    at: TimestampText
    actor: Annotated[int | None, Field(description="The user who asked for it; null where a task began or has ended.")]
    action: Annotated[str, Field(description="The type of the resource, and what was done: `client.updated`.")]
    resource: LoggedResource
    user_id: Annotated[int, Field(description="The account that the resource belongs to.")]
    client_id: Id | None
    campaign_id: Id | None
    changes: Annotated[
        dict[str, dict[str, JsonValue]],
        Field(
            description="The fields that changed, each `{from, to}`. Prompts, guidelines, briefs and other long texts "
            "are `{length, sha256}`."
        ),
    ]
    request_id: Annotated[str | None, Field(description="The `X-Request-Id` of the request that made it.")]


class ActivityPage(CursorPage[Activity]):
    """A page of the activity log. With a filter it can have fewer entries than asked for: go on while there is more."""
