"""Starts a first process of every function, so that no first request waits for one."""

import json
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from threading import Thread
from typing import Any

from local import deployment, routes

# An event that no function can mistake for work: there is nothing in it.
EMPTY_BATCH = json.dumps({"Records": []}).encode()
WARM_SECONDS = 30.0


def warm_api(plan: deployment.Plan, endpoint: str, *, token: str | None = None) -> None:
    """Send every function of the API one harmless request, and wait. What fails here will fail again in use."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    pool = ThreadPoolExecutor()
    try:
        wait([pool.submit(_read, endpoint, path, headers) for path in harmless_reads(plan.template)])
    finally:
        # Somebody who interrupts this wants to stop, and not to wait for it.
        pool.shutdown(wait=False, cancel_futures=True)


def warm_consumers(plan: deployment.Plan, endpoint: str) -> None:
    """Start the functions behind queues and streams in the background, one after another: the API is used meanwhile."""

    def warm() -> None:
        for name in plan.consumers:
            _quietly(_invoke, endpoint, name)

    Thread(target=warm, daemon=True).start()


def harmless_reads(template: dict[str, Any]) -> list[str]:
    """For every function of the API that reads, one path: of a list, or of something that does not exist."""
    chosen: dict[str, str] = {}
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::ApiGatewayV2::Route":
            method, _, path = resource["Properties"]["RouteKey"].partition(" ")
            target = resource["Properties"]["Target"]["Fn::Sub"]
            if method == "GET" and ("{" not in path or target not in chosen):
                chosen[target] = path
    return sorted(re.sub(r"{\w+}", "none", path) for path in chosen.values())


def _read(endpoint: str, path: str, headers: Mapping[str, str]) -> None:
    connection = HTTPConnection(endpoint.removeprefix("http://"), timeout=WARM_SECONDS)
    try:
        connection.request("GET", f"/_aws/execute-api/{routes.API_ID}/$default{path}", headers=headers)
        connection.getresponse().read()
    except (OSError, HTTPException):
        pass
    finally:
        connection.close()


def _invoke(endpoint: str, logical_id: str) -> None:
    name = deployment.function_names(endpoint)[logical_id]
    deployment.client("lambda", endpoint).invoke(FunctionName=name, Payload=EMPTY_BATCH)


def _quietly(act: Callable[..., None], *arguments: str) -> None:
    # A courtesy only, and the emulator may be stopped at any moment.
    with suppress(Exception):
        act(*arguments)
