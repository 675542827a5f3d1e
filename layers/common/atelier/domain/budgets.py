"""Budgets: how much an account, a client or a campaign may spend, as they are set and shown."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from atelier.domain.reservations import Period
from atelier.domain.schema import Amount, Dollars, RequestModel, Timestamp


class OnExceeded(StrEnum):
    """What a budget does with a generation for which it has no room."""

    BLOCK = "block"
    WARN = "warn"


class NewBudget(RequestModel):
    """The body that sets a budget."""

    model_config = ConfigDict(json_schema_extra={"example": {"limit": 100, "period": "month", "on_exceeded": "block"}})

    limit: Annotated[Dollars, Field(description="US dollars.")]
    period: Annotated[Period, Field(description="A calendar month in UTC, or for good.")] = Period.MONTH
    on_exceeded: Annotated[
        OnExceeded, Field(description="Whether a generation beyond the limit is refused, or created all the same.")
    ] = OnExceeded.BLOCK


class Budget(BaseModel):
    """A budget, and what is used of it in its current period."""

    limit: Amount
    period: Period
    on_exceeded: OnExceeded
    spent: Annotated[Amount, Field(description="What tasks cost, or reserved where nobody has said what they cost.")]
    reserved: Annotated[Amount, Field(description="Held for tasks that are still open.")]
    available: Annotated[Amount, Field(description="What a generation may still cost; never below 0.")]
    currency: str = "USD"
    resets_at: Annotated[Timestamp | None, Field(description="When the period ends; null for a total.")]
