"""`verify`: invoke a running project's verify function for all of its users."""

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from local import deployment
from local.errors import LocalError

PLACEHOLDER_USER: Final = 1
FIRST_USER: Final = 1000
_NOTE: Final = "stack.json"


class NotRunning(LocalError):
    """No local run is at this port."""


def leave_note(home: Path, *, url: str, endpoint: str, function: str, table: str) -> None:
    """Write to the run's own folder how `verify` reaches it; the folder is deleted with the run."""
    (home / _NOTE).write_text(json.dumps({"url": url, "endpoint": endpoint, "function": function, "table": table}))


def verify(port: int) -> list[str]:
    """The violations found by the run at `port`. Raises NotRunning."""
    note = _note_of(port)
    client = deployment.client("lambda", note["endpoint"])
    answer = client.invoke(FunctionName=note["function"], Payload=json.dumps({"user_ids": _users(note)}))
    found = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise LocalError(f"the recount failed: {found.get('errorMessage', found)}")
    return [str(each) for each in found["findings"]]


def endpoint_of(port: int) -> str:
    """Where AWS clients find the emulator of the run at `port`. Raises NotRunning."""
    return _note_of(port)["endpoint"]


def _users(note: Mapping[str, str]) -> list[int]:
    """The user of a run without tokens, and every user that came with one."""
    where = {"PK": {"S": "USERS"}, "SK": {"S": "COUNT"}}
    count = deployment.client("dynamodb", note["endpoint"]).get_item(TableName=note["table"], Key=where)
    given = int(count["Item"]["given"]["N"]) if "Item" in count else 0
    return [PLACEHOLDER_USER, *range(FIRST_USER, FIRST_USER + given)]


def _note_of(port: int) -> dict[str, str]:
    for path in Path(tempfile.gettempdir()).glob(f"atelier-local-*/{_NOTE}"):
        note: dict[str, str] = json.loads(path.read_text())
        if note["url"].endswith(f":{port}"):
            return note
    raise NotRunning(f"nothing runs at port {port}: `make run` first, then this beside it")
