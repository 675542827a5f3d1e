"""The way to receivers, over real connections to a receiver on this machine."""

import base64
import contextlib
import json
import socket
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from typing import Any, Final

import pytest
import trustme
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from atelier.domain.webhook_delivery import DeliveryFailed, body_of, headers_of
from atelier.domain.webhook_secrets import WebhookSecret, rotated, secret_text
from atelier.store import webhook_client
from atelier.store.webhook_client import WebhookClient
from tests.support.builders import a_task
from tests.support.receiver import LOOPBACK, says
from tests.support.receiver import receiver as receiving

AGENT: Final = "Atelier-Webhooks/1"
NAME: Final = "receiver.example"
PUBLIC: Final = "93.184.216.34"
PUBLIC_6: Final = "2606:4700:4700::1111"
UNREACHABLE: Final = "it cannot be connected to"
NOT_PUBLIC: Final = "webhook_url must not name a private address"
IN_TIME: Final = 3.0  # seconds that a test may take whose receiver does not end by itself

Resolved = list[str]


def local(**how: Any) -> WebhookClient:
    """A sender that finds every name on this machine."""
    return WebhookClient(AGENT, **{"private": True, "resolve": lambda *_: [LOOPBACK], **how})


def public(*answers: Resolved) -> tuple[WebhookClient, list[str]]:
    """A sender as it is deployed, whose resolver gives one answer after the other, and the names it was asked for."""
    asked: list[str] = []
    left = list(answers)

    def resolve(host: str, port: int) -> Resolved:
        asked.append(host)
        return left.pop(0)

    return WebhookClient(AGENT, resolve=resolve), asked


def reason(send: Callable[[], object]) -> str:
    """Why nothing came of it, as its owner is told."""
    with pytest.raises(DeliveryFailed) as caught:
        send()
    return str(caught.value)


# ------------------------------------------------------------------------------------------------ what is sent


def test_a_message_arrives_as_it_was_sent() -> None:
    with receiving(says(204)) as there:
        url = f"http://{NAME}:{there.port}/hooks/1?of=atelier&x=%20#part"
        assert local().post(url, b'{"a":1}', {"webhook-id": "evt_1"}) == 204
    (request,) = there.requests
    assert (request.method, request.target, request.body) == ("POST", "/hooks/1?of=atelier&x=%20", b'{"a":1}')
    assert request.headers["webhook-id"] == "evt_1"
    assert request.headers["host"] == f"{NAME}:{there.port}"
    assert request.headers["user-agent"] == AGENT


@pytest.mark.parametrize("url", ["http://{}:{}", "http://{}:{}?", "http://{}:{}/"])
def test_a_url_without_a_path_means_the_root(url: str) -> None:
    with receiving(says(200)) as there:
        local().post(url.format(NAME, there.port), b"{}", {})
    assert there.requests[0].target == "/"


@pytest.mark.parametrize("status", [200, 299, 400, 404, 410, 429, 500, 503])
def test_the_receivers_status_is_returned(status: int) -> None:
    with receiving(says(status)) as there:
        assert local().post(f"http://{NAME}:{there.port}/", b"{}", {}) == status


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_not_followed(status: int) -> None:
    with receiving(says(200)) as elsewhere:
        location = f"http://127.0.0.1:{elsewhere.port}/"
        with receiving(says(status, location=location)) as there:
            assert local().post(f"http://{NAME}:{there.port}/", b"{}", {}) == status
    assert not elsewhere.requests


def test_no_proxy_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(says(200)) as proxy, receiving(says(200)) as there:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        local().post(f"http://{NAME}:{there.port}/", b"{}", {})
    assert not proxy.requests


