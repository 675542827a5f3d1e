"""The process that opens untrusted media, run as a script by `measuring`.

It says what is in a file and whether a C2PA manifest is, draws a small picture of it, and normalizes a picture of a
caller. It loads the libraries once and forks for every file, so that each file meets a fresh process whose memory and
processor time are limited. It has no network, no credentials and no file of its own: it asks its parent for the bytes
it wants.
A message is its length in four bytes, and JSON; the bytes of a file come in the same frame without JSON.
"""

import base64
import io
import json
import os
import resource
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, NoReturn

FRAME: Final = 4
PIECE: Final = 256 * 1024
"""The most bytes of a file in one frame."""
THUMBNAIL: Final = 512
"""The longest side of a thumbnail, in pixels."""
COPY_PIECE: Final = 512 * 1024
"""The most bytes of a normalized picture in one message."""
_MOST_TRACKS: Final = 32
_MEGABYTE: Final = 2**20
_QUALITY: Final = 80
_OPAQUE: Final = 255
_ORIENTATION: Final = 0x0112  # of EXIF
_LYING: Final = range(5, 9)
"""The orientations of a picture that lies on its side."""
_RATE: Final = 8000
"""Samples a second that a waveform is drawn from."""
_MOST_OF_IT: Final = 0.9  # some files only estimate how long they are
_WAVE_HEIGHT: Final = 128
_WAVE_COLOR: Final = (110, 118, 129, 255)
"""A grey that can be seen on white and on black."""
_RECORDING_OPTIONS: Final = {
    # How much is looked at to find out what is there: bytes, microseconds.
    "probesize": "2000000",
    "analyzeduration": "5000000",
    # What a video says is elsewhere is not looked for.
    "enable_drefs": "0",
    "use_absolute_path": "0",
}


class Unfit(Exception):
    """The file cannot be measured; the reason is one of `format`, `pixels`, `truncated`, `animated` and `memory`."""


# ------------------------------------------------------------------------------------------------------- messages


def _receive() -> bytes | None:
    head = _read_exactly(FRAME)
    return None if head is None else _read_exactly(int.from_bytes(head))


def _read_exactly(size: int) -> bytes | None:
    pieces = bytearray()
    while len(pieces) < size:
        got = os.read(0, size - len(pieces))
        if not got:
            return None
        pieces += got
    return bytes(pieces)


def _send(message: dict[str, Any]) -> None:
    content = json.dumps(message).encode()
    frame = len(content).to_bytes(FRAME) + content
    while frame:
        frame = frame[os.write(1, frame) :]


class _FileOfParent(io.RawIOBase):
    """The file, read through the parent."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), PIECE, max(self._size - self._at, 0))
        if not wanted:
            return 0
        _send({"read": [self._at, wanted]})
        piece = _receive()
        if piece is None:
            os._exit(0)  # nobody waits for the answer any more
        buffer[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


# ------------------------------------------------------------------------------------------------------ measuring


@contextmanager
def _opened(file: BinaryIO, job: dict[str, Any]) -> Iterator[Any]:
    """The image, of which nothing is decoded yet. Small files can unfold to gigabytes wherever they are opened."""
    from PIL import Image  # noqa: PLC0415 - loaded before the fork, or not at all

    if job["reader"] == "WEBP":
        _check_riff(file, job["size"])
    Image.MAX_IMAGE_PIXELS = job["pixels"]
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(file, formats=(job["reader"],)) as image:
                yield image
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            raise Unfit("pixels") from None


def _image(file: BinaryIO, job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    with _opened(file, job) as image:
        yield {"facts": {"width": image.width, "height": image.height}}
        yield _c2pa(job)
        yield _thumbnail(image)


def _picture(file: BinaryIO, job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A picture as every provider can read it; the facts come last, when all of it was made."""
    try:
        with _opened(file, job) as image:
            yield from _copied(image, job)
    except (OSError, SyntaxError):  # what Pillow raises when the pixels are not all there
        raise Unfit("truncated") from None


