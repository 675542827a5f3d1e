"""How a task gets from accepted to done: one message at a time, each safe to repeat.

Every message names a task and a step. The task remembers the step it waits for, so a message that comes twice, late or
out of order does nothing. The next message is sent before the step is recorded: a crash between the two repeats a
step, and never loses one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from pydantic import BaseModel

from atelier.domain import tasks
from atelier.domain.provider import Done, Made, Order, Provider, Refused, SubmitRefused, Waiting, Working
from atelier.domain.tasks import Output, Task, TaskError, TaskStatus, TaskType

# From creation; a provider that has not answered by then is not going to.
DEADLINE: Final = {
    TaskType.IMAGE: timedelta(minutes=15),
    TaskType.VIDEO: timedelta(hours=1),
    TaskType.AUDIO: timedelta(minutes=30),
}
# Longer than a worker may run, so that a lease ends only when its holder is certainly gone.
LEASE: Final = timedelta(seconds=90)
FIRST_POLLS: Final = (1, 1, 1, 2, 3, 5, 8, 13, 21, 34)
LAST_POLL: Final = 60
AT_ONCE: Final = 2  # how often a step that was overtaken is tried again before the queue has to bring it again


class NextStep(BaseModel):
    """A message of the generation queue: carry out step `step` of the task.

    It says whose task it is, so that what is left of a deleted one is found.
    """

    task_id: str
    user_id: int
    step: int = 0


class Tasks(Protocol):
    """What the pipeline needs of the task store. Writes raise Outdated when the task is no longer as it was read."""

    def load(self, task_id: str) -> Task | None:
        """The task as it is now."""

    def move(self, before: Task, after: Task) -> Task:
        """Record a change of status, and every count that depends on it, at once."""

    def note(self, before: Task, **change: object) -> Task:
        """Record a change that leaves the status as it is."""


class Queue(Protocol):
    """Where the next step waits."""

    def send(self, step: NextStep, *, delay: int) -> None:
        """Deliver `step` after `delay` seconds (at most 900), at least once."""


class Media(Protocol):
    """Our own storage."""

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store one file, replacing what was there."""

    def delete_of_task(self, user_id: int, task_id: str) -> int:
        """Remove every file of a task; how many there were."""


class Outdated(Exception):
    """The task has changed since it was read; what was to be written no longer holds."""


class Held(Exception):
    """Another worker is submitting this task right now; the queue shall bring the message again."""


