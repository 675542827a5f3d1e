"""The docs page against its own policy, read as a browser would."""

import base64
import hashlib
from html.parser import HTMLParser

from atelier.web.docs import page, policy


class Page(HTMLParser):
    """Collects what the page runs, styles and loads."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self.loads: list[str] = []
        self.inline: list[str] = []
        self._inside: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember what an element may load or run."""
        self._inside = tag if tag in self.texts else None
        if self._inside:
            self.texts[tag].append("")
        self.loads += [
            value or "" for name, value in attrs if name in ("src", "srcset", "action", "formaction", "data")
        ]
        self.loads += [value or "" for name, value in attrs if name == "href" and tag in ("link", "base")]
        self.inline += [name for name, _ in attrs if name == "style" or name.startswith("on")]

    def handle_data(self, data: str) -> None:
        """Collect the text of scripts and styles."""
        if self._inside:
            self.texts[self._inside][-1] += data

    def handle_endtag(self, tag: str) -> None:
        """Leave it."""
        self._inside = None


def read() -> Page:
    parsed = Page()
    parsed.feed(page())
    return parsed


def directives() -> dict[str, str]:
    return dict(each.split(" ", 1) for each in policy().split("; "))


def test_the_policy_lets_exactly_the_page_s_own_script_and_style_run() -> None:
    for element, directive in (("script", "script-src"), ("style", "style-src")):
        (text,) = read().texts[element]
        assert text.strip()
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert directives()[directive] == f"'sha256-{digest}'"


def test_the_page_needs_nothing_that_the_policy_forbids() -> None:
    assert "\r" not in page(), "a browser would hash another text"
    assert [address for address in read().loads if not address.startswith("data:")] == []
    assert read().inline == []


def test_everything_else_is_forbidden() -> None:
    assert directives()["default-src"] == "'none'"
    assert directives()["frame-ancestors"] == directives()["base-uri"] == directives()["form-action"] == "'none'"
    assert "unsafe" not in policy()
    assert "*" not in policy()
