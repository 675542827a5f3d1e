"""Identity as it is deployed: the emulator's JWT authorizer in front, real tokens, real keys."""

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from local.issuer import AUDIENCE, Issuer, issuer, new_key, signed
from local.stack import Stack, start
from testbed.chromium import CHROMIUM
from tests.e2e.browser import NONE_HERE, opened

NEW: Final = {"name": "Acme"}


@pytest.fixture(scope="module")
def ours() -> Iterator[Issuer]:
    with issuer() as running:
        yield running


@pytest.fixture(scope="module")
def guarded(ours: Issuer) -> Iterator[Stack]:
    with start(issuer=ours) as running:
        yield running


Caller = Callable[[str | None], httpx.Client]


@pytest.fixture(scope="module")
def with_token(guarded: Stack) -> Iterator[Caller]:
    """Make a client of the API that sends this token."""
    opened = []

    def made(token: str | None) -> httpx.Client:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        opened.append(httpx.Client(base_url=f"{guarded.url}/api/v3", headers=headers, timeout=30))
        return opened[-1]

    yield made
    for client in opened:
        client.close()


def unsigned(token: str) -> str:
    header, claims, _ = token.split(".")
    return f"{header}.{claims}."


def changed(ours: Issuer) -> str:
    (header, _, signature), (_, claims, _) = (ours.token("ann", role).split(".") for role in ("viewer", "admin"))
    return f"{header}.{claims}.{signature}"


BAD_TOKENS: Final[dict[str, Callable[[Issuer], str | None]]] = {
    "none": lambda _: None,
    "garbage": lambda _: "abc",
    "expired": lambda ours: ours.token("ann", "admin", exp=int(time.time()) - 1),
    "not valid yet": lambda ours: ours.token("ann", "admin", nbf=int(time.time()) + 60),
    "for others": lambda ours: ours.token("ann", "admin", aud="others"),
    "for nobody": lambda ours: ours.token("ann", "admin", aud=None),
    "by others": lambda ours: ours.token("ann", "admin", iss="https://others.example"),
    "signed by others": lambda ours: Issuer(ours.url, new_key()).token("ann", "admin"),
    "not signed": lambda ours: unsigned(ours.token("ann", "admin")),
    "changed": changed,
}


@pytest.mark.parametrize("kind", BAD_TOKENS)
def test_a_token_that_is_not_good_is_a_401(with_token: Caller, ours: Issuer, kind: str) -> None:
    caller = with_token(BAD_TOKENS[kind](ours))
    for answer in (caller.get("/clients"), caller.post("/clients", json=NEW), caller.get("/me")):
        assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"})


def test_what_needs_no_token_needs_none(guarded: Stack, with_token: Caller) -> None:
    anybody = with_token(None)
    assert [anybody.get(path).status_code for path in ("/health", "/openapi.json")] == [200, 200]
    assert httpx.get(f"{guarded.url}/docs").status_code == 200
    callback = anybody.post("/webhooks/fal", params={"task": "x", "token": "y"})
    assert callback.headers["content-type"] == "application/problem+json"
    assert [anybody.get("/nowhere").status_code, anybody.put("/clients").status_code] == [404, 405]


def test_a_viewer_reads_and_an_editor_also_writes(with_token: Caller, ours: Issuer) -> None:
    viewer, editor = (with_token(ours.token("vera", role)) for role in ("viewer", "editor"))
    refused = viewer.post("/clients", json=NEW)
    assert (refused.status_code, refused.headers["content-type"]) == (403, "application/problem+json")
    assert refused.json()["detail"] == "Requires role editor; yours is viewer."
    created = editor.post("/clients", json=NEW)
    assert created.status_code == 201
    assert viewer.get(f"/clients/{created.json()['id']}").json() == created.json()


def test_the_gateways_form_of_a_group_list_is_understood(with_token: Caller, ours: Issuer) -> None:
    roles = {
        ("staff", "editor", "viewer"): "editor",
        ("x,admin", "viewer"): "viewer",
        ("viewer,admin",): None,
        (): None,
    }
    found = {groups: with_token(ours.token("greta", *groups)).get("/me").json()["role"] for groups in roles}
    assert found == roles


