"""Our short way to DynamoDB, held against botocore: the same server, the same requests, the same of everything."""

import base64
import json
import ssl
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import socket
from typing import Any, Final
from unittest import mock

import boto3
import botocore
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import ReadOnlyCredentials, RefreshableCredentials
from botocore.exceptions import (
    BotoCoreError,
    ChecksumError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from botocore.retries.standard import ThrottledRetryableChecker, TransientRetryableChecker
from botocore.session import get_session
from hypothesis import given
from hypothesis import strategies as st

from atelier import settings, wiring
from atelier.store.dynamodb import connections, replies
from atelier.store.dynamodb.client import ROOTS, DynamoDB, connect
from atelier.store.dynamodb.credentials import Keys, credentials_of
from atelier.store.dynamodb.signature import Signer
from atelier.store.wire import deserialized, serialized
from testbed.environment import ENVIRONMENT
from tests.property.test_wire import VALUES
from tests.support.dynamodb_server import HANG_UP, Said, Server, serving

KEYS: Final = Keys("AKIDEXAMPLE", "secret", "token/with=strange+characters")
EVERY_TYPE: Final = {
    "S": {"S": "Ünï\u2028\0"},
    "N": {"N": "-12.50"},
    "B": {"B": b"\0\xff"},
    "BOOL": {"BOOL": False},
    "NULL": {"NULL": True},
    "SS": {"SS": ["a", "b"]},
    "NS": {"NS": ["1", "2"]},
    "BS": {"BS": [b"a", b""]},
    "L": {"L": [{"S": "a"}, {"M": {"B": {"B": b"deep"}}}, {"L": []}]},
    "M": {"M": {"B": {"S": "not binary"}, "BS": {"L": [{"S": "nor this"}]}, "S": {"M": {}}}},
}
CALLS: Final[dict[str, dict[str, Any]]] = {
    "get_item": {"TableName": "t", "Key": {"PK": {"S": "a"}}, "ConsistentRead": True},
    "batch_get_item": {"RequestItems": {"t": {"Keys": [{"PK": {"B": b"a"}}]}}},
    "query": {"TableName": "t", "KeyConditionExpression": "a = :b", "ExpressionAttributeValues": EVERY_TYPE},
    "put_item": {"TableName": "t", "Item": EVERY_TYPE},
    "update_item": {"TableName": "t", "Key": {"PK": {"S": "ü"}}, "ReturnValues": "UPDATED_NEW"},
    "delete_item": {"TableName": "t", "Key": {"PK": {"S": "a"}}},
    "transact_write_items": {
        "TransactItems": [{"Put": {"TableName": "t", "Item": EVERY_TYPE}}],
        "ClientRequestToken": "x",
    },
}


OPENED: Final[list[Any]] = []


@pytest.fixture(autouse=True)
def _connections_are_closed() -> Iterator[None]:
    yield
    while OPENED:
        OPENED.pop().close()


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as made:
        yield made


def ours(url: str, pauses: list[float] | None = None) -> Any:
    made = [] if pauses is None else pauses
    return opened(DynamoDB(url, region="us-east-1", credentials=lambda: KEYS, sleep=made.append))


def theirs(url: str) -> Any:
    client = boto3.client(
        "dynamodb",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id=KEYS.access_key,
        aws_secret_access_key=KEYS.secret_key,
        aws_session_token=KEYS.token,
        config=Config(**wiring._PATIENCE, proxies={}),  # type: ignore[arg-type]
    )
    return opened(client)


def opened(client: Any) -> Any:
    """The client, which will be closed."""
    OPENED.append(client)
    return client


def on_the_wire(value: Any) -> Any:
    """Typed values as JSON has them."""
    match value:
        case bytes():
            return base64.b64encode(value).decode()
        case dict():
            return {name: on_the_wire(each) for name, each in value.items()}
        case list():
            return [on_the_wire(each) for each in value]
        case _:
            return value


def outcome(client: Any, call: str) -> Any:
    """What becomes of a call: its answer, or its error with all that callers look at."""
    try:
        answer = getattr(client, call)(**CALLS[call])
    except ClientError as refused:
        answer = {**refused.response, "operation": refused.operation_name, "as text": str(refused)}
        # Botocore repeats the message of errors that its model knows, under the names it has there.
        answer = {name: value for name, value in answer.items() if name not in ("message", "Message")}
    except BotoCoreError as failed:
        return type(failed)
    answer = on_the_wire(answer)  # ours leaves binary values to `wire.deserialized`
    about = answer["ResponseMetadata"]
    assert about.pop("RequestId", "REQUEST") == "REQUEST"  # botocore forgets it where the body is not JSON
    about["HTTPHeaders"].pop("date")  # when it was
    return answer


# ------------------------------------------------------------------------------------------------------- requests


@pytest.mark.parametrize("call", CALLS)
def test_a_request_says_what_botocore_s_would_say(server: Server, call: str) -> None:
    for client in (ours(server.url), theirs(server.url)):
        getattr(client, call)(**CALLS[call])
    one, other = server.heard
    assert json.loads(one.body) == json.loads(other.body)
    for name in ("host", "content-type", "x-amz-target", "x-amz-security-token", "content-length"):
        assert one.headers[name] == other.headers[name], name


MOMENT: Final = time.strptime("20261122T235959Z", "%Y%m%dT%H%M%SZ")


@given(st.binary(max_size=200), st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1), st.booleans())
def test_a_request_is_signed_as_botocore_would_sign_it(body: bytes, secret: str, has_token: bool) -> None:
    keys = Keys("AKID", secret, "a token" if has_token else None)
    url = "https://dynamodb.eu-central-1.amazonaws.com"
    headers = Signer(url, "eu-central-1", lambda: keys).headers("GetItem", body, MOMENT)
    known = {"content-type": headers["content-type"], "x-amz-target": headers["x-amz-target"]}
    request = AWSRequest("POST", f"{url}/", headers=known, data=body)
    with mock.patch("botocore.auth.get_current_datetime", return_value=datetime(2026, 11, 22, 23, 59, 59)):  # noqa: DTZ001 - botocore's are naive
        SigV4Auth(ReadOnlyCredentials(*keys), "dynamodb", "eu-central-1").add_auth(request)
    assert headers["authorization"] == request.headers["Authorization"]
    assert headers["x-amz-date"] == request.headers["X-Amz-Date"]


