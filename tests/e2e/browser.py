"""A real browser for tests: the system's Chromium, to which no host exists but this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect, sync_playwright

from testbed.chromium import ALONE, CHROMIUM

NONE_HERE: Final = "no Chromium on the path: install Debian's `chromium`, or Google Chrome"
AXE: Final = Path(__file__).parents[2] / "console/node_modules/axe-core/axe.min.js"
PATIENCE: Final = 60_000


@dataclass
class Looked:
    """A page that is open, and what it complained about meanwhile."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    elsewhere: list[str] = field(default_factory=list)

    def at(self, place: str) -> Page:
        """The page at another address of the console (`/clients`)."""
        self.page.evaluate("place => { location.hash = place }", place)
        return self.page


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser, for as long as the context lasts."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ALONE)
        yield browser
        browser.close()


def _is_wrong(said: ConsoleMessage) -> bool:
    # The browser notes each answer of 400 and more by itself; whether there is a budget is asked so.
    return said.type in ("error", "warning") and not said.text.startswith("Failed to load resource")


def answered(page: Page, method: str, path: str) -> Any:
    """Waits at the end of a `with` for the answer to a request. While a test sleeps, nothing reaches the page."""
    return page.expect_response(lambda it: it.request.method == method and urlsplit(it.url).path.endswith(path))


@contextmanager
def opened(browser: Browser, url: str, **options: Any) -> Iterator[Looked]:
    """The console in a context of its own; its hosts may be of this machine only."""
    context = browser.new_context(base_url=url, **options)
    context.set_default_timeout(PATIENCE)
    looked = Looked(context.new_page())
    looked.page.on("console", lambda said: looked.complaints.append(said.text) if _is_wrong(said) else None)
    looked.page.on("pageerror", lambda error: looked.complaints.append(str(error)))

    def only_here(route: Route) -> None:
        if route.request.url.startswith(("http://127.0.0.1:", "blob:", "data:")):
            route.fallback()
        else:
            looked.elsewhere.append(route.request.url)
            route.abort()

    context.route("**/*", only_here)
    looked.page.goto("/console/")
    yield looked
    context.close()
