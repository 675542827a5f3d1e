"""URLs of a CloudFront distribution in front of the bucket, signed with the private key of its trusted key group.

A signature takes about a millisecond, and a browser may keep what it has fetched: so URLs are used again.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from botocore.signers import CloudFrontSigner

from atelier.domain.input_files import TASK_IN_URL
from atelier.domain.schema import utcnow
from atelier.domain.tasks.record import URL_LIFE, URL_WINDOW, window_begin

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

_REMEMBERED: Final = 4096


class CloudFront:
    """Signs the addresses of keys below `base`; each stays the same for a window, and works at least for its life.

    `pem` is asked for the private key once.
    """

    def __init__(
        self,
        base: str,
        key_id: str,
        pem: Callable[[], str],
        *,
        now: Callable[[], datetime] = utcnow,
    ) -> None:
        self._base = base.rstrip("/")
        self._pem = pem
        self._now = now
        self._key: RSAPrivateKey | None = None
        self._signer = CloudFrontSigner(key_id, self._signature)
        self._signed = lru_cache(_REMEMBERED)(self._sign)

    def __call__(self, key: str, task_id: str | None = None) -> str:
        """A signed, expiring URL of the file; one for a task names it, which CloudFront does not pass on."""
        return self._signed(key, task_id, window_begin(self._now()) + URL_WINDOW + URL_LIFE)

    def _sign(self, key: str, task_id: str | None, until: datetime) -> str:
        query = f"?{urlencode({TASK_IN_URL: task_id})}" if task_id else ""
        return self._signer.generate_presigned_url(f"{self._base}/{quote(key)}{query}", date_less_than=until)

    def _signature(self, message: bytes) -> bytes:
        # In the layer of those only who sign for a distribution.
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15  # noqa: PLC0415
        from cryptography.hazmat.primitives.hashes import SHA1  # noqa: PLC0415

        if self._key is None:
            self._key = _rsa_key(self._pem())
        return self._key.sign(message, PKCS1v15(), SHA1())  # noqa: S303 - the one that CloudFront takes


def _rsa_key(pem: str) -> "RSAPrivateKey":
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    key = load_pem_private_key(pem.encode(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise TypeError("CloudFront's key must be an RSA key.")
    return key
