"""Generations from files made before: which a request may name, what the task remembers, and what comes of them."""

import io
from typing import Final

import boto3
import pytest
from PIL import Image

from atelier.domain.tasks.requests import NewVideo
from testbed.harness import BUCKET, TABLE, Harness
from tests.integration.builders import (
    NOBODY,
    Json,
    a_client,
    a_finished_task,
    a_task,
    created,
    places,
    problem,
    shown,
    theirs,
    work_on,
)
from tests.integration.test_assets import a_picture, a_ready_asset, an_asset
from tests.support.recount import scan, violations

EDITS: Final = ("edit", "upscale", "remove-background")


def named(task: Json, role: str = "reference", output: int = 0) -> Json:
    return {"role": role, "task_id": task["id"], "output": output}


def finished(w: Harness, path: str, body: Json) -> Json:
    task = created(w.call("POST", f"/generate/{path}", body))
    work_on(w, task["id"])
    done = shown(w, f"/tasks/{task['id']}")
    assert done["status"] == "succeeded", done["error"]
    return done


def file_of(task: Json, number: int = 0) -> bytes:
    key = f"media/{task['outputs'][number]['url'].partition('/media/')[2].partition('?')[0]}"
    return bytes(boto3.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read())


def picture_of(task: Json) -> Image.Image:
    return Image.open(io.BytesIO(file_of(task)))


def test_an_edit_is_made_of_three_references(w: Harness) -> None:
    source = a_finished_task(w, num_outputs=3)
    inputs = [named(source, output=number) for number in range(3)]
    done = finished(w, "edit", {"prompt": "In a storm", "inputs": inputs})
    assert (done["type"], done["model"]) == ("edit", "sandbox-edit")
    assert done["inputs"] == [{**each, "asset_id": None} for each in inputs]
    assert picture_of(done).size == (64, 64)
    assert file_of(done) not in [file_of(source, number) for number in range(3)]


def test_an_upscale_is_as_much_larger_as_asked(w: Harness) -> None:
    source = a_finished_task(w)
    for asked, side in (({}, 128), ({"upscale_factor": 4}, 256)):
        done = finished(w, "upscale", {"inputs": [named(source)], **asked})
        assert (done["outputs"][0]["width"], done["outputs"][0]["height"]) == (side, side)


def test_a_background_is_removed(w: Harness) -> None:
    done = finished(w, "remove-background", {"inputs": [named(a_finished_task(w, seed=1))]})
    made = picture_of(done)
    assert (done["type"], made.mode, made.getpixel((0, 0))[3]) == ("remove_background", "RGBA", 0)  # type: ignore[index]


def test_a_video_is_made_of_a_picture(w: Harness) -> None:
    body = {"prompt": "A slow pan", "duration": 1, "inputs": [named(a_finished_task(w), "start_image")]}
    done = finished(w, "video", body)
    assert (done["outputs"][0]["content_type"], done["outputs"][0]["width"]) == ("video/mp4", 64)


def test_inputs_that_cannot_be_used_are_named_together(w: Harness) -> None:
    waiting, source, (_, _, foreign) = a_task(w), a_finished_task(w), theirs(w)
    inputs = [
        named({"id": NOBODY}),
        named({"id": "x"}),
        named(waiting),
        named(source, output=9),
        named({"id": foreign}),
        named(source, "mask"),
        named(source, "start_image"),
    ]
    refused = w.call("POST", "/generate/edit", {"prompt": "x", "inputs": inputs})
    where = {f"/inputs/{number}/task_id" for number in (0, 1, 2, 4)} | {"/inputs/3/output", "/inputs/6/role"}
    assert places(refused) == where


def test_an_input_named_twice_is_refused(w: Harness) -> None:
    """In one role; a video may begin and end with the same picture."""
    source = a_finished_task(w)
    again = {**named(source), "task_id": source["id"].upper()}
    refused = w.call("POST", "/generate/edit", {"prompt": "x", "inputs": [named(source), again]})
    assert places(refused) == {"/inputs"}
    assert "must not name an input twice" in refused.text
    both = [named(source, role) for role in ("start_image", "end_image")]
    NewVideo.model_validate({"prompt": "x", "inputs": both})


