"""The console in a real browser, against the local run: what a producer does in it, from nothing to a shared report."""

import gzip
import re
from collections import Counter
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from local.stack import PROJECT, Stack
from testbed.chromium import CHROMIUM
from tests.e2e.browser import AXE, NONE_HERE, Looked, answered, opened
from tests.e2e.conftest import Finish

needs_a_browser = pytest.mark.skipif(CHROMIUM is None, reason=NONE_HERE)
BUILT: Final = PROJECT / "functions/system/console"
MOST_BYTES: Final = 80_000
SECTIONS: Final = ("", "clients", "work", "assets", "generate", "reports", "imports", "exports", "activity", "shared")
HOSTILE: Final = "<img src=x onerror=\"document.title='taken over'\">"


@pytest.fixture(scope="module")
def campaign(api: httpx.Client, finish: Finish) -> dict[str, Any]:
    """A campaign with a picture, a video, a sound and a failure, of a client whose name is markup."""
    client = api.post("/clients", json={"name": HOSTILE, "brand_guidelines": HOSTILE}).json()
    new = {"client_id": client["id"], "name": HOSTILE, "goal": HOSTILE, "brief": HOSTILE}
    made: dict[str, Any] = api.post("/campaigns", json=new).json()
    kinds = [("image", HOSTILE), ("video", "Waves"), ("audio", "A chime"), ("image", "fail:content_policy")]
    items = [{"type": kind, "prompt": prompt, "campaign_id": made["id"]} for kind, prompt in kinds]
    results = api.post("/generate/batch", json={"items": items}).json()["results"]
    tasks = [finish(each["id"]) for each in results]
    api.patch(f"/tasks/{tasks[0]['id']}", json={"tags": [HOSTILE[:64]], "rating": 4})
    api.put(f"/campaigns/{made['id']}/budget", json={"limit": 5})
    asset = api.post(f"/tasks/{tasks[0]['id']}/outputs/0/asset", json={"filename": HOSTILE}).json()
    return {**made, "tasks": [each["id"] for each in tasks], "asset": asset["id"]}


def test_the_bundle_stays_small() -> None:
    assert sum(path.stat().st_size for path in BUILT.glob("*.gz")) < MOST_BYTES


def test_the_root_leads_to_a_page_kept_by_etag(stack: Stack) -> None:
    page = httpx.get(stack.url, follow_redirects=True)
    assert (page.url.path, page.status_code, page.headers["cache-control"]) == ("/console/", 200, "no-cache")
    again = httpx.get(page.url, headers={"if-none-match": page.headers["etag"]})
    assert again.status_code == 304
    assert httpx.get(f"{stack.url}/console").text == page.text
    assert httpx.get(f"{stack.url}/console/?code=c&state=s&iss=i").text == page.text  # as providers send people back


def test_files_are_kept_for_good_and_sent_small(stack: Stack) -> None:
    script = next(BUILT.glob("app-*.js.gz"))
    answer = httpx.get(f"{stack.url}/console/{script.name.removesuffix('.gz')}", headers={"accept-encoding": "gzip"})
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.content == gzip.decompress(script.read_bytes())


def button(page: Page, name: str) -> Any:
    return page.get_by_role("button", name=name, exact=True)


