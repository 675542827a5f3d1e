"""The worker of exports: one step per message, from what is in S3 to archives in S3, with flat memory.

Step 0 writes the plan: rows of the tasks, some dozens in an object, and the list of all files with their names. Each
further step makes one volume, from the first file that is in none to as many as fit into it and into the time of the
invocation; the last one has the tables and the manifest. A step that died is begun anew: uploads that it left open are
aborted first, and a volume counts from the moment when it is in the table.
"""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from atelier.domain import export_texts
from atelier.domain.export_texts import MANIFEST, SPEND, TASKS, Row, folder_of, names_of, row_of
from atelier.domain.exports import (
    ATTEMPTS,
    MOST_FILES,
    OPEN,
    PAUSE,
    VOLUME_BYTES,
    Export,
    ExportError,
    ExportFile,
    ExportMessage,
    ExportPart,
    ExportStatus,
)
from atelier.domain.file_names import distinct, file_name
from atelier.domain.tasks.record import Task
from atelier.domain.zip_archive import Archive, room_of
from atelier.store import keys, task_items
from atelier.store.account_summary import summary_from
from atelier.store.deadline import remaining
from atelier.store.exports import Exports, shows
from atelier.store.multipart import MultipartUpload
from atelier.store.s3_objects import PART, found
from atelier.store.table import ConcurrentUpdate

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

TIME_FOR_A_FILE: Final = 300.0
"""Seconds that have to be left to begin with a file, of which the largest has 1 GiB, and to end a volume."""
CHUNK: Final = 2**20
_PAGE: Final = 49  # tasks: two items each, and the account's summary, are one request
_END: Final = 200  # bytes of an archive behind its directory, at most

Clock = Callable[[], datetime]
ModelId = Callable[[str, str], str]
"""The id of a provider's model, by any of its names."""


class ExportQueue(Protocol):
    """The export queue."""

    def send(self, message: ExportMessage, *, delay: int = 0) -> None:
        """Deliver `message` after `delay` seconds, at least once."""


class TooMuch(Exception):
    """An export is larger than one may be."""

    def __init__(self, code: str, message: str) -> None:
        self.error = ExportError(code=code, message=message)
        super().__init__(code)


class StepFailed(Exception):
    """A step failed, and what follows from it is done; the text says what became of the export."""


@dataclass(frozen=True)
class PlannedFile:
    """A file that belongs into an export: its name in the archive, and where it is."""

    name: str
    key: str
    bytes: int


@dataclass(frozen=True)
class Plan:
    """What belongs into an export: all files in their order, and in how many objects the rows of its tasks are."""

    pages: int
    files: tuple[PlannedFile, ...]


@dataclass
class _Candidates:
    """What planning has found so far."""

    pages: int = 0
    tasks: int = 0
    campaigns: dict[str | None, str | None] = field(default_factory=lambda: {None: None})
    folders: dict[str | None, str] = field(default_factory=dict)
    files: list[tuple[str | None, str, str, int]] = field(default_factory=list)  # campaign, name, key, bytes


