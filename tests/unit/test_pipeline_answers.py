"""What a provider's answer contains ends a task or marks a file; only whether it answers is its health."""

from decimal import Decimal

import pytest

from atelier.domain.provider import (
    JOB_NOT_FOUND,
    Content,
    Done,
    Refused,
    SubmitOutcomeUnknown,
    Unavailable,
    UnreadableAnswer,
    Waiting,
)
from atelier.domain.tasks import life_cycle
from atelier.domain.tasks.record import Cost, Outcome, TaskError, TaskStatus
from tests.support.builders import NOON, a_task
from tests.support.fake_worker import FIRST, TASK_ID, FakeWorker

WITHHELD = TaskError(code="content_policy_violation", message="No.", retryable=False)


@pytest.fixture
def worker() -> FakeWorker:
    return FakeWorker()


def raising(worker: FakeWorker, failure: Exception, method: str) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    setattr(worker.provider, method, fail)


@pytest.mark.parametrize(
    ("failure", "heard"),
    [
        (Unavailable("No answer."), ["fake failed: No answer."]),
        (Unavailable("It answered 500.", reached=True), []),
        (UnreadableAnswer("Not JSON.", headers={}, too_long=False), []),
    ],
)
def test_only_unanswered_calls_count_as_failures(worker: FakeWorker, failure: Exception, heard: list[str]) -> None:
    worker.do(FIRST)
    worker.health.heard.clear()
    raising(worker, failure, "poll")
    worker.do(worker.next())
    assert worker.health.heard == heard
    assert (worker.task.over, worker.task.status_reason) == (False, str(failure))


@pytest.mark.parametrize(("reached", "heard"), [(True, []), (False, ["fake failed: Silence."])])
def test_only_unanswered_submits_count_as_failures(worker: FakeWorker, reached: bool, heard: list[str]) -> None:
    raising(worker, SubmitOutcomeUnknown("Silence.", reached=reached), "submit")
    worker.do(FIRST)
    assert worker.health.heard == heard


def test_a_late_refusal_costs_the_stated_or_estimated_price(worker: FakeWorker) -> None:
    for cost, charged, actual in (
        (Decimal("0.3"), True, Decimal("0.3")),
        (None, True, Decimal("0.2")),
        (None, False, None),
    ):
        worker.tasks.kept[TASK_ID] = a_task(cost=Cost(estimated=Decimal("0.2")))
        worker.queue.waiting.clear()
        worker.do(FIRST)
        worker.provider.state = Refused(WITHHELD, cost, charged=charged)
        worker.do(worker.next())
        assert (worker.task.error, worker.task.cost.actual) == (WITHHELD, actual)


def test_flagged_files_are_marked_one_by_one(worker: FakeWorker) -> None:
    worker.tasks.kept[TASK_ID] = a_task(params={"num_outputs": 3})
    worker.do(FIRST)
    worker.provider.state = Done(tuple(Content(each) for each in (b"one", b"two", b"three")), flagged=frozenset({1}))
    worker.do(worker.next())
    assert [output.flagged for output in worker.task.outputs] == [False, True, False]


@pytest.mark.parametrize("asked", [1, 2, 4])
def test_no_more_files_are_kept_than_were_asked_for(worker: FakeWorker, asked: int) -> None:
    worker.tasks.kept[TASK_ID] = a_task(params={"num_outputs": asked})
    worker.do(FIRST)
    worker.provider.state = Done(tuple(Content(b"%d" % number) for number in range(300)))
    worker.do(worker.next())
    assert len(worker.task.outputs) == len(worker.media.files) == asked


def test_a_job_that_is_canceled_there_ends_as_canceled(worker: FakeWorker) -> None:
    canceled = TaskError(code="canceled", message="Stopped.", retryable=False)
    worker.do(FIRST)
    worker.provider.state = Refused(canceled, outcome=Outcome.CANCELED)
    worker.do(worker.next())
    assert (worker.task.status, worker.task.provider_outcome) == (TaskStatus.FAILED, Outcome.CANCELED)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (Refused(TaskError(code="canceled", message="x", retryable=False), outcome=Outcome.CANCELED), Outcome.CANCELED),
        (Refused(TaskError(code=JOB_NOT_FOUND, message="x", retryable=True)), Outcome.CANCELED),
        (Refused(WITHHELD, Decimal("0.1")), Outcome.FAILED),
    ],
)
def test_a_canceled_task_records_how_its_job_ended(worker: FakeWorker, error: Refused, outcome: Outcome) -> None:
    worker.provider.stops = False
    worker.do(FIRST)
    worker.tasks.move(worker.task, life_cycle.canceled(worker.task, now=NOON))
    worker.do(worker.next())
    assert worker.queue.waiting, "it still runs, and is asked after"
    worker.provider.state = error
    worker.do(worker.next())
    assert (worker.task.status, worker.task.provider_outcome) == (TaskStatus.CANCELED, outcome)


@pytest.mark.parametrize("position", [10**400, -(10**400)])
def test_a_huge_queue_position_is_kept(worker: FakeWorker, position: int) -> None:
    worker.do(FIRST)
    worker.provider.state = Waiting(position)
    worker.do(worker.next())
    assert worker.task.queue_position in (0, 1_000_000)
