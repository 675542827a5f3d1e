"""The loopback address of `make run`: requests to its root go to the HTTP API, as at a deployed API's host.

It is a layer over the emulator's ASGI application, in the emulator's process, and not a proxy in front of it: no second
connection, nothing to pool, nothing that could be down on its own, and the bytes of a request are parsed once.
"""

import asyncio
from typing import Any

from local.loopback import Application, Receive, Scope, Send

NO_WEBSOCKETS = 1008
BODILESS = (204, 304)


class Edge:
    """One API at the root of its own address, `at_once` requests at a time; the others wait their turn."""

    def __init__(self, emulator: Application, *, api_id: str, host: str, at_once: int) -> None:
        self._emulator = emulator
        # Under this path the emulator takes every request for the API's. Addressed by host name, paths that mean
        # something to the emulator itself (/health, /login, …) would never reach the API.
        self._prefix = f"/_aws/execute-api/{api_id}/$default"
        self._host = host.encode()
        # The emulator starts one more process for each request that finds all of a function's busy, without end.
        self._turns = asyncio.Semaphore(at_once)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, as ASGI defines it."""
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            async with self._turns:
                await self._emulator(self._addressed(scope), receive, _typed_only_with_a_body(send))
        else:
            await receive()
            await send({"type": "websocket.close", "code": NO_WEBSOCKETS})

    def _addressed(self, scope: Scope) -> Scope:
        """The same request, for the API behind the emulator's own address."""
        # The emulator also routes by host name; here there is only one host, whatever a client calls it.
        headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"host"]
        return {
            **scope,
            "path": self._prefix + _path(scope["path"]),
            "raw_path": (self._prefix + _path(scope["raw_path"].decode("ascii"))).encode("ascii"),
            "headers": [(b"host", self._host), *headers],
        }


def _path(target: str) -> str:
    """The path of a request target, which a client may also write as a whole address (`http://host/path`)."""
    return target if target.startswith("/") else "/" + target.partition("://")[2].partition("/")[2]


def _typed_only_with_a_body(send: Send) -> Send:
    """`send` without the content type that the emulator puts on every answer, for those that can have no content."""

    async def sent(message: Any) -> None:
        if message["type"] == "http.response.start" and message["status"] in BODILESS:
            headers = [(name, value) for name, value in message["headers"] if name.lower() != b"content-type"]
            message = {**message, "headers": headers}
        await send(message)

    return sent


async def _live(receive: Receive, send: Send) -> None:
    """Start and stop with the server, having nothing to do for either."""
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})
