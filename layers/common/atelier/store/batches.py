"""Batches: many changes as few transactions, each of them carried out once.

Changes that create something share the writes of what they have in common: a parent's counters, an account's totals, a
budget. So a hundred of them are a few transactions, which write each of these once, with sums. When such a transaction
is refused, it is repeated in halves, in the order of the items: in the end each item that is refused was tried alone,
as a single request is, and a budget has admitted exactly what fits, in this order.

With an idempotency key, every transaction also notes in the key's record which items it carries out. So a batch that
was interrupted anywhere is carried on by its repetition, and any number of repetitions at once carry it on together.
Ids follow from the record, which is there before anything else. `finish` ends the batch with the refusals.
"""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial, reduce
from operator import and_
from typing import Any, Final

from atelier.domain.access import Access
from atelier.domain.errors import (
    BatchClash,
    BudgetExceeded,
    Busy,
    DomainError,
    IdempotencyKeyReused,
    LimitExceeded,
    NotCarriedOut,
    NotFound,
)
from atelier.domain.ids import new_id
from atelier.domain.schema import format_timestamp
from atelier.store import keys
from atelier.store.changes import Change
from atelier.store.deadline import remaining
from atelier.store.expressions import Attr, Condition
from atelier.store.idempotency import KEPT, IdempotentRequest
from atelier.store.keys import Key
from atelier.store.reservations import MonthBegins, begin_month
from atelier.store.table import EXISTS, MISSING, ConcurrentUpdate, Table, Write, concurrent_update
from atelier.store.wire import Item

MOST_WRITES: Final = 100
"""Of one transaction, which also takes MOST_BYTES."""
MOST_BYTES: Final = 3_500_000
ENOUGH_SECONDS: Final = 1.5
"""Before the deadline: no transaction is begun later."""
_ITEM: Final = "item|"
CARRIED_OUT: Final = "carried_out"
"""The attribute of a record that says how many items were."""
_INDEX_BITS: Final = 9


@dataclass(frozen=True)
class Operation:
    """What one item of a batch asks for.

    `prepare` reads what it takes and returns the change; its argument says whether what was shared with the actor is
    to be looked at. Those that `creates` something share transactions.
    """

    prepare: Callable[[bool], Change]
    id: str
    creates: bool = False


@dataclass(frozen=True)
class CarriedOut:
    """An item that was carried out: the record as the change has left it, and None for one of an earlier request."""

    id: str
    change: Change | None = None


Outcome = CarriedOut | DomainError


# ---------------------------------------------------------------------------------------------------------- progress


@dataclass
class Progress:
    """What is known of a batch: its moment, from which its ids follow, and what was carried out."""

    moment: datetime
    seed: int
    done: set[int] = field(default_factory=set)
    refused: Mapping[int, Any] | None = None

    def id_of(self, index: int) -> str:
        """The id of what an item creates. Ids are in the order of the items."""
        return new_id(self.moment, self.seed << _INDEX_BITS | index)

    def mark(self, indexes: Sequence[int]) -> list[Write]:  # noqa: ARG002 - nothing is kept
        """The write that notes that these items are carried out; nothing for a batch without a key."""
        return []

    def reload(self) -> None:
        """Find out what others have carried out."""


def notes_of(indexes: Iterable[int]) -> list[str]:
    """The attributes of a record that say of these items that they are carried out."""
    return [f"{_ITEM}{index}" for index in indexes]


def noted_in(record: Item) -> set[int]:
    """The items that a record says are carried out."""
    return {int(name.removeprefix(_ITEM)) for name in record if name.startswith(_ITEM)}


def noting(key: Key, indexes: Sequence[int], condition: Condition) -> Write:
    """The write that notes in a record that these items are carried out, unless one of them is (ConcurrentUpdate)."""
    names = notes_of(indexes)
    return Write(
        key,
        set=dict.fromkeys(names, True),
        add={CARRIED_OUT: len(names)},
        condition=reduce(and_, (Attr(name).not_exists() for name in names), condition),
        on_condition_failure=concurrent_update,
    )


