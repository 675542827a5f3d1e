"""Amazon Bedrock, for accounts that have nothing but AWS: images of Stability AI and videos of Luma AI.

No callbacks: jobs are polled. Both write into our own bucket; Bedrock writes videos there itself.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from atelier.domain.catalog import Lifecycle, Model, Price, PriceSource, Seconds, Unit
from atelier.domain.input_files import InputRole, InputSpec
from atelier.domain.params import boolean, choice
from atelier.domain.provider import JobRequest, State
from atelier.domain.tasks.record import TaskType
from atelier.providers.aws import Staging
from atelier.providers.bedrock_images import Images
from atelier.providers.bedrock_videos import Videos

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from mypy_boto3_s3 import S3Client

BEDROCK: Final = "bedrock"
MAKERS: Final = ("stability", "luma")
"""Whose models the worker's role may invoke (template.yaml). Each maker's models have fields of their own."""


def maker_of(model: str) -> str | None:
    """Whose model an id names. That of an inference profile says before the maker where the model runs."""
    return next((part for part in model.split(".")[:2] if part in MAKERS), None)


# ------------------------------------------------------------------------------------------------------ models

_IMAGE_RATIOS: Final = ("1:1", "16:9", "9:16", "3:2", "2:3", "4:5", "5:4", "21:9", "9:21")
_VIDEO_RATIOS: Final = ("16:9", "1:1", "9:16", "4:3", "3:4", "21:9", "9:21")


def _image(model: str, *aliases: str, default: bool = False) -> Model:
    # Without a price: AWS Marketplace bills these by region, and publishes no list that could be quoted here.
    return Model(
        id=model,
        provider=BEDROCK,
        type=TaskType.IMAGE,
        takes=frozenset({"aspect_ratio", "seed", "negative_prompt"}),
        aliases=aliases,
        prompt_limit=10_000,
        aspect_ratios=_IMAGE_RATIOS,
        params=(choice("output_format", "png", "jpeg", default="png"),),
        default=default,
    )


def _retired(model: str, kind: TaskType, replacement: str) -> Model:
    return Model(id=model, provider=BEDROCK, type=kind, lifecycle=Lifecycle.RETIRED, replacement=replacement)


# A request may have 25 MB, in which the files are in base64: four bytes for three.
_IMAGE: Final = InputSpec(InputRole.REFERENCE, "image", least=1, min_side=64, max_side=4096, max_bytes=12 * 10**6)
# Fast upscale takes 1,024 pixels to a megapixel, and makes each side four times as long.
_SMALL_IMAGE: Final = replace(_IMAGE, min_side=32, max_side=1024)
_MASK: Final = InputSpec(InputRole.MASK, "mask", max_bytes=4 * 10**6)


_FRAME: Final[Mapping[str, Any]] = {
    "formats": ("image/jpeg", "image/png"),
    "min_side": 512,
    "max_side": 4096,
    "max_bytes": 8 * 10**6,
}


def _service(name: str, kind: TaskType, *inputs: InputSpec, **more: Any) -> Model:
    """One of Stability AI's image services, which Bedrock has by inference profiles only.

    Fields and sizes are those of AWS's own client of them (awslabs, bedrock_image_mcp_server), read 2026-11-29.
    """
    # A JPEG has no transparency.
    formats = ("png",) if kind is TaskType.REMOVE_BACKGROUND else ("png", "jpeg")
    return Model(
        id=f"us.stability.{name}-v1:0",
        provider=BEDROCK,
        type=kind,
        aliases=(name,),
        inputs=inputs,
        params=(choice("output_format", *formats, default="png"),),
        **more,
    )


_CORE: Final = "stability.stable-image-core-v1:1"
_RAY: Final = "luma.ray-v2:0"

MODELS: Final = (
    _image(_CORE, "stable-image-core", default=True),
    _image("stability.stable-image-ultra-v1:1", "stable-image-ultra"),
    _image("stability.sd3-5-large-v1:0", "sd3.5-large"),
    Model(
        id=_RAY,
        provider=BEDROCK,
        type=TaskType.VIDEO,
        takes=frozenset({"aspect_ratio", "duration"}),
        aliases=("luma-ray2",),
        seconds=Seconds(5, 5, 9, only=(5, 9)),
        aspect_ratios=_VIDEO_RATIOS,
        inputs=(
            InputSpec(InputRole.START_IMAGE, "frame0", **_FRAME),
            InputSpec(InputRole.END_IMAGE, "frame1", **_FRAME),
        ),
        # Which resolution is taken when none is told, and paid for, is documented nowhere.
        params=(
            choice("resolution", "540p", "720p", default="720p", always_sent=True, price_factors={"720p": Decimal(2)}),
            boolean("loop", default=False),
        ),
        # Of 540p; AWS Marketplace bills it by region. From others' lists, 2026-11.
        price=Price(Decimal("0.75"), Unit.SECOND, as_of=date(2026, 11, 22), source=PriceSource.THIRD_PARTY),
        default=True,
    ),
    _service(
        "stable-image-inpaint",
        TaskType.EDIT,
        _IMAGE,
        _MASK,
        takes=frozenset({"seed", "negative_prompt"}),
        prompt_limit=10_000,
        default=True,
    ),
    _service(
        "stable-image-style-guide",
        TaskType.EDIT,
        _IMAGE,
        takes=frozenset({"seed", "negative_prompt", "aspect_ratio"}),
        prompt_limit=10_000,
        aspect_ratios=_IMAGE_RATIOS,
    ),
    _service("stable-fast-upscale", TaskType.UPSCALE, _SMALL_IMAGE, prompt_limit=0, default=True),
    _service("stable-image-remove-background", TaskType.REMOVE_BACKGROUND, _IMAGE, prompt_limit=0, default=True),
    _retired("amazon.nova-canvas-v1:0", TaskType.IMAGE, _CORE),
    _retired("amazon.nova-reel-v1:0", TaskType.VIDEO, _RAY),
    _retired("amazon.nova-reel-v1:1", TaskType.VIDEO, _RAY),
)


# ----------------------------------------------------------------------------------------------------- adapter


class Bedrock:
    """Both kinds of jobs. Nothing can be stopped once it is accepted.

    `runtime` must make one attempt only: a second one could be paid a second time.
    """

    def __init__(self, runtime: "BedrockRuntimeClient", s3: "S3Client", bucket: str) -> None:
        staging = Staging(s3, bucket)
        self._images = Images(runtime, staging)
        self._videos = Videos(runtime, staging)

    def submit(self, job_request: JobRequest) -> str:
        """Submit the job: an image is generated and stored at once, a video is started."""
        return self._jobs(job_request).submit(job_request)

    def find(self, job_request: JobRequest) -> str | None:
        """The job of a request. Raises LookupInconclusive for an image: one not in our bucket may still be paid."""
        return self._jobs(job_request).find(job_request)

    def poll(self, job: str, job_request: JobRequest) -> State:
        """Where the job stands."""
        return self._jobs(job_request).poll(job, job_request)

    def cancel(self, job: str, *, model: str) -> bool:  # noqa: ARG002 - there is no such operation
        """Never: Bedrock finishes what it has accepted."""
        return False

    def _jobs(self, job_request: JobRequest) -> Images | Videos:
        return self._videos if job_request.type is TaskType.VIDEO else self._images
