"""The pipeline's decisions one by one; tests/property/test_pipeline.py mixes them."""

from datetime import timedelta
from decimal import Decimal

import pytest

from atelier.domain.pipeline import FIRST_POLLS, LAST_POLL, LEASE
from atelier.domain.pipeline_ports import GenerationMessage
from atelier.domain.provider import Done, Refused, State, Waiting, Working
from atelier.domain.schema import format_timestamp
from atelier.domain.tasks import life_cycle
from atelier.domain.tasks.record import Outcome, Provenance, Task, TaskStatus
from tests.support.builders import NOON, a_task
from tests.support.fake_worker import FIRST, TASK_ID, FakeWorker
from tests.support.fakes import IMAGES, NOT_ALLOWED, Worker, as_the_worker_does


@pytest.fixture
def hands() -> FakeWorker:
    return FakeWorker()


def test_a_new_task_is_submitted_and_then_asked_after(hands: FakeWorker) -> None:
    task = hands.do(FIRST)
    assert task == hands.task
    assert hands.provider.accepted == [TASK_ID]
    assert hands.task.provider_task_id == f"job-{TASK_ID}"
    assert hands.task.status is TaskStatus.PENDING
    job = {"job": f"job-{TASK_ID}", "served_by": "fake", "model": "fake-image"}
    assert hands.next() == GenerationMessage(task_id=TASK_ID, step=1, user_id=1, **job)


def test_files_are_kept_with_who_made_them_and_when(hands: FakeWorker) -> None:
    """Who really made them, also in another one's place; the model by its id, whatever it was called."""
    later = NOON + timedelta(seconds=9)
    hands.tasks.kept[TASK_ID] = a_task(provider="other", model="also-other")
    hands.do(FIRST)
    hands.provider.state = IMAGES
    hands.do(hands.next(), now=later)
    made = Provenance(provider="fake", model="other-image", at=format_timestamp(later))
    assert hands.media.made == [made] * len(IMAGES.files)
    assert [each.provenance for each in hands.task.outputs] == hands.media.made


def test_a_message_that_comes_twice_submits_once(hands: FakeWorker) -> None:
    hands.do(FIRST)
    assert hands.do(FIRST) == hands.task
    assert hands.provider.accepted == [TASK_ID]
    assert len(hands.queue.waiting) == 1


def test_a_lost_submit_is_looked_up_after_the_lease(hands: FakeWorker) -> None:
    """And not before."""
    hands.provider.mood = "mute"
    hands.do(FIRST)
    ((_, delay),) = hands.queue.waiting
    message = hands.next()
    assert delay > LEASE.total_seconds()
    assert hands.task.status_reason
    hands.provider.mood = "well"
    hands.do(message, now=NOON + LEASE - timedelta(microseconds=1))
    assert hands.next() == message
    hands.do(message, now=NOON + LEASE)
    assert hands.provider.accepted == [TASK_ID]
    assert hands.task.provider_task_id == f"job-{TASK_ID}"
    assert not hands.task.status_reason


def test_a_submit_that_certainly_never_arrived_is_made_again(hands: FakeWorker) -> None:
    hands.provider.mood = "deaf"
    hands.do(FIRST)
    assert (hands.task.lease_until, hands.task.status_reason) == (None, "It cannot be reached.")
    hands.provider.mood = "well"
    hands.do(hands.next(), now=NOON + timedelta(seconds=1))
    assert hands.provider.accepted == [TASK_ID]
    assert hands.task.status_reason is None


def test_an_unfindable_job_is_awaited_and_not_resubmitted(hands: FakeWorker) -> None:
    hands.provider.mood = "mute"
    hands.do(FIRST)
    hands.provider.mood = "forgetful"
    now = NOON + LEASE
    while not hands.task.over:
        hands.do(hands.next(), now=now)
        now += timedelta(minutes=1)
    assert hands.provider.accepted == [TASK_ID]
    assert hands.task.error
    assert (hands.task.error.code, hands.task.error.retryable) == ("provider_unavailable", True)


def test_a_dead_workers_submit_is_looked_up_first(hands: FakeWorker) -> None:
    """Before it is made again."""
    worker = Worker(as_the_worker_does(FIRST, receives=1, now=NOON), hands.pipeline)
    for _ in ("load", "note the lease", "submit"):
        assert not worker.step()
    hands.do(FIRST, now=NOON + LEASE)
    assert hands.provider.accepted == [TASK_ID]
    assert hands.task.provider_task_id == f"job-{TASK_ID}"


