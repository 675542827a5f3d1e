"""The cascade: what a delete owes to its parent's children, paid off later, in small steps, any number of times.

Every step is conditional on the child still naming the parent, so it may be repeated, interrupted or overtaken. There
is no progress to lose: each message looks at what is left. Only when the indexes have shown nothing left for the grace
time (longer than any request and any index lag) are counts merged and the parent taken out of the pending set. Until
then a child that was freed a moment ago may still be on its way to a reader, from an index or in an answer half made.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial, reduce
from operator import and_
from typing import Final, Protocol

from pydantic import BaseModel

from atelier.domain.pending_deletions import parent
from atelier.domain.relations import Relation, children_of
from atelier.domain.schema import UNASSIGNED
from atelier.store import counters, keys
from atelier.store.expressions import Attr, Condition
from atelier.store.keys import Key, Partition
from atelier.store.parents import LIVE
from atelier.store.table import EXISTS, ConcurrentUpdate, Table, Write, concurrent_update
from atelier.store.wire import Item

BATCH: Final = 250
"""Children per message: a few seconds' work, so that a huge clean-up queues up behind the small ones."""


class CleanUpMessage(BaseModel):
    """A message of the cascade queue: see to the children of a deleted parent, of whom none was found `since`.

    `deleted_at` is not needed for that: it tells how long the clean-up has been going on.
    """

    user_id: int
    kind: str
    id: str
    since: datetime | None = None
    deleted_at: datetime | None = None


class Queue(Protocol):
    """Where the rest of the work waits."""

    def send(self, message: CleanUpMessage, *, delay: int) -> None:
        """Deliver `message` after `delay` seconds, at least once."""


@dataclass(frozen=True)
class Deletion:
    """One delete whose clean-up is not over. `client_id` is the deleted campaign's client."""

    user_id: int
    kind: str
    id: str
    client_id: str | None

    @property
    def key(self) -> Key:
        """Where it is kept."""
        return keys.deletion(self.user_id, self.kind, self.id)


# ------------------------------------------------------------------------- access patterns, one per relation


@dataclass(frozen=True)
class Children:
    """How a relation's children are found, and the one write that frees a child of its parent."""

    found_in: Callable[[Deletion], Partition]
    freed_by: Callable[[Deletion, str], Write]


def _delete_campaign(deletion: Deletion, campaign_id: str) -> Write:
    key = keys.campaign(deletion.user_id, campaign_id)
    return Write(key, delete=True, condition=Attr("client_id").eq(deletion.id), on_condition_failure=concurrent_update)


def _forget_client(deletion: Deletion, task_id: str) -> Write:
    return Write(
        keys.task(task_id),
        set={"client_tasks": keys.tasks_of_client(deletion.user_id, UNASSIGNED).value},
        remove=("client_id", "campaign_id", "campaign_tasks"),
        add={"version": 1},
        condition=Attr("client_id").eq(deletion.id),
        on_condition_failure=concurrent_update,
    )


def _forget_campaign(deletion: Deletion, task_id: str) -> Write:
    return Write(
        keys.task(task_id),
        remove=("campaign_id", "campaign_tasks"),
        add={"version": 1},
        condition=Attr("campaign_id").eq(deletion.id),
        on_condition_failure=concurrent_update,
    )


CHILDREN: Final[Mapping[tuple[str, str], Children]] = {
    ("client", "campaign"): Children(lambda gone: keys.campaigns_of_client(gone.user_id, gone.id), _delete_campaign),
    ("client", "task"): Children(lambda gone: keys.tasks_of_client(gone.user_id, gone.id), _forget_client),
    ("campaign", "task"): Children(lambda gone: keys.tasks_of_campaign(gone.user_id, gone.id), _forget_campaign),
}


# --------------------------------------------------------------------------------------------------- the engine