class KeptProgress(Progress):
    """The progress of a batch with an idempotency key, in the key's record."""

    def __init__(self, table: Table, access: Access, idempotent: IdempotentRequest, *, now: datetime) -> None:
        super().__init__(now, _new_seed())
        self._table, self._idempotent, self._now = table, idempotent, now
        self._key = keys.idempotency(access.actor, idempotent.key)
        table.retry_on_conflict(self._begin)

    def _begin(self) -> None:
        item = self._table.get(self._key)
        if item is None or item["expires_at"] <= int(self._now.timestamp()):
            self._table.write(self._new_record())
        else:
            self._read(item)

    def _new_record(self) -> Write:
        ids = {"moment": format_timestamp(self.moment), "seed": self.seed}
        return Write(
            self._key,
            put={
                "digest": self._idempotent.digest,
                **ids,
                CARRIED_OUT: 0,
                "expires_at": int((self._now + KEPT).timestamp()),
            },
            condition=MISSING | Attr("expires_at").lte(int(self._now.timestamp())),
            on_condition_failure=concurrent_update,
        )

    def _read(self, item: Item) -> None:
        if item["digest"] != self._idempotent.digest:
            raise IdempotencyKeyReused("This idempotency key was used for another request.")
        self.moment, self.seed = datetime.fromisoformat(item["moment"]), int(item["seed"])
        self.done = noted_in(item)
        if "refused" in item:
            self.refused = _unpacked(item["refused"])

    def mark(self, indexes: Sequence[int]) -> list[Write]:
        return [noting(self._key, indexes, self._is_ours() & Attr("refused").not_exists())]

    def reload(self) -> None:
        item = self._table.get(self._key)
        if item is not None:
            self._read(item)

    def finish(self, refused: Callable[[], Mapping[int, Any]], *, items: int) -> None:
        """Note which of these items were refused, after which a repetition carries out nothing.

        Another repetition may have finished, or carried out what was refused here: what it says, all of them say.
        """

        def attempt() -> None:
            if self.refused is not None:
                return
            found = refused()
            carried_out = Attr(CARRIED_OUT).eq(items - len(found))
            text = _packed(found)
            try:
                whole = self._is_ours() & Attr("refused").not_exists() & carried_out
                self._table.write(self._update({"refused": text}, whole))
            except ConcurrentUpdate:
                self.reload()
                raise

        self._table.retry_on_conflict(attempt)

    def _is_ours(self) -> Any:
        return Attr("seed").eq(self.seed) & Attr("digest").eq(self._idempotent.digest)

    def _update(self, fields: Mapping[str, Any], condition: Any) -> Write:
        return Write(self._key, set=fields, condition=condition, on_condition_failure=concurrent_update)


def _packed(refused: Mapping[int, Any]) -> str:
    """Refusals as text: each once, however many items it is of."""
    texts = {index: json.dumps(refusal, separators=(",", ":")) for index, refusal in refused.items()}
    numbers = {text: number for number, text in enumerate(dict.fromkeys(texts.values()))}
    of = json.dumps({index: numbers[text] for index, text in texts.items()}, separators=(",", ":"))
    return f'{{"refusals":[{",".join(numbers)}],"of":{of}}}'


def _unpacked(text: str) -> dict[int, Any]:
    kept = json.loads(text)
    return {int(index): kept["refusals"][number] for index, number in kept["of"].items()}


def begin(table: Table, access: Access, idempotent: IdempotentRequest | None, *, now: datetime) -> Progress:
    """The progress of a new batch, or of one that is carried on. Raises IdempotencyKeyReused."""
    if idempotent is None:
        return Progress(now, _new_seed())
    return KeptProgress(table, access, idempotent, now=now)


def _new_seed() -> int:
    return secrets.randbits(62 - _INDEX_BITS)


# ------------------------------------------------------------------------------------------------------ transactions


class _Refused(Exception):
    def __init__(self, error: Exception, items: frozenset[int], key: Key, item: Item | None) -> None:
        self.error = error
        self.items = items
        self.key = key
        self.item = item
        super().__init__(str(error))


class _WouldSucceed(Exception):
    """The last condition of a dry run, which no transaction fulfils, is the only one that has failed."""


