"""Tasks: shown, listed, canceled, retried, deleted."""

from collections.abc import Iterator

import boto3
import pytest

from testbed.harness import BUCKET, Harness, harness
from tests.integration.builders import (
    NOBODY,
    Json,
    a_canceled_task,
    a_client,
    a_finished_task,
    a_task,
    clean_up,
    created,
    ids,
    one_step,
    places,
    problem,
    shown,
    theirs,
    work_on,
)

KIB = 1024
LONG_FIELDS = {"effective_prompt", "params", "inputs", "attempts", "webhook_deliveries"}


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


@pytest.fixture(scope="module")
def succeeded(w: Harness) -> Json:
    return a_finished_task(w)


@pytest.fixture(scope="module")
def failed(w: Harness) -> Json:
    return a_finished_task(w, prompt="fail:nsfw", metadata={"a": 1}, seed=3, params={"steps": 4})


def files_of(task: Json) -> list[str]:
    listed = boto3.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"media/1/{task['id']}/")
    return [file["Key"] for file in listed.get("Contents", [])]


EVERY_WAY = [
    *(("GET", ""), ("GET", "/result"), ("POST", "/cancel"), ("POST", "/retry"), ("POST", "/webhook"), ("DELETE", "")),
]
"""All that can be asked of one task: a method, and what follows its path."""


@pytest.mark.parametrize("id_", [NOBODY, "nonsense", NOBODY.upper(), "%20"])
def test_an_id_that_names_nothing_is_not_found(w: Harness, id_: str) -> None:
    path = f"/tasks/{id_}"
    for method, below in EVERY_WAY:
        problem(w.call(method, path + below), 404)


def test_another_users_task_is_not_there(w: Harness) -> None:
    client, campaign, task = theirs(w)
    path = f"/tasks/{task}"
    for method, below in EVERY_WAY:
        problem(w.call(method, path + below), 404)
    assert task not in ids(w, "/tasks", page_size=100)
    assert ids(w, "/tasks", client_id=client) == ids(w, "/tasks", campaign_id=campaign) == []


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"float": 1.0, "int": 1, "zero": -0.0, "tiny": 5e-324, "large": 1.7976931348623157e308},
        {"big": 2**63, "bigger": 10**300, "negative": -(2**70)},
        {"ünïcödé": "🦊\u0000\u2028", "": "", " ": None},
        {"deep": [[{"a": [True, False, None, [], {}]}]]},
        {"PK": "TASK#1", "SK": "TASK", "version": 9, "id": "x"},
        {"text": '"\\/\n', "html": "<b>&amp;</b>"},
    ],
)
def test_metadata_comes_back_exactly_as_it_was_sent(w: Harness, metadata: Json) -> None:
    task = a_task(w, metadata=metadata)
    listed = next(item for item in shown(w, "/tasks")["items"] if item["id"] == task["id"])
    for found in (task, shown(w, f"/tasks/{task['id']}"), listed):
        assert repr(found["metadata"]) == repr(metadata)


def test_a_number_beyond_every_double_is_refused(w: Harness) -> None:
    # RFC 8259, section 6: readers may not agree on it. Kept exactly or refused, never rounded.
    body = '{"prompt": "A boat", "metadata": {"a": 1' + "0" * 400 + "}}"
    assert places(w.call("POST", "/generate/image", raw=body)) == {""}


