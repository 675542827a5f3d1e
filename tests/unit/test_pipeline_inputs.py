"""Inputs in the pipeline: the provider is sent what is there, and nobody is sent a job whose input is gone."""

from typing import Final

import pytest

from atelier.domain.due import DEADLINE
from atelier.domain.input_files import InputRole, TaskInput
from atelier.domain.tasks.record import URL_LIFE, TaskStatus
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


def test_a_role_no_longer_taken_is_not_sent(worker: FakeWorker) -> None:
    worker.tasks.kept[TASK_ID] = a_task(inputs=[an_input(InputRole.MASK)])
    worker.do(FIRST)
    assert worker.task.error
    assert (worker.task.error.code, worker.provider.asked) == ("invalid_params", [])


def test_urls_of_inputs_outlive_every_deadline() -> None:
    """A URL works for `URL_LIFE` from when it is signed, which is after the task was created."""
    assert max(DEADLINE.values()) <= URL_LIFE
