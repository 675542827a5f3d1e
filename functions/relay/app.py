"""The table's stream -> the queues. The stream is the outbox: what was committed is what gets done."""

from atelier.bootstrap import bootstrap

from collections.abc import Mapping
from secrets import randbits
from typing import Any

from aws_lambda_powertools.utilities.batch import EventType
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from atelier import wiring
from atelier.batches import consume
from atelier.domain.assets import FILES_REMOVED_AFTER, AssetMessage
from atelier.domain.ids import new_id
from atelier.domain.pipeline_ports import GenerationMessage
from atelier.domain.schema import utcnow
from atelier.domain.tasks.record import TERMINAL, TaskStatus
from atelier.domain.webhook_delivery import WebhookDelivery
from atelier.store import keys
from atelier.store.cascade import CleanUpMessage
from atelier.store.keys import Key
from atelier.telemetry import log

Item = Mapping[str, Any]


def relay(record: DynamoDBRecord) -> None:
    """What the record starts: a generation, what follows the end of one, a cleanup, or an alert of a budget."""
    change: Any = record.dynamodb
    old, new = change.old_image, change.new_image
    if change.keys["SK"].startswith("COUNTERS#"):
        _alert(Key(change.keys["PK"], change.keys["SK"]), new)
        return
    if change.keys["SK"].startswith(keys.REMOVED_FILES):
        message = AssetMessage(user_id=int(new["user_id"]), asset_id=new["id"])
        wiring.asset_queue().send(message, delay=int(FILES_REMOVED_AFTER.total_seconds()))
    elif change.keys["SK"] != "TASK":
        wiring.cascade_queue().send(_clean_up(new))
    elif not old:
        wiring.generation_queue().send(
            GenerationMessage(task_id=new["id"], user_id=int(new["user_id"])), provider=new["served_by"]
        )
    elif not new:
        _wake(old)  # its files are to be removed, and its job stopped
    elif _over(new) and not _over(old):
        _ended(new)
    elif new.get("webhook_resent_at") != old.get("webhook_resent_at"):
        _deliver(new)
    log.info("relayed", extra={"event": record.event_name.name if record.event_name else "", "id": (new or old)["id"]})


def _alert(key: Key, counters: Item) -> None:
    """A budget has reached a threshold, or not."""
    now = utcnow()
    for alert in wiring.budget_alerts().raise_due(key, counters, fresh=lambda: new_id(now, randbits(62)), now=now):
        wiring.webhook_delivery_queue().send(WebhookDelivery(alert_id=alert.id, user_id=alert.user_id))
        log.info("budget alert", extra={"user_id": alert.user_id, "id": alert.id, "threshold": alert.threshold})


def _clean_up(deletion: Item) -> CleanUpMessage:
    return CleanUpMessage(
        user_id=int(deletion["user_id"]),
        kind=deletion["kind"],
        id=deletion["id"],
        deleted_at=deletion.get("deleted_at"),
    )


def _ended(task: Item) -> None:
    if task["status"] == TaskStatus.CANCELED:
        _wake(task)  # its provider is to be told
    if "webhook_url" in task:
        _deliver(task)


def _deliver(task: Item) -> None:
    message = WebhookDelivery(task_id=task["id"], user_id=int(task["user_id"]), resent_at=task.get("webhook_resent_at"))
    wiring.webhook_delivery_queue().send(message)


def _wake(task: Item) -> None:
    message = GenerationMessage(
        task_id=task["id"],
        user_id=int(task["user_id"]),
        step=None,
        job=task.get("provider_task_id"),
        served_by=task["served_by"],
        model=task["model"],
    )
    wiring.generation_queue().send(message, provider=task["served_by"])


def _over(task: Item) -> bool:
    return task["status"] in TERMINAL


handler = bootstrap(consume(EventType.DynamoDBStreams, relay), wiring.generation_queue)
