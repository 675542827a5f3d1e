"""A worker that is killed before any of its calls: the job still ends once, correctly, with one provider job.

With one exception that no design can avoid: fal cannot say of a request that it does not have it, so a worker that dies
right before its submit leaves open whether it was made. Then the task fails where its owner sees it, and nothing is
paid twice.
"""

from datetime import datetime

import pytest

from atelier.domain.pipeline_ports import GenerationMessage
from atelier.domain.provider import Provider
from atelier.domain.tasks.record import TaskStatus
from tests.support.fakes import Worker, as_the_worker_does
from tests.support.pipeline_harness import VISIBILITY, PipelineHarness

MODELS = {"fal": "fal-ai/flux/dev", "replicate": "black-forest-labs/flux-schnell"}
DEATHS = range(14)  # more than a job has calls, so that the last ones are not killed at all
RIGHT_BEFORE_THE_SUBMIT = 2  # after the task was read and the lease noted


def let_die(works: PipelineHarness, message: GenerationMessage, *, calls: int, now: datetime) -> int:
    """Have a worker make `calls` calls and die; how many are left when it is done before."""
    worker = Worker(as_the_worker_does(message, receives=1, now=now), works.pipeline)
    while calls and not worker.step():
        calls -= 1
    if calls == 0:
        works.put(message, now + VISIBILITY)
    return calls


@pytest.mark.parametrize("calls", DEATHS)
@pytest.mark.parametrize("provider", MODELS)
def test_a_job_survives_a_crash_at_any_call(request: pytest.FixtureRequest, provider: str, calls: int) -> None:
    adapter: Provider = request.getfixturevalue(provider)
    server = request.getfixturevalue(f"{provider}_server")
    server.queued = server.working = 0
    works = PipelineHarness({provider: adapter})
    id_ = works.job_request(1, provider=provider, model=MODELS[provider], prompt="A lighthouse")
    nobody_knows = provider == "fal" and calls == RIGHT_BEFORE_THE_SUBMIT
    calls_left = calls
    while calls_left and works.waiting:
        calls_left = let_die(works, works.take(), calls=calls_left, now=works.now)
    works.run()
    if nobody_knows:
        error = works.task(id_).error
        assert error
        assert (error.code, error.retryable, server.books.of("submit")) == ("provider_unavailable", True, [])
        return
    assert works.task(id_).status is TaskStatus.SUCCEEDED
    assert [status for status in works.tasks.history[id_] if status == "succeeded"] == ["succeeded"]
    assert len(server.books.of("submit")) == 1
    assert len(works.shelf.sizes) == 1