class ExportBuilder:
    """See the module."""

    def __init__(
        self, exports: Exports, queue: ExportQueue, client: "S3Client", bucket: str, model_id: ModelId
    ) -> None:
        self._exports = exports
        self._queue = queue
        self._client = client
        self._bucket = bucket
        self._model_id = model_id

    def process(self, message: ExportMessage, *, clock: Clock) -> str:
        """Carry out a step, if it is still to be done; what became of it, for the log.

        Raises StepFailed, after which nothing is left to be done about the message.
        """
        export = self._exports.load(message.created_by, message.export_id)
        if export is None:
            return "gone"
        if export.deleted_at is not None:
            self._empty(export.folder)
            self._exports.remove(export)
            return "removed"
        if export.status not in OPEN or export.step != message.step:
            return "nothing due"
        leased = self._exports.lease(export, now=clock())
        return "being carried out" if leased is None else self._carry_out(leased, clock)

    def _carry_out(self, export: Export, clock: Clock) -> str:
        if export.attempts > ATTEMPTS:  # the ones before died without a word
            return self._fail(export, _FAILED, clock)
        try:
            done = self._plan(export, clock) if export.step == 0 else self._volume(export, clock)
        except ConcurrentUpdate:
            return self._superseded(export)
        except TooMuch as much:
            return self._fail(export, much.error, clock)
        except Exception as error:
            current = self._exports.load(export.created_by, export.id)
            if current is None or current.deleted_at is not None or not _is_same_try(current, export):
                return self._superseded(export)  # whoever removed it has aborted the upload as well
            raise StepFailed(self._later(current, clock)) from error
        if done.status in OPEN:
            self._queue.send(ExportMessage.about(done, step=done.step))
        else:
            self._empty(f"{done.folder}plan/")
        return str(done.status)

    def _superseded(self, export: Export) -> str:
        """It was deleted meanwhile, or the lease is somebody else's."""
        now = self._exports.load(export.created_by, export.id)
        if now is None or now.deleted_at is not None:
            self._empty(export.folder)
        return "superseded"

    def _later(self, export: Export, clock: Clock) -> str:
        """Have a step that failed tried again, or the export end as failed; what became of it."""
        if export.attempts >= ATTEMPTS:
            return self._fail(export, _FAILED, clock)
        pause = PAUSE * export.attempts
        self._exports.change(export, lease_until=None, next_at=clock() + timedelta(seconds=pause))
        self._queue.send(ExportMessage.about(export, step=export.step), delay=pause)
        return "to be tried again"

    def _fail(self, export: Export, error: ExportError, clock: Clock) -> str:
        over = {"lease_until": None, "next_at": None, "completed_at": clock()}
        try:
            self._exports.change(export, status=ExportStatus.FAILED, error=error, files=[], **over)
        except ConcurrentUpdate:
            return self._superseded(export)
        self._empty(export.folder)
        return str(ExportStatus.FAILED)

    def _empty(self, prefix: str) -> None:
        """Remove everything that is stored or being uploaded below a prefix."""
        self._abort_uploads(prefix)
        while found := self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix).get("Contents"):
            gone = [{"Key": each["Key"]} for each in found]
            self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": gone, "Quiet": True})  # type: ignore[typeddict-item]

    def _abort_uploads(self, prefix: str) -> None:
        begun = self._client.list_multipart_uploads(Bucket=self._bucket, Prefix=prefix)
        for each in begun.get("Uploads", []):
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=each["Key"], UploadId=each["UploadId"])

    # ------------------------------------------------------------------------------------------------- the plan

    def _plan(self, export: Export, clock: Clock) -> Export:
        found = _Candidates()
        for ids in self._ids(export):
            tasks = self._tasks(export, ids)
            self._name_campaigns(export, found, tasks)
            self._note(export, found, [self._row(task, found) for task in tasks])
        names = dict(zip(found.folders, distinct(found.folders.values()), strict=True))
        paths = distinct(f"{names[campaign]}/{name}" for campaign, name, _, _ in found.files)
        files = [[path, key, size] for path, (_, _, key, size) in zip(paths, found.files, strict=True)]
        self._put(export, "files", {"pages": found.pages, "files": files})
        return self._exports.change(
            export,
            tasks=found.tasks,
            outputs=len(files),
            step=1,
            attempts=0,
            lease_until=None,
            next_at=clock(),
        )

    def _row(self, task: Task, found: _Candidates) -> Row:
        model = self._model_id(task.provider, task.model)
        return row_of(task, model=model, campaign=found.campaigns[task.campaign_id])

    def _ids(self, export: Export) -> Iterator[list[str]]:
        start = None
        while True:
            ids, start = self._exports.tasks_below(export, start, 10 * _PAGE)
            for at in range(0, len(ids), _PAGE):
                yield ids[at : at + _PAGE]
            if start is None:
                return

    def _tasks(self, export: Export, ids: Iterable[str]) -> list[Task]:
        """The tasks as their readers see them now."""
        summary = keys.summary(export.user_id)
        found = self._exports.items([*(key for id_ in ids for key in task_items.keys_of(id_)), summary])
        pending = summary_from(found.get(summary)).pending
        tasks = [task for id_ in ids if (task := task_items.task_from(found, id_))]
        return [task for task in map(pending.unlinked, tasks) if shows(export, vars(task))]

    def _name_campaigns(self, export: Export, found: _Candidates, tasks: Iterable[Task]) -> None:
        ids = {task.campaign_id for task in tasks if task.campaign_id not in found.campaigns}
        wanted = {id_: keys.resource(export.user_id, "campaign", str(id_)) for id_ in ids}
        items = self._exports.items(wanted.values())
        found.campaigns |= {id_: items[key]["name"] if key in items else None for id_, key in wanted.items()}

    def _note(self, export: Export, found: _Candidates, rows: list[Row]) -> None:
        found.tasks += len(rows)
        if ExportPart.MEDIA in export.include:
            for row in rows:
                campaign = row["campaign_id"]
                found.folders.setdefault(campaign, folder_of(row))
                for name, output in zip(names_of(row), row["outputs"], strict=True):
                    found.files.append((campaign, name, output["key"], output["bytes"]))
        for number, what in ((found.tasks, "tasks"), (len(found.files), "files")):
            if number > MOST_FILES:
                raise TooMuch(f"too_many_{what}", f"These are more than {MOST_FILES} {what}. Export them in parts.")
        if rows:
            self._put(export, f"tasks-{found.pages}", rows)
            found.pages += 1

    # ------------------------------------------------------------------------------------------------- a volume

    def _volume(self, export: Export, clock: Clock) -> Export:
        self._abort_uploads(export.folder)
        planned = self._get(export, "files")
        plan = Plan(planned["pages"], tuple(PlannedFile(*each) for each in planned["files"]))
        made = _Volume(self, export, plan)
        key = f"{export.folder}{made.number}.zip"
        upload = MultipartUpload(self._client, self._bucket, key, name=made.name, on_part=made.note_progress)
        with upload:
            is_last = made.fill(Archive(upload.write, at=export.created_at))
            self._put(export, f"sums-{made.number}", made.sums)
            sha256 = upload.complete()
        file = ExportFile(name=made.name, bytes=made.size, sha256=sha256, key=key)
        over = {"status": ExportStatus.SUCCEEDED, "completed_at": clock(), "next_at": None} if is_last else {}
        return self._exports.change(
            made.export,
            **{
                "files": [*export.files, file],
                "position": made.position,
                "missing": made.missing,
                "progress": 1.0 if is_last else made.progress(),
                "step": export.step + 1,
                "attempts": 0,
                "lease_until": None,
                "next_at": clock(),
                **over,
            },
        )

    def note(self, export: Export, progress: float) -> Export:
        """The export with this progress. Raises ConcurrentUpdate when nobody waits for it any more."""
        return self._exports.change(export, progress=progress)

    def add(self, archive: Archive, file: PlannedFile) -> str | None:
        """Add a file to an archive; its SHA-256, or None when it is gone.

        A large one is read twice, because its checksum stands in front of it.
        """
        first = self._open(file.key)
        if first is None:
            return None
        sha256, crc, size, kept = hashlib.sha256(), 0, 0, []
        is_small = first["ContentLength"] <= PART
        for chunk in first["Body"].iter_chunks(CHUNK):
            sha256.update(chunk)
            crc, size = zlib.crc32(chunk, crc), size + len(chunk)
            if is_small:
                kept.append(chunk)
        if is_small:
            archive.add(file.name, size, crc, kept)
        else:
            second = self._open(file.key, IfMatch=first["ETag"])
            if second is None:
                return None
            archive.add(file.name, size, crc, second["Body"].iter_chunks(CHUNK))
        return sha256.hexdigest()

    def texts(self, export: Export, plan: Plan, sums: list[str | None]) -> Iterator[tuple[str, Callable[[], Any]]]:
        """The texts of an archive by their names: what makes their bytes, as often as it is asked to.

        `sums` are those of the volume that they go into.
        """
        rows = partial(self._rows, export, plan)
        if ExportPart.TASKS in export.include:
            yield TASKS, lambda: export_texts.tasks_csv(rows(), (file.name for file in plan.files))
        if ExportPart.SPEND in export.include:
            yield SPEND, lambda: export_texts.spend_csv(rows())
        yield MANIFEST, lambda: export_texts.manifest(export, rows(), self._summed(export, plan, sums))

    def _rows(self, export: Export, plan: Plan) -> Iterator[Row]:
        for number in range(plan.pages):
            yield from self._get(export, f"tasks-{number}")

    def _summed(
        self, export: Export, plan: Plan, sums: list[str | None]
    ) -> Iterator[tuple[str, str | None, int | None]]:
        names = iter(plan.files)
        before = ((number, self._get(export, f"sums-{number}")) for number in range(1, len(export.files) + 1))
        for number, volume in (*before, (len(export.files) + 1, sums)):
            for sha256 in volume:
                yield next(names).name, sha256, number if sha256 else None

    def _open(self, key: str, **how: Any) -> Any:
        """The object, or None when there is none."""
        return found(lambda: self._client.get_object(Bucket=self._bucket, Key=key, **how))

    def _put(self, export: Export, name: str, content: Any) -> None:
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        self._client.put_object(
            Bucket=self._bucket, Key=f"{export.folder}plan/{name}.json", Body=body, ContentType="application/json"
        )

    def _get(self, export: Export, name: str) -> Any:
        found = self._client.get_object(Bucket=self._bucket, Key=f"{export.folder}plan/{name}.json")
        return json.loads(found["Body"].read())


