"""Answers that say what a generation would cost."""

from collections.abc import Iterable
from typing import Annotated

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, Field

from atelier.domain.errors import BudgetExceeded
from atelier.domain.schema import Amount
from atelier.domain.tasks.record import Task
from atelier.web.api import JSON, Reply
from atelier.web.problems import ExceededBudget


class Candidate(BaseModel):
    """A provider that may get the job, and what it is estimated to cost there."""

    provider: str
    model: str
    served_by: str
    cost: Annotated[Amount | None, Field(description="US dollars; null where the model has no price.")]


class Estimate(BaseModel):
    """What a generation would cost, and who would refuse it. Nothing was created."""

    candidates: Annotated[list[Candidate], Field(description="In the order in which they would be asked.")]
    reserved: Annotated[
        Amount | None,
        Field(
            description="What each budget would reserve: the dearest candidate, or `max_cost` where it has no price."
        ),
    ]
    currency: str = "USD"
    exceeded_budgets: Annotated[
        list[ExceededBudget], Field(description="Those that would refuse it now; the first one is named by the 409.")
    ]


def estimate_response(task: Task, refusals: Iterable[BudgetExceeded]) -> Reply:
    """The answer about a task that would be created, and the refusals that it would meet."""
    asked = [(task.provider, task.model, task.served_by, task.cost.estimated)]
    asked += [(each.provider, each.model, each.served_by, each.estimated) for each in task.fallbacks]
    estimate = Estimate(
        candidates=[Candidate(provider=p, model=m, served_by=s, cost=cost) for p, m, s, cost in asked],
        reserved=task.reserved,
        exceeded_budgets=[ExceededBudget.of(each) for each in refusals],
    )
    return Response(200, JSON, estimate.model_dump_json())
