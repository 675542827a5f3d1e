"""One running project for all of these tests, as `make run PRICES=list` serves it, with a short quiet period."""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
from playwright.sync_api import Browser

from local.stack import Stack, start
from tests.e2e.browser import Looked, chromium, opened

MEMORY: Final = Path("/dev/shm")  # noqa: S108 - projects make folders of their own in it
ENOUGH: Final = 2 * 1024**3


@contextmanager
def temporary_files_in(folder: Path) -> Iterator[None]:
    """Have this process and what it starts put temporary files there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(folder))
        patch.setenv("TMPDIR", str(folder))
        yield


@pytest.fixture(scope="session", autouse=True)
def _in_memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Have projects unpack their functions in memory, where there is room: thousands of files for a few minutes."""
    tmp_path_factory.getbasetemp()  # pytest's own folder stays where it is
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ENOUGH
    with temporary_files_in(MEMORY) if has_room else nullcontext():
        yield


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """The project, on a free port."""
    with start(parameters={"SandboxPrices": "list"}, environment={"CASCADE_QUIET_PERIOD": "2"}) as running:
        yield running


@pytest.fixture(scope="session")
def api(stack: Stack) -> Iterator[httpx.Client]:
    """A client of its API."""
    with httpx.Client(base_url=f"{stack.url}/api/v3", timeout=30) as client:
        yield client


Finish = Callable[[str], dict[str, Any]]


@pytest.fixture(scope="session")
def finish(api: httpx.Client) -> Finish:
    """Wait until a task is over; the task as it is then."""

    def wait(task_id: str) -> dict[str, Any]:
        task: dict[str, Any] = eventually(
            lambda: _if_over(api.get(f"/tasks/{task_id}").json()), f"task {task_id} is over"
        )
        return task

    return wait


def _if_over(task: dict[str, Any]) -> dict[str, Any] | None:
    return task if task["status"] in ("succeeded", "failed", "canceled") else None


def eventually(look: Callable[[], Any], what: str, seconds: float = 60) -> Any:
    """What `look` finds, once it finds something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(f"It took longer than {seconds} s until {what}.")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, for those tests that are run only where there is one."""
    with chromium() as running:
        yield running


@pytest.fixture
def looked(browser: Browser, stack: Stack) -> Iterator[Looked]:
    """A page of the console, which complains of nothing and asks nobody else."""
    with opened(browser, stack.url, permissions=["clipboard-read", "clipboard-write"], locale="en-US") as open_page:
        yield open_page
        assert open_page.complaints == []
        assert open_page.elsewhere == []
