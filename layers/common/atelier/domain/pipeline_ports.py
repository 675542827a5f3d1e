"""The message that starts a step of a generation, and the ports a step uses."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from atelier.domain.messages import AccountMessage
from atelier.domain.provider import File, InputSource
from atelier.domain.tasks.record import Output, Task, TaskError, TaskType


class GenerationMessage(AccountMessage):
    """A message of the generation queues: carry out step `step` of the task, or None: whatever comes next.

    It says whose task it is, so that what is left of a deleted one is found, and which `job` of whom is to be stopped
    when even that is gone. A provider's callback brings the `job` with the `token` that it was given.
    """

    task_id: str
    step: int | None = 0
    job: str | None = None
    served_by: str | None = None
    model: str | None = None
    token: str | None = None

    @classmethod
    def about(cls, task: Task, *, step: int | None) -> "GenerationMessage":
        """The message that has this step of the task carried out, or None: whatever comes next."""
        return cls(
            task_id=task.id,
            user_id=task.user_id,
            step=step,
            job=task.provider_task_id,
            served_by=task.served_by,
            model=task.model,
        )


class Tasks(Protocol):
    """What the pipeline needs of the task store. Writes raise TaskChanged when the task is no longer as it was read."""

    def load(self, task_id: str) -> Task | None:
        """The task as it is now."""

    def move(self, before: Task, after: Task) -> Task:
        """Record a change of status or provider, and every count that depends on it, at once."""

    def note(self, before: Task, **change: object) -> Task:
        """Record a change that leaves the status as it is."""

    def release_deleted(self, account: int, task_id: str) -> None:
        """The job of a deleted task has cost nothing."""

    def record_outcome(self, before: Task, after: Task) -> Task:
        """Record the outcome and cost of a job whose task has already ended."""

    def load_deleted(self, user_id: int, task_id: str) -> Task | None:
        """What is kept of a deleted task; None when nothing is left to be done for it."""

    def note_deleted(self, task: Task, **change: object) -> None:
        """Record a change of what is kept of a deleted task."""

    def forget_deleted(self, task: Task) -> None:
        """Nothing is left to be done for a deleted task."""


class Queue(Protocol):
    """The queue of the next step."""

    def send(self, step: GenerationMessage, *, delay: int, provider: str) -> None:
        """Deliver `step` to a provider's queue after `delay` seconds (at most 900), at least once."""


class Media(Protocol):
    """The media bucket."""

    def keep(self, file: File, stem: str, kind: TaskType, name: str) -> Output:
        """Store one file under a key that begins with `stem`, replacing what was there.

        Whoever saves it gets `name`, with the extension of its type.

        Raises MediaRejected, and Unavailable when the file could not be fetched now.
        """

    def delete_of_task(self, user_id: int, task_id: str) -> int:
        """Remove every file of a task; how many there were."""


class Inputs(Protocol):
    """The input files of tasks."""

    def of(self, task: Task) -> Sequence[InputSource]:
        """The files of a task's inputs, in their order. Nothing is read before it is asked for."""


class CircuitBreaker(Protocol):
    """A circuit breaker per provider: open for a while after consecutive failures."""

    def reason_to_wait(self, provider: str, *, now: datetime) -> str | None:
        """Why the breaker is open; None when the provider may be called."""

    def record_failure(self, provider: str, reason: str, *, now: datetime) -> None:
        """Count a failure."""

    def record_success(self, provider: str) -> None:
        """It answered."""


class TaskChanged(Exception):
    """The task has changed since it was read; nothing was written."""


class MediaRejected(Exception):
    """A file of the provider is unusable and fetching it again would not help; `error` says why."""

    def __init__(self, error: TaskError) -> None:
        self.error = error
        super().__init__(error.message)
