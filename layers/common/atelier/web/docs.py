"""The docs page: Swagger UI, which Powertools' package brings, served from our own paths and nowhere else.

The files are read when they are first asked for, and Powertools' module beside them is never imported.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from atelier.web.problems import NoSuchPath

_SWAGGER_UI: Final = "aws_lambda_powertools/event_handler/openapi/swagger_ui"
_ASSETS: Final = {
    "swagger-ui.css": (f"{_SWAGGER_UI}/swagger-ui.min.css", "text/css"),
    "swagger-ui.js": (f"{_SWAGGER_UI}/swagger-ui-bundle.min.js", "text/javascript"),
    "start.js": ("atelier/web/docs.js", "text/javascript"),
}
# Swagger UI sets styles through the DOM, which no policy forbids; nothing needs 'unsafe-inline' or 'unsafe-eval'.
POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "connect-src 'self'; img-src 'self' data:; script-src 'self'; style-src 'self'"
)
"""The Content-Security-Policy of the page."""


@dataclass(frozen=True)
class Asset:
    """A file that the page loads. `etag` names its content."""

    text: str
    content_type: str
    etag: str


@cache
def page() -> str:
    """The page."""
    return _read("atelier/web/docs.html").decode()


@cache
def asset(name: str) -> Asset:
    """What the page loads by this name. Raises NoSuchPath."""
    if name not in _ASSETS:
        raise NoSuchPath("There is nothing at this path.")
    path, content_type = _ASSETS[name]
    content = _read(path)
    return Asset(content.decode(), f"{content_type}; charset=utf-8", f'"{hashlib.sha256(content).hexdigest()[:32]}"')


def _read(path: str) -> bytes:
    package, _, inside = path.partition("/")
    return (files(package) / inside).read_bytes()
