"""Imports in the table: an item for each, which the transactions that create what is imported also write.

How far an import is stands in its item: where the next chunk of rows begins, and which rows of it were carried out. A
transaction that creates rows notes them there, on the condition that nobody has and that the import still runs; the end
of a chunk moves the place on, on the condition that nobody else did. So a row is imported once, whoever dies and
however many carry the import on at the same time; and nothing is imported after a cancel was answered.
"""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from atelier.domain.access import Access
from atelier.domain.due import LATE_AFTER
from atelier.domain.errors import IllegalTransition, NotFound
from atelier.domain.ids import is_id
from atelier.domain.import_files import CheckedFile, FileRefused, Layout, Place
from atelier.domain.imports import (
    KEPT,
    SHOWN_FAILURES,
    FailurePage,
    FileError,
    Import,
    ImportPage,
    ImportQuery,
    ImportReport,
    ImportStatus,
    NewImport,
    RowFailure,
)
from atelier.domain.roles import Role
from atelier.domain.schema import format_timestamp
from atelier.store import idempotency, keys, newest
from atelier.store.batches import CARRIED_OUT, Progress, noted_in, notes_of, noting
from atelier.store.expressions import Attr, Condition
from atelier.store.idempotency import CreateResult, IdempotentRequest
from atelier.store.import_bucket import UploadedFile
from atelier.store.items import from_item, to_item
from atelier.store.table import MISSING, Table, Write, concurrent_update
from atelier.store.wire import Item

_SEED_BITS: Final = 48
_LAST_LINE: Final = 10**9 - 1


@dataclass(frozen=True)
class RunningImport:
    """An import that is being carried out: what is known of its file, and how far it is."""

    record: Import
    access: Access
    file: UploadedFile
    turn: int
    layout: Layout
    place: Place

    @property
    def is_checked(self) -> bool:
        """Whether the file was looked at as a whole."""
        return self.record.rows is not None

    @property
    def looked_at(self) -> int:
        """How many rows were carried out or have failed before the present chunk."""
        return self.record.rows_succeeded + self.record.rows_failed


