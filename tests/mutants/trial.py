"""Trials: each is a process of its own in which tests meet a mutant in the place of its module.

Processes are forked from one that has imported what all tests need, and nothing of what a mutant could change. The
mutant exists in the memory of its process only; no file is changed.
"""

import gc
import importlib
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from tempfile import TemporaryDirectory
from types import CodeType
from typing import Final
from unittest import mock

import pytest

from tests.mutants import PROJECT, Mutant

AT_ONCE: Final = 2
_COMMON: Final = (
    "aws_lambda_powertools.event_handler.middlewares.openapi_validation",
    "aws_lambda_powertools.utilities.batch",
    "aws_lambda_powertools.utilities.parser",
    "aws_lambda_powertools.utilities.typing",
    "boto3.s3.transfer",
    "cryptography.hazmat.primitives.asymmetric.rsa",
    "cryptography.hazmat.primitives.serialization",
    "hypothesis.stateful",
    "jsonschema_rs",
    "moto.awslambda.models",
    "moto.dynamodb.responses",
    "moto.s3.responses",
    "pydantic.main",
    "pydantic.json_schema",
    "pytest_socket",
)
"""Third-party modules that take long to import."""
_OPTIONS: Final = (
    "-x",
    "--no-header",
    # Nobody reads why a test failed, and to look for it takes a quarter of the time.
    "--tb=no",
    *("-p", "no:cacheprovider"),
    # Looking for plugins takes a while, and these tests need but one.
    *("--disable-plugin-autoload", "-p", "pytest_socket"),
    # pytest says so of hypothesis, whose asserts nobody has to read.
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
)


@dataclass(frozen=True)
class Trial:
    """Tests, given as pytest takes them, that run in this order until one fails, for at most `seconds`.

    Without a mutant the project is as it is.
    """

    mutant: Mutant | None
    tests: Sequence[str]
    seconds: int


@dataclass(frozen=True)
class Outcome:
    """How a trial ended: the first test that failed (file and function), or None when all passed.

    `seconds` are of a processor, which do not depend on what else the machine does.
    """

    trial: Trial
    killer: str | None
    seconds: float


class Inconclusive(Exception):
    """The tests could not be collected, or did not come to an end."""


def outcomes(trials: Sequence[Trial]) -> Iterator[Outcome]:
    """Carry out the trials, a few at a time, and give each outcome when it is there. Raises Inconclusive."""
    for module in _COMMON:
        importlib.import_module(module)
    importlib.import_module("testbed.moto_shortcuts").read_data()
    importlib.import_module("testbed.template").template()
    gc.freeze()  # what all have in common is not looked through in each
    assert "atelier" not in sys.modules, "a mutant could not take the place of what is imported already"
    waiting = list(reversed(trials))
    running: dict[int, tuple[Trial, Path]] = {}
    # One that is still running when another is inconclusive writes into it.
    with TemporaryDirectory(prefix="atelier-mutants-", ignore_cleanup_errors=True) as folder:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                trial, log = waiting.pop(), Path(folder) / f"{len(waiting)}"
                running[_start(trial, log)] = trial, log
            pid, status, used = os.wait4(-1, 0)
            trial, log = running.pop(pid)
            killer = _killer(trial, log, os.waitstatus_to_exitcode(status))
            yield Outcome(trial, killer, used.ru_utime + used.ru_stime)


def _killer(trial: Trial, log: Path, code: int) -> str | None:
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        said = log.read_text(errors="replace")[-3000:]
        about = trial.mutant.says if trial.mutant else "nothing is broken"
        raise Inconclusive(f"{about}: pytest ended with {code} ({', '.join(trial.tests)}).\n{said}")
    return log.with_suffix(".killer").read_text() or None


def _start(trial: Trial, log: Path) -> int:
    """Begin a trial in a process of its own; its number."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        output = os.open(log, os.O_WRONLY | os.O_CREAT)
        os.dup2(output, 1)
        os.dup2(output, 2)
        signal.alarm(trial.seconds)
        code = _run(trial, log.with_suffix(".killer"))
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _run(trial: Trial, killer: Path) -> int:
    first = _FirstFailure()
    mutated = mutated_text(trial.mutant) if trial.mutant else None
    target = PROJECT / trial.mutant.file if trial.mutant else None
    usual = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> CodeType | None:
        if mutated is not None and Path(self.path) == target:
            code: CodeType = compile(mutated, self.path, "exec", dont_inherit=True)
            return code
        return usual(self, fullname)

    os.chdir(PROJECT)
    with mock.patch.object(SourceFileLoader, "get_code", get_code):
        code = pytest.main([*_OPTIONS, "--rootdir", str(PROJECT), *trial.tests], plugins=[first])
    killer.write_text(first.test)
    return int(code)


class _FirstFailure:
    """A plugin of pytest that remembers the first test that failed."""

    test = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.test:
            self.test = report.nodeid.partition("[")[0]


def mutated_text(mutant: Mutant) -> str:
    """The mutant's file with the change in it. Raises ValueError when what it changes is not there exactly once."""
    text = (PROJECT / mutant.file).read_text()
    if text.count(mutant.old) != 1:
        raise ValueError(f"{mutant.says}: its text is in {mutant.file} {text.count(mutant.old)} times")
    return text.replace(mutant.old, mutant.new)
