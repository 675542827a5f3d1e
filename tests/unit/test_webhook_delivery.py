"""Telling receivers: what is sent, how often, and what a crash in the middle makes of it."""

import base64
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

import pytest

from atelier.domain.budget_alerts import BudgetAlert
from atelier.domain.due import ATTEMPTS, BACK_OFF, DELIVERY_ENDS, delivered, ends
from atelier.domain.tasks.record import DeliveryAttempt, Output, Task
from atelier.domain.webhook_delivery import DeliveryFailed, WebhookDelivery, WebhookDispatcher
from atelier.domain.webhook_secrets import OVERLAP, WebhookSecret, rotated, secret_text
from atelier.domain.webhook_signatures import sign
from tests.support.builders import NOON, a_task, an_id

URL: Final = "https://receiver.example/hooks?of=atelier"
FIRST: Final = secret_text(b"1" * 32)
SECOND: Final = secret_text(b"2" * 32)


class NoAlerts:
    """A store without alerts."""

    def load(self, alert_id: str) -> BudgetAlert | None:
        """None."""

    def log_delivery(self, alert: BudgetAlert, delivery: DeliveryAttempt) -> None:
        """There is nothing to log."""


NO_ALERTS: Final = NoAlerts()


class Crash(Exception):
    """The process ends here."""


def an_ended_task(**fields: Any) -> Task:
    return a_task(**{"status": "succeeded", "webhook_url": URL, "completed_at": NOON, **fields})


@dataclass
class Post:
    """One request as the receiver sees it."""

    url: str
    body: bytes
    headers: dict[str, str]


@dataclass
class FakeReceivers:
    """Breakers that open when the test says so, and `slots` for each account."""

    open: dict[str, datetime] = field(default_factory=dict)
    slots: int = 1
    taken: list[int] = field(default_factory=list)
    health: list[tuple[str, str | None]] = field(default_factory=list)

    def open_until(self, receiver: str, /, *, now: datetime) -> datetime | None:
        """What the test says."""
        return self.open.get(receiver)

    def record_failure(self, receiver: str, reason: str, /, *, now: datetime) -> None:
        """Remember it."""
        self.health.append((receiver, reason))

    def record_success(self, receiver: str, /) -> None:
        """Remember it."""
        self.health.append((receiver, None))

    def take_slot(self, account: int, *, now: datetime) -> int | None:
        """The account as a slot, if one is free."""
        if self.taken.count(account) >= self.slots:
            return None
        self.taken.append(account)
        return account

    def release_slot(self, slot: int) -> None:
        """Free it."""
        self.taken.remove(slot)


