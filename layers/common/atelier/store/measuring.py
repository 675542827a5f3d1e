"""Untrusted media are opened in a process of their own, with limits on memory, time and output.

A file of two kilobytes can make a library ask for gigabytes, or run for hours, or worse. So nothing of a file is
interpreted in the process that holds our credentials: a `Measurer` hands the file to a child (`measuring_child`), piece
by piece as it asks for them, and takes back a few numbers, and a thumbnail if there is one by the time the child ends.
Of a caller's picture it takes back a normalized copy as well.
The child is started once and forks for each file: a start takes a third of a second, a fork some milliseconds.
"""

import atexit
import binascii
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO, Final

from atelier.store.measuring_child import COPY_PIECE, FRAME, PIECE

_COPIES: Final = {"JPEG": ("image/jpeg", b"\xff\xd8\xff"), "PNG": ("image/png", b"\x89PNG\r\n\x1a\n")}
_CHILD: Final = Path(__file__).with_name("measuring_child.py")
# What a child is told of our environment: where shared libraries are, and nothing else.
_ENVIRONMENT: Final = ("LD_LIBRARY_PATH", "PATH", "LANG")
_LARGEST_MESSAGE: Final = 2**20
_LARGEST_COPY: Final = 96 * 2**20


@dataclass(frozen=True)
class Limits:
    """What measuring one file may cost: bytes beyond what the libraries take, seconds of processor and in all, pixels.

    Waiting for our own storage does not count.
    """

    memory: int = 512 * 2**20
    processor: int = 5
    wall: float = 15
    pixels: int = 89_478_485  # Pillow's own: a quarter of a gigabyte at three bytes each
    reads: int = 20_000


@dataclass(frozen=True)
class Track:
    """One track of a recording: `video`, `audio` or another type; pixels, samples a second, 0 where there are none."""

    type: str
    width: int
    height: int
    sample_rate: int
    cover: bool = False


@dataclass(frozen=True)
class Facts:
    """What a file says of itself; for an image its pixels, for a recording its tracks, and its seconds if it says.

    `thumbnail` is a WebP of at most 512 pixels a side, where one could be made within the limits.
    """

    width: int = 0
    height: int = 0
    seconds: float | None = None
    tracks: tuple[Track, ...] = ()
    thumbnail: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Picture:
    """A picture that was normalized: its own sides, upright, and the copy of it, a JPEG or PNG."""

    width: int
    height: int
    content: bytes = field(repr=False)
    content_type: str
    sides: tuple[int, int]
    has_alpha: bool
    thumbnail: bytes | None = field(repr=False)