def test_claims_without_subject_or_role_get_nothing(with_token: Caller, ours: Issuer) -> None:
    assert with_token(ours.token("", "admin")).get("/me").status_code == 401
    nameless = signed({"iss": ours.url, "aud": AUDIENCE, "exp": int(time.time()) + 60}, ours.key)
    assert with_token(nameless).get("/me").status_code == 401
    idle = with_token(ours.token("ida"))
    assert [idle.get("/me").status_code, idle.get("/clients").status_code] == [200, 403]


def test_two_users_do_not_see_each_other(with_token: Caller, ours: Issuer) -> None:
    ann, bob = (with_token(ours.token(name, "editor")) for name in ("ann", "bob"))
    client = ann.post("/clients", json=NEW).json()
    task = ann.post("/generate/image", json={"prompt": "A boat", "size": "64x64", "client_id": client["id"]}).json()
    assert ann.get("/me").json()["user_id"] == client["user_id"] == task["user_id"]
    assert bob.get("/me").json()["user_id"] != client["user_id"]
    assert bob.get("/clients").json()["total"] == 0
    assert [bob.get(path).status_code for path in (f"/clients/{client['id']}", f"/tasks/{task['id']}")] == [404, 404]
    assert bob.delete(f"/clients/{client['id']}").status_code == 404
    assert ann.get(f"/clients/{client['id']}").status_code == 200


def test_me_is_what_the_token_says(with_token: Caller, ours: Issuer) -> None:
    me: dict[str, Any] = with_token(ours.token("mia", "admin", name="Mia", email="mia@example.com")).get("/me").json()
    assert me.pop("user_id") >= 1000
    assert me == {"role": "admin", "name": "Mia", "email": "mia@example.com"}


def test_concurrent_first_requests_make_one_user_per_subject(with_token: Caller, ours: Issuer) -> None:
    callers = [with_token(ours.token(f"crowd {each % 4}", "editor")) for each in range(32)]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda caller: caller.post("/clients", json=NEW), callers))
    assert {answer.status_code for answer in answers} == {201}
    given = [{answer.json()["user_id"] for answer in answers[each::4]} for each in range(4)]
    assert [len(ids) for ids in given] == [1, 1, 1, 1]
    assert len(set.union(*given)) == 4


def test_two_users_share_a_client(with_token: Caller, ours: Issuer) -> None:
    """From the grant to the revoke, and an invitation, with the rights that the functions have."""
    owner, guest = with_token(ours.token("owner", "admin")), with_token(ours.token("guest", "editor"))
    client = owner.post("/clients", json=NEW).json()["id"]
    share = f"/clients/{client}/shares/{guest.get('/me').json()['user_id']}"
    assert guest.get(f"/clients/{client}").status_code == 404
    assert [owner.put(share, json={"role": role}).status_code for role in ("viewer", "editor")] == [201, 200]
    assert guest.patch(f"/clients/{client}", json={"description": "By a guest"}).status_code == 200
    campaign = guest.post(f"/clients/{client}/campaigns", json={"name": "Launch", "goal": "Sell"})
    assert campaign.status_code == 201, campaign.text
    task = guest.post("/generate/image", json={"prompt": "A boat", "campaign_id": campaign.json()["id"]})
    assert task.status_code == 202, task.text
    lists = ("/clients", "/campaigns", "/tasks", "/shares", "/clients?sort_by=name&page_size=1")
    assert [guest.get(path).json()["total"] for path in lists] == [1] * 5
    assert owner.get(f"/clients/{client}/shares").json()["total"] == 1
    assert owner.delete(share).status_code == 204
    assert [guest.get(path).json()["total"] for path in lists] == [0] * 5
    invitation = owner.post(f"/campaigns/{campaign.json()['id']}/invitations", json={"role": "viewer"}).json()
    assert guest.post("/invitations/accept", json={"token": invitation["token"]}).status_code == 200
    assert guest.get(f"/tasks/{task.json()['id']}").status_code == 200
    assert owner.delete(f"/clients/{client}").status_code == 204
    assert guest.get(f"/tasks/{task.json()['id']}").status_code == 404


