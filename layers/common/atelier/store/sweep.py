"""The sweep: finds work whose message is late, through the index of due work, and puts it back on its queue.

Whatever the index says, a look reads the item itself, so an entry that lags behind costs a read. The
message is sent before the next look is recorded: a crash between the two sends it twice, and never not at all. All
messages may come twice, so a message that was only late does no harm either.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from atelier.domain import due, pending_deletions
from atelier.domain.assets import FILES_REMOVED_AFTER, Asset, AssetMessage
from atelier.domain.budget_alerts import BudgetAlert
from atelier.domain.due import Work
from atelier.domain.errors import Busy
from atelier.domain.exports import Export, ExportMessage
from atelier.domain.messages import ImportMessage
from atelier.domain.pipeline_ports import GenerationMessage
from atelier.domain.schema import format_timestamp
from atelier.domain.tasks.record import Task
from atelier.domain.webhook_delivery import WebhookDelivery
from atelier.store import keys, task_items
from atelier.store.cascade import CleanUpMessage
from atelier.store.deadline import remaining
from atelier.store.expressions import Attr
from atelier.store.items import from_item
from atelier.store.keys import Key
from atelier.store.table import ConcurrentUpdate, Table, Write, concurrent_update
from atelier.store.wire import Item

BATCH: Final = 50
"""Entries at a time; a task is two items, and one request reads 100."""
RESERVE: Final = 5.0
"""Seconds before the invocation's deadline from which on no further batch is begun."""
CLEAN_UP: Final = "cleanup"
IMPORT: Final = "import"
DELETED_TASK: Final = "deleted task"
EXPORT: Final = "export"
ASSET: Final = "asset"

AnyMessage_contra = TypeVar("AnyMessage_contra", contravariant=True)


class GenerationQueues(Protocol):
    """The generation queues."""

    def send(self, message: GenerationMessage, *, provider: str) -> None:
        """Deliver `message` to a provider's queue, at least once."""


class QueueOf(Protocol[AnyMessage_contra]):
    """A queue of such messages."""

    def send(self, message: AnyMessage_contra) -> None:
        """Deliver `message`, at least once."""


@dataclass
class Swept:
    """What a sweep did: how much was looked at, what was put back, and what could not be looked at, with the reason."""

    looked_at: int = 0
    put_back: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[Key, Exception]] = field(default_factory=list)


