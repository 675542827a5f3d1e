"""DynamoDB by dynoxide: one static binary that speaks DynamoDB's API over HTTP, kept in memory or in a file.

It comes in an npm package for each platform. `python -m testbed.dynoxide` has npm fetch the exact version named
here, holds it against the recorded hash and keeps the binary beside the environment's own.
"""

import base64
import hashlib
import platform
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

VERSION: Final = "1.2.1"
PACKAGES: Final = {
    ("Linux", "x86_64"): (
        "@dynoxide/linux-x64",
        "sBHqlxJ9ANkLluFkYRfd5r8Y0ApFew4FhOrlhgRAgD4XzEoFOukEo1nuBTQ1+jTtofqwn4NWQ2k0Tn5mNTjgUg==",
    ),
}
"""By system and processor: the package, and the SHA-512 of its archive. Packages of other platforms are unchecked."""
BINARY: Final = Path(sys.prefix) / "dynoxide" / VERSION / "dynoxide"
NOT_INSTALLED: Final = "dynoxide is not installed: `make dynoxide` does that, or says why it cannot"
START_SECONDS: Final = 10.0

# The shell ends the server when its own input ends, which is also when the process that started it was killed.
_SUPERVISED: Final = '"$0" "$@" & trap "kill $!; wait" EXIT; read -r _'


class Unavailable(Exception):
    """There is no dynoxide here; the text says why."""


def install() -> None:
    """Fetch the binary unless it is there. Raises Unavailable without npm, or where no package fits."""
    if BINARY.exists():
        return
    package, sha512 = _package()
    if shutil.which("npm") is None:
        raise Unavailable("npm is not installed")
    with tempfile.TemporaryDirectory() as folder:
        asked = ["npm", "pack", f"{package}@{VERSION}", "--silent", "--pack-destination", folder]
        packed = subprocess.run(asked, capture_output=True, text=True, check=False, cwd=folder)
        if packed.returncode != 0:
            raise Unavailable(f"npm cannot fetch {package}@{VERSION}: {packed.stderr.strip()[-200:]}")
        (archive,) = Path(folder).glob("*.tgz")
        _check(archive, sha512)
        _unpack(archive)


def _package() -> tuple[str, str]:
    here = platform.system(), platform.machine()
    if here not in PACKAGES:
        raise Unavailable(f"no checked package of dynoxide for {' '.join(here)}")
    return PACKAGES[here]


def _check(archive: Path, sha512: str) -> None:
    found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if found != sha512:
        raise ValueError(f"{archive.name} has SHA-512 {found}, not {sha512}")


def _unpack(archive: Path) -> None:
    BINARY.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive) as packed:
        member = packed.extractfile("package/dynoxide")
        assert member is not None, "the package holds no binary"
        unfinished = BINARY.with_suffix(".new")
        unfinished.write_bytes(member.read())
    unfinished.chmod(0o755)
    unfinished.rename(BINARY)


@contextmanager
def running(data: Path | None = None) -> Iterator[str]:
    """A server for as long as the context lasts, its data in this file or in memory; its URL.

    Raises Unavailable when it was not installed.
    """
    if not BINARY.exists():
        raise Unavailable(NOT_INSTALLED)
    port = _free_port()
    command = [str(BINARY), "--host", "127.0.0.1", "--port", str(port), *(("--db-path", str(data)) if data else ())]
    server = subprocess.Popen(
        ["/bin/sh", "-c", _SUPERVISED, *command],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_until_it_answers(server, port)
        yield f"http://127.0.0.1:{port}"
    finally:
        assert server.stdin is not None
        server.stdin.close()
        server.wait()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_until_it_answers(server: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while server.poll() is None and time.monotonic() < end:
        connection = HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
        try:
            connection.request("GET", "/")
            connection.getresponse().read()
        except ConnectionError:
            time.sleep(0.01)
        else:
            return
        finally:
            connection.close()
    raise Unavailable(f"dynoxide does not answer on port {port} (exit code {server.poll()})")


def main() -> int:
    """Install, or say why not. Tests skip what needs it then, so that is no failure."""
    try:
        install()
    except Unavailable as reason:
        print(f"Tests on dynoxide will be skipped: {reason}.")  # noqa: T201 - a command
    return 0


if __name__ == "__main__":
    sys.exit(main())
