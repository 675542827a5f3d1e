"""The console's forms and reports in a real browser: what they say is what the API says."""

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, Response, Route, expect

from testbed.chromium import CHROMIUM
from tests.e2e.browser import NONE_HERE, Looked
from tests.e2e.conftest import Finish, eventually

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NONE_HERE)


@pytest.fixture(scope="module")
def client(api: httpx.Client, finish: Finish) -> dict[str, Any]:
    """A client for whom two pictures were made, with models of different prices."""
    made: dict[str, Any] = api.post("/clients", json={"name": "Reported"}).json()
    models = [("fal", "fal-ai/flux/dev"), ("replicate", "black-forest-labs/flux-schnell")]
    items = [
        {"type": "image", "prompt": "A pier", "client_id": made["id"], "provider": provider, "model": model}
        for provider, model in models
    ]
    for each in api.post("/generate/batch", json={"items": items}).json()["results"]:
        finish(each["id"])
    return made


def summary(page: Page) -> Locator:
    return page.get_by_role("region", name="What it comes to")


def test_a_matrix_says_its_sum_before_it_starts(looked: Looked, api: httpx.Client) -> None:
    page = looked.at("/generate?mode=matrix")
    page.get_by_label("Prompt", exact=True).fill("{thing} on a {place}, matrix")
    page.get_by_label("thing, one value a line").fill("A cup\nA jug")
    page.get_by_label("place, one value a line").fill("table\nshelf")
    page.get_by_label("16:9", exact=True).check()
    page.get_by_label("1:1", exact=True).check()
    expect(summary(page)).to_contain_text("2 {thing} × 2 {place} × 2 ratios")
    expect(summary(page)).to_contain_text("8 tasks · $0.00 estimated")
    assert api.get("/tasks", params={"search": "matrix"}).json()["total"] == 0
    page.get_by_role("button", name="Generate 8 tasks").click()
    expect(page.get_by_text("8 tasks started.")).to_be_visible()
    expect(page.get_by_role("grid", name="Tasks that were started here").get_by_role("link")).to_have_count(8)
    assert api.get("/tasks", params={"search": "matrix"}).json()["total"] == 8


def test_a_matrix_tells_two_providers_of_a_model_apart(looked: Looked) -> None:
    page = looked.at("/generate?mode=matrix")
    page.get_by_label("Prompt", exact=True).fill("A cup")
    names = [f"{provider}:openai/gpt-image-2" for provider in ("fal", "replicate")]

    def has_both(answer: Response) -> bool:
        return answer.url.endswith("/generate/matrix") and all(
            f'"{each}"' in str(answer.request.post_data) for each in names
        )

    with page.expect_response(has_both) as answered:
        for provider in ("fal", "replicate"):
            page.get_by_role("checkbox", name=f"openai/gpt-image-2 {provider},").check()
    assert answered.value.status == 200
    expect(summary(page)).to_contain_text("3 models")


def test_only_the_last_text_is_estimated(looked: Looked) -> None:
    page = looked.at("/generate")
    prompt = page.get_by_label("Prompt", exact=True)
    asked: list[str] = []

    def hold_the_first(route: Route) -> None:
        asked.append(json.loads(route.request.post_data or "{}")["prompt"])
        if len(asked) > 1:
            route.fallback()

    page.route("**/generate/image/estimate", hold_the_first)
    with page.expect_event("requestfailed") as given_up:
        with page.expect_request("**/generate/image/estimate"):
            prompt.fill("A cup")
        prompt.fill("A cup of tea")
    assert given_up.value.url.endswith("/estimate")
    expect(summary(page)).to_contain_text("estimated")
    assert asked == ["A cup", "A cup of tea"]


def test_what_is_refused_is_said_at_its_field(looked: Looked) -> None:
    page = looked.at("/generate")
    page.get_by_label("Prompt", exact=True).fill("A cup")
    page.get_by_label("Seed").fill("99999999999")
    expect(page.get_by_label("Seed")).to_have_accessible_description(re.compile("must be at most"))
    page.get_by_label("Seed").fill("7")
    expect(summary(page)).to_contain_text("estimated")


