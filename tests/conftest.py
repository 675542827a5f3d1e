"""For every test: Hypothesis tries the same examples each time, and quick tests open no socket."""

from typing import Final

import pytest
from hypothesis import settings
from pytest_socket import disable_socket

QUICK: Final = ("unit", "property", "contract")
"""The rooms of `make unit`: no socket, no emulator."""

settings.register_profile("same-everywhere", deadline=None, derandomize=True)
settings.load_profile("same-everywhere")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Make a socket an error in a quick test; pytest-socket switches them on again after each test."""
    if item.path.parent.name in QUICK:
        disable_socket()
