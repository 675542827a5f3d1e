"""For every test: Hypothesis tries the same examples each time, and quick tests open no socket.

`--dynamodb=dynoxide` has the tests that use a table run on another implementation of DynamoDB than moto.
"""

import gc

import pytest
from hypothesis import settings
from pytest_socket import disable_socket

from testbed import dynoxide
from tests import QUICK

settings.register_profile("same-everywhere", deadline=None, derandomize=True)
settings.load_profile("same-everywhere")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the choice of an engine."""
    parser.addoption("--dynamodb", choices=("moto", "dynoxide"), default="moto", help="what tests have for a table")


def pytest_collection_finish() -> None:
    """Have the garbage collector not look through thousands of collected tests again and again."""
    gc.freeze()


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
