"""Requests that no well-behaved client sends, over real HTTP against the local run."""

import gzip
import http.client
import json
from collections.abc import Mapping
from contextlib import closing
from urllib.parse import urlsplit

import httpx
import pytest

from local.stack import Stack

JSON = {"Content-Type": "application/json"}


def raw(stack: Stack, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """A request whose Host and body are exactly these."""
    with closing(http.client.HTTPConnection(urlsplit(stack.url).netloc, timeout=30)) as connection:
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost", "Origin": "https://evil.example"},
        {"Host": "localhost", "Origin": "null"},
        {"Host": "localhost.evil.example:8000", "Origin": "http://localhost.evil.example:8000"},
    ],
)
def test_another_sites_page_cannot_use_webhook_secrets(
    stack: Stack, api: httpx.Client, headers: dict[str, str]
) -> None:
    before = api.get("/webhook-secret").text
    for method in ("GET", "POST"):
        status, body = raw(stack, method, "/api/v3/webhook-secret", b"" if method == "POST" else None, headers)
        assert (status, b"whsec" in body) == (403, False)
    assert api.get("/webhook-secret").text == before


def test_a_page_of_this_machine_may_use_it(api: httpx.Client) -> None:
    origin = "http://localhost:5173"
    asked = {"Origin": origin, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "if-match"}
    preflight = api.options("/clients", headers=asked)
    assert preflight.headers["access-control-allow-origin"] == origin
    answer = api.get("/clients", headers={"Origin": origin})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, origin)
    assert "access-control-allow-origin" not in api.get("/clients").headers


@pytest.mark.parametrize("name", [b"M\xfcller", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"caf\xe9 \xff"])
@pytest.mark.parametrize("content_type", ["application/json", "application/merge-patch+json"])
def test_bytes_that_are_not_utf_8_are_refused(stack: Stack, name: bytes, content_type: str) -> None:
    sent = b'{"name":"' + name + b'"}'
    headers = {"Host": "localhost", "Content-Type": content_type}
    status, body = raw(stack, "POST", "/api/v3/clients", sent, headers)
    # Three bytes of a character of four are replaced by three: the one case that no length tells.
    untold = (name, content_type) == (b"\xf0\x9f\x98", "application/json")
    assert status == (201 if untold else 400), body


def test_what_is_encoded_otherwise_is_a_415(stack: Stack) -> None:
    packed = gzip.compress(b'{"name":"Acme"}')
    for more, sent in (
        ({"Content-Encoding": "gzip"}, packed),
        ({"Content-Type": "application/json; charset=utf-16"}, '{"name":"Acme"}'.encode("utf-16")),
    ):
        status, _ = raw(stack, "POST", "/api/v3/clients", sent, {"Host": "localhost", **JSON, **more})
        assert status == 415


def test_large_answers_are_compressed_and_head_has_no_body(api: httpx.Client) -> None:
    answer = api.get("/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json()["openapi"] == "3.1.0"
    assert json.loads(api.get("/openapi.json", headers={"Accept-Encoding": "identity"}).text) == answer.json()
    head = api.head("/health")
    assert (head.status_code, head.content, head.headers["x-content-type-options"]) == (200, b"", "nosniff")


def test_paths_with_line_ends_and_escapes_get_an_answer(stack: Stack) -> None:
    for path in ("/api/v3/clients/%0d%0aSet-Cookie:x", "/api/v3/%1b[2J", "/%00", "/api/v3/clients/%ff%fe", "//"):
        status, body = raw(stack, "GET", path, None, {"Host": "localhost"})
        assert (status, json.loads(body)["status"]) == (404, 404)
