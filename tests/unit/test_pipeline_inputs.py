"""Inputs in the pipeline: the provider is sent what is there, and nobody is sent a job whose input is gone."""

from typing import Final
from unittest import mock

import pytest
from botocore.exceptions import ReadTimeoutError

from atelier.domain.due import DEADLINE
from atelier.domain.input_files import InputRole, TaskInput
from atelier.domain.provider import InputGone
from atelier.domain.tasks.record import URL_LIFE, Outcome, TaskStatus
from atelier.store.input_files import InputBucket
from tests.support.builders import a_file, a_task, an_id
from tests.support.fake_worker import FIRST, TASK_ID, FakeWorker

SOURCE: Final = an_id(50)


def an_input(role: InputRole = InputRole.REFERENCE) -> TaskInput:
    return TaskInput(role=role, task_id=SOURCE, output=1)


@pytest.fixture
def worker() -> FakeWorker:
    made = FakeWorker()
    made.tasks.kept[TASK_ID] = a_task(inputs=[an_input()])
    made.inputs.files[SOURCE, 1] = a_file(key="media/1/source/1.png")
    return made


def test_a_job_is_sent_its_files_by_url(worker: FakeWorker) -> None:
    worker.do(FIRST)
    (asked,) = worker.provider.asked
    (sent,) = asked.inputs
    assert (sent.spec.name, sent.source.file().key) == ("image_urls", "media/1/source/1.png")
    assert f"x-task={TASK_ID}" in sent.source.url()


def test_a_job_whose_input_is_gone_is_not_submitted(worker: FakeWorker) -> None:
    worker.inputs.files.clear()
    worker.do(FIRST)
    assert worker.task.error
    assert (worker.task.status, worker.task.error.code) == (TaskStatus.FAILED, "input_gone")
    assert (worker.provider.asked, worker.task.sent) == ([], False)


def test_a_file_gone_while_it_is_sent_costs_nothing(worker: FakeWorker) -> None:
    """A provider that fetches nothing is sent the files themselves: they are read when the job is submitted."""
    with mock.patch.object(worker.provider, "submit", side_effect=InputGone):
        worker.do(FIRST)
    assert worker.task.error
    assert (worker.task.status, worker.task.error.code) == (TaskStatus.FAILED, "input_gone")
    assert (worker.task.provider_outcome, worker.task.cost.actual) == (Outcome.FAILED, None)


def test_a_bucket_that_does_not_answer_is_asked_later(worker: FakeWorker) -> None:
    """Nobody was sent the job: it waits, and is submitted again."""
    client = mock.Mock()
    client.get_object.side_effect = ReadTimeoutError(endpoint_url="https://s3.test")
    files = InputBucket(client, "media", load=lambda _, __: [a_file()], sign=lambda key, _: key)
    (source,) = files.of(a_task(inputs=[an_input()]))
    with mock.patch.object(worker.provider, "submit", side_effect=lambda _: source.content()):
        worker.do(FIRST)
    assert (worker.task.status, worker.task.lease_until) == (TaskStatus.PENDING, None)
    assert worker.health.heard == []
    worker.do(worker.next())
    assert worker.task.provider_task_id == f"job-{TASK_ID}"


def test_a_role_no_longer_taken_is_not_sent(worker: FakeWorker) -> None:
    worker.tasks.kept[TASK_ID] = a_task(inputs=[an_input(InputRole.MASK)])
    worker.do(FIRST)
    assert worker.task.error
    assert (worker.task.error.code, worker.provider.asked) == ("invalid_params", [])


def test_urls_of_inputs_outlive_every_deadline() -> None:
    """A URL works for `URL_LIFE` from when it is signed, which is after the task was created."""
    assert max(DEADLINE.values()) <= URL_LIFE
