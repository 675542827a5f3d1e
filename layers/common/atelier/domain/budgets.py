"""Budgets: how much an account, a client or a campaign may spend, as they are set and shown."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from atelier.domain.reservations import Period
from atelier.domain.schema import Amount, Dollars, RequestModel, Timestamp, distinct, whole
from atelier.domain.webhook_targets import ascii_url

MOST_ALERTS: Final = 10


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
    alerts: Annotated[
        list[Annotated[int, Field(ge=1, le=100), BeforeValidator(whole)]],
        *distinct("must not name a threshold twice"),
        AfterValidator(sorted),
        Field(
            max_length=MOST_ALERTS,
            description="Percent of the limit at which `webhook_url` is told, once each in a period.",
        ),
    ] = Field(default_factory=lambda: [50, 80, 100])
    webhook_url: Annotated[
        Annotated[str, AfterValidator(ascii_url), Field(max_length=2048)] | None,
        Field(description="Where alerts are sent, signed by your webhook secret."),
    ] = None


class Budget(BaseModel):
    """A budget, and what is used of it in its current period."""

    limit: Amount
    period: Period
    on_exceeded: OnExceeded
    alerts: list[int]
    webhook_url: str | None = None
    spent: Annotated[Amount, Field(description="What tasks cost, or reserved where nobody has said what they cost.")]
    reserved: Annotated[Amount, Field(description="Held for tasks that are still open.")]
    available: Annotated[Amount, Field(description="What a generation may still cost; never below 0.")]
    currency: str = "USD"
    resets_at: Annotated[Timestamp | None, Field(description="When the period ends; null for a total.")] = None