@dataclass
class Scene:
    """A herald, its receiver, which answers with `answers` one after the other, and all that is kept."""

    task: Task | None
    answers: Sequence[int | str] = (200,)
    secret: WebhookSecret = field(default_factory=lambda: WebhookSecret(secret=FIRST))
    posts: list[Post] = field(default_factory=list)
    waiting: list[tuple[WebhookDelivery, int]] = field(default_factory=list)
    order: list[str] = field(default_factory=list)
    crashes: str = ""
    receivers: FakeReceivers = field(default_factory=FakeReceivers)
    now: datetime = NOON

    def load(self, task_id: str) -> Task | None:
        """The task, as a store has it."""
        return self.task if self.task and self.task.id == task_id else None

    def log_delivery(self, task: Task, delivery: DeliveryAttempt) -> None:
        """Keep the attempt."""
        self._come_to("record")
        assert self.task is not None
        made = [*self.task.webhook_deliveries, delivery]
        self.task = self.task.model_copy(update={"webhook_deliveries": made})

    def get_or_create(self, user_id: int, *, fresh: str, now: datetime) -> WebhookSecret:
        """The secret that the owner has."""
        return self.secret

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """Take the message, and answer as the test says; a text is the reason of no answer."""
        self._come_to("post")
        self.posts.append(Post(url, body, headers))
        answer = self.answers[min(len(self.posts), len(self.answers)) - 1]
        if isinstance(answer, str):
            raise DeliveryFailed(answer)
        return answer

    def send(self, notice: WebhookDelivery, *, delay: int) -> None:
        """Keep the message, as text, as a real queue does."""
        self._come_to("queue")
        assert 0 <= delay <= 900
        self.waiting.append((WebhookDelivery.model_validate_json(notice.model_dump_json()), delay))

    def _come_to(self, point: str) -> None:
        if self.crashes == point:
            self.crashes = ""
            raise Crash
        self.order.append(point)

    def tell(self, notice: WebhookDelivery | None = None) -> DeliveryAttempt | None:
        """Hand the herald a message."""
        webhook_dispatcher = WebhookDispatcher(self, NO_ALERTS, self, self, self, self.receivers, chance=lambda: 0.5)
        return webhook_dispatcher.process(
            notice or WebhookDelivery(user_id=1, task_id=an_id(3)), show=lambda it: it, fresh=SECOND, now=self.now
        )

    def run(self) -> None:
        """Hand over everything that waits, when it is due, until nothing is left."""
        self.tell()
        while self.waiting:
            assert len(self.order) < 1000, "it does not come to rest"
            notice, delay = self.waiting.pop(0)
            self.now += timedelta(seconds=delay)
            self.tell(notice)


def deliveries(scene: Scene) -> list[tuple[int | None, str | None]]:
    assert scene.task is not None
    return [(each.status, each.error) for each in scene.task.webhook_deliveries]


# ------------------------------------------------------------------------------------------------- what is sent


@pytest.mark.parametrize("status", ["succeeded", "failed", "canceled"])
def test_a_receiver_gets_the_task_and_its_outcome(status: str) -> None:
    scene = Scene(an_ended_task(status=status))
    assert scene.tell() == DeliveryAttempt(at=NOON, status=200)
    (post,) = scene.posts
    assert scene.task is not None
    assert post.url == URL
    assert json.loads(post.body) == {
        "type": f"task.{status}",
        "timestamp": "2026-01-31T12:00:00.000000Z",
        "data": json.loads(scene.task.model_copy(update={"webhook_deliveries": []}).model_dump_json()),
    }
    assert "callback_token" not in json.loads(post.body)["data"]


def test_the_task_is_shown_as_its_owner_sees_it() -> None:
    shown = an_ended_task(outputs=[Output(url="https://signed", content_type="image/png", bytes=1, key="k")])
    scene = Scene(an_ended_task())
    webhook_dispatcher = WebhookDispatcher(scene, NO_ALERTS, scene, scene, scene, scene.receivers)
    webhook_dispatcher.process(
        WebhookDelivery(user_id=1, task_id=an_id(3)), show=lambda _: shown, fresh=SECOND, now=NOON
    )
    (output,) = json.loads(scene.posts[0].body)["data"]["outputs"]
    assert output["url"] == "https://signed"
    assert "key" not in output


def test_the_message_is_signed_as_the_specification_says() -> None:
    scene = Scene(an_ended_task())
    scene.tell()
    (post,) = scene.posts
    stamp = int(NOON.timestamp())
    assert post.headers == {
        "content-type": "application/json",
        "webhook-id": f"evt_{an_id(3)}",
        "webhook-timestamp": str(stamp),
        "webhook-signature": sign(FIRST, id_=f"evt_{an_id(3)}", timestamp=stamp, body=post.body),
    }


def test_attempts_share_an_id_and_differ_in_time() -> None:
    scene = Scene(an_ended_task(), answers=[500, "it did not answer", 204])
    scene.run()
    assert {post.headers["webhook-id"] for post in scene.posts} == {f"evt_{an_id(3)}"}
    assert len({post.headers["webhook-timestamp"] for post in scene.posts}) == 3
    assert {json.loads(post.body)["timestamp"] for post in scene.posts} == {"2026-01-31T12:00:00.000000Z"}


