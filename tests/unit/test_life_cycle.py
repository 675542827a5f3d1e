"""A task's life cycle: every pair of states against the contract, written out once more."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import product

import pytest

from atelier.domain.errors import IllegalTransition
from atelier.domain.pending_deletions import PendingDeletions, member
from atelier.domain.tasks import life_cycle
from atelier.domain.tasks.record import NEXT, TERMINAL, Output, Task, TaskError, TaskStatus
from tests.support.builders import NOON, a_task, an_id

LATER = NOON + timedelta(minutes=1)
ERROR = TaskError(code="broken", message="It broke.", retryable=True)
IMAGE = Output(content_type="image/png", bytes=3, key="media/1/x/0.png")

MOVES: dict[str, Callable[[Task], Task]] = {
    "pending": lambda task: life_cycle.requeued(task, now=LATER),
    "processing": lambda task: life_cycle.started(task, now=LATER),
    "succeeded": lambda task: life_cycle.succeeded(task, outputs=[IMAGE], cost=Decimal("0.5"), now=LATER, seed=9),
    "failed": lambda task: life_cycle.failed(task, ERROR, now=LATER),
    "canceled": lambda task: life_cycle.canceled(task, now=LATER),
}
# From API.md; a provider may be done before anyone saw it at work.
ALLOWED = {
    ("pending", "processing"),
    ("processing", "pending"),
    *product(("pending", "processing"), ("succeeded", "failed", "canceled")),
}


@pytest.mark.parametrize(("before", "after"), list(product(TaskStatus, TaskStatus)))
def test_tasks_move_exactly_as_the_contract_says(before: TaskStatus, after: TaskStatus) -> None:
    task = a_task(status=before)
    if (before.value, after.value) not in ALLOWED:
        with pytest.raises(IllegalTransition, match=f"is {before.value}"):
            MOVES[after](task)
        return
    moved = MOVES[after](task)
    assert (moved.status, moved.updated_at, moved.version) == (after, LATER, task.version + 1)
    assert moved.completed_at == (LATER if after in ("succeeded", "failed", "canceled") else None)
    assert (moved.id, moved.created_at, moved.prompt) == (task.id, task.created_at, task.prompt)


def test_every_status_has_its_transitions_tested() -> None:
    assert set(MOVES) == set(TaskStatus) == set(NEXT)


def test_terminal_states_have_no_transitions() -> None:
    assert {"succeeded", "failed", "canceled"} == TERMINAL
    assert all(a_task(status=status).over == (status in TERMINAL) for status in TaskStatus)


def test_a_move_leaves_the_original_task_unchanged() -> None:
    task = a_task()
    MOVES["failed"](task)
    assert task == a_task()


def test_a_succeeded_task_has_files_cost_and_full_progress() -> None:
    task = MOVES["succeeded"](a_task(status="processing", progress=0.3, queue_position=2))
    assert (task.outputs, task.progress, task.queue_position) == ([IMAGE], 1.0, None)
    assert task.cost.actual == Decimal("0.5")
    assert task.started_at == LATER


def test_a_task_that_waits_again_shows_no_progress() -> None:
    assert MOVES["pending"](a_task(status="processing", progress=0.3, started_at=NOON)).progress is None


# ------------------------------------------------------------------------------------ while a parent is deleted


def test_a_task_names_no_parent_pending_cleanup() -> None:
    task = a_task(client_id=an_id(1), campaign_id=an_id(2))
    assert PendingDeletions().unlinked(task) == task
    without_campaign = PendingDeletions(frozenset({member("campaign", an_id(2))})).unlinked(task)
    assert (without_campaign.client_id, without_campaign.campaign_id) == (an_id(1), None)
    without_client = PendingDeletions(frozenset({member("client", an_id(1))})).unlinked(task)
    assert (without_client.client_id, without_client.campaign_id) == (None, None)


def test_pending_clients_and_campaigns_are_told_apart() -> None:
    """Even with the same id."""
    pending = PendingDeletions(frozenset({member("client", an_id(1)), member("campaign", an_id(2))}))
    assert pending.has("client", an_id(1))
    assert not pending.has("campaign", an_id(1))
    assert not pending.has("client", None)
    assert pending.of_kind("client") == (an_id(1),)
