"""Videos on Bedrock, by Luma AI: a job that writes into our bucket and is polled until it has."""

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from atelier.domain.provider import (
    Done,
    InputSource,
    JobRequest,
    LookupInconclusive,
    Refused,
    State,
    SubmitOutcomeUnknown,
    Unavailable,
    Working,
)
from atelier.providers.aws import Staging, asking, looked_up, submitting
from atelier.providers.inputs import InputNames, in_base64, options_of, same
from atelier.providers.refusals import failure_of

if TYPE_CHECKING:
    from mypy_boto3_bedrock_runtime import BedrockRuntimeClient
    from mypy_boto3_bedrock_runtime.type_defs import (
        AsyncInvokeSummaryTypeDef,
        ListAsyncInvokesRequestTypeDef,
        StartAsyncInvokeRequestTypeDef,
    )

_logger = logging.getLogger(__name__)

_INPUT_NAMES: Final[InputNames] = {
    "aspect_ratio": ("aspect_ratio", same),
    "duration": ("duration", lambda seconds: f"{seconds:g}s"),
}
_LARGEST_PAGE: Final = 1000
# Our clock need not be that of AWS.
_CLOCKS_DIFFER: Final = timedelta(minutes=5)


class Videos:
    """StartAsyncInvoke: the task's id is the client token, so a repeated start is the same job."""

    def __init__(self, runtime: "BedrockRuntimeClient", staging: Staging) -> None:
        self._runtime = runtime
        self._staging = staging

    def submit(self, job_request: JobRequest) -> str:
        """Start the job."""
        request: StartAsyncInvokeRequestTypeDef = {
            "clientRequestToken": job_request.reference,
            "modelId": job_request.model,
            "modelInput": {**options_of(job_request, _INPUT_NAMES), **_frames(job_request)},
            "outputDataConfig": {"s3OutputDataConfig": {"s3Uri": self._address(job_request)}},
        }
        with submitting():
            try:
                return self._runtime.start_async_invoke(**request)["invocationArn"]
            except self._runtime.exceptions.ConflictException as conflict:
                return self._known(job_request, conflict)

    def find(self, job_request: JobRequest) -> str | None:
        """The job whose output goes to this task's folder."""

        def page(token: str | None) -> "tuple[list[AsyncInvokeSummaryTypeDef], str | None]":
            request: ListAsyncInvokesRequestTypeDef = {
                "submitTimeAfter": job_request.created_at - _CLOCKS_DIFFER,
                "sortOrder": "Ascending",
                "maxResults": _LARGEST_PAGE,
            }
            if token:
                request["nextToken"] = token
            answer = self._runtime.list_async_invokes(**request)
            return answer.get("asyncInvokeSummaries", []), answer.get("nextToken")

        address = self._address(job_request)
        found = looked_up(
            page, lambda each: each.get("clientRequestToken") == job_request.reference or _goes_to(address, each)
        )
        return found and found["invocationArn"]

    def poll(self, job: str, job_request: JobRequest) -> State:
        """Where the job stands."""
        with asking():
            answer = self._runtime.get_async_invoke(invocationArn=job)
        status: str = answer["status"]
        if status == "Completed":
            # How the file is called is documented nowhere; beside it there may be others, about the job.
            return Done(self._staging.files(job_request, ".mp4"))
        if status == "Failed":
            message = answer.get("failureMessage") or "The provider could not make it."
            return Refused(failure_of(message))
        if status != "InProgress":
            _logger.warning("Job %s has the unknown status %s.", job, status)
        return Working()

    def _address(self, job_request: JobRequest) -> str:
        return f"s3://{self._staging.bucket}/{self._staging.folder(job_request)}"

    def _known(self, job_request: JobRequest, conflict: Exception) -> str:
        """The job that already has this token. Raises SubmitOutcomeUnknown when it is not found."""
        try:
            job = self.find(job_request)
        except (Unavailable, LookupInconclusive):
            job = None
        if job is None:
            raise SubmitOutcomeUnknown("The job was accepted earlier and cannot be found.") from conflict
        return job


def _frames(job_request: JobRequest) -> dict[str, Any]:
    """The images that the video begins and ends with, where there are any."""
    frames = {each.spec.name: _frame(each.source) for each in job_request.inputs}
    return {"keyframes": frames} if frames else {}


def _frame(source: InputSource) -> dict[str, Any]:
    media_type = source.file().content_type
    return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": in_base64(source)}}


def _goes_to(address: str, summary: "AsyncInvokeSummaryTypeDef") -> bool:
    return summary["outputDataConfig"].get("s3OutputDataConfig", {}).get("s3Uri") == address
