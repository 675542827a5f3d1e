"""The whole project with fakes of every provider beside it: from a request to a file, over real HTTP all the way."""

import hashlib
import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import httpx
import pytest
from PIL import Image
from standardwebhooks.webhooks import Webhook

from local import deployment
from local.providers import from_environment
from local.stack import Stack, start
from tests.e2e.conftest import eventually
from tests.support.aws_media import AwsMedia
from tests.support.aws_media_server import AwsMediaServer
from tests.support.fal_server import FalServer
from tests.support.provider_server import Reply, Request
from tests.support.published_models import PROMPT, fal_entry, replicate_entry
from tests.support.receiver import Receiver, receiver, says
from tests.support.replicate_server import ReplicateServer

Json = dict[str, Any]

EVERYTHING: Final = (
    ("fal", "image", "image/png"),
    ("fal", "video", "video/mp4"),
    ("fal", "audio", "audio/wav"),
    ("replicate", "image", "image/png"),
    ("replicate", "video", "video/mp4"),
    ("replicate", "audio", "audio/wav"),
    ("bedrock", "image", "image/png"),
    ("bedrock", "video", "video/mp4"),
    ("polly", "audio", "audio/mpeg"),
)


@dataclass
class Town:
    """The project and the providers that it asks."""

    api: httpx.Client
    fal: FalServer
    replicate: ReplicateServer
    aws: AwsMediaServer

    def order(self, kind: str, provider: str, prompt: str = "A lighthouse at dusk", **asked: Any) -> str:
        """Ask for something; the task's id."""
        answer = self.api.post(f"/generate/{kind}", json={"prompt": prompt, "provider": provider, **asked})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def task(self, id_: str) -> Json:
        """A task as it is now."""
        found: Json = self.api.get(f"/tasks/{id_}").json()
        return found

    def finished(self, id_: str) -> Json:
        """A task once it is over."""

        def look() -> Json | None:
            task = self.task(id_)
            return task if task["completed_at"] else None

        try:
            found: Json = eventually(look, f"task {id_} is over", seconds=40)
        except AssertionError:
            raise AssertionError(self.task(id_)) from None
        return found


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    with FalServer() as fal, ReplicateServer() as replicate, AwsMediaServer(None) as aws:
        given = {
            "FAL_KEY": fal.key,
            "FAL_QUEUE_URL": fal.url,
            "FAL_REST_URL": fal.url,
            "FAL_API_URL": f"{fal.url}/v1",
            "REPLICATE_API_TOKEN": replicate.token,
            "REPLICATE_API_URL": replicate.api_url,
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": aws.url,
            "AWS_ENDPOINT_URL_POLLY": aws.url,
        }
        with start(providers=from_environment(given)) as stack, client_of(stack) as api:
            aws.aws = AwsMedia(stack.client("s3"))
            made = Town(api, fal, replicate, aws)
            add_models(made, stack)
            yield made


TOMORROWS: Final = {"fal": ("maker/tomorrow/edit", "image_urls"), "replicate": ("maker/tomorrow-edit", "input_images")}
"""Models that no release has, and what they call their pictures."""


def add_models(town: Town, stack: Stack) -> None:
    """Publish these models, and add each by a line; before anybody goes by the lines that there are."""
    for provider, (model, field) in TOMORROWS.items():
        schema = {**PROMPT, field: {"type": "array", "items": {"type": "string", "format": "uri"}, "maxItems": 3}}
        if provider == "fal":
            town.fal.models[model] = fal_entry(model, schema, required=("prompt", field))
        else:
            made = {"type": "string", "format": "uri"}
            town.replicate.models[model] = replicate_entry(model, schema, made, required=("prompt", field))
        price = {"amount": 0.05, "per": "image", "as_of": "2026-11-29"}
        line = {"provider": provider, "model": model, "type": "edit", "price": price}
        assert town.api.post("/models", json=line).status_code == 202
    function = deployment.function_names(stack.endpoint)["ModelsFunction"]
    # And not only when its minute has come.
    answer = stack.client("lambda").invoke(FunctionName=function, Payload=b"{}")
    assert json.load(answer["Payload"])["looked_at"] == len(TOMORROWS)


def client_of(stack: Stack) -> httpx.Client:
    return httpx.Client(base_url=f"{stack.url}/api/v3", timeout=30)


@pytest.fixture(scope="module")
def orders(town: Town) -> dict[tuple[str, str], str]:
    """One task of each provider and type, all ordered at once."""
    return {(provider, kind): town.order(kind, provider) for provider, kind, _ in EVERYTHING}


