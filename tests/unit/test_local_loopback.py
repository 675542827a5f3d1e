"""Who may speak to a local run, and whose pages may read what it answers."""

from collections.abc import Coroutine
from typing import Any

import pytest

from local.loopback import LoopbackOnly, is_loopback, is_loopback_origin

HERE = ["127.0.0.1", "127.0.0.1:8000", "localhost", "localhost:3000", "LOCALHOST:1", "[::1]", "[::1]:8000", "127.8.9.1"]
ELSEWHERE = [
    *(
        "evil.example",
        "evil.example:8000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "notlocalhost",
        "0.0.0.0",  # noqa: S104 - a name that a page may use
    ),
    *("192.168.0.1", "10.0.0.1:8000", "169.254.169.254", "user@localhost", "localhost@evil.example", "localhost/x", ""),
    *(
        "[::]",
        "[::ffff:10.0.0.1]",
        "127.0.0.1:x",
        "2130706433",
        "localhost#.evil",
        "localhost, evil.example",
        "lоcalhost",
    ),
]


def ran(coroutine: Coroutine[Any, Any, None]) -> None:
    with pytest.raises(StopIteration):
        coroutine.send(None)


async def application(scope: Any, receive: Any, send: Any) -> None:
    headers = [(b"Access-Control-Allow-Origin", b"*"), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"secret"})


def ask(*headers: tuple[bytes, bytes], raw_path: bytes = b"/api") -> tuple[int, dict[bytes, bytes], bytes]:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/api", "raw_path": raw_path, "headers": list(headers)}
    ran(LoopbackOnly(application)(scope, lambda: None, send))  # type: ignore[arg-type, return-value]
    start, body = sent
    return start["status"], {name.lower(): value for name, value in start["headers"]}, body["body"]


@pytest.mark.parametrize("host", HERE)
def test_a_name_of_this_machine_is_served(host: str) -> None:
    assert is_loopback(host)
    assert ask((b"Host", host.encode())) == (200, {b"content-type": b"application/json", b"vary": b"Origin"}, b"secret")


@pytest.mark.parametrize("host", ELSEWHERE)
def test_any_other_host_is_refused(host: str) -> None:
    assert not is_loopback(host)
    status, headers, body = ask((b"host", host.encode("latin-1", "replace")))
    assert (status, b"secret" in body) == (403, False)
    assert b"access-control-allow-origin" not in headers


@pytest.mark.parametrize("host", HERE)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_only_pages_of_this_machine_may_read(host: str, scheme: str) -> None:
    origin = f"{scheme}://{host}".encode()
    status, headers, _ = ask((b"host", b"localhost:8000"), (b"Origin", origin))
    assert (status, headers[b"access-control-allow-origin"], headers[b"vary"]) == (200, origin, b"Origin")


@pytest.mark.parametrize(
    "origin", ["null", "*", "", *(f"https://{host}" for host in ELSEWHERE), "file://localhost", "localhost"]
)
def test_a_page_from_elsewhere_is_refused(origin: str) -> None:
    assert not is_loopback_origin(origin)
    status, headers, body = ask((b"host", b"127.0.0.1:8000"), (b"origin", origin.encode("latin-1", "replace")))
    assert (status, b"secret" in body) == (403, False)
    assert b"access-control-allow-origin" not in headers


def test_every_host_and_origin_that_is_given_counts() -> None:
    assert ask((b"host", b"localhost"), (b"host", b"evil.example"))[0] == 403
    assert (
        ask((b"host", b"localhost"), (b"origin", b"http://localhost"), (b"origin", b"https://evil.example"))[0] == 403
    )
    assert ask((b"host", b"localhost"), raw_path=b"http://evil.example/api")[0] == 403
    assert ask((b"host", b"localhost"), raw_path=b"http://localhost:8000/api")[0] == 200
    assert ask((b"host", b"localhost"), raw_path=b"/api/http://evil.example")[0] == 200
    assert ask()[0] == 200, "HTTP/1.0 has no Host, and no page speaks it"
