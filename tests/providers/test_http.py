"""What becomes of a request when the network fails, and whether it may be repeated."""

import contextlib
import gzip
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from atelier.domain.provider import SubmitOutcomeUnknown, SubmitRefused, Unavailable
from atelier.domain.tasks.record import TaskError
from atelier.providers.http import LARGEST_ANSWER, Answer, Http, accepted_content, raise_if_unavailable
from tests.support.provider_server import ProviderServer, Reply, Request

GOOD: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
Manners = Callable[[socket.socket], None]


@contextlib.contextmanager
def peer(manners: Manners) -> Iterator[tuple[str, list[int]]]:
    """A server that treats each connection by its manners; how many connections there were."""
    connections: list[int] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connections.append(len(connections))
                with connection, contextlib.suppress(OSError):
                    connection.settimeout(2)
                    manners(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{port}", connections
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=5)


def read_request(connection: socket.socket) -> None:
    received = b""
    while not received.endswith(b"{}" if b"POST" in received else b"\r\n\r\n"):
        received += connection.recv(65536)


def says_nothing(connection: socket.socket) -> None:
    read_request(connection)
    connection.recv(1)


def hangs_up(connection: socket.socket) -> None:
    read_request(connection)


def resets(connection: socket.socket) -> None:
    read_request(connection)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def answers_half(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"request_id"')


def answers_half_a_chunk(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{")


def answers_half_a_zip(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope")


def stops_after_headers(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
    connection.recv(1)


def speaks_something_else(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"220 smtp.example.com ESMTP\r\n")


def sends_too_much(connection: socket.socket) -> None:
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (LARGEST_ANSWER + 1))
    for _ in range(LARGEST_ANSWER // 65536 + 1):
        connection.sendall(bytes(65536))


def sends_a_bomb(connection: socket.socket) -> None:
    read_request(connection)
    packed = gzip.compress(bytes(200 * 1024 * 1024), compresslevel=1)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    connection.sendall(head % len(packed) + packed)


HEARD_AND_SILENT: Final = (
    says_nothing,
    hangs_up,
    resets,
    answers_half,
    answers_half_a_chunk,
    answers_half_a_zip,
    stops_after_headers,
    speaks_something_else,
    sends_too_much,
    sends_a_bomb,
)


@pytest.mark.parametrize("manners", HEARD_AND_SILENT, ids=lambda each: each.__name__)
def test_an_unanswered_submit_is_unknown_and_sent_once(manners: Manners, http: Http) -> None:
    with peer(manners) as (url, connections):
        with pytest.raises(SubmitOutcomeUnknown):
            http.submit(url, {}, headers={})
        assert len(connections) == 1


@pytest.mark.parametrize("manners", HEARD_AND_SILENT, ids=lambda each: each.__name__)
def test_an_unanswered_get_is_unavailable(manners: Manners, http: Http) -> None:
    with peer(manners) as (url, connections):
        with pytest.raises(Unavailable):
            http.ask("GET", url, headers={})
        assert len(connections) == 1


def refused() -> str:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize(
    "url",
    [refused(), "http://no-such-host.invalid", "https://no-such-host.invalid"],
    ids=["refused", "no_such_host", "no_such_host_over_tls"],
)
def test_an_unreachable_provider_certainly_did_nothing(url: str, http: Http) -> None:
    with pytest.raises(Unavailable):
        http.submit(url, {}, headers={})
    with pytest.raises(Unavailable):
        http.ask("GET", url, headers={})


def test_a_connection_that_is_never_accepted_did_certainly_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, urllib3.PoolManager() as pool:
        address = full.getsockname()
        http = Http(pool, patience=urllib3.Timeout(connect=0.2, read=0.2))
        waiting = [socket.socket() for _ in range(3)]
        with contextlib.ExitStack() as stack:
            for each in waiting:
                stack.enter_context(each).setblocking(False)
                each.connect_ex(address)
            with pytest.raises(Unavailable):
                http.submit(f"http://127.0.0.1:{address[1]}", {}, headers={})


@pytest.mark.parametrize(
    "manners",
    [
        lambda connection: connection.recv(65536) and connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        lambda connection: connection.recv(65536) and connection.recv(1),
        lambda _: None,
    ],
    ids=["speaks no TLS", "stops in the handshake", "hangs up"],
)
def test_a_handshake_that_fails_leaves_a_submit_certainly_unsent(manners: Manners, http: Http) -> None:
    with peer(manners) as (url, connections):
        with pytest.raises(Unavailable):
            http.submit(url.replace("http:", "https:"), {}, headers={})
        assert len(connections) == 1


def test_an_untrusted_certificate_means_certainly_not_submitted(http: Http, stranger: ssl.SSLContext) -> None:
    def shakes_hands(connection: socket.socket) -> None:
        with stranger.wrap_socket(connection, server_side=True) as secure:
            read_request(secure)
            secure.sendall(GOOD)

    with peer(shakes_hands) as (url, _), pytest.raises(Unavailable):
        http.submit(url.replace("http:", "https:"), {}, headers={})


@pytest.fixture
def stranger(tmp_path: Path) -> ssl.SSLContext:
    """A server's TLS with a certificate that it made itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    (tmp_path / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "key.pem").write_bytes(private)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    return context


def test_a_connection_closed_after_an_answer_is_harmless(http: Http) -> None:
    def answers_once(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(GOOD)  # and closes, without having said so

    with peer(answers_once) as (url, connections):
        for _ in range(5):
            assert http.submit(url, {}, headers={}).ok
        assert len(connections) == 5


def test_a_redirect_is_not_followed(http: Http) -> None:
    class Moved(ProviderServer):
        def route(self, request: Request) -> Reply:
            self.books.note("request", path=request.path)
            return Reply(307, b"", {"Location": "/elsewhere"})

    with Moved() as server:
        assert http.submit(server.url, {}, headers={}).status == 307
        assert http.ask("GET", server.url, headers={}).status == 307
        assert [each["path"] for each in server.books.entries] == ["/", "/"]


def test_a_submit_is_sent_as_json_with_its_headers(http: Http) -> None:
    class Echo(ProviderServer):
        def route(self, request: Request) -> Reply:
            return Reply(200, {"sent": request.json(), "headers": dict(request.headers)})

    with Echo() as server:
        echoed = http.submit(f"{server.url}/x", {"prompt": "Größe 🎨"}, headers={"Authorization": "Key 1"}).json()
    assert echoed["sent"] == {"prompt": "Größe 🎨"}
    assert echoed["headers"]["authorization"] == "Key 1"
    assert echoed["headers"]["content-type"] == "application/json"


# ---------------------------------------------------------------------------------------------------- answers


def an_answer(status: int = 200, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


@pytest.mark.parametrize("body", [b"", b"no json", b"[1]", b'"text"', b"\xff", b"[" * 100_000, b"null"])
def test_anything_but_a_json_object_reads_as_empty(body: bytes) -> None:
    assert an_answer(body=body).json() == {}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry_after": "7"}, 7.0),
        ({"retry_after": " 0 "}, 0.0),
        ({"retry_after": "soon"}, None),
        ({"retry_after": "-5"}, None),
        ({"retry_after": "9" * 400}, None),
        ({"retry_after": "Sun, 22 Nov 2026 10:00:30 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 30.0),
        ({"retry_after": "Sun, 22 Nov 2026 09:00:00 GMT", "date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 0.0),
        ({"retry_after": "Sun, 22 Nov 2026 10:00:30 GMT"}, None),
        ({"retry_after": "Sun, 22 Nov 2026 10:00:30 GMT", "date": "Sun, 22 Nov 2026 10:00:00 -0000"}, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(headers: dict[str, str], seconds: float | None) -> None:
    assert an_answer(429, b"", **headers).retry_after == seconds


REASON: Final = TaskError(code="provider_refused", message="No.", retryable=False)


@pytest.mark.parametrize("status", [400, 402, 404, 409, 413, 422])
def test_a_4xx_to_a_submit_is_a_refusal(status: int) -> None:
    with pytest.raises(SubmitRefused) as refusal:
        accepted_content(an_answer(status), lambda _: REASON)
    assert refusal.value.error == REASON


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_not_the_callers_business(status: int) -> None:
    with pytest.raises(SubmitRefused) as refusal:
        accepted_content(an_answer(status, b'{"detail": "invalid key abc"}'), lambda _: REASON)
    assert refusal.value.error.code == "provider_auth"
    assert "abc" not in refusal.value.error.message


@pytest.mark.parametrize("status", [429, 503])
def test_an_overloaded_provider_has_certainly_not_accepted(status: int) -> None:
    with pytest.raises(Unavailable) as failure:
        accepted_content(an_answer(status, retry_after="7"), lambda _: REASON)
    assert failure.value.after == 7


@pytest.mark.parametrize("status", [301, 307, 408, 500, 502, 504, 520])
def test_other_answers_leave_a_submits_outcome_unknown(status: int) -> None:
    with pytest.raises(SubmitOutcomeUnknown):
        accepted_content(an_answer(status), lambda _: REASON)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_a_provider_out_of_order_is_asked_again_later(status: int) -> None:
    with pytest.raises(Unavailable):
        raise_if_unavailable(an_answer(status))
    assert raise_if_unavailable(an_answer(404)).status == 404