# --------------------------------------------------------------------------------------------- in the console


@pytest.mark.parametrize(
    "redirect",
    ["https://example.com/console/", "http://127.0.0.1:1/other", "http://127.0.0.1:1/console/\r\nx: y", ""],
)
def test_the_local_issuer_sends_codes_to_consoles_alone(ours: Issuer, redirect: str) -> None:
    asked = {"redirect_uri": redirect, "state": "s", "code_challenge": "c", "sub": "ann"}
    assert httpx.get(f"{ours.url}/authorize", params=asked).status_code == 404


def test_a_code_needs_its_verifier_and_works_once(ours: Issuer) -> None:
    verifier = "a-verifier"
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"redirect_uri": "http://127.0.0.1:1/console/", "state": "s", "code_challenge": challenge, "sub": "ann"}

    def exchanged(code: str, verifier: str) -> int:
        return httpx.post(f"{ours.url}/token", data={"code": code, "code_verifier": verifier}).status_code

    def code() -> str:
        sent = httpx.get(f"{ours.url}/authorize", params=asked).headers["location"]
        return parse_qs(urlsplit(sent).query)["code"][0]

    assert exchanged(code(), "another") == 400
    good = code()
    assert [exchanged(good, verifier), exchanged(good, verifier)] == [200, 400]


needs_a_browser = pytest.mark.skipif(CHROMIUM is None, reason=NONE_HERE)


def sign_in(page: Page, role: str) -> None:
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=role).click()
    expect(page.get_by_role("heading", name="Overview")).to_be_visible()


@needs_a_browser
def test_who_signs_in_comes_back_to_their_view(browser: Browser, guarded: Stack) -> None:
    with opened(browser, guarded.url) as looked:
        looked.at("/clients")
        looked.page.get_by_role("button", name="Sign in").click()
        looked.page.get_by_role("link", name="editor").click()
        expect(looked.page.get_by_role("heading", name="Clients", exact=True)).to_be_visible()
        assert looked.page.url == f"{guarded.url}/console/#/clients"
        stored = looked.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
        assert "ey" not in stored  # as a token begins
        looked.page.reload()
        expect(looked.page.get_by_role("button", name="Sign in")).to_be_visible()
        assert (looked.complaints, looked.elsewhere) == ([], [])


@needs_a_browser
def test_a_viewer_sees_no_button_that_is_refused(browser: Browser, guarded: Stack) -> None:
    found = {}
    for role in ("viewer", "editor"):
        with opened(browser, guarded.url) as looked:
            sign_in(looked.page, role)
            looked.at("/clients")
            expect(looked.page.locator(".loading")).to_have_count(0)
            found[role] = looked.page.get_by_role("button", name="New client").count() > 0
    assert found == {"viewer": False, "editor": True}


@needs_a_browser
def test_a_revoked_share_ends_while_looking(browser: Browser, ours: Issuer, guarded: Stack, with_token: Caller) -> None:
    owner, guest = with_token(ours.token("admin", "admin")), with_token(ours.token("viewer", "viewer"))
    client, user = owner.post("/clients", json=NEW).json()["id"], guest.get("/me").json()["user_id"]
    owner.put(f"/clients/{client}/shares/{user}", json={"role": "viewer"})
    with opened(browser, guarded.url) as looked:
        sign_in(looked.page, "viewer")
        looked.at(f"/clients/{client}")
        expect(looked.page.get_by_role("heading", name="Acme")).to_be_visible()
        expect(looked.page.get_by_text("shared with you")).to_be_visible()
        owner.delete(f"/clients/{client}/shares/{user}")
        looked.page.get_by_role("link", name="Activity").last.click()
        looked.page.get_by_role("link", name="Campaigns").click()
        expect(looked.page.get_by_role("alert")).to_contain_text("Not found")
