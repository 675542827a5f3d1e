"""Batches: items as single requests, coalesced transactions, once in spite of crashes and repetitions."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any
from unittest import mock

import pytest

from atelier import wiring
from atelier.store import batches
from testbed.harness import TABLE, Answer, Harness, harness
from tests.integration.builders import (
    NOBODY,
    Json,
    a_campaign,
    a_canceled_task,
    a_client,
    a_task,
    forget_settings,
    ids,
    places,
    shown,
)
from tests.support.fault_injection import WRITES, CrashAt, Crashed, Request, Trouble, faulty_harness, meanwhile
from tests.support.recount import scan, violations

PRICE = 0.025  # fal-ai/flux/dev, a megapixel
ITEMS = 20


@pytest.fixture
def w() -> Iterator[Harness]:
    """A deployment with fal, whose prices are known."""
    with harness() as made, mock.patch.dict("os.environ", FAL_KEY_SECRET="key"):
        forget_settings()
        yield made


def batch(w: Harness, path: str, items: list[Json], *, key: str | None = None, **how: Any) -> Answer:
    headers = {"Idempotency-Key": key} if key else {}
    return w.call("POST", f"/{path}/batch", {"items": items, **how}, headers=headers)


def results(answer: Answer) -> list[Json]:
    assert answer.status == 200, answer.text
    found: list[Json] = answer.json["results"]
    assert [each["index"] for each in found] == list(range(len(found)))
    failed = sum("problem" in each for each in found)
    assert answer.json["summary"] == {"succeeded": len(found) - failed, "failed": failed}
    return found


def statuses(answer: Answer) -> list[int]:
    return [each["status"] for each in results(answer)]


def creates(*bodies: Json) -> list[Json]:
    return [{"op": "create", "body": body} for body in bodies]


def named(count: int) -> list[Json]:
    return creates(*({"name": f"Client {number}"} for number in range(count)))


def images(count: int, **fields: Any) -> list[Json]:
    return [
        {"type": "image", "prompt": f"Boat {number}", "provider": "fal", "model": "fal-ai/flux/dev", **fields}
        for number in range(count)
    ]


def adds_up(w: Harness) -> bool:
    assert violations(scan(w.dynamodb, TABLE)) == []
    return True


# ----------------------------------------------------------------------------------------------- as single requests


def test_every_item_is_answered_as_its_single_request(w: Harness) -> None:
    client, other = a_client(w), a_client(w, "Other")
    items: list[Json] = [
        {"op": "create", "body": {"name": "New", "description": "x"}},
        {"op": "create", "body": {"name": "", "colour": "blue"}},
        {"op": "update", "id": client["id"], "body": {"name": "Changed"}},
        {"op": "update", "id": client["id"], "body": {"name": "Again"}, "if_match": '"1"'},
        {"op": "update", "id": NOBODY, "body": {"name": "x"}},
        {"op": "delete", "id": other["id"]},
        {"op": "delete", "id": other["id"]},
    ]
    found = results(batch(w, "clients", items))
    assert [each["status"] for each in found] == [201, 400, 200, 412, 404, 204, 404]
    assert shown(w, f"/clients/{found[0]['id']}") == found[0]["body"]
    single = w.call("POST", "/clients", items[1]["body"]).json
    assert found[1]["problem"] == {**single, "instance": "/api/v3/clients/batch"}
    assert found[2]["body"]["name"] == "Changed"
    assert adds_up(w)


@pytest.mark.parametrize(
    ("item", "pointers"),
    [
        ({}, {"/op"}),
        ({"op": "upsert"}, {"/op"}),
        ({"op": "create"}, {"/body"}),
        ({"op": "create", "id": NOBODY, "body": {}}, {"/id"}),
        ({"op": "update", "body": {}}, {"/id"}),
        ({"op": "delete", "id": NOBODY, "body": {}}, {"/body"}),
        ({"op": "delete", "id": 1, "colour": "red"}, {"/id", "/colour"}),
    ],
)
def test_a_malformed_item_is_its_own_problem(w: Harness, item: Json, pointers: set[str]) -> None:
    first, second = results(batch(w, "clients", [item, *named(1)]))
    assert {each["pointer"] for each in first["problem"]["errors"]} == pointers
    assert (first["status"], second["status"]) == (400, 201)


@pytest.mark.parametrize(
    "item", [{"model": "unknown"}, {"provider": "fal", "params": dict.fromkeys(map(str, range(50)))}]
)
def test_an_answer_is_not_much_larger_than_its_cause(w: Harness, item: Json) -> None:
    """Each short item can be wrong in ways whose explanation has lists of what there is."""
    answer = batch(w, "generate", [{"type": "image", "prompt": "x", **item}] * 100)
    found = [each["problem"] for each in results(answer)]
    assert len(answer.text) < 128 * 1024
    assert found[0]["errors"]
    assert "the single request has it" in found[-1]["detail"]
    assert {each["status"] for each in found} == {400}


def test_a_batch_has_1_to_100_items(w: Harness) -> None:
    for items in ([], named(101)):
        assert places(batch(w, "clients", items)) == {"/items"}
    assert places(batch(w, "clients", named(21), atomic=True)) == {"/items"}
    assert places(w.call("POST", "/clients/batch", {"items": [1], "dry_run": 1})) == {"/items/0", "/dry_run"}


def test_a_batch_may_be_a_megabyte(w: Harness) -> None:
    long = creates(*({"name": "Long", "brand_guidelines": "x" * 30_000} for _ in range(33)))
    assert statuses(batch(w, "clients", long)) == [201] * 33
    assert batch(w, "clients", long * 2).status == 413
    assert adds_up(w)


def test_batches_of_tasks_do_what_single_requests_do(w: Harness) -> None:
    campaign, tasks = a_campaign(w), [a_task(w) for _ in range(3)]
    ended = a_canceled_task(w)
    items: list[Json] = [
        *({"op": "update", "id": each["id"], "body": {"campaign_id": campaign["id"], "rating": 4}} for each in tasks),
        {"op": "cancel", "id": tasks[0]["id"]},
        {"op": "retry", "id": ended["id"], "body": {"prompt": "A ship"}},
        {"op": "retry", "id": ended["id"], "body": {"voice": "Joanna"}},
        {"op": "retry", "id": tasks[1]["id"]},
        {"op": "delete", "id": ended["id"]},
    ]
    found = results(batch(w, "tasks", items))
    assert [each["status"] for each in found] == [200, 200, 200, 200, 202, 400, 409, 204]
    assert (found[4]["body"]["retry_of"], found[4]["body"]["prompt"]) == (ended["id"], "A ship")
    assert shown(w, "/tasks", campaign_id=campaign["id"])["total"] == 3
    assert violations(scan(w.dynamodb, TABLE), deleted=None) == []


def test_items_are_logged_as_their_single_requests() -> None:
    with faulty_harness() as (w, _):
        client, gone, campaign = a_client(w)["id"], a_client(w)["id"], a_campaign(w)["id"]
        first, second, ended = a_task(w)["id"], a_task(w)["id"], a_canceled_task(w)["id"]
        seen: set[str] = set()
        logged(w, seen)
        image, named = images(1, provider="sandbox", model=None)[0], {"name": "x", "goal": "y", "client_id": client}
        batch(w, "generate", [image])
        batch(w, "campaigns", [*creates(named), {"op": "update", "id": campaign, "body": {"status": "active"}}])
        batch(w, "clients", [*creates({"name": "x"}), {"op": "delete", "id": gone}])
        batch(w, "tasks", [{"op": "cancel", "id": first}, {"op": "update", "id": first, "body": {"rating": 1}}])
        batch(w, "tasks", [{"op": "retry", "id": ended}, {"op": "delete", "id": second}])
        of_batches = logged(w, seen)

        gone, campaign, first, second = a_client(w)["id"], a_campaign(w)["id"], a_task(w)["id"], a_task(w)["id"]
        logged(w, seen)
        w.call("POST", "/generate/image", {name: value for name, value in image.items() if name != "type"})
        w.call("POST", "/campaigns", named)
        w.call("PATCH", f"/campaigns/{campaign}", {"status": "active"})
        w.call("POST", "/clients", {"name": "x"})
        w.call("DELETE", f"/clients/{gone}")
        w.call("POST", f"/tasks/{first}/cancel")
        w.call("PATCH", f"/tasks/{first}", {"rating": 1})
        w.call("POST", f"/tasks/{ended}/retry")
        w.call("DELETE", f"/tasks/{second}")
        assert of_batches == logged(w, seen)
        assert len(of_batches) == 9
        assert violations(scan(w.dynamodb, TABLE), deleted=None) == []


def logged(w: Harness, seen: set[str]) -> list[Any]:
    """What was done, by whom and by which request, and what it changed: the entries that were not `seen` before."""
    w.log_activity()
    entries = [item for item in scan(w.dynamodb, TABLE) if item["PK"].startswith("ACTIVITY#")]
    new = [entry for entry in entries if entry["id"] not in seen]
    seen.update(entry["id"] for entry in new)
    return sorted((e["action"], e.get("actor"), e.get("request_id"), sorted(json.loads(e["changes"]))) for e in new)


# -------------------------------------------------------------------------------------------------------- coalesced


def test_creations_under_one_parent_are_few_transactions(w: Harness) -> None:
    campaign, client = a_campaign(w), wiring.dynamodb()
    for path, items, most in (
        ("clients", named(60), 2),
        (
            "campaigns",
            creates(*({"client_id": campaign["client_id"], "name": "x", "goal": "y"} for _ in range(60))),
            2,
        ),
        ("generate", images(60, campaign_id=campaign["id"]), 2),
    ):
        with mock.patch.object(client, "transact_write_items", side_effect=client.transact_write_items) as sent:
            found = results(batch(w, path, items))
        assert {each["status"] for each in found} <= {201, 202}
        assert sent.call_count <= most
        listed = "tasks" if path == "generate" else path
        assert ids(w, f"/{listed}", page_size=60) == [each["id"] for each in reversed(found)]
    assert shown(w, "/tasks", campaign_id=campaign["id"])["total"] == 60
    assert adds_up(w)


def test_of_a_hundred_items_ten_bad_ones_fail(w: Harness) -> None:
    client = a_client(w)["id"]
    bodies = [{"client_id": client, "name": f"{n}", "goal": "x"} for n in range(100)]
    for number in range(0, 100, 10):
        bodies[number] |= {"goal": ""} if number % 20 else {"client_id": NOBODY}
    found = results(batch(w, "campaigns", creates(*bodies)))
    assert [each["status"] for each in found] == [
        201 if number % 10 else 400 if number % 20 else 404 for number in range(100)
    ]
    assert [each["pointer"] for each in found[10]["problem"]["errors"]] == ["/goal"]
    assert shown(w, "/campaigns")["total"] == 90
    assert adds_up(w)


def test_a_budget_admits_exactly_what_fits(w: Harness) -> None:
    client = a_client(w)["id"]
    w.call("PUT", f"/clients/{client}/budget", {"limit": PRICE * 3.5, "period": "month"})
    items = images(12, client_id=client)
    items[2] |= {"num_outputs": 4}
    items[11] |= {"provider": "sandbox", "model": None}
    found = results(batch(w, "generate", items))
    assert [each["status"] for each in found] == [202, 202, 409, 202] + [409] * 7 + [202]
    left = found[6]["problem"]["budget"]
    assert (left["needed"], left["available"]) == (PRICE, PRICE / 2)
    assert adds_up(w)


def test_limits_of_the_account_hold_for_each_item(w: Harness) -> None:
    with mock.patch.dict("os.environ", OPEN_TASKS_PER_ACCOUNT="5", TASKS_PER_HOUR_PER_ACCOUNT="8"):
        forget_settings()
        assert statuses(batch(w, "generate", images(7))) == [202] * 5 + [429] * 2
    forget_settings()
    assert adds_up(w)


# ------------------------------------------------------------------------------------------------------- all or none


def test_an_atomic_batch_is_carried_out_whole(w: Harness) -> None:
    client, tasks = a_client(w)["id"], [a_task(w) for _ in range(10)]
    moves: list[Json] = [{"op": "update", "id": each["id"], "body": {"client_id": client}} for each in tasks]
    assert statuses(batch(w, "tasks", moves, atomic=True)) == [200] * 10
    assert shown(w, "/tasks", client_id=client)["total"] == 10
    assert adds_up(w)


@pytest.mark.parametrize("bad", [{"name": ""}, {"client_id": NOBODY, "name": "x", "goal": "y"}])
def test_an_atomic_batch_with_one_bad_item_does_nothing(w: Harness, bad: Json) -> None:
    good = {"client_id": a_client(w)["id"], "name": "x", "goal": "y"}
    found = results(batch(w, "campaigns", creates(good, bad, good), atomic=True))
    assert [each["status"] for each in found] == [409, 400 if bad["name"] == "" else 404, 409]
    assert shown(w, "/campaigns")["total"] == 0
    assert adds_up(w)


def test_an_atomic_batch_overshoots_no_budget(w: Harness) -> None:
    client, tasks = a_client(w)["id"], [results(batch(w, "generate", images(1)))[0] for _ in range(3)]
    w.call("PUT", f"/clients/{client}/budget", {"limit": PRICE * 2.5})
    moves: list[Json] = [{"op": "update", "id": each["id"], "body": {"client_id": client}} for each in tasks]
    assert statuses(batch(w, "tasks", moves, atomic=True)) == [409] * 3
    assert statuses(batch(w, "tasks", moves[:2], atomic=True)) == [200] * 2
    assert adds_up(w)


def test_an_atomic_batch_changes_a_resource_once(w: Harness) -> None:
    path = f"/clients/{a_client(w)['id']}"
    twice: list[Json] = [{"op": "update", "id": path[9:], "body": {"name": name}} for name in ("a", "b")]
    assert statuses(batch(w, "clients", twice, atomic=True)) == [409] * 2
    assert shown(w, path)["name"] == "Acme"


def test_an_atomic_batch_too_large_says_what_fits(w: Harness) -> None:
    """A delete of a task whose job may be charged takes five writes of its own."""
    made = [each["id"] for each in results(batch(w, "generate", images(ITEMS)))]
    for id_ in made:
        task = wiring.tasks().load(id_)
        assert task
        wiring.tasks().note(task, lease_until=w.now)
    deletes: list[Json] = [{"op": "delete", "id": id_} for id_ in made]
    refused = results(batch(w, "tasks", deletes, atomic=True))
    assert {each["status"] for each in refused} == {409}
    assert "100 writes of one transaction, which hold its first 19 items" in refused[0]["problem"]["detail"]
    assert shown(w, "/tasks")["total"] == ITEMS
    assert statuses(batch(w, "tasks", deletes[:19], atomic=True)) == [204] * 19


# ------------------------------------------------------------------------------------------------------------ dry run


def test_a_dry_run_answers_the_same_and_writes_nothing(w: Harness) -> None:
    client = a_client(w)["id"]
    w.call("PUT", f"/clients/{client}/budget", {"limit": PRICE * 48, "period": "month"})
    items = [*images(50, client_id=client), *images(1, client_id=NOBODY)]
    before = list(scan(w.dynamodb, TABLE))
    tried = batch(w, "generate", items, dry_run=True, key="once")
    assert list(scan(w.dynamodb, TABLE)) == before
    assert statuses(tried) == [202] * 48 + [409] * 2 + [404]
    assert tried.json["estimate"] == {"amount": pytest.approx(PRICE * 48), "currency": "USD", "unpriced": 0}
    assert statuses(batch(w, "generate", items)) == statuses(tried)
    assert adds_up(w)


# --------------------------------------------------------------------------------------------------------------- once


def test_a_repeated_batch_creates_nothing(w: Harness) -> None:
    client = a_client(w)["id"]
    items = creates(*({"client_id": each, "name": "x", "goal": "y"} for each in (client, NOBODY, client)))
    items.append({"op": "update", "id": a_campaign(w)["id"], "body": {}})
    first = batch(w, "campaigns", items, key="once")
    w.call("PATCH", f"/campaigns/{results(first)[0]['id']}", {"name": "Changed"})
    w.call("DELETE", f"/campaigns/{results(first)[2]['id']}")
    second = batch(w, "campaigns", items, key="once")
    assert second.headers["Idempotent-Replayed"] == "true"
    assert statuses(second) == [201, 404, 404, 200]
    assert results(second)[0]["body"]["name"] == "Changed"
    assert results(second)[1]["problem"] == results(first)[1]["problem"]
    assert batch(w, "campaigns", items[:1], key="once").status == 422
    assert w.call("POST", "/campaigns", items[0]["body"], headers={"Idempotency-Key": "once"}).status == 422
    assert adds_up(w)


@pytest.mark.parametrize("effect", [False, True])
def test_a_batch_interrupted_anywhere_is_carried_on(effect: bool) -> None:
    with faulty_harness() as (w, client):
        for number in range(1, 7):  # the key's record, four items, the refusals
            kept, gone = a_client(w)["id"], a_client(w)["id"]
            made = creates({"name": "a"}, {"name": "b"})
            items: list[Json] = [*made, {"op": "update", "id": kept, "body": {"name": "c"}, "if_match": '"1"'}]
            items += [{"op": "delete", "id": gone}, {"op": "delete", "id": NOBODY}]
            client.trouble = crash = CrashAt(number, effect=effect)
            with suppress(Crashed):
                batch(w, "clients", items, key=f"{number}")
            client.trouble = Trouble()
            again = batch(w, "clients", items, key=f"{number}")
            assert statuses(again) == [201, 201, 200, 204, 404], (number, again.text)
            assert shown(w, "/clients")["total"] == 3 * number
        assert not crash.happened, "the last one dies of nothing"
        assert adds_up(w)


def test_what_was_deleted_meanwhile_is_not_made_again() -> None:
    with faulty_harness() as (w, client):
        items = [*named(1), {"op": "delete", "id": NOBODY}, *named(1)]
        client.trouble = CrashAt(3, effect=False)
        with pytest.raises(Crashed):
            batch(w, "clients", items, key="once")
        client.trouble = Trouble()
        (made,) = ids(w, "/clients")
        w.call("DELETE", f"/clients/{made}")
        assert statuses(batch(w, "clients", items, key="once")) == [404, 404, 201]
        assert shown(w, "/clients")["total"] == 1


def test_two_repetitions_at_once_carry_a_batch_on_together() -> None:
    with faulty_harness() as (w, client):
        items = [*named(50), {"op": "delete", "id": NOBODY}]
        answers: list[Answer] = []
        with meanwhile(client, lambda: answers.append(batch(w, "clients", items, key="once"))):
            answers.append(batch(w, "clients", items, key="once"))
        first, second = map(results, answers)
        assert [each.get("id") for each in first] == [each.get("id") for each in second]
        assert shown(w, "/clients")["total"] == 50
        assert adds_up(w)


@dataclass
class Interrupted(Trouble):
    """Whoever is about to write may be overtaken by the next repetition, as long as some are `left`."""

    repeat: Callable[[], object]
    left: int
    chance: Random = field(default_factory=lambda: Random(1))

    def before(self, call: str, request: Request) -> Request:
        if call in WRITES and self.left and self.chance.random() < 0.5:
            self.left -= 1
            self.repeat()
        return request


def test_twenty_repetitions_at_once_answer_alike() -> None:
    with faulty_harness() as (w, client):
        client_id = a_client(w)["id"]
        bodies = [{"client_id": client_id, "name": f"{n}", "goal": "x"} for n in range(ITEMS)]
        for number in range(0, ITEMS, 10):
            bodies[number] |= {"goal": ""} if number % 20 else {"client_id": NOBODY}
        answers: list[Answer] = []

        def repeat() -> None:
            answers.append(batch(w, "campaigns", creates(*bodies), key="once"))

        client.trouble = interrupted = Interrupted(repeat, left=19)
        repeat()
        while len(answers) < 20:
            repeat()
        assert interrupted.left < 12, "too few were overtaken"
        first, *rest = ([(each["status"], each.get("id")) for each in results(answer)] for answer in answers)
        assert all(each == first for each in rest)
        assert sum(status == 201 for status, _ in first) == shown(w, "/campaigns")["total"] == ITEMS * 9 // 10
        assert adds_up(w)


def test_a_late_repetition_undoes_nothing() -> None:
    with faulty_harness() as (w, client):
        path = f"/clients/{a_client(w)['id']}"
        items: list[Json] = [{"op": "update", "id": path[9:], "body": {"name": "c"}}]

        def dies_at_its_second_write() -> None:
            client.trouble = CrashAt(2, effect=False)
            with pytest.raises(Crashed):
                batch(w, "clients", items, key="once")
            client.trouble = Trouble()

        def carried_out_by_another() -> None:
            dies_at_its_second_write()  # the refusals
            w.call("PATCH", path, {"name": "z"})

        dies_at_its_second_write()  # the update
        with meanwhile(client, carried_out_by_another, call="batch_get_item"):
            late = batch(w, "clients", items, key="once")
        assert results(late)[0]["body"]["name"] == shown(w, path)["name"] == "z"


def test_repetitions_agree_on_what_changed_in_between() -> None:
    with faulty_harness() as (w, client):
        path = f"/clients/{a_client(w)['id']}"
        items: list[Json] = [{"op": "update", "id": path[9:], "body": {"name": "c"}, "if_match": '"2"'}]

        def carried_out_by_another() -> None:
            w.call("PATCH", path, {"name": "b"})
            client.trouble = CrashAt(1, effect=True)
            with pytest.raises(Crashed):
                batch(w, "clients", items, key="once")
            client.trouble = Trouble()

        with meanwhile(client, carried_out_by_another, call="update_item"):  # the refusals
            first = batch(w, "clients", items, key="once")
        assert statuses(first) == statuses(batch(w, "clients", items, key="once")) == [200]
        assert results(first)[0]["body"]["name"] == "c"


def test_what_does_not_fit_the_deadline_is_left(w: Harness) -> None:
    items = [*named(2), {"op": "delete", "id": NOBODY}, *named(1)]
    left = iter([9.0, 9.0, 1.0])
    with mock.patch.object(batches, "remaining", side_effect=lambda: next(left)):
        first = batch(w, "clients", items, key="once")
    assert statuses(first) == [201, 201, 404, 503]
    assert statuses(batch(w, "clients", items, key="once")) == [201, 201, 404, 201]
    assert shown(w, "/clients")["total"] == 3
