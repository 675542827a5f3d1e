"""Webhook delivery: one attempt per message, following the Standard Webhooks specification.

The next attempt is queued before this one is recorded: a crash between the two repeats a delivery, and never loses
one. A receiver tells a repetition by its `webhook-id`, which is the same for every attempt. A message that comes
twice finds its attempt recorded, and does nothing.

A receiver that does not answer holds nobody else's workers. Attempts of one account are made a few at a time, and after
some that were not answered its receiver is left alone for a while (a circuit breaker). A delivery that meets either is
put back with a delay, and has not been attempted.
"""

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final, Protocol, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel

from atelier.domain.budget_alerts import AlertedBudget, BudgetAlert
from atelier.domain.due import BACK_OFF, DELIVERY_ENDS, ends
from atelier.domain.errors import NotFound
from atelier.domain.messages import LONGEST_DELAY, AccountMessage
from atelier.domain.schema import Timestamp
from atelier.domain.tasks.record import DeliveryAttempt, Task
from atelier.domain.webhook_secrets import WebhookSecret
from atelier.domain.webhook_signatures import sign

NO_SLOT: Final = 1
"""Seconds, at most twice as many, after which a delivery whose account has no free slot comes again."""
SPREAD: Final = 10
"""Seconds over which deliveries come again that met an open breaker."""

AnySlot = TypeVar("AnySlot")


class WebhookDelivery(AccountMessage):
    """A message of the webhook delivery queue: make this attempt (the first is 0), not before `due`.

    It tells of the end of a task, or of an alert. `resent_at` is when the task's webhook was asked to be sent again:
    from then on nothing is left to do of an earlier delivery.
    """

    task_id: str | None = None
    resent_at: datetime | None = None
    alert_id: str | None = None
    attempt: int = 0
    due: datetime | None = None


class TaskEvent(BaseModel):
    """The payload of a delivery. `timestamp` is when the task ended."""

    type: str
    timestamp: Timestamp
    data: Task


class BudgetAlertData(BaseModel):
    """Which threshold was reached, in percent of the limit, and the budget as it was then."""

    threshold: int
    budget: AlertedBudget


class BudgetEvent(BaseModel):
    """The payload of an alert. `timestamp` is when the budget reached the threshold."""

    type: str = "budget.alert"
    timestamp: Timestamp
    data: BudgetAlertData


@dataclass(frozen=True)
class Event:
    """What a receiver is told: of what, by whose secret, since when, and which attempts were made.

    `record` keeps an attempt.
    """

    id: str
    account: int
    signer: int
    url: str
    since: datetime
    made: Sequence[DeliveryAttempt]
    body: Callable[[], bytes]
    record: Callable[[DeliveryAttempt], None]


class DeliveryFailed(Exception):
    """The receiver did not answer or could not be reached; the task's owner may read the reason."""


class Tasks(Protocol):
    """Reads tasks and logs deliveries."""

    def load(self, task_id: str) -> Task | None:
        """The task as it is now."""

    def log_delivery(self, task: Task, delivery: DeliveryAttempt) -> None:
        """Record an attempt to tell of this task, unless it is gone."""


class Alerts(Protocol):
    """Reads alerts and logs deliveries."""

    def load(self, alert_id: str) -> BudgetAlert | None:
        """The alert as it is now."""

    def log_delivery(self, alert: BudgetAlert, delivery: DeliveryAttempt) -> None:
        """Record an attempt to tell of this alert, unless it is gone."""


class Secrets(Protocol):
    """Webhook secrets by user."""

    def get_or_create(self, user_id: int, *, fresh: str, now: datetime) -> WebhookSecret:
        """The user's secret, which is `fresh` if there was none."""


class WebhookClient(Protocol):
    """Sends requests to receivers."""

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """The status of the receiver's answer. Raises DeliveryFailed."""


class Receivers(Protocol[AnySlot]):
    """Which receivers may be called: a circuit breaker per receiver, and slots per account."""

    def open_until(self, receiver: str, /, *, now: datetime) -> datetime | None:
        """When the receiver may be tried again; None when it may be called."""

    def record_failure(self, receiver: str, reason: str, /, *, now: datetime) -> None:
        """It did not answer."""

    def record_success(self, receiver: str, /) -> None:
        """It answered, whatever it said."""

    def take_slot(self, account: int, *, now: datetime) -> AnySlot | None:
        """One of the account's slots; None when all are taken."""

    def release_slot(self, slot: AnySlot) -> None:
        """Give a slot back."""


class Queue(Protocol):
    """The queue of the next attempt."""

    def send(self, message: WebhookDelivery, *, delay: int) -> None:
        """Deliver `message` after `delay` seconds (at most 900), at least once."""


Show = Callable[[Task], Task]
"""The task as the API shows it at this moment to who asked for it. Raises NotFound."""


