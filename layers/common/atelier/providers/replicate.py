"""Replicate: predictions by many models. A prediction is created once, and then polled by its id."""

import json
import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from atelier.domain.provider import (
    CANCELED,
    JOB_NOT_FOUND,
    Callback,
    Content,
    Done,
    InvalidSignature,
    JobRequest,
    LookupInconclusive,
    Refused,
    Remote,
    Secret,
    State,
    SubmitOutcomeUnknown,
    Unavailable,
    UnreadableAnswer,
    Waiting,
    Working,
)
from atelier.domain.tasks.record import Outcome, TaskError
from atelier.domain.webhook_signatures import sign, verify
from atelier.providers.cached_keys import CachedKeys
from atelier.providers.forms import input_names
from atelier.providers.http import Answer, Http, accepted_content, file_at, raise_if_unavailable
from atelier.providers.inputs import InputNames, has_unique_input, input_of, is_input_of, seed_used
from atelier.providers.refusals import failure_of, is_about_content, too_long
from atelier.providers.replicate_models import INPUT_NAMES, MODELS

__all__ = ["MODELS", "Replicate"]

log: Final = logging.getLogger(__name__)

_JOB: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_HOSTS: Final = ("replicate.delivery",)
_EVENTS: Final = ["start", "completed"]
_PAGES: Final = 10
_LOOKED_UP: Final = 20
_CLOCKS: Final = timedelta(minutes=5)  # that Replicate's clock and ours may differ by
_STOPPED: Final = ("canceled", "aborted")
_FILES: Final = ("https://", "http://", "data:")
_DEEPEST: Final = 8
_LOGS: Final = 1000
# What the library of most image models (diffusers) writes when its safety checker has blackened some of the files.
_BLACKENED: Final = re.compile(r"[^\n]*black image will be returned[^\n]*", re.IGNORECASE)


