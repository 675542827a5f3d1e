"""The generation pipeline's ports in memory, and a worker that can be stopped before any call it makes to them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import count
from typing import Any, Final, TypeVar

from pydantic import BaseModel

from atelier.domain.catalog import Catalog, Model, Price, Unit
from atelier.domain.due import LATE_AFTER, deleted, first_look
from atelier.domain.input_files import TASK_IN_URL, InputFile, InputRole, InputSpec
from atelier.domain.pipeline import Pipeline
from atelier.domain.pipeline_ports import GenerationMessage, MediaRejected, TaskChanged
from atelier.domain.provider import (
    Content,
    Done,
    File,
    InputGone,
    JobRequest,
    LookupInconclusive,
    Refused,
    State,
    SubmitOutcomeUnknown,
    SubmitRefused,
    Unavailable,
    Working,
)
from atelier.domain.tasks.record import (
    Output,
    Provenance,
    Task,
    TaskDetail,
    TaskError,
    TaskStatus,
    TaskSummary,
    TaskType,
)

T = TypeVar("T")

IMAGES: Final = Done((Content(b"one"), Content(b"two")), cost=Decimal("0.25"))
HALFWAY: Final = Working(0.5)
MODELS: Final = (
    Model(
        "fake-image",
        "fake",
        TaskType.IMAGE,
        inputs=(InputSpec(InputRole.REFERENCE, "image_urls", many=True, most=3),),
        price=Price(Decimal("0.1"), Unit.IMAGE),
        default=True,
    ),
    Model(
        "other-image",
        "other",
        TaskType.IMAGE,
        aliases=("also-other",),
        price=Price(Decimal("0.3"), Unit.IMAGE),
        default=True,
    ),
)
NOT_ALLOWED: Final = TaskError(code="not_allowed", message="No.", retryable=False)


class FakeTasks:
    """A store of tasks as summary and detail, which refuses what no longer holds, and remembers every status.

    Both are read at once, and not as of the same moment: where `torn` says so, the first to read a task after a write
    sees one of them as it was before, as somebody does who reads while it is written. `due` is when the sweep looks at
    a task (None: never), as an index has it.
    """

    def __init__(self, *tasks: Task, torn: Callable[[], bool] = lambda: False) -> None:
        self.kept = {task.id: task for task in tasks}
        self.history = {task.id: [task.status] for task in tasks}
        self.due = {task.id: first_look(task) for task in tasks}
        self.deleted: dict[str, Task] = {}
        self.released: list[str] = []
        self._before: dict[str, Task] = {}
        self._torn = torn

    def load(self, task_id: str) -> Task | None:
        """The task as it is now, or in part as it was a moment ago."""
        now, before = self.kept.get(task_id), self._before.pop(task_id, None)
        if now is None or before is None or not self._torn():
            return now
        return _with(now, TaskDetail, of=before) if self._torn() else _with(now, TaskSummary, of=before)

    def settle(self) -> None:
        """Nobody reads while anything is written."""
        self._before.clear()

    def move(self, before: Task, after: Task) -> Task:
        """Record a change of status."""
        self._replace(before, after)
        self.history[after.id].append(after.status)
        return after

    def release_deleted(self, account: int, task_id: str) -> None:
        """Remember that its job has cost nothing."""
        self.released.append(task_id)

    def record_outcome(self, before: Task, after: Task) -> Task:
        """Record how the provider's job ended."""
        return self._replace(before, after)

    def delete(self, task_id: str, *, now: datetime) -> Task:
        """Delete the task, as its caller does; what it was."""
        task = self.kept.pop(task_id)
        self._before.pop(task_id, None)
        self.deleted[task_id], self.due[task_id] = deleted(task, now=now), now + LATE_AFTER
        return task

    def load_deleted(self, user_id: int, task_id: str) -> Task | None:
        """What is kept of a deleted task."""
        return self.deleted.get(task_id)

    def note_deleted(self, task: Task, **change: object) -> None:
        """Record a change of that."""
        _demand(task.id in self.deleted)
        self.deleted[task.id] = self.deleted[task.id].model_copy(update=change)

    def forget_deleted(self, task: Task) -> None:
        """Keep nothing any more."""
        self.deleted.pop(task.id, None)
        self.due[task.id] = None

    def note(self, before: Task, **change: object) -> Task:
        """Record any other change."""
        current, after = self._current(before), before.changed(**change)
        job = (current.status, current.provider_task_id)
        if after.version != before.version or "lease_until" in change:
            _demand(job == (before.status, before.provider_task_id))
        if after.detail_version != before.detail_version:
            _demand(current.detail_version == before.detail_version)
        self._keep(current.changed(**change))
        return after

    def _replace(self, before: Task, after: Task) -> Task:
        current = self._current(before)
        _demand(current.version == before.version)
        assert after.version == before.version + 1, "a change without a new version cannot be told from none"
        kept = _with(current, TaskSummary, of=after)
        if after.detail_version != before.detail_version:
            _demand(current.detail_version == before.detail_version)
            kept = _with(kept, TaskDetail, of=after)
        self._keep(kept)
        self.due[after.id] = first_look(after)
        return after

    def _current(self, task: Task) -> Task:
        if task.id not in self.kept:
            raise TaskChanged
        return self.kept[task.id]

    def _keep(self, task: Task) -> None:
        self._before[task.id] = self.kept[task.id]
        self.kept[task.id] = task