def test_a_refused_job_fails_the_task_with_its_reason(hands: FakeWorker) -> None:
    hands.provider.mood = "strict"
    hands.do(FIRST)
    assert (hands.task.status, hands.task.error) == (TaskStatus.FAILED, NOT_ALLOWED)
    assert not hands.queue.waiting


def test_a_refusal_counts_despite_a_concurrent_change(hands: FakeWorker) -> None:
    hands.provider.mood = "strict"
    worker = Worker(as_the_worker_does(FIRST, receives=1, now=NOON), hands.pipeline)
    for _ in ("load", "note the lease", "submit"):
        assert not worker.step()
    hands.tasks.note(hands.task, client_id=None)
    hands.provider.mood = "well"
    while not worker.step():
        pass
    assert hands.task.error == NOT_ALLOWED
    assert (worker.error, hands.provider.accepted) == (None, [])


def test_a_submits_answer_survives_a_concurrent_change(hands: FakeWorker) -> None:
    worker = Worker(as_the_worker_does(FIRST, receives=1, now=NOON), hands.pipeline)
    for _ in ("load", "note the lease", "submit"):
        assert not worker.step()
    hands.tasks.note(hands.task, client_id=None)
    while not worker.step():
        pass
    assert (worker.error, hands.task.provider_task_id) == (None, f"job-{TASK_ID}")


def test_a_submits_answer_is_recorded_after_a_cancel(hands: FakeWorker) -> None:
    worker = Worker(as_the_worker_does(FIRST, receives=1, now=NOON), hands.pipeline)
    for _ in ("load", "note the lease", "submit"):
        assert not worker.step()
    hands.tasks.move(hands.task, life_cycle.canceled(hands.task, now=NOON))
    hands.provider.mood = "forgetful"
    while not worker.step():
        pass
    assert (worker.error, hands.task.provider_task_id) == (None, f"job-{TASK_ID}")
    assert hands.provider.canceled == [f"job-{TASK_ID}"]


def test_progress_and_queue_position_follow_the_provider(hands: FakeWorker) -> None:
    hands.do(FIRST)
    seen = []
    states: tuple[State, ...] = (Waiting(3), Working(0.25), Waiting(1), Working(0.5), Working(None), Waiting(None))
    for state in states:
        hands.provider.state = state
        hands.do(hands.next())
        seen.append((hands.task.status.value, hands.task.progress, hands.task.queue_position))
    assert seen == [
        ("pending", None, 3),
        ("processing", 0.25, None),
        ("pending", None, 1),
        ("processing", 0.5, None),
        ("processing", None, None),
        ("pending", None, None),
    ]


@pytest.mark.parametrize(
    ("state", "progress", "position"),
    [
        (Working(1.5), 1.0, None),
        (Working(-0.1), 0.0, None),
        (Working(float("nan")), 0.0, None),
        (Working(float("inf")), 1.0, None),
        (Working(5e-324), 0.0, None),
        (Working(1 / 3), 0.3333, None),
        (Waiting(-1), None, 0),
        (Waiting(0), None, 0),
    ],
    ids=str,
)
def test_nothing_that_a_provider_says_makes_a_task_unreadable(
    hands: FakeWorker, state: State, progress: float | None, position: int | None
) -> None:
    hands.do(FIRST)
    hands.provider.state = state
    hands.do(hands.next())
    assert (hands.task.progress, hands.task.queue_position) == (progress, position)
    assert Task.model_validate(vars(hands.task)) == hands.task


def test_a_requeued_task_keeps_its_first_start(hands: FakeWorker) -> None:
    hands.do(FIRST)
    states: tuple[State, ...] = (Working(), Waiting(), Working())
    for minute, state in enumerate(states):
        hands.provider.state = state
        hands.do(hands.next(), now=NOON + timedelta(minutes=minute))
    assert hands.task.started_at == NOON


def test_a_poll_that_brings_no_news_is_no_update(hands: FakeWorker) -> None:
    hands.do(FIRST)
    hands.provider.state = Working(0.5)
    hands.do(hands.next(), now=NOON + timedelta(seconds=1))
    hands.do(hands.next(), now=NOON + timedelta(seconds=2))
    assert hands.task.updated_at == NOON + timedelta(seconds=1)


def test_a_silent_provider_is_asked_again_and_reported(hands: FakeWorker) -> None:
    """The task says why."""
    hands.do(FIRST)
    hands.provider.mood = "deaf"
    hands.do(hands.next())
    assert (hands.task.status_reason, hands.task.status) == ("It does not answer.", TaskStatus.PENDING)
    hands.provider.mood = "well"
    hands.do(hands.next())
    assert (hands.task.status_reason, hands.task.status) == (None, TaskStatus.PROCESSING)
    assert hands.health.heard == ["fake answered", "fake failed: It does not answer.", "fake answered"]


