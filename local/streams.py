"""Event sources of a table's stream, in the emulator: each is read by itself, as on AWS.

The emulator reads all of them in turn, and waits for the function of one before it looks at the next. So while an
import of thousands of rows was logged, nobody's task was begun.
"""

from collections.abc import Callable, Iterable, Iterator
from threading import Lock, Thread, local
from typing import Any

Mapping = tuple[Any, Any, dict[str, Any]]
"""An account, a region, and an event source mapping of it."""


def install(lambda_service: Any) -> None:
    """From now on, no event source of a stream waits for another one."""
    # There are no public hooks: these are what the emulator's one loop over all sources calls.
    readers = Readers(lambda_service._poll_dynamodb_streams, lambda_service._iter_all_esms)  # noqa: SLF001
    lambda_service._iter_all_esms = readers.mappings  # noqa: SLF001
    lambda_service._poll_dynamodb_streams = readers.poll  # noqa: SLF001


class Readers:
    """A thread for each event source that has something to be read.

    `poll` hands a batch of each to its function, and says whether there was any; `every` gives all event sources.
    """

    def __init__(self, poll: Callable[[], bool], every: Callable[[], Iterable[Mapping]]) -> None:
        self._poll, self._every = poll, every
        self._own = local()
        self._lock = Lock()
        self._reading: dict[str, bool] = {}
        """By the id of a source that is being read: whether to look once more when there is nothing."""

    def mappings(self) -> Iterator[Mapping]:
        """All event sources, and to a reader its own."""
        own = getattr(self._own, "id", None)
        return (each for each in self._every() if own in (None, each[2]["UUID"]))

    def poll(self) -> bool:
        """Have every event source read that is not being read. Its readers say when there is more."""
        for _, _, mapping in self._every():
            id_ = mapping["UUID"]
            if ":dynamodb:" in mapping.get("EventSourceArn", "") and self._begins(id_):
                Thread(target=self._read, args=(id_,), daemon=True).start()
        return False

    def _begins(self, id_: str) -> bool:
        with self._lock:
            is_read = id_ in self._reading
            self._reading[id_] = is_read
            return not is_read

    def _read(self, id_: str) -> None:
        self._own.id = id_
        try:
            while self._poll() or self._goes_on(id_):
                pass
        except BaseException:
            with self._lock:
                del self._reading[id_]
            raise

    def _goes_on(self, id_: str) -> bool:
        # Something may have come after the reader has looked, and before it is gone.
        with self._lock:
            again = self._reading[id_]
            self._reading[id_] = False
            if not again:
                del self._reading[id_]
            return again
