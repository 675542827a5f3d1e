"""fal: a queue in front of many models. A request is submitted once, and then polled by its id.

A failed request is one that is completed, with an error in its status or as its result.
"""

import logging
import re
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from itertools import zip_longest
from typing import Any, Final
from urllib.parse import quote, urlencode

from atelier.domain.money import in_dollars
from atelier.domain.provider import (
    CANCELED,
    CONTENT_POLICY,
    JOB_NOT_FOUND,
    Callback,
    Content,
    Done,
    JobRequest,
    LookupInconclusive,
    Refused,
    Remote,
    Secret,
    State,
    SubmitOutcomeUnknown,
    UnreadableAnswer,
    Waiting,
    Working,
)
from atelier.domain.tasks.record import Outcome, TaskError
from atelier.providers.fal_models import INPUT_NAMES, MODELS
from atelier.providers.fal_signatures import JOB, Signatures
from atelier.providers.forms import input_names
from atelier.providers.http import Answer, Http, accepted_content, file_at, raise_if_unavailable
from atelier.providers.inputs import InputNames, has_unique_input, input_of, is_input_of, seed_used
from atelier.providers.refusals import LONGEST_MESSAGE, failure_of, is_about_content, too_long

__all__ = ["MODELS", "Fal"]

log: Final = logging.getLogger(__name__)

_HOSTS: Final = ("fal.media",)
_FLAG: Final = re.compile(r"((has|is)_)?nsfw(_concepts?|_content)?(_detected)?")
_SET: Final = (True, 1, "true", "True")
_SEVERAL_FILES: Final = ("images", "videos", "audios")
_ONE_FILE: Final = ("image", "video", "audio", "audio_file")
# What others have had made is in the history with its inputs and outputs: pages are small, and smaller when one is not.
_PAGE: Final = 25
_SHRINKS: Final = 5
_PAGES: Final = 40
_LOOKS_FOR: Final = 20  # seconds in all
_CLOCKS: Final = timedelta(minutes=5)  # that fal's clock and ours may differ by


