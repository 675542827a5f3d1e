"""The tools of SAM's side: its command line, and the Python that Lambda runs."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from local.errors import LocalError

PROJECT: Final = Path(__file__).parents[1]
OWN_SAM: Final = PROJECT / ".venv/sam/bin/sam"
ARCHITECTURES: Final = ("arm64", "x86_64")
HERE: Final = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"


class Missing(LocalError):
    """A tool that this cannot do without is not here."""


def sam() -> str:
    """SAM's command line: the project's own, or the one on PATH."""
    found = str(OWN_SAM) if OWN_SAM.exists() else shutil.which("sam")
    if not found:
        raise Missing("SAM's command line is not here; `make artifacts` and `make sam-local` install it")
    return found


@cache
def python313() -> str:
    """A Python as Lambda runs it."""
    for candidate in _candidates():
        if _is_313(candidate):
            return candidate
    raise Missing("no Python 3.13 on PATH")


def environment() -> dict[str, str]:
    """What SAM's command line is to see of this machine: Python 3.13 where there is one, and no account."""
    paths = [str(Path(sam()).parent)]
    try:
        paths.append(str(Path(python313()).parent))
    except Missing:
        print("no Python 3.13 on PATH: what is built has no bytecode")
    ours = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {
        **ours,
        "PATH": os.pathsep.join([*paths, os.environ.get("PATH", os.defpath)]),
        "SAM_CLI_TELEMETRY": "0",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }


def build(architecture: str) -> Path:
    """`sam build` into a folder of its own, beside the one that `sam deploy` takes; the built template."""
    folder = PROJECT / ".aws-sam" / architecture
    command = [sam(), "build", "--build-dir", str(folder), "--parameter-overrides", f"Architecture={architecture}"]
    built = subprocess.run(command, cwd=PROJECT, env=environment(), capture_output=True, text=True, check=False)
    if built.returncode:
        raise LocalError(f"sam build failed for {architecture}:\n{built.stdout}{built.stderr}")
    return folder / "template.yaml"


def _candidates() -> Iterator[str]:
    if on_path := shutil.which("python3.13"):
        yield on_path
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob("versions/3.13*/bin/python3.13")))


def _is_313(python: str) -> bool:
    asked = [python, "-c", "import sys; sys.exit(sys.version_info[:2] != (3, 13))"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0
