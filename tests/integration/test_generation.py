"""Generation: from the POST to files in our own storage."""

import io
import wave
from collections.abc import Iterator

import boto3
import pytest
from PIL import Image

from atelier.domain.file_names import content_disposition
from atelier.store import keys
from testbed.harness import BUCKET, TABLE, Harness, harness
from tests.integration.builders import (
    NOBODY,
    Json,
    a_campaign,
    a_client,
    a_finished_task,
    a_task,
    places,
    problem,
    shown,
    theirs,
)

KINDS = ["image", "video", "audio"]
FIELDS = {
    *(
        "id",
        "type",
        "status",
        "provider",
        "served_by",
        "model",
        "provider_task_id",
        "inputs",
        "user_id",
        "created_by",
        "updated_by",
        "client_id",
    ),
    *(
        "campaign_id",
        "prompt",
        "seed",
        "effective_prompt",
        "params",
        "inputs",
        "outputs",
        "error",
        "progress",
        "queue_position",
    ),
    *("cost", "retry_of", "metadata", "rating", "tags", "created_at", "started_at", "completed_at", "updated_at"),
    *(
        "guidelines_truncated",
        "guidelines_omitted_characters",
        "status_reason",
        "provider_outcome",
        "attempts",
        "webhook_url",
        "webhook_deliveries",
    ),
}


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with harness() as made:
        yield made


