"""Files on a provider's servers, read as they come: from the hosts that the provider names, and from nowhere else."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from urllib3 import BaseHTTPResponse, PoolManager, Timeout
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import Url, parse_url

from atelier.domain.provider import Remote, Unavailable
from atelier.domain.tasks.record import TaskType
from atelier.store.media_formats import check_size, media_rejected

_PATIENCE: Final = Timeout(connect=5, read=20)
_HEADERS: Final = {"accept": "*/*", "accept-encoding": "identity", "user-agent": "atelier"}
# A name or an address, a port, and a path: no credentials, and nothing that two readers could read in two ways.
_NAME: Final = r"[a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:.]+\]"
_PLAIN: Final = re.compile(rf"https?://({_NAME})(:\d+)?([/?#][^\x00-\x20\x7f\\]*)?", re.IGNORECASE | re.ASCII)
_NOT_NOW: Final = (408, 425, 429)
_OK: Final = 200
_HTTPS_PORT: Final = 443


def place_of(remote: Remote) -> Url:
    """The URL to fetch a file from. Raises MediaRejected if it names a host that is not allowed."""
    if not _PLAIN.fullmatch(remote.url):
        raise media_rejected("media_refused", "The address of the file is not a plain URL.")
    try:
        # Read by what will connect: a second opinion on what is the host could be another one.
        url = parse_url(remote.url)
    except LocationParseError:
        raise media_rejected("media_refused", "The address of the file is not a URL.") from None
    if fault := _fault(url, remote):
        raise media_rejected("media_refused", f"The address of the file {fault}.")
    return url


def _fault(url: Url, remote: Remote) -> str | None:
    host = (url.host or "").lower()
    if url.scheme != "https" and not remote.plain_http:
        return "is not https"
    if not any(host == each.lower() or host.endswith(f".{each.lower()}") for each in remote.hosts if each):
        return "is not one of the provider's"
    if url.scheme == "https" and _is_address(host):
        return "is a number, not a name"
    if url.port not in (None, _HTTPS_PORT) and not remote.plain_http:
        return "has a port of its own"
    return None


def _is_address(host: str) -> bool:
    # Not only 192.0.2.1 and [::1]: resolvers take 3221225985 and 0xc0.0.2.1 for addresses as well.
    return host.startswith("[") or re.fullmatch(r"\d+|0x[0-9a-f]*", host.rsplit(".", 1)[-1]) is not None


class Download:
    """The bytes of one answer: at most what its kind may have, and exactly as many as the server promised."""

    def __init__(self, answer: BaseHTTPResponse, kind: TaskType) -> None:
        self._answer = answer
        self._kind = kind
        self._ahead = b""
        self.size = 0

    def peek(self, size: int) -> bytes:
        """The first bytes, which `read` will bring again; fewer than `size` only if there are no more."""
        self._ahead = self._filled(size)
        return self._ahead

    def read(self, size: int = -1) -> bytes:
        """The next bytes; fewer than `size` only at the end. Raises MediaRejected over the limit, Unavailable."""
        if 0 <= size <= len(self._ahead):
            wanted_now, self._ahead = self._ahead[:size], self._ahead[size:]
            return wanted_now
        ahead, self._ahead = self._ahead, b""
        wanted = size - len(ahead) if size >= 0 else None
        return ahead + self._filled(wanted) if ahead else self._filled(wanted)

    def _filled(self, size: int | None) -> bytes:
        try:
            got = self._answer.read(size)
        except HTTPError as failure:
            raise Unavailable(f"The file broke off after {self.size} bytes.") from failure
        self.size += len(got)
        if self._answer.length_remaining and (size is None or len(got) < size):
            raise Unavailable(f"The file ended after {self.size} bytes, before it should.")
        check_size(self.size, self._kind)
        return got


@contextmanager
def download(remote: Remote, kind: TaskType, http: PoolManager) -> Iterator[Download]:
    """The file, to be read while the context lasts. Raises MediaRejected, or Unavailable when it may be had later."""
    url = place_of(remote)
    try:
        # No key of the provider goes along, and no redirect is followed: the host would be another one.
        answer = http.request(
            "GET",
            url.url,
            headers=_HEADERS,
            timeout=_PATIENCE,
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
    except HTTPError as failure:
        raise Unavailable(f"{url.host} could not be reached.") from failure
    try:
        _check(answer, url, kind)
        yield Download(answer, kind)
    finally:
        # What was not read is not waited for.
        answer.close()


def _check(answer: BaseHTTPResponse, url: Url, kind: TaskType) -> None:
    if answer.status >= 500 or answer.status in _NOT_NOW:  # noqa: PLR2004 - the range of server errors
        raise Unavailable(f"{url.host} answered {answer.status}.")
    if answer.status != _OK:
        raise media_rejected("media_unavailable", f"{url.host} answered {answer.status} when asked for the file.")
    length = answer.headers.get("content-length", "")
    if length.isascii() and length.isdigit():
        check_size(int(length), kind)
