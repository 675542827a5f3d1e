"""An export of 5,000 pictures and some large files: is every byte right, and how much memory does its worker take?

    PYTHONPATH=layers/common:layers/sandbox:. .venv/bin/python -m bench.export_files

The worker of exports, its stores and clients as they are, in a process of its own that does nothing else. DynamoDB is
dynoxide (`make dynoxide` brings it); S3 is played by this process, which makes the files up, checks each part that
comes and keeps the archives on disk, 2 GB of them for some minutes. Messages wait in a list. The numbers are in
docs/exports.md.

Memory is what Linux counts as resident: the most there ever was (VmHWM) less what there was (VmRSS) when a first small
export had imported everything and opened all connections.
"""

import csv
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final
from unicodedata import normalize
from unittest import mock
from urllib.parse import parse_qs, unquote, urlsplit

import boto3

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.campaigns import NewCampaign
from atelier.domain.clients import NewClient
from atelier.domain.exports import OPEN, Export, ExportMessage, NewExport
from atelier.domain.ids import new_id
from atelier.domain.schema import utcnow
from atelier.domain.tasks.record import Output, Task
from atelier.store import task_items
from atelier.store.deadline import within
from local.errors import LocalError
from testbed import dynoxide
from testbed.environment import ENVIRONMENT, fresh_wiring
from testbed.template import create_table

PICTURES: Final = 5000
LARGE: Final = tuple(size * 2**20 for size in (9, 100, 100, 300))
"""Bytes of the files behind the pictures; what has more than 8 MiB is read twice."""
FILES: Final = PICTURES + len(LARGE)
PROMPTS: Final = (
    "../x",
    "..\\..\\x",
    "/etc/passwd",
    "A boat",
    "A boat",
    "a BOAT",
    "🙂 \u202egnp.exe",
    "CON",
    "NUL.txt",
    "com1",
    "a dot at the end. ..",
    "a\\b:c*?<>|",
    "x" * 5000,
    "Ü" * 300,
    "U\u0308" * 300,
    '=HYPERLINK("http://evil.example")',
    "+1+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "harmless\n=1+1",
)
CAMPAIGNS: Final = ("../CON", "🙂 Summer. ", "summer", "Summer")
MOST_GROWTH: Final = 64 * 1024
"""KiB."""
NOON: Final = datetime(2026, 1, 31, 12, tzinfo=UTC)
CLIENT: Final = new_id(NOON, 1)
SMALL_CLIENT: Final = new_id(NOON, 2)
BUCKET: Final = "bucket"
_FIRST_TASK: Final = 1000
_CHUNK: Final = 2**20


class NotAsItShouldBe(LocalError):
    """An archive is not what it has to be, or the worker took too much."""


def demand(holds: bool, what: str) -> None:
    """Raise NotAsItShouldBe unless it holds."""
    if not holds:
        raise NotAsItShouldBe(what)


# --------------------------------------------------------------------------------------------------------- the files


def size_of(number: int) -> int:
    """Bytes of a file: pictures of 300 KB on average, then the large ones."""
    return 30_000 + number * 7919 % 540_000 if number < PICTURES else LARGE[number - PICTURES]


