"""The pipeline on fakes, as unit tests want to handle it."""

from datetime import datetime
from typing import Final

from atelier.domain.pipeline import Pipeline
from atelier.domain.pipeline_ports import GenerationMessage
from atelier.domain.tasks.record import Task
from tests.support.builders import NOON, a_task, an_id
from tests.support.fakes import FakeHealth, FakeInputs, FakeMedia, FakeProvider, FakeQueue, FakeTasks, catalog

TASK_ID: Final = an_id(3)
FIRST: Final = GenerationMessage(task_id=TASK_ID, user_id=1)


class FakeWorker:
    """A pipeline on fakes, and what a test wants to know of it."""

    def __init__(self) -> None:
        self.tasks, self.queue, self.media = FakeTasks(a_task()), FakeQueue(), FakeMedia()
        self.provider, self.other, self.health = FakeProvider(), FakeProvider(), FakeHealth()
        self.inputs = FakeInputs()
        providers = {"fake": self.provider, "other": self.other}
        self.pipeline = Pipeline(
            self.tasks,
            self.queue,
            self.media,
            providers,
            self.health,
            catalog(),
            self.inputs,
            "https://atelier.test/webhooks",
        )

    def do(self, message: GenerationMessage, *, now: datetime = NOON) -> Task | None:
        """Carry out a message."""
        return self.pipeline.process(message, now=now)

    def next(self) -> GenerationMessage:
        """The one message that waits."""
        ((message, _),) = self.queue.waiting
        self.queue.waiting.clear()
        return message

    @property
    def task(self) -> Task:
        """The task as it is kept."""
        return self.tasks.kept[TASK_ID]
