"""Idempotency: the answer to a request is kept in the same transaction as what the request created.

So there is never a record without its thing or a thing without its record, and a retry cannot create twice.
"""

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from atelier.domain.errors import KeyReused, StillRunning
from atelier.domain.shapes import Record
from atelier.store import keys
from atelier.store.expressions import Attr
from atelier.store.table import MISSING, Table, Write
from atelier.store.wire import Item

AnyRecord = TypeVar("AnyRecord", bound=Record)

KEPT: Final = timedelta(hours=24)


@dataclass(frozen=True)
class Once:
    """A request that must be carried out once: its key, and a digest that tells it from any other request."""

    key: str
    digest: str


@dataclass(frozen=True)
class Created(Generic[AnyRecord]):
    """What was created; `replayed` when an earlier request with the same key did it."""

    record: AnyRecord
    replayed: bool = False


class _Answered(Exception):
    def __init__(self, item: Item) -> None:
        self.item = item


def create(
    table: Table, record: AnyRecord, writes: list[Write], *, user_id: int, once: Once | None, now: datetime
) -> Created[AnyRecord]:
    """Carry out `writes`, which create `record`; with `once`, at most once in 24 hours.

    Raises KeyReused, StillRunning, and whatever the writes' refusals say.
    """
    if once is None:
        table.transact(*writes)
        return Created(record)
    try:
        table.transact(_keeping(record, user_id=user_id, once=once, now=now), *writes)
    except _Answered as answered:
        return Created(_replayed(type(record), answered.item, once), replayed=True)
    return Created(record)


def earlier(
    table: Table, kind: type[AnyRecord], *, user_id: int, once: Once, now: datetime
) -> Created[AnyRecord] | None:
    """What an earlier request with this key created, if there was one in the last 24 hours. Raises KeyReused."""
    item = table.get(keys.answer(user_id, once.key))
    if item is None or item["expires_at"] <= int(now.timestamp()):
        return None
    return Created(_replayed(kind, item, once), replayed=True)


def _keeping(record: Record, *, user_id: int, once: Once, now: datetime) -> Write:
    never_used = MISSING
    expired = Attr("expires_at").lte(int(now.timestamp()))  # TTL removes items late
    return Write(
        keys.answer(user_id, once.key),
        put={
            "digest": once.digest,
            "answer": zlib.compress(record.model_dump_json().encode()),
            "expires_at": int((now + KEPT).timestamp()),
        },
        condition=never_used | expired,
        refusal=_answered,
        contested=StillRunning("Another request with this idempotency key is being carried out."),
    )


def _answered(item: Item | None) -> Exception:
    return _Answered(item or {})


def _replayed(kind: type[AnyRecord], item: Item, once: Once) -> AnyRecord:
    if item["digest"] != once.digest:
        raise KeyReused("This idempotency key was used for another request.")
    return kind.model_validate_json(zlib.decompress(bytes(item["answer"])))
