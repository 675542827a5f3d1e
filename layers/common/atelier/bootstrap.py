"""Cold starts: from a process's first import to the moment when it is ready for requests, or for a snapshot.

Every function imports this first and calls `bootstrap` last. It does nothing outside Lambda, so tests run untuned.

- Nothing that is made while modules are imported is garbage, so the collector waits, and later never looks at it.
- Powertools imports asyncio for resolvers that no function here has. It is imported when something of it is used, and
  log records do not ask it for the name of a task.
- What a function works with is made here, while Lambda gives a function a whole processor, whatever its size.
- With SnapStart the process is kept and brought back many times: before, everything is made that a request could be the
  first to need; after, what no two of them may share is made anew. Ids, tokens and secrets come from the system's
  randomness at each request and need nothing.
"""

import gc
import logging
import os
import random
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any, Final

Handler = Callable[[Any, Any], Any]

IN_LAMBDA: Final = "AWS_LAMBDA_FUNCTION_NAME" in os.environ
FOR_SNAPSHOTS: Final = os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"


class _Later(ModuleType):
    """Stands for a module until something of it is used, and imports it then."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


if IN_LAMBDA:
    gc.disable()
    sys.modules.setdefault("asyncio", _Later("asyncio"))
    # Python's documentation: "Logging HOWTO", "Optimization".
    logging.logAsyncioTasks = False  # type: ignore[attr-defined]  # Python 3.12 has it


def bootstrap(handler: Handler, *preload: Callable[[], object], prime: Callable[[], object] = lambda: None) -> Handler:
    """The handler of an initialised process. `preload` builds what most requests need, `prime` what any may need.

    Whatever an invocation waits for shares one deadline, a little before Lambda's own.
    """
    if IN_LAMBDA:
        for make in preload:
            make()
        gc.freeze()
        gc.enable()
    if FOR_SNAPSHOTS:
        _around_snapshots(prime)
    return _with_a_deadline(handler)


def _with_a_deadline(handler: Handler) -> Handler:
    from atelier.store import deadline  # noqa: PLC0415 - after the collector was switched off

    def bounded(event: Any, context: Any) -> Any:
        with deadline.within(context.get_remaining_time_in_millis() / 1000 - deadline.RESERVE):
            return handler(event, context)

    return bounded


def _around_snapshots(prime: Callable[[], object]) -> None:
    # Lambda's documentation: "Lambda SnapStart runtime hooks for Python".
    from snapshot_restore_py import register_after_restore, register_before_snapshot  # type: ignore[import-untyped]  # noqa: PLC0415

    register_before_snapshot(_before, prime)
    register_after_restore(_after)


def _before(prime: Callable[[], object]) -> None:
    prime()
    gc.collect()
    gc.freeze()


def _after() -> None:
    from atelier import wiring  # noqa: PLC0415 - which is there by then

    # Pauses between retries are drawn from it: processes of one snapshot would all come back at the same moment.
    random.seed()
    wiring.disconnect()