def test_while_a_secret_is_changed_both_sign() -> None:
    secret = rotated(WebhookSecret(secret=FIRST), fresh=SECOND, now=NOON)
    during, after = Scene(an_ended_task(), secret=secret), Scene(an_ended_task(), secret=secret, now=NOON + OVERLAP)
    for scene in (during, after):
        scene.tell()
    assert len(during.posts[0].headers["webhook-signature"].split(" ")) == 2
    stamp = int(after.now.timestamp())
    only = sign(SECOND, id_=f"evt_{an_id(3)}", timestamp=stamp, body=after.posts[0].body)
    assert after.posts[0].headers["webhook-signature"] == only


def test_a_secret_is_written_as_the_specification_says() -> None:
    prefix, _, key = secret_text(bytes(range(32))).partition("_")
    assert prefix == "whsec"
    assert base64.b64decode(key, validate=True) == bytes(range(32))


def test_a_secret_changed_twice_forgets_the_first_at_once() -> None:
    twice = rotated(rotated(WebhookSecret(secret=FIRST), fresh=SECOND, now=NOON), fresh="whsec_3", now=NOON)
    assert twice.signing(NOON) == ("whsec_3", SECOND)
    assert twice.version == 3


def test_a_secret_is_in_no_representation() -> None:
    assert FIRST not in repr(rotated(WebhookSecret(secret=FIRST), fresh=SECOND, now=NOON))
    assert SECOND not in repr(WebhookSecret(secret=SECOND))


# ---------------------------------------------------------------------------------------------------- how often


def test_ten_attempts_take_about_a_day() -> None:
    assert ATTEMPTS == 10
    assert timedelta(hours=23) < timedelta(seconds=sum(BACK_OFF)) < timedelta(hours=25)
    assert list(BACK_OFF) == sorted(BACK_OFF)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_delivery(status: int) -> None:
    scene = Scene(an_ended_task(), answers=[status])
    scene.run()
    assert deliveries(scene) == [(status, None)]
    assert delivered(DeliveryAttempt(at=NOON, status=status))


@pytest.mark.parametrize("answer", [100, 199, 300, 301, 302, 307, 400, 401, 404, 409, 429, 500, 503, "it is down"])
def test_any_other_answer_is_retried(answer: int | str) -> None:
    scene = Scene(an_ended_task(), answers=[answer, 200])
    scene.run()
    first = (None, answer) if isinstance(answer, str) else (answer, None)
    assert deliveries(scene) == [first, (200, None)]


def test_a_receiver_that_is_gone_is_not_asked_again() -> None:
    scene = Scene(an_ended_task(), answers=[410])
    scene.run()
    assert deliveries(scene) == [(410, None)]
    assert not delivered(DeliveryAttempt(at=NOON, status=410))
    assert ends(DeliveryAttempt(at=NOON, status=410))


def test_a_silent_receiver_is_tried_ten_times() -> None:
    """At the times of the table."""
    scene = Scene(an_ended_task(), answers=["it did not answer"])
    scene.run()
    assert scene.task is not None
    asked = [each.at for each in scene.task.webhook_deliveries]
    assert len(asked) == ATTEMPTS
    pauses = [(later - find_replay).total_seconds() for find_replay, later in pairwise(asked)]
    assert pauses == list(BACK_OFF)


def test_a_message_that_comes_too_early_waits_on() -> None:
    scene = Scene(an_ended_task())
    notice = WebhookDelivery(user_id=1, task_id=an_id(3), due=NOON + timedelta(minutes=31))
    assert scene.tell(notice) is None
    scene.now += timedelta(minutes=30, seconds=59.5)
    assert scene.tell(notice) is None
    assert scene.waiting == [(notice, 900), (notice, 1)]
    assert not scene.posts
    scene.now = NOON + timedelta(minutes=31)
    assert scene.tell(notice) is not None