@needs_a_browser
def test_a_producer_gets_from_nothing_to_a_report(looked: Looked, api: httpx.Client) -> None:
    page = looked.page
    page.get_by_role("navigation", name="Sections").get_by_role("link", name="Clients").click()
    button(page, "New client").first.click()
    page.get_by_role("textbox", name="Name").fill("Journey & Sons")
    page.get_by_label("Brand guidelines").fill("Always blue.")
    button(page, "Create client").click()
    expect(page.get_by_role("heading", name="Journey & Sons")).to_be_visible()

    button(page, "New campaign").first.click()
    page.get_by_role("textbox", name="Name").fill("Spring")
    page.get_by_label("Goal").fill("Sell kites")
    button(page, "Create campaign").click()
    expect(page.get_by_role("heading", name="Spring")).to_be_visible()

    page.get_by_role("main").get_by_role("button", name="Generate").first.click()
    page.get_by_label("Prompt", exact=True).fill("A kite over dunes")
    expect(page.get_by_label("What it comes to")).to_contain_text("$")
    with answered(page, "POST", "/generate/image"):
        page.get_by_label("What it comes to").get_by_role("button", name="Generate").click()
    (made,) = api.get("/tasks", params={"search": "kite over dunes"}).json()["items"]

    looked.at(f"/campaigns/{made['campaign_id']}")
    tile = page.get_by_role("link", name=re.compile("A kite over dunes ?, image, succeeded"))
    expect(tile).to_be_visible()  # by itself: nobody has loaded the page again
    tile.click()
    expect(page.locator("img.large")).to_be_visible()
    with answered(page, "PATCH", f"/tasks/{made['id']}"):
        page.keyboard.press("5")
    expect(button(page, "Remove the rating")).to_be_visible()
    assert api.get(f"/tasks/{made['id']}").json()["rating"] == 5
    page.keyboard.press("Escape")

    looked.at(f"/clients/{made['client_id']}?view=sharing")
    button(page, "Invite").click()
    button(page, "Make a link").click()
    link = page.get_by_role("dialog").get_by_label("Link").input_value()
    assert "/console/#/shared?token=" in link
    page.keyboard.press("Escape")
    expect(page.get_by_text("Whoever has the link")).to_be_visible()

    looked.at("/reports")
    expect(page.get_by_role("main")).to_contain_text("Journey & Sons")


@needs_a_browser
def test_markup_in_names_stays_text(looked: Looked, campaign: dict[str, Any]) -> None:
    for place in everywhere(campaign):
        page = settled(looked, place)
        expect(page).not_to_have_title("taken over")
        assert page.locator("img[src='x']").count() == 0, place
    looked.at(f"/campaigns/{campaign['id']}?view=brief")
    expect(looked.page.get_by_role("main")).to_contain_text(HOSTILE)


@needs_a_browser
@pytest.mark.parametrize(
    ("theme", "rules"), [("light", {}), ("dark", {"runOnly": ["color-contrast"]})], ids=["light", "dark"]
)
def test_axe_finds_nothing_on_any_page(
    browser: Browser, stack: Stack, campaign: dict[str, Any], theme: Any, rules: dict[str, Any]
) -> None:
    """In the dark theme, the contrast of what is there: nothing else differs."""
    with opened(browser, stack.url, color_scheme=theme, viewport={"width": 1200, "height": 900}) as looked:
        looked.page.evaluate(AXE.read_text())
        for place in everywhere(campaign):
            page = settled(looked, place)
            assert "\n".join(violations(page, rules)) == "", place
        button(page, "Requests").click()
        assert "\n".join(violations(page, rules)) == ""


@needs_a_browser
def test_a_page_asks_for_nothing_twice(looked: Looked, campaign: dict[str, Any]) -> None:
    """When it is the first that is opened, so that nothing is known yet."""
    client, (task, *_), asset = campaign["client_id"], campaign["tasks"], campaign["asset"]
    ones = [f"clients/{client}", f"campaigns/{campaign['id']}", f"tasks/{task}", f"assets/{asset}"]
    made = [f"campaign={campaign['id']}", f"client={client}", f"task={task}&type=edit&output=0", f"asset={asset}"]
    asked: list[str] = []
    looked.page.on("request", lambda it: asked.append(it.url) if "/api/" in it.url and it.method == "GET" else None)
    for place in [*SECTIONS, *ones, *(f"generate?{each}" for each in made)]:
        looked.page.goto("about:blank")
        asked.clear()
        looked.page.goto(f"/console/#/{place}")
        settled(looked, f"/{place}")
        assert [each for each, times in Counter(asked).items() if times > 1] == [], place


