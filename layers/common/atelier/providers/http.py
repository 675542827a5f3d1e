"""The adapters' HTTP client: one attempt, short timeouts, bounded responses, translated errors.

Every request has a connection of its own. A worker sleeps between two invocations, and a connection that the provider
has closed meanwhile would make its next request fail in a way that leaves open whether it was heard.
"""

import io
import json
import re
import ssl
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from atelier.domain.provider import Content, Remote, SubmitOutcomeUnknown, SubmitRefused, Unavailable, UnreadableAnswer
from atelier.domain.tasks.record import TaskError

LARGEST_ANSWER: Final = 10 * 1024 * 1024
_PATIENCE: Final = urllib3.Timeout(connect=3, read=15)
_ALWAYS: Final = {"Connection": "close", "Accept": "application/json", "User-Agent": "atelier"}
KEY_REFUSED: Final = "The provider refused our key."
_TOO_MANY: Final = HTTPStatus.TOO_MANY_REQUESTS
_NOT_NOW: Final = (_TOO_MANY, HTTPStatus.SERVICE_UNAVAILABLE)
_OUR_KEY: Final = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_GAVE_UP: Final = HTTPStatus.REQUEST_TIMEOUT
_GATEWAYS: Final = (HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT)
_BEYOND_HTTP: Final = 520  # from here on they are Cloudflare's, about the server behind it


class Transport(Protocol):
    """What sends a request: a `urllib3.PoolManager`, or what takes its place in tests."""

    def request(self, method: str, url: str, **options: Any) -> urllib3.BaseHTTPResponse:
        """Send one request and return the answer, unread."""

    def clear(self) -> None:
        """Forget every connection that is not in use."""


def transport() -> urllib3.PoolManager:
    """The transport of production; the certificates that it trusts are loaded once."""
    return urllib3.PoolManager(ssl_context=ssl.create_default_context())


