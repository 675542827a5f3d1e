"""The emulator and the edge in front of it, on two sockets of one event loop."""

import asyncio
from argparse import Namespace
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve as serve_application
from hypercorn.config import Config
from ministack.app import app as emulator  # type: ignore[import-untyped]

from local import invocations
from local.edge import Edge

KEEP_ALIVE_SECONDS = 75


async def serve(options: Namespace, home: Path, opened: asyncio.Event) -> None:
    """Serve the emulator, and from `opened` on the edge, for ever."""
    invocations.record(home / "invocations.jsonl")
    edge = Edge(emulator, api_id=options.api_id, host=options.host, at_once=options.at_once)
    endpoint = asyncio.create_task(_serve_on(options.endpoint, emulator))
    await opened.wait()
    await asyncio.gather(endpoint, _serve_on(options.edge, edge))


async def _serve_on(descriptor: int, application: Any) -> None:
    config = Config()
    config.bind = [f"fd://{descriptor}"]
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.include_server_header = False
    config.loglevel = "WARNING"
    await serve_application(application, config, shutdown_trigger=asyncio.Event().wait)