@dataclass(frozen=True)
class WebhookDispatcher:
    """Delivers webhooks."""

    tasks: Tasks
    alerts: Alerts
    secrets: Secrets
    sender: WebhookClient
    queue: Queue
    receivers: Receivers[Any]
    chance: Callable[[], float] = random.random

    def process(self, message: WebhookDelivery, *, show: Show, fresh: str, now: datetime) -> DeliveryAttempt | None:
        """Make the attempt, and queue the next one if needed.

        None when it is put back, is not due yet or nothing is left to deliver. It is given up when `show` raises
        NotFound: who created the task may no longer see it. Theirs, or of who set the budget, is the secret, which
        becomes `fresh` if they have none.
        """
        if message.due and now < message.due:
            self._wait(message, (message.due - now).total_seconds())
            return None
        event = self._of_alert(message.alert_id) if message.alert_id else self._of_task(message, show)
        if event is None or any(map(ends, event.made)) or len(event.made) > message.attempt:
            return None
        try:
            body = event.body()
        except NotFound:
            return _give_up(event, "who asked for it may no longer see the task", now=now)
        receiver = receiver_of(event.account, event.url)
        if until := self.receivers.open_until(receiver, now=now):
            return self._meet_open_breaker(message, event, until, now=now)
        slot = self.receivers.take_slot(event.account, now=now)
        if slot is None:
            self._wait(message, NO_SLOT + self.chance() * NO_SLOT)
            return None
        try:
            secret = self.secrets.get_or_create(event.signer, fresh=fresh, now=now)
            delivery = self._attempt(event, body, secret, now=max(now, event.since))
        finally:
            self.receivers.release_slot(slot)
        if not ends(delivery) and message.attempt < len(BACK_OFF):
            self._queue_the_next(message, now=now)
        event.record(delivery)
        self._record_health(receiver, delivery, now=now)
        return delivery

    def _of_task(self, message: WebhookDelivery, show: Show) -> Event | None:
        task = self.tasks.load(message.task_id) if message.task_id else None
        if task is None or not task.webhook_url or not task.over or message.resent_at != task.webhook_resent_at:
            return None
        record = partial(self.tasks.log_delivery, task)
        since, made = task.delivery_since, task.deliveries_made
        return Event(
            task.id, task.user_id, task.created_by, task.webhook_url, since, made, lambda: body_of(show(task)), record
        )

    def _of_alert(self, alert_id: str) -> Event | None:
        alert = self.alerts.load(alert_id)
        if alert is None:
            return None
        data = BudgetAlertData(threshold=alert.threshold, budget=alert.budget)
        body = BudgetEvent(timestamp=alert.created_at, data=data).model_dump_json().encode()
        record = partial(self.alerts.log_delivery, alert)
        since, made = alert.created_at, alert.webhook_deliveries
        return Event(alert.id, alert.user_id, alert.created_by, alert.webhook_url, since, made, lambda: body, record)

    def _meet_open_breaker(
        self, message: WebhookDelivery, event: Event, until: datetime, *, now: datetime
    ) -> DeliveryAttempt | None:
        """Put the delivery back; or give it up, when the receiver has not answered for days."""
        if now > event.since + DELIVERY_ENDS:
            return _give_up(event, "its receiver has not answered for days", now=now)
        self._wait(message, (until - now).total_seconds() + self.chance() * SPREAD)
        return None

    def _record_health(self, receiver: str, delivery: DeliveryAttempt, *, now: datetime) -> None:
        if delivery.status is None:
            self.receivers.record_failure(receiver, delivery.error or "", now=now)
        else:
            self.receivers.record_success(receiver)

    def _attempt(self, event: Event, body: bytes, secret: WebhookSecret, *, now: datetime) -> DeliveryAttempt:
        headers = headers_of(event.id, body, secret, now=now)
        try:
            status = self.sender.post(event.url, body, headers)
        except DeliveryFailed as reason:
            return DeliveryAttempt(at=now, error=str(reason))
        return DeliveryAttempt(at=now, status=status)

    def _queue_the_next(self, message: WebhookDelivery, *, now: datetime) -> None:
        wait = BACK_OFF[message.attempt]
        following = {"attempt": message.attempt + 1, "due": now + timedelta(seconds=wait)}
        self._wait(message.model_copy(update=following), wait)

    def _wait(self, message: WebhookDelivery, seconds: float) -> None:
        # A queue does not hold a message for hours, so it is sent again until it is due.
        self.queue.send(message, delay=min(math.ceil(seconds), LONGEST_DELAY))


def _give_up(event: Event, reason: str, *, now: datetime) -> DeliveryAttempt:
    given_up = DeliveryAttempt(at=max(now, event.since), error=f"{reason}; it is not tried again", given_up=True)
    event.record(given_up)
    return given_up


def receiver_of(account: int, url: str) -> str:
    """The name of the circuit breaker of an account's receiver: host and port."""
    return f"{account}#{urlsplit(url).netloc.rpartition('@')[2].lower()}"


def body_of(task: Task) -> bytes:
    """The body of a delivery that tells of a task."""
    ended = TaskEvent(type=f"task.{task.status}", timestamp=task.completed_at or task.updated_at, data=task)
    return ended.model_dump_json().encode()


def headers_of(of: str, body: bytes, secret: WebhookSecret, *, now: datetime) -> dict[str, str]:
    """The headers of a delivery about the task or alert of this id, signed with every currently valid secret."""
    id_, timestamp = f"evt_{of}", int(now.timestamp())
    signatures = [sign(each, id_=id_, timestamp=timestamp, body=body) for each in secret.signing(now)]
    return {
        "content-type": "application/json",
        "webhook-id": id_,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signatures),
    }
