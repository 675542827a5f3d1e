"""Processes of functions are forked from one that has imported what all of them do, and start in a third of the time.

The emulator starts each as a program, by `subprocess.Popen`, of which it uses the pipes and what `Forked` has.
Only third-party packages are imported before: a function imports its own code, and that of its layers.
"""

import json
import os
import runpy
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from subprocess import PIPE, TimeoutExpired
from types import SimpleNamespace
from typing import Any, Final, TextIO

IMPORTED: Final = (
    "aws_lambda_powertools.event_handler.middlewares.openapi_validation",
    "aws_lambda_powertools.event_handler.openapi.params",
    "aws_lambda_powertools.utilities.batch",
    "botocore.auth",
    "botocore.handlers",
    "pydantic.json_schema",
)
"""Third-party modules that functions import."""
_PROJECT: Final = Path(__file__).parent.parent
_NOTE: Final = "process.json"

_context: Final = get_context("forkserver")


def install(lambda_runtime: Any) -> None:
    """From now on, the emulator's processes of functions in Python are forked."""
    _context.set_forkserver_preload(list(IMPORTED))
    # The emulator has no public hook: everything it starts goes through this name of the module.
    lambda_runtime.subprocess = SimpleNamespace(Popen=Forked, PIPE=PIPE)


def function_processes(home: Path) -> dict[int, str]:
    """The processes of functions that an emulator with this folder has started, and of which function each is.

    Some may be over. `ps` does not tell: they are forks of one program.
    """
    found = {}
    for note in home.glob(f"*/{_NOTE}"):
        with suppress(FileNotFoundError):  # its folder goes with it
            pid, function = json.loads(note.read_text())
            found[pid] = function
    return found


class Forked:
    """A process that runs a script of Python; what the emulator uses of `subprocess.Popen`."""

    stdin: TextIO
    stdout: TextIO
    stderr: TextIO

    def __init__(self, command: Sequence[str], *, cwd: str, env: Mapping[str, str], **_pipes_of_text: Any) -> None:
        _interpreter, script = command
        # Of each pipe, the end to read from and the end to write to.
        stdin, stdout, stderr = (_context.Pipe(duplex=False) for _ in range(3))
        theirs = stdin[0], stdout[1], stderr[1]
        self._process = _context.Process(target=_run, args=(script, cwd, dict(env), *theirs), daemon=True)
        self._process.start()
        note = Path(script).with_name(_NOTE)
        note.with_suffix(".new").write_text(json.dumps([self._process.pid, env.get("AWS_LAMBDA_FUNCTION_NAME", "")]))
        note.with_suffix(".new").rename(note)
        for end in theirs:
            end.close()
        self.stdin, self.stdout, self.stderr = _text(stdin[1], "w"), _text(stdout[0], "r"), _text(stderr[0], "r")

    def poll(self) -> int | None:
        """The code it ended with, or None."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; the code. Raises TimeoutExpired."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise TimeoutExpired("a function", timeout or 0)
        return code

    def terminate(self) -> None:
        """Ask it to end."""
        self._process.terminate()

    def kill(self) -> None:
        """End it."""
        self._process.kill()


def _text(end: Connection, mode: str) -> Any:
    """The pipe's end as a text file; the connection is closed."""
    file = os.fdopen(os.dup(end.fileno()), mode, buffering=1, encoding="utf-8")
    end.close()
    return file


def _run(script: str, folder: str, environment: dict[str, str], *pipes: Connection) -> None:
    """In the new process: become what a program of its own would be."""
    for descriptor, end in enumerate(pipes):
        os.dup2(end.fileno(), descriptor)
        end.close()
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - for as long as the process lives
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for module in [each for each in sys.modules if each.partition(".")[0] in ("local", "__mp_main__")]:
        del sys.modules[module]
    sys.argv = [script]
    sys.path[:] = [str(Path(script).parent), *(each for each in sys.path if each and Path(each) != _PROJECT)]
    runpy.run_path(script, run_name="__main__")
