"""One user's requests: paced, timed, and each compared with the expected answer."""

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPConnection, HTTPException
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urlsplit

API: Final = "/api/v3"
TIMEOUT_SECONDS: Final = 30.0
MOST_ERRORS: Final = 20
"""After so many, a person gives up: what follows would say nothing new."""


class Wrong(Exception):
    """An answer is not what it has to be, or there is none."""


@dataclass(frozen=True, slots=True)
class Period:
    """From one moment to another, by the monotonic clock."""

    begins: float
    ends: float

    def has(self, moment: float) -> bool:
        """Whether it is in it."""
        return self.begins <= moment < self.ends


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Message
    content: bytes

    def json(self) -> Any:
        """Its body. Raises ValueError."""
        return json.loads(self.content)


class Took(NamedTuple):
    """How many milliseconds a request took that began so many seconds into the measured time."""

    began: float
    milliseconds: float


@dataclass(slots=True)
class Record:
    """What came of requests, by kind. Those before and after the measured time count as `aside`."""

    aside: int = 0
    took: defaultdict[str, list[Took]] = field(default_factory=lambda: defaultdict(list))
    errors: defaultdict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def failed(self) -> int:
        """How many errors there are."""
        return sum(map(len, self.errors.values()))

    def add(self, other: "Record") -> None:
        """Count another person's as well."""
        self.aside += other.aside
        for kind, took in other.took.items():
            self.took[kind] += took
        for kind, said in other.errors.items():
            self.errors[kind] += said


class Calls:
    """Connections of one user, kept open, with a pause before each request."""

    def __init__(self, url: str, token: str, *, pauses: Iterator[float], measured: Period, record: Record) -> None:
        self.record = record
        self._measured = measured
        self._connections: dict[str, HTTPConnection] = {}
        self._url = url
        self._authorization = f"Bearer {token}"
        self._pauses = pauses
        self._kind = ""

    def send(
        self,
        method: str,
        route: str,
        *ids: str,
        status: int | tuple[int, ...] = 200,
        what: str = "",
        kind: str = "",
        query: dict[str, Any] | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Ask the API, and be answered with `status`. Raises Wrong.

        Requests are counted by `kind`: their method, their route (`{}` stands for an id) and `what` is special.
        """
        self._kind = kind or f"{method} {route.replace('{}', '{id}')}" + (f", {what}" if what else "")
        path = API + route.format(*ids) + (f"?{urlencode(query)}" if query else "")
        ours = {"Authorization": self._authorization, "Content-Type": "application/json", **(headers or {})}
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        answer = self._exchange(self._url, method, path, content, ours)
        wanted = (status,) if isinstance(status, int) else status
        self.check(answer.status in wanted, f"{method} {path}: {answer.status}: {answer.content[:500]!r}")
        self.check(bool(answer.headers["X-Request-Id"]), f"{method} {path}: no X-Request-Id")
        return answer

    def fetch(self, url: str, kind: str) -> Answer:
        """Read a file by its own URL, as a browser does. Raises Wrong."""
        self._kind = kind
        parts = urlsplit(url)
        answer = self._exchange(f"{parts.scheme}://{parts.netloc}", "GET", f"{parts.path}?{parts.query}", None, {})
        self.check(answer.status == 200, f"{url}: {answer.status}: {answer.content[:500]!r}")  # noqa: PLR2004 - HTTP's
        return answer

    def upload(self, url: str, headers: dict[str, str], content: bytes, kind: str) -> None:
        """Store a file at its own URL. Raises Wrong."""
        self._kind = kind
        parts = urlsplit(url)
        answer = self._exchange(
            f"{parts.scheme}://{parts.netloc}", "PUT", f"{parts.path}?{parts.query}", content, headers
        )
        self.check(answer.status == 200, f"{url}: {answer.status}: {answer.content[:500]!r}")  # noqa: PLR2004 - HTTP's

    def check(self, holds: bool, otherwise: str) -> None:
        """Raise Wrong, as an error of the latest request, if something does not hold."""
        if not holds:
            self.blame(otherwise)
            raise Wrong(otherwise)

    def blame(self, what: str) -> None:
        """Count an error of the latest request."""
        self.record.errors[self._kind].append(what)

    def _exchange(self, url: str, method: str, target: str, content: bytes | None, headers: dict[str, str]) -> Answer:
        time.sleep(next(self._pauses))
        if url not in self._connections:
            self._connections[url] = HTTPConnection(urlsplit(url).netloc, timeout=TIMEOUT_SECONDS)
        connection = self._connections[url]
        began = time.monotonic()
        try:
            connection.request(method, target, content, headers)
            response = connection.getresponse()
            answer = Answer(response.status, response.headers, response.read())
        except (OSError, HTTPException) as failure:
            connection.close()
            self.check(False, f"{method} {target}: {failure!r} after {time.monotonic() - began:.1f} s")
            raise
        self._count(began)
        return answer

    def _count(self, began: float) -> None:
        if self._measured.has(began):
            took = Took(began - self._measured.begins, (time.monotonic() - began) * 1000)
            self.record.took[self._kind].append(took)
        else:
            self.record.aside += 1
