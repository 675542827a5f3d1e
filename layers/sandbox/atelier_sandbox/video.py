"""The sandbox's films: the poster of the prompt, gently moving, as H.264 in MP4."""

import io
from collections.abc import Iterator

import av
from av.container import OutputContainer
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from PIL import Image

from .palette import Palette
from .scene import Scene, compose

# `veryfast` costs two thirds of the default here, for files no larger. One thread: how x264
# splits work between threads may show in its output.
_ENCODER = {"preset": "veryfast", "crf": "18", "threads": "1", "tune": "animation"}

# The index goes before the frames, so that a browser plays before it has the whole file, and
# no version or date is written.
_CONTAINER = {"movflags": "+faststart", "fflags": "+bitexact"}

_TURN = 6.0  # seconds, about, that the shapes take to come round


def mp4(prompt: str, *, palette: Palette, seed: int, width: int, height: int, seconds: float, fps: int = 24) -> bytes:
    """Return an MP4 film of `prompt` lasting `seconds`, to the nearest frame and at least one.

    The film is `width` x `height` pixels, an odd side trimmed by one because the pixel format
    halves them; its last frame leads back to its first. The same arguments give the same bytes.
    Raises ValueError if a side is shorter than 16 pixels.
    """
    scene = compose(prompt, palette=palette, seed=seed, width=width - width % 2, height=height - height % 2)
    count = max(1, round(seconds * fps))
    return film(_turning(scene, count, fps), scene.ground.size, fps)


def film(pictures: Iterator[Image.Image], size: tuple[int, int], fps: int = 24) -> bytes:
    """Return an MP4 film of RGB pictures, each of `size`, whose sides must be even."""
    file = io.BytesIO()

    # To move the index to the front, FFmpeg reads back the file that it is still writing.
    def read_back(*_: object) -> io.BytesIO:
        return io.BytesIO(file.getvalue())

    with av.open(file, "w", format="mp4", options=_CONTAINER, io_open=read_back) as container:
        track = _track(container, size, fps)
        for picture in pictures:
            container.mux(track.encode(_frame(picture)))
        container.mux(track.encode(None))
    return file.getvalue()


def _track(container: OutputContainer, size: tuple[int, int], fps: int) -> VideoStream:
    """Add the picture track, labelled with the colour space browsers assume for film."""
    track = container.add_stream("libx264", rate=fps, options=_ENCODER)
    track.width, track.height = size
    track.pix_fmt = "yuv420p"
    codec = track.codec_context
    codec.colorspace, codec.color_range = Colorspace.ITU709, ColorRange.MPEG
    codec.color_primaries, codec.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return track


def _turning(scene: Scene, count: int, fps: int) -> Iterator[Image.Image]:
    """Yield `count` pictures over a whole number of turns, so that the film loops without a jump."""
    turns = max(1, round(count / fps / _TURN))
    return (scene.frame(number * turns / count) for number in range(count))


def _frame(picture: Image.Image) -> av.VideoFrame:
    # PyAV takes four bytes a pixel; Pillow keeps RGB so, and hands it over without converting.
    frame = av.VideoFrame.from_bytes(picture.tobytes("raw", "RGBX"), *picture.size, format="rgba")
    return frame.reformat(format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG)
