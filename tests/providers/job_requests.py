"""What the tests of the adapters order, and how they wait for it."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

from atelier.domain.catalog import Model
from atelier.domain.input_files import TASK_IN_URL, InputFile, TaskInput
from atelier.domain.provider import (
    Callback,
    InputGone,
    JobInput,
    JobRequest,
    Provider,
    Refused,
    State,
    Waiting,
    Working,
)
from atelier.domain.tasks.record import TaskError, TaskType
from tests.support.builders import a_file
from tests.support.provider_server import ProviderServer, Reply, Request


def a_job_request(model: str, prompt: str = "A red barn", **fields: Any) -> JobRequest:
    """An order of now; what is not named does not matter."""
    known: dict[str, Any] = {
        "reference": "task-1",
        "type": TaskType.IMAGE,
        "model": model,
        "prompt": prompt,
        "effective_prompt": prompt,
        "options": {"num_outputs": 1},
        "created_at": datetime.now(UTC),
    }
    return JobRequest(**known | fields)


@dataclass(frozen=True)
class Served:
    """An input that is served at an address, below which its URL is signed anew each time."""

    address: str
    task_id: str = "task-1"
    is_gone: bool = False

    def file(self) -> InputFile:
        """What it is."""
        if self.is_gone:
            raise InputGone
        return a_file()

    def url(self) -> str:
        """Where it is."""
        self.file()
        return f"{self.address}?signed={next(_SIGNATURES)}&{TASK_IN_URL}={self.task_id}"

    def content(self) -> bytes:
        """What is in it."""
        return b"a picture"


_SIGNATURES: Final = count()


def as_job_inputs(model: Model, named: Sequence[TaskInput], address: str) -> tuple[JobInput, ...]:
    """The inputs of a job for a model, all at one address."""
    specs = {spec.role: spec for spec in model.inputs}
    return tuple(JobInput(specs[each.role], Served(address)) for each in named)


def states(provider: Provider, job: str, job_request: JobRequest) -> list[State]:
    """Every state of the job until it is over, each once; the last is how it ended."""
    seen: list[State] = []
    end = time.monotonic() + 10
    while time.monotonic() < end:
        state = provider.poll(job, job_request)
        if not seen or seen[-1] != state:
            seen.append(state)
        if not isinstance(state, Waiting | Working):
            return seen
        time.sleep(0.01)
    raise AssertionError(f"It never ended: {seen}")


def made(provider: Provider, job_request: JobRequest) -> State:
    """How the order ends."""
    return states(provider, provider.submit(job_request), job_request)[-1]


def failure(provider: Provider, job_request: JobRequest) -> TaskError:
    """Why the order fails."""
    ended = made(provider, job_request)
    assert isinstance(ended, Refused), ended
    return ended.error


def as_callback(request: Request) -> Callback:
    """What a fake sent, as our function hands it on."""
    return Callback(headers=request.headers, body=request.body)


def eventually(look: Callable[[], Any], seconds: float = 10) -> Any:
    """What `look` finds, once it finds something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.01)
    raise AssertionError("It never came.")


def always(server: ProviderServer, reply: Reply) -> list[Request]:
    """Have the server answer nothing else; the requests from then on."""
    asked: list[Request] = []

    def answer(request: Request) -> Reply:
        asked.append(request)
        return reply

    server.instead = answer
    return asked