def test_a_budget_without_room_is_named_before(looked: Looked, api: httpx.Client) -> None:
    poor = api.post("/clients", json={"name": "Poor"}).json()["id"]
    api.put(f"/clients/{poor}/budget", json={"limit": 0.01})
    page = looked.at(f"/generate?client={poor}")
    page.get_by_label("Prompt", exact=True).fill("A cup")
    page.get_by_label("Model").select_option("fal fal-ai/flux/dev")
    expect(summary(page)).to_contain_text("The client's budget has $0.01 left; this needs $0.025.")
    summary(page).get_by_role("button", name="Generate").click()
    expect(page.get_by_role("alert")).to_contain_text("budget")
    assert api.get("/tasks", params={"client_id": poor}).json()["total"] == 0


def test_a_tasks_picture_is_edited(looked: Looked, api: httpx.Client, finish: Finish) -> None:
    owner = api.post("/clients", json={"name": "Edited"}).json()["id"]
    source = api.post("/generate/image", json={"prompt": "A pier", "client_id": owner}).json()["id"]
    finish(source)
    page = looked.at(f"/tasks/{source}")
    page.get_by_role("button", name="Edit", exact=True).click()
    expect(page.get_by_role("radio", name="Edit")).to_be_checked()
    expect(page.get_by_role("button", name="Without A pier")).to_be_visible()
    page.get_by_label("Prompt", exact=True).fill("The same pier, in a storm")
    expect(summary(page)).to_contain_text("estimated")
    with page.expect_response("**/api/v3/generate/edit") as answered:
        summary(page).get_by_role("button", name="Generate").click()
    made = finish(answered.value.json()["id"])
    assert (made["client_id"], made["inputs"][0]["task_id"]) == (owner, source)
    page = looked.at(f"/tasks/{made['id']}")
    expect(page.get_by_role("link", name="Reference: A pier")).to_have_attribute("href", f"#/tasks/{source}")
    expect(page.get_by_role("definition").filter(has_text="Generated by AI")).to_contain_text("no C2PA manifest")


def test_prompt_and_seed_are_taken_one_by_one(looked: Looked, api: httpx.Client, finish: Finish) -> None:
    source = finish(api.post("/generate/image", json={"prompt": "A pier at noon", "seed": 7}).json()["id"])["id"]
    page = looked.at("/generate")
    page.get_by_label("Negative prompt").fill("People")
    for what in ("prompt", "seed"):
        page = looked.at(f"/tasks/{source}")
        page.get_by_role("link", name=f"Use {what}").click()
        expect(summary(page)).to_contain_text("estimated")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("A pier at noon")
    expect(page.get_by_label("Seed")).to_have_value("7")
    expect(page.get_by_label("Negative prompt")).to_have_value("People")


def test_spend_is_held_against_the_days_before(looked: Looked, api: httpx.Client) -> None:
    today = datetime.now(UTC).date()
    week = {"from": str(today - timedelta(days=6)), "to": str(today + timedelta(days=1)), "bucket": "total"}
    report = api.get("/reports/usage", params=week).json()
    totals = report["totals"]

    def answer(route: Route) -> None:
        asked = parse_qs(urlsplit(route.request.url).query)
        known = {name: asked[name][0] for name in ("from", "to")}
        cost = "0.50" if asked["to"] == [week["from"]] else "0.75"
        route.fulfill(json={**report, **known, "totals": {**totals, "tasks": 1, "cost": cost}})

    page = looked.page
    page.route("**/api/v3/reports/usage?*", answer)
    looked.at("/reports?range=7")
    expect(page.get_by_role("definition").first).to_contain_text("50% more than the $0.50 of")