def _with(task: Task, part: type[BaseModel], *, of: Task) -> Task:
    return task.model_copy(update={name: getattr(of, name) for name in part.model_fields})


def _demand(holds: bool) -> None:
    if not holds:
        raise TaskChanged


@dataclass
class FakeQueue:
    """Messages that nobody has taken yet, each with its delay."""

    waiting: list[tuple[GenerationMessage, int]] = field(default_factory=list)

    def send(self, step: GenerationMessage, *, delay: int, provider: str) -> None:
        """Keep the message, as text, as a real queue does."""
        assert 0 <= delay <= 900
        assert provider == (step.served_by or "fake")
        self.waiting.append((GenerationMessage.model_validate_json(step.model_dump_json()), delay))


@dataclass
class FakeMedia:
    """A bucket."""

    files: dict[str, bytes] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    made: list[Provenance] = field(default_factory=list)
    spoiled: bool = False  # what comes from now on is not what it should be
    out_of_reach: bool = False

    def keep(self, file: File, stem: str, kind: TaskType, name: str, provenance: Provenance) -> Output:
        """Store one file."""
        assert isinstance(file, Content)
        assert kind is TaskType.IMAGE
        if self.out_of_reach and file.content == b"two":
            raise Unavailable("The file cannot be fetched.")
        if self.spoiled and file.content == b"two":
            raise MediaRejected(TaskError(code="media_wrong_type", message="No image.", retryable=False))
        self.files[f"{stem}.png"] = file.content
        self.names.append(name)
        self.made.append(provenance)
        return Output(key=f"{stem}.png", content_type="image/png", bytes=len(file.content), provenance=provenance)

    def delete_of_task(self, user_id: int, task_id: str) -> int:
        """Remove every file of a task."""
        gone = [key for key in self.files if key.startswith(f"media/{user_id}/{task_id}/")]
        for key in gone:
            del self.files[key]
        return len(gone)


@dataclass
class FakeInputs:
    """Input files by the task that they are an output of, and its number; what is not among them is gone."""

    files: dict[tuple[str, int], InputFile] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    at: str = "https://media.test"

    def of(self, task: Task) -> "list[FakeInput]":
        """The files of a task's inputs."""
        return [FakeInput(self, task.id, (each.task_id or "", each.output or 0)) for each in task.inputs]


@dataclass
class FakeInput:
    """One of them."""

    inputs: FakeInputs
    task_id: str
    named: tuple[str, int]

    def file(self) -> InputFile:
        """What it is."""
        if self.named not in self.inputs.files:
            raise InputGone
        return self.inputs.files[self.named]

    def url(self) -> str:
        """Where it is, signed anew each time."""
        return f"{self.inputs.at}/{self.file().key}?signed={next(_SIGNATURES)}&{TASK_IN_URL}={self.task_id}"

    def content(self) -> bytes:
        """What is in it."""
        return self.inputs.contents[self.file().key]


_SIGNATURES: Final = count()


@dataclass
class FakeHealth:
    """Breakers that open when the test says so, and remember what they heard."""

    reasons: dict[str, str] = field(default_factory=dict)
    heard: list[str] = field(default_factory=list)

    def reason_to_wait(self, provider: str, *, now: datetime) -> str | None:
        """What the test says."""
        return self.reasons.get(provider)

    def record_failure(self, provider: str, reason: str, *, now: datetime) -> None:
        """Remember it."""
        self.heard.append(f"{provider} failed: {reason}")

    def record_success(self, provider: str) -> None:
        """Remember it."""
        self.heard.append(f"{provider} answered")