def test_a_refused_input_reserves_nothing(w: Harness) -> None:
    w.call("PUT", "/account/budget", {"limit": 5})
    before = shown(w, "/account/budget")
    body = {"prompt": "x", "inputs": [named({"id": NOBODY})], "provider": "fal"}
    problem(w.call("POST", "/generate/edit", body), 400)
    assert shown(w, "/account/budget") == before
    assert shown(w, "/tasks", type="edit")["total"] == 0


@pytest.mark.parametrize("path", EDITS)
def test_a_request_without_its_input_is_refused(w: Harness, path: str) -> None:
    assert places(w.call("POST", f"/generate/{path}", {"prompt": "A boat"})) == {"/inputs"}
    assert places(w.call("POST", f"/generate/{path}/estimate", {"prompt": "A boat"})) == {"/inputs"}


def test_an_estimate_checks_inputs_and_creates_nothing(w: Harness) -> None:
    source = a_finished_task(w)
    body = {"prompt": "x", "provider": "fal", "inputs": [named(source)]}
    answer = w.call("POST", "/generate/edit/estimate", body)
    assert (answer.status, answer.json["candidates"][0]["model"]) == (200, "fal-ai/nano-banana-2/edit")
    assert shown(w, "/tasks", type="edit")["total"] == 0


def test_a_deleted_sources_id_is_null(w: Harness) -> None:
    source, kept = a_finished_task(w), a_finished_task(w)
    done = finished(w, "edit", {"prompt": "x", "inputs": [named(source), named(kept)]})
    assert w.call("DELETE", f"/tasks/{source['id']}").status == 204
    inputs = shown(w, f"/tasks/{done['id']}")["inputs"]
    assert [each["task_id"] for each in inputs] == [None, kept["id"]]
    assert [each["output"] for each in inputs] == [0, 0]


@pytest.mark.parametrize("deleted", ["task", "asset", "client of the asset"])
def test_a_source_deleted_before_submit_fails_the_task(w: Harness, deleted: str) -> None:
    client = a_client(w)
    if deleted == "task":
        source = a_finished_task(w)
        path, used = f"/tasks/{source['id']}", named(source)
    else:
        asset = a_ready_asset(w, client_id=client["id"])
        path, used = f"/assets/{asset['id']}", an_asset_input(asset)
    task = created(w.call("POST", "/generate/edit", {"prompt": "x", "inputs": [used]}))
    w.call("DELETE", f"/clients/{client['id']}" if "client" in deleted else path)
    work_on(w, task["id"])
    ended = shown(w, f"/tasks/{task['id']}")
    assert (ended["status"], ended["error"]["code"], ended["cost"]["actual"]) == ("failed", "input_gone", None)
    assert ended["inputs"] == [{"role": "reference", "asset_id": None, "task_id": None, "output": used.get("output")}]
    assert problem(w.call("POST", f"/tasks/{task['id']}/retry"), 409)
    assert violations(scan(w.dynamodb, TABLE), deleted=None) == []


def test_an_input_without_its_file_fails_the_task(w: Harness) -> None:
    """Its item is there, and what was normalized is not."""
    asset = a_ready_asset(w)
    task = created(w.call("POST", "/generate/edit", {"prompt": "x", "inputs": [an_asset_input(asset)]}))
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=f"media/1/{asset['id']}/normalized.jpg")
    work_on(w, task["id"])
    ended = shown(w, f"/tasks/{task['id']}")
    assert (ended["status"], ended["error"]["code"], ended["outputs"]) == ("failed", "input_gone", [])
    assert violations(scan(w.dynamodb, TABLE)) == []


def an_asset_input(asset: Json, role: str = "reference") -> Json:
    return {"role": role, "asset_id": asset["id"]}