def file_of(task: Json, number: int = 0) -> tuple[bytes, str]:
    """What is stored for one output, and as which type."""
    extension = task["outputs"][number]["content_type"].partition("/")[2]
    key = f"media/1/{task['id']}/{number}.{extension}"
    stored = boto3.client("s3").get_object(Bucket=BUCKET, Key=key)
    return stored["Body"].read(), stored["ContentType"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_accepted_task_is_returned_whole_with_its_location(w: Harness, kind: str) -> None:
    answer = w.call("POST", f"/generate/{kind}", {"prompt": " A boat "})
    assert answer.status == 202
    assert answer.json.keys() == FIELDS
    assert (answer.json["type"], answer.json["status"], answer.json["prompt"]) == (kind, "pending", "A boat")
    assert answer.headers["Location"] == f"/api/v3/tasks/{answer.json['id']}"
    assert shown(w, f"/tasks/{answer.json['id']}") == answer.json
    w.call("POST", f"/tasks/{answer.json['id']}/cancel")


def test_images_have_the_requested_size_and_number(w: Harness) -> None:
    task = a_finished_task(w, size="96x64", num_outputs=2)
    assert (task["status"], len(task["outputs"])) == ("succeeded", 2)
    for number, output in enumerate(task["outputs"]):
        content, content_type = file_of(task, number)
        assert (output["content_type"], content_type, output["bytes"]) == ("image/png", "image/png", len(content))
        image = Image.open(io.BytesIO(content))
        assert (image.format, image.size) == ("PNG", (96, 64))
        assert (output["width"], output["height"], output["duration"]) == (96, 64, None)


def test_a_file_tells_where_it_comes_from(w: Harness) -> None:
    """Also where the sandbox stood in for the model that was asked for, by another name."""
    task = a_finished_task(w, provider="fal", model="fal-ai/flux-pro")
    (output,) = task["outputs"]
    assert output["provenance"] == {
        "ai_generated": True,
        "provider": "sandbox",
        "model": "fal-ai/flux-pro/v1.1",
        "at": task["completed_at"],
        "c2pa": "absent",
    }


def test_files_are_saved_by_the_name_shown(w: Harness) -> None:
    task = a_finished_task(w, prompt="A boat at dawn", campaign_id=a_campaign(w, name="Été")["id"], num_outputs=2)
    names = [output["file_name"] for output in task["outputs"]]
    assert names == ["Été_A-boat-at-dawn_1.png", "Été_A-boat-at-dawn_2.png"]
    for number, name in enumerate(names):
        kept = boto3.client("s3").head_object(Bucket=BUCKET, Key=f"media/1/{task['id']}/{number}.png")
        assert kept["ContentDisposition"] == content_disposition(name)
    assert shown(w, f"/tasks/{task['id']}/result")["outputs"][0]["file_name"] is None


def test_files_from_before_have_no_provenance(w: Harness) -> None:
    task = a_finished_task(w)
    at = keys.task(task["id"])
    key = {"PK": {"S": at.pk}, "SK": {"S": at.sk}}
    w.dynamodb.update_item(TableName=TABLE, Key=key, UpdateExpression="REMOVE outputs[0].provenance")
    assert shown(w, f"/tasks/{task['id']}")["outputs"][0]["provenance"] is None


def test_a_video_is_made_as_long_as_asked_for(w: Harness) -> None:
    task = a_finished_task(w, "video", duration=1, aspect_ratio="1:1")
    content, content_type = file_of(task)
    (output,) = task["outputs"]
    assert (task["status"], content_type, output["content_type"]) == ("succeeded", "video/mp4", "video/mp4")
    assert (output["duration"], output["bytes"]) == (1, len(content))
    assert content[4:8] == b"ftyp"


def test_a_sound_is_made_as_long_as_asked_for(w: Harness) -> None:
    task = a_finished_task(w, "audio", duration=2)
    content, content_type = file_of(task)
    with wave.open(io.BytesIO(content)) as sound:
        assert sound.getnframes() / sound.getframerate() == pytest.approx(2, abs=0.01)
    (output,) = task["outputs"]
    assert (task["status"], content_type, output["content_type"]) == ("succeeded", "audio/wav", "audio/wav")
    assert (output["duration"], output["bytes"]) == (2, len(content))


def test_a_finished_task_says_what_became_of_it(w: Harness) -> None:
    task = a_finished_task(w)
    assert task["created_at"] <= task["started_at"] <= task["completed_at"] == task["updated_at"]
    assert (task["progress"], task["queue_position"], task["error"]) == (1, None, None)
    assert task["cost"] == {"estimated": 0, "actual": 0, "currency": "USD"}
    assert task["provider_task_id"]
    assert "Signature" in task["outputs"][0]["url"] or "X-Amz-Signature" in task["outputs"][0]["url"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_failed_task_says_why(w: Harness, kind: str) -> None:
    task = a_finished_task(w, kind, prompt="fail:content_policy")
    assert (task["status"], task["outputs"]) == ("failed", [])
    assert task["error"].keys() == {"code", "message", "retryable"}
    assert task["error"]["code"] == "content_policy"
    assert task["completed_at"] is not None


def test_the_guides_own_provider_and_model_work_as_written(w: Harness) -> None:
    task = a_task(w, provider="fal", model="fal-ai/flux-pro")
    assert (task["provider"], task["model"], task["served_by"]) == ("fal", "fal-ai/flux-pro", "sandbox")


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_provider_is_refused_with_the_known_ones(w: Harness, kind: str) -> None:
    for unknown in ("dall-e", "", "FAL"):
        answer = w.call("POST", f"/generate/{kind}", {"prompt": "A boat", "provider": unknown})
        assert places(answer) == {"/provider"}
        assert all(known in answer.json["detail"] for known in ("fal", "sandbox"))


@pytest.mark.parametrize("kind", KINDS)
def test_an_unknown_model_is_refused_with_known_ones(w: Harness, kind: str) -> None:
    """Those of the same kind."""
    for model in {f"sandbox-{other}" for other in KINDS} - {f"sandbox-{kind}"} | {"", "gpt"}:
        answer = w.call("POST", f"/generate/{kind}", {"prompt": "A boat", "model": model})
        assert places(answer) == {"/model"}
        assert f"sandbox-{kind}" in answer.json["detail"]


def test_guidelines_and_brief_reach_the_provider(w: Harness) -> None:
    client = a_client(w, brand_guidelines="Use blue.")
    campaign = a_campaign(w, client, brief="Make it loud.")
    task = a_task(w, client_id=client["id"], campaign_id=campaign["id"])
    assert task["prompt"] == "A boat"
    assert task["effective_prompt"].startswith("A boat")
    assert task["effective_prompt"].index("Use blue.") < task["effective_prompt"].index("Make it loud.")
    assert "Make it loud." not in a_task(w, client_id=client["id"])["effective_prompt"]


def test_the_brand_is_left_out_on_request(w: Harness) -> None:
    client = a_client(w, brand_guidelines="Use blue.")
    campaign = a_campaign(w, client, brief="Make it loud.")
    task = a_task(w, campaign_id=campaign["id"], apply_brand_guidelines=False)
    assert (task["effective_prompt"], task["client_id"]) == ("A boat", client["id"])


def test_a_campaign_implies_its_client(w: Harness) -> None:
    campaign = a_campaign(w)
    task = a_task(w, campaign_id=campaign["id"])
    assert (task["client_id"], task["campaign_id"]) == (campaign["client_id"], campaign["id"])


def test_a_campaign_of_another_client_is_refused(w: Harness) -> None:
    new = {"prompt": "A boat", "campaign_id": a_campaign(w)["id"], "client_id": a_client(w)["id"]}
    assert places(w.call("POST", "/generate/image", new)) == {"/campaign_id"}


@pytest.mark.parametrize("field", ["client_id", "campaign_id"])
@pytest.mark.parametrize("id_", [NOBODY, "nonsense", "none", ""])
def test_a_parent_that_is_not_there_is_not_found(w: Harness, field: str, id_: str) -> None:
    problem(w.call("POST", "/generate/image", {"prompt": "A boat", field: id_}), 404)


def test_a_parent_that_was_deleted_is_not_found(w: Harness) -> None:
    client = a_client(w)
    campaign, other = a_campaign(w, client), a_campaign(w, client)
    w.call("DELETE", f"/campaigns/{other['id']}")
    problem(w.call("POST", "/generate/image", {"prompt": "A boat", "campaign_id": other["id"]}), 404)
    w.call("DELETE", f"/clients/{client['id']}")
    problem(w.call("POST", "/generate/image", {"prompt": "A boat", "client_id": client["id"]}), 404)
    problem(w.call("POST", "/generate/image", {"prompt": "A boat", "campaign_id": campaign["id"]}), 404)


def test_another_users_parents_are_not_there(w: Harness) -> None:
    client, campaign, _ = theirs(w)
    problem(w.call("POST", "/generate/image", {"prompt": "A boat", "client_id": client}), 404)
    problem(w.call("POST", "/generate/image", {"prompt": "A boat", "campaign_id": campaign}), 404)


@pytest.mark.parametrize(
    ("kind", "field", "bad"),
    [
        ("image", "prompt", ["", " ", None, 5, "a" * 5001]),
        ("image", "negative_prompt", ["a" * 5001, 5]),
        ("image", "num_outputs", [0, 5, "1", 1.5, None, True]),
        ("image", "seed", [-1, 2**32, "1", 1.5, True, 10**300]),
        ("image", "aspect_ratio", ["2:1", "", 1, "1:1 "]),
        ("image", "size", ["63x64", "64x2049", "64", "64X64", "0064x64", "64x64\n", 64]),
        ("image", "params", [[], "x", None, 1]),
        ("image", "metadata", [[], "x", 1]),
        ("image", "apply_brand_guidelines", ["true", 1, None]),
        ("image", "client_id", [5, "a" * 256]),
        ("image", "duration", [5]),
        ("image", "voice", ["x"]),
        ("video", "duration", [0.5, 61, "5", True, 11]),
        ("video", "size", ["64x64"]),
        ("audio", "duration", [0, 61, 31, "5"]),
        ("audio", "aspect_ratio", ["1:1"]),
        ("audio", "voice", ["a" * 256, 5]),
    ],
)
def test_an_option_out_of_bounds_is_named(w: Harness, kind: str, field: str, bad: list[object]) -> None:
    for value in bad:
        assert places(w.call("POST", f"/generate/{kind}", {"prompt": "A boat", field: value})) == {f"/{field}"}, value


@pytest.mark.parametrize(
    ("kind", "option"),
    [
        ("image", {"prompt": "a" * 5000}),
        ("image", {"prompt": "🦊" * 5000}),
        ("image", {"negative_prompt": "a" * 5000}),
        ("image", {"num_outputs": 4}),
        ("image", {"seed": 0}),
        ("image", {"seed": 2**32 - 1}),
        ("image", {"size": "2048x64"}),
        ("image", {"aspect_ratio": "21:9"}),
        ("video", {"duration": 1}),
        ("video", {"duration": 9.5}),
        ("audio", {"duration": 30, "voice": "a" * 255}),
    ],
)
def test_an_option_at_its_bounds_is_taken(w: Harness, kind: str, option: Json) -> None:
    task = a_task(w, kind, **option)
    kept = task["params"] | {"prompt": task["prompt"]}
    assert option.items() <= kept.items()
    w.call("POST", f"/tasks/{task['id']}/cancel")


def test_size_and_aspect_ratio_exclude_each_other(w: Harness) -> None:
    new = {"prompt": "A boat", "size": "64x64", "aspect_ratio": "1:1"}
    assert places(w.call("POST", "/generate/image", new)) == {"/size"}


def test_params_reach_the_model_and_replace_no_field(w: Harness) -> None:
    assert a_task(w, params={"steps": 4, "style": "Größe 🎨"}, seed=7)["params"] == {
        "num_outputs": 1,
        "seed": 7,
        "steps": 4,
        "style": "Größe 🎨",
    }
    new = {"prompt": "A boat", "params": {"seed": 1, "size": "64x64", "steps": 4}}
    assert places(w.call("POST", "/generate/image", new)) == {"/params/seed", "/params/size"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", ["10" * 150, "[1]", "{}", '"²"', "null", "-1", "1e300"])
@pytest.mark.parametrize("name", ["duration", "size", "num_outputs", "num_images", "steps", "text", ""])
def test_no_value_of_params_whatever_breaks_a_request(w: Harness, kind: str, name: str, value: str) -> None:
    answer = w.call("POST", f"/generate/{kind}", raw=f'{{"prompt": "A boat", "params": {{"{name}": {value}}}}}')
    assert places(answer) == {f"/params/{name}"}
