"""For every test: Hypothesis tries the same examples each time, and quick tests open no socket.

`--dynamodb=dynoxide` has the tests that use a table run on another implementation of DynamoDB than moto.
"""

import gc
from collections.abc import Generator
from typing import Any, Final

import pytest
from hypothesis import settings
from pytest_socket import disable_socket

from testbed import dynoxide
from tests import QUICK

ALONE: Final = ("test_fuzzing", "test_identity", "test_loops", "test_make_run", "test_providers")
"""The files of tests/e2e that start projects of their own, or take as long as all others together."""

settings.register_profile("same-everywhere", deadline=None, derandomize=True)
settings.load_profile("same-everywhere")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the choice of an engine."""
    parser.addoption("--dynamodb", choices=("moto", "dynoxide"), default="moto", help="what tests have for a table")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Have one process run all tests of a running project, and another those of its console: it takes long to start."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling  # type: ignore[import-untyped]  # noqa: PLC0415 - not for everybody

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            folder, _, name = nodeid.partition("::")[0].rpartition("/")
            if folder != "tests/e2e" or name.startswith(ALONE):
                return f"{folder}/{name}"
            return f"{folder}/console" if name.startswith("test_console") else folder

    return Scheduling(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Have the garbage collector not look through thousands of collected tests, neither now nor later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000)  # an answer takes more than the usual 700 objects, and leaves nothing
        gc.enable()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Make a socket an error in a quick test; pytest-socket switches them on again after each test.

    What is about moto is skipped when the tests run on another engine.
    """
    if item.path.parent.name in QUICK:
        disable_socket()
    if item.config.getoption("--dynamodb") != "moto" and item.get_closest_marker("only_on_moto"):
        pytest.skip("this is about moto")


@pytest.fixture(scope="session", autouse=True)
def _engine(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--dynamodb") == "dynoxide":
        if not dynoxide.BINARY.exists():
            pytest.skip(dynoxide.NOT_INSTALLED)
        from testbed import engines  # noqa: PLC0415 - moto takes a second to import, which quick tests do not need

        engines.choose(engines.Dynoxide())