def test_an_asset_is_an_input(w: Harness) -> None:
    asset = a_ready_asset(w, a_picture(size=(40, 30)))
    done = finished(w, "upscale", {"inputs": [an_asset_input(asset)]})
    assert (done["outputs"][0]["width"], done["outputs"][0]["height"]) == (80, 60)
    assert done["inputs"] == [{**an_asset_input(asset), "task_id": None, "output": None}]
    w.call("DELETE", f"/assets/{asset['id']}")
    assert shown(w, f"/tasks/{done['id']}")["inputs"][0]["asset_id"] is None


def test_an_asset_of_a_deleted_client_is_gone(w: Harness) -> None:
    client = a_client(w)
    asset = a_ready_asset(w, client_id=client["id"])
    body = {"prompt": "x", "inputs": [an_asset_input(asset)]}
    task = created(w.call("POST", "/generate/edit", body))
    w.call("DELETE", f"/clients/{client['id']}")
    assert shown(w, f"/tasks/{task['id']}")["inputs"][0]["asset_id"] is None
    assert places(w.call("POST", "/generate/edit", body)) == {"/inputs/0/asset_id"}


def test_an_asset_that_is_not_ready_is_refused(w: Harness) -> None:
    inputs = [an_asset_input(an_asset(w)), an_asset_input({"id": NOBODY})]
    refused = w.call("POST", "/generate/edit", {"prompt": "x", "inputs": inputs})
    assert places(refused) == {"/inputs/0/asset_id", "/inputs/1/asset_id"}
    assert "is pending, not ready" in problem(refused, 400)["detail"]


def canceled_edit(w: Harness, source: Json) -> Json:
    task = created(w.call("POST", "/generate/edit", {"prompt": "x", "inputs": [named(source)]}))
    w.call("POST", f"/tasks/{task['id']}/cancel")
    return task


def test_a_retry_takes_its_inputs_along(w: Harness) -> None:
    source = a_finished_task(w)
    task = canceled_edit(w, source)
    for body in ({}, {"prompt": "y"}):
        again = created(w.call("POST", f"/tasks/{task['id']}/retry", body))
        assert (again["inputs"], again["retry_of"]) == (task["inputs"], task["id"])


def test_a_retry_whose_input_is_gone_is_a_409(w: Harness) -> None:
    source, other = a_finished_task(w), a_finished_task(w)
    task = canceled_edit(w, source)
    w.call("DELETE", f"/tasks/{source['id']}")
    path = f"/tasks/{task['id']}/retry"
    for body in ({}, {"prompt": "y"}):
        assert "was deleted" in problem(w.call("POST", path, body), 409)["detail"]
    again = created(w.call("POST", path, {"inputs": [named(other)]}))
    assert [each["task_id"] for each in again["inputs"]] == [other["id"]]


def test_inputs_go_along_in_batches_and_matrices(w: Harness) -> None:
    source = a_finished_task(w)
    item = {"type": "edit", "prompt": "x", "inputs": [named(source)]}
    bad = {**item, "inputs": [named({"id": NOBODY})]}
    answer = w.call("POST", "/generate/batch", {"items": [item, bad, {"type": "upscale", "inputs": [named(source)]}]})
    assert [each["status"] for each in answer.json["results"]] == [202, 400, 202]
    matrix = {"type": "edit", "prompt": "{n}", "variables": {"n": ["a", "b"]}, "inputs": [named(source)]}
    for dry_run, total in ((True, 1), (False, 3)):
        answer = w.call("POST", "/generate/matrix", {**matrix, "dry_run": dry_run})
        assert answer.json["summary"]["succeeded"] == 2, answer.text
        assert shown(w, "/tasks", type="edit")["total"] == total


def test_models_show_which_inputs_they_take(w: Harness) -> None:
    models = {each["id"]: each for each in shown(w, "/models", provider="fal")["items"]}
    (start, end) = models["fal-ai/kling-video/v3/pro/image-to-video"]["inputs"]
    assert (start["role"], start["least"], start["most"], start["min_side"]) == ("start_image", 1, 1, 300)
    assert (end["role"], end["least"]) == ("end_image", 0)
    assert models["fal-ai/flux-2-pro"]["inputs"] == []
