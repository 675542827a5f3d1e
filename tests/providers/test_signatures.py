"""Our signatures against the published example and against others' implementations of the scheme."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
import standardwebhooks
from hypothesis import given
from hypothesis import strategies as st
from replicate.webhook import Webhooks, WebhookSigningSecret

from atelier.domain.provider import InvalidSignature
from atelier.domain.webhook_signatures import sign, verify

SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER: Final = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
BODY: Final = b'{"test": 2432232314}'
NOW: Final = datetime.now(UTC).replace(microsecond=0)


def headers_of(signature: str, *, id_: str = "msg_1", at: datetime = NOW) -> dict[str, str]:
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signature,
    }


def signed(body: bytes = BODY, *, secret: str = SECRET, at: datetime = NOW) -> dict[str, str]:
    return headers_of(sign(secret, id_="msg_1", timestamp=int(at.timestamp()), body=body), at=at)


def test_the_published_example_comes_out() -> None:
    signature = sign(SECRET, id_="msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp=1614265330, body=BODY)
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    "body", [BODY, b"{}", '{"prompt": "Größe 東京 🎨"}'.encode(), b'{"a": "' + b"x" * 100_000 + b'"}']
)
def test_our_signatures_and_other_libraries_agree(body: bytes) -> None:
    other = standardwebhooks.Webhook(SECRET)
    other.verify(body, signed(body, at=datetime.now(UTC)))  # it looks at the clock
    # The package takes the moment for one in UTC whatever its zone is.
    theirs = other.sign("msg_1", NOW.replace(tzinfo=None), body.decode())
    verify(SECRET, headers_of(theirs), body, now=NOW)


def test_the_validator_of_replicate_accepts_what_we_sign() -> None:
    secret = WebhookSigningSecret(key=SECRET)
    now = datetime.now(UTC)  # it looks at the clock
    Webhooks.validate(headers=signed(at=now), body=BODY.decode(), secret=secret, tolerance=300)
    with pytest.raises(ValueError, match="signature"):
        Webhooks.validate(headers=signed(secret=OTHER, at=now), body=BODY.decode(), secret=secret)


def test_a_secret_without_padding_is_the_same_secret() -> None:
    padded, bare = "whsec_c2VjcmV0IQ==", "whsec_c2VjcmV0IQ"
    assert sign(padded, id_="m", timestamp=1, body=b"") == sign(bare, id_="m", timestamp=1, body=b"")


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64!", "whsec_Ä"])
def test_what_is_no_secret_signs_nothing(secret: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever the reason
        sign(secret, id_="m", timestamp=1, body=b"")


def test_one_right_signature_among_several_is_enough() -> None:
    right, wrong = signed()["webhook-signature"], signed(secret=OTHER)["webhook-signature"]
    for signatures in (f"{wrong} {right}", f"{right} {wrong}", f"v2,abc v1a,def  {right}"):
        verify(SECRET, headers_of(signatures), BODY, now=NOW)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_five_minutes_of_difference_are_allowed(seconds: int) -> None:
    verify(SECRET, signed(at=NOW + timedelta(seconds=seconds)), BODY, now=NOW)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_more_than_five_minutes_of_difference_are_refused(seconds: int) -> None:
    with pytest.raises(InvalidSignature):
        verify(SECRET, signed(at=NOW + timedelta(seconds=seconds)), BODY, now=NOW)


FORGED: Final[dict[str, dict[str, Any]]] = {
    "another secret": signed(secret=OTHER),
    "another body": signed(b'{"test": 1}'),
    "another id": {**signed(), "webhook-id": "msg_2"},
    "another time": {**signed(), "webhook-timestamp": str(int(NOW.timestamp()) + 1)},
    "no id": {**signed(), "webhook-id": ""},
    "no time": {**signed(), "webhook-timestamp": ""},
    "no signature": {**signed(), "webhook-signature": ""},
    "nothing": {},
    "a huge time": {**signed(), "webhook-timestamp": "9" * 5000},
    "a negative time": {**signed(), "webhook-timestamp": "-1"},
    "a broken time": {**signed(), "webhook-timestamp": "1e9"},
    "a time in other digits": {**signed(), "webhook-timestamp": "١٧٣٢٢٨٠٠٠٠"},
    "no version": {**signed(), "webhook-signature": signed()["webhook-signature"].removeprefix("v1,")},
    "garbage": {**signed(), "webhook-signature": "v1,\udce4\x00 ,,, v1"},
    "an id that is no text": {**signed(), "webhook-id": "\udce4"},
}


@pytest.mark.parametrize("headers", FORGED.values(), ids=FORGED)
def test_a_forged_webhook_is_not_genuine(headers: dict[str, str]) -> None:
    with pytest.raises(InvalidSignature):
        verify(SECRET, headers, BODY, now=NOW)


HEADER: Final = st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"])
ODD: Final = st.text(st.characters()) | st.sampled_from(["msg_1", str(int(NOW.timestamp())), "v1,AAAA"])


@given(headers=st.dictionaries(HEADER, ODD), body=st.binary())
def test_random_webhooks_are_never_genuine(headers: dict[str, str], body: bytes) -> None:
    with pytest.raises(InvalidSignature):
        verify(SECRET, headers, body, now=NOW)


@given(body=st.binary(), id_=st.text(st.characters(codec="ascii", exclude_characters="\0"), min_size=1))
def test_every_signature_of_ours_verifies(body: bytes, id_: str) -> None:
    signature = sign(SECRET, id_=id_, timestamp=int(NOW.timestamp()), body=body)
    verify(SECRET, headers_of(signature, id_=id_), body, now=NOW)