# -------------------------------------------------------------------------------------------------------- answers

ANSWERS: Final = {
    "get_item": {"Item": EVERY_TYPE},
    "batch_get_item": {"Responses": {"t": [EVERY_TYPE, {"a": {"S": "b"}}]}, "UnprocessedKeys": {}},
    "query": {"Items": [EVERY_TYPE] * 3, "Count": 3, "ScannedCount": 7, "LastEvaluatedKey": {"PK": {"B": b"x"}}},
    "put_item": {},
    "update_item": {"Attributes": {"n": {"N": "7"}}},
    "delete_item": {"Attributes": {}},
    "transact_write_items": {},
}


@pytest.mark.parametrize("call", CALLS)
def test_an_answer_is_what_botocore_would_make_of_it(server: Server, call: str) -> None:
    server.script = [Said(on_the_wire(ANSWERS[call]))]
    assert outcome(ours(server.url), call) == outcome(theirs(server.url), call)


@given(VALUES)
def test_binary_values_are_found_wherever_they_are(value: Any) -> None:
    typed = serialized({"BS": value, "B": {"B": value}})
    assert deserialized(replies._parse_object(json.dumps(on_the_wire(typed)).encode())) == deserialized(typed)


# --------------------------------------------------------------------------------------------------------- errors

PREFIX: Final = "com.amazonaws.dynamodb.v20120810#"
CONDITION: Final = f"{PREFIX}ConditionalCheckFailedException"
REASONS: Final = [
    {"Code": "None"},
    {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", "Item": EVERY_TYPE},
    {"Code": "TransactionConflict", "Message": "ongoing"},
]
REFUSALS: Final = {
    "a condition": Said({"__type": CONDITION, "message": "no", "Item": EVERY_TYPE}, 400),
    "a transaction": Said(
        {"__type": f"{PREFIX}TransactionCanceledException", "Message": "canceled", "CancellationReasons": REASONS}, 400
    ),
    "not there": Said({"__type": f"{PREFIX}ResourceNotFoundException", "message": "no table"}, 400),
    "not valid": Said({"__type": "com.amazon.coral.validate#ValidationException", "message": "no"}, 400),
    "not allowed": Said({"__type": "com.amazon.coral.service#AccessDeniedException", "Message": "no"}, 400),
    "without a message": Said({"__type": "Strange"}, 400),
    "with an address": Said({"__type": "Strange:http://internal/", "message": "no"}, 400),
    "without a type": Said({"message": "no"}, 403),
    "nothing at all": Said(b"", 413),
    "in other words": Said(b"<html>Request Entity Too Large</html>", 413),
    "throttled": Said({"__type": f"{PREFIX}ProvisionedThroughputExceededException", "message": "slow down"}, 400),
    "in progress": Said({"__type": f"{PREFIX}TransactionInProgressException", "Message": "wait"}, 400),
    "broken": Said({"__type": f"{PREFIX}InternalServerError", "message": "sorry"}, 500),
    "unavailable": Said(b"<html>503</html>", 503),
    "silent": Said(b"", 502),
}


@pytest.mark.parametrize("said", REFUSALS.values(), ids=REFUSALS.keys())
def test_failures_and_retries_match_botocores(server: Server, said: Said) -> None:
    body = on_the_wire(said.body) if isinstance(said.body, dict) else said.body
    server.script = [Said(body, said.status)]
    one = outcome(ours(server.url), "get_item")
    tries = len(server.heard)
    with mock.patch("botocore.endpoint.time.sleep"):
        assert one == outcome(theirs(server.url), "get_item")
    assert tries == len(server.heard) - tries


def test_the_same_errors_are_retried_as_by_botocore() -> None:
    throttled, transient = ThrottledRetryableChecker, TransientRetryableChecker
    codes = {*throttled._THROTTLED_ERROR_CODES, *transient._TRANSIENT_ERROR_CODES}  # type: ignore[attr-defined]
    assert codes == replies._TRANSIENT_CODES
    assert set(transient._TRANSIENT_STATUS_CODES) == replies._TRANSIENT_STATUS  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "trouble",
    [Said(status=500), Said(b"{}", 503), HANG_UP, Said(damaged=True), Said(b"<html>"), Said([])],
    ids=["broken", "unavailable", "hung up", "damaged", "not JSON", "no object"],
)
def test_transient_failures_are_retried_unnoticed(server: Server, trouble: Said | str) -> None:
    server.script = [trouble, trouble, Said({"Item": {"a": {"S": "b"}}})]
    pauses: list[float] = []
    answer = ours(server.url, pauses).get_item(**CALLS["get_item"])
    assert answer["Item"] == {"a": {"S": "b"}}
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    assert len(pauses) == 2
    assert 0 <= pauses[0] <= 1
    assert 0 <= pauses[1] <= 2
    assert len({heard.body for heard in server.heard}) == 1


