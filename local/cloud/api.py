"""The stack's own API over HTTP, as its callers see it."""

import json
from dataclasses import dataclass, field
from typing import Any, Final

from urllib3 import PoolManager, Retry

from local.errors import LocalError

TIMEOUT_SECONDS: Final = 35.0
# Throttled or busy: the API did nothing, and says when to try again.
AGAIN: Final = Retry(total=8, backoff_factor=0.5, status_forcelist=(429, 503), allowed_methods=None)


class Unexpected(LocalError):
    """The API answered something else than it promises."""


@dataclass(frozen=True, slots=True)
class Api:
    """A client of the API at `url` (`https://.../api/v3`), with a token where it asks for one."""

    url: str
    token: str = ""
    pool: PoolManager = field(default_factory=lambda: PoolManager(maxsize=16, timeout=TIMEOUT_SECONDS, retries=AGAIN))

    def call(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """The answer's JSON, None without a body. Raises Unexpected unless it has this status."""
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        if body is not None:
            headers["content-type"] = "application/json"
        content = None if body is None else json.dumps(body).encode()
        answer = self.pool.request(method, self.url + path, body=content, headers=headers)
        if answer.status != status:
            raise Unexpected(f"{method} {path}: {answer.status} instead of {status}: {answer.data[:500]!r}")
        return json.loads(answer.data) if answer.data else None

    def fetch(self, url: str) -> int:
        """How many bytes a signed URL leads to. Raises Unexpected unless it does."""
        answer = self.pool.request("GET", url)
        if answer.status != 200:  # noqa: PLR2004
            raise Unexpected(f"GET {url.partition('?')[0]}: {answer.status}")
        return len(answer.data)
