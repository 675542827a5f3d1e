"""The protocol of a provider, and its results and errors.

A provider is a separate company with its own queue: a job is submitted once and then polled. Adapters translate its
answers into the results and errors below and nothing else:

SubmitRefused         the provider refused this job for good
Unavailable           the request certainly had no effect; it may succeed later
SubmitOutcomeUnknown  the job was sent, and it is unknown whether it was accepted
LookupInconclusive    the provider cannot say whether it ever accepted the job
InputGone             an input file was deleted: ours, not the provider's, and raised by `InputSource`
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Optional, Protocol

from pydantic import JsonValue

from atelier.domain.input_files import InputFile, InputSpec
from atelier.domain.tasks.record import Outcome, TaskError, TaskType

if TYPE_CHECKING:
    from atelier.domain.catalog import Model


class InputSource(Protocol):
    """Where the file of an input is. Every method raises InputGone when it is no longer there."""

    def file(self) -> InputFile:
        """What it is."""

    def url(self) -> str:
        """A signed URL of it, which works until after the task's deadline, and which no other task is given.

        Its query has the task's id as `TASK_IN_URL`.
        """

    def content(self) -> bytes:
        """The file itself. Raises Unavailable when it cannot be read at present."""


@dataclass(frozen=True)
class JobInput:
    """An input of a job: the model's field that it is for, and its file. Nothing is read before it is asked for."""

    spec: InputSpec
    source: InputSource


@dataclass(frozen=True)
class JobRequest:
    """The request for one job.

    `reference` is ours, the same however often it is asked. `options` are the typed options of a request under the
    names of the API, and over them what the caller passed through in `params`. At `callback`, when there is one, the
    provider may report that something happened. `added` is the model, if an operator has added it.
    """

    reference: str
    type: TaskType
    model: str
    prompt: str
    effective_prompt: str
    options: Mapping[str, JsonValue]
    created_at: datetime
    callback: str | None = None
    added: Optional["Model"] = None
    inputs: tuple[JobInput, ...] = ()


# ---------------------------------------------------------------------------------------------------- states


@dataclass(frozen=True)
class Waiting:
    """In the provider's queue, `position` places from the front when that is known."""

    position: int | None = None


@dataclass(frozen=True)
class Working:
    """Being generated; `progress` is from 0 to 1 when that is known."""

    progress: float | None = None


@dataclass(frozen=True)
class Content:
    """A file whose content is at hand."""

    content: bytes


@dataclass(frozen=True)
class Remote:
    """A file to be fetched by https from `url`, without any key, and from nowhere but `hosts` and what is below them.

    `plain_http` allows http as well: only for a provider that was configured at such an address.
    """

    url: str
    hosts: tuple[str, ...]
    plain_http: bool = False


@dataclass(frozen=True)
class Staged:
    """A file that the provider has put into our own bucket, below `incoming/`."""

    key: str


File = Content | Remote | Staged


@dataclass(frozen=True)
class Done:
    """Finished with files, for `cost` US dollars when the provider says so.

    `flagged` are the positions of the files that the provider's own safety check has marked. `seed` is the one that was
    used, where that is known.
    """

    files: tuple[File, ...]
    cost: Decimal | None = None
    flagged: frozenset[int] = frozenset()
    seed: int | None = None


@dataclass(frozen=True)
class Refused:
    """Ended without files that could be kept, for `cost` US dollars when the provider says so.

    `charged`: something was made and then withheld, which is paid for like anything else that is made.
    """

    error: TaskError
    cost: Decimal | None = None
    outcome: Outcome = Outcome.FAILED
    charged: bool = False


State = Waiting | Working | Done | Refused


class Provider(Protocol):
    """What the pipeline asks of a provider. Every method may raise Unavailable."""

    def submit(self, job_request: JobRequest) -> str:
        """Submit the job, in one attempt, and return the provider's id for it.

        Raises SubmitRefused or Unavailable when the provider certainly did not accept the job, and
        SubmitOutcomeUnknown when it may have. After that, or any other exception, the pipeline calls `find` first.
        """

    def find(self, job_request: JobRequest) -> str | None:
        """The provider's id of a job whose submit was never answered; None when there certainly is none.

        The pipeline calls it no sooner than one lease after the submit. Raises LookupInconclusive when the job can be
        neither found nor ruled out: the pipeline then waits for the provider's callback and asks again.
        """

    def poll(self, job: str, job_request: JobRequest) -> State:
        """Where the job stands."""

    def cancel(self, job: str, *, model: str) -> bool:
        """Ask that the job be stopped; whether it certainly is, and nothing more will come of it.

        A job that is over already is no error: that it may have ended otherwise is what False says.
        """


# --------------------------------------------------------------------------------------------------- callbacks


@dataclass(frozen=True)
class Callback:
    """An unverified callback: the raw body, and headers with names in lower case."""

    headers: Mapping[str, str]
    body: bytes


class CallbackVerifier(Protocol):
    """Verifies a provider's callbacks."""

    def verified_job(self, callback: Callback, *, now: datetime) -> str:
        """The provider's id of the job that a genuine callback is about.

        Raises InvalidSignature, and Unavailable when what proves it cannot be read now.
        """


class InvalidSignature(Exception):
    """The callback is not proved to be the provider's, or is too old."""


# ------------------------------------------------------------------------------------------------------ errors


class SubmitRefused(Exception):
    """The provider refused the job; `error` says why."""

    def __init__(self, error: TaskError) -> None:
        self.error = error
        super().__init__(error.message)


class Unavailable(Exception):
    """The provider certainly did not do what it was asked: not reached, overloaded or out of order. Later it may.

    `after` is how many seconds it asked us to wait. `reached`: it has answered, and what is wrong may lie in this one
    job alone, so that it says nothing about how the provider is doing.
    """

    def __init__(self, reason: str, *, after: float | None = None, reached: bool = False) -> None:
        self.after = after
        self.reached = reached
        super().__init__(reason)


class UnreadableAnswer(Unavailable):
    """The provider answered, and the answer cannot be read: it is longer than any may be, or no JSON object.

    `headers` are the answer's, with names in lower case.
    """

    def __init__(self, reason: str, *, headers: Mapping[str, str], too_long: bool) -> None:
        self.headers = headers
        self.too_long = too_long
        super().__init__(reason, reached=True)


class SubmitOutcomeUnknown(Exception):
    """The request was sent and no clear answer came: nobody knows whether the provider accepted it.

    `reached` as for Unavailable.
    """

    def __init__(self, reason: str = "", *, reached: bool = False) -> None:
        self.reached = reached
        super().__init__(reason)


class InputGone(Exception):
    """An input file of a task is no longer there; `error` says so."""

    def __init__(self) -> None:
        message = "An input of the task was deleted before its provider was sent it."
        self.error = TaskError(code="input_gone", message=message, retryable=False)
        super().__init__(message)


class LookupInconclusive(Exception):
    """The provider cannot say whether it ever accepted the job."""


JOB_NOT_FOUND: Final = "job_not_found"
CANCELED: Final = "canceled"
CONTENT_POLICY: Final = "content_policy_violation"
"""Codes of errors that mean the same with every provider."""

Secret = Callable[[], str]
"""Returns a provider's key; called for each use, so that a rotated key is found."""