@pytest.mark.parametrize("fill", ["a", "é", "🦊", '"'])
def test_metadata_may_have_16_kib_and_no_more(w: Harness, fill: str) -> None:
    size = len(fill.encode()) + (fill == '"')
    room = 16 * KIB - len('{"a":""}')
    text = fill * (room // size) + "x" * (room % size)
    assert a_task(w, metadata={"a": text})["metadata"] == {"a": text}
    answer = w.call("POST", "/generate/image", {"prompt": "A boat", "metadata": {"a": text + "x"}})
    assert [fault["pointer"] for fault in problem(answer, 400)["errors"]] == ["/metadata"]


def test_params_too_large_for_an_item_are_refused(w: Harness) -> None:
    raw = '{"prompt": "A boat", "params": {"a": [' + ",".join(["9e15"] * 50_000) + "]}}"
    answer = w.call("POST", "/generate/image", raw=raw)
    assert [fault["pointer"] for fault in problem(answer, 400)["errors"]] == ["/params"]


def test_lists_show_everything_but_the_long_texts(w: Harness, succeeded: Json) -> None:
    listed = next(item for item in shown(w, "/tasks", page_size=100)["items"] if item["id"] == succeeded["id"])
    assert listed.keys() == succeeded.keys() - LONG_FIELDS
    same = listed.keys() - {"outputs"}
    assert {name: listed[name] for name in same} == {name: succeeded[name] for name in same}
    assert listed["outputs"][0]["bytes"] == succeeded["outputs"][0]["bytes"]


def test_a_result_is_there_once_the_task_has_succeeded(w: Harness, succeeded: Json) -> None:
    result = shown(w, f"/tasks/{succeeded['id']}/result")
    assert (result["id"], result["status"]) == (succeeded["id"], "succeeded")
    assert result["outputs"][0]["bytes"] == succeeded["outputs"][0]["bytes"]


def test_a_result_is_a_202_while_the_task_runs(w: Harness) -> None:
    task, seen = a_task(w)["id"], []
    path = f"/tasks/{task}/result"
    w.relay()
    while (answer := w.call("GET", path)).status == 202:
        assert answer.json["outputs"] == []
        assert int(answer.headers["Retry-After"]) > 0
        seen.append(answer.json["status"])
        one_step(w, task)
    assert set(seen) == {"pending", "processing"}
    assert (answer.status, answer.json["status"]) == (200, "succeeded")


def test_the_result_of_a_failed_task_is_409(w: Harness, failed: Json) -> None:
    """With the task's own error."""
    told = problem(w.call("GET", f"/tasks/{failed['id']}/result"), 409)
    assert (told["code"], told["retryable"]) == (failed["error"]["code"], failed["error"]["retryable"])
    assert told["detail"] == failed["error"]["message"]


def test_the_result_of_a_canceled_task_is_409(w: Harness) -> None:
    told = problem(w.call("GET", f"/tasks/{a_canceled_task(w)['id']}/result"), 409)
    assert (told["code"], told["retryable"]) == ("canceled", True)


def test_a_canceled_task_stays_canceled_whatever_the_worker_does(w: Harness) -> None:
    task = a_canceled_task(w)
    assert (task["status"], task["outputs"]) == ("canceled", [])
    assert task["completed_at"] == task["updated_at"] > task["created_at"]
    work_on(w, task["id"])
    assert shown(w, f"/tasks/{task['id']}") == task
    assert files_of(task) == []


def test_what_is_over_cannot_be_canceled(w: Harness, succeeded: Json, failed: Json) -> None:
    for task in (succeeded, failed):
        before = shown(w, f"/tasks/{task['id']}")["updated_at"]
        problem(w.call("POST", f"/tasks/{task['id']}/cancel"), 409)
        assert shown(w, f"/tasks/{task['id']}")["updated_at"] == before


def test_a_second_cancel_changes_nothing(w: Harness) -> None:
    canceled = a_canceled_task(w)
    again = w.call("POST", f"/tasks/{canceled['id']}/cancel")
    assert (again.status, again.json) == (200, canceled)


def test_a_retry_creates_an_equal_new_task(w: Harness, failed: Json) -> None:
    answer = w.call("POST", f"/tasks/{failed['id']}/retry")
    assert answer.status == 202
    again = answer.json
    assert answer.headers["Location"] == f"/api/v3/tasks/{again['id']}"
    assert (again["retry_of"], again["status"], again["error"]) == (failed["id"], "pending", None)
    assert again["id"] != failed["id"]
    same = ("type", "provider", "model", "prompt", "params", "metadata", "effective_prompt")
    assert {name: again[name] for name in same} == {name: failed[name] for name in same}
    assert shown(w, f"/tasks/{failed['id']}") == failed


def test_only_what_failed_or_was_canceled_can_be_retried(w: Harness, succeeded: Json) -> None:
    for task in (succeeded, a_task(w)):
        problem(w.call("POST", f"/tasks/{task['id']}/retry"), 409)
        problem(w.call("POST", f"/tasks/{task['id']}/retry", {"voice": "Joanna"}), 409)
    assert w.call("POST", f"/tasks/{a_canceled_task(w)['id']}/retry").status == 202


def test_a_retry_takes_the_brand_as_it_is_now(w: Harness) -> None:
    client = a_client(w, brand_guidelines="Use blue.")
    task = a_canceled_task(w, client_id=client["id"])
    w.call("PATCH", f"/clients/{client['id']}", {"brand_guidelines": "Use red."})
    assert "Use red." in w.call("POST", f"/tasks/{task['id']}/retry").json["effective_prompt"]
    w.call("DELETE", f"/clients/{client['id']}")
    again = w.call("POST", f"/tasks/{task['id']}/retry").json
    assert (again["client_id"], again["effective_prompt"]) == (None, "A boat")


def test_a_task_tells_the_seed_that_was_used(succeeded: Json, failed: Json) -> None:
    assert isinstance(succeeded["seed"], int)
    assert failed["seed"] == 3


def test_a_retry_changes_what_its_body_says(w: Harness) -> None:
    task = a_canceled_task(w, size="64x64", seed=7, params={"steps": 3, "style": "oil"}, metadata={"mine": 1})
    changes = {"prompt": "A ship", "seed": None, "num_outputs": 2, "params": {"steps": 9, "style": None}}
    again = created(w.call("POST", f"/tasks/{task['id']}/retry", changes))
    assert (again["prompt"], again["effective_prompt"], again["seed"]) == ("A ship", "A ship", None)
    assert again["params"] == {"size": "64x64", "num_outputs": 2, "steps": 9}
    same = ("provider", "model", "metadata")
    assert {name: again[name] for name in same} == {name: task[name] for name in same}
    other = created(w.call("POST", f"/tasks/{task['id']}/retry", {"model": "fal-ai/flux-pro", "params": None}))
    assert (other["provider"], other["model"], other["retry_of"]) == ("fal", "fal-ai/flux-pro", task["id"])
    assert other["params"] == {"size": "64x64", "num_outputs": 1, "seed": 7}
    assert w.call("POST", f"/tasks/{other['id']}/cancel").status == 200
    same_model = created(w.call("POST", f"/tasks/{other['id']}/retry", {"seed": 9}))
    assert (same_model["provider"], same_model["model"], same_model["seed"]) == ("fal", "fal-ai/flux-pro", 9)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"colour": "red"}, {"/colour"}),
        ({"prompt": None, "model": None, "providers": []}, {"/prompt", "/model", "/providers"}),
        ({"voice": "Joanna"}, {"/voice"}),
        ({"aspect_ratio": "1:1"}, {"/size"}),
        ({"model": "fal-ai/flux-pro"}, {"/params/steps"}),
        ({"model": "nobody's"}, {"/model"}),
        ({"provider": "fal", "providers": ["fal"]}, {"/providers"}),
        ({"params": {"steps": 1000}}, {"/params/steps"}),
        ({"prompt": "x" * 5001, "num_outputs": 5}, {"/prompt", "/num_outputs"}),
    ],
)
def test_a_changed_retry_is_checked_as_a_new_request(w: Harness, changes: Json, wrong: set[str]) -> None:
    task = a_canceled_task(w, size="64x64", params={"steps": 3})
    assert places(w.call("POST", f"/tasks/{task['id']}/retry", changes)) == wrong


