"""Parameters as SAM takes them: from an environment of samconfig.toml, or from the words of `--parameter-overrides`.

SAM's own parser reads them, in the environment of its command line: it cuts values where nobody expects it.
"""

import json
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from local import tools
from local.errors import LocalError
from local.preflight.stacks import PROJECT

CONFIG: Final = PROJECT / "samconfig.toml"
_PARSE: Final = """
import json, sys
from samcli.cli.types import CfnParameterOverridesType
words = json.load(sys.stdin)
print(json.dumps(CfnParameterOverridesType().convert(tuple(words), None, None) if words else {}))
"""


class BadParameters(LocalError):
    """SAM would not take these parameters."""


def of_environment(name: str) -> dict[str, Any]:
    """The section of an environment of samconfig.toml, all commands in one. Raises BadParameters."""
    config = tomllib.loads(CONFIG.read_text(encoding="utf-8"))
    if name not in config or name == "version":
        raise BadParameters(f"samconfig.toml has no environment {name}")
    merged: dict[str, Any] = {}
    for command in config[name].values():
        merged |= command.get("parameters", {})
    return merged


def parsed(words: Sequence[str]) -> Mapping[str, str]:
    """What SAM makes of the words behind `--parameter-overrides`. Raises BadParameters, or Missing without SAM."""
    command = [interpreter(), "-c", _PARSE]
    seen = tools.environment()
    ran = subprocess.run(command, input=json.dumps(words), env=seen, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise BadParameters(ran.stderr.strip().rpartition("\n")[2])
    found: dict[str, str] = json.loads(ran.stdout)
    return found


def interpreter() -> str:
    """The Python that SAM's command line runs on: its first line says which. Raises Missing."""
    first = Path(tools.sam()).read_text(encoding="utf-8", errors="replace").partition("\n")[0]
    return first.removeprefix("#!").strip()
