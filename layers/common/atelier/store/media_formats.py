"""Accepted media formats, recognised by their first bytes, and their size limits.

What a server says a file is counts for nothing: what is stored here is opened by browsers under the type we give it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from atelier.domain.pipeline_ports import MediaRejected
from atelier.domain.tasks.record import TaskError, TaskType

MIB: Final = 2**20
HEAD: Final = 128
"""How many of a file's first bytes it takes to tell its type."""

LIMITS: Final = {TaskType.IMAGE: 64 * MIB, TaskType.AUDIO: 256 * MIB, TaskType.VIDEO: 1024 * MIB}


@dataclass(frozen=True)
class Format:
    """One type of file, and what the library that measures it calls it."""

    content_type: str
    extension: str
    reader: str


def _begins_with(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(signatures)


def _is_riff(form: bytes) -> Callable[[bytes], bool]:
    return lambda head: head[:4] == b"RIFF" and head[8:12] == form


def _is_webm(head: bytes) -> bool:
    # Its plain relative, Matroska, differs in the name of its document type only; browsers do not play that one.
    return head.startswith(b"\x1aE\xdf\xa3") and re.search(rb"\x42\x82.{1,8}?webm", head, re.DOTALL) is not None


def _is_mp3(head: bytes) -> bool:
    return head.startswith(b"ID3") or _is_mp3_frame(head[:3])


def _is_mp3_frame(head: bytes) -> bool:
    """Whether a frame of MPEG audio, layer III, begins here: eleven bits set, and nothing that is reserved."""
    if len(head) < 3 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:  # noqa: PLR2004 - the bits of the header
        return False
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    bit_rate, sample_rate = head[2] >> 4, head[2] >> 2 & 3
    return version != 1 and layer == 1 and bit_rate not in (0, 15) and sample_rate != 3  # noqa: PLR2004


_IMAGES: Final = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1")


def _is_quicktime(head: bytes) -> bool:
    # Before there were brands, a video began with any of its parts.
    return head[4:12] == b"ftypqt  " or head[4:8] in (b"moov", b"mdat", b"wide")


def _is_mp4(head: bytes) -> bool:
    return head[4:8] == b"ftyp" and len(head) > 11 and head[8:12] not in (*_IMAGES, b"qt  ")  # noqa: PLR2004


_FORMATS: Final[dict[TaskType, tuple[tuple[Format, Callable[[bytes], bool]], ...]]] = {
    TaskType.IMAGE: (
        (Format("image/png", "png", "PNG"), _begins_with(b"\x89PNG\r\n\x1a\n")),
        (Format("image/jpeg", "jpg", "JPEG"), _begins_with(b"\xff\xd8\xff")),
        (Format("image/webp", "webp", "WEBP"), _is_riff(b"WEBP")),
        (Format("image/gif", "gif", "GIF"), _begins_with(b"GIF87a", b"GIF89a")),
    ),
    TaskType.VIDEO: (
        (Format("video/mp4", "mp4", "mov"), _is_mp4),
        (Format("video/quicktime", "mov", "mov"), _is_quicktime),
        (Format("video/webm", "webm", "matroska"), _is_webm),
    ),
    TaskType.AUDIO: (
        (Format("audio/mpeg", "mp3", "mp3"), _is_mp3),
        (Format("audio/wav", "wav", "wav"), _is_riff(b"WAVE")),
        (Format("audio/ogg", "ogg", "ogg"), _begins_with(b"OggS")),
        (Format("audio/flac", "flac", "flac"), _begins_with(b"fLaC")),
        (Format("audio/mp4", "m4a", "mov"), _is_mp4),
        (Format("audio/webm", "webm", "matroska"), _is_webm),
    ),
}


def format_of(head: bytes, kind: TaskType) -> Format:
    """The format of a file, by its first `HEAD` bytes. Raises MediaRejected unless it is of `kind`."""
    for form, matches in _FORMATS[kind]:
        if matches(head):
            return form
    raise wrong_type(kind)


def check_size(size: int, kind: TaskType) -> None:
    """Raise MediaRejected if a file of `kind` may not have `size` bytes."""
    if size > LIMITS[kind]:
        most = LIMITS[kind] // MIB
        raise media_rejected("media_too_large", f"The file is larger than {most} MiB, the most for {kind}.")


def wrong_type(kind: TaskType) -> MediaRejected:
    """The error of a file of another type."""
    return media_rejected("media_wrong_type", f"Unsupported {kind} format.")


def media_rejected(code: str, message: str) -> MediaRejected:
    """The error of a file that is rejected for good."""
    return MediaRejected(TaskError(code=code, message=message, retryable=False))
