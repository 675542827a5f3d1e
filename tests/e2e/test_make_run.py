"""`make run` as its user meets it: it says where it is, answers there, and leaves nothing behind."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.e2e.conftest import eventually, temporary_files_in

PROJECT: Final = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def started(port: int, *options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "local", "run", "--port", str(port), *options]
    return subprocess.Popen(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


class Running:
    """A run that tests hand on until one of them ends it: each takes seconds to start."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None
        self.banner = ""

    def started(self, *options: str) -> tuple[subprocess.Popen[str], str]:
        """A run with these options, which has printed where it is, and its address."""
        self.stop()
        self.process, self.banner = started(free_port(), *options), ""
        assert self.process.stdout is not None
        while "Ctrl-C" not in self.banner:
            self.banner += self.process.stdout.readline()
        return self.process, self._url()

    def any(self) -> tuple[subprocess.Popen[str], str]:
        """The run that there is, or a new one."""
        if self.process is None or self.process.poll() is not None:
            return self.started()
        return self.process, self._url()

    def stop(self) -> None:
        """End the run that there is."""
        if self.process is not None:
            self.process.kill()
            self.process.communicate()

    def _url(self) -> str:
        (url,) = re.findall(r"answers at (\S+)", self.banner)
        return str(url)


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    made = Running()
    # In a folder that nobody else has. What is killed last empties it a moment later.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, temporary_files_in(Path(folder)):
        yield made
        made.stop()


def left_behind() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("atelier-local-*"))


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/api/v3/health").status_code == 200
    except httpx.HTTPError:
        return False


def test_its_printed_example_works(running: Running) -> None:
    _, url = running.started()
    eventually(lambda: answers(url), "it answers")
    assert f"{url}/docs" in running.banner
    curl = re.search(r"curl -s .*", running.banner)
    assert curl
    created = subprocess.run(curl[0], shell=True, capture_output=True, text=True, check=True)  # noqa: S602 - ours
    assert '"name":"Acme Corporation"' in created.stdout
    page = httpx.get(f"{url}/docs").text
    loaded = re.findall(r'(?:src|href)="(docs/[^"]+)"', page)
    assert loaded
    assert [httpx.get(f"{url}/{each}").status_code for each in loaded] == [200] * len(loaded)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_when_asked_and_leaves_nothing(running: Running, how: signal.Signals) -> None:
    process, url = running.any()
    eventually(lambda: answers(url), "it answers")
    mine = left_behind()
    os.kill(process.pid, how)
    process.communicate(timeout=20)
    assert process.returncode == 0
    assert not answers(url)
    eventually(lambda: len(left_behind()) < len(mine), "its folder is gone")


def test_with_auth_jwt_it_prints_tokens_that_work(running: Running) -> None:
    _, url = running.started("--auth", "jwt")
    tokens = dict(re.findall(r"^(VIEWER|EDITOR|ADMIN)=(\S+)$", running.banner, re.MULTILINE))
    (issuer,) = re.findall(r'"(\S+/token)\?', running.banner)
    tokens["nobody"] = httpx.get(issuer, params={"sub": "ann"}).text
    tokens["expired"] = httpx.get(issuer, params={"role": "admin", "seconds": "-1"}).text
    tokens["for others"] = httpx.get(issuer, params={"role": "admin", "aud": "others"}).text
    posted = {
        who: httpx.post(
            f"{url}/api/v3/clients", json={"name": "Acme"}, headers={"authorization": f"Bearer {token}"}
        ).status_code
        for who, token in tokens.items()
    }
    recount = subprocess.run(
        [sys.executable, "-m", "local", "verify", "--port", url.rpartition(":")[2]],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert posted == {"VIEWER": 403, "EDITOR": 201, "ADMIN": 201, "nobody": 403, "expired": 401, "for others": 401}
    assert recount.stdout == "Everything adds up.\n"


def test_killing_it_stops_all_its_processes(running: Running) -> None:
    process, url = running.any()
    eventually(lambda: answers(url), "it answers")
    mine = left_behind()
    process.kill()
    eventually(lambda: not answers(url), "nobody answers any more")
    eventually(lambda: len(left_behind()) < len(mine), "its folder is gone")


def test_a_port_in_use_is_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = started(port)
        _, said = process.communicate(timeout=30)
    assert process.returncode != 0
    assert f"port {port}" in said
    assert said.count("\n") == 1