def coalesced(changes: Mapping[int, Sequence[Write]]) -> list[Write]:
    """The writes of several changes as one for each item of the table. Raises BatchClash for what cannot be one write.

    What is refused raises `_Refused`, with the changes that take part in the refused write.
    """
    found: dict[Key, tuple[Write, frozenset[int]]] = {}
    for index, writes in changes.items():
        for write in writes:
            before, items = found.get(write.key, (None, frozenset()))
            found[write.key] = (before.with_(write) if before else write, items | {index})
    return [_attributed(write, items) for write, items in found.values()]


def _attributed(write: Write, items: frozenset[int]) -> Write:
    def refused(item: Item | None) -> Exception:
        return _Refused(write.refused(item) or ConcurrentUpdate(), items, write.key, item)

    return replace(write, condition=write.whole_condition(), quotas={}, on_condition_failure=refused)


@dataclass
class Batch:
    """A batch that is being carried out. `forget` is called before what was prepared is prepared again."""

    table: Table
    operations: Mapping[int, Operation]
    progress: Progress
    access: Access
    forget: Callable[[], object]
    atomic: bool = False
    dry_run: bool = False
    outcomes: dict[int, Outcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._guests: set[int] = set()
        self._admitted: dict[int, Sequence[Write]] = {}
        self._groups: list[list[int]] = []
        # What had too little left of a budget or a limit, as it was then, and what a dry run would have taken of it.
        self._short: dict[Key, Item] = {}
        self._taken: dict[Key, Write] = {}

    def run(self) -> dict[int, Outcome]:
        """Carry out all operations that were not carried out yet; what has become of each."""
        self._groups = [list(self.operations)] if self.atomic else self._runs()
        while self._groups:
            group = self._groups.pop(0)
            if remaining() < ENOUGH_SECONDS:
                self._stop(group, Busy("There was no time left for it; repeat the batch with its Idempotency-Key."))
                break
            try:
                self.table.retry_on_conflict(partial(self._attempt, group))
            except Busy as busy:
                self._stop(group, busy)
        return self.outcomes

    def _stop(self, group: Sequence[int], busy: Busy) -> None:
        """Leave everything that is left: a repetition carries it on."""
        rest = [index for each in (group, *self._groups) for index in each]
        self.outcomes |= {index: busy for index in rest if index not in self.outcomes}
        self._groups = []

    def _runs(self) -> list[list[int]]:
        """The items in groups: those that create something together, as far as they stand together."""
        groups: list[list[int]] = []
        before = False
        for index, operation in self.operations.items():
            if before and operation.creates:
                groups[-1].append(index)
            else:
                groups.append([index])
            before = operation.creates
        return groups

    def _attempt(self, group: Sequence[int]) -> None:
        earlier = [index for index in group if index in self.progress.done]
        self.outcomes |= {index: CarriedOut(self.operations[index].id) for index in earlier}
        left = [index for index in group if index not in self.outcomes]
        if self.progress.refused is not None:
            return  # the batch has ended: what was not carried out was refused
        prepared, rest = self._prepare(left)
        if self.atomic and (rest or any(isinstance(self.outcomes.get(index), DomainError) for index in group)):
            self._call_off(group, fits=len(prepared) if rest else None)
        else:
            self._groups[:0] = [again for again in (*self._transact(prepared), list(rest)) if again]

    def _prepare(self, group: Sequence[int]) -> tuple[dict[int, Change], Sequence[int]]:
        """The changes of these items, as many as one transaction takes, and the items that are left."""
        prepared: dict[int, Change] = {}
        writes: set[Key] = set()
        size = 0
        for number, index in enumerate(group):
            try:
                change = self.operations[index].prepare(index in self._guests)
            except Busy:
                raise
            except ConcurrentUpdate:
                self._read_again()
                raise
            except DomainError as refusal:
                self.outcomes[index] = refusal
                continue
            if refused := self._too_little_left(change):
                self.outcomes[index] = refused
                continue
            more = writes | {write.key for write in change.writes}
            size += sum(len(repr(write.put).encode()) for write in change.writes if write.put)
            if prepared and (len(more) + 1 > MOST_WRITES or size > MOST_BYTES):
                return prepared, group[number:]
            prepared[index], writes = change, more
        return prepared, ()

    def _too_little_left(self, change: Change) -> DomainError | None:
        """The refusal of a change by what is known to have too little left: it need not be tried."""
        for write in change.writes:
            if write.key in self._short:
                whole = self._taken[write.key].with_(write) if write.key in self._taken else write
                for quota in whole.tentatively().quotas.values():
                    error = quota.refusal(self._short[write.key])
                    if isinstance(error, DomainError):
                        return error
        return None

    def _transact(self, prepared: Mapping[int, Change]) -> list[list[int]]:
        """Send these changes; the groups in which those are to be tried again that were refused together."""
        if not prepared:
            return []
        try:
            self._send({index: change.writes for index, change in prepared.items()})
        except BatchClash as clash:
            return self._refuse(prepared, frozenset(prepared), clash)
        except _Refused as refused:
            if isinstance(refused.error, BudgetExceeded | LimitExceeded):
                self._short[refused.key] = refused.item or {}
            return self._refuse(prepared, refused.items, refused.error)
        except ConcurrentUpdate:
            self._read_again()
            raise
        self._admit(prepared)
        return []

    def _send(self, writes: Mapping[int, Sequence[Write]]) -> None:
        if self.dry_run:
            never = Write(keys.never(), condition=EXISTS, on_condition_failure=lambda _: _WouldSucceed())
            concerned = {write.key for each in writes.values() for write in each}
            tried = {
                index: [write.tentatively() for write in each if write.key in concerned]
                for index, each in {**self._admitted, **writes}.items()
            }
            try:
                self.table.transact(*coalesced(tried), never)
            except _WouldSucceed:
                return
        elif every := [*self.progress.mark(list(writes)), *coalesced(writes)]:
            self.table.transact(*every)

    def _admit(self, prepared: Mapping[int, Change]) -> None:
        for index, change in prepared.items():
            self.outcomes[index] = CarriedOut(self.operations[index].id, change)
            if self.dry_run:
                # What follows has to find in the counters what this would have taken.
                shared = [write for write in change.writes if write.put is None and not write.delete]
                self._admitted[index] = shared
                for write in shared:
                    before = self._taken.get(write.key)
                    self._taken[write.key] = before.with_(write) if before else write

    def _refuse(self, prepared: Mapping[int, Change], items: frozenset[int], error: Exception) -> list[list[int]]:
        """Deal with a transaction that was refused because of these items. Raises ConcurrentUpdate to repeat it."""
        if isinstance(error, MonthBegins):
            account = next(prepared[index].record.user_id for index in items if index in prepared)
            begin_month(self.table, account, error)
            raise ConcurrentUpdate
        if not isinstance(error, DomainError) or isinstance(error, Busy):
            self._read_again()
            raise error
        mine = [index for index in prepared if index in items]
        new_guests = {index for index in mine if self.operations[index].creates} - self._guests
        if isinstance(error, NotFound) and self.access.is_own and new_guests:
            self._guests |= new_guests
            return [list(prepared)]
        if self.atomic:
            self.outcomes |= dict.fromkeys(mine, error)
            self._call_off(list(self.operations))
            return []
        if len(prepared) == 1 or isinstance(error, NotFound):
            self.outcomes |= dict.fromkeys(mine, error)
            return [[index for index in prepared if index not in items]]
        every = list(prepared)
        middle = len(every) // 2
        return [every[:middle], every[middle:]]

    def _read_again(self) -> None:
        self.forget()
        self.progress.reload()

    def _call_off(self, group: Sequence[int], *, fits: int | None = None) -> None:
        """Refuse all items of an atomic batch that are not refused for a reason of their own.

        `fits` says how many would have been one transaction, where that is why.
        """
        why = "was refused" if fits is None else _TOO_MANY.format(MOST_WRITES, fits)
        refusal = called_off(why)
        self.outcomes |= {index: refusal for index in group if not isinstance(self.outcomes.get(index), DomainError)}


_TOO_MANY: Final = "takes more than the {} writes of one transaction, which hold its first {} items"


def called_off(why: str = "was refused") -> NotCarriedOut:
    """The refusal of an item of an atomic batch, the batch of which `why`."""
    return NotCarriedOut(f"Not carried out: the batch {why}; nothing was written.")