class Replicate:
    """Predictions of Replicate, and its signed callbacks."""

    def __init__(self, http: Http, *, token: Secret, api_url: str = "https://api.replicate.com/v1") -> None:
        self._http = http
        self._token = token
        self._api_url = api_url
        self._secret = CachedKeys(self._published_secret)

    def submit(self, job_request: JobRequest) -> str:
        """Create the prediction; its id."""
        content: dict[str, Any] = {"input": input_of(job_request, _input_names(job_request))}
        if job_request.callback:
            content |= {"webhook": job_request.callback, "webhook_events_filter": _EVENTS}
        path = f"models/{quote(job_request.model)}/predictions"
        if ":" in job_request.model:
            path, content["version"] = "predictions", job_request.model
        answer = self._http.submit(f"{self._api_url}/{path}", content, headers=self._headers())
        job = accepted_content(answer, _refusal).get("id")
        if not isinstance(job, str) or not _JOB.fullmatch(job):
            raise SubmitOutcomeUnknown("Replicate accepted the prediction without returning its id.")
        return job

    def find(self, job_request: JobRequest) -> str | None:
        """The prediction with the job's input; None when no prediction since then has it."""
        model = job_request.model.partition(":")[0]
        same_model = (each for each in self._since(job_request.created_at - _CLOCKS) if each.get("model") == model)
        for each in self._with_inputs(same_model):
            if is_input_of(each["input"], job_request, _input_names(job_request)):
                if not has_unique_input(job_request, _input_names(job_request)):
                    raise LookupInconclusive("Another job may have the same input.")
                return str(each.get("id"))
        return None

    def poll(self, job: str, job_request: JobRequest) -> State:
        """Where the prediction stands."""
        try:
            return self._state(job, job_request)
        except UnreadableAnswer as failure:
            if not failure.too_long:
                raise
        with suppress(UnreadableAnswer):  # its answer is as long
            self.cancel(job, model=job_request.model)  # it may still run, and there will be nothing to be read of it
        return Refused(too_long("Replicate"))

    def _state(self, job: str, job_request: JobRequest) -> State:
        answer = raise_if_unavailable(self._ask("GET", _address(job)))
        if answer.status == HTTPStatus.NOT_FOUND:
            message = "Replicate does not know the prediction."
            return Refused(TaskError(code=JOB_NOT_FOUND, message=message, retryable=True))
        prediction = answer.result()
        match prediction.get("status"):
            case "starting":
                return Waiting()
            case "processing":
                return Working()
            case "succeeded":
                return self._made(prediction, job_request)
            case "failed" | "canceled" | "aborted" as status:
                outcome = Outcome.CANCELED if status in _STOPPED else Outcome.FAILED
                return Refused(_failure(status, prediction.get("error")), outcome=outcome)
            case unknown:
                log.warning("Replicate says %.100r about a prediction", unknown)
                return Waiting()

    def _made(self, prediction: dict[str, Any], job_request: JobRequest) -> State:
        """The files of a success. Replicate deletes what it made after an hour; there is no output then."""
        urls = _urls(prediction.get("output"))
        # Some models succeed with nothing when they have withheld everything, and say so in their logs or in its place.
        output, logs = prediction.get("output"), str(prediction.get("logs") or "")
        for said in (output if isinstance(output, str) else "", logs[-_LOGS:]):
            if not urls and is_about_content(said):
                return Refused(failure_of(said), charged=True)
        blackened = _BLACKENED.search(logs)
        if blackened and len(urls) == 1:
            return Refused(failure_of(blackened[0].strip()), charged=True)
        asked = prediction.get("input")
        told = asked.get("seed") if isinstance(asked, dict) else None
        seed = seed_used(told, job_request, _input_names(job_request))
        flagged = frozenset(range(len(urls)) if blackened else ())  # it does not say which
        return Done(tuple(self._file(url) for url in urls), flagged=flagged, seed=seed)

    def cancel(self, job: str, *, model: str) -> bool:  # noqa: ARG002 - the id alone says which prediction
        """Stop the prediction; whether it stopped before it was done."""
        answer = raise_if_unavailable(self._ask("POST", f"{_address(job)}/cancel"))
        return answer.status == HTTPStatus.NOT_FOUND or answer.json().get("status") in _STOPPED

    def verified_job(self, callback: Callback, *, now: datetime) -> str:
        """The prediction that a callback of Replicate is about."""
        self._secret.check(lambda secret: _is_signed(callback, secret, now=now), now=now)
        try:
            content = json.loads(callback.body)
        except (ValueError, RecursionError):
            content = None
        job = content.get("id") if isinstance(content, dict) else None
        if not isinstance(job, str) or not _JOB.fullmatch(job):
            raise InvalidSignature("The callback names no prediction.")
        return job

    def _since(self, moment: datetime) -> Iterator[dict[str, Any]]:
        """The predictions created since then, newest first, those that still run among them."""
        start = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        url: object = f"{self._api_url}/predictions?{urlencode({'created_after': start})}"
        for _ in range(_PAGES):
            # The token goes nowhere but to Replicate, whatever address comes back.
            if not isinstance(url, str) or not url.startswith(f"{self._api_url}/"):
                raise LookupInconclusive("Replicate's list links to a page on another host.")
            answer = raise_if_unavailable(self._readable(url))
            page = answer.json()
            if not answer.ok or not isinstance(page.get("results"), list):
                raise LookupInconclusive(f"Replicate's list of predictions answered {answer.status}.")
            yield from (each for each in page["results"] if isinstance(each, dict))
            url = page.get("next")
            if url is None:
                return
        raise LookupInconclusive("There are too many predictions to look through.")

    def _with_inputs(self, predictions: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The predictions with what they were asked, one by one where the list leaves it out."""
        looked_up = 0
        for each in predictions:
            if each.get("input"):
                yield each
                continue
            looked_up += 1
            address = f"{self._api_url}/{_address(str(each.get('id')))}"
            found = self._readable(address).json() if looked_up <= _LOOKED_UP else {}
            if not found.get("input"):
                raise LookupInconclusive("Replicate no longer has the input of one of the predictions.")
            yield found

    def _readable(self, url: str) -> Answer:
        # How many predictions there are on a page is Replicate's choice; how long each may be is bounded by what a
        # request may say. So a page that is too long has somebody else's predictions on it.
        try:
            return self._http.ask("GET", url, headers=self._headers())
        except UnreadableAnswer as failure:
            raise LookupInconclusive("What Replicate has is too long to be read.") from failure

    def _file(self, url: str) -> Remote | Content:
        return file_at(url, hosts=_HOSTS, api=self._api_url)

    def _published_secret(self) -> str:
        secret = raise_if_unavailable(self._ask("GET", "webhooks/default/secret")).json().get("key")
        try:
            sign(secret if isinstance(secret, str) else "", id_="", timestamp=0, body=b"")
        except ValueError:
            raise Unavailable("Replicate returned no webhook signing secret.") from None
        return str(secret)

    def _ask(self, method: str, path: str) -> Answer:
        return self._http.ask(method, f"{self._api_url}/{path}", headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token()}"}


def _input_names(job_request: JobRequest) -> InputNames:
    return input_names(job_request, INPUT_NAMES)


def _address(job: str) -> str:
    if not _JOB.fullmatch(job):
        raise ValueError("Not the id of a prediction.")
    return f"predictions/{job}"


def _is_signed(callback: Callback, secret: str, *, now: datetime) -> bool:
    try:
        verify(secret, callback.headers, callback.body, now=now)
    except InvalidSignature:
        return False
    return True


# ------------------------------------------------------------------------------------------------- in our words


def _urls(output: object) -> list[str]:
    """The files of an output: one, several, or somewhere in what the model answers, but not anywhere."""
    level = [output]
    urls: list[str] = []
    for _ in range(_DEEPEST):
        urls += [each for each in level if isinstance(each, str) and each.startswith(_FILES)]
        level = [child for each in level for child in _children(each)]
    return urls


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _refusal(answer: Answer) -> TaskError:
    content = answer.json()
    message = content.get("detail") or content.get("title") or f"Replicate answered {answer.status}."
    return failure_of(str(message), code="provider_refused", retryable=False)


def _failure(status: str, error: object) -> TaskError:
    if status == "canceled":
        return TaskError(code=CANCELED, message="The prediction was canceled at Replicate.", retryable=False)
    if status == "aborted":
        message = "Replicate gave up before the prediction began."
        return TaskError(code="provider_aborted", message=message, retryable=True)
    return failure_of(str(error or "The prediction failed."))