@pytest.mark.parametrize(("provider", "kind", "content_type"), EVERYTHING)
def test_providers_results_come_back_as_our_own_files(
    town: Town, orders: dict[tuple[str, str], str], provider: str, kind: str, content_type: str
) -> None:
    task = town.finished(orders[provider, kind])
    assert (task["status"], task["served_by"]) == ("succeeded", provider), task["error"]
    (output,) = task["outputs"]
    file = httpx.get(output["url"])
    assert (file.status_code, file.headers["content-type"], len(file.content)) == (200, content_type, output["bytes"])
    assert output["content_type"] == content_type
    assert bool(output["width"]) == (kind != "audio")
    assert bool(output["duration"]) == (kind != "image")
    assert task["provider_task_id"]


def test_jobs_are_submitted_once_and_keys_stay_private(town: Town, orders: dict[tuple[str, str], str]) -> None:
    """A media host is sent no key."""
    for id_ in orders.values():
        town.finished(id_)
    for server in (town.fal, town.replicate):
        jobs = [entry["job"] for entry in server.books.of("submit")]
        assert len(jobs) == len(set(jobs)) == 3
        assert not any(entry["with_key"] for entry in server.books.of("fetch"))


def test_providers_are_listed_with_their_models_and_as_configured(town: Town) -> None:
    listed = {each["name"]: each for each in town.api.get("/providers").json()["items"]}
    assert all(each["configured"] and each["served_by"] == name for name, each in listed.items())
    flux = next(model for model in listed["fal"]["models"] if "fal-ai/flux-pro" in model["aliases"])
    assert (flux["price"]["per"], flux["limits"]["num_outputs"]) == ("megapixel", 4)


FROM_FILES: Final = (
    ("fal", "edit", "image", ("reference", "reference", "reference")),
    ("fal", "upscale", "image", ("reference",)),
    ("fal", "video", "video", ("start_image",)),
    ("replicate", "edit", "image", ("reference", "reference", "reference")),
    ("replicate", "upscale", "image", ("reference",)),
    ("replicate", "video", "video", ("start_image", "end_image")),
    ("bedrock", "edit", "image", ("reference",)),
)
MODELS: Final = {("fal", "video"): "fal-ai/veo3.1/image-to-video"}


def test_files_made_before_reach_the_provider(town: Town) -> None:
    """By URLs that it can fetch; an edit of three references, an enlargement, a video from an image."""
    sources = [town.finished(id_) for id_ in [town.order("image", "bedrock", "A source") for _ in range(3)]]
    asked = {}
    for provider, kind, medium, roles in FROM_FILES:
        inputs = [
            {"role": role, "task_id": each["id"], "output": 0} for role, each in zip(roles, sources, strict=False)
        ]
        model = {"model": MODELS[provider, kind]} if (provider, kind) in MODELS else {}
        prompt = "" if kind == "upscale" else "In a storm"
        asked[town.order(kind, provider, prompt, inputs=inputs, **model)] = (provider, medium, len(roles))
    for id_, (provider, medium, count) in asked.items():
        task = town.finished(id_)
        assert (task["status"], task["served_by"]) == ("succeeded", provider), task["error"]
        assert task["outputs"][0]["content_type"].startswith(medium)
        if provider != "bedrock":
            books = town.fal.books if provider == "fal" else town.replicate.books
            taken = [each for each in books.of("input") if f"x-task={id_}" in each["url"]]
            assert [each.get("size") for each in taken] == [each["outputs"][0]["bytes"] for each in sources[:count]]


def test_a_callback_is_answered_and_finishes_its_task(town: Town) -> None:
    id_ = town.order("image", "fal", "A pier")
    town.finished(id_)

    def mine() -> Json | None:
        return next((each for each in town.fal.books.of("callback") if id_ in each["url"]), None)

    callback = eventually(mine, "fal has called back")
    assert callback["status"] == 204


@pytest.mark.parametrize("word", ["hook:forged", "hook:old", "hook:swapped"])
def test_a_forged_callback_is_401_and_polling_finishes(town: Town, word: str) -> None:
    """The task of which the callback told is finished by polling."""
    id_ = town.order("image", "fal", f"A pier {word}")
    assert town.finished(id_)["status"] == "succeeded"
    refused = eventually(
        lambda: [each for each in town.fal.books.of("callback") if id_ in each["url"]], "fal has called back"
    )
    assert {each["status"] for each in refused} == {401}


def test_a_lost_answer_to_an_accepted_job_costs_once(town: Town) -> None:
    id_ = town.order("image", "fal", "A lost pier submit:hang_up")
    task = town.finished(id_)
    assert (task["status"], task["status_reason"]) == ("succeeded", None)
    assert len([each for each in town.fal.books.of("submit") if "lost pier" in each["input"].get("prompt", "")]) == 1


