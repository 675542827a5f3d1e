"""Alerts of budgets: when one is due, and what its receiver is told."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from atelier.domain.budgets import Budget
from atelier.domain.reservations import Scope
from atelier.domain.schema import Id, StoredModel, Timestamp
from atelier.domain.tasks.record import DeliveryAttempt


class AlertedBudget(Budget):
    """A budget as it was when it reached a threshold, and whose it is."""

    type: Annotated[str, Field(description="account, client or campaign")]
    id: Annotated[Id | None, Field(description="Of the client or campaign.")] = None


class BudgetAlert(StoredModel):
    """An alert that is on its way to its receiver. `created_by` set the budget; their secret signs."""

    id: Id
    user_id: int
    created_by: int
    webhook_url: str
    threshold: int
    budget: AlertedBudget
    created_at: Timestamp
    webhook_deliveries: list[DeliveryAttempt] = Field(default_factory=list)


def reached(budget: Budget) -> Iterable[int]:
    """The thresholds of a budget, in percent of its limit, that are reached by what is spent and reserved."""
    used = budget.spent + budget.reserved
    return (each for each in budget.alerts if used and used * 100 >= Decimal(each) * budget.limit)


def alerted_budget(budget: Budget, scope: Scope) -> AlertedBudget:
    """The budget of a scope as its alert shows it."""
    return AlertedBudget(**dict(budget), type=scope.kind, id=scope.id)
