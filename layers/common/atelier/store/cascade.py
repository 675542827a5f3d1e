"""The cascade: what a deletion does to the children of what was deleted, in small steps that may be repeated.

Every step is conditional on the child still naming the parent, so it may be repeated, interrupted or overtaken. Each
message looks at what is left. The relations are the transitive closure of the foreign keys
(`domain.kinds.relations_of`), so one deletion finds what is below it at any depth. Only when the indexes have shown
nothing left for the quiet period, which is longer than any request and any index lag, are counters merged and is the
resource taken out of the pending deletions. Until then a child that was released a moment ago may still be on its way
to a reader, from an index or in an answer half made. The deletion says since when nothing was left: no message is the
only memory of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import and_
from typing import Any, Final, Protocol

from atelier.domain.activity import entry_of_removal
from atelier.domain.kinds import OnDelete, Relation, kind_named, links_to_clear, path_of, relations_of
from atelier.domain.messages import AccountMessage
from atelier.domain.pending_deletions import LATE_AFTER, member
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
    """A message of the cascade queue: see to the children of a deleted resource.

    `deleted_at` is only for the metric of how long the cleanup has been going on.
    """

    kind: str
    id: str
    deleted_at: datetime | None = None


class Queue(Protocol):
    """The cascade queue."""

    def send(self, message: CleanUpMessage, *, delay: int) -> None:
        """Deliver `message` after `delay` seconds, at least once."""


@dataclass(frozen=True)
class Deletion:
    """A deletion whose cleanup has not ended. `above` are the ids of the resource's ancestors, the outermost first.

    `due_at` is when the sweep looks at it, and `quiet_since` since when no child was found, as they are stored. The
    last three say who deleted, when, with which request.
    """

    user_id: int
    kind: str
    id: str
    above: tuple[str, ...] = ()
    due_at: str = ""
    quiet_since: str = ""
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
    """How the children of a deletion are found, and the one write that releases a child.

    `elsewhere` are further writes of the same transaction: what is kept of the child in another partition goes, and
    what is left of it is remembered.
    """

    found_in: Callable[[Deletion], Partition]
    released_by: Callable[[Deletion, str], Write]
    elsewhere: Callable[[Item, datetime], list[Write]] | None = None


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
    """How the children of a relation are found and released. Raises KeyError for one that has no pattern."""
    if relation.on_delete is OnDelete.CASCADE and kind_named(relation.child).in_account:
        return ChildPattern(
            lambda gone: keys.below(gone.user_id, relation.child, *gone.path),
            lambda gone, id_: _delete(gone, relation.child, id_),
            _elsewhere_of(relation.child),
        )
    return ELSEWHERE[relation.parent, relation.child]


def _delete(deletion: Deletion, child: str, id_: str) -> Write:
    key = keys.resource(deletion.user_id, child, id_)
    return Write(key, delete=True, condition=_names(deletion), on_condition_failure=concurrent_update)


def _elsewhere_of(child: str) -> Callable[[Item, datetime], list[Write]] | None:
    if kind_named(child).has_files:
        return lambda item, now: [parents.removed_files(int(item["user_id"]), child, item["id"], now=now)]
    return _without_grant if child.endswith("_share") else None


def _without_grant(share: Item, _: datetime) -> list[Write]:
    """The write that takes what was shared from its guest."""
    kind = "campaign" if "campaign_id" in share else "client"
    return [removed_grant(int(share["shared_with"]), kind, share[f"{kind}_id"])]


def _names(deletion: Deletion) -> Condition:
    return Attr(f"{deletion.kind}_id").eq(deletion.id)


# --------------------------------------------------------------------------------------------------- the engine


class Cascade:
    """Carries out the referential actions, a bounded piece at a time."""

    def __init__(self, table: Table, queue: Queue, *, quiet_period: timedelta, batch: int = BATCH) -> None:
        self._table = table
        self._queue = queue
        self._quiet_period = quiet_period
        self._batch = batch

    def process(self, message: CleanUpMessage, *, now: datetime) -> int:
        """Release some of the children, and send the message on until nothing is left; how many were released."""
        deletion = self._load(message)
        if deletion is None:
            return 0
        released, seen = self._release_children(deletion, now=now)
        if seen:
            # Rows that were seen but needed nothing are an index lagging behind: give it a moment.
            self._send_on(deletion, message, delay=0 if released else 2, now=now)
            return released
        quiet_since = deletion.quiet_since or format_timestamp(now)
        remaining = datetime.fromisoformat(quiet_since) + self._quiet_period - now
        if remaining > timedelta(0):
            begins = {} if deletion.quiet_since else {"quiet_since": quiet_since}
            self._send_on(deletion, message, delay=int(remaining.total_seconds()) + 1, now=now, **begins)
        elif self._delete_texts(deletion):
            self._send_on(deletion, message, delay=0, now=now)
        else:
            self._finish(deletion)
        return released

    def _load(self, message: CleanUpMessage) -> Deletion | None:
        item = self._table.get(keys.deletion(message.user_id, message.kind, message.id))
        if item is None:
            return None
        return Deletion(
            message.user_id,
            message.kind,
            message.id,
            path_of(message.kind, item),
            due_at=item.get("due_at", ""),
            quiet_since=item.get("quiet_since", ""),
            deleted_at=item.get("deleted_at", ""),
            deleted_by=item.get("deleted_by"),
            request_id=item.get("request_id", ""),
        )

    def _send_on(
        self, deletion: Deletion, message: CleanUpMessage, *, delay: int, now: datetime, **change: str
    ) -> None:
        """Send the next message, and record a change.

        The deletion is due a while after the message. Mostly it is anyway, and nothing is written.
        """
        self._queue.send(message, delay=delay)
        planned = now + timedelta(seconds=delay)
        if not format_timestamp(planned + LATE_AFTER) <= deletion.due_at <= format_timestamp(planned + 3 * LATE_AFTER):
            place = keys.due_place(deletion.id, planned + 2 * LATE_AFTER)
            change |= {"next_at": format_timestamp(planned), **place}
        if change:
            self._note(deletion, set=change)

    def _note(self, deletion: Deletion, **change: Any) -> None:
        with suppress(ConcurrentUpdate):  # it has ended meanwhile
            self._table.write(Write(deletion.key, condition=EXISTS, on_condition_failure=concurrent_update, **change))

    def _release_children(self, deletion: Deletion, *, now: datetime) -> tuple[int, int]:
        released = seen = 0
        for relation in relations_of(deletion.kind):
            for writes in self._owed(deletion, relation, self._batch - seen, now=now):
                if not seen and deletion.quiet_since:
                    self._note(deletion, remove=("quiet_since",))  # before anything is done: it begins anew
                seen += 1
                released += self._released(writes)
        return released, seen

    def _owed(self, deletion: Deletion, relation: Relation, limit: int, *, now: datetime) -> Iterable[list[Write]]:
        if limit <= 0:
            return []
        pattern = pattern_of(relation)
        goes_with_it = relation.on_delete is OnDelete.CASCADE
        wanted = _ABOUT if goes_with_it else ("id",)
        rows = self._table.query(pattern.found_in(deletion), limit=limit, only=wanted).items
        if goes_with_it and rows:
            # Before they are deleted: afterwards nobody finds them. They are gone for every reader already.
            self._table.put_many(
                [each for row in rows for each in self._kept_of(deletion, relation.child, row, now=now)]
            )
        released = (pattern.released_by(deletion, row["id"]) for row in rows)
        return [[each, *self._elsewhere(pattern, each, now=now)] for each in released]

    def _kept_of(self, deletion: Deletion, child: str, row: Item, *, now: datetime) -> Iterator[Write]:
        """What is kept of a child that goes with its parent: its entry in the activity log, its name for reports."""
        fields = {**row, "user_id": deletion.user_id}
        at, actor, request_id = deletion.deleted_at, deletion.deleted_by, deletion.request_id
        yield activity.written(entry_of_removal(child, fields, at=at, actor=actor, request_id=request_id))
        if parents.has_kept_name(child):
            yield parents.kept_name(deletion.user_id, child, row, now=now)

    def _elsewhere(self, pattern: ChildPattern, gone: Write, *, now: datetime) -> list[Write]:
        if pattern.elsewhere is None:
            return []
        item = self._table.get(gone.key)
        return pattern.elsewhere(item, now) if item else []

    def _released(self, writes: list[Write]) -> bool:
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


def _all(conditions: Iterable[Condition]) -> Condition:
    return reduce(and_, conditions)
