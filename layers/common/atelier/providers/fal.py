"""fal: a queue in front of many models. A request is submitted once, and then asked after by its id.

A failed request is one that is completed, with an error in its status or as its result.
"""

import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote, urlencode

from atelier.domain.provider import (
    Callback,
    Done,
    JobRequest,
    LookupInconclusive,
    Refused,
    Remote,
    Secret,
    State,
    SubmitOutcomeUnknown,
    Waiting,
    Working,
)
from atelier.domain.tasks.record import TaskError
from atelier.providers.fal_models import MODELS, WORDS
from atelier.providers.fal_signatures import JOB, Signatures
from atelier.providers.http import Answer, Http, accepted, file_at, in_order
from atelier.providers.inputs import Words, input_of, is_input_of, is_unmistakable

__all__ = ["MODELS", "Fal"]

log: Final = logging.getLogger(__name__)

_HOSTS: Final = ("fal.media",)
_SEVERAL_FILES: Final = ("images", "videos")
_ONE_FILE: Final = ("image", "video", "audio", "audio_file")
_PAGES: Final = 10
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
        answer = self._http.submit(url, input_of(job_request, _words(job_request)), headers=self._headers())
        job = accepted(answer, _reason).get("request_id")
        if not isinstance(job, str) or not JOB.fullmatch(job):
            raise SubmitOutcomeUnknown("fal accepted the request and did not say under which id.")
        return job

    def find(self, job_request: JobRequest) -> str | None:
        """The request with the order's input. Never None: the history only has requests that have ended."""
        if not is_unmistakable(job_request, _words(job_request)):
            raise LookupInconclusive("Other requests may have the same input.")
        cursor = None
        for _ in range(_PAGES):
            page = self._history(job_request, cursor)
            for item in _objects(page.get("items")):
                job = str(item.get("request_id"))
                if is_input_of(item.get("json_input"), job_request, _words(job_request)) and JOB.fullmatch(job):
                    return job
            cursor = page.get("next_cursor")
            if not cursor or not page.get("has_more"):
                break
        raise LookupInconclusive("fal's history does not have the request; it may still be running.")

    def poll(self, job: str, job_request: JobRequest) -> State:
        """Where the request stands."""
        answer = in_order(self._ask("GET", f"{_address(job_request.model, job)}/status"))
        if answer.status == HTTPStatus.NOT_FOUND:
            return Refused(TaskError(code="job_not_found", message="fal does not know the request.", retryable=True))
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
        answer = in_order(self._ask("PUT", f"{_address(model, job)}/cancel"))
        return answer.status == HTTPStatus.NOT_FOUND

    def verified_job(self, callback: Callback, *, now: datetime) -> str:
        """The request that a callback of fal is about."""
        return self._signatures.verified_job(callback, now=now)

    def _ended(self, job: str, job_request: JobRequest, status: dict[str, Any]) -> State:
        answer = self._ask("GET", _address(job_request.model, job))
        content = answer.result() if answer.ok else answer.json()
        cost = _cost(answer, job_request.model)
        failed = bool(status.get("error") or status.get("error_type"))
        if answer.ok and not failed:
            return Done(tuple(self._file(url) for url in _urls(content)), cost)
        if answer.status == HTTPStatus.BAD_REQUEST and "in progress" in str(content.get("detail")):
            return Waiting()  # the status was ahead of the result
        refused_us = answer.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
        if not failed and (refused_us or not (content.get("detail") or content.get("error_type"))):
            in_order(answer)  # it is fal that is out of order, not the model
        return Refused(_reason(answer, status), cost)

    def _file(self, url: str) -> Remote:
        return file_at(url, hosts=_HOSTS, api=self._queue_url)

    def _history(self, job_request: JobRequest, cursor: object) -> dict[str, Any]:
        start = (job_request.created_at - _CLOCKS).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        query = {"endpoint_id": job_request.model, "start": start, "limit": 100, "expand": "payloads"}
        if cursor:
            query["cursor"] = str(cursor)
        url = f"{self._api_url}/models/requests/by-endpoint?{urlencode(query)}"
        answer = self._http.ask("GET", url, headers=self._headers())
        if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            # The history is not for every key.
            raise LookupInconclusive(f"fal's history answered {answer.status}.")
        return in_order(answer).result()

    def _published_keys(self) -> dict[str, Any]:
        return in_order(self._http.ask("GET", f"{self._rest_url}/.well-known/jwks.json", headers={})).result()

    def _ask(self, method: str, path: str) -> Answer:
        return self._http.ask(method, f"{self._queue_url}/{path}", headers=self._headers())

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Key {self._key()}"}


def _words(job_request: JobRequest) -> Words:
    return WORDS.get(job_request.model, {})


def _address(model: str, job: str) -> str:
    """Where a request is; of the model's id only the first two parts count."""
    if not JOB.fullmatch(job):
        raise ValueError("Not the id of a request to fal.")
    return f"{quote('/'.join(model.split('/')[:2]))}/requests/{job}"


# ------------------------------------------------------------------------------------------------- in our words


def _urls(content: Mapping[str, Any]) -> list[str]:
    """The files of a result, whatever key the model puts them under."""
    several = [each for name in _SEVERAL_FILES for each in _listed(content.get(name))]
    found = [*several, *(content[name] for name in _ONE_FILE if content.get(name))]
    urls = [each.get("url") if isinstance(each, dict) else each for each in found]
    return [url for url in urls if isinstance(url, str) and url]


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: object) -> list[dict[str, Any]]:
    return [each for each in _listed(value) if isinstance(each, dict)]


def _cost(answer: Answer, model: str) -> Decimal | None:
    price = next((each.price for each in MODELS if each.id == model), None)
    try:
        units = Decimal(answer.headers.get("x-fal-billable-units", ""))
    except InvalidOperation:
        return None
    return price.amount * units if price and units.is_finite() and 0 <= units < _MOST_UNITS else None


def _reason(answer: Answer, status: Mapping[str, Any] | None = None) -> TaskError:
    """Why a request failed, from what fal answered and from what its status said before."""
    status = status or {}
    content = {} if answer.ok else answer.json()
    detail = content.get("detail")
    first = next(iter(_objects(detail)), {})
    infrastructure = content.get("error_type") or status.get("error_type")
    code = str(first.get("type") or infrastructure or "provider_refused")
    message = first.get("msg") or (isinstance(detail, str) and detail) or status.get("error")
    if code == "client_cancelled" or answer.status == _CLIENT_CLOSED:
        return TaskError(code="canceled", message="The request was canceled at fal.", retryable=False)
    return TaskError(
        code=code if _CODE.fullmatch(code) else "provider_refused",
        message=str(message or f"fal answered {answer.status}: {code}")[:1000],
        retryable=_retryable(answer, runner_failed=bool(infrastructure) and infrastructure != "bad_request"),
    )


def _retryable(answer: Answer, *, runner_failed: bool) -> bool:
    said = answer.headers.get("x-fal-retryable") or answer.headers.get("x-fal-needs-retry")
    if said is not None:
        return said.lower() in ("1", "true", "yes")
    return runner_failed or answer.status >= HTTPStatus.INTERNAL_SERVER_ERROR


_MOST_UNITS: Final = 1_000_000
_CLIENT_CLOSED: Final = 499
_CODE: Final = re.compile(r"[a-z0-9_.]{1,64}")