def test_an_empty_body_of_a_retry_changes_nothing(w: Harness) -> None:
    path, key = f"/tasks/{a_canceled_task(w)['id']}/retry", {"Idempotency-Key": "once"}
    first = w.call("POST", path, headers=key)
    assert w.call("POST", path, {}, headers=key).json["id"] == first.json["id"]
    problem(w.call("POST", path, {"prompt": "A ship"}, headers=key), 422)


def test_deleting_a_task_deletes_its_media(w: Harness) -> None:
    task = a_finished_task(w)
    assert len(files_of(task)) == 2  # the image and its thumbnail
    assert w.call("DELETE", f"/tasks/{task['id']}").status == 204
    problem(w.call("GET", f"/tasks/{task['id']}"), 404)
    problem(w.call("DELETE", f"/tasks/{task['id']}"), 404)
    assert task["id"] not in ids(w, "/tasks", page_size=100)
    work_on(w, task["id"])
    assert files_of(task) == []


def test_deleting_a_running_task_leaves_nothing(w: Harness) -> None:
    task = a_task(w)
    w.relay()
    one_step(w, task["id"])
    assert w.call("DELETE", f"/tasks/{task['id']}").status == 204
    work_on(w, task["id"])
    clean_up(w)
    assert files_of(task) == []
