"""Campaigns: what an agency makes for a client."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from atelier.domain.errors import FieldError, Invalid, NotFound
from atelier.domain.ids import is_id
from atelier.domain.pages import OwnedQuery, Page, SearchQuery
from atelier.domain.schema import (
    GivenId,
    Goal,
    Id,
    LongText,
    Name,
    QueryId,
    RequestModel,
    StoredGoal,
    StoredModel,
    StoredName,
    TimestampText,
    without_defaults,
)


class CampaignStatus(StrEnum):
    """The status of a campaign. Every transition is allowed."""

    ACTIVE = "active"
    ARCHIVED = "archived"
    DRAFT = "draft"


class ClientCampaign(RequestModel):
    """The body that creates a campaign below a client's path."""

    client_id: Annotated[
        GivenId | None, Field(description="May repeat the path's client; another one is an error.")
    ] = None
    name: Name
    goal: Goal
    status: CampaignStatus = CampaignStatus.DRAFT
    brief: LongText | None = None

    def under(self, client_id: str) -> "NewCampaign":
        """The campaign to create under the path's client. Raises Invalid when the body names another, and NotFound."""
        if not is_id(client_id):
            raise NotFound("client", client_id)
        if self.client_id not in (None, client_id):
            raise Invalid([FieldError("is another client than the path's", pointer="/client_id")])
        return NewCampaign(**self.model_dump() | {"client_id": client_id})


class NewCampaign(ClientCampaign):
    """The body that creates a campaign."""

    client_id: GivenId

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "client_id": "019aa0de-0000-7000-8000-000000000000",
                "name": "Summer 2024 Launch",
                "goal": "Promote new product line",
                "status": "active",
                "brief": "Create engaging video content for social media",
            }
        }
    )


class CampaignPatch(RequestModel):
    """A merge patch: an absent field stays, null clears the brief. The client never changes."""

    name: Name = ""
    goal: Goal = ""
    status: CampaignStatus = CampaignStatus.DRAFT
    brief: LongText | None = None

    model_config = ConfigDict(json_schema_extra=without_defaults)


class Campaign(StoredModel):
    """A campaign of one client."""

    id: Id
    client_id: Id
    user_id: int
    created_by: int
    updated_by: int
    name: StoredName
    goal: StoredGoal
    status: CampaignStatus
    brief: str | None = None
    created_at: TimestampText
    updated_at: TimestampText


class ClientCampaignQuery(SearchQuery):
    """Which of a client's campaigns to list, in what order."""

    status: Annotated[CampaignStatus | None, Field(description="Only campaigns with this status.")] = None
    sort_by: Annotated[
        Literal["name", "created_at", "updated_at", "status"],
        Field(description="Field to sort by; ties are sorted by id."),
    ] = "created_at"

    def of(self, client_id: str) -> "CampaignQuery":
        """The query for one client's campaigns. Raises NotFound for what cannot be a client's id."""
        if not is_id(client_id):
            raise NotFound("client", client_id)
        return CampaignQuery(**self.model_dump(exclude_unset=True), client_id=client_id)


class CampaignQuery(ClientCampaignQuery, OwnedQuery):
    """Which campaigns to list, in what order."""

    client_id: Annotated[QueryId | None, Field(description="Only this client's; an unknown one has none.")] = None


class CampaignPage(Page[Campaign]):
    """A page of campaigns."""
