"""The deadline of an invocation, which everything that waits shares.

Lambda ends a function without a word when its time is over, and the gateway makes a timeout of that. So reads, their
repetitions, conflicts, pauses and sockets ask here how long they may still wait, and what does not fit ends as Busy
while there is time to say so. Without a deadline, as in tests, there is no end.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic
from typing import Final

RESERVE: Final = 1.0
"""Seconds at the end of an invocation for what follows the last wait: the answer, the log, the report of a batch."""

_ends: ContextVar[float] = ContextVar("ends", default=math.inf)
clock = monotonic


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Whatever waits in here waits no longer than these seconds, nor than it could before."""
    token = _ends.set(min(_ends.get(), clock() + seconds))
    try:
        yield
    finally:
        _ends.reset(token)


def remaining() -> float:
    """Seconds until the deadline; less than 0 when it has passed, infinite where there is none."""
    return _ends.get() - clock()
