"""What every invocation of a function did, as it ends: one JSON line each, for `logs` to show.

The emulator also keeps logs as CloudWatch does, but one stream for each invocation, so following them would cost more
with every request; and its live tail leaves functions out.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ministack.services import lambda_svc  # type: ignore[import-untyped]

from local.logs import EMPTY_BATCH

Result = Mapping[str, Any]


def record(path: Path) -> None:
    """From now on, append each invocation in this process to the file."""
    dispatch: Callable[..., Result] = lambda_svc._execute_function_dispatch  # noqa: SLF001 - there is no public hook

    def recorded(func: Result, config: Result, event: Any, request_id: str, started: float) -> Result:
        result = dispatch(func, config, event, request_id, started)
        line = describe(config["FunctionName"], event, result, seconds=time.time() - started)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        return result

    lambda_svc._execute_function_dispatch = recorded  # noqa: SLF001


def describe(function: str, event: Any, result: Result, *, seconds: float) -> dict[str, Any]:
    """One invocation: when, who, for what, how long in ms, what it wrote and how it failed."""
    answer = result.get("body")
    return {
        "time": time.time(),
        "function": function,
        "event": _event(event),
        "ms": round(seconds * 1000),
        "status": answer.get("statusCode") if isinstance(answer, dict) else None,
        "log": result.get("log") or "",
        "error": (answer or {}).get("errorMessage", "failed") if result.get("error") else None,
    }


def _event(event: Any) -> str:
    """An event in a few words: its request line, or its source and number of records."""
    if not isinstance(event, dict):
        return "event"
    if http := event.get("requestContext", {}).get("http"):
        return f"{http['method']} {http['path']}"
    if records := event.get("Records"):
        return f"{records[0].get('eventSource', 'event')} x{len(records)}"
    return EMPTY_BATCH if "Records" in event else "event"
