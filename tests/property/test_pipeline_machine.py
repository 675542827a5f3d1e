"""Whatever happens between any two calls of any worker, a task is submitted once, ends once, and leaves nothing.

Rules are what the world may do: messages come late, twice and out of order; workers die between two calls; callers
cancel and delete; the provider loses answers, refuses, requeues and ends; the cascade takes a task's parents away.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from atelier.domain import tasks
from atelier.domain.generation import DEADLINE, NextStep, Pipeline
from atelier.domain.provider import Done, Refused, Waiting, Working
from atelier.domain.tasks import NEXT, TaskStatus
from tests.support.builders import NOON, a_task, an_id
from tests.support.fakes import (
    MAX_RECEIVES,
    NOT_ALLOWED,
    PICTURES,
    FakeMedia,
    FakeProvider,
    FakeQueue,
    FakeTasks,
    Worker,
    as_the_worker_does,
    statuses_that_end,
)

VISIBILITY = timedelta(seconds=360)
LIFE = timedelta(seconds=60)  # the worker's timeout
TASK_ID = an_id(3)
ALL = 99
PICK = st.integers(min_value=0, max_value=1000)
CALLS = st.sampled_from([1, 2, 3, 4, 5, 6, 7, ALL, ALL, ALL])
STATES = st.sampled_from([Waiting(3), Waiting(), Working(), Working(0.9), PICTURES, Done(()), Refused(NOT_ALLOWED)])


@dataclass
class Delivery:
    """A message in the queue: when it can be taken, and how often it was given back."""

    message: NextStep
    due: datetime
    receives: int = 1


@dataclass
class Running:
    """A worker and what it was given; `copy` when the queue still has the message."""

    worker: Worker
    delivery: Delivery
    since: datetime
    copy: bool


class PipelineMachine(RuleBasedStateMachine):
    """One task, its queue and its provider. The first message is the relay's."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.tasks = FakeTasks(a_task())
        self.sent = FakeQueue()
        self.media = FakeMedia()
        self.provider = FakeProvider()
        self.pipeline = Pipeline(self.tasks, self.sent, self.media, {"fake": self.provider})
        self.queue = [Delivery(NextStep(task_id=TASK_ID), NOON)]
        self.workers: list[Running] = []
        self.media_to_clean = False
        self.canceled = self.unlinked = self.unheard = False

    # ------------------------------------------------------------------------------------------- what may happen

    @precondition(lambda self: self.queue)
    @rule(pick=PICK, copy=st.sampled_from([False, False, True]), calls=CALLS)
    def a_message_is_delivered(self, pick: int, copy: bool, calls: int) -> None:
        delivery = self.queue[pick % len(self.queue)]
        self._wait_until(delivery.due)
        if not copy:
            self.queue.remove(delivery)
        job = as_the_worker_does(delivery.message, receives=delivery.receives, now=self.now)
        self.workers.append(Running(Worker(job, self.pipeline), delivery, self.now, copy))
        self.a_worker_goes_on(-1, calls)

    @precondition(lambda self: self.workers)
    @rule(pick=PICK, calls=CALLS)
    def a_worker_goes_on(self, pick: int, calls: int) -> None:
        running = self.workers[pick % len(self.workers)]
        if any(running.worker.step() for _ in range(calls)):
            self.workers.remove(running)
            self._done(running)
        self.queue += [Delivery(message, self.now + timedelta(seconds=delay)) for message, delay in self.sent.waiting]
        self.sent.waiting.clear()

    @precondition(lambda self: self.workers)
    @rule(pick=PICK)
    def a_worker_dies(self, pick: int) -> None:
        running = self.workers.pop(pick % len(self.workers))
        if not running.copy:
            # Its receive is not counted: a worker that dies at every receive ends as a dead letter, and nobody is told.
            self.queue.append(Delivery(running.delivery.message, running.since + VISIBILITY, running.delivery.receives))

    @rule(state=STATES)
    def the_provider_gets_on(self, state: Waiting | Working | Done | Refused) -> None:
        if not isinstance(self.provider.state, Done | Refused):
            self.provider.state = state

    @rule(mood=st.sampled_from(["well", "well", "deaf", "mute", "strict"]))
    def the_provider_is_in_a_mood(self, mood: str) -> None:
        self.provider.mood = mood

    @rule(seconds=st.sampled_from([1, 30, 100, 1000]))
    def time_passes(self, seconds: int) -> None:
        self._wait_until(self.now + timedelta(seconds=seconds))

    @precondition(lambda self: (task := self.tasks.load(TASK_ID)) and not task.over)
    @rule()
    def the_caller_cancels(self) -> None:
        task = self.tasks.kept[TASK_ID]
        self.tasks.move(task, tasks.canceled(task, now=self.now))
        self.canceled = True

    @precondition(lambda self: self.tasks.kept and len(self.tasks.history[TASK_ID]) > 1)
    @rule()
    def the_caller_deletes(self) -> None:
        del self.tasks.kept[TASK_ID]
        self.media_to_clean = True

    @precondition(lambda self: self.media_to_clean)
    @rule()
    def the_cascade_removes_the_media(self) -> None:
        self.media.delete_of_task(1, TASK_ID)
        self.media_to_clean = False

    @precondition(lambda self: self.tasks.kept and not self.unlinked)
    @rule()
    def the_cascade_takes_its_parents(self) -> None:
        self.tasks.note(self.tasks.kept[TASK_ID], client_id=None)
        self.unlinked = True

    # ---------------------------------------------------------------------------------------- what always holds

    @invariant()
    def it_is_submitted_at_most_once(self) -> None:
        assert len(self.provider.accepted) <= 1

    @invariant()
    def it_moves_as_the_life_cycle_says_and_ends_once(self) -> None:
        history = self.tasks.history[TASK_ID]
        assert all(later in NEXT[earlier] for earlier, later in zip(history, history[1:], strict=False))
        assert len(statuses_that_end(history)) <= 1

    @invariant()
    def some_step_waits_while_it_is_not_over(self) -> None:
        task = self.tasks.load(TASK_ID)
        deliveries = [*self.queue, *(running.delivery for running in self.workers)]
        assert task is None or task.over or any(each.message.step >= task.step for each in deliveries)

    @invariant()
    def a_finished_task_has_its_files(self) -> None:
        task = self.tasks.load(TASK_ID)
        if task and task.status is TaskStatus.SUCCEEDED:
            assert [self.media.files[output.key] for output in task.outputs] == [b"one", b"two"]

    def teardown(self) -> None:
        self._come_to_rest()
        self.some_step_waits_while_it_is_not_over()
        self.it_is_submitted_at_most_once()
        task = self.tasks.load(TASK_ID)
        outputs = task.outputs if task else []
        assert set(self.media.files) == {output.key for output in outputs}
        if task is not None:
            self._ended_right(task)

    def _ended_right(self, task: tasks.Task) -> None:
        assert task.over
        assert (task.status is TaskStatus.CANCELED) == self.canceled
        code = task.error.code if task.error else None
        assert (code is None) == (task.status is not TaskStatus.FAILED)
        match self.provider.state:
            case Done((_, *_)):
                assert task.status is not TaskStatus.FAILED or code in ("timeout", "internal_error", "not_allowed")
            case Refused(error):
                assert code in (None, error.code, "timeout", "internal_error", "not_allowed")
        if code == "timeout":
            assert self.now > task.created_at + DEADLINE[task.type]
        runs_for_nobody = self.provider.accepted and not isinstance(self.provider.state, Done | Refused)
        assert not runs_for_nobody or self.unheard, "the provider was never told to stop"

    # ---------------------------------------------------------------------------------------------------- helpers

    def _wait_until(self, moment: datetime) -> None:
        self.now = max(self.now, moment)
        for running in [each for each in self.workers if self.now - each.since > LIFE]:
            self.a_worker_dies(self.workers.index(running))

    def _done(self, running: Running) -> None:
        delivery = running.delivery
        if running.worker.error is None or running.copy:
            return
        if delivery.receives < MAX_RECEIVES:
            self.queue.append(Delivery(delivery.message, running.since + VISIBILITY, delivery.receives + 1))
        elif self.tasks.load(TASK_ID) is not None:
            self.unheard = True  # a dead letter: the provider was not to be reached for a long time

    def _come_to_rest(self) -> None:
        self.provider.mood = "well"
        while self.workers:
            self.a_worker_goes_on(0, ALL)
        if self.media_to_clean:
            self.the_cascade_removes_the_media()
        for turn in range(500):
            if not self.queue and not self.workers:
                return
            if turn == 5 and not isinstance(self.provider.state, Done | Refused):
                self.provider.state = PICTURES
            self.queue.sort(key=lambda each: each.due)
            self.a_message_is_delivered(0, copy=False, calls=ALL)
            while self.workers:
                self.a_worker_goes_on(0, ALL)
        raise AssertionError("It does not come to rest.")


TestPipeline = PipelineMachine.TestCase
TestPipeline.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)
