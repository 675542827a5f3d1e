"""A thousand jobs through the real pipeline and adapters: none is submitted twice, and none is lost.

No callback ever comes here, so everything that is found is found by asking.
"""

from collections import Counter
from collections.abc import Callable

import pytest

from atelier.domain.provider import Provider
from atelier.domain.tasks.record import TaskStatus
from atelier.providers.fal import Fal
from atelier.providers.replicate import Replicate
from tests.support.fal_server import FalServer
from tests.support.pipeline_harness import PipelineHarness
from tests.support.provider_server import ProviderServer
from tests.support.replicate_server import ReplicateServer

JOBS = 300  # of each provider
LOST = 5  # every how many-th answer to a submit is lost, after the provider has accepted the job
SLOW = 100  # every how many-th comes too late, which is lost as well, and takes longer to test


def prompt(number: int) -> str:
    """What job `number` asks for, and what the fake is to do with it."""
    word = " submit:slow" if number % SLOW == 0 else " submit:hang_up" if number % LOST == 0 else ""
    return f"Lighthouse {number}{word}"


def all_come_back(works: PipelineHarness, server: ProviderServer, *, provider: str, model: str) -> None:
    """Order them all, let everything happen, and look at the provider's books."""
    ids = [works.job_request(each, provider=provider, model=model, prompt=prompt(each)) for each in range(JOBS)]
    works.run()
    assert Counter(works.task(id_).status for id_ in ids) == {TaskStatus.SUCCEEDED: JOBS}
    submits = Counter(entry["input"]["prompt"] for entry in server.books.of("submit"))
    assert submits == {prompt(number): 1 for number in range(JOBS)}
    jobs = [works.task(id_).provider_task_id for id_ in ids]
    assert len(set(jobs)) == JOBS, "two tasks took one job for theirs"
    assert len(works.shelf.sizes) == JOBS


def test_lost_fal_jobs_are_found_and_not_resubmitted(fal_server: FalServer, fal: Fal) -> None:
    fal_server.queued, fal_server.working, fal_server.slow = 0.01, 0.02, 2
    all_come_back(PipelineHarness({"fal": fal}), fal_server, provider="fal", model="fal-ai/flux/dev")


def test_lost_replicate_jobs_are_found_and_not_resubmitted(
    replicate_server: ReplicateServer, replicate: Replicate
) -> None:
    replicate_server.queued, replicate_server.working, replicate_server.slow = 0.01, 0.02, 2
    works = PipelineHarness({"replicate": replicate})
    all_come_back(works, replicate_server, provider="replicate", model="black-forest-labs/flux-schnell")


@pytest.mark.parametrize("fault", ["submit:429", "submit:503", "status:500", "status:429", "submit:hang_up"])
@pytest.mark.parametrize("provider", ["fal", "replicate"])
def test_an_outage_of_a_provider_loses_nothing(request: pytest.FixtureRequest, provider: str, fault: str) -> None:
    adapter: Provider = request.getfixturevalue(provider)
    server = request.getfixturevalue(f"{provider}_server")
    server.queued = server.working = 0  # time passes faster here than at the fake
    works = PipelineHarness({provider: adapter})
    model = {"fal": "fal-ai/flux/dev", "replicate": "black-forest-labs/flux-schnell"}[provider]
    id_ = works.job_request(1, provider=provider, model=model, prompt=f"A lighthouse {fault}")
    recover_after(works, server, 3)
    assert works.task(id_).status is TaskStatus.SUCCEEDED
    assert len(server.jobs if provider == "fal" else server.predictions) == 1


def recover_after(works: PipelineHarness, server: ProviderServer, messages: int) -> None:
    """Let some messages be worked on, then have the provider stop making trouble, and go on to the end."""
    for _ in range(messages):
        works.pipeline.process(works.take(), now=works.now)
    well: Callable[..., dict[str, str]] = lambda _: {}  # noqa: E731
    with pytest.MonkeyPatch.context() as patch:
        for module in ("fal_server", "replicate_server"):
            patch.setattr(f"tests.support.{module}.words_in", well)
        works.run()
