"""AWS Signature Version 4 for DynamoDB's requests (AWS General Reference, "Signing AWS API requests")."""

import hashlib
import hmac
import time
from functools import lru_cache
from urllib.parse import urlsplit

from atelier.store.dynamodb.credentials import Credentials


class Signer:
    """The headers of a request, with AWS's signature, version 4."""

    def __init__(self, url: str, region: str, credentials: Credentials) -> None:
        parts = urlsplit(url)
        self._host = parts.netloc
        self._path = parts.path or "/"
        self._region = region
        self._credentials = credentials

    def headers(self, operation: str, body: bytes, now: time.struct_time) -> dict[str, str]:
        """All headers. Signed headers are in alphabetical order, as the algorithm requires."""
        keys = self._credentials()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", now)
        signed = {
            "content-type": "application/x-amz-json-1.0",
            "host": self._host,
            "x-amz-date": stamp,
            **({"x-amz-security-token": keys.token} if keys.token else {}),
            "x-amz-target": f"DynamoDB_20120810.{operation}",
        }
        names = ";".join(signed)
        lines = "".join(f"{name}:{value}\n" for name, value in signed.items())
        canonical = f"POST\n{self._path}\n\n{lines}\n{names}\n{hashlib.sha256(body).hexdigest()}"
        scope = f"{stamp[:8]}/{self._region}/dynamodb/aws4_request"
        said = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(
            signing_key(keys.secret_key, stamp[:8], self._region, "dynamodb"), said.encode(), "sha256"
        ).hex()
        proof = f"Credential={keys.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        return {**signed, "authorization": f"AWS4-HMAC-SHA256 {proof}"}


@lru_cache(maxsize=4)
def signing_key(secret: str, day: str, region: str, service: str) -> bytes:
    """The key that signs requests to a service in a region on a day (YYYYMMDD, UTC)."""
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
