"""Many requests at the same time, in virtual time: threads that run one by one, each until it waits.

What they do between waits takes no time. The same requests with the same chances happen in the same order each time.
"""

import heapq
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count


@dataclass
class VirtualTime:
    """The time, and who waits until when. `now` is in seconds and begins at 0."""

    now: float = 0.0
    is_running: bool = False
    _waiting: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _number: "count[int]" = field(default_factory=count)
    _turn_is_over: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    _failures: list[BaseException] = field(default_factory=list)

    def at(self, moment: float, act: Callable[[], object]) -> None:
        """Have a thread of its own do this at that moment."""

        def begin() -> None:
            threading.Thread(target=self._carry_out, args=(act,), daemon=True).start()

        self._wait_for(moment, begin)

    def sleep(self, seconds: float) -> None:
        """Let so much time go by for the thread that asks, and others have their turns meanwhile."""
        mine = threading.Semaphore(0)
        self._wait_for(self.now + seconds, mine.release)
        self._turn_is_over.release()
        mine.acquire()

    def run(self, until: float = float("inf")) -> None:
        """Run all threads until none waits any more, or until this time. Raises what a thread raised."""
        self.is_running = True
        while self._waiting and self._waiting[0][0] <= until and not self._failures:
            self.now, _, wake = heapq.heappop(self._waiting)
            wake()
            self._turn_is_over.acquire()
        self.is_running = False
        if self._failures:
            raise self._failures[0]

    def _wait_for(self, moment: float, wake: Callable[[], None]) -> None:
        heapq.heappush(self._waiting, (moment, next(self._number), wake))

    def _carry_out(self, act: Callable[[], object]) -> None:
        try:
            act()
        except BaseException as failure:
            self._failures.append(failure)
        finally:
            self._turn_is_over.release()