def _copied(image: Any, job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    # A JPEG of several pictures is a still with a depth map or another exposure.
    if job["reader"] != "JPEG" and getattr(image, "is_animated", False):
        raise Unfit("animated")
    width, height = image.size[:: -1 if image.getexif().get(_ORIENTATION) in _LYING else 1]
    copy, alpha = _normalized(image, job["longest"])
    if alpha is not None:
        copy.putalpha(alpha)
    copy.info = {}  # of which some savers take metadata
    form = "PNG" if alpha is not None or job["lossless"] else "JPEG"
    how = {"compress_level": 3} if form == "PNG" else {"quality": 92, "subsampling": 0}
    made = io.BytesIO()
    copy.save(made, form, **how)
    content = made.getbuffer()
    for at in range(0, len(content), COPY_PIECE):
        yield {"copy": base64.b64encode(content[at : at + COPY_PIECE]).decode()}
    sides = {"width": copy.width, "height": copy.height}
    yield _thumbnail(copy)
    yield {"facts": {"width": width, "height": height, "type": form, "alpha": alpha is not None, "copy": sides}}


def _normalized(image: Any, longest: int) -> tuple[Any, Any]:
    """The picture in sRGB, 8 bits, upright, and not too large; and its alpha channel, where that hides anything."""
    from PIL import Image, ImageOps  # noqa: PLC0415 - loaded before the fork, or not at all

    image.draft(None, (longest, longest))  # a JPEG can be decoded smaller
    image.load()
    profile, deep = image.info.get("icc_profile"), image.mode.startswith("I")
    if deep:  # 16 bits a pixel
        image = image.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    elif image.mode in ("1", "P", "PA") or image.has_transparency_data:
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail((longest, longest), Image.Resampling.LANCZOS)
    image = ImageOps.exif_transpose(image)
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    if alpha is not None:
        alpha = alpha if alpha.getextrema()[0] < _OPAQUE else None
        image = image.convert("RGB")
    return _in_srgb(image, profile), alpha


def _in_srgb(image: Any, profile: bytes | None) -> Any:
    from PIL import ImageCms  # noqa: PLC0415 - loaded before the fork, or not at all

    if profile:
        with suppress(ImageCms.PyCMSError, OSError, ValueError):  # one that does not fit the picture says nothing of it
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    return image.convert("RGB")


def _recording(file: BinaryIO, job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    import av  # noqa: PLC0415 - loaded before the fork, or not at all

    if job["reader"] == "mov":
        _check_boxes(file, job["size"])
    if job["reader"] == "wav":
        _check_riff(file, job["size"])
    reader, options = job["reader"], _RECORDING_OPTIONS
    with av.open(
        file, "r", format=reader, options=options, metadata_errors="replace", io_open=_nothing_else
    ) as container:
        tracks = [_track(each) for each in islice(container.streams, _MOST_TRACKS)]
        yield {"facts": {"microseconds": container.duration, "tracks": tracks}}
        yield _c2pa(job)
        yield _thumbnail(_waveform(container) if job["as"] == "sound" else _poster(container))


def _c2pa(job: dict[str, Any]) -> dict[str, Any]:
    from atelier.store.c2pa import find_store  # noqa: PLC0415 - found by the path that comes with the job

    return {"c2pa": find_store(_whole(job), job["reader"])}


def _track(stream: Any) -> dict[str, Any]:
    from av.stream import Disposition  # noqa: PLC0415 - loaded before the fork, or not at all

    # A track in no known coding has no measures at all, not even empty ones.
    measures = {name: getattr(stream, name, 0) or 0 for name in ("width", "height", "sample_rate")}
    # Recordings are shown with an image, which makes no video of them.
    cover = stream.type == "video" and bool(stream.disposition & Disposition.attached_pic)
    return {"type": stream.type, "cover": cover, **measures}


def _thumbnail(image: Any) -> dict[str, Any]:
    """A small WebP of the image, the way up that it is shown."""
    from PIL import ImageOps  # noqa: PLC0415 - loaded before the fork, or not at all

    if image.mode in ("1", "P", "PA"):  # the pixels of a palette cannot be mixed
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    image = ImageOps.exif_transpose(image)
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    file = io.BytesIO()
    image.save(file, "WEBP", quality=_QUALITY)
    return {"thumbnail": base64.b64encode(file.getvalue()).decode()}


def _poster(container: Any) -> Any:
    """The first image of a video."""
    from av.stream import Disposition  # noqa: PLC0415 - loaded before the fork, or not at all

    film = next(each for each in container.streams.video if not each.disposition & Disposition.attached_pic)
    film.codec_context.thread_count = 1
    frame = next(container.decode(film))
    share = min(1, THUMBNAIL / max(frame.width, frame.height))
    return frame.to_image(width=max(1, round(frame.width * share)), height=max(1, round(frame.height * share)))


def _waveform(container: Any) -> Any:
    """How loud a sound is from its beginning to its end. Raises Unfit when not all of it can be read."""
    from av import AudioResampler  # noqa: PLC0415 - loaded before the fork, or not at all
    from PIL import Image, ImageDraw  # noqa: PLC0415

    told, track = container.duration, container.streams.audio[0]
    resampler, found = AudioResampler("s16", "mono", _RATE), bytearray()
    for frame in _with_end(container.decode(track)):
        for part in resampler.resample(frame):
            found += bytes(part.planes[0])[: 2 * part.samples]
    samples = memoryview(found).cast("h")
    if not samples or (told and len(samples) / _RATE < _MOST_OF_IT * told / 1_000_000):
        raise Unfit("truncated")
    image = Image.new("RGBA", (THUMBNAIL, _WAVE_HEIGHT))
    draw, middle = ImageDraw.Draw(image), _WAVE_HEIGHT // 2
    for column in range(THUMBNAIL):
        begin, end = (len(samples) * at // THUMBNAIL for at in (column, column + 1))
        column_samples = samples[begin : max(end, begin + 1)]
        highest, lowest = max(column_samples), min(column_samples)
        loud = max(highest, -lowest) * (middle - 1) // 2**15
        draw.line((column, middle - loud, column, middle + loud), fill=_WAVE_COLOR)
    return image


def _with_end(frames: Iterator[Any]) -> Iterator[Any]:
    yield from frames
    yield None  # what a resampler has kept back comes with it


def _nothing_else(url: str, flags: int, options: dict[str, str]) -> NoReturn:  # noqa: ARG001 - PyAV calls it so
    raise FileNotFoundError("A file is looked at alone.")


# A recording that was written while it was made says that it is as long as can be said, or has no length.
_NO_LENGTH: Final = 0x7FFF0000


def _check_riff(file: BinaryIO, size: int) -> None:
    """Raise Unfit for a file that says it is longer than it is."""
    says = int.from_bytes(file.read(8)[4:], "little")
    file.seek(0)
    if says < _NO_LENGTH and says > size:
        raise Unfit("truncated")


# Of the boxes of a video, those that have others in them, and the sizes of the entries of those that are tables.
_WITHIN: Final = frozenset({b"moov", b"trak", b"mdia", b"minf", b"stbl"})
_TABLES: Final = {b"stts": 8, b"ctts": 8, b"stsc": 12, b"stco": 4, b"co64": 8, b"stss": 4}
_MOST_BOXES: Final = 20_000
_BOX_HEAD: Final = 8


def _check_boxes(file: BinaryIO, size: int) -> None:
    """Raise Unfit for a video whose boxes reach beyond its end, or whose tables tell of more than there is in it.

    FFmpeg believes a table's count before it reads the table, and takes memory for as much.
    """
    open_parts = [(0, size)]
    for _ in range(_MOST_BOXES):
        if not open_parts:
            break
        at, end = open_parts.pop()
        file.seek(at)
        head = file.read(24)
        length, name, content = _box(head, end - at)
        if length is None:
            continue  # no box: whoever reads the video will say so
        if at + length > end:
            raise Unfit("truncated")
        if at + length < end:
            open_parts.append((at + length, end))
        if name in _WITHIN:
            open_parts.append((at + len(head) - len(content), at + length))
        elif not _is_true(name, content, length, size):
            raise Unfit("truncated")
    file.seek(0)


def _box(head: bytes, rest: int) -> tuple[int | None, bytes, bytes]:
    """The length, name and first bytes of the box that begins so; None for the length when none does."""
    length, name, content = int.from_bytes(head[:4]), head[4:8], head[8:]
    if length == 1:
        length, content = int.from_bytes(head[8:16]), head[16:]
    elif length == 0:
        length = rest  # until the end
    return (length if len(head) >= _BOX_HEAD <= length else None), name, content


def _is_true(name: bytes, content: bytes, length: int, size: int) -> bool:
    """Whether a table has room for the entries that it says it has."""
    if name == b"stsz":
        each, count = int.from_bytes(content[4:8]), int.from_bytes(content[8:12])
        return count * each <= size if each else count * 4 <= length
    return int.from_bytes(content[4:8]) * _TABLES.get(name, 0) <= length


# -------------------------------------------------------------------------------------------------------- process


def _limit(memory: int, seconds: int) -> None:
    """From here on this process may take `memory` bytes more, run for `seconds`, and write no file."""
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    if sys.platform == "linux":  # elsewhere it is not enforced, or not to be set at all
        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + memory, now + memory))


def _whole(job: dict[str, Any]) -> io.BufferedReader:
    """The file, read from its beginning."""
    return io.BufferedReader(_FileOfParent(job["size"]), PIECE // 4)


def _measure(job: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The facts, the manifest, then the thumbnail if there can be one; the reason where the next cannot be had."""
    measure = {"image": _image, "picture": _picture}.get(job["as"], _recording)
    try:
        yield from measure(_whole(job), job)
    except Unfit as unfit:
        yield {"unfit": str(unfit)}
    except MemoryError:
        yield {"unfit": "memory"}
    except Exception:  # there is no list of what a broken file makes the readers of its parts raise
        yield {"unfit": "format"}


def _answer(job: dict[str, Any]) -> NoReturn:
    code = 1
    with suppress(BaseException):  # no memory even to say so: the exit says it
        _limit(job["memory"], job["seconds"])
        for message in _measure(job):
            _send(message)
        code = 0
    os._exit(code)


def _load(library: str) -> None:
    import PIL.Image  # noqa: PLC0415
    import PIL.ImageDraw  # noqa: PLC0415
    import PIL.ImageOps  # noqa: PLC0415
    import PIL.WebPImagePlugin  # noqa: PLC0415

    import atelier.store.c2pa  # noqa: F401, PLC0415

    PIL.Image.preinit()
    if library == "picture":
        import PIL.ImageCms  # noqa: PLC0415
    if library not in ("image", "picture"):
        import av  # noqa: F401, PLC0415


def serve() -> None:
    """Measure one file after the other until the parent is gone."""
    while (message := _receive()) is not None:
        job = json.loads(message)
        sys.path[:] = job["path"]
        _load(job["as"])
        child = os.fork()
        if child == 0:
            _answer(job)
        _, status = os.waitpid(child, 0)
        _send({"ended": os.waitstatus_to_exitcode(status)})


if __name__ == "__main__":
    serve()