@pytest.mark.parametrize(
    ("provider", "word", "code"),
    [
        ("fal", "end:422", "content_policy_violation"),
        ("fal", "end:empty", "empty_output"),
        ("fal", "media:404", "media_unavailable"),
        ("fal", "media:html", "media_wrong_type"),
        ("fal", "media:huge", "media_too_large"),
        ("fal", "media:moved", "media_unavailable"),
        ("replicate", "end:failed", None),
        ("replicate", "end:aborted", None),
    ],
)
def test_a_providers_fault_is_the_tasks_error(town: Town, provider: str, word: str, code: str | None) -> None:
    task = town.finished(town.order("image", provider, f"A pier {word}"))
    assert (task["status"], task["outputs"]) == ("failed", [])
    assert code in (None, task["error"]["code"])
    assert town.api.get(f"/tasks/{task['id']}/result").status_code == 409


def test_a_refused_job_goes_to_the_next_provider(town: Town) -> None:
    asked = {"prompt": "A pier submit:400", "providers": ["fal", "polly"]}
    assert town.api.post("/generate/image", json=asked).status_code == 400, "Polly makes no images."
    asked["providers"] = ["fal", "bedrock"]
    id_ = town.api.post("/generate/image", json=asked).json()["id"]
    task = town.finished(id_)
    assert (task["status"], task["provider"], [each["provider"] for each in task["attempts"]]) == (
        "succeeded",
        "bedrock",
        ["fal"],
    )


def test_a_cancel_reaches_the_provider(town: Town) -> None:
    """And what came all the same is recorded."""
    town.fal.queued, town.fal.working = 0.0, 4.0
    try:
        id_ = town.order("image", "fal", "A canceled pier")
        eventually(lambda: town.task(id_)["status"] == "processing", "it is being made")
        assert town.api.post(f"/tasks/{id_}/cancel").status_code == 200
        job = town.task(id_)["provider_task_id"]
        eventually(lambda: job in [each["job"] for each in town.fal.books.of("cancel")], "fal was told", seconds=10)
        task = eventually(lambda: _if_settled(town.task(id_)), "its end is recorded")
    finally:
        town.fal.queued, town.fal.working = 0.05, 0.1
    assert (task["status"], task["outputs"], task["provider_outcome"]) == ("canceled", [], "succeeded")
    assert task["cost"]["actual"] > 0


def _if_settled(task: Json) -> Json | None:
    return task if task["provider_outcome"] else None


def test_a_cancel_in_the_providers_queue_records_the_cancellation(town: Town) -> None:
    town.fal.queued = 60.0
    try:
        id_ = town.order("image", "fal", "A pier canceled in the queue")
        eventually(lambda: town.task(id_)["provider_task_id"], "it is submitted")
        assert town.api.post(f"/tasks/{id_}/cancel").status_code == 200
        task = eventually(lambda: _if_settled(town.task(id_)), "its end is recorded")
    finally:
        town.fal.queued = 0.05
    assert (task["status"], task["provider_outcome"], task["cost"]["actual"]) == ("canceled", "canceled", None)


# ------------------------------------------------------------------------------------- what an answer contains


def test_blackened_images_fail_with_cost_or_are_flagged(
    town: Town,
) -> None:
    """One that is blackened fails the task with its cost; some of several are flagged."""
    asked = {"model": "fal-ai/flux-pro", "num_outputs": 2}
    black, some = (town.order("image", "fal", f"end:{what}", **asked) for what in ("nsfw", "nsfw_first"))
    task = town.finished(black)
    assert (task["status"], task["error"]["code"]) == ("failed", "content_policy_violation")
    assert (task["cost"]["actual"], task["outputs"]) == (0.08, [])
    task = town.finished(some)
    assert (task["status"], [each["flagged"] for each in task["outputs"]]) == ("succeeded", [True, False])


def test_unreadable_answers_end_only_their_own_tasks(town: Town) -> None:
    long = [town.order("image", "fal", "end:long") for _ in range(6)]
    assert {town.finished(id_)["error"]["code"] for id_ in long} == {"provider_answer_too_long"}
    good = town.finished(town.order("image", "fal", "A pier after them"))
    assert (good["status"], good["status_reason"]) == ("succeeded", None)


def test_no_more_is_kept_than_was_asked_for(town: Town) -> None:
    task = town.finished(town.order("image", "fal", "end:many"))
    assert (task["status"], len(task["outputs"])) == ("succeeded", 1)


def test_nothing_reaches_a_provider_that_is_not_listed(town: Town) -> None:
    before = len(town.fal.books.of("submit"))
    for params in (
        {"num_images": 300},
        {"image_size": {"width": 14142, "height": 14142}},
        {"text": "Another prompt"},
        {"enable_safety_checker": False},
        {"image_url": "http://169.254.169.254/latest/meta-data/"},
        {"sync_mode": True},
    ):
        answer = town.api.post("/generate/image", json={"prompt": "A pier", "provider": "fal", "params": params})
        assert answer.status_code == 400
        assert [each["pointer"] for each in answer.json()["errors"]] == [f"/params/{next(iter(params))}"]
    assert len(town.fal.books.of("submit")) == before


