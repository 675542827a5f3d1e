"""The real pipeline and real adapters, with tasks, queue and bucket in memory and time in the test's hands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import heappop, heappush
from itertools import count
from typing import Any, Final

from urllib3 import PoolManager

from atelier import wiring
from atelier.domain.input_files import TaskInput
from atelier.domain.pipeline import Pipeline
from atelier.domain.pipeline_ports import GenerationMessage
from atelier.domain.provider import Content, File, Provider, Remote
from atelier.domain.schema import utcnow
from atelier.domain.tasks.record import Output, Task, TaskType
from atelier.store.downloads import download
from tests.support.builders import a_task, an_id
from tests.support.fakes import FakeHealth, FakeInputs, FakeTasks

VISIBILITY: Final = timedelta(seconds=360)


@dataclass
class FakeBucket:
    """A bucket that keeps sizes only, of files that it really fetches."""

    sizes: dict[str, int] = field(default_factory=dict)
    pool: PoolManager = field(default_factory=PoolManager)

    def keep(self, file: File, stem: str, kind: TaskType, name: str) -> Output:
        """Fetch a file."""
        if isinstance(file, Remote):
            with download(file, kind, self.pool) as source:
                while source.read(65536):
                    pass
                size = source.size
        else:
            size = len(file.content) if isinstance(file, Content) else 1
        self.sizes[stem] = size
        return Output(key=stem, content_type="image/png", bytes=size)

    def delete_of_task(self, user_id: int, task_id: str) -> int:
        """Forget every file of a task."""
        gone = [key for key in self.sizes if task_id in key]
        for key in gone:
            del self.sizes[key]
        return len(gone)


class PipelineHarness:
    """Everything that happens to tasks, one message at a time and in the order in which they are due."""

    def __init__(self, providers: Mapping[str, Provider]) -> None:
        self.now = utcnow()
        self.tasks, self.shelf, self.health = FakeTasks(), FakeBucket(), FakeHealth()
        self.inputs = FakeInputs()
        self.pipeline = Pipeline(self.tasks, self, self.shelf, providers, self.health, wiring.catalog(), self.inputs)
        self.waiting: list[tuple[datetime, int, GenerationMessage]] = []
        self._number = count()

    def job_request(
        self,
        number: int,
        *,
        provider: str,
        model: str,
        prompt: str,
        kind: TaskType = TaskType.IMAGE,
        inputs: Sequence[Mapping[str, Any]] = (),
    ) -> str:
        """Accept a task, as the API and the relay do; its id."""
        id_ = an_id(number)
        asked: dict[str, Any] = {
            "provider": provider,
            "served_by": provider,
            "model": model,
            "prompt": prompt,
            "type": kind,
        }
        asked |= {"inputs": [TaskInput(**each) for each in inputs]}
        moments = {"created_at": self.now, "updated_at": self.now}
        task = a_task(id=id_, effective_prompt=prompt, params={"num_outputs": 1}, **asked, **moments)
        self.tasks.kept[id_], self.tasks.history[id_] = task, [task.status]
        self.put(GenerationMessage(task_id=id_, user_id=1, served_by=provider), self.now)
        return id_

    def send(self, step: GenerationMessage, *, delay: int, provider: str) -> None:
        """The pipeline's queue."""
        self.put(step, self.now + timedelta(seconds=delay))

    def put(self, message: GenerationMessage, due: datetime) -> None:
        """Have a message delivered at a moment."""
        heappush(self.waiting, (due, next(self._number), message))

    def take(self) -> GenerationMessage:
        """The message that is due next; time passes until then."""
        due, _, message = heappop(self.waiting)
        self.now = max(self.now, due)
        return message

    def run(self) -> None:
        """Until nothing waits any more."""
        while self.waiting:
            self.pipeline.process(self.take(), now=self.now)

    def task(self, id_: str) -> Task:
        """A task as it is kept."""
        return self.tasks.kept[id_]
