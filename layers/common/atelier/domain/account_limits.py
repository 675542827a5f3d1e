"""Limits of one account: how many tasks it may have open, and how many it may create in an hour."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel

from atelier.domain.schema import Timestamp


@dataclass(frozen=True)
class AccountLimits:
    """What the deployment allows each account; 0 stands for no limit."""

    open_tasks: int = 0
    tasks_per_hour: int = 0


UNLIMITED: Final = AccountLimits()


class Usage(BaseModel):
    """A limit (null: none), and how much of it is used."""

    limit: int | None
    used: int


class HourlyUsage(Usage):
    """A limit of the current hour (UTC); `used` starts at zero again at `resets_at`."""

    resets_at: Timestamp


class LimitsUsed(BaseModel):
    """The limits of an account. What exceeds one is answered 429."""

    open_tasks: Usage
    tasks_per_hour: HourlyUsage


def next_hour(now: datetime) -> datetime:
    """When the next full hour begins."""
    return now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
