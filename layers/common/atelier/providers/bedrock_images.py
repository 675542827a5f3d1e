"""Images on Bedrock, by the models of Stability AI: one call, and its answer is the image."""

import json
from typing import TYPE_CHECKING, Final

from pydantic import Base64Bytes, BaseModel, Field, ValidationError

from atelier.domain.provider import CONTENT_POLICY, Done, JobRequest, LookupInconclusive, State, SubmitRefused
from atelier.domain.tasks.record import TaskType
from atelier.providers.aws import Staging, refusal, submitting
from atelier.providers.inputs import InputNames, input_with_files, same, seed_used

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient

_INPUT_NAMES: Final[InputNames] = {
    "aspect_ratio": ("aspect_ratio", same),
    "seed": ("seed", same),
    "negative_prompt": ("negative_prompt", same),
}
# The model may have run, and nothing of it will come: no reason to look for it, nor to run it again unasked.
_MADE_NOTHING: Final = frozenset({"InternalServerException", "ModelErrorException", "ModelTimeoutException"})


class Images:
    """InvokeModel: the answer is the image, so the job is over, and paid, when it is accepted.

    It is never called twice for one order. A call whose answer was lost may have been paid, so it stays lost.
    """

    def __init__(self, runtime: "BedrockRuntimeClient", staging: Staging) -> None:
        self._runtime = runtime
        self._staging = staging

    def submit(self, job_request: JobRequest) -> str:
        """Have the image made, and store it."""
        body = json.dumps({"output_format": "png", **input_with_files(job_request, _names(job_request))})
        with submitting(over=_MADE_NOTHING):
            answered = self._runtime.invoke_model(modelId=job_request.model, body=body, contentType="application/json")
            answer = answered["body"].read()
        for number, image in enumerate(_images_of(answer)[: _asked(job_request)]):
            # It may be a JPEG, if that was passed through; what a file is will be told from its content.
            self._staging.put(job_request, f"{number}.png", image)
        return _job(job_request)

    def find(self, job_request: JobRequest) -> str:
        """The job of an image that has been stored; of any other nobody can tell."""
        if self._staging.files(job_request, ".png"):
            return _job(job_request)
        raise LookupInconclusive("The image may have been made and lost.")

    def poll(self, job: str, job_request: JobRequest) -> State:  # noqa: ARG002 - the job request says where its files are
        """It is over, whatever came of it."""
        seed = seed_used(None, job_request, _names(job_request))
        return Done(self._staging.files(job_request, ".png"), seed=seed)


def _names(job_request: JobRequest) -> InputNames:
    if job_request.added is not None:
        return {option: name for option, name in _INPUT_NAMES.items() if option in job_request.added.takes}
    # What works on a file alone takes no seed, nor anything else.
    return _INPUT_NAMES if job_request.type in (TaskType.IMAGE, TaskType.EDIT) else {}


_MADE: Final = "SUCCESS"  # as older models of the same maker say it; newer ones say null


def _job(job_request: JobRequest) -> str:
    return f"image-{job_request.reference}"


class _Answer(BaseModel):
    images: list[Base64Bytes] = Field(default_factory=list)
    finish_reasons: list[str | None] = Field(default_factory=list)


def _images_of(content: bytes) -> list[bytes]:
    """The images of an answer. Raises SubmitRefused when there are none and it says why."""
    try:
        answer = _Answer.model_validate_json(content)
    except ValidationError as failure:
        raise refusal("provider_failed", "The provider's answer cannot be read.", retryable=True) from failure
    # An image that was filtered out is left out of the list; one that is there beside its reason is not wanted.
    reasons = [None if reason == _MADE else reason for reason in answer.finish_reasons]
    beside = reasons if len(reasons) == len(answer.images) else [None] * len(answer.images)
    good = [image for image, reason in zip(answer.images, beside, strict=True) if not reason]
    if not good and (reason := next(filter(None, reasons), None)):
        raise _not_made(reason)
    return good


def _asked(job_request: JobRequest) -> int:
    asked = job_request.options.get("num_outputs", 1)
    return asked if isinstance(asked, int) else 1


def _not_made(reason: str) -> SubmitRefused:
    if reason.startswith("Filter reason"):
        return refusal(CONTENT_POLICY, f"The provider filtered it out. {reason}.")
    return refusal("provider_failed", f"{reason}.", retryable=True)
