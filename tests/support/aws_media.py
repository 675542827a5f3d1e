"""Bedrock and Polly as far as our adapters know them: jobs, books of what is paid, and faults on request."""

import base64
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from tests.support.aws_shapes import Answered
from tests.support.provider_server import Books, words_in

REFUSALS: Final = {
    "throttled": "ThrottlingException",
    "unavailable": "ServiceUnavailableException",
    "not_ready": "ModelNotReadyException",
    "quota": "ServiceQuotaExceededException",
    "denied": "AccessDeniedException",
    "invalid": "ValidationException",
    "model_error": "ModelErrorException",
    "model_timeout": "ModelTimeoutException",
    "internal": "InternalServerException",
    "service_failure": "ServiceFailureException",
}
_REASONS: Final = {"filtered": "Filter reason: prompt", "inference_error": "Inference error"}
_VOICES: Final = {
    "Joanna": ("standard", "neural"),
    "Matthew": ("standard", "neural", "generative"),
    "Ruth": ("neural", "long-form", "generative"),
}
_ACCOUNT: Final = "arn:aws:bedrock:us-west-2:123456789012:async-invoke/"

# --------------------------------------------------------------------------------- what AWS says of the models


def _text(longest: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and len(value) <= longest


def _one_of(*known: str) -> Callable[[Any], bool]:
    return lambda value: value in known


_IMAGE: Final[dict[str, Callable[[Any], bool]]] = {
    "prompt": _text(10_000),
    "negative_prompt": _text(10_000),
    "aspect_ratio": _one_of("16:9", "1:1", "21:9", "2:3", "3:2", "4:5", "5:4", "9:16", "9:21"),
    "seed": lambda value: isinstance(value, int) and 0 <= value < 2**32,
    "output_format": _one_of("jpeg", "png"),
    "mode": _one_of("text-to-image"),
    "image": _text(25 * 2**20),
    "mask": _text(25 * 2**20),
}
_VIDEO: Final[dict[str, Callable[[Any], bool]]] = {
    "prompt": lambda value: isinstance(value, str) and 1 <= len(value) <= 5000,
    "aspect_ratio": _one_of("1:1", "16:9", "9:16", "4:3", "3:4", "21:9", "9:21"),
    "duration": _one_of("5s", "9s"),
    "resolution": _one_of("540p", "720p"),
    "loop": lambda value: isinstance(value, bool),
    "keyframes": lambda value: isinstance(value, dict),
}


def _check_input(rules: dict[str, Callable[[Any], bool]], given: dict[str, Any]) -> None:
    wrong = sorted(name for name, value in given.items() if name not in rules or not rules[name](value))
    if wrong or not given.keys() & {"prompt", "image"}:
        raise Answered("ValidationException", f"Malformed input request: {', '.join(wrong) or 'prompt'}")


# ------------------------------------------------------------------------------------------------- jobs and books


@dataclass
class Job:
    """One accepted job: where it writes, and how often it was asked after."""

    id: str
    model: str
    prompt: str
    bucket: str = ""
    folder: str = ""
    token: str | None = None
    sent: dict[str, Any] = field(default_factory=dict)
    field_errors: frozenset[str] = frozenset()
    since: datetime = field(default_factory=lambda: datetime.now(UTC))
    asked: int = 0


@dataclass
class AwsMedia:
    """What Bedrock and Polly remember. A job is over when it has been asked after for the third time."""

    s3: Any
    books: Books = field(default_factory=Books)
    page_size: int = 100
    paid: list[Job] = field(default_factory=list)
    _happened: set[str] = field(default_factory=set)

    def over(self) -> None:
        """Let every job come to its end now."""
        for job in self.paid:
            job.asked = 2
            if job.folder and not job.field_errors & {"failed", "stuck", "odd"}:
                self._store(job)

    # -- Bedrock

    def invoke_model(self, *, modelId: str, body: bytes, **_: Any) -> dict[str, Any]:  # noqa: N803 - as AWS says
        """An image, at once."""
        given = json.loads(body)
        _check_input(_IMAGE, given)
        field_errors = self._faults(given.get("prompt", ""))
        if reason := next((_REASONS[each] for each in field_errors if each in _REASONS), None):
            return {"finish_reasons": [reason]}
        self._accept(Job(uuid.uuid4().hex, modelId, given.get("prompt", ""), sent=given, field_errors=field_errors))
        image = base64.b64encode(file_of("png")).decode()
        return {"seeds": [given.get("seed", 1)], "finish_reasons": [None], "images": [image]}

    def start_async_invoke(self, **given: Any) -> dict[str, Any]:
        """A video, some time; the same one for the same token."""
        _check_input(_VIDEO, given["modelInput"])
        token = given.get("clientRequestToken")
        if before := next((job for job in self.paid if token and job.token == token), None):
            if before.sent != given:
                raise Answered("ConflictException", "The token was used with other parameters.")
            return {"invocationArn": before.id}
        field_errors = self._faults(given["modelInput"]["prompt"])
        address = given["outputDataConfig"]["s3OutputDataConfig"]["s3Uri"]
        bucket, _, folder = address.removeprefix("s3://").partition("/")
        job = Job(_ACCOUNT + uuid.uuid4().hex[:12], given["modelId"], given["modelInput"]["prompt"], bucket, folder)
        job.token, job.sent, job.field_errors = token, given, field_errors
        self._accept(job)
        return {"invocationArn": job.id}

    def get_async_invoke(self, *, invocationArn: str) -> dict[str, Any]:  # noqa: N803 - as AWS says
        """Where a video stands."""
        job = self._asked_after(invocationArn, unknown="ValidationException")
        return self._video(job)

    def list_async_invokes(self, **given: Any) -> dict[str, Any]:
        """All videos, the oldest first."""
        since = datetime.fromisoformat(given.get("submitTimeAfter", "2020-01-01T00:00:00Z"))
        videos = [job for job in self.paid if job.token is not None and job.since > since]
        page, token = self._page(videos, given.get("nextToken"))
        return {"asyncInvokeSummaries": [self._video(job) for job in page], **({"nextToken": token} if token else {})}

    def _video(self, job: Job) -> dict[str, Any]:
        return {
            "invocationArn": job.id,
            "modelArn": f"arn:aws:bedrock:us-west-2::foundation-model/{job.model}",
            "clientRequestToken": job.token,
            "status": self._status(job, "InProgress", "InProgress", "Completed", "Failed"),
            "submitTime": job.since.isoformat(),
            "outputDataConfig": job.sent["outputDataConfig"],
            **({"failureMessage": "It could not be made."} if "failed" in job.field_errors else {}),
        }

    # -- Polly

    def start_speech_synthesis_task(self, **given: Any) -> dict[str, Any]:
        """Speech, some time."""
        engine = given.get("Engine", "standard")
        field_errors = self._faults(given["Text"])
        if engine not in _VOICES.get(given["VoiceId"], ("standard",)):
            raise Answered("EngineNotSupportedException", "This voice does not support the selected engine.")
        folder = given.get("OutputS3KeyPrefix", "")
        job = Job(str(uuid.uuid4()), engine, given["Text"], given["OutputS3BucketName"], folder)
        job.sent, job.field_errors = given, field_errors
        self._accept(job)
        return {"SynthesisTask": self._speech(job)}

    def get_speech_synthesis_task(self, *, TaskId: str) -> dict[str, Any]:  # noqa: N803 - as AWS says
        """Where a speech stands."""
        return {"SynthesisTask": self._speech(self._asked_after(TaskId, unknown="SynthesisTaskNotFoundException"))}

    def list_speech_synthesis_tasks(self, **given: Any) -> dict[str, Any]:
        """All speeches."""
        speeches = [job for job in self.paid if "Text" in job.sent]
        page, token = self._page(speeches, given.get("NextToken"))
        return {"SynthesisTasks": [self._speech(job) for job in page], **({"NextToken": token} if token else {})}

    def _speech(self, job: Job) -> dict[str, Any]:
        copied: dict[str, Any] = {
            name: job.sent[name] for name in ("VoiceId", "OutputFormat", "Engine") if name in job.sent
        }
        return {
            **copied,
            "TaskId": job.id,
            "TaskStatus": self._status(job, "scheduled", "inProgress", "completed", "failed"),
            "OutputUri": f"https://s3.us-east-1.amazonaws.com/{job.bucket}/{_key(job)}",
            "CreationTime": job.since.timestamp(),
            "RequestCharacters": len(job.prompt),
            **({"TaskStatusReason": "It could not be said."} if "failed" in job.field_errors else {}),
        }

    # -- both

    def _faults(self, prompt: str) -> frozenset[str]:
        """What a prompt wants to go wrong now. Raises Answered when that is a refusal."""
        happened = prompt in self._happened
        self._happened.add(prompt)
        wanted = words_in(prompt).values()
        found = {each.removesuffix("_once") for each in wanted if not (happened and each.endswith("_once"))}
        for name in found & REFUSALS.keys():
            raise Answered(REFUSALS[name], f"The prompt asked for {name}.")
        return frozenset(found)

    def _accept(self, job: Job) -> None:
        self.paid.append(job)
        self.books.note("paid", id=job.id, model=job.model, prompt=job.prompt)

    def _asked_after(self, job_id: str, *, unknown: str) -> Job:
        job = next((job for job in self.paid if job.id == job_id), None)
        if job is None:
            raise Answered(unknown, "There is no such job.")
        job.asked += 1
        if job.asked == 3 and not job.field_errors & {"failed", "stuck", "odd"}:
            self._store(job)
        return job

    def _status(self, job: Job, waiting: str, working: str, done: str, failed: str) -> str:
        if "odd" in job.field_errors:
            return "Pondering"
        if job.asked <= 2 or "stuck" in job.field_errors:
            return waiting if job.asked <= 1 else working
        return failed if "failed" in job.field_errors else done

    def _store(self, job: Job) -> None:
        key = _key(job)
        self.s3.put_object(Bucket=job.bucket, Key=key, Body=file_of(key.rpartition(".")[2]))
        if "Text" not in job.sent:
            self.s3.put_object(Bucket=job.bucket, Key=f"{job.folder}manifest.json", Body=b"{}")

    def _page(self, jobs: list[Job], token: str | None) -> tuple[list[Job], str | None]:
        start = int(token or 0)
        end = start + self.page_size
        return jobs[start:end], str(end) if end < len(jobs) else None


def _key(job: Job) -> str:
    return f"{job.folder}.{job.id}.mp3" if "Text" in job.sent else f"{job.folder}output.mp4"


@cache
def file_of(extension: str) -> bytes:
    """A file as a model makes it: png, mp3 or mp4."""
    # The encoders take a while to load.
    from tests.support import files  # noqa: PLC0415

    if extension == "png":
        return files.image("PNG", 64, 64)
    return files.recording("mp3", None, "libmp3lame") if extension == "mp3" else files.recording("mp4", "libx264")
