"""What the subjects are loaded from: folders for this machine and the Python that Lambda runs, below `.venv/peers`.

Everything is made once and again only when it is to be made of something else, but for Atelier's own layer and what SAM
builds. Packages are pinned with hashes, and installed and compiled as our layers are.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from layers.build import layer
from local import artifacts, template, tools
from local.errors import LocalError

PEERS: Final = Path(__file__).parent / "peers"
INSTALLED: Final = tools.PROJECT / ".venv/peers"
SEAL: Final = ".made-of"
NAMED: Final = ("fastapi", "mangum", "sqlalchemy", "aws-lambda-powertools", "aws-xray-sdk", "boto3", "pydantic")


def by_sam() -> tuple[list[str], dict[str, str]]:
    """The folders of the function that serves clients, as on AWS, and its settings."""
    built = tools.build(tools.HERE)
    function = next(each for each in artifacts.functions(built) if each.name == "ClientsFunction")
    return function.path, _settings(built)


def from_source() -> tuple[list[str], dict[str, str]]:
    """The same by the script that makes the layers; the one with packages only when they are others."""
    root, script = INSTALLED / "atelier", Path(layer.__file__)
    requirements = tools.PROJECT / "layers/deps/requirements.txt"
    build = [tools.python313(), str(script), "--into"]
    deps = _made(
        root / "deps",
        seal=requirements.read_text() + script.read_text(),
        make=lambda into: _run([*build, str(into), "--requirements", str(requirements)]),
    )
    shutil.rmtree(root / "common", ignore_errors=True)
    _run([*build, str(root / "common"), "--source", str(tools.PROJECT / "layers/common")])
    folders = [tools.PROJECT / "functions/clients", deps, root / "common"]
    return list(map(str, folders)), _settings(tools.PROJECT / "template.yaml")


def _settings(path: Path) -> dict[str, str]:
    """What the template sets for all functions and knows beforehand."""
    variables: Mapping[str, Any] = template.load(path)["Globals"]["Function"]["Environment"]["Variables"]
    return {name: value for name, value in variables.items() if isinstance(value, str)}


def runtime() -> str:
    """The client of Lambda's own runtime, which runs before any function."""
    return _compiled(_packages("runtime", tools.PROJECT / "local/runtime-requirements.txt"))


def packages(name: str, *, compiled: bool = True) -> str:
    """A peer's packages, whole; as an installer leaves them when they are not to be `compiled`."""
    found = _packages(name, PEERS / name / "requirements.txt")
    return _compiled(found) if compiled else str(found)


def function(name: str) -> str:
    """A peer's own modules, with bytecode."""
    modules = sorted((PEERS / name).glob("*.py"))

    def make(into: Path) -> None:
        for each in modules:
            shutil.copy(each, into)
        _compile(into)

    return str(_made(INSTALLED / name / "function", seal="".join(each.read_text() for each in modules), make=make))


def _packages(name: str, requirements: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-compile"]
    how = ["--require-hashes", "--no-deps", "--only-binary=:all:", "--implementation", "cp"]
    how += ["--python-version", layer.RUNTIME]
    return _made(
        INSTALLED / name / "packages",
        seal=requirements.read_text(),
        make=lambda into: _run([*pip, *how, "--target", str(into), "--requirement", str(requirements)]),
    )


def _compiled(packages: Path) -> str:
    def make(into: Path) -> None:
        shutil.copytree(packages, into, dirs_exist_ok=True)
        _compile(into)

    return str(_made(packages.with_name("compiled"), seal=(packages / SEAL).read_text(), make=make))


def _made(folder: Path, *, seal: str, make: Callable[[Path], None]) -> Path:
    """The folder, made unless it is there and was made of the same things, which `seal` tells."""
    sealed = folder / SEAL
    if not sealed.exists() or sealed.read_text() != seal:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        make(folder)
        sealed.write_text(seal)
    return folder


def _compile(folder: Path) -> None:
    _run([tools.python313(), "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", str(folder)])


def _run(command: list[str]) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if ran.returncode:
        raise LocalError(f"{' '.join(command)} failed:\n{ran.stdout}{ran.stderr}")


def versions() -> str:
    """What is compared in which version."""
    python = "import platform, sqlite3; print(f'CPython {platform.python_version()}, SQLite {sqlite3.sqlite_version}')"
    ran = subprocess.run([tools.python313(), "-c", python], capture_output=True, text=True, check=True)  # noqa: S603
    pinned = "\n".join(each.read_text() for each in PEERS.glob("*/requirements.txt"))
    pins = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", pinned, re.MULTILINE))
    return ", ".join([ran.stdout.strip(), *(f"{name} {pins[name]}" for name in NAMED)])
