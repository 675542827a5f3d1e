"""The sandbox: a provider without a network. Its jobs take time, report progress, and end with real files.

`atelier_sandbox` makes the images, videos and audio. It is in a layer that only a worker with the sandbox has, and is
imported when there is something to make. This module, with the models that every catalog lists, does not need it.

It keeps no state: a job's id says when the job began and how long it takes, so that any worker can ask after it.
A prompt that is `fail:<code>` and nothing else makes the job end with that code; one that is `take:<seconds>` makes it
take so long.
"""

import hashlib
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from atelier.domain.catalog import ANY_LENGTH, SANDBOX, Model, Price, Seconds, Unit
from atelier.domain.input_files import InputRole, InputSpec
from atelier.domain.params import integer, text
from atelier.domain.provider import Content, Done, InputGone, JobRequest, Refused, State, Working
from atelier.domain.schema import utcnow
from atelier.domain.tasks.record import TaskError, TaskType

_EVERY: Final = frozenset({"num_outputs", "seed", "negative_prompt"})
# They mean nothing but another image for another value, so that requests can be tried out here.
_PARAMS: Final = (integer("steps", 1, 100), text("style", 100))
_VIDEO_SECONDS: Final = Seconds(shortest=1, default=4, longest=10)
_AUDIO_SECONDS: Final = Seconds(shortest=1, default=5, longest=30)
_PICTURE: Final = InputSpec(InputRole.REFERENCE, "image", least=1, max_side=8192)

MODELS: Final = (
    Model(
        "sandbox-image",
        SANDBOX,
        TaskType.IMAGE,
        takes=_EVERY | {"aspect_ratio", "size"},
        prompt_limit=ANY_LENGTH,
        params=_PARAMS,
        max_outputs=4,
        price=Price(Decimal(0), Unit.IMAGE),
        default=True,
    ),
    Model(
        "sandbox-video",
        SANDBOX,
        TaskType.VIDEO,
        takes=_EVERY | {"aspect_ratio", "duration"},
        prompt_limit=ANY_LENGTH,
        params=_PARAMS,
        max_outputs=4,
        seconds=_VIDEO_SECONDS,
        inputs=(
            InputSpec(InputRole.START_IMAGE, "start_image", max_side=8192),
            InputSpec(InputRole.END_IMAGE, "end_image", max_side=8192),
        ),
        price=Price(Decimal(0), Unit.VIDEO),
        default=True,
    ),
    Model(
        "sandbox-audio",
        SANDBOX,
        TaskType.AUDIO,
        takes=_EVERY | {"duration", "voice"},
        prompt_limit=ANY_LENGTH,
        params=_PARAMS,
        max_outputs=4,
        seconds=_AUDIO_SECONDS,
        price=Price(Decimal(0), Unit.AUDIO),
        default=True,
    ),
    Model(
        "sandbox-edit",
        SANDBOX,
        TaskType.EDIT,
        takes=_EVERY | {"aspect_ratio", "size"},
        prompt_limit=ANY_LENGTH,
        params=_PARAMS,
        max_outputs=4,
        inputs=(
            InputSpec(InputRole.REFERENCE, "images", many=True, least=1, most=14, max_side=8192),
            InputSpec(InputRole.MASK, "mask", formats=("image/png",), max_side=8192),
        ),
        price=Price(Decimal(0), Unit.IMAGE),
        default=True,
    ),
    Model(
        "sandbox-upscale",
        SANDBOX,
        TaskType.UPSCALE,
        takes=_EVERY | {"upscale_factor"},
        prompt_limit=ANY_LENGTH,
        params=_PARAMS,
        inputs=(_PICTURE,),
        price=Price(Decimal(0), Unit.IMAGE),
        default=True,
    ),
    Model(
        "sandbox-remove-background",
        SANDBOX,
        TaskType.REMOVE_BACKGROUND,
        takes=_EVERY,
        prompt_limit=ANY_LENGTH,
        params=_PARAMS,
        inputs=(_PICTURE,),
        price=Price(Decimal(0), Unit.IMAGE),
        default=True,
    ),
)