def test_a_webhook_that_is_sent_again_starts_over() -> None:
    told = [DeliveryAttempt(at=NOON + timedelta(minutes=each), status=500) for each in range(ATTEMPTS)]
    again = NOON + timedelta(days=9)
    scene = Scene(an_ended_task(webhook_deliveries=told, webhook_resent_at=again), answers=[500, 204], now=again)
    assert scene.tell(WebhookDelivery(user_id=1, task_id=an_id(3), attempt=1)) is None, "of the first delivery"
    made = scene.tell(WebhookDelivery(user_id=1, task_id=an_id(3), resent_at=again))
    assert made == DeliveryAttempt(at=again, status=500)
    ((following, delay),) = scene.waiting
    assert (following.attempt, following.resent_at, delay) == (1, again, BACK_OFF[0])
    scene.now += timedelta(seconds=delay)
    scene.tell(following)
    assert deliveries(scene)[ATTEMPTS:] == [(500, None), (204, None)]


def test_a_slow_clock_does_not_lose_an_attempt() -> None:
    again = NOON + timedelta(seconds=3)
    scene = Scene(an_ended_task(webhook_resent_at=again), answers=[500])
    notice = WebhookDelivery(user_id=1, task_id=an_id(3), resent_at=again)
    assert scene.tell(notice) == DeliveryAttempt(at=again, status=500)
    assert scene.tell(notice) is None


# ----------------------------------------------------------------------------------------------- nothing to tell


@pytest.mark.parametrize("status", ["pending", "processing"])
def test_an_unfinished_task_is_not_delivered(status: str) -> None:
    scene = Scene(a_task(status=status, webhook_url=URL))
    assert scene.tell() is None
    assert not scene.order


@pytest.mark.parametrize("task", [None, a_task(status="succeeded", completed_at=NOON)], ids=["gone", "without"])
def test_without_task_or_receiver_nothing_is_delivered(task: Task | None) -> None:
    scene = Scene(task)
    assert scene.tell() is None
    assert not scene.order


def test_a_task_deleted_between_attempts_is_not_delivered() -> None:
    scene = Scene(an_ended_task(), answers=[500])
    scene.tell()
    scene.task = None
    ((notice, delay),) = scene.waiting
    scene.now += timedelta(seconds=delay)
    assert scene.tell(notice) is None
    assert len(scene.posts) == 1


# ------------------------------------------------------------------------------------------- crashes and repeats


def test_the_next_attempt_is_queued_before_recording_this() -> None:
    scene = Scene(an_ended_task(), answers=[500])
    scene.tell()
    assert scene.order == ["post", "queue", "record"]


@pytest.mark.parametrize("point", ["post", "queue", "record"])
@pytest.mark.parametrize("answers", [[500, 200], [200], [410]], ids=str)
def test_a_crash_loses_and_duplicates_no_delivery(point: str, answers: list[int]) -> None:
    scene = Scene(an_ended_task(), answers=answers)
    scene.crashes = point
    with suppress(Crash):
        scene.tell()
    scene.run()  # the queue brings the message again
    assert scene.task is not None
    assert ends(scene.task.webhook_deliveries[-1])
    assert len(scene.posts) <= len(answers) + 1
    assert sum(map(ends, scene.task.webhook_deliveries)) == 1


def test_a_message_that_comes_twice_is_one_attempt() -> None:
    scene = Scene(an_ended_task(), answers=[500])
    scene.tell()
    assert scene.tell() is None
    assert len(scene.posts) == len(scene.waiting) == 1


def test_two_rows_of_attempts_become_one() -> None:
    scene = Scene(an_ended_task(), answers=[500])
    scene.crashes = "record"
    with pytest.raises(Crash):
        scene.tell()
    scene.tell()
    assert [notice.attempt for notice, _ in scene.waiting] == [1, 1]
    scene.now += timedelta(seconds=10)
    twice = [notice for notice, _ in scene.waiting]
    assert scene.tell(twice[0]) is not None
    assert scene.tell(twice[1]) is None


