"""Signed URLs of a CloudFront distribution, checked as CloudFront does: with the public key, by another library."""

import base64
import json
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_curve_key
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from atelier.store.cloudfront import CloudFront
from tests.support.builders import NOON

KEY: Final = generate_private_key(65537, 2048)
HASH: Final = SHA1()  # noqa: S303 - the one that CloudFront takes
FORMATS: Final = [PrivateFormat.PKCS8, PrivateFormat.TraditionalOpenSSL]


def pem(key: Any = KEY, form: PrivateFormat = PrivateFormat.PKCS8) -> str:
    """A private key as a file."""
    text: bytes = key.private_bytes(Encoding.PEM, form, NoEncryption())
    return text.decode()


def plain(text: str) -> bytes:
    """What CloudFront's base64 for URLs stands for."""
    return base64.b64decode(text.translate(str.maketrans("-_~", "+=/")))


@pytest.mark.parametrize("form", FORMATS)
def test_a_url_works_until_expiry_for_its_file_only(form: PrivateFormat) -> None:
    sign = CloudFront("https://cdn.example/", "K123", lambda: pem(form=form), now=lambda: NOON)
    url = urlsplit(sign("media/1/task/0 a.png"))
    query = {name: value for name, [value] in parse_qs(url.query).items()}
    assert f"{url.scheme}://{url.netloc}{url.path}" == "https://cdn.example/media/1/task/0%20a.png"
    assert query.keys() == {"Expires", "Signature", "Key-Pair-Id"}
    ends = int(NOON.timestamp()) + 3600 + 900
    assert (query["Expires"], query["Key-Pair-Id"]) == (str(ends), "K123")
    condition = {"DateLessThan": {"AWS:EpochTime": ends}}
    policy = {"Statement": [{"Resource": "https://cdn.example/media/1/task/0%20a.png", "Condition": condition}]}
    signed = json.dumps(policy, separators=(",", ":")).encode()
    KEY.public_key().verify(plain(query["Signature"]), signed, PKCS1v15(), HASH)
    with pytest.raises(InvalidSignature):
        KEY.public_key().verify(plain(query["Signature"]), signed + b" ", PKCS1v15(), HASH)


def test_a_url_for_a_task_names_it() -> None:
    """And is signed with the name, as CloudFront demands of whatever is in the query besides."""
    url = urlsplit(CloudFront("https://cdn.example", "K123", pem, now=lambda: NOON)("a.png", "task-1"))
    query = {name: value for name, [value] in parse_qs(url.query).items()}
    condition = {"DateLessThan": {"AWS:EpochTime": int(query["Expires"])}}
    policy = {"Statement": [{"Resource": "https://cdn.example/a.png?x-task=task-1", "Condition": condition}]}
    signed = json.dumps(policy, separators=(",", ":")).encode()
    KEY.public_key().verify(plain(query["Signature"]), signed, PKCS1v15(), HASH)
    assert query["x-task"] == "task-1"


def test_a_url_is_stable_for_a_quarter_life() -> None:
    """A quarter of its validity; and it never ends too soon."""
    clock = [NOON]
    sign = CloudFront("https://cdn.example", "K123", pem, now=lambda: clock[0])
    urls = []
    for minute in range(60):
        clock[0] = NOON + timedelta(minutes=minute)
        urls.append(sign("a.png"))
        ends = int(parse_qs(urlsplit(urls[-1]).query)["Expires"][0])
        assert 3600 <= ends - clock[0].timestamp() <= 3600 + 900
    assert len(set(urls)) == 4


def test_another_kind_of_key_is_refused() -> None:
    other = pem(generate_curve_key(SECP256R1()))
    with pytest.raises(TypeError):
        CloudFront("https://cdn.example", "K123", lambda: other)("a.png")