def test_a_chosen_file_is_what_is_enlarged(looked: Looked, api: httpx.Client, finish: Finish, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    Image.new("RGB", (64, 48), "teal").save(tmp_path / "shot.png")
    page = looked.at("/generate")
    page.get_by_role("radio", name="Upscale").check()
    expect(summary(page)).to_contain_text("Choose what it is made from")
    file = page.get_by_label("drop a file here")
    file.set_input_files(tmp_path / "text.png")
    expect(page.get_by_role("alert")).to_contain_text("nor anything else that is read here")
    file.set_input_files(tmp_path / "shot.png")
    expect(page.get_by_role("button", name="Without shot.png")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)
    page.get_by_label("Times as large").select_option("4")
    with page.expect_response("**/api/v3/generate/upscale") as answered:
        summary(page).get_by_role("button", name="Generate").click()
    made = finish(answered.value.json()["id"])
    assert api.get(f"/assets/{made['inputs'][0]['asset_id']}").json()["filename"] == "shot.png"
    assert (made["outputs"][0]["width"], made["outputs"][0]["height"]) == (256, 192)


def test_rows_that_fail_are_named_with_reasons(looked: Looked, api: httpx.Client, tmp_path: Path) -> None:
    file = tmp_path / "clients.csv"
    file.write_text("name,description\nRow one,first\n,nameless\nRow two,last\n")
    page = looked.at("/imports")
    page.get_by_label("File").set_input_files(file)
    page.get_by_role("button", name="Import 5").click()
    card = page.get_by_role("article", name="Import of clients").first
    expect(card).to_contain_text("2 rows imported, 1 failed.")
    expect(card.get_by_role("row", name="3 name: is required")).to_be_visible()
    assert api.get("/clients", params={"search": "Row "}).json()["total"] == 2


def test_an_export_downloads_with_its_checksum(looked: Looked, client: dict[str, Any]) -> None:
    page = looked.at(f"/exports?client={client['id']}")
    page.get_by_role("button", name="Export", exact=True).click()
    card = page.get_by_role("article", name="Export").first
    expect(card.get_by_role("heading", name="Reported")).to_be_visible()
    expect(card).to_contain_text("2 tasks, 2 files")
    checksum = card.get_by_title("SHA-256").get_attribute("title")
    with page.expect_download() as downloaded:
        card.get_by_role("button", name="Download").click()
    assert checksum == f"SHA-256 {hashlib.sha256(downloaded.value.path().read_bytes()).hexdigest()}"


def test_numbers_of_a_report_are_the_apis(looked: Looked, client: dict[str, Any], api: httpx.Client) -> None:
    today = datetime.now(UTC).date()
    query: dict[str, Any] = {"from": str(today - timedelta(days=29)), "to": str(today + timedelta(days=1))}
    asked = query | {"client": client["id"], "group_by": "model", "bucket": "total"}
    report = eventually(lambda: _if_whole(api.get("/reports/usage", params=asked).json()), "both are in the ledger")
    page = looked.at(f"/reports?range=30&client={client['id']}&by=model")
    table = page.get_by_role("region", name="Usage")
    expect(table.locator("tbody tr")).to_have_count(2)
    shown = table.locator("tbody data").evaluate_all("all => all.map(each => each.value)")
    assert shown == sorted((row["cost"] for row in report["rows"]), key=float, reverse=True)
    assert table.locator("tfoot data").get_attribute("value") == report["totals"]["cost"]
    days = api.get("/reports/usage", params=query | {"client": client["id"], "bucket": "day"}).json()["rows"]
    expect(page.locator(".bars tbody tr")).to_have_count(len(days))
    with page.expect_download() as downloaded:
        page.get_by_role("button", name="CSV").click()
    answer = api.get("/reports/usage", params=asked | {"format": "csv"})
    assert downloaded.value.path().read_bytes() == answer.content


def test_numbers_of_the_overview_are_the_reports(looked: Looked, client: dict[str, Any]) -> None:
    page = looked.at("/clients")
    with page.expect_response("**/api/v3/reports/usage?*") as answer:
        looked.at("/")
    totals = answer.value.json()["totals"]
    cost = page.evaluate(
        "cost => new Intl.NumberFormat('en-US', {maximumFractionDigits: 4}).format(cost)", totals["cost"]
    )
    spend = page.get_by_role("region", name="Spend")
    expect(spend).to_contain_text(f"{totals['tasks']:,} task")
    expect(spend).to_contain_text(f"${cost}")


def _if_whole(report: dict[str, Any]) -> dict[str, Any] | None:
    return report if report["totals"]["tasks"] == 2 else None