@dataclass(frozen=True)
class Pipeline:
    """One worker's hands: the store, the queue, the bucket and the providers that are configured."""

    tasks: Tasks
    queue: Queue
    media: Media
    providers: Mapping[str, Provider]

    def carry_out(self, message: NextStep, *, now: datetime) -> Task | None:
        """Do what the message asks, if it is still to be done; the task as it is then, None when it is gone.

        Raises Held, Outdated and whatever a provider raises: the queue then brings the message again.
        """
        for _ in range(AT_ONCE):
            try:
                return self._step(message, now=now)
            except Outdated:
                continue  # somebody else was faster; what is left to do may have changed
        return self._step(message, now=now)

    def _step(self, message: NextStep, *, now: datetime) -> Task | None:
        task = self.tasks.load(message.task_id)
        if task is None:
            self._forget(message)
            return None
        if task.over:
            return self._settle(task)
        if message.step < task.step:
            return task
        provider = self.providers[task.served_by]
        if now > task.created_at + DEADLINE[task.type]:
            return self._give_up(task, now=now)
        if task.provider_task_id is None:
            return self._submit(task, provider, now=now)
        return self._ask_after(task, task.provider_task_id, provider, now=now)

    def abandon(self, message: NextStep, *, now: datetime) -> None:
        """The queue has given up on this message: the task fails where its owner can see it.

        The provider may still be at work: one more message tells it to stop.
        """
        task = self.tasks.load(message.task_id)
        if task is None or task.over or message.step < task.step:
            return
        error = TaskError(code="internal_error", message="The generation could not be carried out.", retryable=True)
        try:
            self.tasks.move(task, tasks.failed(task, error, now=now))
        except Outdated:
            self.abandon(message, now=now)
        else:
            self.queue.send(message, delay=LAST_POLL)

    def _submit(self, task: Task, provider: Provider, *, now: datetime) -> Task:
        if task.lease_until is not None and task.lease_until > now:
            raise Held(task.id)
        order = order_of(task)
        # A lease that ran out means that a worker went away in the middle: the job may have been accepted.
        job = provider.find(order) if task.lease_until is not None else None
        task = self.tasks.note(task, lease_until=now + LEASE)
        try:
            job = job or provider.submit(order)
        except SubmitRefused as refusal:
            return self._end(task, refusal.error, now=now)
        # Before anything else can fail: with its id, the job is found whatever the provider remembers.
        task = self.tasks.note(task, provider_task_id=job, updated_at=now)
        return self._look_again(task, now=now)

    def _end(self, task: Task, error: TaskError, *, now: datetime) -> Task:
        """Fail the task, whatever else happens to it at this moment: what was refused is not asked again."""
        try:
            return self.tasks.move(task, tasks.failed(task, error, now=now))
        except Outdated:
            current = self.tasks.load(task.id)
            return task if current is None or current.over else self._end(current, error, now=now)

    def _look_again(self, task: Task, *, now: datetime, **seen: object) -> Task:
        news = {name: value for name, value in seen.items() if getattr(task, name) != value}
        change = {**news, "updated_at": now} if news else {}
        following = NextStep(task_id=task.id, step=task.step + 1, user_id=task.user_id)
        self.queue.send(following, delay=_delay(task.step))
        return self.tasks.note(task, step=task.step + 1, **change)

    def _ask_after(self, task: Task, job: str, provider: Provider, *, now: datetime) -> Task:
        match provider.poll(job, order_of(task)):
            case Done() as done:
                return self._finish(task, done, now=now)
            case Refused(error):
                return self.tasks.move(task, tasks.failed(task, error, now=now))
            case Working(progress):
                if task.status is TaskStatus.PENDING:
                    task = self.tasks.move(task, tasks.started(task, now=now))
                return self._look_again(task, now=now, progress=_share(progress))
            case Waiting(position):
                if task.status is TaskStatus.PROCESSING:
                    task = self.tasks.move(task, tasks.requeued(task, now=now))
                return self._look_again(task, now=now, queue_position=position and max(position, 0))

    def _finish(self, task: Task, done: Done, *, now: datetime) -> Task:
        if not done.media:
            nothing = TaskError(code="empty_output", message="The provider returned no media.", retryable=False)
            return self.tasks.move(task, tasks.failed(task, nothing, now=now))
        outputs = [_output(task, number, made) for number, made in enumerate(done.media)]
        for output, made in zip(outputs, done.media, strict=True):
            self.media.put(output.key, made.content, made.content_type)
        # Canceled or deleted in the meantime: the step is tried again, and that removes the files.
        return self.tasks.move(task, tasks.succeeded(task, outputs=outputs, cost=done.cost, now=now))

    def _forget(self, message: NextStep) -> None:
        # The clean-up of the delete may have come before a worker had stored the last file.
        self.media.delete_of_task(message.user_id, message.task_id)

    def _give_up(self, task: Task, *, now: datetime) -> Task:
        error = TaskError(code="timeout", message="The provider did not finish in time.", retryable=True)
        given_up = self.tasks.move(task, tasks.failed(task, error, now=now))
        return self._settle(given_up)

    def _settle(self, task: Task) -> Task:
        """A task that ended on our side first: the provider is told to stop, and files that came too late go."""
        if task.status is TaskStatus.SUCCEEDED or (task.lease_until is None and task.provider_task_id is None):
            return task
        self.media.delete_of_task(task.user_id, task.id)
        provider = self.providers[task.served_by]
        job = task.provider_task_id or provider.find(order_of(task))
        if job is not None:
            provider.cancel(job)
        return task


def order_of(task: Task) -> Order:
    """What the provider is asked to make for `task`."""
    return Order(
        reference=task.id,
        type=task.type,
        model=task.model,
        prompt=task.prompt,
        effective_prompt=task.effective_prompt,
        options=task.params,
    )


def _share(progress: float | None) -> float | None:
    # A number out of bounds would make the task unreadable, and every list that it is in.
    return None if progress is None else round(min(max(0.0, progress), 1.0), 4)


def _delay(step: int) -> int:
    return FIRST_POLLS[step] if step < len(FIRST_POLLS) else LAST_POLL


def _output(task: Task, number: int, made: Made) -> Output:
    extension = made.content_type.partition("/")[2]
    return Output(
        key=f"media/{task.user_id}/{task.id}/{number}.{extension}",
        content_type=made.content_type,
        bytes=len(made.content),
        width=made.width,
        height=made.height,
        duration=made.duration,
    )
