"""A Docker engine for `sam local`: the one that is there, or our own for as long as it is needed."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Final

from local.errors import LocalError

SCRIPT: Final = Path(__file__).parent / "docker-engine.sh"
FOLDER: Final = Path("/var/lib/atelier-engine")  # a short path: sockets in it may have 107 characters
STOP_SECONDS: Final = 30.0


class NoEngine(LocalError):
    """There is no Docker engine, and none can be made here."""


@dataclass(frozen=True, slots=True)
class Engine:
    """A running Docker engine."""

    environment: Mapping[str, str]
    """How its clients find it."""
    options: tuple[str, ...]
    """The options of `sam local` that it needs."""

    @property
    def gateway(self) -> str:
        """Where its containers find this machine."""
        asked = ["docker", "network", "inspect", "bridge", "--format", "{{json .IPAM.Config}}"]
        found = subprocess.run(asked, env={**os.environ, **self.environment}, capture_output=True, check=True)
        (network, *_) = json.loads(found.stdout)
        return str(network.get("Gateway") or next(ip_network(network["Subnet"]).hosts()))


@contextmanager
def engine() -> Iterator[Engine]:
    """The engine that is there; else one of our own, which ends with the context. Raises NoEngine where neither is."""
    if _answers({}):
        yield Engine({}, ())
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise NoEngine("no Docker engine answers, and only root on a Debian machine could make one here")
    try:
        subprocess.run([SCRIPT, FOLDER], check=True)
        yield Engine({"DOCKER_HOST": f"unix://{FOLDER}/docker.sock"}, ("--skip-pull-image",))
    finally:
        _stop(FOLDER / "docker.pid")


def _answers(environment: Mapping[str, str]) -> bool:
    if not shutil.which("docker"):
        return False
    asked = subprocess.run(["docker", "version"], env={**os.environ, **environment}, capture_output=True, check=False)
    return asked.returncode == 0


def _stop(pid_file: Path) -> None:
    """End our engine and wait until it is gone, which is when it removes this file."""
    if not pid_file.is_file():
        return
    pid = int(pid_file.read_text())
    # A file that a crash left behind may name anybody by now.
    if _name_of(pid) == "dockerd":
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + STOP_SECONDS
        while pid_file.exists() and time.monotonic() < end:
            time.sleep(0.1)


def _name_of(pid: int) -> str:
    process = Path(f"/proc/{pid}/comm")
    return process.read_text().strip() if process.exists() else ""
