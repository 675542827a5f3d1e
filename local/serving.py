"""The emulator and the edge in front of it, on two sockets of one event loop."""

import asyncio
import json
import time
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hypercorn.asyncio import serve as serve_application
from hypercorn.config import Config
from ministack.app import app as emulator  # type: ignore[import-untyped]
from ministack.core import lambda_runtime  # type: ignore[import-untyped]
from ministack.services import lambda_svc, sqs  # type: ignore[import-untyped]

from local import fair_queues, forking, lineage
from local.edge import Edge
from local.invocations import describe
from local.loopback import LoopbackOnly

KEEP_ALIVE_SECONDS = 75


async def serve(options: Namespace, home: Path, opened: asyncio.Event) -> None:
    """Serve the emulator, and from `opened` on the edge, until canceled."""
    forking.install(lambda_runtime)
    lineage.install(lambda_svc, sqs)
    fair_queues.install(sqs)
    _record_invocations(home / "invocations.jsonl")
    edge = Edge(emulator, api_id=options.api_id, host=options.host, at_once=options.at_once)
    endpoint = asyncio.create_task(_serve_on(options.endpoint, LoopbackOnly(emulator)))
    await opened.wait()
    await asyncio.gather(endpoint, _serve_on(options.edge, LoopbackOnly(edge)))


async def _serve_on(descriptor: int, application: Any) -> None:
    config = Config()
    config.bind = [f"fd://{descriptor}"]
    config.keep_alive_timeout = KEEP_ALIVE_SECONDS
    config.include_server_header = False
    config.loglevel = "WARNING"
    await serve_application(application, config, shutdown_trigger=asyncio.Event().wait)


def _record_invocations(path: Path) -> None:
    """From now on, append what every invocation did to the file, as it ends.

    The emulator also keeps logs as CloudWatch does, but in one stream for each invocation, so that following them
    would cost more with every request; and its live tail leaves functions out.
    """
    dispatch: Callable[..., Mapping[str, Any]] = lambda_svc._execute_function_dispatch  # noqa: SLF001 - no public hook

    def recorded(
        function: Any, config: Mapping[str, Any], event: Any, request_id: str, started: float
    ) -> Mapping[str, Any]:
        result = dispatch(function, config, event, request_id, started)
        line = describe(config["FunctionName"], event, result, seconds=time.time() - started)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        return result

    lambda_svc._execute_function_dispatch = recorded  # noqa: SLF001
