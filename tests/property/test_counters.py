"""Counting by changes against counting again."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from atelier.domain.counters import EVERYTHING, CounterKey, TaskFilter, added, change, counter_key_of, scopes_of
from atelier.domain.schema import UNASSIGNED
from atelier.domain.tasks.record import Task, TaskStatus, TaskType
from atelier.store import counters
from tests.support.builders import a_task, an_id

CLIENTS = (None, an_id(1), an_id(2))
PROVIDERS = ("fal", "sandbox")
TASKS = st.builds(
    lambda kind, provider, status, client, campaign: a_task(
        type=kind,
        provider=provider,
        status=status,
        client_id=client,
        campaign_id=an_id(9) if campaign and client else None,
    ),
    st.sampled_from(TaskType),
    st.sampled_from(PROVIDERS),
    st.sampled_from(TaskStatus),
    st.sampled_from(CLIENTS),
    st.booleans(),
)
CHOICES = st.builds(
    TaskFilter,
    st.sets(st.sampled_from(TaskType)).map(tuple),
    st.sets(st.sampled_from(PROVIDERS)).map(tuple),
    st.sets(st.sampled_from(TaskStatus)).map(tuple),
)


@given(st.lists(st.tuples(st.integers(min_value=0, max_value=5), st.none() | TASKS), max_size=60), CHOICES)
def test_summed_changes_equal_a_recount(history: list[tuple[int, Task | None]], choice: TaskFilter) -> None:
    tasks: dict[int, Task] = {}
    counters: dict[str, list[dict[CounterKey, int]]] = {}
    for number, after in history:
        before = tasks.pop(number, None)
        # A write counts in the scopes of the task: one that moves to other parents leaves the old ones first.
        for scope in scopes_of(before) if before else ():
            counters.setdefault(scope, []).append(change(before=before, after=None))
        for scope in scopes_of(after) if after else ():
            counters.setdefault(scope, []).append(change(before=None, after=after))
        if after is not None:
            tasks[number] = after
    for scope in (EVERYTHING, UNASSIGNED, *filter(None, CLIENTS), an_id(9)):
        recount = [task for task in tasks.values() if _is_in(task, scope)]
        counts = added(counters.get(scope, []))
        assert Counter(counts) == Counter(counter_key_of(task) for task in recount)
        assert choice.total(counts) == sum(_is_wanted(task, choice) for task in recount)


@given(TASKS, TASKS)
def test_a_change_in_place_equals_leaving_and_arriving(before: Task, after: Task) -> None:
    both = added([change(before=before, after=None), change(before=None, after=after)])
    assert change(before=before, after=after) == {cell: count for cell, count in both.items() if count}
    assert change(before=before, after=before) == {}


@given(st.dictionaries(st.builds(counter_key_of, TASKS), st.integers(min_value=-5, max_value=5).filter(bool)))
def test_counters_come_back_from_their_item(counts: dict[CounterKey, int]) -> None:
    item = {**counters.adding(counts), "PK": "ACCOUNT#1", "SK": "COUNTERS#all", "id": "all", "campaigns_draft": 3}
    assert counters.counters_from(item) == counts


def test_no_item_is_no_tasks() -> None:
    assert counters.counters_from(None) == {}
    assert TaskFilter().total({}) == 0


def _is_in(task: Task, scope: str) -> bool:
    if scope == EVERYTHING:
        return True
    if scope == UNASSIGNED:
        return task.client_id is None
    return scope in (task.client_id, task.campaign_id)


def _is_wanted(task: Task, choice: TaskFilter) -> bool:
    if choice.types and task.type not in choice.types:
        return False
    if choice.providers and task.provider not in choice.providers:
        return False
    return not choice.statuses or task.status in choice.statuses