def test_after_a_delivery_nothing_more_is_sent() -> None:
    scene = Scene(an_ended_task(), answers=[200])
    scene.tell()
    assert scene.tell(WebhookDelivery(user_id=1, task_id=an_id(3), attempt=5)) is None
    assert len(scene.posts) == 1


# ---------------------------------------------------------------------------------- receivers that hold workers up

RECEIVER: Final = "1#receiver.example"


def test_an_open_breaker_puts_the_delivery_back_uncounted() -> None:
    scene = Scene(an_ended_task())
    scene.receivers.open[RECEIVER] = NOON + timedelta(seconds=60)
    assert scene.tell() is None
    assert scene.order == ["queue"]
    assert scene.waiting == [(WebhookDelivery(user_id=1, task_id=an_id(3)), 65)]
    scene.receivers.open.clear()
    scene.run()
    assert deliveries(scene) == [(200, None)]


def test_a_delivery_without_a_free_slot_is_put_back() -> None:
    scene = Scene(an_ended_task())
    scene.receivers.slots = 0
    assert scene.tell() is None
    assert scene.order == ["queue"]
    assert scene.waiting == [(WebhookDelivery(user_id=1, task_id=an_id(3)), 2)]
    scene.receivers.slots = 1
    scene.run()
    assert deliveries(scene) == [(200, None)]


@pytest.mark.parametrize("answers", [[200], [500], ["it did not answer"]], ids=str)
def test_a_slot_is_released_after_the_attempt(answers: list[int | str]) -> None:
    scene = Scene(an_ended_task(), answers=answers)
    scene.tell()
    assert not scene.receivers.taken


def test_a_slot_is_released_when_the_attempt_crashes() -> None:
    scene = Scene(an_ended_task(), crashes="post")
    with pytest.raises(Crash):
        scene.tell()
    assert not scene.receivers.taken


@pytest.mark.parametrize("answer", [200, 302, 404, 410, 500, 503])
def test_any_answer_is_a_healthy_receiver(answer: int) -> None:
    scene = Scene(an_ended_task(), answers=[answer])
    scene.tell()
    assert scene.receivers.health == [(RECEIVER, None)]


def test_no_answer_is_an_unhealthy_receiver() -> None:
    scene = Scene(an_ended_task(), answers=["it did not answer in time"])
    scene.tell()
    assert scene.receivers.health == [(RECEIVER, "it did not answer in time")]


@pytest.mark.parametrize(
    ("url", "receiver"),
    [
        ("https://a.example/hooks?x=1", "1#a.example"),
        ("https://A.Example/other", "1#a.example"),
        ("https://a.example:8443/", "1#a.example:8443"),
        ("https://user:word@a.example/", "1#a.example"),
    ],
)
def test_a_breaker_is_of_one_account_and_host(url: str, receiver: str) -> None:
    scene = Scene(an_ended_task(webhook_url=url))
    scene.tell()
    assert scene.receivers.health == [(receiver, None)]


def test_a_receiver_away_for_days_is_given_up() -> None:
    scene = Scene(an_ended_task(), now=NOON + DELIVERY_ENDS)
    scene.receivers.open[RECEIVER] = scene.now + timedelta(minutes=5)
    assert scene.tell() is None
    scene.now += timedelta(seconds=1)
    given_up = scene.tell()
    assert given_up
    assert deliveries(scene) == [(None, given_up.error)]
    assert given_up.given_up
    assert not scene.posts
    scene.receivers.open.clear()
    assert scene.tell() is None, "nothing comes after it"


def test_a_breaker_is_of_the_tasks_own_account() -> None:
    scene = Scene(an_ended_task(user_id=2))
    scene.tell()
    assert scene.receivers.health == [("2#receiver.example", None)]
