"""Alerts of budgets: at which thresholds, once each, whatever comes twice, late, or not at all."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final
from unittest import mock

import pytest
from standardwebhooks.webhooks import Webhook

from atelier import settings, wiring
from atelier.domain.due import LATE_AFTER
from atelier.store import keys
from atelier.store.webhook_client import WebhookClient
from testbed.harness import Answer, Harness, harness
from tests.integration.builders import a_campaign, a_client, shown

URL: Final = "https://receiver.example/budgets"
Posts = list[tuple[bytes, dict[str, str]]]


@pytest.fixture
def w() -> Iterator[Harness]:
    """A deployment with fal, whose prices are known: 0.025 for a task. No worker runs."""
    with harness() as made, mock.patch.dict("os.environ", FAL_KEY_SECRET="key"):
        for cached in (settings.settings, wiring.generation_context):
            cached.cache_clear()
        yield made


@pytest.fixture
def posts() -> Iterator[Posts]:
    """What the receiver was sent."""
    made: Posts = []

    def post(_self: object, _url: str, body: bytes, headers: dict[str, str]) -> int:
        made.append((body, headers))
        return 204

    with mock.patch.object(WebhookClient, "post", post):
        yield made


def generate(w: Harness, **more: Any) -> Answer:
    return w.call("POST", "/generate/image", {"prompt": "A boat", "model": "fal-ai/flux/dev", **more})


def budget(w: Harness, path: str = "/account", **change: Any) -> None:
    answer = w.call("PUT", f"{path}/budget", {"limit": 0.1, "webhook_url": URL, **change})
    assert answer.status == 200, answer.text


def told(w: Harness, posts: Posts) -> list[Any]:
    """What the receiver hears of all that has happened."""
    w.relay()
    w.tell()
    heard = [json.loads(body) for body, _ in posts]
    posts.clear()
    return heard


def thresholds(w: Harness, posts: Posts) -> list[int]:
    return [each["data"]["threshold"] for each in told(w, posts)]


def test_each_threshold_is_told_once(w: Harness, posts: Posts) -> None:
    budget(w)
    generate(w)
    assert thresholds(w, posts) == []
    tasks = [generate(w).json["id"] for _ in range(2)]
    assert thresholds(w, posts) == [50]
    for id_ in tasks:
        w.call("POST", f"/tasks/{id_}/cancel")
    for _ in range(3):
        generate(w)
    assert thresholds(w, posts) == [80, 100]
    assert generate(w).status == 409
    assert thresholds(w, posts) == []


@pytest.mark.parametrize("kind", ["account", "client", "campaign"])
def test_an_alert_shows_the_budget_that_reached_it(w: Harness, posts: Posts, kind: str) -> None:
    campaign = a_campaign(w, a_client(w))
    id_ = {"account": None, "client": campaign["client_id"], "campaign": campaign["id"]}[kind]
    budget(w, f"/{kind}s/{id_}" if id_ else "/account", alerts=[25])
    generate(w, campaign_id=campaign["id"])
    w.relay()
    w.tell()
    ((body, headers),) = posts
    alert = Webhook(shown(w, "/webhook-secret")["secret"]).verify(body, headers)
    assert alert["type"] == "budget.alert"
    about = alert["data"]["budget"]
    assert (about["type"], about["id"], about["reserved"], about["available"]) == (kind, id_, 0.025, 0.075)


def test_records_that_come_twice_alert_once(w: Harness, posts: Posts) -> None:
    budget(w)
    for _ in range(4):
        generate(w)
    records = w.changes()
    for again in (records, records[::-1], records):
        w.invoke("relay", {"Records": again})
    assert sorted(thresholds(w, posts)) == [50, 80, 100]


def test_a_new_period_begins_anew(w: Harness, posts: Posts) -> None:
    budget(w, alerts=[25])
    generate(w)
    assert thresholds(w, posts) == [25]
    w.pass_time(40 * 86400)
    assert thresholds(w, posts) == []
    generate(w)
    assert thresholds(w, posts) == [25]
    counters = wiring.table().get(keys.counters(1, "all")) or {}
    assert len([name for name in counters if name.startswith("alerted|")]) == 1


def test_another_limit_begins_anew(w: Harness, posts: Posts) -> None:
    budget(w, alerts=[50], period="total")
    for _ in range(2):
        generate(w)
    assert thresholds(w, posts) == [50]
    budget(w, alerts=[50], period="total", limit=0.2)
    assert thresholds(w, posts) == []
    budget(w, alerts=[50], period="total", limit=0.04)
    assert thresholds(w, posts) == [50]
    budget(w, alerts=[50], period="total", limit=0.04, on_exceeded="warn")
    assert thresholds(w, posts) == []


def test_without_a_receiver_nobody_is_told(w: Harness, posts: Posts) -> None:
    budget(w, webhook_url=None)
    for _ in range(4):
        generate(w)
    assert thresholds(w, posts) == []


def test_a_removed_budget_alerts_nobody(w: Harness, posts: Posts) -> None:
    budget(w, alerts=[25])
    generate(w)
    records = w.changes()
    w.call("DELETE", "/account/budget")
    w.invoke("relay", {"Records": records})
    assert thresholds(w, posts) == []


def test_a_lost_alert_is_found_by_the_sweep(w: Harness, posts: Posts) -> None:
    budget(w, alerts=[25])
    generate(w)
    w.relay()
    w.deliveries.take()
    w.sweep()
    assert w.tell() == 0
    w.pass_time(LATE_AFTER.total_seconds())
    w.sweep()
    assert thresholds(w, posts) == [25]
    w.pass_time(timedelta(days=2).total_seconds())
    w.sweep()
    assert w.tell() == 0


def test_an_alert_that_fails_is_tried_again(w: Harness) -> None:
    budget(w, alerts=[25])
    generate(w)
    w.relay()
    with mock.patch.object(WebhookClient, "post", side_effect=[500, 204]) as post:
        while w.tell():
            pass
    assert len({call.args[2]["webhook-id"] for call in post.call_args_list}) == 1
    assert post.call_count == 2


def test_a_budget_shows_its_alerts(w: Harness) -> None:
    budget(w, alerts=[90, 10])
    found = shown(w, "/account/budget")
    assert (found["alerts"], found["webhook_url"]) == ([10, 90], URL)
    assert w.call("PUT", "/account/budget", {"limit": 1}).status == 200
    found = shown(w, "/account/budget")
    assert (found["alerts"], found["webhook_url"]) == ([50, 80, 100], None)


@pytest.mark.parametrize(
    "bad",
    [
        {"webhook_url": "http://10.0.0.1/"},
        {"webhook_url": "x"},
        {"webhook_url": ""},
        {"alerts": [0]},
        {"alerts": [101]},
        {"alerts": [5, 5]},
        {"alerts": list(range(1, 12))},
    ],
)
def test_a_bad_alert_is_refused(w: Harness, bad: dict[str, Any]) -> None:
    assert w.call("PUT", "/account/budget", {"limit": 1, **bad}).status == 400
