"""An identity provider for the local run: a key made at the start, its public half on loopback, and tokens.

It does for the emulator's authorizer what a real one does for API Gateway's: OpenID discovery and a key set. Its tokens
are as Cognito's: RS256, groups as a list.
"""

import base64
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from local.environment import LOOPBACK
from local.loopback import is_loopback

AUDIENCE: Final = "atelier-local"
ROLES: Final = ("viewer", "editor", "admin")
HOURS: Final = 12
_KEY_ID: Final = "local"


@dataclass(frozen=True, slots=True)
class Issuer:
    """The local token issuer."""

    url: str
    key: RSAPrivateKey

    @property
    def parameters(self) -> Mapping[str, str]:
        """The parameters of template.yaml with which the API accepts this issuer's tokens and no others."""
        return {"AuthMode": "jwt", "JwtIssuer": self.url, "JwtAudience": AUDIENCE}

    def token(self, subject: str, *groups: str, **claims: Any) -> str:
        """A token of a user in these groups; `claims` override its own."""
        now = int(time.time())
        own = {"iss": self.url, "sub": subject, "aud": AUDIENCE, "iat": now, "exp": now + HOURS * 3600}
        about = {"name": f"Local {subject}", "cognito:groups": list(groups), "jti": str(uuid4())}
        return signed({**own, **about, **claims}, self.key)

    def tokens(self) -> dict[str, str]:
        """One token for each role, each of another user."""
        return {role: self.token(role, role) for role in ROLES}


@contextmanager
def issuer() -> Iterator[Issuer]:
    """An issuer for as long as the context lasts."""
    key = new_key()
    with ThreadingHTTPServer((LOOPBACK, 0), partial(_Desk, key)) as server:
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield Issuer(f"http://{LOOPBACK}:{server.server_port}", key)
        finally:
            server.shutdown()


def new_key() -> RSAPrivateKey:
    """A new signing key."""
    return generate_private_key(public_exponent=65537, key_size=2048)


def signed(claims: Mapping[str, Any], key: RSAPrivateKey) -> str:
    """A JWT (RFC 7519) of these claims, whatever they are."""
    parts = ({"alg": "RS256", "typ": "JWT", "kid": _KEY_ID}, claims)
    text = ".".join(_base64(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return f"{text}.{_base64(key.sign(text.encode(), PKCS1v15(), SHA256()))}"


def _public(key: RSAPrivateKey) -> dict[str, str]:
    """The public half as a JSON web key (RFC 7517)."""
    numbers = key.public_key().public_numbers()
    parts = {
        name: value.to_bytes((value.bit_length() + 7) // 8) for name, value in (("n", numbers.n), ("e", numbers.e))
    }
    return {"kty": "RSA", "alg": "RS256", "use": "sig", "kid": _KEY_ID} | {
        name: _base64(value) for name, value in parts.items()
    }


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class _Desk(BaseHTTPRequestHandler):
    """Serves what the authorizer asks for, and `/token`: a token like those that are printed, or worse on purpose."""

    def __init__(self, key: RSAPrivateKey, *connection: Any) -> None:
        self._key = key
        super().__init__(*connection)

    def do_GET(self) -> None:
        ours = Issuer("http://{}:{}".format(*self.connection.getsockname()), self._key)
        asked = urlsplit(self.path)
        match asked.path if is_loopback(self.headers.get("Host", LOOPBACK)) else None:
            case None:
                self.send_error(403)  # a page of another machine, under a name of its own
            case "/.well-known/openid-configuration":
                self._answer(json.dumps({"issuer": ours.url, "jwks_uri": f"{ours.url}/jwks.json"}))
            case "/jwks.json":
                self._answer(json.dumps({"keys": [_public(self._key)]}))
            case "/token":
                self._answer(_as_asked(ours, parse_qs(asked.query)))
            case _:
                self.send_error(404)

    def _answer(self, text: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json" if text.startswith("{") else "text/plain")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - the name is its base's
        """Nothing: the screen is for the API's requests."""


def _as_asked(ours: Issuer, query: Mapping[str, list[str]]) -> str:
    """`?sub=ann&role=editor`, and to see it refused `&aud=...`, `&iss=...` or `&seconds=-1`."""
    claims: dict[str, Any] = {name: query[name][0] for name in ("aud", "iss") if name in query}
    if "seconds" in query:
        claims["exp"] = int(time.time()) + int(query["seconds"][0])
    return ours.token(query.get("sub", ["somebody"])[0], *query.get("role", []), **claims)