def test_an_open_circuit_sends_nothing_to_its_provider(hands: FakeWorker) -> None:
    hands.health.reasons["fake"] = "fake is out of order."
    hands.do(FIRST)
    assert (hands.provider.accepted, hands.task.status_reason) == ([], "fake is out of order.")
    hands.health.reasons.clear()
    hands.do(hands.next())
    hands.health.reasons["fake"] = "fake is out of order."
    hands.provider.state = IMAGES
    hands.do(hands.next())
    assert (hands.task.status_reason, hands.task.over) == ("fake is out of order.", False)
    hands.health.reasons.clear()
    hands.do(hands.next())
    assert hands.task.status is TaskStatus.SUCCEEDED


def test_a_rejected_file_fails_the_task_with_its_cost(hands: FakeWorker) -> None:
    """And nothing of it stays."""
    hands.do(FIRST)
    hands.provider.state, hands.media.spoiled = IMAGES, True
    hands.do(hands.next())
    assert hands.task.error
    assert (hands.task.error.code, hands.task.cost.actual) == ("media_wrong_type", Decimal("0.25"))
    assert (hands.media.files, hands.task.provider_outcome) == ({}, Outcome.SUCCEEDED)


def test_an_unavailable_file_is_fetched_later(hands: FakeWorker) -> None:
    hands.do(FIRST)
    hands.provider.state, hands.media.out_of_reach = IMAGES, True
    hands.do(hands.next())
    assert (hands.task.over, hands.task.status_reason) == (False, "The file cannot be fetched.")
    hands.media.out_of_reach = False
    hands.do(hands.next())
    assert hands.task.status is TaskStatus.SUCCEEDED


def test_an_unstated_cost_is_the_list_price(hands: FakeWorker) -> None:
    hands.do(FIRST)
    hands.provider.state = Done(IMAGES.files)
    hands.do(hands.next())
    assert hands.task.cost.actual == Decimal("0.2")


def test_media_are_stored_before_the_task_is_succeeded(hands: FakeWorker) -> None:
    hands.do(FIRST)
    hands.provider.state = IMAGES
    hands.do(hands.next(), now=NOON + timedelta(minutes=1))
    task = hands.task
    assert (task.status, task.progress, task.cost.actual) == (TaskStatus.SUCCEEDED, 1.0, Decimal("0.25"))
    assert task.started_at == task.completed_at == task.updated_at == NOON + timedelta(minutes=1)
    assert [hands.media.files[output.key] for output in task.outputs] == [b"one", b"two"]
    assert hands.media.names == ["A-red-barn_1", "A-red-barn_2"]
    assert [(output.bytes, output.content_type) for output in task.outputs] == [(3, "image/png")] * 2
    assert all(output.key.startswith(f"media/1/{TASK_ID}/") for output in task.outputs)


def test_a_finished_job_without_media_is_a_failure(hands: FakeWorker) -> None:
    hands.do(FIRST)
    hands.provider.state = Done(())
    hands.do(hands.next())
    assert hands.task.error
    assert (hands.task.error.code, hands.task.provider_outcome) == ("empty_output", Outcome.SUCCEEDED)


def test_a_later_refusal_fails_the_task_with_its_reason(hands: FakeWorker) -> None:
    hands.do(FIRST)
    hands.provider.state = Refused(NOT_ALLOWED)
    hands.do(hands.next())
    assert (hands.task.status, hands.task.error) == (TaskStatus.FAILED, NOT_ALLOWED)


def test_the_provider_is_asked_for_what_the_task_says() -> None:
    task = a_task(params={"seed": 7}, effective_prompt="A red barn. Be bold.", callback_token="secret")
    job_request = FakeWorker().pipeline.job_request(task)
    assert job_request.callback == f"https://atelier.test/webhooks/fake?task={task.id}&token=secret"
    assert (job_request.reference, job_request.type, job_request.model) == (task.id, task.type, task.model)
    assert (job_request.prompt, job_request.effective_prompt, job_request.options) == (
        "A red barn",
        "A red barn. Be bold.",
        {"seed": 7},
    )


def test_polls_slow_down_to_a_limit(hands: FakeWorker) -> None:
    hands.do(FIRST)
    delays = []
    for _ in range(len(FIRST_POLLS) + 2):
        ((message, delay),) = hands.queue.waiting
        hands.queue.waiting.clear()
        delays.append(delay)
        hands.do(message)
    assert delays == sorted(delays)
    assert delays[-1] == LAST_POLL
