"""Signed webhooks by the Standard Webhooks scheme: what we send is signed by it, and so is what Replicate sends.

The id, the time and the raw body are signed with a shared secret, `whsec_` and the key in base64.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from atelier.domain.provider import InvalidSignature

TOLERANCE: Final = timedelta(minutes=5)
_PREFIX: Final = "whsec_"
_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")


def sign(secret: str, *, id_: str, timestamp: int, body: bytes) -> str:
    """The signature of a message, as it stands in the `webhook-signature` header. Raises ValueError for no secret."""
    message = f"{id_}.{timestamp}.".encode() + body
    digest = hmac.digest(_key(secret), message, hashlib.sha256)
    return "v1," + base64.b64encode(digest).decode()


def verify(
    secret: str, headers: Mapping[str, str], body: bytes, *, now: datetime, tolerance: timedelta = TOLERANCE
) -> None:
    """Nothing, for a message that was signed with the secret at most `tolerance` ago or ahead. Raises InvalidSignature.

    The names of `headers` are in lower case. A message may carry several signatures, as it does while its sender
    changes the secret; one that fits is enough.
    """
    id_, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not id_ or not id_.isascii() or not is_near(timestamp, now=now, tolerance=tolerance):
        raise InvalidSignature("The webhook has no id, or its timestamp is out of tolerance.")
    expected = sign(secret, id_=id_, timestamp=int(timestamp), body=body).encode()
    given = headers.get("webhook-signature", "").split(" ")
    # Every one is compared, so that how long it takes does not tell which of them came close.
    if True not in [hmac.compare_digest(each.encode(errors="replace"), expected) for each in given]:
        raise InvalidSignature("No signature of the webhook is valid.")


def is_near(timestamp: str, *, now: datetime, tolerance: timedelta = TOLERANCE) -> bool:
    """Whether a header names, in whole seconds since 1970, a moment at most `tolerance` from now."""
    if not _TIMESTAMP.fullmatch(timestamp):
        return False
    return abs(now.timestamp() - int(timestamp)) <= tolerance.total_seconds()


def _key(secret: str) -> bytes:
    encoded = secret.removeprefix(_PREFIX)
    key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    if not key:
        raise ValueError("An empty secret signs nothing.")
    return key
