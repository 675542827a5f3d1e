"""Queues: messages are small JSON models, delivered at least once.

Each is sent with its account as its message group, which makes a standard queue of SQS a fair one: while one account
has more than its share of what is being worked on, messages of others go first (ADR 36).
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues.html
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from atelier.domain.messages import LONGEST_DELAY, AccountMessage
from atelier.store.table import unanswered_is_busy

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient


class Queue:
    """One SQS queue."""

    def __init__(self, client: "SQSClient", url: str) -> None:
        self._client = client
        self._url = url

    def send(self, message: AccountMessage, *, delay: int = 0) -> None:
        """Deliver `message` after `delay` seconds, at most 900 of them, at least once. Raises Busy."""
        body = message.model_dump_json()
        with unanswered_is_busy("The queue did not answer."):
            self._client.send_message(
                QueueUrl=self._url,
                MessageBody=body,
                DelaySeconds=min(delay, LONGEST_DELAY),
                MessageGroupId=str(message.user_id),
            )


class ProviderQueues:
    """One queue per provider, so that each has its own workers; a provider without one uses the shared queue."""

    def __init__(self, client: "SQSClient", shared: str, provider_queues: Mapping[str, str]) -> None:
        self._shared = Queue(client, shared)
        self._lanes = {name: Queue(client, url) for name, url in provider_queues.items()}

    def send(self, message: AccountMessage, *, delay: int = 0, provider: str) -> None:
        """Deliver `message` after `delay` seconds to the provider's queue, at least once."""
        self._lanes.get(provider, self._shared).send(message, delay=delay)
