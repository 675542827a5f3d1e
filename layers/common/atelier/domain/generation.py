"""How a task gets from accepted to done: one message at a time, each safe to repeat.

Every message names a task and a step. The task remembers the step it waits for, so a message that comes twice, late or
out of order does nothing. The next message is sent before the step is recorded: a crash between the two repeats a
step, and never loses one. A message without a step wakes the task up, whatever it waits for.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hmac import compare_digest
from typing import Final, TypeVar

from atelier.domain import tasks
from atelier.domain.models import SANDBOX, Registry
from atelier.domain.provider import (
    Done,
    Order,
    Provider,
    Refused,
    SubmitRefused,
    Unavailable,
    Unheard,
    Unknowable,
    Waiting,
    Working,
)
from atelier.domain.steps import LONGEST_DELAY, Health, Media, NextStep, Outdated, Queue, Tasks, Unusable
from atelier.domain.tasks import Alternative, Outcome, Output, Task, TaskError, TaskStatus, TaskType

Answer = TypeVar("Answer")

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
_HELD: Final = 5  # seconds after which a message looks again whether its task is still being submitted
_AFTERMATH: Final = timedelta(hours=1)  # how long after its deadline a job that could not be stopped is asked after
_NOT_CONFIRMED: Final = "The provider has not confirmed the job; it is not sent twice."
AT_ONCE: Final = 2  # how often a step that was overtaken is tried again before the queue has to bring it again


@dataclass(frozen=True)
class Pipeline:
    """One worker's hands: the store, the queues, the bucket, the providers that are configured and their health.

    `callbacks` is the address below which providers report; None where they cannot reach us.
    """

    tasks: Tasks
    queue: Queue
    media: Media
    providers: Mapping[str, Provider]
    health: Health
    registry: Registry
    callbacks: str | None = None

    def carry_out(self, message: NextStep, *, now: datetime) -> Task | None:
        """Do what the message asks, if it is still to be done; the task as it is then, None when it is gone.

        Raises Outdated and whatever our own storage raises: the queue then brings the message again.
        """
        for _ in range(AT_ONCE):
            try:
                return self._step(message, now=now)
            except Outdated:
                continue  # somebody else was faster; what is left to do may have changed
        return self._step(message, now=now)

    def abandon(self, message: NextStep, *, now: datetime) -> Task | None:
        """The queue has given up on this message: the task fails where its owner can see it. The task as it is then."""
        task = self.tasks.load(message.task_id)
        if task is None or task.over or _is_late(message, task):
            return task
        error = TaskError(code="internal_error", message="The generation could not be carried out.", retryable=True)
        return self._fail(task, error, now=now)

    def _step(self, message: NextStep, *, now: datetime) -> Task | None:
        task = self.tasks.load(message.task_id)
        if task is None:
            self._forget(message)
        elif message.token is not None:
            task = self._recognised(task, message)
        if task is None:
            return None
        if task.over:
            return self._settle(task, now=now)
        return task if _is_late(message, task) else self._take_on(task, message, now=now)

    def _take_on(self, task: Task, message: NextStep, *, now: datetime) -> Task:
        if now > task.created_at + DEADLINE[task.type]:
            return self._fail(task, _timeout(task), now=now)
        if task.provider_task_id is None:
            return self._submit(task, message, now=now)
        return self._ask_after(task, task.provider_task_id, now=now)

    # -------------------------------------------------------------------------------------------------- submitting

    def _submit(self, task: Task, message: NextStep, *, now: datetime) -> Task:
        if task.lease_until is None:
            if reason := self.health.reason_to_wait(task.served_by, now=now):
                return self._not_now(task, reason, now=now)
            return self._hand_in(task, now=now)
        if task.lease_until > now:
            # Somebody is submitting it at this moment, or has died doing so. A wake-up need not wait for that.
            if message.step is not None:
                self.queue.send(message, delay=_HELD, lane=task.served_by)
            return task
        # A lease that ran out means that nobody heard of the submit: the job may have been accepted.
        try:
            job = self._ask(task, lambda provider: provider.find(self.order_of(task)), now=now)
        except Unknowable:
            return self._look_again(task, now=now, status_reason=_NOT_CONFIRMED)
        except Unavailable as failure:
            return self._look_again(task, now=now, after=failure.after, status_reason=str(failure))
        return self._hand_in(task, now=now) if job is None else self._accepted(task, job, now=now)

    def _hand_in(self, task: Task, *, now: datetime) -> Task:
        task = self.tasks.note(task, lease_until=now + LEASE)
        try:
            job = self._ask(task, lambda provider: provider.submit(self.order_of(task)), now=now)
        except SubmitRefused as refusal:
            if task.alternatives:
                return self._reroute(task, refusal.error, now=now)
            return self._fail(task, refusal.error, now=now, outcome=Outcome.FAILED)
        except Unavailable as failure:
            return self._not_now(task, str(failure), now=now, after=failure.after)
        except Unheard:
            wait = LEASE.total_seconds() + 1  # when the lease is over, it is looked for
            return self._look_again(task, now=now, after=wait, status_reason=_NOT_CONFIRMED)
        return self._accepted(task, job, now=now)

    def _accepted(self, task: Task, job: str, *, now: datetime) -> Task:
        # Before anything else can fail, and whatever else happens to the task at this moment: only with its id is the
        # job found, whatever the provider remembers.
        while True:
            try:
                task = self.tasks.note(task, provider_task_id=job, updated_at=now)
            except Outdated:
                current = self.tasks.load(task.id)
                if current is None:
                    self._forget(self._message(task.model_copy(update={"provider_task_id": job}), step=None))
                    raise
                task = current
            else:
                return self._settle(task, now=now) if task.over else self._look_again(task, now=now, status_reason=None)

    def _not_now(self, task: Task, reason: str, *, now: datetime, after: float | None = None) -> Task:
        """The provider has certainly not accepted the job: the next one is asked, or the same one later."""
        if task.alternatives:
            error = TaskError(code="provider_unavailable", message=reason, retryable=True)
            return self._reroute(task, error, now=now)
        return self._look_again(task, now=now, after=after, status_reason=reason, lease_until=None)

    def _reroute(self, task: Task, error: TaskError, *, now: datetime) -> Task:
        rerouted = tasks.rerouted(task, error, estimate=self._estimate(task, task.alternatives[0]), now=now)
        self._send(rerouted, step=rerouted.step, delay=1)
        return self.tasks.move(task, rerouted)

    def _recognised(self, task: Task, callback: NextStep) -> Task | None:
        """The task, with the job that the callback names; None when the callback is not about the task's own job."""
        is_ours = task.callback_token and compare_digest((callback.token or "").encode(), task.callback_token.encode())
        if not is_ours or not callback.job or callback.served_by != task.served_by:
            return None
        if task.provider_task_id is None and task.lease_until is not None:
            return self.tasks.note(task, provider_task_id=callback.job)  # the answer to the submit is not here yet
        return task if task.provider_task_id == callback.job else None

    # ------------------------------------------------------------------------------------------------- asking after

    def _ask_after(self, task: Task, job: str, *, now: datetime) -> Task:
        if reason := self.health.reason_to_wait(task.served_by, now=now):
            return self._look_again(task, now=now, status_reason=reason)
        try:
            state = self._ask(task, lambda provider: provider.poll(job, self.order_of(task)), now=now)
        except Unavailable as failure:
            return self._look_again(task, now=now, after=failure.after, status_reason=str(failure))
        match state:
            case Done() as done:
                return self._finish(task, done, now=now)
            case Refused(error, cost):
                return self.tasks.move(task, tasks.failed(task, error, now=now, outcome=Outcome.FAILED, cost=cost))
            case Working(progress):
                if task.status is TaskStatus.PENDING:
                    task = self.tasks.move(task, tasks.started(task, now=now))
                return self._look_again(task, now=now, status_reason=None, progress=_share(progress))
            case Waiting(position):
                if task.status is TaskStatus.PROCESSING:
                    task = self.tasks.move(task, tasks.requeued(task, now=now))
                place = position and max(position, 0)
                return self._look_again(task, now=now, status_reason=None, queue_position=place)

    def _ask(self, task: Task, question: Callable[[Provider], Answer], *, now: datetime) -> Answer:
        """What the provider answers; whether it does at all is what its health is known by."""
        try:
            answer = question(self.providers[task.served_by])
        except (Unavailable, Unheard) as failure:
            self.health.failed(task.served_by, str(failure), now=now)
            raise
        except (SubmitRefused, Unknowable):
            self.health.answered(task.served_by)
            raise
        self.health.answered(task.served_by)
        return answer

    def _look_again(self, task: Task, *, now: datetime, after: float | None = None, **seen: object) -> Task:
        news = {name: value for name, value in seen.items() if getattr(task, name) != value}
        change = {**news, "updated_at": now} if news else {}
        self._send(task, step=task.step + 1, delay=max(_delay(task.step), math.ceil(after or 0)))
        return self.tasks.note(task, step=task.step + 1, **change)

    def _send(self, task: Task, *, step: int | None, delay: int) -> None:
        self.queue.send(self._message(task, step=step), delay=min(delay, LONGEST_DELAY), lane=task.served_by)

    def _message(self, task: Task, *, step: int | None) -> NextStep:
        return NextStep(
            task_id=task.id,
            user_id=task.user_id,
            step=step,
            job=task.provider_task_id,
            served_by=task.served_by,
            model=task.model,
        )

    # ------------------------------------------------------------------------------------------------------ ending

    def _finish(self, task: Task, done: Done, *, now: datetime) -> Task:
        stem = f"media/{task.user_id}/{task.id}"
        try:
            outputs = [self.media.keep(file, f"{stem}/{n}", task.type) for n, file in enumerate(done.files)]
        except Unavailable as failure:
            return self._look_again(task, now=now, status_reason=str(failure))
        except Unusable as unusable:
            outputs, error = [], unusable.error
        else:
            error = TaskError(code="empty_output", message="The provider returned no media.", retryable=False)
        cost = self._cost(task, done, outputs)
        if outputs:
            # Canceled or deleted in the meantime: the step is tried again, and that removes the files.
            return self.tasks.move(task, tasks.succeeded(task, outputs=outputs, cost=cost, now=now))
        ended = self.tasks.move(task, tasks.failed(task, error, now=now, outcome=Outcome.SUCCEEDED, cost=cost))
        return self._settle(ended, now=now)

    def _fail(self, task: Task, error: TaskError, *, now: datetime, outcome: Outcome | None = None) -> Task:
        """Fail the task, whatever else happens to it at this moment: what went wrong stays wrong.

        Unless `outcome` says how its job ended, one more message has the provider told to stop.
        """
        while True:
            if outcome is None:
                self._send(task, step=None, delay=1)
            try:
                return self.tasks.move(task, tasks.failed(task, error, now=now, outcome=outcome))
            except Outdated:
                current = self.tasks.load(task.id)
                if current is None or current.over:
                    return task
                task = current

    def _forget(self, message: NextStep) -> None:
        """What is left of a task that was deleted: files that came after the clean-up, and a job that still runs."""
        if message.token is not None:
            return
        if message.user_id is not None:
            self.media.delete_of_task(message.user_id, message.task_id)
        provider = self.providers.get(message.served_by or "")
        if provider is not None and message.job and message.model:
            provider.cancel(message.job, model=self.registry.id_of(message.served_by or "", message.model))

    def _settle(self, task: Task, *, now: datetime) -> Task:
        """A task that ended on our side first: its job is stopped, and how that ended all the same is recorded."""
        was_sent = task.lease_until is not None or task.provider_task_id is not None
        if task.status is TaskStatus.SUCCEEDED or not was_sent:
            return task
        self.media.delete_of_task(task.user_id, task.id)
        if task.provider_outcome is not None:
            return task
        try:
            ended = self._stopped(task, now=now)
        except (Unknowable, Unavailable):
            ended = None
        if ended is not None:
            outcome, cost = ended
            return self.tasks.settle(task, tasks.settled(task, outcome, cost=cost, now=now))
        since = now - (task.completed_at or now)
        if now < task.created_at + DEADLINE[task.type] + _AFTERMATH:
            self._send(task, step=None, delay=max(LAST_POLL // 4, int(since.total_seconds() / 2)))
        return task

    def _stopped(self, task: Task, *, now: datetime) -> tuple[Outcome, Decimal | None] | None:
        """How the job of a task that is over ended, and what it cost; None while it may still run."""
        if task.provider_task_id is None and task.lease_until is not None and task.lease_until > now:
            return None  # it may be submitted at this very moment
        provider, order = self.providers[task.served_by], self.order_of(task)
        job = task.provider_task_id or provider.find(order)
        if job is None or provider.cancel(job, model=order.model):
            return Outcome.CANCELED, None
        match provider.poll(job, order):
            case Done() as done:
                return Outcome.SUCCEEDED, self._cost(task, done)
            case Refused(_, cost):
                return Outcome.FAILED, cost
            case _:
                return None

    # ------------------------------------------------------------------------------------------------- in its terms

    def order_of(self, task: Task) -> Order:
        """What the provider is asked to make for `task`."""
        at = f"{self.callbacks}/{task.served_by}?task={task.id}&token={task.callback_token}"
        model = self.registry.model(task.provider, task.model, task.type)
        return Order(
            reference=task.id,
            type=task.type,
            model=model.id if model else task.model,
            prompt=task.prompt,
            effective_prompt=task.effective_prompt,
            options=task.params,
            created_at=task.created_at,
            callback=at if self.callbacks else None,
        )

    def _estimate(self, task: Task, following: Alternative) -> Decimal | None:
        model = self.registry.model(following.provider, following.model, task.type)
        if following.served_by == SANDBOX:
            return Decimal(0)
        return model.estimate(task.effective_prompt, task.params) if model else None

    def _cost(self, task: Task, done: Done, outputs: Sequence[Output] = ()) -> Decimal | None:
        if done.cost is not None:
            return done.cost
        model = self.registry.model(task.provider, task.model, task.type)
        charged = model.charge(task.effective_prompt, outputs) if model and outputs else None
        return task.cost.estimated if charged is None else charged


def _is_late(message: NextStep, task: Task) -> bool:
    return message.step is not None and message.step < task.step


def _timeout(task: Task) -> TaskError:
    if task.status_reason is not None:
        return TaskError(code="provider_unavailable", message=task.status_reason, retryable=True)
    return TaskError(code="timeout", message="The provider did not finish in time.", retryable=True)


def _share(progress: float | None) -> float | None:
    # A number out of bounds would make the task unreadable, and every list that it is in.
    return None if progress is None else round(min(max(0.0, progress), 1.0), 4)


def _delay(step: int) -> int:
    return FIRST_POLLS[step] if step < len(FIRST_POLLS) else LAST_POLL
