"""Every function with its golden events, in containers that SAM's command line makes of the built artifacts.

The first event of each function is for `sam local invoke`, which takes six seconds for a container of its own. The
others find a container that has worked before, as most invocations do.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from atelier import wiring
from tests.contract.sources import FUNCTIONS
from tests.sam.containers import Account, Containers
from tests.sam.forwarding import forwarded
from tests.support.golden import (
    AFTER,
    ANSWERS,
    BEFORE,
    CANCELED,
    MESSAGES,
    PASSED_ON,
    PUT_BACK,
    SCHEDULED,
    check_request,
    kept,
    saved,
    seed,
)
from tests.support.receiver import receiver, says

NUMBER = "100000000000"

Invoke = Callable[[str], Any]


@pytest.fixture
def account(containers: Containers) -> Iterator[Account]:
    """An account that holds what the events speak of; this process works with it too."""
    made = Account(NUMBER, containers)
    with made.here():
        made.create()
        seed(datetime.now(UTC))
        yield made
        made.remove()


@pytest.fixture(scope="module")
def server(containers: Containers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of `sam local start-lambda`."""
    made = Account(NUMBER, containers)
    with containers.serving("start-lambda", NUMBER, made.settings(tmp_path_factory.mktemp("start-lambda"))) as port:
        yield port


@pytest.fixture
def invoke(account: Account, server: int, tmp_path: Path, invoked: list[tuple[str, str]]) -> Invoke:
    """Hand a golden event to its function."""

    def run(name: str) -> Any:
        function = name.partition(".")[0]
        first = function not in {tried for tried, _ in invoked}
        invoked.append((function, name))
        return account.invoke(function, name, tmp_path) if first else account.invoke_again(function, name, server)

    return run


@pytest.mark.parametrize("name", ANSWERS)
def test_a_request_gets_its_answer(invoke: Invoke, name: str) -> None:
    check_request(name, invoke(name))


@pytest.mark.parametrize("name", sorted(PASSED_ON.keys() - {"relay.asset_deleted"}))
def test_a_stream_record_reaches_its_queue(account: Account, invoke: Invoke, name: str) -> None:
    queue, expected = PASSED_ON[name]
    assert invoke(name) == {"batchItemFailures": []}
    (message,) = account.waiting(queue)
    assert expected.items() <= message.items()


def test_files_of_a_deleted_asset_are_removed_later(account: Account, invoke: Invoke) -> None:
    queue, _ = PASSED_ON["relay.asset_deleted"]
    assert invoke("relay.asset_deleted") == {"batchItemFailures": []}
    assert account.delayed(queue) == 1


@pytest.mark.parametrize("name", AFTER)
def test_a_message_leads_to_what_it_is_about(invoke: Invoke, name: str) -> None:
    if name in BEFORE:
        BEFORE[name](datetime.now(UTC))
    assert invoke(name) == {"batchItemFailures": []}
    AFTER[name]()


def test_a_delivery_message_calls_the_receiver(containers: Containers, invoke: Invoke) -> None:
    with receiver(says(204)) as there, forwarded(containers.engine.gateway, there.port) as port:
        wiring.tasks().note(kept(CANCELED), webhook_url=f"http://{containers.engine.gateway}:{port}/hooks")
        assert invoke("webhook_delivery.task_ended") == {"batchItemFailures": []}
    (told,) = there.requests
    assert (told.target, told.headers["webhook-id"]) == ("/hooks", f"evt_{CANCELED}")


def test_the_schedule_puts_overdue_work_back(account: Account, invoke: Invoke) -> None:
    BEFORE["sweep.every_minute"](datetime.now(UTC))
    assert invoke("sweep.every_minute") == {"looked_at": 1, "put_back": 1}
    (message,) = account.waiting("generation")
    assert PUT_BACK.items() <= message.items()


def test_the_schedule_checks_lines_of_the_catalog(invoke: Invoke) -> None:
    assert invoke("models.every_minute") == {"looked_at": 1, "reported": 0}
    assert invoke("models.every_hour") == {"looked_at": 0, "reported": 0}


def test_verify_reports_a_consistent_table(invoke: Invoke) -> None:
    assert invoke("verify.users") == {"ok": True, "findings": []}


def test_every_function_and_every_event_was_tried() -> None:
    tried = {*ANSWERS, *PASSED_ON, *AFTER, "webhook_delivery.task_ended", "verify.users", *SCHEDULED}
    assert tried == saved()
    assert {name.partition(".")[0] for name in tried} == set(FUNCTIONS)
    assert set(AFTER) | {"webhook_delivery.task_ended"} == MESSAGES
