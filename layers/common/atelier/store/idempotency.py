"""Idempotency keys: which resource a request created is stored in the same transaction as the resource.

So there is never a record without its resource or a resource without its record, and a retry cannot create twice. A
repeated request is answered with the resource as it is now.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from atelier.domain.access import Access
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
    """A request to carry out once: its key, and a digest that tells it from any other request."""

    key: str
    digest: str


@dataclass(frozen=True)
class CreateResult(Generic[AnyRecord]):
    """A created resource; `replayed` when an earlier request with the same key created it."""

    record: AnyRecord
    replayed: bool = False


class _AlreadyCarriedOut(Exception):
    def __init__(self, item: Item) -> None:
        self.item = item


def create(
    table: Table,
    record: AnyRecord,
    writes: list[Write],
    *,
    id_: str,
    access: Access,
    idempotent: IdempotentRequest | None,
    load: Callable[[str], AnyRecord],
    now: datetime,
) -> CreateResult[AnyRecord]:
    """Carry out `writes`, which create `record` under `id_`; with `idempotent`, at most once in 24 hours.

    The key belongs to the actor. A repeated request gets what `load` makes of the id it created. Raises
    IdempotencyKeyReused, RequestInProgress, what `load` raises, and what the refusals of the writes say.
    """
    if idempotent is None:
        table.transact(*writes)
        return CreateResult(record)
    try:
        table.transact(_record_of(id_, access=access, idempotent=idempotent, now=now), *writes)
    except _AlreadyCarriedOut as earlier:
        return CreateResult(load(_created_id(earlier.item, idempotent)), replayed=True)
    return CreateResult(record)


def find_replay(
    table: Table,
    *,
    access: Access,
    idempotent: IdempotentRequest | None,
    load: Callable[[str], AnyRecord],
    now: datetime,
) -> CreateResult[AnyRecord] | None:
    """What a request with this key created in the last 24 hours, if any; None for one without a key.

    Raises IdempotencyKeyReused, and what `load` raises.
    """
    if idempotent is None:
        return None
    item = table.get(keys.idempotency(access.actor, idempotent.key))
    if item is None or item["expires_at"] <= int(now.timestamp()):
        return None
    return CreateResult(load(_created_id(item, idempotent)), replayed=True)


def _record_of(id_: str, *, access: Access, idempotent: IdempotentRequest, now: datetime) -> Write:
    never_used = MISSING
    expired = Attr("expires_at").lte(int(now.timestamp()))  # TTL removes items late
    return Write(
        keys.idempotency(access.actor, idempotent.key),
        put={"digest": idempotent.digest, "id": id_, "expires_at": int((now + KEPT).timestamp())},
        condition=never_used | expired,
        on_condition_failure=lambda item: _AlreadyCarriedOut(item or {}),
        on_conflict=RequestInProgress("Another request with this idempotency key is being carried out."),
    )


def _created_id(item: Item, idempotent: IdempotentRequest) -> str:
    if item["digest"] != idempotent.digest:
        raise IdempotencyKeyReused("This idempotency key was used for another request.")
    return str(item["id"])