def test_an_independent_library_accepts_the_signature() -> None:
    now = datetime.now(UTC)
    old, new, other = (secret_text(bytes([number]) * 32) for number in (1, 2, 3))
    task = a_task(status="succeeded", completed_at=now, prompt="Ein Bär 🐻")
    secret = rotated(WebhookSecret(secret=old), fresh=new, now=now)
    body = body_of(task)
    with receiving(says(200)) as there:
        local().post(f"http://{NAME}:{there.port}/", body, headers_of(task.id, body, secret, now=now))
    (request,) = there.requests
    for valid in (old, new):
        assert Webhook(valid).verify(request.body, request.headers)["data"]["id"] == task.id
    with pytest.raises(WebhookVerificationError):
        Webhook(other).verify(request.body, request.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(request.body + b" ", request.headers)
    assert base64.b64decode(new.removeprefix("whsec_")) == bytes([2]) * 32
    assert json.loads(request.body)["type"] == "task.succeeded"


# ------------------------------------------------------------------------------------------------ where it goes


@pytest.mark.parametrize(
    "found",
    [
        [LOOPBACK],
        ["10.0.0.1"],
        ["169.254.169.254"],
        ["::1"],
        ["fe80::1%eth0"],
        ["fd00:ec2::254"],
        ["::ffff:127.0.0.1"],
        ["64:ff9b::a9fe:a9fe"],
        ["2002:7f00:1::"],
        [PUBLIC, "127.0.0.1"],
        ["192.168.0.1", PUBLIC],
        [PUBLIC, PUBLIC_6, "::1"],
    ],
    ids=str,
)
def test_a_name_with_any_private_address_is_refused(found: Resolved) -> None:
    deployed, _ = public(found)
    assert reason(lambda: deployed.post(f"https://{NAME}/", b"{}", {})) == NOT_PUBLIC


@pytest.mark.parametrize("url", ["http://receiver.example/", "https://localhost/", "https://127.0.0.1/", "nonsense"])
def test_an_impossible_target_is_refused_without_a_lookup(url: str) -> None:
    """A URL with which no task could have been created."""
    deployed, asked = public()
    assert reason(lambda: deployed.post(url, b"{}", {})).startswith("webhook_url ")
    assert not asked


@pytest.fixture
def connections(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were connected to, had there been a network."""
    made: list[str] = []

    def connect(_: socket.socket, address: tuple[str, int]) -> None:
        made.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(socket.socket, "connect", connect)
    return made


@pytest.mark.parametrize(
    ("found", "connected"),
    [
        ([PUBLIC], PUBLIC),
        ([PUBLIC_6], PUBLIC_6),
        ([PUBLIC_6, PUBLIC], PUBLIC),
        (["93.184.216.35", PUBLIC], "93.184.216.35"),
    ],
    ids=str,
)
def test_the_connection_goes_to_an_address_that_was_checked(
    connections: list[str], found: Resolved, connected: str
) -> None:
    deployed, asked = public(found)
    assert reason(lambda: deployed.post(f"https://{NAME}/", b"{}", {})) == UNREACHABLE
    assert (asked, connections) == ([NAME], [connected])


def test_a_name_is_resolved_only_once(monkeypatch: pytest.MonkeyPatch, connections: list[str]) -> None:
    """If it means another address the second time, that one is never asked."""
    names: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: str, port: int, *args: Any, **how: Any) -> Any:
        if host != NAME:
            return real(host, port, *args, **how)
        names.append(host)
        return real(PUBLIC if len(names) == 1 else LOOPBACK, port, *args, **how)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    assert reason(lambda: WebhookClient(AGENT).post(f"https://{NAME}/", b"{}", {})) == UNREACHABLE
    assert (names, connections) == ([NAME], [PUBLIC])
    assert reason(lambda: WebhookClient(AGENT).post(f"https://{NAME}/", b"{}", {})) == NOT_PUBLIC
    assert connections == [PUBLIC]


def test_an_address_in_the_url_is_used_directly(connections: list[str]) -> None:
    deployed = WebhookClient(AGENT)
    assert reason(lambda: deployed.post(f"https://{PUBLIC}:8443/", b"{}", {})) == UNREACHABLE
    assert reason(lambda: deployed.post(f"https://[{PUBLIC_6}]/", b"{}", {})) == UNREACHABLE
    assert connections == [PUBLIC, PUBLIC_6]


# ---------------------------------------------------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Somebody whose certificates are trusted in these tests."""
    return trustme.CA()


def certified(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.mark.parametrize("host", [NAME, f"{NAME}."])
def test_tls_checks_the_name_at_the_resolved_address(authority: trustme.CA, host: str) -> None:
    with receiving(says(200), tls=certified(authority, NAME)) as there:
        assert local(trust=trusting(authority)).post(f"https://{host}:{there.port}/", b"{}", {}) == 200
    assert there.names == [NAME]
    assert there.requests[0].headers["host"] == f"{host}:{there.port}"


@pytest.mark.parametrize("other", ["other.example", LOOPBACK])
def test_a_certificate_of_another_name_is_refused(authority: trustme.CA, other: str) -> None:
    """Also one of the address."""
    with receiving(says(200), tls=certified(authority, other)) as there:
        send = local(trust=trusting(authority))
        told = reason(lambda: send.post(f"https://{NAME}:{there.port}/", b"{}", {}))
    assert told.startswith("its certificate is not accepted: Hostname mismatch")
    assert not there.requests


def test_a_certificate_of_an_unknown_authority_is_refused(authority: trustme.CA) -> None:
    with receiving(says(200), tls=certified(authority, NAME)) as there:
        told = reason(lambda: local().post(f"https://{NAME}:{there.port}/", b"{}", {}))
    assert told.startswith("its certificate is not accepted")
    assert not there.requests


def test_a_receiver_without_tls_is_reported() -> None:
    with receiving(says(200)) as there:
        assert reason(lambda: local().post(f"https://{NAME}:{there.port}/", b"{}", {})) == "TLS with it failed"


# ------------------------------------------------------------------------------------------- receivers that fail


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits that would take seconds take tenths of one."""
    monkeypatch.setattr(webhook_client, "_SECONDS", 0.3)


def silent(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1)


def dripping(handler: BaseHTTPRequestHandler) -> None:
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 2")
        for _ in range(100):
            handler.wfile.write(b"0")
            time.sleep(0.05)


def endless(handler: BaseHTTPRequestHandler) -> None:
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(100):
            handler.wfile.write(b"x" * 100_000)
            time.sleep(0.05)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("slow", [silent, dripping])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_slow_receiver_is_given_up(authority: trustme.CA, scheme: str, slow: Any) -> None:
    tls = certified(authority, NAME) if scheme == "https" else None
    with receiving(slow, tls=tls) as there:
        began = time.monotonic()
        told = reason(lambda: local(trust=trusting(authority)).post(f"{scheme}://{NAME}:{there.port}/", b"{}", {}))
        assert time.monotonic() - began < IN_TIME
    assert told == "it did not answer in time"


@pytest.mark.usefixtures("impatient")
def test_an_unanswered_tls_handshake_times_out() -> None:
    with socket.create_server((LOOPBACK, 0)) as listening:
        port = listening.getsockname()[1]
        assert reason(lambda: local().post(f"https://{NAME}:{port}/", b"{}", {})) == "it did not answer in time"


@pytest.mark.usefixtures("impatient")
def test_a_receiver_that_shakes_hands_slowly_is_given_up() -> None:
    with socket.create_server((LOOPBACK, 0)) as listening, ThreadPoolExecutor() as there:
        there.submit(shake_slowly, listening)
        began = time.monotonic()
        target = f"https://{NAME}:{listening.getsockname()[1]}/"
        assert reason(lambda: local().post(target, b"{}", {})) == "it did not answer in time"
        assert time.monotonic() - began < IN_TIME


def shake_slowly(listening: socket.socket) -> None:
    """Begin a TLS record of 16 KB and send it byte by byte."""
    connection, _ = listening.accept()
    with connection, contextlib.suppress(OSError):
        connection.sendall(b"\x16\x03\x03\x40\x00\x02")
        for _ in range(100):
            connection.sendall(b"\x00")
            time.sleep(0.05)


@pytest.mark.usefixtures("impatient")
def test_a_resolver_that_does_not_answer_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1))
    assert reason(lambda: WebhookClient(AGENT).post(f"https://{NAME}/", b"{}", {})) == "it did not answer in time"


def test_a_long_answer_is_not_read() -> None:
    with receiving(endless) as there:
        began = time.monotonic()
        assert local().post(f"http://{NAME}:{there.port}/", b"{}", {}) == 200
        assert time.monotonic() - began < IN_TIME


def test_a_receiver_that_hangs_up_is_reported() -> None:
    with receiving(lambda handler: handler.connection.close()) as there:
        assert reason(lambda: local().post(f"http://{NAME}:{there.port}/", b"{}", {})) == "it did not answer"


def test_a_receiver_that_is_not_there_is_reported() -> None:
    with receiving(says(200)) as there:
        pass
    assert reason(lambda: local().post(f"http://{NAME}:{there.port}/", b"{}", {})) == UNREACHABLE


def test_an_unknown_host_is_reported() -> None:
    def unknown(host: str, port: int) -> Resolved:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    assert reason(lambda: local(resolve=unknown).post("http://nobody.example/", b"{}", {})) == (
        "its name cannot be resolved"
    )
