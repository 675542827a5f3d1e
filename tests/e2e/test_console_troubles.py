"""The console while the server is slow, is down, or refuses: it says so, does nothing twice, and goes on afterwards."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Locator, Page, Route, expect

from testbed.chromium import CHROMIUM
from tests.e2e.browser import NONE_HERE, Looked, answered

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NONE_HERE)


def start(page: Page) -> Locator:
    """The button that starts what the form says."""
    return page.get_by_role("region", name="What it comes to").get_by_role("button", name="Generate")


def written(looked: Looked, prompt: str, place: str = "/generate") -> Page:
    """The form with a prompt, when its estimate is there."""
    page = looked.at(place)
    page.get_by_label("Prompt", exact=True).fill(prompt)
    expect(page.get_by_role("region", name="What it comes to")).to_contain_text("estimated")
    return page


def found(api: httpx.Client, prompt: str) -> int:
    total: int = api.get("/tasks", params={"search": prompt}).json()["total"]
    return total


def holding(page: Page, pattern: str) -> list[Route]:
    """Requests that are not answered until the test lets them go on."""
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(pattern, hold)
    return held


def test_a_slow_start_is_shown_and_not_repeated(looked: Looked, api: httpx.Client) -> None:
    page = written(looked, "A slow boat")
    held = holding(page, "**/api/v3/generate/image")
    with page.expect_request("**/api/v3/generate/image"):
        start(page).click()
    expect(start(page)).to_have_attribute("aria-busy", "true")
    start(page).dispatch_event("click")
    page.get_by_label("Prompt", exact=True).press("Control+Enter")
    expect(start(page)).to_be_disabled()
    assert len(held) == 1
    held[0].fallback()
    expect(page.get_by_text("Started: it appears below.")).to_be_visible()
    expect(start(page)).to_be_enabled()
    assert found(api, "A slow boat") == 1


def test_a_slow_list_is_waited_for_in_sight(looked: Looked) -> None:
    page, clients = looked.page, "**/api/v3/clients?*"
    held = holding(page, clients)
    with page.expect_request(clients):
        looked.at("/clients")
    expect(page.get_by_role("main").get_by_role("status", name="Loading")).to_be_visible()
    looked.at("/work")  # whoever does not want to wait goes on
    expect(page.get_by_role("heading", name="Work", level=1)).to_be_visible()
    page.unroute(clients)
    held[0].fallback()
    looked.at("/clients")
    expect(page.get_by_role("main").get_by_role("status", name="Loading")).to_have_count(0)
    expect(page.get_by_role("alert")).to_have_count(0)


def test_a_lost_answer_is_asked_for_again(looked: Looked, api: httpx.Client) -> None:
    page = written(looked, "A lost boat")

    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/api/v3/generate/image", lose, times=1)
    start(page).click()
    expect(page.get_by_role("alert")).to_contain_text("The server could not be reached. Check the connection")
    assert found(api, "A lost boat") == 1
    with answered(page, "POST", "/generate/image") as again:
        start(page).click()
    assert again.value.headers["idempotent-replayed"] == "true"
    expect(page.get_by_role("grid", name="Tasks that were started here").get_by_role("link")).to_have_count(1)
    assert found(api, "A lost boat") == 1


@pytest.mark.parametrize("answer", ["none", "the gateway's own"])
def test_the_console_opens_once_the_server_is_back(looked: Looked, answer: str) -> None:
    page, unavailable = looked.page, {"message": "Service Unavailable"}
    words = "could not be reached" if answer == "none" else "Service Unavailable"

    def fail(route: Route) -> None:
        if answer == "none":
            route.abort()
        else:
            route.fulfill(status=503, json=unavailable, headers={"apigw-requestid": "Kq1Zs="})

    page.route("**/api/v3/me", fail)
    page.reload()
    expect(page.get_by_role("alert")).to_contain_text(words)
    assert page.get_by_role("alert").locator("code").all_inner_texts() == ([] if answer == "none" else ["Kq1Zs="])
    page.unroute("**/api/v3/me")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


def test_a_budget_spent_meanwhile_shows_what_is_left(looked: Looked, api: httpx.Client) -> None:
    client: dict[str, Any] = api.post("/clients", json={"name": "Spent"}).json()
    budget = f"/clients/{client['id']}/budget"
    api.put(budget, json={"limit": 1})
    page = looked.at(f"/generate?client={client['id']}")
    page.get_by_label("Model").select_option("fal fal-ai/flux/dev")
    written(looked, "A dear boat", "/generate")
    bar = page.get_by_role("region", name="What it comes to").locator(".budget").filter(has_text="Spent")
    expect(bar).to_contain_text("$1.00 left")
    api.put(budget, json={"limit": 0.01})
    start(page).click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text(
        re.compile(r"has 0\.01 USD left, and this needs 0\.025 USD.*Request [0-9a-f-]{36}", re.DOTALL)
    )
    expect(bar).to_contain_text("$0.01 left")
    assert found(api, "A dear boat") == 0