@dataclass
class FakeProvider:
    """A provider that keeps books. Its one job is where the test says (`state`), until it is canceled.

    `mood` decides over the next calls: `well`, `deaf` (nothing arrives), `mute` (what arrives is done, and never
    answered), `strict` (jobs are refused) or `forgetful` (it cannot say which jobs it has).
    """

    state: State = HALFWAY
    mood: str = "well"
    stops: bool = True
    accepted: list[str] = field(default_factory=list)
    asked: list[JobRequest] = field(default_factory=list)
    canceled: list[str] = field(default_factory=list)

    def submit(self, job_request: JobRequest) -> str:
        """Accept the job."""
        self.asked.append(job_request)
        if self.mood == "deaf":
            raise Unavailable("It cannot be reached.")
        if self.mood == "strict":
            raise SubmitRefused(NOT_ALLOWED)
        self.accepted.append(job_request.reference)
        if self.mood == "mute":
            raise SubmitOutcomeUnknown("It did not answer.")
        return f"job-{job_request.reference}"

    def find(self, job_request: JobRequest) -> str | None:
        """The job, if it was ever accepted."""
        self._listen()
        if self.mood == "forgetful":
            raise LookupInconclusive
        return f"job-{job_request.reference}" if job_request.reference in self.accepted else None

    def poll(self, job: str, job_request: JobRequest) -> State:
        """Where the job stands."""
        self._listen()
        assert job == f"job-{job_request.reference}"
        return self.state

    def cancel(self, job: str, *, model: str) -> bool:
        """Stop the job if it still runs, and if jobs can be stopped at all."""
        if self.mood == "deaf":
            raise Unavailable("It cannot be reached.")
        assert model == "fake-image"
        self.canceled.append(job)
        stopped = self.stops and not isinstance(self.state, Done | Refused)
        if stopped:
            self.state = Refused(TaskError(code="canceled_there", message="Stopped.", retryable=True))
        self._listen()
        return stopped

    def _listen(self) -> None:
        if self.mood in ("deaf", "mute"):
            raise Unavailable("It does not answer.")


# ------------------------------------------------------------------------------------------------------ one worker


class _NotItsTurn(BaseException):
    """The worker has come to a call that it may not make yet."""


class Worker:
    """Runs `job(pipeline)` one port call at a time, so that anything may happen between two of them.

    It is run again from the start for every step, with the answers that it has already got: so it needs no thread,
    and killing it is to stop calling `step`.
    """

    def __init__(self, job: Callable[[Pipeline], object], pipeline: Pipeline) -> None:
        self._job = job
        self._pipeline = Pipeline(
            tasks=self._port(pipeline.tasks),
            queue=self._port(pipeline.queue),
            media=self._port(pipeline.media),
            providers={name: self._port(each) for name, each in pipeline.providers.items()},
            health=pipeline.health,
            catalog=pipeline.catalog,
            inputs=pipeline.inputs,
            callbacks=pipeline.callbacks,
        )
        self._answers: list[tuple[Any, Exception | None]] = []
        self._position = 0
        self._may_call = False
        self.error: Exception | None = None

    def step(self) -> bool:
        """Let it make one more call, and go on to the next; whether it is done. `error` is what it ended with."""
        self._position, self._may_call = 0, True
        try:
            self._job(self._pipeline)
        except _NotItsTurn:
            return False
        except Exception as error:
            self.error = error
        return True

    def _port(self, port: Any) -> Any:
        return _Port(lambda name, *args, **how: self._call(lambda: getattr(port, name)(*args, **how)))

    def _call(self, call: Callable[[], Any]) -> Any:
        if self._position == len(self._answers):
            if not self._may_call:
                raise _NotItsTurn
            self._may_call = False
            self._answers.append(_outcome(call))
        answer, error = self._answers[self._position]
        self._position += 1
        if error is not None:
            raise error
        return answer


class _Port:
    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args, **how: self._call(name, *args, **how)


def _outcome(call: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return call(), None
    except Exception as error:
        return None, error


MAX_RECEIVES: Final = 4


class GivenUp(Exception):
    """The message becomes a dead letter."""


def as_the_worker_does(message: GenerationMessage, *, receives: int, now: datetime) -> Callable[[Pipeline], object]:
    """What functions/worker does with a message."""

    def job(pipeline: Pipeline) -> None:
        if receives >= MAX_RECEIVES:
            pipeline.give_up(message, now=now)
            raise GivenUp
        pipeline.process(message, now=now)

    return job


def catalog() -> Catalog:
    """The models of the fakes."""
    return Catalog(MODELS)


def statuses_that_end(history: list[TaskStatus]) -> list[TaskStatus]:
    """The terminal ones of the statuses that a task has had."""
    return [status for status in history if status in ("succeeded", "failed", "canceled")]
