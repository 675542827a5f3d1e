"""A page of a hundred items, each at every limit, is an answer that Lambda can give."""

import json
from collections.abc import Iterator
from typing import Any, Final

import pytest

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.account_limits import AccountLimits
from atelier.domain.campaigns import Campaign, CampaignStatus
from atelier.domain.clients import Client
from atelier.domain.ids import new_id
from atelier.domain.schema import format_timestamp
from atelier.domain.task_creation import Parents, TaskIdentity, new_task
from atelier.domain.tasks.record import Output
from atelier.domain.tasks.requests import NewImage
from atelier.store import counters, task_items
from atelier.store.account_summary import add_to_totals
from atelier.store.table import MISSING
from testbed.harness import Harness, harness
from testbed.lambda_events import http_event
from tests.integration.builders import NOBODY

LARGEST_ANSWER: Final = 6 * 1024 * 1024
KIB: Final = 1024
FOX: Final = "🦊"  # four bytes, so that limits in characters weigh most
LONGEST_TEXT: Final = FOX * (32 * KIB // 4)


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


def a_page(w: Harness, function: str, path: str) -> dict[str, Any]:
    event = http_event("GET", f"/api/v3{path}", None, headers={}, query={"page_size": 100})
    answer: dict[str, Any] = w.invoke(function, event)
    assert answer["statusCode"] == 200
    assert len(json.loads(answer["body"])["items"]) == 100
    return answer


def as_lambda_sends_it(answer: dict[str, Any]) -> int:
    """The size of an answer as the runtime hands it over: the body is a text within JSON."""
    return len(json.dumps(answer, ensure_ascii=False).encode())


def at_the_limits(w: Harness, number: int) -> dict[str, Any]:
    """What clients and campaigns have in common."""
    now = w.clock()
    stamp = format_timestamp(now)
    return {
        "id": new_id(now, number),
        "user_id": 1,
        "created_by": 1,
        "updated_by": 1,
        "name": FOX * 255,
        "created_at": stamp,
        "updated_at": stamp,
    }


def test_a_page_of_the_largest_clients_fits(w: Harness) -> None:
    for number in range(100):
        largest = Client(**at_the_limits(w, number), description=FOX * 2000, brand_guidelines=LONGEST_TEXT)
        wiring.table().transact(*wiring.clients()._put(largest, condition=MISSING, access=Access.own(1)))
        wiring.table().write(add_to_totals(1, {"clients": 1}))
    assert as_lambda_sends_it(a_page(w, "clients", "/clients")) < LARGEST_ANSWER


def test_a_page_of_the_largest_campaigns_fits(w: Harness) -> None:
    for number in range(100):
        texts = {"goal": FOX * 2000, "brief": LONGEST_TEXT}
        largest = Campaign(**at_the_limits(w, number), client_id=NOBODY, status=CampaignStatus.ARCHIVED, **texts)
        wiring.table().transact(*wiring.campaigns()._put(largest, condition=MISSING, access=Access.own(1)))
        wiring.table().write(add_to_totals(1, {"campaigns_archived": 1}))
    assert as_lambda_sends_it(a_page(w, "campaigns", "/campaigns")) < LARGEST_ANSWER


def test_a_page_of_the_largest_tasks_fits(w: Harness) -> None:
    metadata = {"a": FOX * ((16 * KIB - len('{"a":""}')) // 4)}
    order = NewImage.model_validate({"prompt": FOX * 5000, "metadata": metadata, "num_outputs": 4})
    files = [Output(key=f"media/1/{NOBODY}/{each}.png", content_type="image/png", bytes=2**30) for each in range(4)]
    for number in range(100):
        now = w.clock()
        identity = TaskIdentity(new_id(now, number), "token", now)
        task = new_task(order, Parents(), wiring.generation_context(), identity=identity, access=Access.own(1))
        largest = task.model_copy(update={"outputs": files})
        for write in (*task_items.created(largest, ""), *counters.creating(largest, AccountLimits())):
            wiring.table().write(write)
    assert as_lambda_sends_it(a_page(w, "tasks", "/tasks")) < LARGEST_ANSWER


def test_a_page_too_large_for_lambda_is_refused(w: Harness) -> None:
    """With what to do about it."""
    for number in range(100):
        quotes = Client(**at_the_limits(w, number + 1000), brand_guidelines='"' * len(LONGEST_TEXT.encode()))
        wiring.table().transact(*wiring.clients()._put(quotes, condition=MISSING, access=Access.own(1)))
        wiring.table().write(add_to_totals(1, {"clients": 1}))
    refused = w.call("GET", "/clients", query={"page_size": 100, "sort_order": "desc"})
    assert (refused.status, refused.json["errors"][0]["parameter"]) == (400, "page_size")
    assert w.call("GET", "/clients", query={"page_size": 20}).status == 200
