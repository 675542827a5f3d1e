"""What is in a file: its size in pixels and its length in seconds, read from the file itself without decoding it."""

import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final, NoReturn

from atelier.domain.tasks.record import TaskType
from atelier.store.media_formats import HEAD, Format, format_of, media_rejected, wrong_type
from atelier.store.s3_reader import Stored

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_OPTIONS: Final = {
    # How much is looked at to find out what is there: bytes, microseconds.
    "probesize": "2000000",
    "analyzeduration": "5000000",
    # What a film says is elsewhere is not looked for.
    "enable_drefs": "0",
    "use_absolute_path": "0",
}


@dataclass(frozen=True)
class MediaMetadata:
    """Pixels of what can be seen, seconds of what lasts; None where there are none, or the file does not say."""

    width: int | None = None
    height: int | None = None
    duration: float | None = None


def read_metadata(file: io.BytesIO | Stored, kind: TaskType) -> tuple[Format, MediaMetadata]:
    """What a file is. Raises MediaRejected when it is none of `kind`, or not what its first bytes make it seem."""
    try:
        form = format_of(file.read(HEAD) or b"", kind)
        file.seek(0)
        return form, _measures(file, form, kind)
    finally:
        # A file whose bytes could not be had is not to blame for what was missing.
        if isinstance(file, Stored) and file.failure is not None:
            raise file.failure


def _measures(file: io.BytesIO | Stored, form: Format, kind: TaskType) -> MediaMetadata:
    whole = io.BufferedReader(file) if isinstance(file, Stored) else file
    return _picture(whole, form) if kind is TaskType.IMAGE else _recording(whole, form, kind)


def _picture(file: BinaryIO, form: Format) -> MediaMetadata:
    from PIL import Image  # noqa: PLC0415 - only the worker has it

    with warnings.catch_warnings():
        # Small files can unfold to gigabytes wherever they are opened.
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(file, formats=(form.reader,)) as picture:
                width, height = picture.size
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            most = f"{Image.MAX_IMAGE_PIXELS:,}"
            raise media_rejected("media_too_large", f"The picture has more than {most} pixels.") from None
        except Exception as failure:  # there is no list of what a broken file makes the readers of its parts raise
            raise wrong_type(TaskType.IMAGE) from failure
    if not (width and height):
        raise wrong_type(TaskType.IMAGE)
    return MediaMetadata(width, height)


def _recording(file: BinaryIO, form: Format, kind: TaskType) -> MediaMetadata:
    import av  # noqa: PLC0415 - only the worker has it

    try:
        with av.open(
            file, "r", format=form.reader, options=_OPTIONS, metadata_errors="replace", io_open=_nothing_else
        ) as container:
            return _film(container) if kind is TaskType.VIDEO else _sound(container)
    except av.FFmpegError as failure:
        raise wrong_type(kind) from failure


def _nothing_else(url: str, flags: int, options: dict[str, str]) -> NoReturn:  # noqa: ARG001 - PyAV calls it so
    raise FileNotFoundError("A file is looked at alone.")


def _film(container: "InputContainer") -> MediaMetadata:
    # A track in no known coding has no measures at all, not even empty ones.
    sizes = [(getattr(track, "width", 0), getattr(track, "height", 0)) for track in _moving(container)]
    if not sizes or not all(sizes[0]):
        raise wrong_type(TaskType.VIDEO)
    return MediaMetadata(*sizes[0], duration=_seconds(container))


def _sound(container: "InputContainer") -> MediaMetadata:
    rates = [getattr(track, "sample_rate", 0) for track in container.streams.audio]
    if _moving(container) or not any(rates):
        raise wrong_type(TaskType.AUDIO)
    return MediaMetadata(duration=_seconds(container))


def _moving(container: "InputContainer") -> list["VideoStream"]:
    """The tracks of pictures, without the covers that recordings have."""
    from av.stream import Disposition  # noqa: PLC0415 - only the worker has it

    return [track for track in container.streams.video if not track.disposition & Disposition.attached_pic]


def _seconds(container: "InputContainer") -> float | None:
    microseconds = container.duration
    return round(microseconds / 1_000_000, 3) if microseconds and microseconds > 0 else None
