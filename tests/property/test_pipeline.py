"""Whatever happens between any two calls of any worker, a task is submitted once, ends once, and leaves nothing."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from atelier.domain.due import DEADLINE, outcome_ends
from atelier.domain.provider import Done, Refused
from atelier.domain.tasks.record import NEXT, Outcome, TaskStatus
from tests.support.builders import a_task
from tests.support.fakes import statuses_that_end
from tests.support.scenario import TASK_ID, Scenario


@settings(max_examples=1000)
@given(seed=st.integers(min_value=0, max_value=2**64), turns=st.integers(min_value=0, max_value=60))
def test_a_task_is_submitted_once_and_ends_once(seed: int, turns: int) -> None:
    """And leaves nothing behind."""
    story = Scenario(seed)
    for turn in range(turns):
        story.go_on(turn)
        always_holds(story)
    story.come_to_rest()
    always_holds(story)
    holds_at_rest(story)


def always_holds(story: Scenario) -> None:
    task, history = story.task, story.tasks.history[TASK_ID]
    assert len(story.provider.accepted) <= 1, "submitted twice"
    assert not (story.canceled_in_time and story.provider.accepted), "canceled before anybody had the lease"
    assert all(later in NEXT[find_replay] for find_replay, later in pairwise(history))
    assert len(statuses_that_end(history)) <= 1
    waiting = [each.message for each in (*story.queue, *(running.delivery for running in story.workers))]
    steps = [message.step for message in waiting if message.step is not None]
    has_work = not task.over if task else TASK_ID in story.tasks.deleted
    assert not has_work or story.tasks.due[TASK_ID], "the sweep will never look at it"
    takes_on = task is None or task.over or max(steps, default=-1) >= task.step
    assert takes_on or story.lost, "no message will ever take it on"
    if task and task.status is TaskStatus.SUCCEEDED:
        assert [story.media.files.get(output.key) for output in task.outputs] == [b"one", b"two"]


def holds_at_rest(story: Scenario) -> None:
    task, job = story.task, story.provider.state
    kept = [output.key for output in task.outputs] if task else []
    assert sorted(story.media.files) == kept, "files that nobody can ask for"
    stopped = isinstance(job, Done | Refused) or not story.provider.accepted
    if task is None:
        assert not story.tasks.deleted, "the sweep looks at it for ever"
        assert stopped or story.now > outcome_ends(a_task()), "a deleted task's job was never stopped"
        return
    assert task.over
    assert (task.status is TaskStatus.CANCELED) == story.canceled
    assert (task.error is not None) == (task.status is TaskStatus.FAILED)
    is_late = story.now > task.created_at + DEADLINE[task.type]
    stopped_here = {"timeout": is_late, "provider_unavailable": is_late, "internal_error": story.abandoned}
    if task.error is not None:
        empty = {"empty_output"} if job == Done(()) else {"media_wrong_type"} if story.media.spoiled else set()
        theirs = {job.error.code} if isinstance(job, Refused) else empty
        refused = set() if story.provider.accepted else {"not_allowed"}
        assert task.error.code in {code for code, true in stopped_here.items() if true} | theirs | refused
    too_late = story.lost and story.now > outcome_ends(task)
    assert story.unheard or too_late or stopped, "the provider was never told to stop"
    assert story.tasks.due[TASK_ID] is None, "the sweep looks at it for ever"
    if task.provider_outcome is Outcome.SUCCEEDED:
        assert isinstance(job, Done)
