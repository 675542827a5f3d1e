"""Signed URLs of S3: botocore's presigner comes to the same, and they stay the same for a window of the clock."""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final
from unittest import mock
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from botocore import auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.session import get_session
from hypothesis import example, given
from hypothesis import strategies as st

from atelier.domain.tasks.record import URL_LIFE, URL_WINDOW, window_begin
from atelier.store.dynamodb.credentials import Keys
from atelier.store.s3_urls import S3Urls
from tests.support.builders import NOON

BUCKET: Final = "atelier-mediabucket-1abcd2efgh"
SESSION: Final = get_session()
SESSION.set_credentials("given", "below")
CREDENTIALS: Final[Any] = SESSION.get_credentials()
FOUND: Final = Keys("ASIAEXAMPLE", "a/secret+key", "a/token+of=a session")
ASCII: Final = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "S"]), min_size=1, max_size=80)
NAMES: Final = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60).filter(lambda key: key[0] != "/")


@cache
def presigner(region: str, endpoint: str | None) -> Any:
    """botocore's. By itself it takes the global endpoint, which does not lead to a new bucket."""
    return SESSION.create_client(
        "s3",
        region_name=region,
        endpoint_url=endpoint,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"}
            if endpoint
            else {"addressing_style": "virtual", "us_east_1_regional_endpoint": "regional"},
        ),
    )


def botocore_url(region: str, keys: Keys, key: str, now: datetime, endpoint: str | None) -> str:
    """What botocore says at the beginning of the window."""
    CREDENTIALS.access_key, CREDENTIALS.secret_key, CREDENTIALS.token = keys
    with mock.patch.object(auth, "get_current_datetime", return_value=window_begin(now).replace(tzinfo=None)):
        url: str = presigner(region, endpoint).generate_presigned_url(
            "get_object",
            Params={"Bucket": BUCKET, "Key": key},
            ExpiresIn=int((URL_LIFE + URL_WINDOW).total_seconds()),
        )
    return url


def parts(url: str) -> tuple[str, str, str, dict[str, list[str]]]:
    """A URL, whatever the order of its parameters."""
    split = urlsplit(url)
    return split.scheme, split.netloc, split.path, parse_qs(split.query, strict_parsing=True)


@given(
    NAMES,
    st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001 - it has one
    st.builds(Keys, ASCII, ASCII, st.none() | ASCII),
    st.sampled_from(["us-east-1", "eu-central-1", "us-gov-west-1"]),
    st.sampled_from([None, "http://127.0.0.1:4566"]),
)
@example("media/1/01a2/0.png", datetime(2026, 11, 29, 23, 59, 59, tzinfo=UTC), FOUND, "us-east-1", None)
@example("a b/c+d/ä%2F~/../😀?x=1&y#z", NOON, FOUND, "eu-central-1", None)
@example("./../%/é", NOON, Keys("a", "b"), "us-east-1", "http://127.0.0.1:4566")
def test_a_url_is_signed_as_botocore_would_sign_it(
    key: str, now: datetime, keys: Keys, region: str, endpoint: str | None
) -> None:
    base = f"{endpoint}/{BUCKET}" if endpoint else f"https://{BUCKET}.s3.{region}.amazonaws.com"
    ours = S3Urls(base, region, lambda: keys, now=lambda: now)(key)
    assert parts(ours) == parts(botocore_url(region, keys, key, now, endpoint))


@pytest.mark.parametrize("begins", [NOON, datetime(2026, 12, 31, 23, 50, tzinfo=UTC)])
def test_a_url_is_the_same_for_a_window(begins: datetime) -> None:
    """And it works for its life from any moment on."""
    clock = [begins]
    sign = S3Urls("https://bucket", "us-east-1", lambda: FOUND, now=lambda: clock[0])
    urls = []
    for minute in range(60):
        clock[0] = begins + timedelta(minutes=minute)
        urls.append(sign("a.png"))
        query = parts(urls[-1])[3]
        signed = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%S%z")
        ends = signed + timedelta(seconds=int(query["X-Amz-Expires"][0]))
        assert signed <= clock[0]
        assert URL_LIFE <= ends - clock[0] <= URL_LIFE + URL_WINDOW
    assert len(set(urls)) == 4 + (begins != NOON)


def test_a_window_of_a_second_adds_nothing() -> None:
    life, second = timedelta(minutes=15), timedelta(seconds=1)
    now = NOON + timedelta(seconds=7, microseconds=999_999)
    sign = S3Urls("https://bucket", "us-east-1", lambda: FOUND, life=life - second, window=second, now=lambda: now)
    query = parts(sign("a.zip"))[3]
    assert (query["X-Amz-Date"], query["X-Amz-Expires"]) == (["20260131T120007Z"], ["900"])


def test_new_credentials_sign_from_the_next_url_on() -> None:
    held = [Keys("one", "secret"), Keys("other", "secret", "token")]
    sign = S3Urls("https://bucket", "us-east-1", lambda: held[0], now=lambda: NOON)
    assert parts(sign("a"))[3]["X-Amz-Credential"][0].startswith("one/")
    del held[0]
    query = parts(sign("a"))[3]
    assert query["X-Amz-Credential"][0].startswith("other/")
    assert query["X-Amz-Security-Token"] == ["token"]


@given(NAMES, st.builds(Keys, ASCII, ASCII, st.none() | ASCII))
@example("media/1/01a2/0.png", FOUND)
def test_a_url_for_a_task_names_it(key: str, keys: Keys) -> None:
    """The name is signed with the rest, as botocore would sign it: it can be neither changed nor left out."""
    CREDENTIALS.access_key, CREDENTIALS.secret_key, CREDENTIALS.token = keys
    base, seconds = "https://bucket.s3.us-east-1.amazonaws.com", int((URL_LIFE + URL_WINDOW).total_seconds())
    ours = S3Urls(base, "us-east-1", lambda: keys, now=lambda: NOON)(key, "task-1")
    request = AWSRequest("GET", f"{base}/{quote(key, safe='/~')}?x-task=task-1")
    with mock.patch.object(auth, "get_current_datetime", return_value=NOON.replace(tzinfo=None)):
        auth.S3SigV4QueryAuth(CREDENTIALS, "s3", "us-east-1", expires=seconds).add_auth(request)
    assert parts(ours) == parts(str(request.url))
