"""The cascade: what a deletion does to the children of what was deleted, in small steps that may be repeated.

Every step is conditional on the child still naming the parent, so it may be repeated, interrupted or overtaken. There
is no progress to lose: each message looks at what is left. The relations are the transitive closure of the foreign keys
(`domain.kinds.relations_of`), so one deletion finds what is below it at any depth. Only when the indexes have shown
nothing left for the quiet period, which is longer than any request and any index lag, are counters merged and is the
resource taken out of the pending deletions. Until then a child that was freed a moment ago may still be on its way to a
reader, from an index or in an answer half made.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import and_
from typing import Final, Protocol

from atelier.domain.activity import entry_of_removal
from atelier.domain.kinds import OnDelete, Relation, ancestors_of, kind_named, links_to_clear, relations_of
from atelier.domain.messages import AccountMessage
from atelier.domain.pending_deletions import GRACE, member
from atelier.domain.schema import UNASSIGNED, format_timestamp
from atelier.store import activity, counters, keys, parents
from atelier.store.expressions import Attr, Condition
from atelier.store.grants import removed_grant
from atelier.store.keys import Key, Partition
from atelier.store.table import EXISTS, ConcurrentUpdate, Table, Write, concurrent_update
from atelier.store.wire import Item

BATCH: Final = 250
"""Children per message: a few seconds' work, so that a large cleanup takes turns with small ones."""
_ABOUT: Final = ("id", "name", "status", "client_id", "campaign_id")
"""What `by_path` has of a child that the activity log says of it."""


class CleanUpMessage(AccountMessage):
    """A message of the cascade queue: free the children of a deleted resource, of which none was found `since`.

    `deleted_at` is only for the metric of how long the cleanup has been going on.
    """

    kind: str
    id: str
    since: datetime | None = None
    deleted_at: datetime | None = None


class Queue(Protocol):
    """The cascade queue."""

    def send(self, message: CleanUpMessage, *, delay: int) -> None:
        """Deliver `message` after `delay` seconds, at least once."""


@dataclass(frozen=True)
class Deletion:
    """A deletion whose cleanup has not ended. `above` are the ids of the resource's ancestors, the outermost first.

    `due_at` is when the sweep looks at it, as it is stored. The last three say who deleted, when, with which request.
    """

    user_id: int
    kind: str
    id: str
    above: tuple[str, ...] = ()
    due_at: str = ""
    deleted_at: str = ""
    deleted_by: int | None = None
    request_id: str = ""

    @property
    def key(self) -> Key:
        """Where it is stored."""
        return keys.deletion(self.user_id, self.kind, self.id)

    @property
    def path(self) -> tuple[str, ...]:
        """The ids that everything below the resource names."""
        return (*self.above, self.id)


# --------------------------------------------------------------------------------------------- access patterns


@dataclass(frozen=True)
class ChildPattern:
    """How the children of a deletion are found, and the one write that frees a child.

    `elsewhere` are the writes of the same transaction that remove what is kept of the child in another partition.
    """

    found_in: Callable[[Deletion], Partition]
    freed_by: Callable[[Deletion, str], Write]
    elsewhere: Callable[[Item], list[Write]] | None = None


def _unlink_task(deletion: Deletion, task_id: str) -> Write:
    links = links_to_clear("task", deletion.kind)
    moved, removed = keys.task_indexes_without(deletion.user_id, links)
    return Write(
        keys.task(task_id),
        set={
            **moved,
            "unlinked": {"at": deletion.deleted_at, "by": deletion.deleted_by, "request_id": deletion.request_id},
        },
        remove=(*links, *removed),
        add={"version": 1},
        condition=_names(deletion),
        on_condition_failure=concurrent_update,
    )


ELSEWHERE: Final[Mapping[tuple[str, str], ChildPattern]] = {
    ("client", "task"): ChildPattern(lambda gone: keys.tasks_of_client(gone.user_id, gone.id), _unlink_task),
    ("campaign", "task"): ChildPattern(lambda gone: keys.tasks_of_campaign(gone.user_id, gone.id), _unlink_task),
}
"""The patterns of kinds that do not stand in their account's partition."""


def pattern_of(relation: Relation) -> ChildPattern:
    """How the children of a relation are found and freed. Raises KeyError for one that has no pattern."""
    if relation.on_delete is OnDelete.CASCADE and kind_named(relation.child).in_account:
        return ChildPattern(
            lambda gone: keys.below(gone.user_id, relation.child, *gone.path),
            lambda gone, id_: _delete(gone, relation.child, id_),
            _without_grant if relation.child.endswith("_share") else None,
        )
    return ELSEWHERE[relation.parent, relation.child]


def _delete(deletion: Deletion, child: str, id_: str) -> Write:
    key = keys.resource(deletion.user_id, child, id_)
    return Write(key, delete=True, condition=_names(deletion), on_condition_failure=concurrent_update)


def _without_grant(share: Item) -> list[Write]:
    """The write that takes what was shared from its guest."""
    kind = "campaign" if "campaign_id" in share else "client"
    return [removed_grant(int(share["shared_with"]), kind, share[f"{kind}_id"])]


def _names(deletion: Deletion) -> Condition:
    return Attr(f"{deletion.kind}_id").eq(deletion.id)


# --------------------------------------------------------------------------------------------------- the engine


