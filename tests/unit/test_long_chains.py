"""Work that takes more messages than Lambda lets a chain have by itself: it needs `RecursiveLoop: Allow`, and ends."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from unittest import mock

from atelier.domain.due import ATTEMPTS
from atelier.domain.pending_deletions import LATE_AFTER
from atelier.domain.provider import Refused
from atelier.domain.schema import format_timestamp
from atelier.domain.tasks.record import TaskStatus, TaskType
from atelier.store.cascade import BATCH, Cascade, CleanUpMessage
from atelier.store.keys import Key, Partition
from atelier.store.table import QueryPage, Write
from local.lineage import LIMIT
from tests.support.builders import NOON, a_task
from tests.support.fake_worker import FIRST, TASK_ID, FakeWorker
from tests.support.fakes import NOT_ALLOWED
from tests.unit.test_webhook_delivery import Scene, an_ended_task, deliveries


def test_a_job_is_polled_for_almost_an_hour() -> None:
    hands = FakeWorker()
    hands.tasks.kept[TASK_ID] = a_task(type=TaskType.VIDEO)
    hands.do(FIRST)
    now, messages = NOON, 1
    while not hands.task.over:
        ((message, delay),) = hands.queue.waiting
        hands.queue.waiting.clear()
        now += timedelta(seconds=delay)
        messages += 1
        if now > NOON + timedelta(minutes=58):
            hands.provider.state = Refused(NOT_ALLOWED)
        hands.do(message, now=now)
    assert hands.task.error == NOT_ALLOWED
    assert messages > 3 * LIMIT


def test_an_endless_job_is_polled_until_its_deadline() -> None:
    hands = FakeWorker()
    hands.tasks.kept[TASK_ID] = a_task(type=TaskType.VIDEO)
    hands.do(FIRST)
    now, messages = NOON, 1
    while hands.queue.waiting:
        message, delay = hands.queue.waiting.pop(0)
        now += timedelta(seconds=delay)
        messages += 1
        hands.do(message, now=now)
    assert hands.task.status is TaskStatus.FAILED
    assert messages > 3 * LIMIT


def test_a_delivery_is_attempted_for_a_day() -> None:
    scene = Scene(an_ended_task(), answers=[503] * ATTEMPTS)
    with mock.patch.object(scene, "tell", wraps=scene.tell) as tell:
        scene.run()
    assert len(deliveries(scene)) == ATTEMPTS
    assert scene.now - NOON > timedelta(days=1) - timedelta(hours=1)
    assert tell.call_count > 3 * LIMIT


CHILDREN = 100_000


@dataclass
class TasksOfOneCampaign:
    """As much of a table as a cleanup of tasks asks for."""

    tasks: dict[str, None] = field(default_factory=lambda: dict.fromkeys(f"{number:06}" for number in range(CHILDREN)))
    is_over: bool = False
    due_at: str = format_timestamp(NOON + 2 * LATE_AFTER)
    quiet_since: str = ""

    def get(self, key: Key) -> dict[str, Any] | None:
        deletion = {"client_id": "client", "due_at": self.due_at, "quiet_since": self.quiet_since}
        return deletion if key.sk.startswith("DELETION#") and not self.is_over else None

    def query(self, partition: Partition, *, limit: int, **_: Any) -> QueryPage:
        wanted = self.tasks if partition.index == "tasks_of_campaign" else {}
        return QueryPage([{"id": id_} for id_, _ in zip(wanted, range(limit), strict=False)], None)

    def write(self, change: Write) -> None:
        if change.key.sk.startswith("DELETION#"):
            self.quiet_since = change.set["quiet_since"]
            return
        del self.tasks[change.key.pk.removeprefix("TASK#")]

    def iterate(self, *_: Any, **__: Any) -> list[Any]:
        return []

    def delete_many(self, keys: list[Key]) -> None:
        assert not keys

    def retry_on_conflict(self, attempt: Callable[[], object]) -> None:
        attempt()

    def transact(self, *changes: Write) -> None:
        assert not self.tasks
        self.is_over = True


@dataclass
class OneMessage:
    """A queue of one message."""

    waiting: list[tuple[CleanUpMessage, int]] = field(default_factory=list)

    def send(self, message: CleanUpMessage, *, delay: int) -> None:
        self.waiting.append((message, delay))


def test_a_cleanup_of_a_hundred_thousand_children_ends() -> None:
    table, queue, now, messages = TasksOfOneCampaign(), OneMessage(), NOON, 0
    cascade = Cascade(table, queue, quiet_period=timedelta(seconds=90))  # type: ignore[arg-type]
    queue.send(CleanUpMessage(user_id=1, kind="campaign", id="campaign"), delay=0)
    while queue.waiting:
        message, delay = queue.waiting.pop()
        now += timedelta(seconds=delay)
        assert cascade.process(message, now=now) <= BATCH
        messages += 1
    assert table.is_over
    assert CHILDREN / BATCH < messages < CHILDREN / BATCH + LIMIT
    assert timedelta(seconds=90) < now - NOON < timedelta(seconds=120)