_DURATION: Final = re.compile(r"\s*take:(\d{1,4})\s*")
_FAILURE: Final = re.compile(r"\s*fail:([a-z0-9_]{1,64})\s*")
_ASPECTS: Final[dict[str, tuple[int, int]]] = {
    "1:1": (1024, 1024),
    "16:9": (1344, 756),
    "9:16": (756, 1344),
    "4:3": (1152, 864),
    "3:4": (864, 1152),
    "3:2": (1216, 810),
    "2:3": (810, 1216),
    "21:9": (1536, 658),
    "9:21": (658, 1536),
    "4:5": (896, 1120),
    "5:4": (1120, 896),
}
_VIDEO_SHARE: Final = 2  # videos are half as wide and high as images: they are encoded on one processor
_LONGEST_SIDE: Final = 672  # of a video over a picture: that of 16:9
_SHORTEST: Final = 0.5
_SECONDS: Final = {TaskType.VIDEO: _VIDEO_SECONDS, TaskType.AUDIO: _AUDIO_SECONDS}


class Sandbox:
    """Makes PNG, MP4 and WAV files from the prompt: the same files for the same order and seed.

    `costs` is what a job is said to cost, in US dollars; None leaves that to the list price of what was made.
    """

    def __init__(
        self,
        now_ms: Callable[[], int] = lambda: int(utcnow().timestamp() * 1000),
        *,
        costs: Decimal | None = Decimal(0),
    ) -> None:
        self._now_ms = now_ms
        self._costs = costs

    def submit(self, job_request: JobRequest) -> str:
        """Start the job; it takes one to three seconds, derived from the request, or what the prompt says."""
        asked = _DURATION.fullmatch(job_request.prompt)
        takes_ms = max(1, int(asked[1])) * 1000 if asked else 1000 + _number(job_request.reference) % 2000
        return f"sandbox-{self._now_ms()}-{takes_ms}"

    def find(self, job_request: JobRequest) -> str | None:  # noqa: ARG002 - nothing is lost when a sandbox job is begun again
        """No job is ever known: beginning again costs nothing."""
        return None

    def poll(self, job: str, job_request: JobRequest) -> State:
        """Where the job stands; the files are made when it is asked after for the last time."""
        _, began_ms, takes_ms = job.split("-")
        elapsed = (self._now_ms() - int(began_ms)) / int(takes_ms)
        if elapsed < 1:
            return Working(progress=round(max(0.0, elapsed), 2))
        if failure := _FAILURE.fullmatch(job_request.prompt):
            message = "The prompt asked the sandbox to fail."
            return Refused(TaskError(code=failure[1], message=message, retryable=False))
        try:
            files = tuple(_make(job_request, number) for number in range(_count(job_request)))
        except InputGone as gone:
            return Refused(gone.error)
        return Done(files, cost=self._costs, seed=_base_seed(job_request))

    def cancel(self, job: str, *, model: str) -> bool:  # noqa: ARG002 - all jobs are the same to it
        """Nothing runs between two polls, so it is stopped already."""
        return True


def _make(job_request: JobRequest, number: int) -> Content:
    seed = _seed(job_request) + number
    make = {
        TaskType.IMAGE: _image,
        TaskType.VIDEO: _video,
        TaskType.AUDIO: _tune,
        TaskType.EDIT: _image,
        TaskType.UPSCALE: _enlargement,
        TaskType.REMOVE_BACKGROUND: _cut_out,
    }[job_request.type]
    return Content(make(job_request, seed))


def _files(job_request: JobRequest, *roles: InputRole) -> list[bytes]:
    return [each.source.content() for each in job_request.inputs if each.spec.role in roles]


