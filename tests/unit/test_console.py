"""What serves the console: names with digests, two compressions, a policy that names the deployment's own origins."""

import gzip
import html
import json
from dataclasses import replace
from pathlib import Path

import pytest

from atelier.settings import settings
from atelier.web.console import Console
from atelier.web.problems import NoSuchPath
from testbed.template import PROJECT

SCRIPT = b"export {};" * 1000
OURS = replace(
    settings(),
    auth_mode="jwt",
    media_origins=("https://media.example.com",),
    sign_in_issuer="https://issuer.example.com/pool",
    sign_in_page="https://login.example.com",
    sign_in_client="a-client",
)


@pytest.fixture
def console(tmp_path: Path) -> Console:
    (tmp_path / "index.html").write_text('<meta name="atelier" content="{{settings}}">')
    (tmp_path / "app-1f.js.gz").write_bytes(gzip.compress(SCRIPT))
    (tmp_path / "app-1f.js.br").write_bytes(b"brotli")
    (tmp_path / "app-2e.css.gz").write_bytes(gzip.compress(b"a{}"))
    return Console(tmp_path, OURS)


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("", ""), ("identity", "")],
)
def test_an_asset_comes_as_small_as_the_caller_allows(console: Console, accepted: str, coding: str) -> None:
    asset = console.asset("app-1f.js", accepted)
    assert (asset.coding, asset.content_type) == (coding, "text/javascript; charset=utf-8")
    if coding == "":
        assert asset.content == SCRIPT


@pytest.mark.parametrize("name", ["index.html", "app-1f.js.gz", "../app.py", "app.js", ""])
def test_only_what_the_page_loads_is_an_asset(console: Console, name: str) -> None:
    with pytest.raises(NoSuchPath):
        console.asset(name, "gzip")


def test_an_asset_of_another_version_has_a_successor(console: Console) -> None:
    assert console.successor("app-00.js") == "app-1f.js"
    assert console.successor("app-00.css") == "app-2e.css"
    assert console.successor("app-1f.js") is None
    assert console.successor("other-00.js") is None


def test_the_page_says_how_people_sign_in(console: Console) -> None:
    told = json.loads(html.unescape(console.page.text.split('content="')[1].removesuffix('">')))
    assert told == {"signIn": "openid", "issuer": "https://issuer.example.com/pool", "clientId": "a-client"}


@pytest.mark.parametrize(("mode", "client", "way"), [("placeholder", "a-client", "none"), ("jwt", "", "token")])
def test_who_needs_no_provider_is_sent_to_none(console: Console, mode: str, client: str, way: str) -> None:
    there = Console(console.folder, replace(OURS, auth_mode=mode, sign_in_client=client))
    assert f"&quot;signIn&quot;: &quot;{way}&quot;" in there.page.text


def test_what_a_setting_says_stays_text(console: Console) -> None:
    hostile = Console(console.folder, replace(OURS, sign_in_client='"><script>alert(1)</script>'))
    assert "<script>" not in hostile.page.text


def test_the_policy_names_this_deployments_origins_alone(console: Console) -> None:
    policy = dict(each.split(" ", 1) for each in console.page.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert policy["img-src"] == "'self' blob: https://media.example.com"
    assert (
        policy["connect-src"] == "'self' https://media.example.com https://issuer.example.com https://login.example.com"
    )
    assert "script-src" not in policy  # as default-src: no inline script, no other host
    assert not [each for each in policy.values() if "unsafe" in each or "*" in each]


def test_a_deployment_without_the_console_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoSuchPath, match="make console"):
        _ = Console(tmp_path, OURS).page


def test_the_lock_file_names_no_registry() -> None:
    packages = json.loads((PROJECT / "console/package-lock.json").read_text())["packages"]
    assert all(each.get("integrity") for name, each in packages.items() if name)
    assert not [name for name, each in packages.items() if "resolved" in each]
