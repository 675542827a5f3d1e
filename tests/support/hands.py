"""The pipeline on fakes, as unit tests want to handle it."""

from datetime import datetime
from typing import Final

from atelier.domain.generation import Pipeline
from atelier.domain.steps import NextStep
from atelier.domain.tasks import Task
from tests.support.builders import NOON, a_task, an_id
from tests.support.fakes import FakeHealth, FakeMedia, FakeProvider, FakeQueue, FakeTasks, registry

TASK_ID: Final = an_id(3)
FIRST: Final = NextStep(task_id=TASK_ID, user_id=1)


class Hands:
    """A pipeline on fakes, and what a test wants to know of it."""

    def __init__(self) -> None:
        self.tasks, self.queue, self.media = FakeTasks(a_task()), FakeQueue(), FakeMedia()
        self.provider, self.other, self.health = FakeProvider(), FakeProvider(), FakeHealth()
        providers = {"fake": self.provider, "other": self.other}
        self.pipeline = Pipeline(
            self.tasks, self.queue, self.media, providers, self.health, registry(), "https://atelier.test/webhooks"
        )

    def do(self, message: NextStep, *, now: datetime = NOON) -> Task | None:
        """Carry out a message."""
        return self.pipeline.carry_out(message, now=now)

    def next(self) -> NextStep:
        """The one message that waits."""
        ((message, _),) = self.queue.waiting
        self.queue.waiting.clear()
        return message

    @property
    def task(self) -> Task:
        """The task as it is kept."""
        return self.tasks.kept[TASK_ID]