class Imports:
    """The imports of all accounts. They are seen by the account's own user."""

    def __init__(self, table: Table) -> None:
        self._table = table

    # ---------------------------------------------------------------------------------------------------- requests

    def create(
        self, new: NewImport, *, id_: str, access: Access, idempotent: IdempotentRequest | None, now: datetime
    ) -> CreateResult[Import]:
        """Create an import that waits for its file. Raises IdempotencyKeyReused and RequestInProgress."""
        at = format_timestamp(now)
        record = Import(
            id=id_,
            user_id=access.account,
            created_by=access.actor,
            **new.model_dump(),
            status=ImportStatus.PENDING,
            created_at=at,
            updated_at=at,
        )
        item = to_item(record) | {
            "request_id": access.request_id,
            "seed": secrets.randbits(_SEED_BITS),
            "expires_at": int((now + KEPT).timestamp()),
        }
        return idempotency.create(
            self._table,
            record,
            [Write(keys.imported(access.account, id_), put=item, condition=MISSING)],
            id_=id_,
            access=access,
            idempotent=idempotent,
            load=lambda created: self.get(created, access=access),
            now=now,
        )

    def get(self, id_: str, *, access: Access) -> Import:
        """The import as it is now. Raises NotFound."""
        return _shown(self._read(id_, access))

    def page(self, query: ImportQuery, *, access: Access) -> ImportPage:
        """A page of the account's imports as they are now."""
        there = Attr("expires_at").gt(int(access.at.timestamp()))
        partition = keys.imports_of(access.account)
        found, envelope = newest.read(self._table, partition, query, shown=there, status=query.status)
        return ImportPage(items=[_shown(item) for item in found], **envelope)

    def report(self, id_: str, *, access: Access) -> ImportReport:
        """The import as it is now, with the first rows that failed. Raises NotFound."""
        record = self.get(id_, access=access)
        failures = self._failures(record, after=0)[:SHOWN_FAILURES] if record.rows_failed else []
        return ImportReport(**dict(record), failures=failures)

    def failures(self, id_: str, *, access: Access, after: int) -> FailurePage:
        """The rows that failed behind a line. Raises NotFound."""
        found = self._failures(self.get(id_, access=access), after=after)
        page = found[:SHOWN_FAILURES]
        return FailurePage(failures=page, next_after=page[-1].line if len(found) > len(page) else None)

    def _failures(self, record: Import, *, after: int) -> list[RowFailure]:
        """Those behind a line, more than are shown if there are more."""
        first, last = (keys.failed_rows(record.user_id, record.id, line).sk for line in (after + 1, _LAST_LINE))
        rows, behind = keys.all_failed_rows(record.user_id, record.id), Attr("SK").between(first, last)
        found: list[RowFailure] = []
        for item in self._table.iterate(rows, within=behind, limit=10):
            every = [RowFailure.model_validate(each) for each in json.loads(item["failures"])]
            found += [each for each in every if each.line > after]
            if len(found) > SHOWN_FAILURES:
                break
        return found

    def start(self, id_: str, file: UploadedFile | None, *, access: Access, now: datetime) -> Import:
        """Have the import carried out; repeated, it is as it is. Raises NotFound and IllegalTransition."""

        def change(item: Item) -> Mapping[str, Any] | None:
            if item["status"] == ImportStatus.CANCELED:
                raise IllegalTransition("The import was canceled.")
            if item["status"] != ImportStatus.PENDING:
                return None
            if file is None or file.size != item["size"]:
                raise IllegalTransition(f"Upload the file first, all {item['size']} bytes of it.")
            fields = {"status": ImportStatus.PROCESSING, "etag": file.etag, "started_at": format_timestamp(now)}
            return {"set": {**fields, **keys.due_place(id_, now + LATE_AFTER)}}

        return self._changed(id_, change, access, now=now)

    def cancel(self, id_: str, *, access: Access, now: datetime) -> Import:
        """End the import; what was imported stays. Raises NotFound, and IllegalTransition when it has ended."""

        def change(item: Item) -> Mapping[str, Any] | None:
            if item["status"] == ImportStatus.CANCELED:
                return None
            if item["status"] not in (ImportStatus.PENDING, ImportStatus.PROCESSING):
                raise IllegalTransition(f"The import has {item['status']}.")
            return {"set": {"status": ImportStatus.CANCELED, "completed_at": format_timestamp(now)}, "remove": keys.DUE}

        return self._changed(id_, change, access, now=now)

    def _changed(
        self, id_: str, change: Callable[[Item], Mapping[str, Any] | None], access: Access, *, now: datetime
    ) -> Import:
        """Change the status; `change` says how, or None for an import that stays as it is."""

        def attempt() -> None:
            item = self._read(id_, access)
            if how := change(item):
                write = Write(
                    keys.imported(access.account, id_),
                    **{**how, "set": {**how["set"], "updated_at": format_timestamp(now)}},
                    add={"version": 1},
                    condition=Attr("status").eq(item["status"]),
                    on_condition_failure=concurrent_update,
                )
                self._table.write(write)

        self._table.retry_on_conflict(attempt)
        return self.get(id_, access=access)

    def _read(self, id_: str, access: Access) -> Item:
        item = self._table.get(keys.imported(access.account, id_)) if is_id(id_) else None
        if item is None or item["expires_at"] <= access.at.timestamp():  # TTL removes items late
            raise NotFound("import", id_)
        return item

    # ---------------------------------------------------------------------------------------------------- progress

    def load(self, account: int, id_: str, *, now: datetime) -> RunningImport | None:
        """The import if it is to be carried out."""
        item = self._table.get(keys.imported(account, id_))
        return _running(item, now=now) if item and item["status"] == ImportStatus.PROCESSING else None

    def begin(self, running: RunningImport, file: CheckedFile, *, now: datetime) -> RunningImport:
        """The file was checked: the import as its rows come next. Raises ConcurrentUpdate when others go on with it."""
        fields = {
            "rows": file.rows,
            "encoding": file.layout.encoding,
            "delimiter": file.layout.delimiter,
            "columns": list(file.layout.columns),
            **_at(file.first),
            "moment": format_timestamp(now),
            "updated_at": format_timestamp(now),
        }
        self._write(running, set=fields, condition=Attr("encoding").not_exists())
        record = running.record.model_copy(update={"rows": file.rows})
        return replace(running, record=record, layout=file.layout, place=file.first)

    def refuse(self, running: RunningImport, refusal: FileRefused, *, now: datetime) -> None:
        """The file cannot be read. Raises ConcurrentUpdate when the import has ended otherwise."""
        at = format_timestamp(now)
        error = FileError(detail=refusal.detail, line=refusal.line).model_dump(exclude_none=True)
        fields = {"status": ImportStatus.FAILED, "error": error, "completed_at": at, "updated_at": at}
        self._write(running, set=fields, remove=keys.DUE)

    def _write(
        self,
        running: RunningImport,
        *,
        set: Mapping[str, Any],  # noqa: A002 - as of a Write
        remove: Sequence[str] = (),
        condition: Condition | None = None,
    ) -> None:
        is_open = Attr("status").eq(ImportStatus.PROCESSING)
        self._table.write(
            Write(
                keys.imported(running.record.user_id, running.record.id),
                set=set,
                add={"version": 1},
                remove=remove,
                condition=is_open & condition if condition else is_open,
                on_condition_failure=concurrent_update,
            )
        )

    def progress(self, running: RunningImport) -> "ChunkProgress":
        """How far the chunk is that begins where the import is."""
        return ChunkProgress(self._table, running)