class Cascade:
    """Carries out what `domain.relations` says, a bounded piece at a time."""

    def __init__(self, table: Table, queue: Queue, *, grace: timedelta, batch: int = BATCH) -> None:
        self._table = table
        self._queue = queue
        self._grace = grace
        self._batch = batch

    def process(self, message: CleanUpMessage, *, now: datetime) -> int:
        """Free some of the children, and send the message on until nothing is left; how many were freed."""
        deletion = self._load(message)
        if deletion is None:
            return 0
        freed, seen = self._free_children(deletion)
        if seen:
            # Rows that were seen but needed nothing are an index lagging behind: give it a moment.
            self._queue.send(message.model_copy(update={"since": None}), delay=0 if freed else 2)
            return freed
        since = message.since or now
        remaining = since + self._grace - now
        message = message.model_copy(update={"since": since})
        if remaining > timedelta(0):
            self._queue.send(message, delay=int(remaining.total_seconds()) + 1)
        elif self._merge_counts(deletion):
            self._queue.send(message, delay=0)
        else:
            self._finish(deletion)
        return freed

    def _load(self, message: CleanUpMessage) -> Deletion | None:
        item = self._table.get(keys.deletion(message.user_id, message.kind, message.id))
        if item is None:
            return None
        return Deletion(message.user_id, message.kind, message.id, item.get("client_id"))

    def _free_children(self, deletion: Deletion) -> tuple[int, int]:
        freed = seen = 0
        for relation in children_of(deletion.kind):
            for write in self._owed(deletion, relation, self._batch - seen):
                seen += 1
                freed += self._freed(write)
        return freed, seen

    def _owed(self, deletion: Deletion, relation: Relation, limit: int) -> Iterable[Write]:
        if limit <= 0:
            return []
        children = CHILDREN[relation.parent, relation.child]
        rows = self._table.query(children.found_in(deletion), limit=limit, only=("id",)).items
        return [children.freed_by(deletion, row["id"]) for row in rows]

    def _freed(self, write: Write) -> bool:
        try:
            self._table.write(write)
        except ConcurrentUpdate:
            return False  # it no longer names the parent: another delivery of this message was here
        return True

    # ------------------------------------------------------------------------------------- counts and usage

    def _merge_counts(self, deletion: Deletion) -> bool:
        """Move the parent's usage rows to where its tasks went; whether there may be more of them."""
        client_id, campaign_id = _as_owner_of_usage(deletion)
        rows = self._table.query(keys.usage_of(deletion.user_id, client_id, campaign_id), limit=self._batch).items
        for row in rows:
            self._table.retry_on_conflict(partial(self._merge_usage, deletion, row))
        return len(rows) == self._batch

    def _merge_usage(self, deletion: Deletion, read: Item) -> None:
        source = Key(read["PK"], read["SK"])
        row = self._table.get(source)
        if row is None:
            return
        amounts = counters.usage_amounts(row)
        unchanged = [Attr(name).eq(value) for name, value in amounts.items()]
        day = datetime.fromisoformat(source.sk.rpartition("#")[2]).date()
        writes = [Write(source, delete=True, condition=_all(unchanged), on_condition_failure=concurrent_update)]
        keeper = self._remaining_client(deletion)
        if keeper:
            writes.append(
                Write(keys.tally(deletion.user_id, keeper), condition=LIVE, on_condition_failure=concurrent_update)
            )
        writes.append(Write(keys.usage(deletion.user_id, keeper, None, day), add=amounts))
        self._table.transact(*writes)

    def _remaining_client(self, deletion: Deletion) -> str | None:
        """The client that a deleted campaign's tasks stay with, unless it is gone as well."""
        if deletion.client_id is None:
            return None
        tally = self._table.get(keys.tally(deletion.user_id, deletion.client_id))
        return deletion.client_id if tally and "deleted_at" not in tally else None

    def _finish(self, deletion: Deletion) -> None:
        if deletion.kind == "client":
            for row in self._table.iterate(keys.catalogue(deletion.user_id, "TALLY", deletion.id), only=("id",)):
                self._table.write(Write(keys.tally(deletion.user_id, row["id"]), delete=True))
        self._table.retry_on_conflict(lambda: self._drop(deletion))

    def _drop(self, deletion: Deletion) -> None:
        tally = keys.tally(deletion.user_id, deletion.id)
        kept = self._table.get(tally)
        counts = counters.adding(counters.tally_from(kept))
        writes = [
            Write(deletion.key, delete=True, condition=EXISTS, on_condition_failure=concurrent_update),
            Write(keys.meta(deletion.user_id), discard={"pending": {parent(deletion.kind, deletion.id)}}),
        ]
        if kept is not None:  # a campaign's may have gone with its client
            unchanged = [EXISTS, *(Attr(name).eq(count) for name, count in counts.items())]
            writes.append(Write(tally, delete=True, condition=_all(unchanged), on_condition_failure=concurrent_update))
        if deletion.kind == "client" and counts:
            writes.append(Write(keys.tally(deletion.user_id, UNASSIGNED), add=counts))
        if self._table.get(deletion.key) is not None:
            self._table.transact(*writes)


def _as_owner_of_usage(deletion: Deletion) -> tuple[str, str | None]:
    if deletion.kind == "client":
        return deletion.id, None
    return deletion.client_id or UNASSIGNED, deletion.id


def _all(conditions: Iterable[Condition]) -> Condition:
    return reduce(and_, conditions)
