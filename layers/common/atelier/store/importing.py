"""Carrying out imports: a turn for each message, chunk by chunk, each chunk as a batch of creations (ADR 49)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Any, Final, Protocol

from atelier.domain import import_files
from atelier.domain.errors import Busy, DomainError, Invalid
from atelier.domain.import_files import FileRefused, Row
from atelier.domain.imports import ROWS, ImportStatus, ImportType, RowFailure, columns_of
from atelier.domain.messages import ImportMessage
from atelier.domain.schema import RequestModel
from atelier.store.batches import Batch, CarriedOut, Operation
from atelier.store.changes import Change
from atelier.store.deadline import remaining
from atelier.store.import_bucket import ImportBucket
from atelier.store.imports import Imports, RunningImport
from atelier.store.resources import Resources
from atelier.store.table import ConcurrentUpdate, Table

CHUNK: Final = 48
"""Rows: as many creations as one transaction takes."""
CHUNKS: Final = 20
"""Of one turn, so that imports of several accounts take turns."""
RESERVE: Final = 10.0
"""Seconds before the invocation's deadline from which on no further chunk is begun."""
AGAIN: Final = 5
"""Seconds until a turn is repeated that met contention."""

ReadRow = Callable[[Row, type[RequestModel]], RequestModel]
"""The request that a row is. Raises Invalid."""
TellFailure = Callable[[int, DomainError], RowFailure]
"""How a row in a line has failed."""


class ImportQueue(Protocol):
    """The import queue."""

    def send(self, message: ImportMessage, *, delay: int = 0) -> None:
        """Deliver `message` after `delay` seconds, at least once."""


class _CarriedOutElsewhere(Exception):
    """Another message of the import is being worked on, or it was canceled."""


@dataclass(frozen=True)
class Importer:
    """See the module. `clock` says what time it is."""

    table: Table
    imports: Imports
    bucket: ImportBucket
    queue: ImportQueue
    stores: Mapping[ImportType, Resources[Any]]
    read: ReadRow
    tell: TellFailure
    clock: Callable[[], datetime]

    def process(self, message: ImportMessage) -> RunningImport | None:
        """Carry an import on by a turn, and send the message of the next one. None where nothing was done."""
        running = self.imports.load(message.user_id, message.import_id, now=self.clock())
        if running is None or message.turn < running.turn:
            return None
        try:
            return self._turn(self._checked(running), message)
        except FileRefused as refusal:
            with suppress(ConcurrentUpdate):  # it was canceled
                self.imports.refuse(running, refusal, now=self.clock())
        except Busy:
            self.queue.send(message, delay=AGAIN)
        except (ConcurrentUpdate, _CarriedOutElsewhere):
            pass
        return None

    def _checked(self, running: RunningImport) -> RunningImport:
        """The import with its file checked. Raises FileRefused, and ConcurrentUpdate when others check it as well."""
        if running.is_checked:
            return running
        found = import_files.checked(running.record.format, columns_of(running.record.type), self._blocks(running))
        return self.imports.begin(running, found, now=self.clock())

    def _turn(self, running: RunningImport, message: ImportMessage) -> RunningImport:
        rows = import_files.rows(running.layout, self._blocks(running), running.place)
        for _ in range(CHUNKS):
            running = self._carried_out(running, list(islice(rows, CHUNK)), message.turn)
            if running.record.status is ImportStatus.SUCCEEDED:
                return running
            if remaining() < RESERVE:
                break
        self.queue.send(message.model_copy(update={"turn": message.turn + 1}))
        return running

    def _blocks(self, running: RunningImport) -> Iterator[bytes]:
        record = running.record
        return self.bucket.blocks(record.user_id, record.id, running.file, start=running.place.offset)

    def _carried_out(self, running: RunningImport, chunk: Sequence[Row], turn: int) -> RunningImport:
        """The import behind this chunk of rows. Raises Busy, with some of them carried out perhaps."""
        store, model = self.stores[running.record.type], ROWS[running.record.type]
        wanted: dict[int, RequestModel] = {}
        failed: dict[int, RowFailure] = {}
        for index, row in enumerate(chunk):
            try:
                wanted[index] = self.read(row, model)
            except Invalid as error:
                # At once: an error may have more to say than its row has bytes.
                failed[index] = self.tell(row.line, error)

        def attempt() -> RunningImport:
            progress = self.imports.progress(running)
            if progress.refused is not None:
                raise _CarriedOutElsewhere
            operations = {}
            for index, new in wanted.items():
                id_ = progress.id_of(index)
                creation = partial(store.creating, new, id_=id_, access=running.access, now=progress.moment)
                operations[index] = Operation(partial(_as_guest, creation), id_, creates=True)
            outcomes = Batch(self.table, operations, progress, running.access, forget=lambda: None).run()
            if progress.refused is not None:
                raise _CarriedOutElsewhere
            refused = {index: each for index, each in outcomes.items() if isinstance(each, DomainError)}
            if busy := next((each for each in refused.values() if isinstance(each, Busy)), None):
                raise busy
            succeeded = [index for index, each in outcomes.items() if isinstance(each, CarriedOut)]
            failures = failed | {index: self.tell(chunk[index].line, each) for index, each in refused.items()}
            in_order = [failures[index] for index in sorted(failures)]
            return progress.end(succeeded, in_order, chunk[-1].after, turn=turn, now=self.clock())

        return self.table.retry_on_conflict(attempt)


def _as_guest(creation: Callable[..., Change], as_guest: bool) -> Change:
    return creation(as_guest=as_guest)
