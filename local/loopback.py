"""Who may speak to a local run: programs of this machine, and web pages that this machine serves.

A page from anywhere else can have its reader's browser send requests to a loopback address, under a name of its own
that leads here (DNS rebinding) or across origins. The first is told by its Host, the second by its Origin.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers = Iterable[tuple[bytes, bytes]]

FORBIDDEN = 403
ALLOW_ORIGIN = b"access-control-allow-origin"


class LoopbackOnly:
    """An ASGI application for callers of this machine; no answer of it is readable for any other origin."""

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI defines it."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
        elif reason := refusal(scope):
            await _refuse(send, reason)
        else:
            await self._application(scope, receive, _for_origin(_values(scope["headers"], b"origin"), send))


def refusal(scope: Scope) -> str | None:
    """Why a request is not served, None when it is."""
    hosts = [_decoded(value) for value in _values(scope["headers"], b"host")]
    target = scope.get("raw_path") or b""
    if b"://" in target.partition(b"/")[0] + target[:8]:
        hosts.append(urlsplit(_decoded(target)).netloc)  # a whole address instead of a path
    if not all(map(is_loopback, hosts)):
        return "This is a local run: address it as 127.0.0.1 or localhost."
    origins = [_decoded(value) for value in _values(scope["headers"], b"origin")]
    if not all(map(is_loopback_origin, origins)):
        return "This is a local run: it serves no pages of other machines."
    return None


def is_loopback(authority: str) -> bool:
    """Whether a host, with or without a port, is this machine."""
    try:
        parts = urlsplit(f"//{authority}")
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.netloc != authority or "@" in authority or parts.path:
        return False
    return host == "localhost" or host.endswith(".localhost") or _is_loopback_address(host)


def is_loopback_origin(origin: str) -> bool:
    """Whether a page's origin is this machine; `null` is not."""
    scheme, separator, authority = origin.partition("://")
    return bool(separator) and scheme in ("http", "https") and is_loopback(authority)


def _is_loopback_address(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _values(headers: Headers, name: bytes) -> list[bytes]:
    return [value for each, value in headers if each.lower() == name]


def _decoded(value: bytes) -> str:
    return value.decode("latin-1")


async def _refuse(send: Send, reason: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"x-content-type-options", b"nosniff")]
    await send({"type": "http.response.start", "status": FORBIDDEN, "headers": headers})
    await send({"type": "http.response.body", "body": f"{reason}\n".encode()})


def _for_origin(origins: list[bytes], send: Send) -> Send:
    """`send` with the asking page's origin where the emulator allows every one, and with none where nobody asks."""

    async def sent(message: Any) -> None:
        if message["type"] == "http.response.start" and _values(message["headers"], ALLOW_ORIGIN):
            others = [(name, value) for name, value in message["headers"] if name.lower() != ALLOW_ORIGIN]
            allowed = [(ALLOW_ORIGIN, origins[0])] if origins else []
            message = {**message, "headers": [*others, *allowed, (b"vary", b"Origin")]}
        await send(message)

    return sent
