"""An identity provider for the local run: a key made at the start, its public half on loopback, and tokens.

It does for the emulator's authorizer what a real one does for API Gateway's: OpenID discovery and a key set. Its tokens
are as Cognito's: RS256, groups as a list. For the console it is also a page to sign in at: an authorization code with
PKCE (RFC 7636), for pages of this machine.
"""

import base64
import hashlib
import html
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from local.environment import LOOPBACK
from local.loopback import is_loopback, is_loopback_origin

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
        return {"AuthMode": "jwt", "JwtIssuer": self.url, "JwtAudience": AUDIENCE, "ConsoleClientId": AUDIENCE}

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
    with ThreadingHTTPServer((LOOPBACK, 0), _Desk) as server:
        ours = Issuer(f"http://{LOOPBACK}:{server.server_port}", new_key())
        server.RequestHandlerClass = type("Desk", (_Desk,), {"ours": ours, "codes": {}})
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield ours
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
    """Serves what the authorizer asks for, `/token`: a token like those that are printed, or worse on purpose, and the
    page to sign in at.
    """

    ours: Issuer
    codes: dict[str, tuple[str, str]]  # what a code stands for: the token, and the challenge that guards it

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        query = parse_qs(asked.query)
        match asked.path if is_loopback(self.headers.get("Host", LOOPBACK)) else None:
            case None:
                self.send_error(403)  # a page of another machine, under a name of its own
            case "/.well-known/openid-configuration":
                self._answer(json.dumps(_discovery(self.ours.url)))
            case "/jwks.json":
                self._answer(json.dumps({"keys": [_public(self.ours.key)]}))
            case "/token":
                self._answer(_as_asked(self.ours, query), "text/plain")
            case "/authorize" if _is_of_this_machine(query.get("redirect_uri", [""])[0]):
                self._authorize(query)
            case _:
                self.send_error(404)

    def do_POST(self) -> None:
        """Exchange a code for its token."""
        if self.path != "/token" or not is_loopback(self.headers.get("Host", LOOPBACK)):
            self.send_error(403)
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        form = parse_qs(body.decode("latin-1"))
        token, challenge = self.codes.pop(form.get("code", [""])[0], ("", ""))
        verifier = form.get("code_verifier", [""])[0]
        if not token or _base64(hashlib.sha256(verifier.encode()).digest()) != challenge:
            self._answer(json.dumps({"error": "invalid_grant"}), status=400)
        else:
            self._answer(json.dumps({"token_type": "Bearer", "expires_in": HOURS * 3600, "id_token": token}))

    def _authorize(self, query: dict[str, list[str]]) -> None:
        if "sub" not in query:
            self._answer(_page(query), "text/html")
            return
        code = str(uuid4())
        self.codes[code] = (_as_asked(self.ours, query), query["code_challenge"][0])
        self.send_response(302)
        self.send_header(
            "Location", f"{query['redirect_uri'][0]}?{urlencode({'code': code, 'state': query['state'][0]})}"
        )
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, text: str, content_type: str = "application/json", status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(text.encode())))
        if content_type == "application/json" and is_loopback_origin(self.headers.get("Origin", "")):
            self.send_header("Access-Control-Allow-Origin", self.headers["Origin"])
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 - the name is its base's
        """Nothing: the screen is for the API's requests."""


def _discovery(url: str) -> Mapping[str, str]:
    places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks.json"}
    return {"issuer": url} | {name: f"{url}/{path}" for name, path in places.items()}


def _is_of_this_machine(redirect: str) -> bool:
    """Whether a code may be sent there: to the console of a local run, and to no other page."""
    parts = urlsplit(redirect)
    here = f"{parts.scheme}://{parts.netloc}"
    return is_loopback_origin(here) and redirect == f"{here}/console/"


def _page(query: Mapping[str, list[str]]) -> str:
    """One link for each role, as a user of the same name."""
    asked = {name: values[0] for name, values in query.items()}
    links = (f"/authorize?{urlencode({**asked, 'sub': role, 'role': role})}" for role in ROLES)
    items = "".join(f'<p><a href="{html.escape(link)}">{role}</a></p>' for role, link in zip(ROLES, links, strict=True))
    return _SIGN_IN.format(items=items)


_SIGN_IN: Final = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<meta name="viewport" content="width=device-width">
<title>Local users</title>
<body style="font: 16px system-ui; margin: 3rem auto; width: 20rem">
<h1>Who are you?</h1>
<p>Local users, each with data of their own.</p>
{items}
"""


def _as_asked(ours: Issuer, query: Mapping[str, list[str]]) -> str:
    """`?sub=ann&role=editor`, and to see it refused `&aud=...`, `&iss=...` or `&seconds=-1`."""
    claims: dict[str, Any] = {name: query[name][0] for name in ("aud", "iss") if name in query}
    if "seconds" in query:
        claims["exp"] = int(time.time()) + int(query["seconds"][0])
    return ours.token(query.get("sub", ["somebody"])[0], *query.get("role", []), **claims)