@needs_a_browser
def test_a_selection_is_rated_and_deleted_with_numbers(looked: Looked, api: httpx.Client, finish: Finish) -> None:
    items = [{"type": "image", "prompt": f"Selected {n}"} for n in range(3)]
    for each in api.post("/generate/batch", json={"items": items}).json()["results"]:
        finish(each["id"])

    def selected() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = api.get("/tasks", params={"search": "Selected"}).json()["items"]
        return found

    page = looked.at("/work?search=Selected")
    tiles = page.get_by_role("grid", name="Tasks").get_by_role("link")
    expect(tiles).to_have_count(3)
    tiles.first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    bar = page.get_by_role("toolbar", name="Selected tasks")
    expect(bar).to_contain_text("2 tasks selected")
    bar.get_by_role("button", name="Rate 3 of 5").click()
    expect(page.get_by_text("2 tasks rated.")).to_be_visible()
    assert [each["rating"] for each in selected()] == [3, 3, None]
    with answered(page, "POST", "/tasks/batch"):
        button(page, "Undo").click()
    assert [each["rating"] for each in selected()] == [None] * 3
    bar.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text("With them go 2 files of")
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(tiles).to_have_count(1)
    assert len(selected()) == 1


@needs_a_browser
def test_keys_rate_what_has_the_focus(looked: Looked, api: httpx.Client, finish: Finish) -> None:
    made = finish(api.post("/generate/image", json={"prompt": "Culled by keys"}).json()["id"])["id"]
    page = looked.at("/work?search=Culled")
    tile = page.get_by_role("grid", name="Tasks").get_by_role("link")
    tile.focus()
    with answered(page, "PATCH", f"/tasks/{made}"):
        page.keyboard.press("4")
    expect(tile.get_by_label("Rated 4 of 5")).to_be_visible()
    assert api.get(f"/tasks/{made}").json()["rating"] == 4
    page.route(f"**/api/v3/tasks/{made}", lambda route: route.abort())
    page.keyboard.press("0")
    expect(page.get_by_text("could not be reached")).to_be_visible()
    expect(tile.get_by_label("Rated 4 of 5")).to_be_visible()


@needs_a_browser
def test_what_differs_between_two_is_named(looked: Looked, api: httpx.Client, finish: Finish) -> None:
    items = [{"type": "image", "prompt": "Compared", "seed": seed} for seed in (1, 2)]
    older, newer = (each["id"] for each in api.post("/generate/batch", json={"items": items}).json()["results"])
    for each in (older, newer):
        finish(each)
    page = looked.at("/work?search=Compared")
    page.get_by_role("grid", name="Tasks").get_by_role("link").first.focus()
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowRight")
    button(page, "Compare").click()
    expect(page.get_by_role("row", name="Seed 2 1", exact=True)).to_be_visible()
    expect(page.get_by_role("row", name="Prompt")).to_have_count(0)
    picture = button(page, "A: Compared, enlarge")
    picture.click()
    expect(picture).to_have_attribute("aria-pressed", "true")
    with answered(page, "PATCH", f"/tasks/{newer}"):
        page.keyboard.press("5")
    assert api.get(f"/tasks/{newer}").json()["rating"] == 5
    page.get_by_role("link", name="slider").click()
    page.get_by_role("slider").fill("20")
    expect(page.get_by_role("img", name="B: Compared")).to_have_css("clip-path", "inset(0px 0px 0px 20%)")
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Work")).to_be_visible()


@needs_a_browser
def test_an_error_shows_its_own_words_and_request(looked: Looked, api: httpx.Client) -> None:
    gone = api.post("/clients", json={"name": "Gone"}).json()["id"]
    api.delete(f"/clients/{gone}")
    page = looked.at(f"/clients/{gone}")
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("Not found")
    expect(alert.locator("code")).to_have_text(re.compile(r"^[0-9a-f-]{36}$"))
    alert.get_by_role("button", name="Copy as curl").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == f"curl -s '{looked.page.url.split('/console')[0]}/api/v3/clients/{gone}'"


@needs_a_browser
@pytest.mark.parametrize("place", ["/%", "/%ff/x", "/constructor/x", "/__proto__/x"])
def test_a_place_that_is_none_leads_back(looked: Looked, place: str) -> None:
    page = looked.at(place)
    expect(page.get_by_role("heading", name="Nothing here")).to_be_visible()
    page.get_by_role("link", name="To the overview").click()
    expect(page.get_by_role("heading", name="Nothing here")).to_have_count(0)


