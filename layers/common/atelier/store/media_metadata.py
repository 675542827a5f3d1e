"""What is in a file: its pixels, its seconds and a thumbnail of it, as the process that may open it says."""

import io
from dataclasses import dataclass, field
from typing import BinaryIO, Final

from atelier.domain.tasks.record import C2pa, TaskType
from atelier.store.measuring import MEASURER, Facts, Unmeasurable
from atelier.store.media_formats import HEAD, Format, format_of, media_rejected, wrong_type
from atelier.store.s3_reader import S3Reader


@dataclass(frozen=True)
class MediaMetadata:
    """Pixels of what can be seen, seconds of what lasts; None where there are none, or the file does not say.

    `c2pa` says whether a manifest is embedded, `thumbnail` is a WebP of the image, of a video's first image or of a
    sound's waveform, where one could be made.
    """

    width: int | None = None
    height: int | None = None
    duration: float | None = None
    c2pa: C2pa = C2pa.UNKNOWN
    thumbnail: bytes | None = field(default=None, repr=False)


def read_metadata(file: io.BytesIO | S3Reader, kind: TaskType) -> tuple[Format, MediaMetadata]:
    """What a file is. Raises MediaRejected when it is none of `kind`, or not what its first bytes make it seem."""
    try:
        form = format_of(file.read(HEAD) or b"", kind)
        file.seek(0)
        return form, _metadata(file, form, kind)
    finally:
        # A file whose bytes could not be had is not to blame for what was missing.
        if isinstance(file, S3Reader) and file.failure is not None:
            raise file.failure


def _metadata(file: io.BytesIO | S3Reader, form: Format, kind: TaskType) -> MediaMetadata:
    whole = io.BufferedReader(file) if isinstance(file, S3Reader) else file
    try:
        return _image(whole, form) if kind is TaskType.IMAGE else _recording(whole, form, kind)
    except Unmeasurable as failure:
        raise _refusal(failure.reason, kind) from failure


def _image(file: BinaryIO, form: Format) -> MediaMetadata:
    facts = MEASURER.image(file, _size(file), form.reader)
    if not (facts.width and facts.height):
        raise wrong_type(TaskType.IMAGE)
    return MediaMetadata(facts.width, facts.height, c2pa=facts.c2pa, thumbnail=facts.thumbnail)


def _recording(file: BinaryIO, form: Format, kind: TaskType) -> MediaMetadata:
    if kind is TaskType.VIDEO:
        return _video(MEASURER.video(file, _size(file), form.reader))
    return _audio(MEASURER.sound(file, _size(file), form.reader))


def _video(facts: Facts) -> MediaMetadata:
    sizes = [(track.width, track.height) for track in facts.tracks if track.type == "video" and not track.cover]
    if not sizes or not all(sizes[0]):
        raise wrong_type(TaskType.VIDEO)
    return MediaMetadata(*sizes[0], duration=facts.seconds, c2pa=facts.c2pa, thumbnail=facts.thumbnail)


def _audio(facts: Facts) -> MediaMetadata:
    moving = any(track.type == "video" and not track.cover for track in facts.tracks)
    if moving or not any(track.sample_rate for track in facts.tracks if track.type == "audio"):
        raise wrong_type(TaskType.AUDIO)
    return MediaMetadata(duration=facts.seconds, c2pa=facts.c2pa, thumbnail=facts.thumbnail)


def _size(file: BinaryIO) -> int:
    size = file.seek(0, io.SEEK_END)
    file.seek(0)
    return size


_TOO_MUCH: Final = "Opening the file takes more memory or time than any file is given."


def _refusal(reason: str, kind: TaskType) -> Exception:
    match reason:
        case "pixels":
            return media_rejected("media_too_large", f"The image has more than {MEASURER.limits.pixels:,} pixels.")
        case "truncated":
            return media_rejected("media_wrong_type", "The file ends before the end that it says it has.")
        case "memory" | "time":
            return media_rejected("media_too_large", _TOO_MUCH)
        case _:
            return wrong_type(kind)