def test_each_try_is_signed_anew(server: Server) -> None:
    server.script = [Said(status=500), Said()]
    with mock.patch("atelier.store.dynamodb.client.time.gmtime", side_effect=[MOMENT, time.gmtime(0)]):
        ours(server.url).get_item(**CALLS["get_item"])
    one, other = (heard.headers["authorization"] for heard in server.heard)
    assert one != other


@pytest.mark.parametrize(
    ("trouble", "error"),
    [(HANG_UP, ConnectionClosedError), (Said(damaged=True), ChecksumError)],
    ids=["hang up", "damaged"],
)
def test_lasting_failures_raise_botocores_errors(server: Server, trouble: Any, error: type[Exception]) -> None:
    server.script = [trouble]
    with pytest.raises(error):
        ours(server.url).get_item(**CALLS["get_item"])
    assert len(server.heard) == replies.ATTEMPTS


def test_refused_connections_and_read_timeouts_are_different_errors() -> None:
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        assert outcome(ours(url), "query") is EndpointConnectionError
        free.listen()
        with mock.patch.object(connections, "READ_SECONDS", 0.05):
            assert outcome(ours(url), "query") is ReadTimeoutError


def test_a_connection_attempt_is_given_up_in_time() -> None:
    with mock.patch("socket.create_connection", side_effect=TimeoutError):
        assert outcome(ours("http://127.0.0.1:1"), "query") is ConnectTimeoutError


# ---------------------------------------------------------------------------------------------------- connections