@needs_a_browser
def test_a_server_that_is_down_can_be_asked_again(looked: Looked) -> None:
    page = looked.page
    page.route("**/api/v3/clients?*", lambda route: route.abort())
    looked.at("/clients")
    expect(page.get_by_role("alert")).to_contain_text("could not be reached")
    page.unroute("**/api/v3/clients?*")
    button(page, "Try again").click()
    expect(page.get_by_role("alert")).to_have_count(0)


@needs_a_browser
def test_thousands_of_tasks_are_a_few_rows_at_once(looked: Looked, api: httpx.Client, campaign: dict[str, Any]) -> None:
    """Its time is not asked here: a page with thousands of tasks has no more elements than one with fifty, and keeps no
    more of them than are around what is in view: the first ones are asked for again when they come back.
    """
    one = api.get("/tasks", params={"campaign_id": campaign["id"], "status": "succeeded", "page_size": 1}).json()
    page, total = looked.page, 2_500
    asked: list[int] = []

    def answer(route: Route) -> None:
        start = int(parse_qs(urlsplit(route.request.url).query).get("cursor", ["0"])[0])
        asked.append(start)
        items = [{**one["items"][0], "id": f"task-{n}", "prompt": f"Number {n}"} for n in range(start, start + 100)]
        more = str(start + 100) if start + 100 < total else None
        route.fulfill(json={**one, "items": items, "total": total, "has_more": bool(more), "next_cursor": more})

    page.route("**/api/v3/tasks?*", answer)
    looked.at("/work")
    expect(page.get_by_text("2,500 in all")).to_be_visible()
    for _ in range(total // 100 - 1):
        before = page.evaluate("document.documentElement.scrollHeight")
        page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
        page.wait_for_function("before => document.documentElement.scrollHeight > before", arg=before)
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    expect(page.get_by_text(f"Number {total - 1}", exact=True)).to_be_attached()
    assert asked == list(range(0, total, 100))
    tiles = page.get_by_role("grid", name="Tasks").get_by_role("link")
    assert tiles.count() < 100
    page.evaluate("scrollTo(0, 0)")
    expect(page.get_by_text("Number 0", exact=True)).to_be_visible()
    assert asked[total // 100 :] == [0]
    assert tiles.count() < 100


def everywhere(campaign: dict[str, Any]) -> list[str]:
    """Every page, with every view of a client and a campaign, and a task of each kind."""
    views = ("campaigns", "assets", "guidelines", "budget", "sharing")
    clients = [f"/clients/{campaign['client_id']}?view={view}" for view in views]
    campaigns = [f"/campaigns/{campaign['id']}?view={view}" for view in ("work", "brief", "activity")]
    picture, video, *_ = campaign["tasks"]
    compared = [f"/compare?of={picture}&of={video}", f"/compare?of={picture}.0&of={picture}&view=slider"]
    tasks = [f"/tasks/{each}" for each in campaign["tasks"]]
    edits = [f"/generate?task={picture}&type=edit&output=0", f"/generate?asset={campaign['asset']}"]
    others = [f"/assets/{campaign['asset']}", *edits, *compared, "/nowhere"]
    return [*(f"/{each}" for each in SECTIONS), *clients, *campaigns, *tasks, *others]


def settled(looked: Looked, place: str) -> Page:
    """The page at a place, when what it asked for is there."""
    page = looked.at(place)
    expect(page.locator("main h1")).to_be_visible()
    expect(page.locator(".loading")).to_have_count(0)
    return page


def violations(page: Page, rules: dict[str, Any]) -> list[str]:
    """What axe-core finds wrong, with where."""
    found = page.evaluate("rules => axe.run({ resultTypes: ['violations'], ...rules })", rules)["violations"]
    return [
        f"{each['id']}: {node['html'][:200]} {node['failureSummary'][:300]}" for each in found for node in each["nodes"]
    ]