class _Volume:
    """A volume that is being made. `export` is as it was last written."""

    def __init__(self, builder: ExportBuilder, export: Export, plan: Plan) -> None:
        self._builder = builder
        self._plan = plan
        self._room = _END
        self.export = export
        self.number = len(export.files) + 1
        self.name = file_name([export.name or "Tasks", f"{export.created_at:%Y-%m-%d}"], self.number, "zip")
        self.position = export.position
        self.sums: list[str | None] = []
        self.size = 0

    def fill(self, archive: Archive) -> bool:
        """Put into the archive what fits; whether it is the last one of the export."""
        files = self._plan.files
        while self.position < len(files):
            file = files[self.position]
            if not self._takes(archive, room_of(file.name, file.bytes)):
                break
            self.sums.append(self._builder.add(archive, file))
            self.position += 1
        is_last = self.position == len(files) and self._add_texts(archive)
        archive.close()
        self.size = archive.size
        return is_last

    def _takes(self, archive: Archive, room: int) -> bool:
        """Whether there is room and time for so many bytes more. An empty archive takes anything."""
        if len(archive) and (self._room + room > VOLUME_BYTES or remaining() < TIME_FOR_A_FILE):
            return False
        self._room += room
        return True

    def _add_texts(self, archive: Archive) -> bool:
        export = self.export.model_copy(update={"missing": self.missing})
        texts = list(self._builder.texts(export, self._plan, self.sums))
        measured = [(name, make, *_measured(make())) for name, make in texts]
        if not self._takes(archive, sum(room_of(name, size) for name, _, size, _ in measured)):
            return False
        for name, make, size, crc in measured:
            archive.add(name, size, crc, make())
        return True

    @property
    def missing(self) -> int:
        """How many files of the export were gone so far."""
        return self.export.missing + sum(each is None for each in self.sums)

    def progress(self) -> float:
        """How much of the export is done, from 0 to 1."""
        return round(self.position / (len(self._plan.files) + 1), 4)

    def note_progress(self) -> None:
        """Show how far it is. Raises ConcurrentUpdate when nobody waits for it any more."""
        self.export = self._builder.note(self.export, self.progress())


def _is_same_try(one: Export, other: Export) -> bool:
    return (one.step, one.attempts) == (other.step, other.attempts)


_FAILED: Final = ExportError(code="export_failed", message="It failed several times. Ask for it once more.")


def _measured(chunks: Iterable[bytes]) -> tuple[int, int]:
    size = crc = 0
    for chunk in chunks:
        size, crc = size + len(chunk), zlib.crc32(chunk, crc)
    return size, crc