def test_a_connection_is_kept_for_the_next_request(server: Server) -> None:
    client = ours(server.url)
    for _ in range(5):
        client.get_item(**CALLS["get_item"])
    assert len({heard.connection for heard in server.heard}) == 1


def test_a_connection_closed_by_the_server_is_not_reused(server: Server) -> None:
    server.script = [Said(closing=True)]
    client, pauses = ours(server.url), list[float]()
    for _ in range(3):
        client.get_item(**CALLS["get_item"])
    assert len({heard.connection for heard in server.heard}) == 3
    assert not pauses


def test_a_silently_closed_connection_is_noticed_before_use(server: Server) -> None:
    server.script = [Said(closing=True, announced=False)]
    pauses: list[float] = []
    client = ours(server.url, pauses)
    for _ in range(3):
        assert client.get_item(**CALLS["get_item"])["ResponseMetadata"]["RetryAttempts"] == 0
        time.sleep(0.05)  # until the end of the connection is here
    assert not pauses


def test_a_connection_dying_in_use_is_replaced_at_once(server: Server) -> None:
    server.script = [Said(), HANG_UP, Said()]
    pauses: list[float] = []
    client = ours(server.url, pauses)
    client.get_item(**CALLS["get_item"])
    assert client.get_item(**CALLS["get_item"])["ResponseMetadata"]["RetryAttempts"] == 1
    assert not pauses


def test_after_close_there_is_a_new_connection(server: Server) -> None:
    client = ours(server.url)
    client.get_item(**CALLS["get_item"])
    client.close()
    client.get_item(**CALLS["get_item"])
    assert len({heard.connection for heard in server.heard}) == 2


# ------------------------------------------------------------------------------------------- two at the same time


def test_two_requests_can_run_at_the_same_time(server: Server) -> None:
    server.script = [Said({"Responses": {"t": []}}), Said({"Item": {"a": {"S": "b"}}})]
    client = ours(server.url)
    begun = client.begin("BatchGetItem", **CALLS["batch_get_item"])
    assert client.get_item(**CALLS["get_item"])["Item"] == {"a": {"S": "b"}}
    assert begun.answer()["Responses"] == {"t": []}
    assert len({heard.connection for heard in server.heard}) == 2
    client.get_item(**CALLS["get_item"])
    assert len({heard.connection for heard in server.heard}) == 2  # both were kept


@pytest.mark.parametrize("trouble", [Said(status=500), HANG_UP, Said(damaged=True)])
def test_a_started_request_has_as_many_attempts(server: Server, trouble: Said | str) -> None:
    server.script = [trouble, trouble, Said({"Responses": {"t": []}})]
    answer = ours(server.url).begin("BatchGetItem", **CALLS["batch_get_item"]).answer()
    assert answer["ResponseMetadata"]["RetryAttempts"] == 2
    server.script = [trouble]
    with pytest.raises((ClientError, BotoCoreError)):
        ours(server.url).begin("BatchGetItem", **CALLS["batch_get_item"]).answer()
    assert len(server.heard) == 2 * replies.ATTEMPTS


def test_a_request_that_failed_to_start_says_so_later() -> None:
    """When its answer is asked for."""
    begun = ours("http://127.0.0.1:1").begin("GetItem", **CALLS["get_item"])
    with pytest.raises(EndpointConnectionError):
        begun.answer()
    begun.drop()


def test_a_dropped_request_leaves_no_connection_open(server: Server) -> None:
    client = ours(server.url)
    client.begin("GetItem", **CALLS["get_item"]).drop()
    client.get_item(**CALLS["get_item"])
    assert len({heard.connection for heard in server.heard}) == len(server.heard)


# ---------------------------------------------------------------------------------------------------- credentials


def test_keys_that_end_are_renewed_in_time(server: Server) -> None:
    renewals: list[str] = []

    def renew() -> dict[str, str]:
        renewals.append(f"key-{len(renewals)}")
        end = datetime.now(UTC) + timedelta(seconds=5 if len(renewals) == 1 else 3600)
        return {"access_key": renewals[-1], "secret_key": "s", "token": "t", "expiry_time": end.isoformat()}

    ending = RefreshableCredentials.create_from_metadata(renew(), refresh_using=renew, method="container-role")
    session = mock.Mock(get_credentials=lambda: ending)
    with mock.patch("botocore.session.get_session", return_value=session):
        client = opened(DynamoDB(server.url, region="us-east-1", credentials=credentials_of({})))
    for _ in range(2):
        client.get_item(**CALLS["get_item"])
    used = [heard.headers["authorization"].partition("Credential=")[2].partition("/")[0] for heard in server.heard]
    assert used == ["key-1", "key-1"]
    assert renewals == ["key-0", "key-1"]