def _enlargement(job_request: JobRequest, seed: int) -> bytes:
    pictures = _files(job_request, InputRole.REFERENCE)
    if not pictures:
        return _image(job_request, seed)
    from atelier_sandbox import edits

    asked = job_request.options.get("upscale_factor")
    return edits.enlarge(pictures[0], asked if asked in (2, 4) else 2)


def _cut_out(job_request: JobRequest, seed: int) -> bytes:
    pictures = _files(job_request, InputRole.REFERENCE)
    if not pictures:
        return _image(job_request, seed)
    from atelier_sandbox import edits

    return edits.cut_out(pictures[0])


def _image(job_request: JobRequest, seed: int) -> bytes:
    from atelier_sandbox import image
    from atelier_sandbox.palette import palette_for

    width, height = _size(job_request)
    palette = palette_for(job_request.prompt, _guidelines(job_request), seed)
    if pictures := _files(job_request, InputRole.REFERENCE):
        from atelier_sandbox import edits

        size = (width, height) if job_request.options.keys() & {"size", "aspect_ratio"} else None
        mask = next(iter(_files(job_request, InputRole.MASK)), None)
        return edits.edit(pictures, job_request.prompt, palette=palette, seed=seed, size=size, mask=mask)
    return image.png(job_request.prompt, palette=palette, seed=seed, width=width, height=height)


def _video(job_request: JobRequest, seed: int) -> bytes:
    from atelier_sandbox import video
    from atelier_sandbox.palette import palette_for

    width, height = (side // _VIDEO_SHARE // 2 * 2 for side in _size(job_request, default="16:9"))
    if pictures := _files(job_request, InputRole.START_IMAGE, InputRole.REFERENCE):
        from atelier_sandbox import edits

        if "aspect_ratio" not in job_request.options:
            width, height = edits.size_of(pictures[0], _LONGEST_SIDE)
        end = next(iter(_files(job_request, InputRole.END_IMAGE)), None)
        return edits.pan(pictures[0], end, width=width, height=height, seconds=_seconds(job_request))
    palette = palette_for(job_request.prompt, _guidelines(job_request), seed)
    return video.mp4(
        job_request.prompt, palette=palette, seed=seed, width=width, height=height, seconds=_seconds(job_request)
    )


def _tune(job_request: JobRequest, seed: int) -> bytes:
    from atelier_sandbox import audio

    return audio.wav(job_request.prompt, seed=seed, seconds=_seconds(job_request))


def _guidelines(job_request: JobRequest) -> str:
    return job_request.effective_prompt.removeprefix(job_request.prompt)


# Options may come from the caller's free-form params: what the sandbox cannot use it takes its default for.


def _size(job_request: JobRequest, default: str = "1:1") -> tuple[int, int]:
    if size := re.fullmatch(r"(\d{2,4})x(\d{2,4})", str(job_request.options.get("size"))):
        return _side(size[1]), _side(size[2])
    return _ASPECTS.get(str(job_request.options.get("aspect_ratio")), _ASPECTS[default])


def _side(text: str) -> int:
    return min(max(int(text), 64), 2048)


def _seconds(job_request: JobRequest) -> float:
    asked = job_request.options.get("duration")
    known = _SECONDS[job_request.type]
    seconds = asked if isinstance(asked, int | float) else known.default
    return float(min(max(seconds, _SHORTEST), known.longest))


def _count(job_request: JobRequest) -> int:
    asked = job_request.options.get("num_outputs")
    return min(max(asked, 1), 4) if isinstance(asked, int) else 1


def _seed(job_request: JobRequest) -> int:
    words = [job_request.options.get(param.name) for param in _PARAMS]
    return (_base_seed(job_request) + (_number(repr(words)) if any(words) else 0)) % 2**32


def _base_seed(job_request: JobRequest) -> int:
    asked = job_request.options.get("seed")
    return (asked if isinstance(asked, int) else _number(job_request.reference)) % 2**32


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
