"""Idempotency: the answer to a request is kept in the same transaction as what the request created.

So there is never a record without its thing or a thing without its record, and a retry cannot create twice.
"""

import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from atelier.domain.errors import IdempotencyKeyReused, RequestInProgress
from atelier.domain.schema import StoredModel
from atelier.store import keys
from atelier.store.expressions import Attr
from atelier.store.table import MISSING, Table, Write
from atelier.store.wire import Item

AnyRecord = TypeVar("AnyRecord", bound=StoredModel)

KEPT: Final = timedelta(hours=24)


@dataclass(frozen=True)
class IdempotentRequest:
    """A request that must be carried out once: its key, and a digest that tells it from any other request."""

    key: str
    digest: str


@dataclass(frozen=True)
class CreateResult(Generic[AnyRecord]):
    """What was created; `replayed` when an earlier request with the same key did it."""

    record: AnyRecord
    replayed: bool = False


class _Answered(Exception):
    def __init__(self, item: Item) -> None:
        self.item = item


def create(
    table: Table,
    record: AnyRecord,
    writes: list[Write],
    *,
    user_id: int,
    idempotent: IdempotentRequest | None,
    now: datetime,
) -> CreateResult[AnyRecord]:
    """Carry out `writes`, which create `record`; with `idempotent`, at most once in 24 hours.

    Raises IdempotencyKeyReused, RequestInProgress, and whatever the writes' refusals say.
    """
    if idempotent is None:
        table.transact(*writes)
        return CreateResult(record)
    try:
        table.transact(_keeping(record, user_id=user_id, idempotent=idempotent, now=now), *writes)
    except _Answered as answered:
        return CreateResult(_replayed(type(record), answered.item, idempotent), replayed=True)
    return CreateResult(record)


def find_replay(
    table: Table, kind: type[AnyRecord], *, user_id: int, idempotent: IdempotentRequest, now: datetime
) -> CreateResult[AnyRecord] | None:
    """What a request with this key created in the last 24 hours, if any. Raises IdempotencyKeyReused."""
    item = table.get(keys.answer(user_id, idempotent.key))
    if item is None or item["expires_at"] <= int(now.timestamp()):
        return None
    return CreateResult(_replayed(kind, item, idempotent), replayed=True)


def _keeping(record: StoredModel, *, user_id: int, idempotent: IdempotentRequest, now: datetime) -> Write:
    never_used = MISSING
    expired = Attr("expires_at").lte(int(now.timestamp()))  # TTL removes items late
    return Write(
        keys.answer(user_id, idempotent.key),
        put={
            "digest": idempotent.digest,
            "answer": zlib.compress(record.model_dump_json().encode()),
            "expires_at": int((now + KEPT).timestamp()),
        },
        condition=never_used | expired,
        on_condition_failure=_answered,
        on_conflict=RequestInProgress("Another request with this idempotency key is being carried out."),
    )


def _answered(item: Item | None) -> Exception:
    return _Answered(item or {})


def _replayed(kind: type[AnyRecord], item: Item, idempotent: IdempotentRequest) -> AnyRecord:
    if item["digest"] != idempotent.digest:
        raise IdempotencyKeyReused("This idempotency key was used for another request.")
    return kind.model_validate_json(zlib.decompress(bytes(item["answer"])))
