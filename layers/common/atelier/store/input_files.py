"""The input files of tasks, for the worker: what they are, a URL of each for its provider, and their content.

A task remembers which output of which task it was given, and not where the file is: it is looked for when it is needed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from atelier.domain.input_files import InputFile, TaskInput
from atelier.domain.provider import InputGone
from atelier.domain.tasks.record import Task, TaskSummary

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

Sign = Callable[[str, str], str]
"""Signs the key of a file for a task, by its id: a URL that works until after the task's deadline."""
Load = Callable[[Sequence[TaskInput]], Mapping[str, TaskSummary]]
"""The tasks that inputs are outputs of, by id, as far as they are there."""


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
        def sources() -> Mapping[str, TaskSummary]:
            return self._load(task.inputs)

        return [StoredInput(self, task, each, sources) for each in task.inputs]

    def sign(self, key: str, task_id: str) -> str:
        """A URL of a file for a task."""
        return self._sign(key, task_id)

    def read(self, key: str) -> bytes:
        """A file. Raises InputGone."""
        try:
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as failure:
            if failure.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
                raise InputGone from failure
            raise


@dataclass(frozen=True)
class StoredInput:
    """One input of a task, as `domain.provider.InputSource` says."""

    bucket: InputBucket
    task: Task
    input: TaskInput
    sources: Callable[[], Mapping[str, TaskSummary]]

    def file(self) -> InputFile:
        """What it is. Raises InputGone."""
        source = self.sources().get(self.input.task_id or "")
        # A task's input is of the same account; what was created before its source was deleted may name it still.
        there = source is not None and source.user_id == self.task.user_id
        file = source.output_file(self.input.output or 0) if source and there else None
        if file is None:
            raise InputGone
        return file

    def url(self) -> str:
        """A signed URL of it. Raises InputGone."""
        return self.bucket.sign(self.file().key, self.task.id)

    def content(self) -> bytes:
        """The file. Raises InputGone."""
        return self.bucket.read(self.file().key)
