"""One invocation of a function as `logs` shows it. `serving` writes one line for each."""

import time
from collections.abc import Mapping
from typing import Any

EMPTY_BATCH = "empty batch"


def describe(function: str, event: Any, result: Mapping[str, Any], *, seconds: float) -> dict[str, Any]:
    """One invocation: time, function, event, duration in ms, log and error."""
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
