"""Limits of an account: open tasks, and tasks an hour."""

from collections.abc import Iterator, Mapping
from typing import Any
from unittest import mock

import pytest

from atelier import settings, wiring
from testbed.harness import TABLE, Answer, Harness, harness
from tests.support.recount import scan, violations

OTHER = {"iss": "https://issuer.example", "sub": "somebody", "cognito:groups": "[editor]"}


@pytest.fixture
def limited() -> Iterator[Harness]:
    """A deployment with room for three open tasks and five an hour."""
    with harness() as made, mock.patch.dict("os.environ", OPEN_TASKS_PER_ACCOUNT="3", TASKS_PER_HOUR_PER_ACCOUNT="5"):
        for cached in (settings.settings, wiring.account_limits, wiring.tasks):
            cached.cache_clear()
        made.now = made.now.replace(minute=10)
        yield made


def generate(w: Harness, **how: Any) -> Answer:
    return w.call("POST", "/generate/image", {"prompt": "A lighthouse"}, **how)


def cancel(w: Harness, task: Answer) -> Answer:
    return w.call("POST", f"/tasks/{task.json['id']}/cancel")


def used(w: Harness) -> Mapping[str, int]:
    limits = w.call("GET", "/account").json["limits"]
    return {name: limit["used"] for name, limit in limits.items()}


def test_open_tasks_are_limited(limited: Harness) -> None:
    made = [generate(limited) for _ in range(4)]
    assert [each.status for each in made] == [202, 202, 202, 429]
    assert made[3].headers["Content-Type"] == "application/problem+json"
    assert made[3].json["type"] == "urn:atelier:problem:limit-exceeded"
    assert int(made[3].headers["Retry-After"]) > 0
    assert limited.call("GET", "/tasks").json["total"] == 3


@pytest.mark.parametrize("how", ["cancel", "delete", "succeed", "fail"])
def test_the_end_of_a_task_makes_room(limited: Harness, how: str) -> None:
    prompt = "fail:badly" if how == "fail" else "A lighthouse"
    first = limited.call("POST", "/generate/image", {"prompt": prompt})
    assert used(limited)["open_tasks"] == 1
    if how == "cancel":
        cancel(limited, first)
    elif how == "delete":
        limited.call("DELETE", f"/tasks/{first.json['id']}")
    else:
        limited.settle()
    assert used(limited)["open_tasks"] == 0


def test_an_ended_task_releases_once(limited: Harness) -> None:
    first, _ = generate(limited), generate(limited)
    cancel(limited, first)
    cancel(limited, first)
    limited.settle()  # the provider's outcome, and the other task
    limited.call("DELETE", f"/tasks/{first.json['id']}")
    assert used(limited)["open_tasks"] == 0
    assert violations(scan(limited.dynamodb, TABLE), deleted=None) == []


def test_tasks_of_an_hour_are_limited(limited: Harness) -> None:
    for _ in range(5):
        cancel(limited, generate(limited))
    refused = generate(limited)
    assert refused.status == 429
    assert int(refused.headers["Retry-After"]) in range(49 * 60, 50 * 60 + 1)
    limited.pass_time(int(refused.headers["Retry-After"]))
    assert generate(limited).status == 202
    assert used(limited)["tasks_per_hour"] == 1


def test_a_refused_task_counts_nowhere(limited: Harness) -> None:
    for _ in range(6):
        generate(limited)
    assert used(limited) == {"open_tasks": 3, "tasks_per_hour": 3}
    assert violations(scan(limited.dynamodb, TABLE)) == []


def test_a_retry_is_limited_as_well(limited: Harness) -> None:
    first = generate(limited)
    cancel(limited, first)
    for _ in range(3):
        generate(limited)
    assert limited.call("POST", f"/tasks/{first.json['id']}/retry").status == 429


def test_a_replay_needs_no_room(limited: Harness) -> None:
    key = {"Idempotency-Key": "once"}
    first = generate(limited, headers=key)
    for _ in range(2):
        generate(limited)
    again = generate(limited, headers=key)
    assert (again.status, again.json["id"]) == (202, first.json["id"])


def test_a_refused_key_may_be_used_again(limited: Harness) -> None:
    made = [generate(limited) for _ in range(3)]
    key = {"Idempotency-Key": "later"}
    assert generate(limited, headers=key).status == 429
    cancel(limited, made[0])
    assert generate(limited, headers=key).status == 202


def test_limits_are_those_of_each_account(limited: Harness) -> None:
    with mock.patch.dict("os.environ", AUTH_MODE="jwt"):
        settings.settings.cache_clear()
        mine = {**OTHER, "sub": "me"}
        for _ in range(4):
            last = generate(limited, claims=mine)
        assert last.status == 429
        theirs = [generate(limited, claims=OTHER).status for _ in range(3)]
        assert theirs == [202, 202, 202]  # with mine, more than an hour's


def test_the_account_shows_its_limits(limited: Harness) -> None:
    generate(limited)
    account = limited.call("GET", "/account").json
    assert account["limits"]["open_tasks"] == {"limit": 3, "used": 1}
    resets_at = limited.now.replace(minute=0, second=0, microsecond=0).hour + 1
    assert account["limits"]["tasks_per_hour"]["limit"] == 5
    assert int(account["limits"]["tasks_per_hour"]["resets_at"][11:13]) == resets_at % 24


def test_without_limits_the_account_shows_none() -> None:
    with harness() as w:
        generate(w)
        limits = w.call("GET", "/account").json["limits"]
    assert limits["open_tasks"] == {"limit": None, "used": 1}
    assert limits["tasks_per_hour"]["limit"] is None