class Sweep:
    """See the module."""

    def __init__(
        self,
        table: Table,
        *,
        generation: GenerationQueues,
        cascade: QueueOf[CleanUpMessage],
        deliveries: QueueOf[WebhookDelivery],
        imports: QueueOf[ImportMessage],
        exports: QueueOf[ExportMessage],
        assets: QueueOf[AssetMessage],
    ) -> None:
        self._table = table
        self._generation = generation
        self._cascade = cascade
        self._deliveries = deliveries
        self._imports = imports
        self._exports = exports
        self._assets = assets

    def run(self, *, now: datetime) -> Swept:
        """Look at everything that is due, as far as there is time. Raises Busy; the next run goes on then."""
        swept = Swept()
        for rows in self._batches(now):
            found = self._table.get_many(key for row in rows for key in _items_of(row))
            for row in rows:
                self._look_at(row, found, swept, now=now)
        return swept

    def _batches(self, now: datetime) -> Iterator[list[Key]]:
        """What is due, each part of the index oldest first. Every minute begins with another part."""
        for number in range(keys.DUE_SHARDS):
            part = keys.due((now.minute + number) % keys.DUE_SHARDS)
            until, start = Attr(part.range).lte(format_timestamp(now)), None
            while remaining() > RESERVE:
                page = self._table.query(part, within=until, limit=BATCH, start=start)
                if page.items:
                    yield [Key(item["PK"], item["SK"]) for item in page.items]
                start = page.next_start
                if start is None:
                    break

    def _look_at(self, row: Key, found: Mapping[Key, Item], swept: Swept, *, now: datetime) -> None:
        item = found.get(row, {})
        if item.get("due_at", "") > format_timestamp(now) or "due_at" not in item:
            return  # the index lags behind: it is gone, or was looked at already
        swept.looked_at += 1
        try:
            again = self._seen(row, found, swept, now=now)
            with suppress(ConcurrentUpdate):  # what has changed it knows better when it is due
                self._table.write(_look_again(row, item, again))
        except Busy:
            raise
        except Exception as error:
            swept.failed.append((row, error))

    def _seen(self, row: Key, found: Mapping[Key, Item], swept: Swept, *, now: datetime) -> datetime | None:
        """Put back what is late; when to look again."""
        if row.sk == "TASK":
            return self._of_task(row, found, swept, now=now)
        looks: Mapping[str, Callable[[Item, Swept, datetime], datetime | None]] = {
            "ALERT": self._of_alert,
            "IMPORT": self._of_import,
            "EXPORT": self._of_export,
            "ASSET": self._of_asset,
            keys.REMOVED_FILES.rstrip("#"): self._of_files,
            keys.DELETED_TASK.rstrip("#"): self._of_deleted_task,
        }
        return looks.get(row.sk.partition("#")[0], self._of_deletion)(found[row], swept, now)

    def _of_alert(self, item: Item, swept: Swept, now: datetime) -> datetime | None:
        alert = from_item(BudgetAlert, item)
        made = alert.webhook_deliveries
        planned = due.next_delivery(made, since=alert.created_at)
        if planned is None:
            return None
        message = WebhookDelivery(alert_id=alert.id, user_id=alert.user_id, attempt=len(made))
        return _looked_at(planned, lambda: self._deliveries.send(message), Work.DELIVERY, swept, now=now)

    def _of_export(self, item: Item, swept: Swept, now: datetime) -> datetime:
        export = from_item(Export, item)
        planned = export.next_at or export.created_at
        step = export.step if export.deleted_at is None else None
        message = ExportMessage.about(export, step=step)
        return _looked_at(planned, lambda: self._exports.send(message), EXPORT, swept, now=now)

    def _of_task(self, row: Key, found: Mapping[Key, Item], swept: Swept, *, now: datetime) -> datetime | None:
        task = task_items.task_from(found, row.pk.removeprefix("TASK#"))
        if task is None:
            return now + due.LATE_AFTER  # read in the middle of a write
        seen = due.look(task, now=now)
        for work in seen.overdue:
            self._put_back(task, work)
            swept.put_back[work] += 1
        return seen.again

    def _put_back(self, task: Task, work: Work) -> None:
        match work:
            case Work.STEP:
                self._generation.send(GenerationMessage.about(task, step=task.step), provider=task.served_by)
            case Work.OUTCOME:
                self._generation.send(GenerationMessage.about(task, step=None), provider=task.served_by)
            case Work.DELIVERY:
                told = {"resent_at": task.webhook_resent_at, "attempt": len(task.deliveries_made)}
                self._deliveries.send(WebhookDelivery(task_id=task.id, user_id=task.user_id, **told))

    def _of_deleted_task(self, item: Item, swept: Swept, now: datetime) -> datetime:
        task = task_items.deleted_from(item)
        planned = task.next_at or task.updated_at
        return _looked_at(planned, lambda: self._put_back(task, Work.OUTCOME), DELETED_TASK, swept, now=now)

    def _of_asset(self, item: Item, swept: Swept, now: datetime) -> datetime | None:
        planned = from_item(Asset, item).due_at
        return self._see_to_asset(item, planned, swept, now=now) if planned else None

    def _of_files(self, item: Item, swept: Swept, now: datetime) -> datetime:
        planned = datetime.fromisoformat(item["deleted_at"]) + FILES_REMOVED_AFTER
        return self._see_to_asset(item, planned, swept, now=now)

    def _see_to_asset(self, item: Item, planned: datetime, swept: Swept, *, now: datetime) -> datetime:
        message = AssetMessage(user_id=int(item["user_id"]), asset_id=item["id"])
        return _looked_at(planned, lambda: self._assets.send(message), ASSET, swept, now=now)

    def _of_import(self, item: Item, swept: Swept, now: datetime) -> datetime:
        planned = datetime.fromisoformat(item["updated_at"])
        about = {"user_id": item["user_id"], "import_id": item["id"], "turn": item.get("turn", 0)}
        message = ImportMessage.model_validate(about)
        return _looked_at(planned, lambda: self._imports.send(message), IMPORT, swept, now=now)

    def _of_deletion(self, deletion: Item, swept: Swept, now: datetime) -> datetime:
        planned = datetime.fromisoformat(deletion.get("next_at") or deletion["deleted_at"])
        fields = {name: deletion[name] for name in ("user_id", "kind", "id", "deleted_at")}
        message, late = CleanUpMessage.model_validate(fields), pending_deletions.LATE_AFTER
        return _looked_at(planned, lambda: self._cascade.send(message), CLEAN_UP, swept, late_after=late, now=now)


def _looked_at(
    planned: datetime,
    put_back: Callable[[], None],
    what: str,
    swept: Swept,
    *,
    late_after: timedelta = due.LATE_AFTER,
    now: datetime,
) -> datetime:
    """Put back what should have been done long ago; when to look again."""
    if due.is_late(planned, late_after, now=now):
        put_back()
        swept.put_back[what] += 1
    return due.look_again(planned, late_after, now=now)


def _items_of(row: Key) -> tuple[Key, ...]:
    """The items that a look at an entry of the index reads."""
    return task_items.keys_of(row.pk.removeprefix("TASK#")) if row.sk == "TASK" else (row,)


def _look_again(row: Key, item: Item, at: datetime | None) -> Write:
    unchanged = Attr("due_at").eq(item["due_at"])
    change = {"set": {"due_at": format_timestamp(at)}} if at else {"remove": keys.DUE}
    return Write(row, **change, condition=unchanged, on_condition_failure=concurrent_update)
