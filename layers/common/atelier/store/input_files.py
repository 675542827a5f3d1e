"""The input files of tasks, for the worker: what they are, a URL of each for its provider, and their content.

A task remembers which output or asset it was given, and not where the file is: it is looked for when it is needed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from atelier.domain.errors import Busy
from atelier.domain.input_files import InputFile, TaskInput
from atelier.domain.provider import InputGone, Unavailable
from atelier.domain.tasks.record import Task
from atelier.store.s3_objects import found
from atelier.store.table import unanswered_is_busy

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Sign = Callable[[str, str], str]
"""Signs the key of a file for a task, by its id: a URL that works until after the task's deadline."""
Load = Callable[[Sequence[TaskInput], int], Sequence[InputFile | None]]
"""The files of the inputs of an account's task as they are now; None for what was deleted."""


class InputBucket:
    """The input files in the bucket."""

    def __init__(self, client: "S3Client", bucket: str, *, load: Load, sign: Sign) -> None:
        self._client = client
        self._bucket = bucket
        self._load = load
        self._sign = sign

    def of(self, task: Task) -> Sequence["StoredInput"]:
        """The files of a task's inputs, in their order. Nothing is read before it is needed, and then all at once."""

        @cache
        def files() -> Sequence[InputFile | None]:
            return self._load(task.inputs, task.user_id)

        return [StoredInput(self, task.id, number, files) for number in range(len(task.inputs))]

    def sign(self, key: str, task_id: str) -> str:
        """A URL of a file for a task."""
        return self._sign(key, task_id)

    def read(self, key: str) -> bytes:
        """A file. Raises InputGone, and Unavailable while the bucket does not answer: its provider was sent nothing."""
        try:
            with unanswered_is_busy("The bucket did not answer."):
                answer = found(lambda: self._client.get_object(Bucket=self._bucket, Key=key))
                if answer is None:
                    raise InputGone
                return answer["Body"].read()
        except Busy as failure:
            raise Unavailable(str(failure), reached=True) from failure


@dataclass(frozen=True)
class StoredInput:
    """One input of a task, as `domain.provider.InputSource` says."""

    bucket: InputBucket
    task_id: str
    number: int
    files: Callable[[], Sequence[InputFile | None]]

    def file(self) -> InputFile:
        """What it is. Raises InputGone."""
        file = self.files()[self.number]
        if file is None:
            raise InputGone
        return file

    def url(self) -> str:
        """A signed URL of it. Raises InputGone."""
        return self.bucket.sign(self.file().key, self.task_id)

    def content(self) -> bytes:
        """The file. Raises InputGone and Unavailable."""
        return self.bucket.read(self.file().key)
