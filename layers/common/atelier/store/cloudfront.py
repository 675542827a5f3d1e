"""URLs of a CloudFront distribution in front of the bucket, signed with the private key of its trusted key group.

CloudFront takes RSA signatures (PKCS #1 v1.5 over SHA-1). That is one power of one number, and Python has it: a library
for it would be half as large as everything else that is deployed. It takes ten milliseconds, so URLs are used again.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from botocore.signers import CloudFrontSigner

from atelier.domain.shapes import utcnow

_PERIODS: Final = 4  # of a URL's life, in each of which it stays the same
_REMEMBERED: Final = 4096
_SHA1: Final = bytes.fromhex("3021300906052b0e03021a05000414")  # how a signature says which hash it is of
_INTEGER, _OCTETS = 0x02, 0x04
_LONG: Final = 0x80


class CloudFront:
    """Signs the addresses of keys below `base`, for `life` and up to a quarter more.

    `pem` is asked for the private key once.
    """

    def __init__(
        self,
        base: str,
        key_id: str,
        pem: Callable[[], str],
        *,
        life: timedelta,
        now: Callable[[], datetime] = utcnow,
    ) -> None:
        self._base = base.rstrip("/")
        self._pem = pem
        self._period = life.total_seconds() / _PERIODS
        self._now = now
        self._key: PrivateKey | None = None
        self._signer = CloudFrontSigner(key_id, self._signature)
        self._signed = lru_cache(_REMEMBERED)(self._sign)

    def __call__(self, key: str) -> str:
        """A URL that lets anyone read the file for a while."""
        period = int(self._now().timestamp() / self._period)
        return self._signed(key, (period + 1 + _PERIODS) * self._period)

    def _sign(self, key: str, ends: float) -> str:
        until = datetime.fromtimestamp(ends, UTC)
        return self._signer.generate_presigned_url(f"{self._base}/{quote(key)}", date_less_than=until)

    def _signature(self, message: bytes) -> bytes:
        if self._key is None:
            self._key = PrivateKey.from_pem(self._pem())
        return self._key.signature(message)


@dataclass(frozen=True, repr=False)
class PrivateKey:
    """An RSA key, by the names that its numbers have in RFC 8017."""

    n: int
    e: int
    p: int
    q: int
    dp: int
    dq: int
    qinv: int

    @classmethod
    def from_pem(cls, pem: str) -> "PrivateKey":
        """The key in a PEM file, as `openssl genrsa` writes it (PKCS #8, or PKCS #1). Raises ValueError for others."""
        lines = [line.strip() for line in pem.strip().splitlines()]
        if lines[0] not in ("-----BEGIN PRIVATE KEY-----", "-----BEGIN RSA PRIVATE KEY-----"):
            raise ValueError("not an unencrypted RSA private key in PEM")
        fields = _fields(_fields(base64.b64decode("".join(lines[1:-1])))[0][1])
        if fields[-1][0] == _OCTETS:  # PKCS #8 is an envelope around PKCS #1
            fields = _fields(_fields(fields[-1][1])[0][1])
        numbers = [int.from_bytes(content) for tag, content in fields if tag == _INTEGER]
        _, n, e, _, p, q, dp, dq, qinv = numbers
        return cls(n, e, p, q, dp, dq, qinv)

    def signature(self, message: bytes) -> bytes:
        """The signature of `message`."""
        size = (self.n.bit_length() + 7) // 8
        digest = _SHA1 + hashlib.sha1(message, usedforsecurity=False).digest()
        padded = b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest
        return self._power(int.from_bytes(padded)).to_bytes(size)

    def _power(self, number: int) -> int:
        # Blinded: how long it takes tells nothing about the key, because nobody knows for which number.
        blind = secrets.randbelow(self.n - 2) + 2
        blinded = number * pow(blind, self.e, self.n) % self.n
        of_p, of_q = pow(blinded, self.dp, self.p), pow(blinded, self.dq, self.q)
        power = of_q + self.q * ((of_p - of_q) * self.qinv % self.p)
        return power * pow(blind, -1, self.n) % self.n


def _fields(der: bytes) -> list[tuple[int, bytes]]:
    """The fields of a DER structure: tag and content of each."""
    fields = []
    while der:
        tag, size, start = der[0], der[1], 2
        if size & _LONG:
            start += size & ~_LONG
            size = int.from_bytes(der[2:start])
        if len(der) < start + size:
            raise ValueError("the key is cut off")
        fields.append((tag, der[start : start + size]))
        der = der[start + size :]
    return fields
