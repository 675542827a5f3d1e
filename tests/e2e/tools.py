"""Command-line tools that are installed for tests."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from local.stack import PROJECT

TOOLS: Final = Path(sys.executable).parent


def run(*command: str, folder: Path = PROJECT) -> str:
    found_first = {**os.environ, "PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        command, cwd=folder, env=found_first, capture_output=True, text=True, timeout=900, check=False
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-3000:]
    return done.stdout
