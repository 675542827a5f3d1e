"""What `sam local` needs: a build, an engine, and the emulator on an address that containers can reach."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import tools
from local.engine import Engine, NoEngine, engine
from local.stack import Stack, start
from tests.sam.containers import EMULATOR, Containers, with_endpoint
from tests.sam.forwarding import forwarded

INVOKED = pytest.StashKey[list[tuple[str, str]]]()


@pytest.fixture(scope="session")
def sam() -> str:
    """SAM's command line."""
    try:
        return tools.sam()
    except tools.Missing as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def docker(sam: str) -> Iterator[Engine]:
    """A Docker engine."""
    try:
        with engine() as running:
            yield running
    except NoEngine as none:
        pytest.skip(str(none))


@pytest.fixture(scope="session")
def built(docker: Engine) -> Path:
    """The template as `sam build` leaves it, for this machine's processor."""
    return with_endpoint(tools.build(tools.HERE))


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The project on the emulator."""
    with start() as running:
        yield running


@pytest.fixture(scope="session")
def containers(docker: Engine, built: Path, stack: Stack) -> Iterator[Containers]:
    """Where functions are run."""
    with forwarded(docker.gateway, int(stack.endpoint.rpartition(":")[2])) as port:
        yield Containers(docker, built, stack.endpoint, f"http://{EMULATOR}:{port}")


@pytest.fixture(scope="session")
def invoked(request: pytest.FixtureRequest) -> list[tuple[str, str]]:
    """The functions and events that were tried, for the last line."""
    return request.config.stash.setdefault(INVOKED, [])


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Say what was really run in containers."""
    if tried := config.stash.get(INVOKED, []):
        functions = {function for function, _ in tried}
        terminalreporter.write_line(f"In containers: {len(functions)} functions, {len(tried)} golden events.")
