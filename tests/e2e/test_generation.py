"""From a prompt to a file that plays: the whole pipeline, with nothing held back or sped up."""

import io
import wave
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import av
import httpx
import pytest
from PIL import Image

from tests.e2e.conftest import Finish, eventually


def made(api: httpx.Client, kind: str, **asked: Any) -> dict[str, Any]:
    accepted = api.post(f"/generate/{kind}", json={"prompt": "A lighthouse at dusk"} | asked)
    assert accepted.status_code == 202, accepted.text
    return dict(accepted.json())


def file_of(task: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    """The task's one output and its bytes, downloaded by the URL alone."""
    assert task["status"] == "succeeded", task["error"]
    (output,) = task["outputs"]
    download = httpx.get(output["url"])
    assert download.status_code == 200
    assert download.headers["content-type"] == output["content_type"]
    assert len(download.content) == output["bytes"]
    return output, download.content


def test_an_image_downloads_in_the_stated_size(api: httpx.Client, finish: Finish) -> None:
    output, content = file_of(finish(made(api, "image", size="320x200")["id"]))
    image = Image.open(io.BytesIO(content))
    image.verify()
    assert output["content_type"] == "image/png"
    assert image.size == (output["width"], output["height"]) == (320, 200)


def test_a_video_downloads_in_the_stated_size_and_length(api: httpx.Client, finish: Finish) -> None:
    output, content = file_of(finish(made(api, "video", duration=2)["id"]))
    with av.open(io.BytesIO(content), "r") as video:
        frames = len(list(video.decode(video=0)))
        stream = video.streams.video[0]
        assert (stream.width, stream.height) == (output["width"], output["height"])
        assert stream.codec_context.pix_fmt == "yuv420p"
        assert frames == pytest.approx(output["duration"] * 24, abs=1)


def test_audio_downloads_as_sound_of_the_stated_length(api: httpx.Client, finish: Finish) -> None:
    output, content = file_of(finish(made(api, "audio", duration=2)["id"]))
    with wave.open(io.BytesIO(content)) as sound:
        assert sound.getnframes() / sound.getframerate() == pytest.approx(output["duration"], abs=0.05)


@pytest.mark.parametrize("kind", ["image", "video", "audio"])
def test_a_task_is_seen_pending_then_processing_then_succeeded(api: httpx.Client, kind: str) -> None:
    # Long enough to be seen on a machine that is busy with other things.
    task = made(api, kind, prompt="take:5")
    seen = [task["status"]]

    def look() -> bool:
        status = api.get(f"/tasks/{task['id']}").json()["status"]
        if status != seen[-1]:
            seen.append(status)
        return seen[-1] in ("succeeded", "failed")

    eventually(look, "the task is over")
    assert seen == ["pending", "processing", "succeeded"]


def test_sixty_images_from_eight_connections_all_succeed(api: httpx.Client) -> None:
    client = api.post("/clients", json={"name": "Sixty"}).json()
    with ThreadPoolExecutor(8) as people:
        accepted = list(people.map(lambda _: made(api, "image", client_id=client["id"], size="64x64"), range(60)))
    assert len({task["id"] for task in accepted}) == 60

    def how_many() -> bool:
        done = api.get("/tasks", params={"client_id": client["id"], "status": "succeeded"}).json()
        return bool(done["total"] == 60)

    eventually(how_many, "all sixty have succeeded", seconds=120)


def test_sixteen_concurrent_requests_with_one_key_make_one_task(api: httpx.Client) -> None:
    client = api.post("/clients", json={"name": "IdempotentRequest"}).json()
    body = {"prompt": "only one", "client_id": client["id"], "size": "64x64"}

    def post(_: int) -> httpx.Response:
        return api.post("/generate/image", json=body, headers={"Idempotency-Key": "e2e-sixteen"})

    with ThreadPoolExecutor(16) as people:
        answers = list(people.map(post, range(16)))
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    assert api.get("/tasks", params={"client_id": client["id"]}).json()["total"] == 1


def test_a_prompt_can_ask_the_sandbox_to_fail(api: httpx.Client, finish: Finish) -> None:
    task = finish(made(api, "image", prompt="fail:content_policy")["id"])
    assert (task["status"], task["error"]["code"]) == ("failed", "content_policy")
    result = api.get(f"/tasks/{task['id']}/result")
    assert (result.status_code, result.json()["code"]) == (409, "content_policy")


def test_the_same_seed_makes_the_same_file(api: httpx.Client, finish: Finish) -> None:
    files = {file_of(finish(made(api, "image", seed=7, size="128x128")["id"]))[1] for _ in range(2)}
    assert len(files) == 1


def test_the_files_of_a_deleted_task_are_gone(api: httpx.Client, finish: Finish) -> None:
    task = finish(made(api, "audio", duration=1)["id"])
    url = task["outputs"][0]["url"]
    assert api.delete(f"/tasks/{task['id']}").status_code == 204
    eventually(lambda: httpx.get(url).status_code == 404, "the file is gone")


def test_a_deleted_clients_tasks_live_on_without_it(api: httpx.Client, finish: Finish) -> None:
    client = api.post("/clients", json={"name": "Soon gone"}).json()
    task = finish(made(api, "image", client_id=client["id"], size="64x64")["id"])
    assert api.delete(f"/clients/{client['id']}").status_code == 204
    seen = api.get(f"/tasks/{task['id']}").json()
    assert (seen["client_id"], seen["status"]) == (None, "succeeded")
    unassigned = api.get("/tasks", params={"client_id": "none", "page_size": 100}).json()
    assert task["id"] in [each["id"] for each in unassigned["items"]]
