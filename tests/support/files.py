"""Real files of every type that is kept, with the measures that they were made with."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any, Final

import av
from PIL import Image

from atelier.domain.tasks.record import TaskType

WIDTH: Final = 160
HEIGHT: Final = 90
SECONDS: Final = 1.5
_FPS: Final = 24
_RATE: Final = 48_000
_FRAME: Final = 960  # samples


@dataclass(frozen=True)
class Sample:
    """A file, what it is, and what it is stored as."""

    kind: TaskType
    content_type: str
    extension: str
    make: Callable[[], bytes]

    @property
    def content(self) -> bytes:
        """The file."""
        return self.make()

    def __str__(self) -> str:
        return self.content_type


@cache
def image(form: str, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    """An image, by Pillow's name of its format: as large as it can be, because there is no pattern in it."""
    file = io.BytesIO()
    _noise(width, height, 0).save(file, form)
    return file.getvalue()


def _noise(width: int, height: int, seed: int) -> Image.Image:
    return Image.frombytes("RGB", (width, height), Random(seed).randbytes(width * height * 3))


@cache
def recording(form: str, video: str | None = None, audio: str | None = None, quality: str = "30") -> bytes:
    """A recording of `SECONDS`, by FFmpeg's names of its container and encoders."""
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        film: Any = container.add_stream(video, rate=_FPS, options={"crf": quality, "b": "0"}) if video else None
        sound: Any = container.add_stream(audio, rate=_RATE) if audio else None
        if film:
            film.width, film.height, film.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            for number in range(int(SECONDS * _FPS)):
                frame = av.VideoFrame.from_image(_noise(WIDTH, HEIGHT, number))  # type: ignore[no-untyped-call]
                container.mux(film.encode(frame))
            container.mux(film.encode(None))
        if sound:
            for start in range(0, int(SECONDS * _RATE), _FRAME):
                container.mux(sound.encode(_silence(sound, start)))
            container.mux(sound.encode(None))
    return file.getvalue()


def _silence(sound: Any, start: int) -> av.AudioFrame:
    frame = av.AudioFrame(sound.codec_context.format.name, sound.codec_context.layout.name, _FRAME)
    frame.sample_rate, frame.pts = _RATE, start
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame


IMAGES: Final = tuple(
    Sample(TaskType.IMAGE, f"image/{form.lower()}", extension, lambda form=form: image(form))  # type: ignore[misc]
    for form, extension in [("PNG", "png"), ("JPEG", "jpg"), ("WEBP", "webp"), ("GIF", "gif")]
)
VIDEOS: Final = (
    Sample(TaskType.VIDEO, "video/mp4", "mp4", lambda: recording("mp4", "libx264", "aac")),
    Sample(TaskType.VIDEO, "video/quicktime", "mov", lambda: recording("mov", "libx264")),
    Sample(TaskType.VIDEO, "video/webm", "webm", lambda: recording("webm", "libvpx-vp9", "libopus")),
)
SOUNDS: Final = (
    Sample(TaskType.AUDIO, "audio/mpeg", "mp3", lambda: recording("mp3", None, "libmp3lame")),
    Sample(TaskType.AUDIO, "audio/wav", "wav", lambda: recording("wav", None, "pcm_s16le")),
    Sample(TaskType.AUDIO, "audio/ogg", "ogg", lambda: recording("ogg", None, "libopus")),
    Sample(TaskType.AUDIO, "audio/flac", "flac", lambda: recording("flac", None, "flac")),
    Sample(TaskType.AUDIO, "audio/mp4", "m4a", lambda: recording("ipod", None, "aac")),
    Sample(TaskType.AUDIO, "audio/webm", "webm", lambda: recording("webm", None, "libopus")),
)
SAMPLES: Final = (*IMAGES, *VIDEOS, *SOUNDS)

NEVER_KEPT: Final = {
    "html": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "xml": b'<?xml version="1.0"?><svg/>',
    "zip": b"PK\x03\x04" + bytes(60),
    "pdf": b"%PDF-1.7\n" + bytes(60),
    "program": b"\x7fELF" + bytes(60),
    "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\nfile:///etc/passwd\n",
    "list": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "json": b'{"detail": "Not found"}',
    "bmp": b"BM" + bytes(60),
    "tiff": b"II*\x00" + bytes(60),
    "avif": b"\x00\x00\x00\x1cftypavif" + bytes(60),
    "mkv": b"\x1aE\xdf\xa3\x93\x42\x82\x88matroska" + bytes(60),
    "avi": b"RIFF\x00\x00\x00\x00AVI LIST" + bytes(60),
    "aac": b"\xff\xf1\x50\x80" + bytes(60),
    "layer II": b"\xff\xfd\x90\x00" + bytes(60),
    "utf-16": "\ufeff<html>".encode("utf-16-le"),
    "nothing": b"",
    "a little": b"\xff",
}
