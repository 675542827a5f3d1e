"""The docs page against its own policy, read as a browser would."""

import json
from html.parser import HTMLParser

import pytest

from atelier.web.api import LARGEST_ANSWER
from atelier.web.docs import POLICY, asset, page
from atelier.web.problems import NoSuchPath


class Page(HTMLParser):
    """Collects what the page runs, styles and loads."""

    def __init__(self) -> None:
        super().__init__()
        self.texts = ""
        self.loads: list[str] = []
        self.inline: list[str] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember what an element may load or run."""
        self._inside = tag in ("script", "style")
        self.loads += [
            value or "" for name, value in attrs if name in ("src", "srcset", "action", "formaction", "data")
        ]
        self.loads += [value or "" for name, value in attrs if name == "href" and tag in ("link", "base")]
        self.inline += [name for name, _ in attrs if name == "style" or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        """Collect the text of scripts and styles."""
        self.texts += data if self._inside else ""

    def handle_endtag(self, tag: str) -> None:
        """Leave it."""
        self._inside = False


def read() -> Page:
    parsed = Page()
    parsed.feed(page())
    return parsed


def loaded() -> list[str]:
    """What the page loads, by the names of its assets."""
    return [address.removeprefix("docs/") for address in read().loads if not address.startswith("data:")]


def directives() -> dict[str, str]:
    return dict(each.split(" ", 1) for each in POLICY.split("; "))


def test_the_page_loads_its_own_assets_and_nothing_else() -> None:
    assert loaded() == ["swagger-ui.css", "swagger-ui.js", "start.js"]
    assert all(asset(name).text for name in loaded())


def test_the_page_has_no_inline_script_or_style() -> None:
    assert read().texts.strip() == ""
    assert read().inline == []


def test_the_policy_allows_what_comes_from_here_alone() -> None:
    assert directives()["script-src"] == directives()["style-src"] == directives()["connect-src"] == "'self'"
    assert directives()["default-src"] == "'none'"
    assert directives()["frame-ancestors"] == directives()["base-uri"] == directives()["form-action"] == "'none'"
    assert "unsafe" not in POLICY
    assert "*" not in POLICY


def test_the_docs_page_asks_no_external_validator() -> None:
    assert "validatorUrl: null" in asset("start.js").text


def test_an_asset_fits_into_the_answer_of_a_lambda() -> None:
    for name in loaded():
        assert len(json.dumps(asset(name).text)) < LARGEST_ANSWER


def test_an_etag_names_the_content_of_its_asset() -> None:
    assert len({asset(name).etag for name in loaded()}) == len(loaded())


@pytest.mark.parametrize("name", ["", "none.js", "../web/roles.py", "..", "docs.html", "swagger-ui-bundle.min.js"])
def test_no_other_asset_is_served(name: str) -> None:
    with pytest.raises(NoSuchPath):
        asset(name)
