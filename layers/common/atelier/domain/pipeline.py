"""How a task gets from accepted to done: one message at a time, each safe to repeat.

Every message names a task and a step. The task remembers the step it waits for, so a message that comes twice, late or
out of order does nothing. The next message is sent before the step is recorded: a crash between the two repeats a
step, and never loses one. A message without a step wakes the task up, whatever it waits for.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from hmac import compare_digest
from typing import Final, TypeVar

from atelier.domain.catalog import Catalog, Model
from atelier.domain.due import DEADLINE, outcome_ends
from atelier.domain.file_names import output_stem
from atelier.domain.input_files import errors_of_counts
from atelier.domain.messages import LONGEST_DELAY
from atelier.domain.params import errors_of
from atelier.domain.pipeline_ports import (
    CircuitBreaker,
    GenerationMessage,
    Inputs,
    Media,
    MediaRejected,
    Queue,
    TaskChanged,
    Tasks,
)
from atelier.domain.provider import (
    JOB_NOT_FOUND,
    Done,
    InputGone,
    JobInput,
    JobRequest,
    LookupInconclusive,
    Provider,
    Refused,
    SubmitOutcomeUnknown,
    SubmitRefused,
    Unavailable,
    Waiting,
    Working,
)
from atelier.domain.schema import format_timestamp
from atelier.domain.tasks import life_cycle
from atelier.domain.tasks.record import Outcome, Output, Provenance, Task, TaskError, TaskStatus, TaskSummary
from atelier.domain.tasks.requests import MOST_OUTPUTS, TYPED_OPTIONS

Answer = TypeVar("Answer")

# Longer than a worker may run, so that a lease ends only when its holder is certainly gone.
LEASE: Final = timedelta(seconds=90)
FIRST_POLLS: Final = (1, 1, 1, 2, 3, 5, 8, 13, 21, 34)
LAST_POLL: Final = 60
_HELD: Final = 5  # seconds after which a message looks again whether its task is still being submitted
_NOT_CONFIRMED: Final = "The provider has not confirmed the job; it is not sent twice."
_LONGEST_MESSAGE: Final = 1000
_LAST_PLACE: Final = 1_000_000  # whatever number a provider tells
AT_ONCE: Final = 2  # how often a step that was overtaken is tried again before the queue has to bring it again


@dataclass(frozen=True)
class Pipeline:
    """Everything a worker needs to process a task: store, queues, bucket, the configured providers and their health.

    `callbacks` is the address below which providers report; None where they cannot reach us. `line` finds a version of
    a model that an operator has added.
    """

    tasks: Tasks
    queue: Queue
    media: Media
    providers: Mapping[str, Provider]
    health: CircuitBreaker
    catalog: Catalog
    inputs: Inputs
    callbacks: str | None = None
    line: Callable[[str], Model | None] = lambda _: None

    def process(self, message: GenerationMessage, *, now: datetime) -> Task | None:
        """Do what the message asks, if it is still to be done; the task as it is then, None when it is gone.

        Raises TaskChanged and whatever our own storage raises: the queue then brings the message again.
        """
        for _ in range(AT_ONCE):
            try:
                return self._step(message, now=now)
            except TaskChanged:
                continue  # somebody else was faster; what is left to do may have changed
        return self._step(message, now=now)

    def give_up(self, message: GenerationMessage, *, now: datetime) -> Task | None:
        """The queue has given up on this message: the task fails where its owner can see it. The task as it is then."""
        task = self.tasks.load(message.task_id)
        if task is None or task.over or _is_outdated(message, task):
            return task
        error = TaskError(code="internal_error", message="The generation could not be carried out.", retryable=True)
        return self._fail(task, error, now=now)

    def _step(self, message: GenerationMessage, *, now: datetime) -> Task | None:
        task = self.tasks.load(message.task_id)
        if task is None:
            self._clean_up_deleted(message, now=now)
        elif message.token is not None:
            task = self._match_callback(task, message)
        if task is None:
            return None
        if task.over:
            return self._record_outcome(task, now=now)
        return task if _is_outdated(message, task) else self._advance(task, message, now=now)

    def _advance(self, task: Task, message: GenerationMessage, *, now: datetime) -> Task:
        if now > task.created_at + DEADLINE[task.type]:
            return self._fail(task, _timeout(task), now=now)
        if task.served_by not in self.providers:
            return self._without_provider(task, now=now)
        if task.provider_task_id is None:
            return self._submit(task, message, now=now)
        return self._poll(task, task.provider_task_id, now=now)

    def _without_provider(self, task: Task, *, now: datetime) -> Task:
        """The provider was switched off since: the next one is asked if it has not heard of the job, else it fails."""
        reason = f"{task.served_by} is no longer configured here."
        error = TaskError(code="provider_unavailable", message=reason, retryable=True)
        if task.fallbacks and not task.sent:
            return self._reroute(task, error, now=now)
        return self._fail(task, error, now=now)

    # -------------------------------------------------------------------------------------------------- submitting

    def _submit(self, task: Task, message: GenerationMessage, *, now: datetime) -> Task:
        if task.lease_until is None:
            if reason := self.health.reason_to_wait(task.served_by, now=now):
                return self._postpone(task, reason, now=now)
            return self._submit_job(task, now=now)
        if task.lease_until > now:
            # Somebody is submitting it at this moment, or has died doing so. A wake-up need not wait for that.
            if message.step is not None:
                self.queue.send(message, delay=_HELD, provider=task.served_by)
            return task
        # A lease that ran out means that nobody heard of the submit: the job may have been accepted.
        try:
            job = self._call_provider(task, lambda provider: provider.find(self.job_request(task)), now=now)
        except LookupInconclusive:
            return self._schedule_poll(task, now=now, status_reason=_NOT_CONFIRMED)
        except Unavailable as failure:
            return self._schedule_poll(task, now=now, after=failure.after, status_reason=str(failure))
        return self._submit_job(task, now=now) if job is None else self._record_job(task, job, now=now)

    def _submit_job(self, task: Task, *, now: datetime) -> Task:
        job_request = self.job_request(task)
        if error := self._unlisted(task) or _gone_input(job_request):
            return self._fail(task, error, now=now)
        task = self.tasks.note(task, lease_until=now + LEASE)
        try:
            job = self._call_provider(task, lambda provider: provider.submit(job_request), now=now)
        except (SubmitRefused, InputGone) as refusal:  # an input is read before anything is sent
            if task.fallbacks and isinstance(refusal, SubmitRefused):
                return self._reroute(task, refusal.error, now=now)
            return self._fail(task, refusal.error, now=now, outcome=Outcome.FAILED)
        except Unavailable as failure:
            return self._postpone(task, str(failure), now=now, after=failure.after)
        except SubmitOutcomeUnknown:
            wait = LEASE.total_seconds() + 1  # when the lease is over, it is looked for
            return self._schedule_poll(task, now=now, after=wait, status_reason=_NOT_CONFIRMED)
        return self._record_job(task, job, now=now)

    def _record_job(self, task: Task, job: str, *, now: datetime) -> Task:
        # Before anything else can fail, and whatever else happens to the task at this moment: only with its id is the
        # job found, whatever the provider remembers.
        while True:
            try:
                task = self.tasks.note(task, provider_task_id=job, updated_at=now)
            except TaskChanged:
                current = self.tasks.load(task.id)
                if current is None:
                    with suppress(TaskChanged):
                        self.tasks.note_deleted(task, provider_task_id=job)
                    accepted = task.model_copy(update={"provider_task_id": job})
                    self._clean_up_deleted(GenerationMessage.about(accepted, step=None), now=now)
                    raise
                task = current
            else:
                return (
                    self._record_outcome(task, now=now)
                    if task.over
                    else self._schedule_poll(task, now=now, status_reason=None)
                )

    def _postpone(self, task: Task, reason: str, *, now: datetime, after: float | None = None) -> Task:
        """The provider has certainly not accepted the job: the next one is asked, or the same one later."""
        if task.fallbacks:
            error = TaskError(code="provider_unavailable", message=reason, retryable=True)
            return self._reroute(task, error, now=now)
        return self._schedule_poll(task, now=now, after=after, status_reason=reason, lease_until=None)

    def _reroute(self, task: Task, error: TaskError, *, now: datetime) -> Task:
        rerouted = life_cycle.rerouted(task, error, now=now)
        self._send(rerouted, step=rerouted.step, delay=1)
        return self.tasks.move(task, rerouted)

    def _match_callback(self, task: Task, callback: GenerationMessage) -> Task | None:
        """The task, with the job that the callback names; None when the callback is not about the task's own job."""
        is_ours = task.callback_token and compare_digest((callback.token or "").encode(), task.callback_token.encode())
        if not is_ours or not callback.job or callback.served_by != task.served_by:
            return None
        if task.provider_task_id is None and task.lease_until is not None:
            return self.tasks.note(task, provider_task_id=callback.job)  # the answer to the submit is not here yet
        return task if task.provider_task_id == callback.job else None

    # ------------------------------------------------------------------------------------------------- asking after

    def _poll(self, task: Task, job: str, *, now: datetime) -> Task:
        if reason := self.health.reason_to_wait(task.served_by, now=now):
            return self._schedule_poll(task, now=now, status_reason=reason)
        try:
            state = self._call_provider(task, lambda provider: provider.poll(job, self.job_request(task)), now=now)
        except Unavailable as failure:
            return self._schedule_poll(task, now=now, after=failure.after, status_reason=str(failure))
        match state:
            case Done() as done:
                return self._store_outputs(task, done, now=now)
            case Refused() as refused:
                cost = _cost_of(refused, task)
                return self._fail(task, refused.error, now=now, outcome=refused.outcome, cost=cost)
            case Working(progress):
                begins = life_cycle.started if task.status is TaskStatus.PENDING else None
                return self._schedule_poll(
                    task, begins, now=now, status_reason=None, progress=_clamped_progress(progress)
                )
            case Waiting(position):
                returns = life_cycle.requeued if task.status is TaskStatus.PROCESSING else None
                place = position and min(max(position, 0), _LAST_PLACE)
                return self._schedule_poll(task, returns, now=now, status_reason=None, queue_position=place)

    def _call_provider(self, task: Task, question: Callable[[Provider], Answer], *, now: datetime) -> Answer:
        """What the provider answers; whether it does at all is what its health is known by, and not what it says."""
        try:
            answer = question(self.providers[task.served_by])
        except (Unavailable, SubmitOutcomeUnknown) as failure:
            if not failure.reached:
                self.health.record_failure(task.served_by, str(failure), now=now)
            raise
        except (SubmitRefused, LookupInconclusive):
            self.health.record_success(task.served_by)
            raise
        self.health.record_success(task.served_by)
        return answer

    def _schedule_poll(
        self,
        task: Task,
        transition: Callable[..., Task] | None = None,
        *,
        now: datetime,
        after: float | None = None,
        **seen: object,
    ) -> Task:
        """The step is over: the next one follows, and what was `seen` is recorded, with the `transition` it makes."""
        delay = min(max(_delay(task.step), math.ceil(after or 0)), LONGEST_DELAY)
        self._send(task, step=task.step + 1, delay=delay)
        seen = {**seen, "next_at": now + timedelta(seconds=delay)}
        return self._record_step(task, transition, seen, now=now)

    def _record_step(
        self, task: Task, transition: Callable[..., Task] | None, seen: Mapping[str, object], *, now: datetime
    ) -> Task:
        if transition is not None:
            return self.tasks.move(task, transition(task, now=now, step=task.step + 1, **seen))
        news = {name: value for name, value in seen.items() if getattr(task, name) != value}
        if news.keys() & TaskSummary.model_fields.keys():
            news["updated_at"] = now
        return self.tasks.note(task, step=task.step + 1, **news)

    def _send(self, task: Task, *, step: int | None, delay: int) -> None:
        self.queue.send(GenerationMessage.about(task, step=step), delay=delay, provider=task.served_by)

    # ------------------------------------------------------------------------------------------------------ ending

    def _store_outputs(self, task: Task, done: Done, *, now: datetime) -> Task:
        try:
            outputs = [self._kept(task, done, number, now=now) for number in range(_files_to_keep(done, task))]
        except Unavailable as failure:
            return self._schedule_poll(task, now=now, status_reason=str(failure))
        except MediaRejected as media_rejected:
            outputs, error = [], media_rejected.error
        else:
            error = TaskError(code="empty_output", message="The provider returned no media.", retryable=False)
        cost = self._cost(task, done, outputs)
        if outputs:
            # Canceled or deleted in the meantime: the step is tried again, and that removes the files.
            return self.tasks.move(
                task, life_cycle.succeeded(task, outputs=outputs, cost=cost, now=now, seed=done.seed)
            )
        ended = self._fail(task, error, now=now, outcome=Outcome.SUCCEEDED, cost=cost)
        return self._record_outcome(ended, now=now)

    def _kept(self, task: Task, done: Done, number: int, *, now: datetime) -> Output:
        name = output_stem(task.file_prefix, task.prompt, number)
        stem = f"media/{task.user_id}/{task.id}/{number}"
        model = self.catalog.id_of(task.provider, task.model)
        made = Provenance(provider=task.served_by, model=model, at=format_timestamp(now))
        output = self.media.keep(done.files[number], stem, task.type.medium, name, made)
        return output.model_copy(update={"flagged": True}) if number in done.flagged else output

    def _fail(
        self,
        task: Task,
        error: TaskError,
        *,
        now: datetime,
        outcome: Outcome | None = None,
        cost: Decimal | None = None,
    ) -> Task:
        """Fail the task, whatever else happens to it at this moment; the task as it is then.

        `outcome` and `cost` say how its job ended. Without an outcome, one more message has the provider told to stop.
        """
        while True:
            if outcome is None:
                self._send(task, step=None, delay=1)
            try:
                return self.tasks.move(task, life_cycle.failed(task, error, now=now, outcome=outcome, cost=cost))
            except TaskChanged:
                current = self.tasks.load(task.id)
                if current is None and outcome is Outcome.FAILED and cost is None:
                    self.tasks.release_deleted(task.user_id, task.id)  # nobody is charged for what was refused
                if current is None or current.over:
                    return current or task
                task = current

    def _clean_up_deleted(self, message: GenerationMessage, *, now: datetime) -> None:
        """Remove the files of a task that was deleted, and stop its job, until there is nothing left to be done."""
        if message.token is not None:
            return
        self.media.delete_of_task(message.user_id, message.task_id)
        deleted = self.tasks.load_deleted(message.user_id, message.task_id)
        if deleted is None:
            self._stop_job_of(message)
        elif deleted.job_over or now >= outcome_ends(deleted):
            self.tasks.forget_deleted(deleted)
        elif ended := self._job_end(deleted, now=now):
            outcome, cost = ended
            if outcome is not Outcome.SUCCEEDED and cost is None:
                self.tasks.release_deleted(deleted.user_id, deleted.id)  # nobody is charged for it
            self.tasks.forget_deleted(deleted)
        else:
            delay = self._ask_again_later(deleted, since=deleted.updated_at, now=now)
            with suppress(TaskChanged):
                self.tasks.note_deleted(deleted, next_at=now + timedelta(seconds=delay))

    def _stop_job_of(self, message: GenerationMessage) -> None:
        """The job that a message names, of a task of which nothing is kept."""
        provider = self.providers.get(message.served_by or "")
        if provider is not None and message.job and message.model:
            model = self.catalog.id_of(message.served_by or "", message.model)
            if provider.cancel(message.job, model=model):
                self.tasks.release_deleted(message.user_id, message.task_id)

    def _record_outcome(self, task: Task, *, now: datetime) -> Task:
        """A task that ended on our side first: its job is stopped, and how that ended all the same is recorded."""
        if task.status is TaskStatus.SUCCEEDED or not task.sent:
            return task
        self.media.delete_of_task(task.user_id, task.id)
        if task.provider_outcome is not None:
            return task
        if ended := self._job_end(task, now=now):
            outcome, cost = ended
            return self.tasks.record_outcome(task, life_cycle.with_outcome(task, outcome, cost=cost, now=now))
        if now >= outcome_ends(task):
            return task
        delay = self._ask_again_later(task, since=task.completed_at or now, now=now)
        with suppress(TaskChanged):  # a moment that is not noted has the task looked at early
            return self.tasks.note(task, next_at=now + timedelta(seconds=delay))
        return task

    def _ask_again_later(self, task: Task, *, since: datetime, now: datetime) -> int:
        """Send a message that asks after the job once more; its delay in seconds, longer the longer it has run."""
        delay = min(max(LAST_POLL // 4, int((now - since).total_seconds() / 2)), LONGEST_DELAY)
        self._send(task, step=None, delay=delay)
        return delay

    def _job_end(self, task: Task, *, now: datetime) -> tuple[Outcome, Decimal | None] | None:
        """Stop the job of a task that is over or deleted: how it ended, and what it cost; None while it may still run.

        None, too, when its provider does not say.
        """
        try:
            return self._stop_job(task, now=now)
        except (LookupInconclusive, Unavailable):
            return None

    def _stop_job(self, task: Task, *, now: datetime) -> tuple[Outcome, Decimal | None] | None:
        if task.provider_task_id is None and task.lease_until is not None and task.lease_until > now:
            return None  # it may be submitted at this very moment
        provider, job_request = self.providers.get(task.served_by), self.job_request(task)
        if provider is None:
            return None  # switched off since; should it come back in time, the job is still asked after
        job = task.provider_task_id or provider.find(job_request)
        if job is None or provider.cancel(job, model=job_request.model):
            return Outcome.CANCELED, None
        match provider.poll(job, job_request):
            case Done() as done:
                return Outcome.SUCCEEDED, self._cost(task, done)
            case Refused() as refused:
                # Some providers know nothing any more of what was taken out of their queue.
                gone = refused.error.code == JOB_NOT_FOUND
                return Outcome.CANCELED if gone else refused.outcome, _cost_of(refused, task)
            case _:
                return None

    # ------------------------------------------------------------------------------------------------- in its terms

    def job_request(self, task: Task) -> JobRequest:
        """What the provider is asked to make for `task`."""
        at = f"{self.callbacks}/{task.served_by}?task={task.id}&token={task.callback_token}"
        model = self._model(task)
        return JobRequest(
            reference=task.id,
            type=task.type,
            model=model.id if model else task.model,
            prompt=task.prompt,
            effective_prompt=task.effective_prompt,
            options=model.sent(task.params) if model else task.params,
            created_at=task.created_at,
            callback=at if self.callbacks else None,
            added=model if model and model.line else None,
            inputs=self._inputs(task, model) if model else (),
        )

    def _model(self, task: Task) -> Model | None:
        """The model that the task was made for, as it was then if an operator has added it."""
        if task.model_line is not None:
            return self.line(task.model_line)
        return self.catalog.model(task.provider, task.model, task.type)

    def _inputs(self, task: Task, model: Model) -> tuple[JobInput, ...]:
        by_role = {spec.role: spec for spec in model.inputs}
        files = zip(task.inputs, self.inputs.of(task), strict=True) if task.inputs else ()
        return tuple(JobInput(by_role[each.role], source) for each, source in files if each.role in by_role)

    def _unlisted(self, task: Task) -> TaskError | None:
        """Why a task is not sent that its model took when it was created, and no longer takes; None for every other."""
        model = self._model(task)
        if model is None:
            return None
        words = {name: value for name, value in task.params.items() if name not in TYPED_OPTIONS}
        roles = [each.role for each in task.inputs]
        errors = [
            *errors_of(words, model.params, model.stands_for, model=model.id),
            *errors_of_counts(roles, model.inputs, model=model.id),
        ]
        text = "; ".join(str(error) for error in errors)[:_LONGEST_MESSAGE]
        return TaskError(code="invalid_params", message=text, retryable=False) if errors else None

    def _cost(self, task: Task, done: Done, outputs: Sequence[Output] = ()) -> Decimal | None:
        if done.cost is not None:
            return done.cost
        model = self._model(task)
        charged = model.charge(task.effective_prompt, outputs, task.params) if model and outputs else None
        return task.cost.estimated if charged is None else charged


def _gone_input(job_request: JobRequest) -> TaskError | None:
    try:
        for each in job_request.inputs:
            each.source.file()
    except InputGone as gone:
        return gone.error
    return None


def _files_to_keep(done: Done, task: Task) -> int:
    """As many as were asked for, however many came."""
    asked = task.params.get("num_outputs")
    return min(len(done.files), asked if isinstance(asked, int) else MOST_OUTPUTS)


def _cost_of(refused: Refused, task: Task) -> Decimal | None:
    return task.cost.estimated if refused.cost is None and refused.charged else refused.cost


def _is_outdated(message: GenerationMessage, task: Task) -> bool:
    return message.step is not None and message.step < task.step


def _timeout(task: Task) -> TaskError:
    if task.status_reason is not None:
        return TaskError(code="provider_unavailable", message=task.status_reason, retryable=True)
    return TaskError(code="timeout", message="The provider did not finish in time.", retryable=True)


def _clamped_progress(progress: float | None) -> float | None:
    # A number out of bounds would make the task unreadable, and every list that it is in.
    return None if progress is None else round(min(max(0.0, progress), 1.0), 4)


def _delay(step: int) -> int:
    return FIRST_POLLS[step] if step < len(FIRST_POLLS) else LAST_POLL