class Unmeasurable(Exception):
    """The file cannot be measured: `reason` is `format`, `pixels`, `truncated`, `animated`, `memory` or `time`."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Measurer:
    """A child, started when it is first needed and again after a file has cost it its life. One file at a time."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def image(self, file: BinaryIO, size: int, reader: str) -> Facts:
        """The pixels of an image of `size` bytes, by Pillow's name of its format. Raises Unmeasurable."""
        found, thumbnail = self._measure(file, {"as": "image", "reader": reader, "size": size})
        sides = _positive_integer(found.get("width")), _positive_integer(found.get("height"))
        return Facts(*sides, thumbnail=thumbnail)

    def picture(self, file: BinaryIO, size: int, reader: str, *, longest: int, lossless: bool) -> Picture:
        """An image, normalized to at most `longest` pixels a side; as PNG if `lossless`. Raises Unmeasurable."""
        job = {"as": "picture", "reader": reader, "size": size, "longest": longest, "lossless": lossless}
        content = bytearray()
        found, thumbnail = self._measure(file, job, content)
        width, height, *sides = (
            _positive_integer(told.get(side))
            for told in (found, found.get("copy") or {})
            for side in ("width", "height")
        )
        form = _COPIES.get(str(found.get("type")))
        if not (width and height and all(sides)) or form is None or not content.startswith(form[1]):
            raise Unmeasurable("format")
        return Picture(
            width, height, bytes(content), form[0], (sides[0], sides[1]), found.get("alpha") is True, thumbnail
        )

    def video(self, file: BinaryIO, size: int, reader: str) -> Facts:
        """The tracks of a video of `size` bytes, by FFmpeg's name of its container. Raises Unmeasurable."""
        return self._recording(file, {"as": "video", "reader": reader, "size": size})

    def sound(self, file: BinaryIO, size: int, reader: str) -> Facts:
        """The tracks of a sound of `size` bytes, by FFmpeg's name of its container. Raises Unmeasurable."""
        return self._recording(file, {"as": "sound", "reader": reader, "size": size})

    def _recording(self, file: BinaryIO, job: dict[str, Any]) -> Facts:
        found, thumbnail = self._measure(file, job)
        microseconds = _positive_integer(found.get("microseconds"))
        tracks = tuple(_track(each) for each in found.get("tracks", ()) if isinstance(each, dict))
        seconds = round(microseconds / 1_000_000, 3) if microseconds else None
        return Facts(seconds=seconds, tracks=tracks, thumbnail=thumbnail)

    @property
    def process_id(self) -> int | None:
        """The child's, while there is one."""
        return self._process.pid if self._process else None

    def close(self) -> None:
        """Let the child go."""
        process, self._process = self._process, None
        if process is None or self._owner != os.getpid():
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        for pipe in (process.stdin, process.stdout):
            if pipe:
                pipe.close()
        process.wait()

    def _measure(
        self, file: BinaryIO, job: dict[str, Any], content: bytearray | None = None
    ) -> tuple[Mapping[str, Any], bytes | None]:
        limits = self.limits
        job |= {"path": sys.path, "memory": limits.memory, "seconds": limits.processor, "pixels": limits.pixels}
        answer: dict[str, Any] = {}
        with self._lock:
            try:
                self._exchange(file, job, answer, content)
            except (_ChildEnded, _TimedOut) as end:
                self.close()
                if "facts" not in answer:
                    raise Unmeasurable("time" if isinstance(end, _TimedOut) else "memory") from end
            except BaseException:
                self.close()  # what the child would say next is the answer to something else
                raise
        return _facts_in(answer), _thumbnail_in(answer)

    def _exchange(self, file: BinaryIO, job: dict[str, Any], answer: dict[str, Any], content: bytearray | None) -> None:
        """Let the child measure the file; what it says becomes part of `answer` as it is said, a copy of `content`."""
        channel = _Channel(self._child_process(), self.limits.wall)
        channel.send(json.dumps(job).encode())
        for _ in range(self.limits.reads):
            message = channel.receive()
            if "ended" in message:
                answer.setdefault("unfit", "time" if message["ended"] == -signal.SIGXCPU else "memory")
                return
            if "read" in message:
                start, length = _requested_range(message["read"], job["size"])
                file.seek(start)
                channel.send(file.read(length))
            elif "copy" in message:
                _append(message["copy"], content)
            else:
                answer |= message
        raise _TimedOut

    def _child_process(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._owner != os.getpid() or self._process.poll() is not None:
            self.close()
            self._process, self._owner = _start_child(), os.getpid()
        return self._process


def _requested_range(place: object, size: int) -> tuple[int, int]:
    start, length = place if isinstance(place, list) and len(place) == len(("start", "length")) else (None, None)
    if not isinstance(start, int) or not isinstance(length, int) or not 0 <= start <= size or length < 0:
        raise _ChildEnded
    return start, min(length, PIECE)


def _append(piece: object, content: bytearray | None) -> None:
    try:
        more = binascii.a2b_base64(piece if isinstance(piece, str) else "", strict_mode=True)
    except ValueError:
        raise _ChildEnded from None
    if content is None or not 0 < len(more) <= COPY_PIECE or len(content) + len(more) > _LARGEST_COPY:
        raise _ChildEnded
    content += more


def _facts_in(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    facts = answer.get("facts")
    if isinstance(facts, dict):
        return facts
    raise Unmeasurable(str(answer.get("unfit")))


def _thumbnail_in(answer: Mapping[str, Any]) -> bytes | None:
    """The thumbnail, if it is a picture of the one type that we serve it as."""
    try:
        content = binascii.a2b_base64(answer.get("thumbnail") or "", strict_mode=True)
    except (TypeError, ValueError):
        return None
    return content if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None


def _start_child() -> subprocess.Popen[bytes]:
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    return subprocess.Popen(  # noqa: S603 - our own script
        [sys.executable, "-I", "-S", "-B", str(_CHILD)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        bufsize=0,
        start_new_session=True,  # so that all of it can be killed at once
    )


def _positive_integer(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def _track(told: Mapping[str, object]) -> Track:
    sides = _positive_integer(told.get("width")), _positive_integer(told.get("height"))
    return Track(str(told.get("type")), *sides, _positive_integer(told.get("sample_rate")), told.get("cover") is True)


# -------------------------------------------------------------------------------------------------------- messages


class _ChildEnded(Exception):
    """The child has ended, or has sent an invalid message."""


class _TimedOut(Exception):
    """The child has used up its time."""


class _Channel:
    """Messages to and from an untrusted child, with a limit on the seconds of waiting in all."""

    def __init__(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        if process.stdin is None or process.stdout is None:
            raise _ChildEnded
        self._in, self._out = process.stdin.fileno(), process.stdout.fileno()
        os.set_blocking(self._in, False)
        self._left = seconds

    def send(self, content: bytes) -> None:
        frame = memoryview(len(content).to_bytes(FRAME) + content)
        while frame:
            self._wait(self._in, select.POLLOUT)
            try:
                frame = frame[os.write(self._in, frame) :]
            except OSError as failure:
                raise _ChildEnded from failure

    def receive(self) -> dict[str, Any]:
        size = int.from_bytes(self._read(FRAME))
        if size > _LARGEST_MESSAGE:
            raise _ChildEnded
        try:
            message = json.loads(self._read(size))
        except ValueError as failure:
            raise _ChildEnded from failure
        if not isinstance(message, dict):
            raise _ChildEnded
        return message

    def _read(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            self._wait(self._out, select.POLLIN)
            got = os.read(self._out, size - len(content))
            if not got:
                raise _ChildEnded
            content += got
        return content

    def _wait(self, pipe: int, for_what: int) -> None:
        poll, began = select.poll(), time.monotonic()
        poll.register(pipe, for_what)
        ready = poll.poll(max(self._left, 0) * 1000)
        self._left -= time.monotonic() - began
        if not ready:
            raise _TimedOut


MEASURER: Final = Measurer()
"""The one of this process."""
atexit.register(MEASURER.close)
