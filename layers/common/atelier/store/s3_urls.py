"""Signed URLs of the bucket's files: AWS Signature Version 4 in the query.

Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters". The time that is signed is that at which
the window began: everybody who asks within it, by the same credentials, gets the same URL, so URLs are used again. What
all URLs of a window share is made once, which leaves two digests for a new one; botocore's presigner takes fifty times
as long (ADR 0048).
"""

import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from atelier.domain.input_files import TASK_IN_URL
from atelier.domain.schema import utcnow
from atelier.domain.tasks.record import URL_LIFE, URL_WINDOW, window_begin
from atelier.store.dynamodb.credentials import Credentials, Keys
from atelier.store.dynamodb.signature import signing_key

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

_REMEMBERED: Final = 2048
"""URLs, of up to 2 KB each."""


class S3Urls:
    """Signs the addresses of keys below `base`, in which there is the bucket's name.

    A URL works for at least its life, and no longer than a window more; less where the credentials that it was signed
    with end before. Both are whole seconds.
    """

    def __init__(
        self,
        base: str,
        region: str,
        credentials: Credentials,
        *,
        life: timedelta = URL_LIFE,
        window: timedelta = URL_WINDOW,
        now: Callable[[], datetime] = utcnow,
    ) -> None:
        parts = urlsplit(base)
        self._site = f"{parts.scheme}://{parts.netloc}"
        self._host = parts.netloc
        self._path = parts.path.rstrip("/")
        self._region = region
        self._credentials = credentials
        self._window = window
        self._seconds = int((life + window).total_seconds())
        self._now = now
        self._signed = lru_cache(_REMEMBERED)(self._sign)

    def __call__(self, key: str, task_id: str | None = None) -> str:
        """A signed, expiring URL of the file; one for a task names it, which S3 ignores."""
        return self._signed(key, task_id, window_begin(self._now(), self._window), self._credentials())

    def _sign(self, key: str, task_id: str | None, begin: datetime, keys: "Keys | ReadOnlyCredentials") -> str:
        query, scope, proof = _window(keys, self._region, begin, self._seconds)
        path = f"{self._path}/{quote(key, safe='/~')}"
        # The last one in alphabetical order, as the algorithm requires.
        query = f"{query}&{TASK_IN_URL}={quote(task_id, safe='~')}" if task_id else query
        canonical = f"GET\n{path}\n{query}\nhost:{self._host}\n\nhost\nUNSIGNED-PAYLOAD"
        said = f"{scope}{sha256(canonical.encode()).hexdigest()}"
        return f"{self._site}{path}?{query}&X-Amz-Signature={hmac.digest(proof, said.encode(), 'sha256').hex()}"


@lru_cache(maxsize=2)
def _window(keys: "Keys | ReadOnlyCredentials", region: str, begin: datetime, seconds: int) -> tuple[str, str, bytes]:
    """What all URLs of a window share: the query, the head of what is signed, and the key that signs it."""
    stamp = f"{begin:%Y%m%dT%H%M%SZ}"
    scope = f"{stamp[:8]}/{region}/s3/aws4_request"
    # In alphabetical order, as the algorithm requires.
    query = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{keys.access_key}/{scope}",
        "X-Amz-Date": stamp,
        "X-Amz-Expires": str(seconds),
        **({"X-Amz-Security-Token": keys.token} if keys.token else {}),
        "X-Amz-SignedHeaders": "host",
    }
    text = "&".join(f"{name}={quote(value, safe='~')}" for name, value in query.items())
    return text, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n", signing_key(keys.secret_key, stamp[:8], region, "s3")
