"""No test in this room reaches the network: a socket is an error."""

from pytest_socket import disable_socket


def pytest_runtest_setup() -> None:
    """Switch sockets off; pytest-socket switches them on again after each test."""
    disable_socket()