def chunks_of(number: int) -> Iterator[bytes]:
    """A file, which is like no other."""
    size = size_of(number)
    pattern = hashlib.sha256(str(number).encode()).digest() * (min(size, _CHUNK) // 32 + 1)
    for at in range(0, size, _CHUNK):
        yield pattern[: min(_CHUNK, size - at)]


def sha256_of(chunks: Iterable[bytes]) -> str:
    """The checksum of all of them together."""
    found = hashlib.sha256()
    for chunk in chunks:
        found.update(chunk)
    return found.hexdigest()


def pieces(file: Any) -> Iterator[bytes]:
    """An open file in pieces."""
    return iter(lambda: file.read(_CHUNK), b"")


def key_of(number: int) -> str:
    """Where a file is. Its task has the same number."""
    return f"media/1/{task_id(number)}/0.png"


def task_id(number: int) -> str:
    """The task whose file it is."""
    return new_id(NOON, _FIRST_TASK + number)


@cache
def numbers_by_key() -> dict[str, int]:
    """Which file is at a key."""
    return {key_of(number): number for number in range(FILES)}


# ------------------------------------------------------------------------------------------------------------ the S3


@dataclass
class Kept:
    """What the S3 has been sent, and how often it was asked."""

    folder: Path
    requests: Counter[str] = field(default_factory=Counter)
    uploads: dict[str, int] = field(default_factory=dict)
    """Open uploads by their id, with the number of parts that each has."""

    def path(self, key: str) -> Path:
        """Where an object is that was put."""
        return self.folder / key.replace("/", "_")

    def keys_below(self, prefix: str) -> list[str]:
        """What there is below a prefix."""
        named = (each.name for each in self.folder.iterdir())
        return [name for name in named if name.startswith(prefix.replace("/", "_"))]


class MadeUpS3(ThreadingHTTPServer):
    """Files that are made up, and what is put, on disk."""

    daemon_threads = True

    def __init__(self, kept: Kept) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.kept = kept
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: MadeUpS3
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each head waits 40 ms for the acknowledgement of nothing

    def _asked(self, what: str) -> tuple[str, dict[str, str]]:
        url = urlsplit(self.path)
        query = parse_qs(url.query, keep_blank_values=True)
        self.server.kept.requests[what] += 1
        return unquote(url.path).removeprefix(f"/{BUCKET}").lstrip("/"), {name: each[0] for name, each in query.items()}

    def _answer(self, body: bytes = b"", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def do_GET(self) -> None:
        """A file that is made up, an object that was put, or a list."""
        key, query = self._asked("GET")
        if not key:
            self._list(query)
        elif key in numbers_by_key():
            number = numbers_by_key()[key]
            self.send_response(200)
            self.send_header("content-length", str(size_of(number)))
            self.send_header("etag", f'"{number}"')
            self.end_headers()
            for chunk in chunks_of(number):
                self.wfile.write(chunk)
        else:
            self._answer(self.server.kept.path(key).read_bytes())

    def _list(self, query: dict[str, str]) -> None:
        kept, prefix = self.server.kept, query.get("prefix", "")
        if "uploads" in query:
            open_ = "".join(f"<Upload><Key>{id_}</Key><UploadId>{id_}</UploadId></Upload>" for id_ in kept.uploads)
            self._answer(f"<Result>{open_}</Result>".encode())
            return
        found = "".join(f"<Contents><Key>{name}</Key></Contents>" for name in kept.keys_below(prefix))
        self._answer(f"<Result><IsTruncated>false</IsTruncated>{found}</Result>".encode())

    def do_PUT(self) -> None:
        """An object, or the next part of one."""
        key, query = self._asked("PUT")
        body, kept = self._body(), self.server.kept
        if upload := query.get("uploadId"):
            in_order = kept.uploads.get(upload) == int(query["partNumber"]) - 1
            self.server.kept.uploads[upload] = int(query["partNumber"])
            if not in_order:
                self._answer(status=400)
                return
        with kept.path(key).open("ab" if upload else "wb") as file:
            file.write(body)
        self._answer(etag='"part"')

    def do_POST(self) -> None:
        """An upload begins or ends, or objects are deleted."""
        key, query = self._asked("POST")
        body, kept = self._body(), self.server.kept
        if "delete" in query:
            for name in re.findall(r"<Key>([^<]+)</Key>", body.decode()):
                kept.path(name).unlink()
            self._answer(b"<DeleteResult/>")
        elif "uploads" in query:
            kept.path(key).write_bytes(b"")
            kept.uploads[key] = 0
            self._answer(
                f"<InitiateMultipartUploadResult><UploadId>{key}</UploadId></InitiateMultipartUploadResult>".encode()
            )
        else:
            del kept.uploads[query["uploadId"]]
            self._answer(b"<CompleteMultipartUploadResult><ETag>whole</ETag></CompleteMultipartUploadResult>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def made_up_s3(folder: Path) -> Iterator[MadeUpS3]:
    """It, for as long as the context lasts."""
    with MadeUpS3(Kept(folder)) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


# ----------------------------------------------------------------------------------------------------------- the table


def fill() -> None:
    """A client with campaigns and a task for each file, and one with a few of these files."""

    how: Any = {"access": Access.own(1), "idempotent": None, "now": NOON}
    campaigns: list[str | None] = [None]
    for id_ in (CLIENT, SMALL_CLIENT):
        wiring.clients().create(NewClient(name="Acme: ../🙂"), id_=id_, **how)
    for number, name in enumerate(CAMPAIGNS):
        campaign = NewCampaign(client_id=CLIENT, name=name, goal="Sell")
        campaigns.append(wiring.campaigns().create(campaign, id_=new_id(NOON, 10 + number), **how).record.id)
    for first in range(0, FILES, 50):
        numbers = range(first, min(first + 50, FILES))
        tasks = [_task(number, CLIENT, campaigns[number % len(campaigns)]) for number in numbers]
        wiring.table().transact(*(write for task in tasks for write in task_items.created(task, "")))
    for number in range(20):
        task = _task(number, SMALL_CLIENT, None).model_copy(update={"id": new_id(NOON, 100 + number)})
        wiring.table().transact(*task_items.created(task, ""))


def _task(number: int, client_id: str, campaign_id: str | None) -> Task:

    return Task.model_validate(
        {
            "id": task_id(number),
            "type": "image",
            "status": "succeeded",
            "provider": "fal",
            "served_by": "fal",
            "model": "fal-ai/flux-pro/v1.1",
            "user_id": 1,
            "created_by": 1,
            "updated_by": 1,
            "client_id": client_id,
            "campaign_id": campaign_id,
            "prompt": PROMPTS[number % len(PROMPTS)],
            "effective_prompt": "",
            "outputs": [Output(key=key_of(number), content_type="image/png", bytes=size_of(number))],
            "created_at": NOON,
            "updated_at": NOON,
            "completed_at": NOON,
        }
    )


# ------------------------------------------------------------------------------------------------------- the worker


def memory(what: str) -> int:
    """KiB of this process that are resident (`VmRSS`), or the most that ever were (`VmHWM`)."""
    [found] = re.findall(rf"{what}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found)


TIMEOUT: Final = 899.0
"""Seconds of each step, as the function has."""


@dataclass
class Waiting:
    """The export queue."""

    messages: list[ExportMessage] = field(default_factory=list)

    def send(self, message: ExportMessage, *, delay: int = 0) -> None:  # noqa: ARG002 - nothing is tried again here
        """Keep a message."""
        self.messages.append(message)


def work() -> None:
    """Make the small export, then that of all; print what that took."""

    queue, steps = Waiting(), list[float]()
    with mock.patch.object(wiring, "export_queue", return_value=queue):
        builder = wiring.export_builder()

    def export(client_id: str) -> Export:
        new, now = NewExport(client_id=client_id), utcnow()
        made = wiring.exports().create(new, id_=new_id(now, 1), access=Access.own(1), idempotent=None, now=now).record
        queue.send(ExportMessage.about(made, step=0))
        steps.clear()
        while queue.messages:
            began = time.monotonic()
            with within(TIMEOUT):
                builder.process(queue.messages.pop(), clock=utcnow)
            steps.append(round(time.monotonic() - began, 1))
        done = wiring.exports().load(made.created_by, made.id)
        demand(done is not None and done.status not in OPEN, f"an export did not end: {done}")
        assert done is not None  # noqa: S101 - for the types
        return done

    export(SMALL_CLIENT)
    before, began, computed = memory("VmRSS"), time.monotonic(), time.process_time()
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM begins anew
    done = export(CLIENT)
    took = {
        "seconds": time.monotonic() - began,
        "processor seconds": time.process_time() - computed,
        "before": before,
        "most": memory("VmHWM"),
        "steps": steps,
        "export": done.model_dump(mode="json"),
        "folder": done.folder,
    }
    print(json.dumps(took))


# --------------------------------------------------------------------------------------------------------- the check

_DEVICE: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_REFUSED: Final = re.compile(r"[\\:*?\"<>|\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_FORMULA: Final = re.compile(r"(^|[\n\r])[ \t]*[=+\-@]|^[\t\r]")
_LONGEST_NAME: Final = 255
"""Bytes, of ext4; the others take more."""


def check_name(name: str) -> None:
    """Fail unless Windows, macOS and Linux unpack a file of this name within the folder where they begin."""
    parts = name.split("/")
    demand(len(parts) == 2, f"{name!r} is a file in a folder")  # noqa: PLR2004
    for part in parts:
        is_safe = not (_DEVICE.match(part) or _REFUSED.search(part) or part.startswith(".") or part[-1] in ". ")
        demand(is_safe and len(part.encode()) <= _LONGEST_NAME, f"{name!r} is safe")
    demand(parts[1].count(".") == 1 and parts[1].endswith(".png"), f"{name!r} has the extension of its format")


def as_systems_compare(name: str) -> str:
    """What two names have in common that any system takes for one."""
    return normalize("NFKD", normalize("NFKD", name).casefold())


def check_archive(archive: Path, described: dict[str, Any]) -> list[str]:
    """Fail unless the archive is whole, by `unzip` as well as by its checksum; the names of its files."""
    demand(archive.stat().st_size == described["bytes"], "its size is that of the table")
    with archive.open("rb") as file:
        demand(sha256_of(pieces(file)) == described["sha256"], "its checksum is that of the table")
    tested = subprocess.run(["unzip", "-tq", str(archive)], capture_output=True, text=True, check=False)  # noqa: S603, S607
    demand(tested.returncode == 0, f"unzip -t: {tested.stdout[-500:]}")
    with zipfile.ZipFile(archive) as read:
        return [name for name in read.namelist() if "/" in name]


def check_files(archives: list[Path], names: list[str]) -> None:
    """Fail unless every file is the one that it says it is, under a name of its own."""
    with zipfile.ZipFile(archives[-1]) as last:
        manifest = json.loads(last.read("manifest.json"))["files"]
        table = list(csv.DictReader(io.StringIO(last.read("tasks.csv").decode(), newline="")))
    demand([each["name"] for each in manifest] == names, "the manifest has them all")
    demand(len(names) == FILES == len({as_systems_compare(name) for name in names}), "names are distinct")
    opened = [zipfile.ZipFile(archive) for archive in archives]
    for each in manifest:
        check_name(each["name"])
        number = numbers_by_key()[f"media/1/{each['task_id']}/0.png"]
        with opened[each["volume"] - 1].open(each["name"]) as content:
            found = sha256_of(pieces(content))
        demand(found == each["sha256"] == sha256_of(chunks_of(number)), f"{each['name']} is what was stored")
    for row in table:
        demand(not any(map(_FORMULA.search, row.values())), f"{row} is inert")
    demand({row["prompt"].replace("'", "") for row in table} == set(PROMPTS), "prompts are in the table as they were")


def main() -> None:
    """Print what it took, and fail when anything is not as it should be."""

    demand(shutil.which("unzip") is not None, "unzip is on the path")
    with tempfile.TemporaryDirectory() as folder, made_up_s3(Path(folder)) as s3, dynoxide.running() as database:
        where = {"AWS_ENDPOINT_URL_DYNAMODB": database, "AWS_ENDPOINT_URL_S3": s3.url, "MEDIA_BUCKET": BUCKET}
        with fresh_wiring({**ENVIRONMENT, **where}):
            create_table(boto3.client("dynamodb"), ENVIRONMENT["TABLE_NAME"])
            fill()
            s3.kept.requests.clear()
            command = [sys.executable, "-m", "bench.export_files", "work"]
            ran = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))  # noqa: S603
        demand(ran.returncode == 0, ran.stderr[-2000:])
        report(json.loads(ran.stdout.splitlines()[-1]), s3.kept)


def report(took: dict[str, Any], kept: Kept) -> None:
    """Check what is there, and print the table."""
    export, grown = took["export"], took["most"] - took["before"]
    demand((export["status"], export["missing"], export["outputs"]) == ("succeeded", 0, FILES), f"{export}")
    demand(not kept.uploads, "no upload is left open")
    archives = [kept.path(f"{took['folder']}{number}.zip") for number in range(1, len(export["files"]) + 1)]
    demand(
        sorted(kept.keys_below(took["folder"])) == sorted(each.name for each in archives),
        "nothing but archives is left",
    )
    names = [name for each in zip(archives, export["files"], strict=True) for name in check_archive(*each)]
    check_files(archives, names)
    rows = {
        "files, all with the bytes that were stored": f"{FILES:,}",
        "archives, `unzip -t` clean": len(archives),
        "bytes of them": " + ".join(f"{each['bytes']:,}" for each in export["files"]),
        "seconds: the plan, each archive": " + ".join(map(str, took["steps"])),
        "processor seconds of the worker": f"{took['processor seconds']:.0f}",
        "requests to S3 (with those of a small export before)": ", ".join(
            f"{n:,} {name}" for name, n in kept.requests.items()
        ),
        "memory before, MiB": f"{took['before'] / 1024:.1f}",
        "most memory, MiB": f"{took['most'] / 1024:.1f}",
        "growth, MiB (at most 64)": f"{grown / 1024:.1f}",
    }
    print("| | |\n| --- | --- |\n" + "\n".join(f"| {name} | {value} |" for name, value in rows.items()))
    demand(grown < MOST_GROWTH, f"memory grew by {grown} KiB")


if __name__ == "__main__":
    try:
        work() if sys.argv[1:] == ["work"] else main()
    except LocalError as failed:
        sys.exit(f"error: {failed}")
