"""Queues: messages are small JSON models, delivered at least once."""

from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

LONGEST_DELAY: Final = 900


class Queue:
    """One SQS queue."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, message: BaseModel, *, delay: int = 0) -> None:
        """Deliver `message` after `delay` seconds, at most 900 of them, at least once."""
        body = message.model_dump_json()
        self._client.send_message(QueueUrl=self._url, MessageBody=body, DelaySeconds=min(delay, LONGEST_DELAY))