class Fal:
    """Requests to fal's queue, and its signed callbacks."""

    def __init__(
        self,
        http: Http,
        *,
        key: Secret,
        queue_url: str = "https://queue.fal.run",
        rest_url: str = "https://rest.fal.ai",
        api_url: str = "https://api.fal.ai/v1",
    ) -> None:
        self._http = http
        self._key = key
        self._queue_url, self._rest_url, self._api_url = queue_url, rest_url, api_url
        self._signatures = Signatures(self._published_keys)

    def submit(self, job_request: JobRequest) -> str:
        """Put the request into the queue; its id."""
        query = f"?{urlencode({'fal_webhook': job_request.callback})}" if job_request.callback else ""
        url = f"{self._queue_url}/{quote(job_request.model)}{query}"
        answer = self._http.submit(url, input_of(job_request, _input_names(job_request)), headers=self._headers())
        job = accepted_content(answer, _reason).get("request_id")
        if not isinstance(job, str) or not JOB.fullmatch(job):
            raise SubmitOutcomeUnknown("fal accepted the request without returning its id.")
        return job

    def find(self, job_request: JobRequest) -> str | None:
        """The request with the job's input. Never None: the history only has requests that have ended."""
        if not has_unique_input(job_request, _input_names(job_request)):
            raise LookupInconclusive("Other requests may have the same input.")
        for item in self._history(job_request):
            job = str(item.get("request_id"))
            if is_input_of(item.get("json_input"), job_request, _input_names(job_request)) and JOB.fullmatch(job):
                return job
        raise LookupInconclusive("fal's history does not have the request; it may still be running.")

    def poll(self, job: str, job_request: JobRequest) -> State:
        """Where the request stands."""
        try:
            return self._state(job, job_request)
        except UnreadableAnswer as failure:
            if not failure.too_long:
                raise
            return Refused(too_long("fal"), _cost(failure.headers, job_request), charged=True)

    def _state(self, job: str, job_request: JobRequest) -> State:
        answer = raise_if_unavailable(self._ask("GET", f"{_address(job_request.model, job)}/status"))
        if answer.status == HTTPStatus.NOT_FOUND:
            return Refused(TaskError(code=JOB_NOT_FOUND, message="fal does not know the request.", retryable=True))
        status = answer.result()
        match status.get("status"):
            case "IN_QUEUE":
                position = status.get("queue_position")
                return Waiting(position if isinstance(position, int) else None)
            case "IN_PROGRESS":
                return Working()
            case "COMPLETED":
                return self._ended(job, job_request, status)
            case unknown:
                log.warning("fal says %.100r about a request", unknown)
                return Waiting()

    def cancel(self, job: str, *, model: str) -> bool:
        """Signal that the request is not wanted; only one that fal does not know is certainly stopped."""
        answer = raise_if_unavailable(self._ask("PUT", f"{_address(model, job)}/cancel"))
        return answer.status == HTTPStatus.NOT_FOUND

    def verified_job(self, callback: Callback, *, now: datetime) -> str:
        """The request that a callback of fal is about."""
        return self._signatures.verified_job(callback, now=now)

    def _ended(self, job: str, job_request: JobRequest, status: dict[str, Any]) -> State:
        answer = self._ask("GET", _address(job_request.model, job))
        content = answer.result() if answer.ok else answer.json()
        cost = _cost(answer.headers, job_request)
        failed = bool(status.get("error") or status.get("error_type"))
        if answer.ok and not failed:
            return self._made(answer, content, cost, job_request)
        if answer.status == HTTPStatus.BAD_REQUEST and "in progress" in str(content.get("detail")):
            return Waiting()  # the status was ahead of the result
        if not failed and answer.status in _REFUSED_US:
            raise_if_unavailable(answer)
        if not failed and not _says_why(content) and answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            # What is answered here is what the model has answered: fal itself is there.
            text = f"fal answered {answer.status} in place of a result."
            raise UnreadableAnswer(text, headers=answer.headers, too_long=False)
        return _refused(_reason(answer, status), cost)

    def _made(self, answer: Answer, content: dict[str, Any], cost: Decimal | None, job_request: JobRequest) -> State:
        """The files of a result, unless it is a refusal that looks like one."""
        found = _files_in(content)
        flagged = frozenset(number for number, (_, is_flagged) in enumerate(found) if is_flagged)
        if found and len(flagged) == len(found):
            return Refused(_WITHHELD, cost, charged=True)
        if not found and _says_why(content):
            return _refused(_reason(answer), cost)
        said = str(content.get("description") or "")
        if not found and is_about_content(said):  # a model that can talk has said why it makes nothing
            return Refused(failure_of(said), cost, charged=True)
        seed = seed_used(content.get("seed"), job_request, _input_names(job_request))
        return Done(tuple(self._file(url) for url, _ in found), cost, flagged, seed)

    def _file(self, url: str) -> Remote | Content:
        return file_at(url, hosts=_HOSTS, api=self._queue_url)

    def _history(self, job_request: JobRequest) -> Iterator[dict[str, Any]]:
        """The requests of a model since the task was created, with their inputs, as far as they can be read."""
        start = (job_request.created_at - _CLOCKS).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        query = {"endpoint_id": job_request.model, "start": start, "limit": str(_PAGE), "expand": "payloads"}
        until = time.monotonic() + _LOOKS_FOR
        for _ in range(_PAGES):
            page = self._readable_page(query)
            yield from _objects(page.get("items"))
            query["cursor"] = str(page.get("next_cursor"))
            if not page.get("next_cursor") or not page.get("has_more") or time.monotonic() > until:
                return

    def _readable_page(self, query: dict[str, str]) -> dict[str, Any]:
        """A page, with half as many requests on it until it can be read."""
        for _ in range(_SHRINKS):
            try:
                return self._page(query)
            except UnreadableAnswer as failure:
                if not failure.too_long:
                    raise
                query["limit"] = str(max(int(query["limit"]) // 2, 1))
        raise LookupInconclusive("What is in fal's history is too long to be read.")

    def _page(self, query: Mapping[str, str]) -> dict[str, Any]:
        url = f"{self._api_url}/models/requests/by-endpoint?{urlencode(query)}"
        answer = self._http.ask("GET", url, headers=self._headers())
        if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            # The history is not for every key.
            raise LookupInconclusive(f"fal's history answered {answer.status}.")
        return raise_if_unavailable(answer).result()

    def _published_keys(self) -> dict[str, Any]:
        return raise_if_unavailable(
            self._http.ask("GET", f"{self._rest_url}/.well-known/jwks.json", headers={})
        ).result()

    def _ask(self, method: str, path: str) -> Answer:
        return self._http.ask(method, f"{self._queue_url}/{path}", headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Key {self._key()}"}


def _input_names(job_request: JobRequest) -> InputNames:
    return input_names(job_request, INPUT_NAMES)


def _address(model: str, job: str) -> str:
    """Where a request is; of the model's id only the first two parts count."""
    if not JOB.fullmatch(job):
        raise ValueError("Not the id of a request to fal.")
    return f"{quote('/'.join(model.split('/')[:2]))}/requests/{job}"


# ------------------------------------------------------------------------------------------------- in our words


def _files_in(content: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """The files of a result, whatever key the model puts them under, and which are flagged as not safe for work.

    A flagged image is usually a black one.
    """
    several = [each for name in _SEVERAL_FILES for each in _listed(content.get(name))]
    found = [*several, *(content[name] for name in _ONE_FILE if content.get(name))]
    urls = [each.get("url") if isinstance(each, dict) else each for each in found]
    told = [value if isinstance(value, list) else [value] * len(found) for value in _flags_in(content)]
    own = [any(flag in _SET for flag in _flags_in(each)) for each in found]
    flags = (any(each in _SET for each in flags) for flags in zip_longest(own, *(each[: len(found)] for each in told)))
    return [(url, is_flagged) for url, is_flagged in zip(urls, flags, strict=True) if isinstance(url, str) and url]


def _flags_in(content: object) -> list[Any]:
    """What a result, or one of its files, says of what is not safe for work: models have several names for it."""
    return [value for name, value in content.items() if _FLAG.fullmatch(name)] if isinstance(content, dict) else []


def _says_why(content: Mapping[str, Any]) -> bool:
    return bool(content.get("detail") or content.get("error_type") or content.get("error"))


def _refused(error: TaskError, cost: Decimal | None) -> Refused:
    return Refused(error, cost, outcome=Outcome.CANCELED if error.code == CANCELED else Outcome.FAILED)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in _listed(value) if isinstance(each, dict)]


def _cost(headers: Mapping[str, str], job_request: JobRequest) -> Decimal | None:
    """What fal bills. None where an option or a size changes the price: how it counts units then is not documented."""
    known = job_request.added or next((each for each in MODELS if each.id == job_request.model), None)
    price = known.price if known and not known.unit_price_varies else None
    try:
        units = Decimal(headers.get("x-fal-billable-units", ""))
    except InvalidOperation:
        return None
    return in_dollars(price.amount * units) if price and units.is_finite() and 0 <= units < _MOST_UNITS else None


def _reason(answer: Answer, status: Mapping[str, Any] | None = None) -> TaskError:
    """Why a request failed, from what fal answered and from what its status said before."""
    status = status or {}
    content = answer.json()
    detail = content.get("detail")
    first = next(iter(_objects(detail)), {})
    infrastructure = content.get("error_type") or status.get("error_type")
    code = str(first.get("type") or infrastructure or "provider_refused")
    message = first.get("msg") or (isinstance(detail, str) and detail) or status.get("error") or content.get("error")
    if code == "client_cancelled" or answer.status == _CLIENT_CLOSED:
        return TaskError(code=CANCELED, message="The request was canceled at fal.", retryable=False)
    text = str(message or f"fal answered {answer.status}: {code}")
    again = _retryable(answer, runner_failed=bool(infrastructure) and infrastructure != "bad_request")
    if first.get("type") and _CODE.fullmatch(code):
        return TaskError(code=code, message=text[:LONGEST_MESSAGE], retryable=again)
    return failure_of(text, code=code if _CODE.fullmatch(code) else "provider_refused", retryable=again)


def _retryable(answer: Answer, *, runner_failed: bool) -> bool:
    said = answer.headers.get("x-fal-retryable") or answer.headers.get("x-fal-needs-retry")
    if said is not None:
        return said.lower() in ("1", "true", "yes")
    return runner_failed or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR


_WITHHELD: Final = TaskError(
    code=CONTENT_POLICY, message="fal's safety check has marked everything that was made.", retryable=False
)
_REFUSED_US: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
_MOST_UNITS: Final = 1_000_000
_CLIENT_CLOSED: Final = 499
_CODE: Final = re.compile(r"[a-z0-9_.]{1,64}")
