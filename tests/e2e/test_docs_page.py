"""The docs page in a real browser, where there is one: it draws the document and its policy refuses nothing."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final

import httpx
import pytest

from atelier.web.routes import document
from local.stack import Stack

BROWSER: Final = shutil.which("chromium") or shutil.which("google-chrome")
HEADLESS: Final = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000")


def test_assets_are_cached_and_requested_by_version(stack: Stack) -> None:
    first = httpx.get(f"{stack.url}/docs/swagger-ui.js")
    assert (first.status_code, first.headers["cache-control"]) == (200, "public, max-age=86400")
    again = httpx.get(f"{stack.url}/docs/swagger-ui.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.skipif(BROWSER is None, reason="no chromium here")
def test_a_browser_draws_every_operation_and_refuses_nothing(stack: Stack, tmp_path: Path) -> None:
    assert BROWSER is not None
    logged = [f"--user-data-dir={tmp_path}", "--enable-logging=stderr", "--dump-dom", f"{stack.url}/docs"]
    ran = subprocess.run([BROWSER, *HEADLESS, *logged], capture_output=True, text=True, check=True, timeout=120)
    operations = [each for path in json.loads(document())["paths"].values() for each in path.values()]
    assert ran.stdout.count('class="opblock-summary-path"') == len(operations)
    assert [line for line in ran.stderr.splitlines() if "CONSOLE" in line] == []
