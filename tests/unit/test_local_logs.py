"""What the local run shows of an invocation."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from local import logs
from local.invocations import EMPTY_BATCH, describe

AT = datetime(2026, 11, 22, 15, 4, 5).astimezone()


def an_invocation(**different: Any) -> dict[str, Any]:
    usual = {"time": AT.timestamp(), "function": "atelier-ClientsFunction-1A2B", "event": "GET /a", "ms": 12}
    return {**usual, "status": 200, "log": "", "error": None, **different}


def entry(**more: Any) -> str:
    frame = {
        "level": "INFO",
        "location": "f:1",
        "message": "created",
        "timestamp": f"{AT:%Y-%m-%d %H:%M:%S},678{AT:%z}",
    }
    return json.dumps({**frame, "service": "atelier", "function_name": "x", "cold_start": True, **more})


def shown(**different: Any) -> list[str]:
    return list(logs.lines_of(an_invocation(**different)))


def test_a_structured_line_is_printed_readably() -> None:
    """As time, function, level, message and the rest."""
    assert shown(log=entry(client_id="c1", ms=3)) == ["15:04:05  clients    INFO     created  client_id=c1  ms=3"]


def test_any_other_line_is_shown_as_it_is() -> None:
    assert shown(log="plain\n\n[1, 2]\nnull") == ["plain", "[1, 2]", "null"]


def test_a_logged_exception_is_followed_by_its_traceback() -> None:
    lines = shown(log=entry(level="ERROR", exception="Traceback ...\nValueError", exception_name="ValueError"))
    assert lines == ["15:04:05  clients    ERROR    created", "Traceback ...\nValueError"]


def test_a_failure_says_what_failed_and_why() -> None:
    lines = shown(log="Traceback ...", error="boom")
    assert lines == ["Traceback ...", "15:04:05  clients    ERROR    GET /a failed: boom"]


def test_an_invocation_without_a_line_gets_one() -> None:
    assert shown() == ["15:04:05  clients             200 GET /a 12 ms"]


@pytest.mark.parametrize(
    "trick", ["a\r\n15:04:05  clients    ERROR    made up", "\x1b[2J", "\x9b31m", "\u2028x", "\u202ex", "\ud800"]
)
def test_nothing_that_a_caller_sends_breaks_a_line(trick: str) -> None:
    for lines in (
        shown(log=entry(path=f"/api/{trick}", message=trick)),
        shown(log=entry(found=[trick])),
        shown(event=f"GET /{trick}"),
        shown(event=f"GET /{trick}", error=trick),
        shown(log=trick.replace("\n", "")),
        shown(log=entry(level="ERROR", exception=trick.replace("\n", "")))[1:],
    ):
        [line] = lines
        assert line.isprintable()
        assert line.isascii() or "\ud800" not in line


def test_metric_lines_are_not_shown() -> None:
    metric = json.dumps({"_aws": {"CloudWatchMetrics": []}, "n": 1})
    assert shown(log=metric + "\n" + entry()) == ["15:04:05  clients    INFO     created"]


def test_warming_is_shown_only_when_it_failed() -> None:
    assert not logs.is_worth_showing(an_invocation(time=1), ready=2)
    assert not logs.is_worth_showing(an_invocation(time=3, event=EMPTY_BATCH), ready=2)
    assert logs.is_worth_showing(an_invocation(time=1, error="boom"), ready=2)
    assert logs.is_worth_showing(an_invocation(time=3), ready=2)


def test_reading_on_takes_whole_lines_only(tmp_path: Path) -> None:
    file = tmp_path / "invocations.jsonl"
    assert logs.read_on(file, start=0) == ([], 0)
    file.write_text('{"n": 1}\n{"n"')
    first, position = logs.read_on(file, start=0)
    file.write_text('{"n": 1}\n{"n": 2}\n')
    second, end = logs.read_on(file, start=position)
    assert (first, second) == ([{"n": 1}], [{"n": 2}])
    assert logs.read_on(file, start=end) == ([], end)


def test_a_request_is_logged_by_line_and_status() -> None:
    event = {"requestContext": {"http": {"method": "POST", "path": "/a"}}}
    told = describe("f", event, {"body": {"statusCode": 201}, "log": "x"}, seconds=0.0123)
    assert (told["event"], told["status"], told["ms"], told["log"], told["error"]) == ("POST /a", 201, 12, "x", None)


def test_a_batch_is_described_by_its_source_and_size() -> None:
    told = describe("f", {"Records": [{"eventSource": "aws:sqs"}] * 3}, {"body": None}, seconds=0)
    assert (told["event"], told["status"]) == ("aws:sqs x3", None)


def test_a_failed_invocation_is_described_by_its_error() -> None:
    told = describe("f", "text", {"body": {"errorMessage": "no module"}, "error": True}, seconds=0)
    assert (told["event"], told["error"]) == ("event", "no module")
