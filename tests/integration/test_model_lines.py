"""Models that operators add by one line: against fakes of all providers, from the request to what is charged.

And built-in ones, whose providers are asked every day whether they are still as they were.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from unittest import mock

import boto3
import pytest
import urllib3

from atelier import wiring
from atelier.domain.model_lines import ReportKind
from atelier.providers.catalogs import FalCatalog
from atelier.providers.http import Http
from atelier.providers.schemas import Snapshot
from atelier.store import keys
from testbed.environment import clear_caches
from testbed.harness import TABLE, Answer, Harness
from testbed.template import PROJECT
from tests.integration.builders import Json, a_client, created, shown, work_on
from tests.integration.test_assets import a_picture, a_ready_asset
from tests.support.aws_harness import client_of
from tests.support.aws_media import file_of
from tests.support.aws_media_server import AwsMediaServer
from tests.support.fal_server import FalServer
from tests.support.provider_server import Reply
from tests.support.published_models import KREA, KREA_ID, PROMPT, SEEDREAM_ID, VIDEO, fal_entry, replicate_entry
from tests.support.replicate_server import ReplicateServer

DAY: Final = 24 * 3600
PAGE: Final = PROJECT / "docs/providers.md"
PRICE: Final = {"amount": 0.025, "per": "megapixel", "as_of": "2026-11-29"}
LINE: Final[Json] = {"provider": "fal", "model": KREA_ID, "type": "image", "price": PRICE}
SEEDREAM_LINE: Final[Json] = {
    "provider": "replicate",
    "model": SEEDREAM_ID,
    "type": "image",
    "price": {"amount": 0.04, "per": "image", "as_of": "2026-11-29"},
    "params": {"max_images": {"choices": [1]}},
}


@dataclass
class World:
    """A deployment whose providers are fakes."""

    w: Harness
    fal: FalServer
    replicate: ReplicateServer

    def add(self, line: Json = LINE, **fields: Any) -> Json:
        """Add a line, and have it checked; the line as it is then."""
        made = created(self.w.call("POST", "/models", {**line, **fields}))
        self.w.check_models()
        return self.shown(made)

    def shown(self, line: Json) -> Json:
        return shown(self.w, f"/models/{line['id']}")

    def patch(self, line: Json, **change: Any) -> Answer:
        return self.w.call("PATCH", f"/models/{line['id']}", change)

    def generate(self, status: int = 202, **fields: Any) -> Any:
        """What is answered to a request for an image."""
        answer = self.w.call("POST", "/generate/image", {"prompt": "A boat", "model": KREA_ID, **fields})
        assert answer.status == status, answer.text
        return answer.json

    def finished(self, task: Json) -> Json:
        """A task, once it is over; nobody waits for a fake."""
        work_on(self.w, task["id"])
        return shown(self.w, f"/tasks/{task['id']}")

    def a_minute_later(self) -> None:
        """What processes have read of the catalog is read again."""
        self.w.pass_time(61)


@pytest.fixture
def world(w: Harness, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    fake = {"queued": 0.0, "working": 0.0}
    with FalServer(**fake) as fal, ReplicateServer(**fake) as replicate, urllib3.PoolManager() as pool:  # type: ignore[arg-type]
        addresses = {"QUEUE": fal.url, "REST": fal.url, "API": f"{fal.url}/v1"}
        for name, url in addresses.items():
            monkeypatch.setenv(f"FAL_{name}_URL", url)
        monkeypatch.setenv("FAL_KEY_SECRET", fal.key)
        monkeypatch.setenv("REPLICATE_TOKEN_SECRET", replicate.token)
        monkeypatch.setenv("REPLICATE_API_URL", replicate.api_url)
        clear_caches()
        patience = urllib3.Timeout(connect=2, read=2)
        with (
            mock.patch.object(wiring, "_secret", lambda name: lambda: name),
            mock.patch.object(wiring, "http", return_value=Http(pool, patience=patience)),
        ):
            yield World(w, fal, replicate)


@pytest.fixture
def aws(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsMediaServer]:
    """Bedrock and Polly, which write into the bucket of the deployment."""
    monkeypatch.setenv("AWS_PROVIDERS", "on")
    clear_caches()
    with (
        AwsMediaServer(boto3.client("s3")) as server,
        client_of("bedrock-runtime", server.url) as runtime,
        client_of("polly", server.url) as polly,
        mock.patch.object(wiring, "_paid_client", lambda name, *_: polly if name == "polly" else runtime),
    ):
        yield server


# ------------------------------------------------------------------------------------------------------- one line


@pytest.mark.parametrize(("line", "cost"), [(LINE, 0.025), (SEEDREAM_LINE, 0.04)], ids=["fal", "replicate"])
def test_one_line_adds_a_model(world: World, line: Json, cost: float) -> None:
    made = world.w.call("POST", "/models", line)
    assert (made.status, made.json["status"]) == (202, "pending")
    (error,) = world.generate(400, model=line["model"])["errors"]
    assert error["pointer"] == "/model"
    assert world.w.check_models() == {"looked_at": 1, "reported": 0}
    assert world.shown(made.json)["status"] == "active"
    world.a_minute_later()
    asked = {"model": line["model"], "aspect_ratio": "1:1", "seed": 7}
    assert world.w.call("POST", "/generate/image/estimate", {"prompt": "x", **asked}).json["reserved"] == cost
    task = world.generate(**asked)
    assert (task["provider"], task["served_by"]) == (line["provider"], line["provider"])
    task = world.finished(task)
    assert (task["status"], task["cost"]["actual"], task["seed"]) == ("succeeded", cost, 7)
    sent = (world.fal if line is LINE else world.replicate).books.of("submit")[0]["input"]
    assert sent["seed"] == 7
    assert ("image_size" in sent) is (line is LINE)


def bodies_on_the_page(path: str) -> list[Json]:
    """What docs/providers.md sends to a path, in its section about models by configuration."""
    section = PAGE.read_text().split("## Models by configuration")[1].split("\n## ")[0]
    sent = re.findall(rf"\$API{path} -H .*? -d '(.*?)'$", section, re.MULTILINE | re.DOTALL)
    return [json.loads(text) for text in sent]


def test_the_page_adds_a_model_of_each_provider(world: World, aws: AwsMediaServer) -> None:
    """And every one of them makes a file."""
    lines = bodies_on_the_page("/models")
    assert [each["provider"] for each in lines] == ["fal", "replicate", "bedrock", "polly"]
    assert [world.add(each)["status"] for each in lines] == ["active"] * 4
    for extension in ("png", "mp3"):
        file_of(extension)
    source = {"role": "reference", "asset_id": a_ready_asset(world.w, a_picture(size=(64, 64)))["id"]}
    for line in lines:
        body = {"prompt": "A boat", "provider": line["provider"], "model": line["model"]}
        files = {"inputs": [source]} if line["type"] == "edit" else {}
        task = world.finished(created(world.w.call("POST", f"/generate/{line['type']}", {**body, **files})))
        assert (task["status"], task["served_by"], task["model"]) == ("succeeded", line["provider"], line["model"])
    for body in bodies_on_the_page("/generate/image"):
        assert world.finished(created(world.w.call("POST", "/generate/image", body)))["status"] == "succeeded"
    sketched, said = aws.aws.paid
    assert (sketched.model, sorted(sketched.sent)) == (lines[2]["model"], ["image", "output_format", "prompt", "seed"])
    assert (said.model, said.sent["VoiceId"]) == ("neural", lines[3]["voices"][0])


SKETCH: Final[Json] = {
    "provider": "bedrock",
    "model": "us.stability.stable-image-control-sketch-v1:0",
    "type": "edit",
    "like": "stable-image-inpaint",
    "without": ["mask"],
    "price": {"amount": 0.07, "per": "image", "as_of": "2026-11-29"},
}
SPEECH: Final[Json] = {
    "provider": "polly",
    "model": "polly-matthew",
    "type": "audio",
    "like": "polly-neural",
    "voices": ["Matthew"],
    "price": {"amount": 0.1, "per": "1000_characters", "as_of": "2026-11-29"},
}


def test_a_line_that_is_like_another_waits_for_nothing(world: World, aws: AwsMediaServer) -> None:
    made = created(world.w.call("POST", "/models", SPEECH))
    assert (made["status"], made["schema_hash"]) == ("active", None)
    world.w.pass_time(2 * DAY)
    assert world.w.check_models() == {"looked_at": 0, "reported": 0}
    task = created(world.w.call("POST", "/generate/audio", {"prompt": "x" * 100, "model": "polly-matthew"}))
    assert world.finished(task)["cost"] == {"estimated": 0.01, "actual": 0.01, "currency": "USD"}
    assert aws.aws.paid[0].sent["VoiceId"] == "Matthew"


def test_a_change_is_made_of_the_built_in_model(world: World, aws: AwsMediaServer) -> None:
    made = created(world.w.call("POST", "/models", SKETCH))
    refused = world.patch(made, like="stable-image-core")
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (400, "")
    changed = world.patch(made, without=["mask", "seed"], price={"amount": 0.08, "as_of": "2026-11-30"})
    assert (changed.json["status"], changed.headers["ETag"]) == ("active", '"2"')
    (listed,) = world.w.call("GET", "/models", query={"source": "configured"}).json["items"]
    assert (listed["takes"], listed["price"]["amount"]) == (["negative_prompt"], 0.08)
    source = {"role": "reference", "asset_id": a_ready_asset(world.w, a_picture(size=(64, 64)))["id"]}
    body = {"prompt": "A boat", "model": SKETCH["model"], "inputs": [source]}
    assert world.finished(created(world.w.call("POST", "/generate/edit", body)))["cost"]["actual"] == 0.08
    assert aws.aws.paid[0].sent.keys() == {"image", "output_format", "prompt"}
    assert world.w.call("DELETE", f"/models/{made['id']}").status == 204
    assert world.shown(made)["lifecycle"] == "retired"


def test_a_line_that_is_like_nothing_adds_nothing(world: World, aws: AwsMediaServer) -> None:
    for fields in ({"model": "amazon.nova-canvas-v2:0"}, {"like": "fal-ai/flux/dev"}, {"without": ["reference"]}):
        assert world.w.call("POST", "/models", {**SKETCH, **fields}).status == 400
    assert world.w.call("GET", "/models", query={"source": "configured"}).json["items"] == []


def test_an_added_model_is_capped_by_the_deployment(world: World) -> None:
    world.add()
    (error,) = world.generate(400, params={"enable_safety_checker": False})["errors"]
    assert error["pointer"] == "/params/enable_safety_checker"


def test_a_line_is_listed_with_its_source(world: World) -> None:
    line = world.add()
    listed = world.w.call("GET", "/models", query={"source": "configured"}).json["items"]
    assert [(each["id"], each["line_id"], each["source"]) for each in listed] == [(KREA_ID, line["id"], "configured")]
    assert listed[0]["price"]["as_of"] == "2026-11-29"
    assert listed[0]["limits"]["num_outputs"] == 4
    every = world.w.call("GET", "/providers").json["items"]
    assert KREA_ID in [each["id"] for provider in every for each in provider["models"]]


def test_waiting_and_rejected_lines_are_listed_on_demand(world: World) -> None:
    world.w.call("POST", "/models", LINE)
    assert world.w.call("GET", "/models", query={"source": "configured"}).json["items"] == []
    (each,) = world.w.call("GET", "/models", query={"status": ["pending", "rejected"]}).json["items"]
    assert (each["id"], each["status"]) == (KREA_ID, "pending")


def test_built_in_models_ask_for_no_lines(world: World) -> None:
    with mock.patch.object(wiring, "model_lines", side_effect=AssertionError("read")):
        world.generate(model="fal-ai/flux/dev")
        world.generate(model="fal-ai/flux-pro", provider="fal")


def test_lines_are_read_once_a_minute(world: World) -> None:
    world.add()
    lines = wiring.model_lines()
    with mock.patch.object(lines, "_read", wraps=lines._read) as read:
        for _ in range(3):
            world.generate()
        assert read.call_count == 1
        world.a_minute_later()
        world.generate()
        assert read.call_count == 2


def test_an_alias_and_a_default_name_the_line(world: World) -> None:
    world.add(aliases=["krea"], default=True)
    task = world.generate(model="krea")
    assert task["model"] == KREA_ID
    answer = world.w.call("POST", "/generate/image", {"prompt": "A boat", "provider": "fal"})
    assert answer.json["model"] == KREA_ID
    assert len(world.w.call("GET", "/tasks", query={"model": "krea"}).json["items"]) == 2


def test_params_of_a_line_are_checked_like_all(world: World) -> None:
    world.add()
    errors = world.generate(400, params={"sync_mode": True, "num_inference_steps": 99, "num_images": 2})["errors"]
    assert {each["pointer"] for each in errors} == {
        *("/params/sync_mode", "/params/num_inference_steps", "/params/num_images"),
    }


def test_a_budget_counts_what_a_line_costs(world: World) -> None:
    world.add()
    client = a_client(world.w)["id"]
    world.w.call("PUT", f"/clients/{client}/budget", {"limit": 0.03})
    world.generate(client_id=client)
    assert world.generate(409, client_id=client)["budget"]["needed"] == 0.025


# ------------------------------------------------------------------------------------------------ prices, versions


def test_a_task_keeps_the_price_of_its_line(world: World) -> None:
    line = world.add(price={**PRICE, "per": "image"})
    task = world.generate()
    changed = world.patch(line, price={"amount": 1, "as_of": "2026-12-01"})
    assert (changed.status, changed.json["status"]) == (200, "active")
    assert world.finished(task)["cost"] == {"estimated": 0.025, "actual": 0.025, "currency": "USD"}
    world.a_minute_later()
    assert world.finished(world.generate())["cost"]["actual"] == 1


def test_a_fallback_goes_by_its_own_line(world: World) -> None:
    world.add(SEEDREAM_LINE, default=True)
    world.fal.instead = lambda _: Reply(422, {"detail": "Not here."})
    task = world.generate(providers=["fal", "replicate"], model="fal-ai/flux/dev", seed=7)
    task = world.finished(task)
    assert (task["provider"], task["model"], task["cost"]["actual"]) == ("replicate", SEEDREAM_ID, 0.04)
    (sent,) = world.replicate.books.of("submit")
    assert sent["input"]["seed"] == 7


def test_a_retired_model_names_its_successor(world: World) -> None:
    line = world.add(replacement="fal-ai/flux-2-pro")
    task = world.generate()
    assert world.w.call("DELETE", f"/models/{line['id']}").status == 204
    assert world.w.call("DELETE", f"/models/{line['id']}").status == 204
    (error,) = world.generate(400)["errors"]
    assert "use fal-ai/flux-2-pro" in error["detail"]
    assert world.finished(task)["status"] == "succeeded"
    assert world.shown(line)["lifecycle"] == "retired"


def test_a_line_that_was_never_active_is_removed(world: World) -> None:
    made = created(world.w.call("POST", "/models", LINE))
    assert world.w.call("DELETE", f"/models/{made['id']}").status == 204
    assert world.w.call("GET", f"/models/{made['id']}").status == 404
    assert world.add()["status"] == "active"


# -------------------------------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (None, "fal has no model"),
        (fal_entry(KREA_ID, output=VIDEO), "no image"),
        (fal_entry(KREA_ID, {"scene": {"type": "string"}}), "no prompt"),
        ({"endpoint_id": KREA_ID}, "no schema"),
    ],
    ids=["unknown", "no-image", "no-prompt", "no-schema"],
)
def test_a_line_that_fits_nothing_is_rejected(world: World, entry: Json | None, reason: str) -> None:
    world.fal.models = {KREA_ID: entry} if entry else {}
    line = world.add()
    assert line["status"] == "rejected"
    assert reason in line["reason"]
    world.generate(400)
    world.fal.models = {KREA_ID: fal_entry(KREA_ID)}
    assert world.w.check_models()["looked_at"] == 0
    assert world.patch(line, aliases=["krea"]).json["status"] == "pending"
    world.w.check_models()
    assert world.shown(line)["status"] == "active"


def test_one_line_that_breaks_stops_no_other(world: World) -> None:
    broken = created(world.w.call("POST", "/models", {**LINE, "model": "fal-ai/broken"}))
    created(world.w.call("POST", "/models", LINE))
    ask = FalCatalog.snapshot

    def snapshot(catalog: FalCatalog, model: str) -> Snapshot:
        if model == "fal-ai/broken":
            raise RecursionError
        return ask(catalog, model)

    with mock.patch.object(FalCatalog, "snapshot", snapshot):
        assert world.w.check_models()["looked_at"] == 2
    found = world.shown(broken)
    assert (found["status"], found["reason"]) == ("pending", "What the provider publishes of it could not be read.")
    world.a_minute_later()
    world.generate()


@pytest.mark.parametrize("amount", ["1e999999999", "1e-999999999", "-1", "NaN", "1000000001", "many"])
def test_a_price_that_is_none_is_not_listed(world: World, amount: str) -> None:
    world.fal.prices = {KREA_ID: {"unit_price": amount}}
    line = world.add()
    assert (line["status"], line["listed_price"]) == ("active", None)


def test_a_community_model_needs_a_version(world: World) -> None:
    world.replicate.models[SEEDREAM_ID] = replicate_entry(SEEDREAM_ID, official=False)
    assert f"{SEEDREAM_ID}:5c7d5dc6" in world.add(SEEDREAM_LINE)["reason"]
    assert world.add(SEEDREAM_LINE, model=f"{SEEDREAM_ID}:5c7d5dc6")["status"] == "active"


def test_a_provider_that_does_not_answer_keeps_it_pending(world: World) -> None:
    world.fal.key = "another"
    line = world.add()
    assert (line["status"], line["reason"]) == ("pending", "The provider refused our key.")
    assert world.w.check_models()["looked_at"] == 0
    world.fal.key = "fal-key"
    world.w.pass_time(61)
    world.w.check_models()
    assert world.shown(line)["status"] == "active"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"model": "fal-ai/flux/dev"}, "/model"),
        ({"aliases": ["fal-ai/flux-pro"]}, "/aliases/0"),
        ({"replacement": "nothing"}, "/replacement"),
        ({"provider": "openai"}, "/provider"),
        ({"provider": "polly"}, ""),
        ({"like": "fal-ai/flux/dev"}, ""),
        ({"price": {**PRICE, "per": "second"}}, ""),
        ({"default": True, "price": None}, ""),
        ({"price": {"amount": 1, "per": "image"}}, "/price/as_of"),
        ({"colour": 1}, "/colour"),
        ({"model": "fal-ai/../../account"}, "/model"),
        ({"model": "fal-ai//x"}, "/model"),
        ({"model": "fal-ai/x:.."}, "/model"),
        ({"params": {f"p{n}": {"choices": [f"{each:0255}" for each in range(20)]} for n in range(20)}}, ""),
        ({"aliases": ["a", "a"]}, "/aliases"),
        ({"aliases": ["a", KREA_ID]}, "/aliases/1"),
        ({"params": {"seed": {"choices": [1, 2, 1.0]}}}, "/params/seed"),
    ],
    ids=[
        "model",
        "alias",
        "replacement",
        "provider",
        "unlike",
        "like",
        "unit",
        "default",
        "as_of",
        "unknown",
        "up",
        "empty",
        "version",
        "long",
        "alias-twice",
        "own-alias",
        "choice-twice",
    ],
)
def test_a_line_that_makes_no_sense_is_refused(world: World, fields: Json, pointer: str) -> None:
    answer = world.w.call("POST", "/models", {**LINE, **fields})
    assert (answer.status, [each["pointer"] for each in answer.json["errors"]]) == (400, [pointer])


def test_a_stored_line_with_names_twice_is_mended(world: World) -> None:
    """As lines were kept before that was refused."""
    line = world.add(aliases=["krea"])
    key, record = keys.model_line(line["id"]), {**line, "aliases": ["krea", "krea"]}
    world.w.dynamodb.update_item(
        TableName=TABLE,
        Key={"PK": {"S": key.pk}, "SK": {"S": key.sk}},
        UpdateExpression="SET #record = :record",
        ExpressionAttributeNames={"#record": "record"},
        ExpressionAttributeValues={":record": {"S": json.dumps(record)}},
    )
    assert world.shown(line)["aliases"] == ["krea", "krea"]
    assert world.patch(line, spoken=True).json["errors"][0]["pointer"] == "/aliases"
    assert world.patch(line, aliases=["krea"]).json["aliases"] == ["krea"]


def test_a_provider_that_is_not_configured_is_refused(w: Harness) -> None:
    answer = w.call("POST", "/models", LINE)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (400, "/provider")


def test_names_and_defaults_are_taken_once(world: World) -> None:
    world.add(default=True)
    again = world.w.call("POST", "/models", LINE)
    assert [each["pointer"] for each in again.json["errors"]] == ["/model"]
    other = {**LINE, "model": "fal-ai/other", "default": True}
    assert [each["pointer"] for each in world.w.call("POST", "/models", other).json["errors"]] == ["/default"]


def test_a_repeated_request_adds_one_line(world: World) -> None:
    key = {"Idempotency-Key": "once"}
    first, second = (world.w.call("POST", "/models", LINE, headers=key) for _ in range(2))
    assert first.json["id"] == second.json["id"]
    assert second.headers["Idempotent-Replayed"] == "true"


def test_a_line_is_replayed_without_its_provider(world: World) -> None:
    key = {"Idempotency-Key": "once"}
    first = world.w.call("POST", "/models", LINE, headers=key)
    with mock.patch.object(wiring, "configured", return_value=("sandbox",)):
        again = world.w.call("POST", "/models", LINE, headers=key)
        assert (again.status, again.json["id"]) == (202, first.json["id"])
        other = {**LINE, "model": "fal-ai/other"}
        assert [each["pointer"] for each in world.w.call("POST", "/models", other).json["errors"]] == ["/provider"]


def test_a_stale_version_changes_nothing(world: World) -> None:
    line = world.add()
    stale = {"If-Match": '"1"'}
    assert world.w.call("PATCH", f"/models/{line['id']}", {"default": True}, headers=stale).status == 412
    assert world.w.call("DELETE", f"/models/{line['id']}", headers=stale).status == 412
    assert world.patch(line).headers["ETag"] == '"2"'


def test_a_change_that_does_not_fit_is_refused(world: World) -> None:
    line = world.add()
    answer = world.patch(line, params={"quality": {"default": "high"}})
    assert answer.status == 400
    assert "no field of its input" in answer.json["errors"][0]["detail"]
    assert world.shown(line) == line


# --------------------------------------------------------------------------------------------------------- reports


def reports(line: Json) -> dict[str, str]:
    return {each["kind"]: each["detail"] for each in line["reports"]}


def test_nothing_changes_unless_an_operator_says_so(world: World) -> None:
    line = world.add()
    world.fal.models[KREA_ID] = fal_entry(KREA_ID, {**KREA, "style": PROMPT["prompt"]}, status="deprecated")
    world.fal.prices[KREA_ID]["unit_price"] = 0.05
    world.w.pass_time(DAY - 120)
    assert world.w.check_models()["looked_at"] == 0
    world.w.pass_time(180)
    assert world.w.check_models() == {"looked_at": 1, "reported": 3}
    told = world.shown(line)
    assert reports(told) == {
        "deprecated": "fal says that it is deprecated.",
        "changed": "input has style",
        "repriced": "0.05 USD / megapixels, after 0.025 USD / megapixels.",
    }
    assert told["schema_hash"] == line["schema_hash"] != told["latest_schema_hash"]
    assert world.generate()["cost"]["estimated"] == 0.025
    world.w.pass_time(DAY)
    assert world.w.check_models()["reported"] == 3
    assert world.shown(line)["reports"] == told["reports"]


def test_reports_end_when_they_are_dealt_with(world: World) -> None:
    line = world.add()
    world.fal.models[KREA_ID] = fal_entry(KREA_ID, {**KREA, "strength": {"type": "boolean"}}, status="deprecated")
    world.fal.prices[KREA_ID]["unit_price"] = 0.05
    world.w.pass_time(DAY)
    world.w.check_models()
    assert world.patch(line, schema_hash="nothing").status == 400
    taken = world.patch(line, schema_hash=world.shown(line)["latest_schema_hash"]).json
    assert set(reports(taken)) == {"deprecated", "repriced"}
    assert set(reports(world.patch(line, price={"amount": 0.05, "as_of": "2026-11-30"}).json)) == {"deprecated"}
    assert reports(world.patch(line, lifecycle="deprecated", replacement="fal-ai/flux-2-pro").json) == {}
    world.w.pass_time(DAY)
    assert world.w.check_models() == {"looked_at": 1, "reported": 0}
    assert world.finished(world.generate(params={"strength": True}))["status"] == "succeeded"


def test_a_model_that_is_gone_is_reported(world: World) -> None:
    line = world.add()
    entry = world.fal.models.pop(KREA_ID)
    world.w.pass_time(DAY)
    world.w.check_models()
    assert set(reports(world.shown(line))) == {"gone"}
    world.fal.models[KREA_ID] = entry
    world.w.pass_time(DAY)
    world.w.check_models()
    assert world.shown(line)["reports"] == []


# ------------------------------------------------------------------------------------------------- built-in models


FLUX_ID: Final = "fal-ai/flux-2-pro"
OLD_ID: Final = "fal-ai/flux-pro/v1.1"
RECRAFT_ID: Final = "recraft-ai/recraft-remove-background"
FLUX: Final = {
    **PROMPT,
    "output_format": {"type": "string", "enum": ["jpeg", "png"]},
    "safety_tolerance": {"type": "string", "enum": ["1", "2", "3", "4", "5"]},
    "enable_safety_checker": {"type": "boolean"},
}
OLD: Final = {**FLUX, "enhance_prompt": {"type": "boolean"}}
RECRAFT: Final = {"image": {"type": "string", "format": "uri"}}


@pytest.fixture
def watched(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    """Three built-in models, published as the release has them; one of them is deprecated."""
    built_in = tuple(each for each in wiring.built_in_models() if each.id in (FLUX_ID, OLD_ID, RECRAFT_ID))
    monkeypatch.setattr(wiring, "built_in_models", lambda: built_in)
    world.fal.models |= {FLUX_ID: fal_entry(FLUX_ID, FLUX), OLD_ID: fal_entry(OLD_ID, OLD, status="deprecated")}
    world.fal.prices[FLUX_ID] = {"unit_price": 0.03, "unit": "megapixels", "currency": "USD"}
    world.replicate.models[RECRAFT_ID] = replicate_entry(RECRAFT_ID, RECRAFT, required=("image",))
    return world


def told(world: World) -> dict[str, Mapping[ReportKind, str]]:
    """What the check of built-in models reports, a day later."""
    world.w.pass_time(DAY)
    return {each.model: each.reports for each in wiring.built_in_checks().run(now=world.w.clock())}


def test_built_in_models_are_looked_at_once_a_day(watched: World) -> None:
    assert watched.w.check_built_in_models() == {"looked_at": 3, "reported": 0}
    watched.w.pass_time(DAY - 7200)
    assert watched.w.check_built_in_models() == {"looked_at": 0, "reported": 0}
    watched.w.pass_time(3601)
    assert watched.w.check_built_in_models() == {"looked_at": 3, "reported": 0}
    assert len(watched.fal.books.of("catalog")) == 8


def test_news_of_a_built_in_model_is_reported_once(watched: World) -> None:
    assert told(watched) == {FLUX_ID: {}, OLD_ID: {}, RECRAFT_ID: {}}
    watched.fal.models[FLUX_ID] = fal_entry(FLUX_ID, {**FLUX, "style": PROMPT["prompt"]}, status="deprecated")
    watched.fal.prices[FLUX_ID]["unit_price"] = 0.04
    del watched.replicate.models[RECRAFT_ID]
    assert told(watched) == {
        FLUX_ID: {
            "deprecated": "fal says that it is deprecated.",
            "changed": "input has style",
            "repriced": "0.04 USD / megapixels, after 0.03 USD / megapixels.",
        },
        OLD_ID: {},
        RECRAFT_ID: {"gone": f"Replicate has no model {RECRAFT_ID}."},
    }
    assert told(watched) == {FLUX_ID: {}, OLD_ID: {}, RECRAFT_ID: {}}
    watched.replicate.models[RECRAFT_ID] = replicate_entry(RECRAFT_ID, {}, required=())
    assert told(watched)[RECRAFT_ID] == {
        "changed": "input no longer has image; input has no image, which is offered",
    }


def test_what_a_release_offers_wrongly_is_reported(watched: World) -> None:
    watched.fal.models[FLUX_ID] = fal_entry(FLUX_ID, PROMPT)
    words = ("enable_safety_checker", "output_format", "safety_tolerance")
    assert told(watched)[FLUX_ID] == {"changed": "; ".join(f"input has no {word}, which is offered" for word in words)}


def test_a_check_that_breaks_off_reports_again(watched: World) -> None:
    watched.fal.models[FLUX_ID] = fal_entry(FLUX_ID, FLUX, status="deprecated")
    broken_off = wiring.built_in_checks().run(now=watched.w.clock())
    assert next(broken_off).reports.keys() == {"deprecated"}
    assert watched.w.check_built_in_models() == {"looked_at": 3, "reported": 1}


def test_a_run_looks_at_some_models_only(world: World) -> None:
    alive = {each.id for each in wiring.built_in_models() if each.provider == "fal" and each.lifecycle != "retired"}
    world.replicate.token = "another"
    assert world.w.check_built_in_models() == {"looked_at": 10, "reported": 10}
    assert [each["model"] for each in world.fal.books.of("catalog")] == sorted(alive)[:10]


def test_a_silent_provider_is_asked_once_a_run(world: World) -> None:
    world.fal.key = "another"
    assert world.w.check_built_in_models() == {"looked_at": 10, "reported": 10}
    assert len(world.fal.books.of("stranger")) == 1


def test_a_model_without_an_answer_holds_up_no_other(watched: World) -> None:
    route = watched.fal.route
    watched.fal.instead = lambda request: Reply(500) if FLUX_ID in request.query.values() else route(request)
    assert list(told(watched)) == [RECRAFT_ID]
    watched.w.pass_time(3600)
    assert [each.model for each in wiring.built_in_checks().run(now=watched.w.clock())] == [OLD_ID]
