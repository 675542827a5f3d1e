"""The changes of a task: each returns the task in its next version, or raises IllegalTransition."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from atelier.domain.errors import IllegalTransition
from atelier.domain.ledger import is_unpriced
from atelier.domain.money import in_dollars
from atelier.domain.tasks.record import NEXT, TERMINAL, Attempt, Cost, Outcome, Output, Task, TaskError, TaskStatus

MOST_DELIVERIES_KEPT: Final = 50
"""Attempts to call its webhook that a task keeps when it is sent again."""


def _moved(task: Task, status: TaskStatus, *, now: datetime, **change: Any) -> Task:
    if status not in NEXT[task.status]:
        raise IllegalTransition(f"The task is {task.status}; it cannot become {status}.")
    if status in TERMINAL:
        change = {"completed_at": now, "queue_position": None, **change}
    return task.changed(**{"updated_at": now, "status": status, "status_reason": None, **change})


def started(task: Task, *, now: datetime, **seen: Any) -> Task:
    """The provider has started the job; `seen` is recorded with it."""
    return _moved(
        task, TaskStatus.PROCESSING, now=now, **{"started_at": task.started_at or now, "queue_position": None, **seen}
    )


def requeued(task: Task, *, now: datetime, **seen: Any) -> Task:
    """The provider has requeued the job; `seen` is recorded with it."""
    return _moved(task, TaskStatus.PENDING, now=now, **{"progress": None, **seen})


def succeeded(
    task: Task, *, outputs: list[Output], cost: Decimal | None, now: datetime, seed: int | None = None
) -> Task:
    """The job succeeded and its media are stored. `seed` is the one that was used, if that is known."""
    return _moved(
        task,
        TaskStatus.SUCCEEDED,
        now=now,
        outputs=outputs,
        provider_outcome=Outcome.SUCCEEDED,
        progress=1.0,
        started_at=task.started_at or now,
        cost=_charged(task, cost),
        seed=task.seed if seed is None else seed,
    )


def failed(
    task: Task, error: TaskError, *, now: datetime, outcome: Outcome | None = None, cost: Decimal | None = None
) -> Task:
    """The task failed with `error`; `outcome` when that is how the provider's job ended."""
    return _moved(task, TaskStatus.FAILED, now=now, error=error, provider_outcome=outcome, cost=_charged(task, cost))


def canceled(task: Task, *, now: datetime) -> Task:
    """The caller has canceled it."""
    return _moved(task, TaskStatus.CANCELED, now=now)


def cancel(task: Task, *, now: datetime) -> Task:
    """The task, canceled; unchanged when it already is. Raises IllegalTransition when it has ended otherwise."""
    return task if task.status is TaskStatus.CANCELED else canceled(task, now=now)


def rerouted(task: Task, error: TaskError, *, now: datetime) -> Task:
    """The provider did not accept the job; the next one is tried."""
    following, *others = task.fallbacks
    return task.changed(
        updated_at=now,
        step=task.step + 1,
        next_at=now,
        lease_until=None,
        status_reason=None,
        provider=following.provider,
        model=following.model,
        served_by=following.served_by,
        model_line=following.model_line,
        fallbacks=others,
        attempts=[*task.attempts, Attempt(provider=task.provider, model=task.model, error=error)],
        cost=Cost(estimated=following.estimated),
    )


def with_outcome(task: Task, outcome: Outcome, *, cost: Decimal | None, now: datetime) -> Task:
    """The job ended after its task: records its outcome and cost."""
    return task.changed(updated_at=now, provider_outcome=outcome, cost=_charged(task, cost))


def settled(task: Task, *, now: datetime) -> Task:
    """The task as it is booked when it is deleted: what nobody will learn of its job's cost is what it reserved."""
    ended = task if task.over else canceled(task, now=now)
    return ended.changed(updated_at=now, cost=_charged(ended, ended.reserved)) if is_unpriced(ended) else ended


def corrected(task: Task, cost: Decimal, *, now: datetime) -> Task:
    """The task with another cost; unchanged when it is the same. Raises IllegalTransition while it is open."""
    if not task.over:
        raise IllegalTransition(f"The task is {task.status}; what it cost can be corrected once it has ended.")
    if task.cost.actual == cost:
        return task
    return task.changed(updated_at=now, cost=_charged(task, cost))


def resent(task: Task, *, now: datetime) -> Task:
    """The task, whose webhook is to be sent once more. Raises IllegalTransition while it is open, or has none."""
    if not task.over:
        raise IllegalTransition(f"The task is {task.status}; its webhook is sent when it has ended.")
    if task.webhook_url is None:
        raise IllegalTransition("The task has no webhook_url.")
    older = task.webhook_deliveries[-MOST_DELIVERIES_KEPT:]
    shorter = {"webhook_deliveries": older} if older != task.webhook_deliveries else {}
    # Later than every attempt before, whatever the clock says with which that was made.
    at = max([now, *(each.at + timedelta(microseconds=1) for each in older)])
    return task.changed(webhook_resent_at=at, **shorter)


def _charged(task: Task, cost: Decimal | None) -> Cost:
    return task.cost if cost is None else task.cost.model_copy(update={"actual": in_dollars(cost)})