class ChunkProgress(Progress):
    """The progress of a chunk of rows, in the import's item. With `refused`, somebody else has ended it."""

    def __init__(self, table: Table, running: RunningImport) -> None:
        super().__init__(running.access.at, 0)
        self._table, self._running = table, running
        self._key = keys.imported(running.record.user_id, running.record.id)
        self.reload()

    def reload(self) -> None:
        item = self._table.get(self._key)
        if item is None or item["status"] != ImportStatus.PROCESSING or item["offset"] != self._running.place.offset:
            self.refused = {}
            return
        self.moment, self.seed = datetime.fromisoformat(item["moment"]), int(item["seed"])
        self.done = noted_in(item)

    def mark(self, indexes: Sequence[int]) -> list[Write]:
        noted = noting(self._key, indexes, self._is_at_this_chunk())
        return [replace(noted, add={**noted.add, "version": 1})]  # whoever looks is shown these rows

    def end(
        self, succeeded: Sequence[int], failures: Sequence[RowFailure], after: Place, *, turn: int, now: datetime
    ) -> RunningImport:
        """End the chunk: the import as it is then. Raises ConcurrentUpdate when others have carried out more of it."""
        running, at = self._running, format_timestamp(now)
        ends = running.looked_at + len(succeeded) + len(failures) == running.record.rows
        over = {"status": ImportStatus.SUCCEEDED, "completed_at": at}
        moment = max(now, self.moment + timedelta(milliseconds=1))
        carried_out = Attr(CARRIED_OUT).eq(len(succeeded)) if succeeded else Attr(CARRIED_OUT).not_exists()
        advance = Write(
            self._key,
            set={
                **_at(after),
                "moment": format_timestamp(moment),
                "updated_at": at,
                "turn": turn,
                **(over if ends else {}),
            },
            add={"version": 1, "rows_succeeded": len(succeeded), "rows_failed": len(failures)},
            remove=(CARRIED_OUT, *notes_of(succeeded), *(keys.DUE if ends else ())),
            condition=self._is_at_this_chunk() & carried_out,
            on_condition_failure=concurrent_update,
        )
        self._table.transact(advance, *self._report(failures))
        record = running.record.model_copy(
            update={
                "status": ImportStatus.SUCCEEDED if ends else ImportStatus.PROCESSING,
                "rows_succeeded": running.record.rows_succeeded + len(succeeded),
                "rows_failed": running.record.rows_failed + len(failures),
            }
        )
        return replace(running, record=record, turn=turn, place=after)

    def _report(self, failures: Sequence[RowFailure]) -> list[Write]:
        if not failures:
            return []
        text = json.dumps([each.model_dump() for each in failures], ensure_ascii=False, separators=(",", ":"))
        record = self._running.record
        expires_at = int((datetime.fromisoformat(record.created_at) + KEPT).timestamp())
        key = keys.failed_rows(record.user_id, record.id, failures[-1].line)
        return [Write(key, put={"failures": text, "expires_at": expires_at})]

    def _is_at_this_chunk(self) -> Condition:
        return Attr("status").eq(ImportStatus.PROCESSING) & Attr("offset").eq(self._running.place.offset)


def _at(place: Place) -> dict[str, int]:
    return {"offset": place.offset, "line": place.line}


def _shown(item: Item) -> Import:
    record = from_item(Import, item)
    # Rows of the chunk that is being carried out count as well, so that it is exact at any moment.
    succeeded = record.rows_succeeded + int(item.get(CARRIED_OUT, 0))
    progress = (succeeded + record.rows_failed) / record.rows if record.rows else None
    return record.model_copy(update={"rows_succeeded": succeeded, "progress": progress})


def _running(item: Item, *, now: datetime) -> RunningImport:
    record = from_item(Import, item)
    access = Access.own(record.user_id, Role.EDITOR, at=now, request_id=item["request_id"])
    layout = Layout(item.get("encoding", ""), item.get("delimiter", ""), tuple(item.get("columns", ())))
    place = Place(int(item.get("offset", 0)), int(item.get("line", 1)))
    return RunningImport(
        record, access, UploadedFile(record.size, item["etag"]), int(item.get("turn", 0)), layout, place
    )
