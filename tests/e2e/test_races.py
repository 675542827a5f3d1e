"""Everything at once, from parallel connections to parallel processes: afterwards everything still adds up."""

import json
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import httpx
import pytest

from local.stack import Stack
from tests.e2e.conftest import eventually

ROUNDS: Final = 60
Act = Callable[[], httpx.Response]


@pytest.fixture(scope="module")
def people() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(12) as pool:
        yield pool


def at_once(people: ThreadPoolExecutor, *acts: Act, seed: int) -> list[httpx.Response]:
    """Do all of these at the same time, in an order that differs from round to round."""
    order = list(range(len(acts)))
    random.Random(seed).shuffle(order)
    done = dict(zip(order, people.map(lambda number: acts[number](), order), strict=True))
    return [done[number] for number in range(len(acts))]


def made(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code in (201, 202), answer.text
    return dict(answer.json())


def a_client(api: httpx.Client) -> str:
    return str(made(api.post("/clients", json={"name": "Contended"}))["id"])


def a_campaign(api: httpx.Client, client_id: str) -> str:
    body = {"client_id": client_id, "name": "Contended", "goal": "Survive"}
    return str(made(api.post("/campaigns", json=body))["id"])


def creating_under(api: httpx.Client, client_id: str, campaign_id: str) -> list[Act]:
    campaign = {"client_id": client_id, "name": "Late", "goal": "Be first"}
    image = {"prompt": "late", "size": "64x64"}
    return [
        lambda: api.post("/campaigns", json=campaign),
        lambda: api.post("/generate/image", json={**image, "client_id": client_id}),
        lambda: api.post("/generate/image", json={**image, "campaign_id": campaign_id}),
    ]


def test_concurrent_delete_and_creates_leave_no_half(api: httpx.Client, people: ThreadPoolExecutor) -> None:
    for round_number in range(ROUNDS):
        client_id = a_client(api)
        campaign_id = a_campaign(api, client_id)
        creates = creating_under(api, client_id, campaign_id)
        deleted, *created = at_once(people, lambda: api.delete(f"/clients/{client_id}"), *creates, seed=round_number)  # noqa: B023 - done within the round
        assert deleted.status_code == 204, deleted.text
        assert {answer.status_code for answer in created} <= {201, 202, 404}
        for answer in created:
            if answer.status_code == 201:
                assert api.get(f"/campaigns/{answer.json()['id']}").status_code == 404
            if answer.status_code == 202:
                task = api.get(f"/tasks/{answer.json()['id']}").json()
                assert (task["client_id"], task["campaign_id"]) == (None, None)
        assert api.get("/campaigns", params={"client_id": client_id}).json()["total"] == 0


def test_concurrent_status_changes_and_deletes_keep_counts_right(api: httpx.Client, people: ThreadPoolExecutor) -> None:
    client_id = a_client(api)
    for round_number in range(ROUNDS):
        path = f"/campaigns/{a_campaign(api, client_id)}"
        statuses = ("active", "archived", "draft", "active")
        moves = [lambda status=status: api.patch(path, json={"status": status}) for status in statuses]  # noqa: B023
        answers = at_once(people, *moves, lambda: api.delete(path), seed=round_number)  # noqa: B023
        assert {answer.status_code for answer in answers[:-1]} <= {200, 404}
        assert answers[-1].status_code == 204
    assert api.get("/campaigns", params={"client_id": client_id}).json()["total"] == 0


def test_a_cancel_and_a_completion_never_both_happen(api: httpx.Client, people: ThreadPoolExecutor) -> None:
    tasks = [made(api.post("/generate/image", json={"prompt": "race", "size": "64x64"})) for _ in range(ROUNDS)]

    def cancel_in_the_middle(task: dict[str, Any]) -> httpx.Response:
        eventually(lambda: api.get(f"/tasks/{task['id']}").json()["progress"], "it has begun")
        return api.post(f"/tasks/{task['id']}/cancel")

    for task, answer in zip(tasks, people.map(cancel_in_the_middle, tasks), strict=True):
        now = api.get(f"/tasks/{task['id']}").json()
        assert (answer.status_code, now["status"]) in {(200, "canceled"), (409, "succeeded")}
        assert bool(now["outputs"]) == (now["status"] == "succeeded")


def test_fifty_creates_under_one_campaign_all_succeed(api: httpx.Client, people: ThreadPoolExecutor) -> None:
    campaign_id = a_campaign(api, a_client(api))
    body = {"prompt": "crowd", "size": "64x64", "campaign_id": campaign_id}
    answers = list(people.map(lambda _: api.post("/generate/image", json=body), range(50)))
    assert {answer.status_code for answer in answers} == {202}
    listed = eventually(
        lambda: (found := api.get("/tasks", params={"campaign_id": campaign_id}).json())["items"] and found, "listed"
    )
    assert listed["total"] == 50


def test_twenty_repetitions_of_a_batch_make_ninety(api: httpx.Client) -> None:
    client_id = a_client(api)
    bodies = [{"client_id": client_id, "name": f"Campaign {n}", "goal": "x"} for n in range(100)]
    bad = {n: "/goal" if n % 20 else "/name" for n in range(0, 100, 10)}
    for number, pointer in bad.items():
        bodies[number][pointer.removeprefix("/")] = ""
    batch = {"items": [{"op": "create", "body": body} for body in bodies]}
    key = {"Idempotency-Key": "ninety"}
    with ThreadPoolExecutor(20) as everybody:
        sent = everybody.map(lambda _: api.post("/campaigns/batch", json=batch, headers=key), range(20))
    first, *rest = (answer.json() for answer in sent)
    results = first["results"]
    pointers = {n: it["problem"]["errors"][0]["pointer"] for n, it in enumerate(results) if "problem" in it}
    assert (pointers, first["summary"]) == (bad, {"succeeded": 90, "failed": 10})
    made = [(each["status"], each.get("id")) for each in results]
    assert all([(each["status"], each.get("id")) for each in again["results"]] == made for again in rest)
    listed = api.get("/campaigns", params={"client_id": client_id, "page_size": 100}).json()
    assert listed["total"] == 90
    assert {each["id"] for each in listed["items"]} == {id_ for status, id_ in made if status == 201}


def test_after_all_of_this_everything_adds_up(api: httpx.Client, stack: Stack) -> None:
    eventually(lambda: not _still_running(api), "every task is over", seconds=90)
    eventually(lambda: _verified(stack)["ok"], f"a recount finds nothing wrong: {_verified(stack)}", seconds=90)


def _still_running(api: httpx.Client) -> int:
    statuses = ("pending", "processing")
    return sum(int(api.get("/tasks", params={"status": status}).json()["total"]) for status in statuses)


def _verified(stack: Stack) -> dict[str, Any]:
    answer = stack.client("lambda").invoke(
        FunctionName=stack.outputs["VerifyFunctionName"], Payload=json.dumps({"user_ids": [1]})
    )
    return dict(json.loads(answer["Payload"].read()))