def test_a_genuine_callback_that_is_sent_again_changes_nothing(town: Town) -> None:
    id_ = town.order("image", "fal", "A pier that is reported often")
    task = town.finished(id_)
    job = task["provider_task_id"]
    sent = eventually(lambda: [each for each in town.fal.books.of("callback") if job in str(each["body"])], "it came")
    again = {"content": json.dumps(sent[0]["body"]), "headers": sent[0]["headers"]}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: httpx.post(sent[0]["url"], **again, timeout=30).status_code, range(40)))
    assert set(answers) == {204}
    assert town.task(id_)["updated_at"] == task["updated_at"]


# ---------------------------------------------------------------------------------------------- outgoing webhooks


@pytest.fixture
def hook() -> Iterator[Receiver]:
    with receiver(says(204)) as running:
        yield running


def test_an_independent_library_accepts_the_deliverys_signature(town: Town, hook: Receiver) -> None:
    secret = town.api.get("/webhook-secret").json()["secret"]
    id_ = town.order("image", "fal", "A told pier", webhook_url=f"http://127.0.0.1:{hook.port}/hook")
    town.finished(id_)
    (told,) = eventually(lambda: hook.requests, "the owner is told")
    event: Json = Webhook(secret).verify(told.body, told.headers)
    assert (event["type"], event["data"]["id"], told.headers["webhook-id"]) == ("task.succeeded", id_, f"evt_{id_}")
    assert httpx.get(event["data"]["outputs"][0]["url"]).status_code == 200
    logged = eventually(lambda: town.task(id_)["webhook_deliveries"], "the delivery is logged")
    assert [each["status"] for each in logged] == [204]


# ---------------------------------------------------------------------------------------------------- added models


def an_asset(api: httpx.Client) -> Json:
    """A picture that somebody has uploaded."""
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "teal").save(file, "PNG")
    content = file.getvalue()
    announced = {"content_type": "image/png", "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    made: Json = api.post("/assets", json={"filename": "shot.png", "purpose": "reference", **announced}).json()
    upload = made["upload"]
    assert httpx.request(upload["method"], upload["url"], headers=upload["headers"], content=content).status_code == 200
    ready: Json = api.post(f"/assets/{made['id']}/complete").json()
    assert ready["status"] == "ready", ready
    return ready


def test_models_that_were_added_are_sent_our_files(town: Town) -> None:
    """Not the first of these tests: processes that were started before go by the lines within a minute."""
    inputs = [{"role": "reference", "asset_id": an_asset(town.api)["id"]}]

    def order(provider: str, model: str) -> str | None:
        asked = {"prompt": "In a storm", "provider": provider, "model": model, "inputs": inputs}
        answer = town.api.post("/generate/edit", json=asked)
        return str(answer.json()["id"]) if answer.status_code == 202 else None

    asked = {
        provider: eventually(partial(order, provider, model), f"{model} is offered", seconds=70)
        for provider, (model, _) in TOMORROWS.items()
    }
    for provider, id_ in asked.items():
        task = town.finished(id_)
        assert (task["status"], task["cost"]["actual"]) == ("succeeded", 0.05), task["error"]
        (output,) = task["outputs"]
        assert len(httpx.get(output["url"]).content) == output["bytes"]
        books = town.fal.books if provider == "fal" else town.replicate.books
        model, field = TOMORROWS[provider]
        (sent,) = [each["input"] for each in books.of("submit") if each["model"] == model]
        (url,) = sent[field]
        assert f"x-task={id_}" in url
        (taken,) = [each for each in books.of("input") if each["url"] == url]
        assert taken["content_type"].startswith("image/")


# ------------------------------------------------------------------------------------------------------ isolation


def test_a_provider_that_is_stuck_delays_nobody_elses_tasks(town: Town) -> None:
    def answers_late(request: Request) -> Reply:
        time.sleep(20)
        return town.fal.route(request)

    town.fal.instead = answers_late
    try:
        with ThreadPoolExecutor(8) as pool:
            stuck = list(pool.map(lambda number: town.order("image", "fal", f"Stuck {number}"), range(12)))
            others = list(pool.map(lambda number: town.order("image", "replicate", f"Free {number}"), range(12)))
        assert {town.finished(id_)["status"] for id_ in others} == {"succeeded"}
        assert not any(town.task(id_)["completed_at"] for id_ in stuck)
    finally:
        town.fal.instead = None
    for id_ in stuck:
        town.api.post(f"/tasks/{id_}/cancel")