def test_the_environment_s_keys_are_taken_without_asking_anybody() -> None:
    given = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": ""}
    with mock.patch("botocore.session.get_session", side_effect=AssertionError):
        assert credentials_of(given)() == Keys("a", "b", None)


def test_without_any_keys_it_says_so_as_botocore_does() -> None:
    session = mock.Mock(get_credentials=lambda: None)
    with mock.patch("botocore.session.get_session", return_value=session), pytest.raises(NoCredentialsError):
        credentials_of({})


# -------------------------------------------------------------------------------------------------------- the way

A_PLACE: Final = {"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}


def regions(*partitions: str) -> list[str]:
    return [region for each in partitions for region in get_session().get_available_regions("dynamodb", each)]


@pytest.mark.parametrize("region", regions("aws", "aws-us-gov"))
def test_a_regions_endpoint_is_botocores(region: str) -> None:
    client = connect({**A_PLACE, "AWS_REGION": region})
    assert client is not None
    endpoint = theirs_in(region)
    assert client._connections._url == endpoint
    assert client._signer._host == endpoint.removeprefix("https://")


def theirs_in(region: str) -> str:
    session = get_session()
    made = session.create_client("dynamodb", region_name=region, aws_access_key_id="a", aws_secret_access_key="b")
    return str(made.meta.endpoint_url)


@pytest.mark.parametrize(
    "region", ["", *regions("aws-cn", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc")]
)
def test_other_partitions_are_left_to_boto3(region: str) -> None:
    assert connect({**A_PLACE, "AWS_REGION": region}) is None


@pytest.mark.parametrize(
    "name", ["HTTPS_PROXY", "https_proxy", "AWS_USE_FIPS_ENDPOINT", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"]
)
def test_settings_our_client_lacks_are_left_to_botocore(name: str) -> None:
    assert connect({**A_PLACE, name: "true"}) is None


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB"])
def test_an_endpoint_that_is_named_is_used(server: Server, name: str) -> None:
    client = opened(connect({**A_PLACE, name: server.url}))
    client.get_item(**CALLS["get_item"])
    assert "/eu-west-1/dynamodb/aws4_request" in server.heard[0].headers["authorization"]


@pytest.mark.parametrize(("client", "ours_is_used"), [("own", True), ("botocore", False)])
def test_one_setting_restores_botocores_client(client: str, ours_is_used: bool) -> None:
    caches: list[Callable[[], None]] = [wiring.dynamodb.cache_clear, settings.settings.cache_clear]
    for clear in caches:
        clear()
    with mock.patch.dict("os.environ", {**ENVIRONMENT, "DYNAMODB_CLIENT": client}):
        assert isinstance(wiring.dynamodb(), DynamoDB) is ours_is_used
    for clear in caches:
        clear()


# ---------------------------------------------------------------------------------------------------- authorities


def test_the_certificate_authorities_are_amazons_in_botocores_bundle() -> None:
    few, all_ = (ssl.create_default_context(cafile=str(each)) for each in (ROOTS, bundle()))
    known = few.get_ca_certs(binary_form=True)
    assert len(known) == 5
    assert set(known) <= set(all_.get_ca_certs(binary_form=True))
    organizations = {dict(part[0] for part in each["subject"])["organizationName"] for each in few.get_ca_certs()}  # type: ignore[misc]
    assert organizations == {"Amazon", "Starfield Technologies, Inc."}


def bundle() -> Path:
    return Path(botocore.__file__).with_name("cacert.pem")


def test_ones_own_certificate_authority_is_used_instead() -> None:
    client = connect({**A_PLACE, "AWS_CA_BUNDLE": str(bundle())})
    assert client is not None
    context = client._connections._context
    assert context is not None
    assert len(context.get_ca_certs()) > 50
