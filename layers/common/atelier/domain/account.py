"""An account, as it is shown."""

from pydantic import BaseModel

from atelier.domain.account_limits import LimitsUsed
from atelier.domain.budgets import Budget


class Account(BaseModel):
    """An account: whose it is, its limits, and its budget (null: none)."""

    user_id: int
    limits: LimitsUsed
    budget: Budget | None
