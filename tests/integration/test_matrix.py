"""A matrix of tasks: placeholders, every combination, one batch."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from unittest import mock

import pytest

from atelier import wiring
from atelier.domain.ids import new_id
from atelier.domain.matrix import MOST_TASKS
from atelier.store import batches
from atelier.store.table import Table
from atelier.web import batches as web_batches
from testbed.harness import TABLE, Answer, Harness, harness
from tests.integration.builders import Json, a_campaign, a_client, forget_settings, ids, places, shown
from tests.support.fault_injection import CrashAt, Crashed, Trouble, faulty_harness
from tests.support.recount import scan, violations

PRICE = 0.025  # fal-ai/flux/dev, a megapixel
DEV = "fal-ai/flux/dev"


@pytest.fixture
def w() -> Iterator[Harness]:
    """A deployment with fal, whose prices are known."""
    with harness() as made, mock.patch.dict("os.environ", FAL_KEY_SECRET="key"):
        forget_settings()
        yield made


def matrix(w: Harness, prompt: str = "Boat {n}", *, key: str | None = None, **fields: Any) -> Answer:
    headers = {"Idempotency-Key": key} if key else {}
    return w.call("POST", "/generate/matrix", {"type": "image", "prompt": prompt, **fields}, headers=headers)


def numbers(count: int) -> Json:
    return {"n": [f"{n}" for n in range(count)]}


def results(answer: Answer) -> list[Json]:
    assert answer.status == 200, answer.text
    found: list[Json] = answer.json["results"]
    assert [each["index"] for each in found] == list(range(len(found)))
    failed = sum("problem" in each for each in found)
    assert answer.json["summary"] == {"succeeded": len(found) - failed, "failed": failed}
    return found


def statuses(answer: Answer) -> list[int]:
    return [each["status"] for each in results(answer)]


def adds_up(w: Harness) -> bool:
    assert violations(scan(w.dynamodb, TABLE)) == []
    return True


# --------------------------------------------------------------------------------------------------- what it is made of


def test_a_matrix_makes_every_combination_in_order(w: Harness) -> None:
    campaign = a_campaign(w)
    answer = matrix(
        w,
        "{place}: a {{{color}}} boat, {place}",
        variables={"color": ["red", "{place}"], "place": ["Sea", ""]},
        models=["fal-ai/flux-pro", DEV],
        aspect_ratios=["1:1", "16:9"],
        campaign_id=campaign["id"],
        seed=7,
    )
    found = results(answer)
    assert {frozenset(each) for each in found} == {frozenset({"index", "status", "id"})}
    made = [shown(w, f"/tasks/{each['id']}") for each in found]
    assert [(each["prompt"], each["model"], each["params"]["aspect_ratio"]) for each in made] == [
        (prompt, model, ratio)
        for prompt in ("Sea: a {red} boat, Sea", "Sea: a {{place}} boat, Sea", ": a {red} boat,", ": a {{place}} boat,")
        for model in ("fal-ai/flux-pro", DEV)
        for ratio in ("1:1", "16:9")
    ]
    assert {(each["campaign_id"], each["seed"]) for each in made} == {(campaign["id"], 7)}
    assert ids(w, "/tasks", page_size=16) == [each["id"] for each in reversed(found)]
    assert adds_up(w)


def test_a_matrix_may_be_one_task(w: Harness) -> None:
    (only,) = results(matrix(w, "A boat"))
    assert shown(w, f"/tasks/{only['id']}")["prompt"] == "A boat"


def test_each_combination_is_checked_as_its_single_request(w: Harness) -> None:
    asked: Json = {"models": ["stable-image-ultra", "unknown", "sandbox-image"], "aspect_ratios": ["1:1", "4:3"]}
    found = results(matrix(w, "Boat {n}", variables={"n": ["x" * 1000, "1"]}, size=None, **asked))
    assert [each["status"] for each in found] == [202, 400, 400, 400, 202, 202] * 2
    single = w.call("POST", "/generate/image", {"prompt": "1", "model": "stable-image-ultra", "aspect_ratio": "4:3"})
    assert found[7]["problem"] == {**single.json, "instance": "/api/v3/generate/matrix"}
    assert adds_up(w)


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        (
            {"prompt": "{a} {b} {b}", "variables": {"c": ["1"], "d": ["1"]}},
            ["/prompt", "/prompt", "/variables/c", "/variables/d"],
        ),
        ({"prompt": "a { b", "variables": {}}, ["/prompt"]),
        ({"prompt": "a } b"}, ["/prompt"]),
        ({"prompt": "{}"}, ["/prompt"]),
        ({"prompt": "{1}"}, ["/prompt"]),
        ({"prompt": "{a b}"}, ["/prompt"]),
        ({"prompt": "{a}", "variables": {"a": []}}, ["/variables/a"]),
        ({"prompt": "{a}", "variables": {"a": ["x", "x"]}}, ["/variables/a"]),
        ({"prompt": "{a}", "variables": {"a": ["x" * 1001]}}, ["/variables/a/0"]),
        ({"prompt": "{a}", "variables": {"a b": ["x"]}}, ["/variables"]),
        ({"prompt": "{a}", "variables": numbers(501)}, ["/variables/n"]),
        ({"prompt": "{a}{b}", "variables": {name: numbers(23)["n"] for name in "ab"}}, [""]),
        ({"prompt": "a", "models": [DEV], "model": DEV}, ["/models"]),
        ({"prompt": "a", "models": [DEV, DEV]}, ["/models"]),
        ({"prompt": "a", "models": ["fal-ai/flux-pro", "fal-ai/flux-pro/v1.1"]}, ["/models"]),
        ({"prompt": "{a}", "variables": {"a": ["x", "x ", "y"]}}, ["/variables"]),
        ({"prompt": "{a} boat", "variables": {"a": ["\u00e9", "e\u0301"]}}, ["/variables"]),
        ({"prompt": "{a}{b}", "variables": {"a": ["x", "xx"], "b": ["x", "xx"]}}, ["/variables"]),
        ({"prompt": "a", "aspect_ratio": "1:1"}, ["/aspect_ratio"]),
        ({"prompt": "a", "voice": "Joanna", "duration": 5}, ["/duration", "/voice"]),
        ({"prompt": "a", "type": "audio", "aspect_ratios": ["1:1"], "size": "64x64"}, ["/size", "/aspect_ratios"]),
        ({"prompt": "a", "type": "text"}, ["/type"]),
    ],
)  # fmt: skip
def test_a_malformed_matrix_names_every_error(w: Harness, fields: Json, pointers: list[str]) -> None:
    answer = matrix(w, **fields)
    assert answer.status == 400, answer.text
    assert [each["pointer"] for each in answer.json["errors"]] == pointers
    assert shown(w, "/tasks")["total"] == 0


@pytest.mark.parametrize("seed", [0, 1])
def test_ids_of_500_tasks_are_distinct_and_ascend(w: Harness, seed: int) -> None:
    progress = batches.Progress(w.now, seed)
    made = [progress.id_of(index) for index in range(MOST_TASKS)]
    assert made == sorted(set(made))
    assert made[0] >= new_id(w.now, 0)


# ------------------------------------------------------------------------------------------------------------- budgets


def test_a_budget_admits_exactly_what_fits(w: Harness) -> None:
    client = a_client(w)["id"]
    w.call("PUT", f"/clients/{client}/budget", {"limit": PRICE * 5.5})
    asked: Json = {"variables": numbers(20), "models": [DEV, "sandbox-image"], "client_id": client}
    dynamodb = wiring.dynamodb()
    before = list(scan(w.dynamodb, TABLE))
    with mock.patch.object(dynamodb, "transact_write_items", side_effect=dynamodb.transact_write_items) as sent:
        tried = matrix(w, dry_run=True, **asked)
        assert list(scan(w.dynamodb, TABLE)) == before
        made = matrix(w, **asked)
    assert statuses(tried) == statuses(made) == [202, 202] * 5 + [409, 202] * 15
    assert tried.json["estimate"] == {"amount": pytest.approx(PRICE * 5), "currency": "USD", "unpriced": 0}
    assert sent.call_count <= 20
    assert adds_up(w)


def test_a_limit_that_is_reached_refuses_the_rest_untried(w: Harness) -> None:
    dynamodb = wiring.dynamodb()
    with mock.patch.dict("os.environ", OPEN_TASKS_PER_ACCOUNT="5"):
        forget_settings()
        with mock.patch.object(dynamodb, "transact_write_items", side_effect=dynamodb.transact_write_items) as sent:
            assert statuses(matrix(w, variables=numbers(40))) == [202] * 5 + [429] * 35
    forget_settings()
    assert sent.call_count <= 15
    assert adds_up(w)


# ---------------------------------------------------------------------------------------------------------------- once


def test_a_matrix_interrupted_anywhere_is_carried_on() -> None:
    with faulty_harness() as (w, client), mock.patch.object(batches, "MOST_WRITES", 6):
        for number in range(1, 6):  # the key's record, two transactions, the refusals
            client.trouble = crash = CrashAt(number, effect=True)
            asked: Json = {"variables": numbers(2), "models": ["sandbox-image", "unknown"]}
            with suppress(Crashed):
                matrix(w, key=f"{number}", **asked)
            client.trouble = Trouble()
            again = matrix(w, key=f"{number}", **asked)
            assert statuses(again) == [202, 400] * 2
            assert shown(w, "/tasks")["total"] == 2 * number
            assert matrix(w, key=f"{number}", **asked).headers["Idempotent-Replayed"] == "true"
        assert not crash.happened, "the last one dies of nothing"
        assert matrix(w, key="1", variables=numbers(1)).status == 422
        assert adds_up(w)


def test_a_repeated_matrix_says_what_is_gone(w: Harness) -> None:
    asked: Json = {"variables": numbers(3), "models": ["sandbox-image", "unknown"]}
    first = results(matrix(w, key="once", **asked))
    assert [each["status"] for each in first] == [202, 400] * 3
    path = f"/tasks/{first[2]['id']}"
    assert w.call("DELETE", path).status == 204
    for _ in range(2):
        again = matrix(w, key="once", **asked)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert statuses(again) == [202, 400, 404, 400, 202, 400]
        assert results(again)[4] == first[4]
    gone = w.call("GET", path).json
    assert results(again)[2]["problem"]["detail"] == gone["detail"]
    assert shown(w, "/tasks")["total"] == 2


def test_a_repeated_matrix_is_read_together(w: Harness) -> None:
    client = a_client(w)
    asked: Json = {"variables": numbers(12), "client_id": client["id"]}
    first = results(matrix(w, key="once", **asked))
    assert w.call("DELETE", f"/clients/{client['id']}").status == 204
    get_many = Table.get_many
    with mock.patch.object(Table, "get_many", autospec=True, side_effect=get_many) as read:
        assert results(matrix(w, key="once", **asked)) == first
    assert read.call_count == 1


# ---------------------------------------------------------------------------------------------------------- how large


def test_what_is_too_long_is_left_out(w: Harness) -> None:
    asked: Json = {"variables": numbers(3), "params": {"x" * 100: 1}}
    whole = results(matrix(w, **asked))
    assert {"errors", "detail"} <= whole[0]["problem"].keys()
    with mock.patch.object(web_batches, "_MOST_TOLD", 100):
        short = results(matrix(w, **asked))
    assert [each["status"] for each in short] == [each["status"] for each in whole]
    assert short[0]["problem"].keys() == {"type", "title", "status", "detail", "instance", "request_id"}


def test_what_is_kept_of_refusals_is_bounded(w: Harness) -> None:
    asked: Json = {"variables": numbers(3), "params": {"x" * 100: 1}}
    with mock.patch.object(web_batches, "_MOST_KEPT", 300):
        first, again = matrix(w, key="once", **asked), matrix(w, key="once", **asked)
    assert statuses(first) == statuses(again) == [400] * 3
    assert "errors" in results(first)[0]["problem"]
    assert "errors" not in results(again)[0]["problem"]
    assert places(w.call("POST", "/generate/image", {"prompt": "a", "params": asked["params"]}))
