"""How fal signs its callbacks: ED25519 over the request, the account, the time and a digest of the raw body."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from atelier.domain.provider import Callback, InvalidSignature, Unavailable
from atelier.domain.webhook_signatures import is_near
from atelier.providers.cached_keys import CachedKeys

JOB: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SIGNED_HEADERS: Final = ("x-fal-webhook-request-id", "x-fal-webhook-user-id", "x-fal-webhook-timestamp")
_SIGNATURE: Final = re.compile(r"[0-9a-fA-F]{128}")
_KEY_BYTES: Final = 32


class Signatures:
    """Callbacks checked against the keys that `fetch` brings, fal's JWKS document."""

    def __init__(self, fetch: Callable[[], Mapping[str, Any]]) -> None:
        self._keys = CachedKeys(lambda: _keys_in(fetch()))

    def verified_job(self, callback: Callback, *, now: datetime) -> str:
        """The request that a genuine callback is about. Raises InvalidSignature, and Unavailable without fal's keys."""
        named = [callback.headers.get(name, "") for name in _SIGNED_HEADERS]
        job, _, timestamp = named
        signature = callback.headers.get("x-fal-webhook-signature", "")
        well_formed = all(each and each.isascii() for each in named) and JOB.fullmatch(job)
        if not well_formed or not _SIGNATURE.fullmatch(signature) or not is_near(timestamp, now=now):
            raise InvalidSignature("The callback has no signature, or its timestamp is out of tolerance.")
        message = "\n".join([*named, hashlib.sha256(callback.body).hexdigest()]).encode()
        self._keys.check(lambda keys: _is_signed(message, bytes.fromhex(signature), keys), now=now)
        if _request_in(callback.body) != job:
            raise InvalidSignature("The callback's body names another request than its signed header.")
        return job


def _is_signed(message: bytes, signature: bytes, keys: list[bytes]) -> bool:
    # Only the function that takes callbacks needs it.
    from nacl.exceptions import BadSignatureError  # noqa: PLC0415
    from nacl.signing import VerifyKey  # noqa: PLC0415

    for key in keys:
        try:
            VerifyKey(key).verify(message, signature)
        except BadSignatureError:
            continue
        return True
    return False


def _keys_in(document: Mapping[str, Any]) -> list[bytes]:
    listed = document.get("keys")
    entries = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    found = [_raw(each.get("x")) for each in entries if (each.get("kty"), each.get("crv")) == ("OKP", "Ed25519")]
    keys = [key for key in found if len(key) == _KEY_BYTES]
    if not keys:
        raise Unavailable("fal publishes no usable signing key.")
    return keys


def _raw(encoded: object) -> bytes:
    # base64url without its padding.
    try:
        return base64.urlsafe_b64decode(f"{encoded}{'=' * (-len(str(encoded)) % 4)}")
    except ValueError:
        return b""


def _request_in(body: bytes) -> object:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return content.get("request_id") if isinstance(content, dict) else None
