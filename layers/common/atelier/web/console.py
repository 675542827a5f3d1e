"""The console's files, as `make console` builds them into the package of the function that serves them.

Names have the digest of their content, so browsers keep a file for good. Each file is there with two compressions, made
once when it is built.
"""

import gzip
import hashlib
import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from atelier.settings import PLACEHOLDER, Settings
from atelier.web.compression import accepts
from atelier.web.problems import NoSuchPath

_TYPES: Final = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml"}
_CODINGS: Final = {"br": ".br", "gzip": ".gz"}
"""Content codings, the smallest first, and the suffix of a file that has it."""
_POLICY: Final = (
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; "
    "connect-src 'self'{media}{sign_in}; img-src 'self' blob:{media}; media-src 'self'{media}"
)
# Every address that the page shows or loads is signed; none of them is anybody else's to know.
_PRIVATE: Final = {"Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin"}


class Page(NamedTuple):
    """The page, its entity tag, and the headers that say what it may load."""

    text: str
    etag: str
    headers: Mapping[str, str]


class Asset(NamedTuple):
    """A file that the page loads, in the content coding that was chosen for it; empty for none."""

    content: bytes
    content_type: str
    coding: str


@dataclass(frozen=True)
class Console:
    """The console in this folder, for a deployment with these settings."""

    folder: Path
    settings: Settings

    @cached_property
    def page(self) -> Page:
        """The page. Raises NoSuchPath where the console was not built."""
        about, headers = html.escape(json.dumps(self._about()), quote=True), self._headers()
        try:
            text = (self.folder / "index.html").read_text().replace("{{settings}}", about)
        except FileNotFoundError:
            raise NoSuchPath("The console is not part of this deployment: `make console` builds it.") from None
        return Page(text, f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"', headers)

    def asset(self, name: str, accept_encoding: str) -> Asset:
        """A file that the page loads. Raises NoSuchPath."""
        if name not in self._names:
            raise NoSuchPath("There is nothing at this path.")
        content_type = _TYPES[Path(name).suffix]
        for coding, suffix in _CODINGS.items():
            if accepts(accept_encoding, coding):
                return Asset((self.folder / f"{name}{suffix}").read_bytes(), content_type, coding)
        return Asset(gzip.decompress((self.folder / f"{name}.gz").read_bytes()), content_type, "")

    def successor(self, name: str) -> str | None:
        """What this version has in place of a file of another: page and files may be of two during a deployment."""
        stem, _, rest = name.partition("-")
        alike = (own for own in self._names if own.startswith(f"{stem}-") and own != name)
        return next((own for own in alike if Path(own).suffix == Path(rest).suffix), None)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(path.name.removesuffix(".gz") for path in self.folder.glob("*.gz"))

    def _about(self) -> Mapping[str, str]:
        ours = self.settings
        way = "none" if ours.auth_mode == PLACEHOLDER else "openid" if ours.sign_in_client else "token"
        return {"signIn": way, "issuer": ours.sign_in_issuer, "clientId": ours.sign_in_client}

    def _headers(self) -> Mapping[str, str]:
        ours = self.settings
        providers = {origin(address) for address in (ours.sign_in_issuer, ours.sign_in_page) if ours.sign_in_client}
        policy = _POLICY.format(media=_sources(ours.media_origins), sign_in=_sources(sorted(providers)))
        return {"Content-Security-Policy": policy, **_PRIVATE}


def origin(address: str) -> str:
    """The origin of an address; empty for none."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}" if parts.netloc else ""


def _sources(origins: tuple[str, ...] | list[str]) -> str:
    return "".join(f" {each}" for each in origins if each)
