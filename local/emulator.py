"""The emulator as seen by its owner: a child process that cannot outlive this one."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import IO

from local.environment import LOOPBACK, environment
from local.errors import EmulatorStopped, PortTaken
from local.routes import API_ID

START_SECONDS = 30.0
STOP_SECONDS = 5.0
REMOVALS = 20

# Each request in flight is a process of its function, and each waits for the emulator more than it computes.
AT_ONCE = max(4, 2 * (os.cpu_count() or 1))


@dataclass(frozen=True, slots=True)
class Emulator:
    """A running emulator."""

    process: subprocess.Popen[str]
    endpoint: str
    url: str
    home: Path

    @property
    def log(self) -> Path:
        """What the emulator itself had to say."""
        return self.home / "emulator.log"

    @property
    def invocations(self) -> Path:
        """One JSON line for each finished invocation of a function."""
        return self.home / "invocations.jsonl"

    def open(self) -> None:
        """Answer at the plain address from now on; requests that came before have waited."""
        orders = _pipe(self.process.stdin)
        orders.write("open\n")
        orders.flush()

    def check(self) -> None:
        """Raise if the emulator is no longer there."""
        if self.process.poll() is not None:
            raise EmulatorStopped(f"the emulator ended with code {self.process.returncode}\n{_tail(self.log)}".strip())


@contextmanager
def emulator(*, port: int) -> Iterator[Emulator]:
    """An emulator for as long as the context lasts, its API to be at this port (0 = any free one)."""
    with _listen(port) as edge, _listen(0) as endpoint:
        process = _spawn(endpoint=endpoint, edge=edge)
        addresses = _url(endpoint), _url(edge)
    # Our copies of the sockets are closed by now, so that a client of a dead emulator is refused and does not wait.
    home = None
    try:
        home = _home(process)
        running = Emulator(process, *addresses, home)
        _wait_until_healthy(running)
        yield running
    finally:
        _stop(process, home)


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port))
    except (OSError, OverflowError) as taken:
        listener.close()
        raise PortTaken(f"port {port} cannot be used ({taken}); another one: `make run PORT=8008`") from taken
    listener.listen(socket.SOMAXCONN)
    return listener


def _spawn(*, endpoint: socket.socket, edge: socket.socket) -> subprocess.Popen[str]:
    descriptors = (endpoint.fileno(), edge.fileno())
    options = {
        "--endpoint": descriptors[0],
        "--edge": descriptors[1],
        "--api-id": API_ID,
        "--host": _url(edge).removeprefix("http://"),
        "--at-once": AT_ONCE,
    }
    return subprocess.Popen(
        [sys.executable, "-m", "local.server", *(str(word) for option in options.items() for word in option)],
        cwd=Path(__file__).parent.parent,
        env=environment(os.environ, port=endpoint.getsockname()[1]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        pass_fds=descriptors,
        # Of its own group, so that one signal reaches all it started, and a Ctrl-C meant for us does not.
        start_new_session=True,
    )


def _home(process: subprocess.Popen[str]) -> Path:
    line = _pipe(process.stdout).readline()
    if not line:
        raise EmulatorStopped(f"the emulator did not start (code {process.wait()})")
    return Path(json.loads(line)["home"])


def _wait_until_healthy(running: Emulator) -> None:
    connection = HTTPConnection(running.endpoint.removeprefix("http://"), timeout=START_SECONDS)
    try:
        connection.request("GET", "/_ministack/health")
        connection.getresponse().read()
    except (OSError, HTTPException) as failed:
        running.check()
        raise EmulatorStopped(f"the emulator does not answer: {failed}\n{_tail(running.log)}".strip()) from failed
    finally:
        connection.close()


def _stop(process: subprocess.Popen[str], home: Path | None) -> None:
    """End the emulator and all it started, and remove their folder."""
    if home is None:
        # It has not said where its folder is, so it must remove it itself, as it does at the end of its input.
        _pipe(process.stdin).close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdin, process.stdout):
        _pipe(stream).close()
    if home is not None:
        _remove(home)


def _remove(home: Path) -> None:
    # A killed process may still finish the one thing that it was asking of the system.
    for _ in range(REMOVALS):
        shutil.rmtree(home, ignore_errors=True)
        if not home.exists():
            return
        time.sleep(0.05)


def _pipe(stream: IO[str] | None) -> IO[str]:
    if stream is None:
        raise TypeError("the emulator was started without this pipe")
    return stream


def _url(listener: socket.socket) -> str:
    return "http://{}:{}".format(*listener.getsockname())


def _tail(log: Path, *, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:]) if log.is_file() else ""