class Cascade:
    """Carries out the referential actions, a bounded piece at a time."""

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
        freed, seen = self._free_children(deletion, now=now)
        if seen:
            # Rows that were seen but needed nothing are an index lagging behind: give it a moment.
            self._send_on(deletion, message.model_copy(update={"since": None}), delay=0 if freed else 2, now=now)
            return freed
        since = message.since or now
        remaining = since + self._grace - now
        message = message.model_copy(update={"since": since})
        if remaining > timedelta(0):
            self._send_on(deletion, message, delay=int(remaining.total_seconds()) + 1, now=now)
        elif self._delete_texts(deletion):
            self._send_on(deletion, message, delay=0, now=now)
        else:
            self._finish(deletion)
        return freed

    def _load(self, message: CleanUpMessage) -> Deletion | None:
        item = self._table.get(keys.deletion(message.user_id, message.kind, message.id))
        if item is None:
            return None
        above = tuple(item[f"{ancestor}_id"] for ancestor in ancestors_of(message.kind))
        return Deletion(
            message.user_id,
            message.kind,
            message.id,
            above,
            due_at=item.get("due_at", ""),
            deleted_at=item["deleted_at"],
            deleted_by=item.get("deleted_by"),
            request_id=item.get("request_id", ""),
        )

    def _send_on(self, deletion: Deletion, message: CleanUpMessage, *, delay: int, now: datetime) -> None:
        """Send the next message. The deletion is due a while after it: mostly it is anyway, and nothing is written."""
        self._queue.send(message, delay=delay)
        planned = now + timedelta(seconds=delay)
        if not format_timestamp(planned + GRACE) <= deletion.due_at <= format_timestamp(planned + 3 * GRACE):
            with suppress(ConcurrentUpdate):
                self._table.write(_looked_at_after(deletion, planned))

    def _free_children(self, deletion: Deletion, *, now: datetime) -> tuple[int, int]:
        freed = seen = 0
        for relation in relations_of(deletion.kind):
            for writes in self._owed(deletion, relation, self._batch - seen, now=now):
                seen += 1
                freed += self._freed(writes)
        return freed, seen

    def _owed(self, deletion: Deletion, relation: Relation, limit: int, *, now: datetime) -> Iterable[list[Write]]:
        if limit <= 0:
            return []
        pattern = pattern_of(relation)
        goes_with_it = relation.on_delete is OnDelete.CASCADE
        wanted = _ABOUT if goes_with_it else ("id",)
        rows = self._table.query(pattern.found_in(deletion), limit=limit, only=wanted).items
        if goes_with_it:
            # Before they are deleted: afterwards nobody finds them. They are gone for every reader already.
            self._table.put_many(
                [each for row in rows for each in self._kept_of(deletion, relation.child, row, now=now)]
            )
        freed = (pattern.freed_by(deletion, row["id"]) for row in rows)
        return [[each, *self._elsewhere(pattern, each)] for each in freed]

    def _kept_of(self, deletion: Deletion, child: str, row: Item, *, now: datetime) -> Iterator[Write]:
        """What is kept of a child that goes with its parent: its entry in the activity log, its name for reports."""
        fields = {**row, "user_id": deletion.user_id}
        at, actor, request_id = deletion.deleted_at, deletion.deleted_by, deletion.request_id
        yield activity.written(entry_of_removal(child, fields, at=at, actor=actor, request_id=request_id))
        if parents.has_kept_name(child):
            yield parents.kept_name(deletion.user_id, child, row, now=now)

    def _elsewhere(self, pattern: ChildPattern, gone: Write) -> list[Write]:
        if pattern.elsewhere is None:
            return []
        item = self._table.get(gone.key)
        return pattern.elsewhere(item) if item else []

    def _freed(self, writes: list[Write]) -> bool:
        try:
            if len(writes) == 1:
                self._table.write(writes[0])
            else:
                self._table.transact(*writes)
        except ConcurrentUpdate:
            return False  # it no longer names the parent: another delivery of this message was here
        return True

    def _delete_texts(self, deletion: Deletion) -> bool:
        """Delete long texts of what is gone; whether there may be more of them."""
        found = keys.texts_of(deletion.user_id, *deletion.path)
        rows = self._table.query(found, limit=self._batch, only=("id",)).items
        self._table.delete_many([keys.text(deletion.user_id, row["id"]) for row in rows])
        return len(rows) == self._batch

    def _finish(self, deletion: Deletion) -> None:
        # Nothing counts in them any more: what they counted was subtracted when the resource was deleted.
        rows = self._table.iterate(keys.counters_below(deletion.user_id, *deletion.path), only=("id",))
        self._table.delete_many([keys.counters(deletion.user_id, row["id"]) for row in rows])
        self._table.retry_on_conflict(lambda: self._drop(deletion))

    def _drop(self, deletion: Deletion) -> None:
        counted = keys.counters(deletion.user_id, deletion.id)
        kept = self._table.get(counted)
        counts = counters.adding(counters.counters_from(kept))
        writes = [
            Write(deletion.key, delete=True, condition=EXISTS, on_condition_failure=concurrent_update),
            Write(keys.summary(deletion.user_id), discard={"pending": {member(deletion.kind, deletion.id)}}),
        ]
        if kept is not None:  # a campaign's may have gone with its client
            unchanged = [EXISTS, *(Attr(name).eq(count) for name, count in counts.items())]
            writes.append(
                Write(counted, delete=True, condition=_all(unchanged), on_condition_failure=concurrent_update)
            )
        if deletion.kind == "client" and counts:
            writes.append(Write(keys.counters(deletion.user_id, UNASSIGNED), add=counts))
        if self._table.get(deletion.key) is not None:
            self._table.transact(*writes)


def _looked_at_after(deletion: Deletion, planned: datetime) -> Write:
    place = keys.due_place(deletion.id, planned + 2 * GRACE)
    return Write(
        deletion.key,
        set={"next_at": format_timestamp(planned), **place},
        condition=EXISTS,
        on_condition_failure=concurrent_update,
    )


def _all(conditions: Iterable[Condition]) -> Condition:
    return reduce(and_, conditions)
