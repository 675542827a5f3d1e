"""Assets in the console: files become assets or say why not, are used, renamed and deleted, by those who may."""

import hashlib
import re
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from testbed.chromium import CHROMIUM
from tests.e2e.browser import NONE_HERE, Looked, answered
from tests.e2e.conftest import Finish

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NONE_HERE)

DROP: Final = "Drop files here, or choose some"


@pytest.fixture
def client(api: httpx.Client) -> str:
    made: dict[str, Any] = api.post("/clients", json={"name": "Shots & Co"}).json()
    return str(made["id"])


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    """A text that is called a picture, and a picture."""
    (tmp_path / "text.png").write_text("no picture")
    Image.new("RGB", (64, 48), "teal").save(tmp_path / "shot.png")
    return [tmp_path / "text.png", tmp_path / "shot.png"]


def tiles(page: Page) -> Any:
    return page.get_by_role("grid", name="Assets").get_by_role("link")


def test_files_become_assets_or_say_why(looked: Looked, api: httpx.Client, client: str, files: list[Path]) -> None:
    page = looked.at(f"/clients/{client}?view=assets")
    expect(page.get_by_text("No assets yet")).to_be_visible()
    page.get_by_label("Pictures are for").select_option("Logo")
    page.get_by_label(DROP).set_input_files(files)
    refused = page.get_by_role("list", name="Uploads").get_by_role("listitem").filter(has_text="text.png")
    expect(refused.get_by_role("alert")).to_contain_text("nor anything else that is read here")
    expect(tiles(page).filter(has_text="shot.png")).to_have_accessible_name(re.compile("logo · .*ready"))
    assert {(each["filename"], each["status"], each["purpose"]) for each in of(api, client)} == {
        ("text.png", "rejected", "logo"),
        ("shot.png", "ready", "logo"),
    }
    refused.get_by_role("button", name="Dismiss text.png").click()
    expect(refused).to_have_count(0)
    page.get_by_role("combobox", name="Status", exact=True).select_option("Rejected")
    expect(tiles(page)).to_have_count(1)
    expect(tiles(page)).to_contain_text("text.png")


def test_an_asset_is_renamed_used_and_deleted(looked: Looked, api: httpx.Client, client: str, finish: Finish) -> None:
    task = api.post("/generate/image", json={"prompt": "A hat", "client_id": client}).json()["id"]
    finish(task)
    page = looked.at(f"/tasks/{task}")
    page.get_by_role("button", name="Keep as asset").click()
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("Filename").fill("hero.png")
    with answered(page, "PATCH", ""):
        page.get_by_role("button", name="Save").click()
    (made,) = of(api, client)
    expect(page.get_by_role("heading", name="hero.png")).to_be_visible()
    assert (made["filename"], made["source"]) == ("hero.png", {"task_id": task, "output": 0})

    page.get_by_role("button", name="Upscale").click()
    expect(page.get_by_role("button", name="Without hero.png")).to_be_visible()
    expect(page.get_by_role("combobox", name="Client")).to_have_value("Shots & Co")
    page.get_by_role("radio", name="Edit").check()
    page.get_by_role("button", name="From the gallery").first.click()
    page.get_by_role("radio", name="Assets").check()
    expect(page.get_by_role("dialog").get_by_role("button", name="hero.png")).to_be_visible()
    page.keyboard.press("Escape")

    looked.at(f"/clients/{client}")
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text("0 campaigns, 1 asset with its files")
    page.keyboard.press("Escape")
    looked.at(f"/assets/{made['id']}")
    expect(page.get_by_role("heading", name="hero.png")).to_be_visible()
    page.get_by_role("navigation", name="Where this is").get_by_role("link", name="Assets").click()
    tiles(page).click()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog")).to_contain_text("the copies that were made of it")
    page.get_by_role("button", name="Delete asset").click()
    expect(page.get_by_text("No assets yet")).to_be_visible()
    assert of(api, client) == []


@pytest.mark.parametrize(("share", "may"), [("viewer", False), ("editor", True)])
def test_only_editors_of_a_client_add_files(
    looked: Looked, api: httpx.Client, client: str, files: list[Path], share: str, *, may: bool
) -> None:
    """To the page it is another account's client, of which the API knows that it is the caller's own."""
    page, asset = looked.page, uploaded(api, client, files[1])
    resource = {"type": "client", "id": client, "user_id": 1, "name": "Shots & Co"}
    received = {"id": client, "resource": resource, "role": share, "shared_by": 1, "expires_at": None}
    me = {"user_id": 7, "role": "editor", "name": None, "email": None}
    page.route("**/api/v3/me", lambda route: route.fulfill(json=me))
    page.route("**/api/v3/shares?*", lambda route: route.fulfill(json={"items": [received], "next_cursor": None}))
    page.goto("about:blank")
    page.goto(f"/console/#/clients/{client}?view=assets")
    expect(page.get_by_text("shared with you")).to_be_visible()
    expect(page.get_by_label(DROP)).to_have_count(1 if may else 0)
    if may:
        page.get_by_label(DROP).set_input_files(files[1])
        expect(tiles(page)).to_have_count(2)
        assert {each["client_id"] for each in of(api, client)} == {client}
    looked.at(f"/assets/{asset}")
    expect(page.get_by_role("link", name="Download")).to_be_visible()
    for name in ("Rename", "Delete", "Upscale"):
        expect(page.get_by_role("button", name=name)).to_have_count(1 if may else 0)


def uploaded(api: httpx.Client, client: str, file: Path) -> str:
    """The id of an asset of the client that is ready."""
    content = file.read_bytes()
    new = {"filename": file.name, "content_type": "image/png", "size": len(content), "purpose": "reference"}
    digest = hashlib.sha256(content).hexdigest()
    made = api.post("/assets", json={**new, "sha256": digest, "client_id": client}).json()
    httpx.put(made["upload"]["url"], content=content, headers=made["upload"]["headers"])
    assert api.post(f"/assets/{made['id']}/complete").status_code == 200
    return str(made["id"])


def of(api: httpx.Client, client: str) -> list[dict[str, Any]]:
    """The assets of a client."""
    found: list[dict[str, Any]] = api.get("/assets", params={"client_id": client}).json()["items"]
    return found
