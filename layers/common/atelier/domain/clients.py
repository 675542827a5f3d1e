"""Clients: the companies an agency works for."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from atelier.domain.pages import OwnedQuery, Page, SearchQuery
from atelier.domain.schema import (
    Description,
    Id,
    LongText,
    Name,
    NewIn,
    RequestModel,
    StoredModel,
    StoredName,
    TimestampText,
    without_defaults,
)


class NewClient(RequestModel):
    """The body that creates a client. Names need not be unique."""

    name: Name
    description: Description | None = None
    brand_guidelines: LongText | None = None
    user_id: NewIn = None

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "name": "Acme Corporation",
                "description": "Our main enterprise client",
                "brand_guidelines": "Use blue color scheme, modern minimalist style",
            }
        }
    )


class ClientPatch(RequestModel):
    """A merge patch: an absent field stays, null clears one that is optional."""

    name: Name = ""
    description: Description | None = None
    brand_guidelines: LongText | None = None

    model_config = ConfigDict(json_schema_extra=without_defaults)


class Client(StoredModel):
    """A client of one user."""

    id: Id
    user_id: int
    created_by: int
    updated_by: int
    name: StoredName
    description: str | None = None
    brand_guidelines: str | None = None
    created_at: TimestampText
    updated_at: TimestampText


class ClientQuery(SearchQuery, OwnedQuery):
    """Which clients to list, in what order."""

    sort_by: Annotated[
        Literal["name", "created_at", "updated_at"], Field(description="Field to sort by; ties are sorted by id.")
    ] = "created_at"


class ClientPage(Page[Client]):
    """A page of clients."""
