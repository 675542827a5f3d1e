"""No test in this room reaches the network: a socket is an error. How long one example takes says nothing here."""

from hypothesis import settings
from pytest_socket import disable_socket

settings.register_profile("atelier", deadline=None)
settings.load_profile("atelier")


def pytest_runtest_setup() -> None:
    """Switch sockets off; pytest-socket switches them on again after each test."""
    disable_socket()