@dataclass(frozen=True)
class Answer:
    """An answer, read whole. The names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the request was carried out."""
        return 200 <= self.status < 300  # noqa: PLR2004 - what 2xx means

    def json(self) -> dict[str, Any]:
        """The JSON object of the body; empty when it is none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def result(self) -> dict[str, Any]:
        """The JSON object of the body. Raises UnreadableAnswer when it is none: somebody else may have answered."""
        content = self.json()
        if not content and self.body.strip() != b"{}":
            raise UnreadableAnswer("The provider's answer could not be read.", headers=self.headers, too_long=False)
        return content

    @property
    def retry_after(self) -> float | None:
        """How many seconds the provider asks us to wait, if it says so."""
        value = self.headers.get("retry-after", "").strip()
        if re.fullmatch(r"[0-9]{1,6}", value):
            return float(value)
        try:
            # The moment is by the provider's clock, and so is the moment of the answer.
            wait = parsedate_to_datetime(value) - parsedate_to_datetime(self.headers.get("date", ""))
        except (ValueError, TypeError):
            return None
        return max(0.0, wait.total_seconds())


class _Body(io.BytesIO):
    """A body that knows whether any of it was handed to the connection."""

    touched = False

    def read(self, size: int | None = -1, /) -> bytes:
        self.touched = True
        return super().read(size)


class Http:
    """Requests over a transport. Redirects are answers like any other; nothing is ever sent twice."""

    def __init__(self, transport: Transport, *, patience: urllib3.Timeout = _PATIENCE) -> None:
        self._transport = transport
        self._patience = patience

    def ask(self, method: str, url: str, *, headers: Mapping[str, str]) -> Answer:
        """The answer to a request that may be repeated.

        Raises Unavailable when there is none, and UnreadableAnswer when it is longer than any may be.
        """
        try:
            return self._send(method, url, headers=dict(headers))
        except HTTPError as failure:
            raise Unavailable(f"{_host(url)} did not answer.") from failure

    def submit(self, url: str, content: Mapping[str, Any], *, headers: Mapping[str, str]) -> Answer:
        """The answer to a request that must not be repeated.

        Raises Unavailable when certainly nobody read it, and SubmitOutcomeUnknown when somebody may have.
        """
        encoded = json.dumps(content).encode()
        body = _Body(encoded)
        described = {"Content-Type": "application/json", "Content-Length": str(len(encoded)), **headers}
        try:
            return self._send("POST", url, headers=described, body=body)
        except UnreadableAnswer as failure:
            raise SubmitOutcomeUnknown(f"{_host(url)} answered too much to a submit.", reached=True) from failure
        except HTTPError as failure:
            if body.touched:
                raise SubmitOutcomeUnknown(f"{_host(url)} did not answer to a submit.") from failure
            # Not a byte of the body has left: no name, no connection, no handshake, or it broke right after.
            raise Unavailable(f"{_host(url)} could not be reached.") from failure

    def _send(self, method: str, url: str, *, headers: dict[str, str], body: _Body | None = None) -> Answer:
        self._transport.clear()  # not every server that is asked to close a connection says that it will
        response = self._transport.request(
            method,
            url,
            headers={**_ALWAYS, **headers},
            body=body,
            timeout=self._patience,
            retries=False,
            redirect=False,
            preload_content=False,
        )
        try:
            read = response.read(LARGEST_ANSWER + 1, decode_content=True)
        finally:
            response.close()
        received = {name.lower(): value for name, value in response.headers.items()}
        if len(read) > LARGEST_ANSWER:
            raise UnreadableAnswer("The provider's answer is too long.", headers=received, too_long=True)
        return Answer(response.status, received, read)


def file_at(url: str, *, hosts: tuple[str, ...], api: str) -> Remote | Content:
    """A file of a provider: on its hosts, and where its API is at a plain http address (a fake), there as well.

    One that is in its address, as some models have it, is here already.
    """
    if inline := _INLINE.match(url):
        with suppress(ValueError):
            return Content(b64decode(url[inline.end() :], validate=True))
    own = urlsplit(api)
    if own.scheme == "http" and own.hostname:
        return Remote(url, (*hosts, own.hostname), plain_http=True)
    return Remote(url, hosts)


_INLINE: Final = re.compile(r"data:[\w.+-]+/[\w.+-]+(;[\w=.+-]+)*;base64,", re.ASCII)


def _host(url: str) -> str:
    return urlsplit(url).hostname or "The provider"


# ---------------------------------------------------------------------------------------- what an answer comes to


def accepted_content(answer: Answer, reason: Callable[[Answer], TaskError]) -> dict[str, Any]:
    """The content of a provider's answer to a submit, when that says yes; `reason` puts a no into our words.

    Raises SubmitRefused, Unavailable or SubmitOutcomeUnknown.
    """
    if answer.ok:
        return answer.json()
    if answer.status in _NOT_NOW:
        raise Unavailable("The provider is overloaded.", after=answer.retry_after)
    if answer.status in _OUR_KEY:
        # What the provider says about keys is not for the caller's eyes.
        raise SubmitRefused(TaskError(code="provider_auth", message=KEY_REFUSED, retryable=False))
    if 400 <= answer.status < 500 and answer.status != _GAVE_UP:  # noqa: PLR2004 - what 4xx means
        raise SubmitRefused(reason(answer))
    raise SubmitOutcomeUnknown(
        f"The provider answered {answer.status} to a submit.", reached=is_about_the_job(answer.status)
    )


def raise_if_unavailable(answer: Answer) -> Answer:
    """The answer, unless it says that the provider cannot answer now, or not to us. Raises Unavailable."""
    if answer.status in _OUR_KEY:
        raise Unavailable(KEY_REFUSED)
    if answer.status == _TOO_MANY or answer.status >= 500:  # noqa: PLR2004 - what 5xx means
        text, reached = f"The provider answered {answer.status}.", is_about_the_job(answer.status)
        raise Unavailable(text, after=answer.retry_after, reached=reached)
    return answer


def is_about_the_job(status: int) -> bool:
    """Whether such an answer may have been provoked by one job alone. The gateways' own are about the provider."""
    return status not in (_TOO_MANY, *_GATEWAYS) and status < _BEYOND_HTTP
