"""Functions of the local run are forked, and find what a program of its own would find."""

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import TimeoutExpired
from textwrap import dedent
from types import SimpleNamespace
from typing import Any, Final

import pytest

from local import forking
from testbed.template import PROJECT

SOON: Final = 0.05
PATIENCE: Final = 30


@pytest.fixture(scope="module", autouse=True)
def _imported_before() -> None:
    forking.install(SimpleNamespace())


@contextmanager
def started(folder: Path, script: str, **environment: str) -> Iterator[forking.Forked]:
    """A process of a function whose program is this."""
    worker = folder / "function" / "_worker.py"
    worker.parent.mkdir()
    worker.write_text(dedent(script))
    (worker.parent / "code").mkdir()
    process = forking.Forked([sys.executable, str(worker)], cwd=str(worker.parent / "code"), env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE)
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()


def test_a_function_sees_its_own_environment_folder_and_path(tmp_path: Path) -> None:
    asks = """
        import json, os, sys
        print(json.dumps([dict(os.environ), os.getcwd(), sys.argv, sys.path, sorted(sys.modules), __name__]))
    """
    with started(tmp_path, asks, A="1") as process:
        environment, folder, arguments, path, modules, name = json.loads(process.stdout.readline())
    home = tmp_path / "function"
    assert (environment, folder, arguments, name) == ({"A": "1"}, f"{home}/code", [f"{home}/_worker.py"], "__main__")
    assert path[0] == str(home)
    assert not {"", str(PROJECT)} & set(path)
    ours = {each for each in modules if each.partition(".")[0] in ("atelier", "local", "testbed", "tests", "app")}
    assert ours == set()
    assert {*forking.IMPORTED} <= set(modules)


def test_a_function_is_asked_and_answers_through_its_pipes(tmp_path: Path) -> None:
    answers = """
        import sys
        for line in sys.stdin:
            print(line.strip()[::-1], flush=True)
            print("é", file=sys.stderr)
    """
    with started(tmp_path, answers) as process:
        for word, back in (("abc", "cba\n"), ("Ö日", "日Ö\n")):
            process.stdin.write(f"{word}\n")
            assert process.stdout.readline() == back
            assert process.stderr.readline() == "é\n"
        process.stdin.close()  # as when the emulator ends
        assert process.wait(PATIENCE) == 0
        assert process.stdout.readline() == ""


def test_a_function_that_waits_is_not_over(tmp_path: Path) -> None:
    with started(tmp_path, "import sys; sys.stdin.readline()") as process:
        assert process.poll() is None
        with pytest.raises(TimeoutExpired):
            process.wait(SOON)


def test_a_function_can_be_asked_to_end(tmp_path: Path) -> None:
    with started(tmp_path, "import sys; sys.stdin.readline()") as process:
        process.terminate()
        assert process.wait(PATIENCE) == -signal.SIGTERM
        assert process.poll() == -signal.SIGTERM


@pytest.mark.parametrize(("program", "code"), [("raise SystemExit(3)", 3), ("import os; os._exit(4)", 4), ("1 / 0", 1)])
def test_the_code_of_a_function_that_ended_is_known(tmp_path: Path, program: str, code: int) -> None:
    with started(tmp_path, program) as process:
        assert process.wait(PATIENCE) == code
        assert ("ZeroDivisionError" in process.stderr.read()) == (program == "1 / 0")


def test_processes_of_functions_are_told_apart(tmp_path: Path) -> None:
    assert forking.function_processes(tmp_path) == {}
    says: Any = "import os; print(os.getpid(), flush=True); input()"
    with started(tmp_path, says, AWS_LAMBDA_FUNCTION_NAME="atelier-Clients") as process:
        pid = int(process.stdout.readline())
        assert forking.function_processes(tmp_path) == {pid: "atelier-Clients"}
        assert pid != os.getpid()
