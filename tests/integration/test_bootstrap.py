"""What a process does at its start, and what two processes out of one snapshot do not share."""

import json
from typing import Final

import pytest

from testbed.lambda_events import http_event
from tests.contract.sources import FUNCTIONS
from tests.support.processes import QUEUES, SNAPSTART, STARTED, python


def test_the_collector_is_off_during_imports_and_freezes_them() -> None:
    watched = (
        "from atelier import bootstrap\n"
        "print(json.dumps([gc.isenabled(), gc.get_freeze_count() > 10_000, gc.get_count()[2]]))"
    )
    assert python(watched, STARTED) == [True, True, 0]


def test_outside_of_lambda_nothing_is_tuned() -> None:
    outside = {name: value for name, value in STARTED.items() if name != "AWS_LAMBDA_FUNCTION_NAME"}
    assert python("print(json.dumps([gc.isenabled(), gc.get_freeze_count()]))", outside) == [True, 0]


def test_asyncio_is_imported_when_it_is_used() -> None:
    script = """
import asyncio
async def answer(): return "asyncio.events" in sys.modules
print(json.dumps(["asyncio.events" in sys.modules, asyncio.run(answer())]))
"""
    assert python(script, STARTED) == [False, True]


def test_bootstrap_prepares_everything_before_the_first_request() -> None:
    made = "from atelier import wiring\nprint(json.dumps(wiring.clients.cache_info().currsize))"
    assert python(made, STARTED) == 1


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_starts_in_lambda_and_for_snapshots(function: str) -> None:
    hooks = "from snapshot_restore_py import get_before_snapshot as b, get_after_restore as a\n"
    count = f"{hooks}print(json.dumps([callable(app.handler), len(b()), len(a())]))"
    assert python(count, {**SNAPSTART, **QUEUES}, function=function) == [True, 1, 1]


# A snapshot is a process that is continued more than once, which is what fork does.
TWICE: Final = """
from snapshot_restore_py import get_before_snapshot, get_after_restore
from atelier import wiring
from atelier.domain.ids import new_id
from atelier.domain.schema import utcnow
from atelier.store.dynamodb import connections
from secrets import randbits
import uuid

class Connection:
    closed = False
    def close(self): self.closed = True

restored = {restored}
for hook, arguments, named in get_before_snapshot():
    hook(*arguments, **named)
kept = Connection()
wiring.dynamodb()._connections._idle.append(kept)
connections._is_silent = lambda connection: True
moment, chance = utcnow(), random.getstate()
read, write = os.pipe()
for _ in range(2):
    if os.fork() == 0:
        random.setstate(chance)  # a fork draws anew by itself, what comes out of a snapshot does not
        if restored:
            for hook, arguments, named in get_after_restore():
                hook(*arguments, **named)
        seen = [random.random(), new_id(moment, randbits(62)), str(uuid.uuid4()), kept.closed]
        os.write(write, (json.dumps(seen) + "\\n").encode())
        os._exit(0)
    os.wait()
os.close(write)
print(json.dumps([json.loads(line) for line in os.fdopen(read)]))
"""


@pytest.mark.parametrize("restored", [True, False])
def test_restored_snapshots_share_no_randomness_ids_or_connections(*, restored: bool) -> None:
    one, other = python(TWICE.format(restored=restored), SNAPSTART)
    assert (one[0] != other[0]) == restored  # without the hook their pauses would be the same
    assert one[1] != other[1]
    assert one[2] != other[2]
    assert (one[3], other[3]) == (restored, restored)


def test_after_priming_no_request_loads_anything_more() -> None:
    event = json.dumps(http_event("GET", "/api/v3/clients/not-an-id", None, headers={}, query={}))
    script = (
        "from snapshot_restore_py import get_before_snapshot\n"
        "for hook, arguments, named in get_before_snapshot(): hook(*arguments, **named)\n"
        "before = set(sys.modules)\n"
        "class Context:\n"
        "  aws_request_id = function_name = invoked_function_arn = memory_limit_in_mb = ''\n"
        "  def get_remaining_time_in_millis(self): return 15000\n"
        f"status = app.handler(json.loads({event!r}), Context())['statusCode']\n"
        "print(json.dumps([status, sorted(set(sys.modules) - before)]))"
    )
    assert python(script, SNAPSTART) == [404, []]
