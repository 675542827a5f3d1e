"""What the functions did, for a person to read: one line per log line, `HH:MM:SS function level message key=value`."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from local.invocations import EMPTY_BATCH

# What Powertools puts on every line: shown in another place, or the same on every line.
FRAME = re.compile(
    r"level|location|message|timestamp|service|cold_start|xray_trace_id|function_\w+|exception\w*|stack_trace"
)
# Controls, line separators, marks that change the direction of what follows, and halves of surrogate pairs.
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
NAME_WIDTH = 9
LEVEL_WIDTH = 7


def lines_of(invocation: Mapping[str, Any]) -> Iterator[str]:
    """Every line to show for one invocation: what it logged, why it failed, or at least that it happened."""
    name = short_name(invocation["function"])
    time = f"{datetime.fromtimestamp(invocation['time'], UTC).astimezone():%H:%M:%S}"
    head = f"{time}  {name:<{NAME_WIDTH}}"
    logged = [line for line in invocation["log"].split("\n") if line.strip() and not _is_metric(line)]
    for line in logged:
        yield from _shown(line, name)
    if invocation["error"] is not None:
        said = escape(f"{invocation['event']} failed: {invocation['error']}")
        yield f"{head}  {'ERROR':<{LEVEL_WIDTH}}  {said}"
    elif not logged:
        yield f"{head}  {'':<{LEVEL_WIDTH}}  {escape(_summary(invocation))}"


def escape(text: str) -> str:
    """The text on one line of the screen: what would end the line, color it or turn it around is written out."""
    return CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def is_worth_showing(invocation: Mapping[str, Any], *, ready: float) -> bool:
    """False for what the functions did while they were warmed, before `ready` or with nothing, if it went well."""
    is_warming = invocation["time"] < ready or invocation["event"] == EMPTY_BATCH
    return not is_warming or invocation["error"] is not None


def short_name(function: str) -> str:
    """`clients` for `atelier-ClientsFunction-1A2B3C`."""
    logical = re.sub(r"^\w+-(.+)-\w+$", r"\1", function)
    return logical.removesuffix("Function").lower()


def read_on(path: Path, *, start: int) -> tuple[list[dict[str, Any]], int]:
    """The invocations that the file got since it was `start` bytes long, and how long it is now."""
    if not path.exists():
        return [], start
    with path.open("rb") as file:
        file.seek(start)
        # A line still being written has no end yet; it is read the next time.
        whole, _, _ = file.read().rpartition(b"\n")
    if not whole:
        return [], start
    return [json.loads(line) for line in whole.splitlines()], start + len(whole) + 1


def _summary(invocation: Mapping[str, Any]) -> str:
    status = "" if invocation["status"] is None else f"{invocation['status']} "
    return f"{status}{invocation['event']} {invocation['ms']} ms"


def _shown(line: str, name: str) -> Iterator[str]:
    entry = _structured(line)
    if entry is None:
        yield escape(line)
        return
    level = f"{entry['level']:<{LEVEL_WIDTH}}"
    extras = "".join(f"  {key}={_value(value)}" for key, value in entry.items() if not FRAME.fullmatch(key))
    yield f"{_time(entry)}  {name:<{NAME_WIDTH}}  {level}  {_value(entry['message'])}{extras}"
    if trace := entry.get("exception"):
        yield "\n".join(map(escape, str(trace).split("\n")))


def _structured(line: str) -> dict[str, Any] | None:
    """A line of the Powertools logger; None for anything else."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    is_ours = isinstance(entry, dict) and {"level", "message", "timestamp"} <= entry.keys()
    return entry if is_ours else None


def _is_metric(line: str) -> bool:
    # Metrics are log lines too, in CloudWatch's embedded format; they are for machines.
    return line.startswith("{") and '"CloudWatchMetrics"' in line


def _time(entry: Mapping[str, Any]) -> str:
    """The time of day in a Powertools timestamp (`2026-11-22 15:04:05,678+0000`), as the clock on the wall shows it."""
    stamp = str(entry["timestamp"]).replace(",", ".")
    try:
        return f"{datetime.fromisoformat(stamp).astimezone():%H:%M:%S}"
    except ValueError:
        return stamp


def _value(value: object) -> str:
    return escape(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
