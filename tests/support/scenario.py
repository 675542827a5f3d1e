"""One task's way through the pipeline while everything happens that may: a story is a function of its seed.

Messages come late, twice, out of order, or not at all; the sweep finds what is due. Workers die between any two calls;
the caller cancels or deletes; the provider loses answers, refuses, requeues and ends; the cascade takes the task's
parents away.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Final

from hypothesis import note

from atelier.domain.due import LATE_AFTER, Work, is_late, look, look_again
from atelier.domain.pipeline import Pipeline
from atelier.domain.pipeline_ports import GenerationMessage
from atelier.domain.provider import Done, Refused, State, Waiting, Working
from atelier.domain.tasks import life_cycle
from atelier.domain.tasks.record import Task
from tests.support.builders import NOON, a_task, an_id
from tests.support.fakes import (
    IMAGES,
    MAX_RECEIVES,
    NOT_ALLOWED,
    FakeHealth,
    FakeInputs,
    FakeMedia,
    FakeProvider,
    FakeQueue,
    FakeTasks,
    Worker,
    as_the_worker_does,
    catalog,
)

VISIBILITY: Final = timedelta(seconds=360)
TORN: Final = 0.5
LIFE: Final = timedelta(seconds=60)  # the worker's timeout
TASK_ID: Final = an_id(3)
LAST: Final[tuple[State, ...]] = (IMAGES, IMAGES, Done(()), Refused(NOT_ALLOWED))
STATES: Final[tuple[State, ...]] = (Waiting(3), Waiting(), Working(), Working(0.9), *LAST)


@dataclass
class Delivery:
    """A message in the queue: when it can be taken, and how often it was."""

    message: GenerationMessage
    due: datetime
    receives: int = 1
    taken: bool = False  # by a worker before: then its queue brings it back, and does not lose it


@dataclass
class Running:
    """A worker and what it was given; `copy` when the queue still has the message."""

    worker: Worker
    delivery: Delivery
    since: datetime
    copy: bool


class Scenario:
    """See the module. The first message is the relay's."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.now = NOON
        self.tasks = FakeTasks(a_task(callback_token="secret"), torn=lambda: self.chance.random() < TORN)
        self.sent = FakeQueue()
        self.media = FakeMedia()
        self.provider = FakeProvider()
        providers = {"fake": self.provider}
        self.pipeline = Pipeline(self.tasks, self.sent, self.media, providers, FakeHealth(), catalog(), FakeInputs())
        self.queue = [Delivery(GenerationMessage(task_id=TASK_ID, user_id=1), NOON)]
        self.workers: list[Running] = []
        self.canceled = self.canceled_in_time = self.unheard = self.abandoned = False
        wishes = ((self.cancel, self.chance.randrange(40)), (self.delete, self.chance.randrange(40)))
        self.wishes = [each for each in wishes if self.chance.random() < 0.4]
        self.moody = self.chance.random() < 0.5
        self.lossy, self.lost = self.chance.random() < 0.5, False

    @property
    def task(self) -> Task | None:
        """The task as it is kept."""
        return self.tasks.kept.get(TASK_ID)

    def go_on(self, turn: int) -> None:
        """Let one thing happen."""
        for wish, at in self.wishes:
            if at == turn:
                wish()
        happens = (self.deliver, self.deliver, self.work, self.work, self.work, self.die, self.progress, self.happen)
        self.chance.choice(happens)()

    def come_to_rest(self) -> None:
        """Let all that waits happen, and nothing go wrong any more."""
        self.provider.mood = "well"
        for turn in range(500):
            while self.workers:
                self.work(99)
            if not self.queue and not self.sweep(waiting=True):
                return
            if turn == 20 and not isinstance(self.provider.state, Done | Refused):
                self.provider.state = IMAGES
            if self.queue:
                self.queue.sort(key=lambda each: each.due)
                self.take(self.queue[0], copy=False)
        raise AssertionError("Messages keep coming.")

    # ------------------------------------------------------------------------------------------- queue and workers

    def deliver(self) -> None:
        """Any message is delivered, now and then without leaving the queue."""
        if self.queue:
            self.take(self.chance.choice(self.queue), copy=self.chance.random() < 0.3)

    def take(self, delivery: Delivery, *, copy: bool) -> None:
        """A worker is given a message."""
        self.wait_until(delivery.due)
        if not copy:
            self.queue.remove(delivery)
        note(f"{delivery.message} is {'copied' if copy else 'delivered'}")
        self.abandoned = self.abandoned or delivery.receives == MAX_RECEIVES
        job = as_the_worker_does(delivery.message, receives=delivery.receives, now=self.now)
        self.workers.append(Running(Worker(job, self.pipeline), delivery, self.now, copy))

    def work(self, calls: int = 0) -> None:
        """Any worker makes some calls."""
        if not self.workers:
            return
        running = self.chance.choice(self.workers)
        calls = calls or self.chance.choice((1, 2, 3, 99))
        done = any(running.worker.step() for _ in range(calls))
        note(
            f"worker of {running.delivery.message.step} {'is done' if done else 'makes calls'} {running.worker.error!r}"
        )
        if done:
            self.workers.remove(running)
            self._give_back(running)
        self.queue += [Delivery(message, self.now + timedelta(seconds=delay)) for message, delay in self.sent.waiting]
        self.sent.waiting.clear()

    def _give_back(self, running: Running) -> None:
        delivery = running.delivery
        if running.worker.error is None or running.copy:
            return
        if delivery.receives < MAX_RECEIVES:
            self.queue.append(Delivery(delivery.message, running.since + VISIBILITY, delivery.receives + 1, taken=True))
        elif not self.queue and not self.sent.waiting:
            self.unheard = True  # a dead letter, and no other message is left to tell the provider

    def die(self) -> None:
        """Any worker is no more. Its receive is not counted: who dies at every receive can never abandon anything."""
        if self.workers:
            self._kill(self.chance.choice(self.workers))

    def _kill(self, running: Running) -> None:
        note(f"worker of {running.delivery.message.step} dies")
        self.workers.remove(running)
        # A copy comes again too, as if it were a message of its own.
        again = running.since + VISIBILITY
        self.queue.append(Delivery(running.delivery.message, again, running.delivery.receives, taken=True))

    def wait_until(self, moment: datetime) -> None:
        """Time passes; a worker does not live for long."""
        self.now = max(self.now, moment)
        for running in [each for each in self.workers if self.now - each.since > LIFE]:
            self._kill(running)

    # ------------------------------------------------------------------------------------------------ the others

    def progress(self) -> None:
        """The provider gets on with the job."""
        if self.provider.accepted and not isinstance(self.provider.state, Done | Refused):
            self.provider.state = self.chance.choice(STATES)

    def happen(self) -> None:
        """Something else happens."""
        others = (self.change_mood, self.unlink, self.pass_time, self.report, self.spoil)
        self.chance.choice((*others, self.sweep, self.lose))()

    def change_mood(self) -> None:
        """The provider is reachable or is not."""
        if self.moody:
            self.provider.mood = self.chance.choice(("well", "deaf", "mute", "strict", "forgetful"))
            note(f"the provider is {self.provider.mood}")

    def lose(self) -> None:
        """A message that nobody has taken yet is lost, or the stream's record that it would have come from."""
        waiting = [each for each in self.queue if not each.taken]
        if self.lossy and waiting:
            lost = self.chance.choice(waiting)
            note(f"{lost.message} is lost")
            self.queue.remove(lost)
            self.lost = True

    def sweep(self, *, waiting: bool = False) -> bool:
        """The sweep looks at the task if it is due, or is `waiting` until it is; whether it looked."""
        due = self.tasks.due[TASK_ID]
        if due is None or not (waiting or due <= self.now):
            return False
        self.wait_until(due)
        if task := self.task:
            seen = look(task, now=self.now)
            for work in seen.overdue:
                self._put_back(GenerationMessage.about(task, step=task.step if work is Work.STEP else None))
            self.tasks.due[TASK_ID] = seen.again
        else:
            deleted = self.tasks.deleted[TASK_ID]
            planned = deleted.next_at or deleted.updated_at
            if is_late(planned, LATE_AFTER, now=self.now):
                self._put_back(GenerationMessage.about(deleted, step=None))
            self.tasks.due[TASK_ID] = look_again(planned, LATE_AFTER, now=self.now)
        return True

    def _put_back(self, message: GenerationMessage) -> None:
        note(f"{message} is put back")
        self.queue.append(Delivery(message, self.now))

    def spoil(self) -> None:
        """What the provider brings cannot be kept."""
        self.media.spoiled = self.media.spoiled or self.chance.random() < 0.05

    def unlink(self) -> None:
        """The cascade takes the task's parents away."""
        if self.task and self.chance.random() < 0.3:
            self.tasks.note(self.task, client_id=None)

    def pass_time(self) -> None:
        """Time passes, now and then a lot of it."""
        self.wait_until(self.now + timedelta(seconds=self.chance.choice((1, 1, 10, 100, 1000))))

    def cancel(self) -> None:
        """The caller calls it off."""
        if self.task and not self.task.over:
            note("canceled")
            self.tasks.move(self.task, life_cycle.canceled(self.task, now=self.now))
            self.tasks.settle()  # whoever is told of it reads later
            self.canceled = True
            self.canceled_in_time = self.task.lease_until is None and not self.provider.accepted
            self.wake_up()

    def delete(self) -> None:
        """The caller deletes it."""
        if self.task:
            note("deleted")
            self.wake_up(self.tasks.delete(TASK_ID, now=self.now).provider_task_id)

    def wake_up(self, job: str | None = None) -> None:
        """The relay has seen that the task ended, or is gone."""
        message = GenerationMessage(
            task_id=TASK_ID, user_id=1, step=None, job=job, served_by="fake", model="fake-image"
        )
        self.queue.append(Delivery(message, self.now))

    def report(self) -> None:
        """The provider calls back, about its job or, being confused, about another one."""
        if self.provider.accepted and self.provider.mood != "deaf":
            job = self.chance.choice((f"job-{TASK_ID}", f"job-{TASK_ID}", "job-of-another"))
            token = self.chance.choice(("secret", "secret", "guessed"))
            message = GenerationMessage(task_id=TASK_ID, user_id=1, step=None, job=job, served_by="fake", token=token)
            self.queue.append(Delivery(message, self.now))
