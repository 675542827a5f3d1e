"""What the tests of the adapters order, and how they wait for it."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from atelier.domain.provider import Callback, JobRequest, Provider, Refused, State, Waiting, Working
from atelier.domain.tasks.record import TaskError, TaskType
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
