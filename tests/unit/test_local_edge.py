"""The plain address: what the emulator is asked for when somebody asks the API."""

from collections.abc import Coroutine
from typing import Any

import pytest

from local.edge import Edge
from local.environment import environment

PREFIX = "/_aws/execute-api/a1/$default"


def ran(coroutine: Coroutine[Any, Any, None]) -> None:
    """Run something that never has to wait, and so needs no event loop, whose pipes would be sockets."""
    with pytest.raises(StopIteration):
        coroutine.send(None)


class Emulator:
    """Takes a request, gives an answer."""

    def __init__(self, status: int = 200) -> None:
        self.asked: dict[str, Any] = {}
        self.status = status

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.asked = dict(scope)
        headers = [(b"Content-Type", b"application/json"), (b"set-cookie", b"a"), (b"set-cookie", b"b")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})


def ask(emulator: Emulator, path: str = "/a", raw: bytes = b"/a", **more: Any) -> list[Any]:
    """Everything that is sent back."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {}

    scope = {"type": "http", "method": "FOO", "path": path, "raw_path": raw, "query_string": b"q=%2F", "headers": []}
    edge = Edge(emulator, api_id="a1", host="127.0.0.1:8000", at_once=1)
    ran(edge({**scope, **more}, receive, send))
    return sent


def test_a_path_is_passed_on_as_it_was_written() -> None:
    emulator = Emulator()
    ask(emulator, "/a/ü b", b"//a%2F%C3%BC%20b")
    assert emulator.asked["path"] == f"{PREFIX}/a/ü b"
    assert emulator.asked["raw_path"] == f"{PREFIX}//a%2F%C3%BC%20b".encode()
    assert (emulator.asked["method"], emulator.asked["query_string"]) == ("FOO", b"q=%2F")


def test_a_whole_address_means_its_path() -> None:
    emulator = Emulator()
    ask(emulator, "http://host:1/a/b", b"http://host:1/a/b")
    assert (emulator.asked["path"], emulator.asked["raw_path"]) == (f"{PREFIX}/a/b", f"{PREFIX}/a/b".encode())


def test_there_is_one_host_whatever_a_client_calls_it() -> None:
    emulator = Emulator()
    ask(emulator, headers=[(b"Host", b"other.execute-api.localhost"), (b"x-a", b"1"), (b"x-a", b"2")])
    assert emulator.asked["headers"] == [(b"host", b"127.0.0.1:8000"), (b"x-a", b"1"), (b"x-a", b"2")]


def test_repeated_headers_of_an_answer_stay_apart() -> None:
    [start] = ask(Emulator())
    assert [value for name, value in start["headers"] if name == b"set-cookie"] == [b"a", b"b"]


def test_an_answer_without_content_has_no_content_type() -> None:
    [start] = ask(Emulator(status=204))
    assert [name for name, _ in start["headers"]] == [b"set-cookie", b"set-cookie"]


def test_a_web_socket_is_refused() -> None:
    emulator = Emulator()
    assert ask(emulator, type="websocket") == [{"type": "websocket.close", "code": 1008}]
    assert not emulator.asked


def test_emulator_and_handlers_see_no_account_of_this_machine() -> None:
    here = {"PATH": "/bin", "AWS_PROFILE": "mine", "AWS_ACCESS_KEY_ID": "mine", "FAL_KEY": "mine"}
    there = environment(here, port=1)
    assert there["PATH"] == "/bin"
    assert there["BIND_HOST"] == "127.0.0.1"
    assert "mine" not in there.values()
