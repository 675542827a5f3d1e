"""Ids are UUIDv7 whose time part is exact to the microsecond, so id order *is* creation order.

RFC 9562, section 6.2, method 3: the 12 bits after the version hold the fraction of the millisecond.
"""

import re
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CANONICAL = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_RANDOM_BITS = 62


def new_id(now: datetime, entropy: int) -> str:
    """The id of something created at `now`, made unique by `entropy` (62 bits are used)."""
    return _assemble(now, entropy % (1 << _RANDOM_BITS))


def first_id_at(moment: datetime) -> str:
    """The smallest id that something created at `moment` can have."""
    return _assemble(moment, 0)


def last_id_at(moment: datetime) -> str:
    """The largest id that something created at `moment` can have."""
    return _assemble(moment, (1 << _RANDOM_BITS) - 1)


def is_id(text: str) -> bool:
    """Whether `text` has the form of an id: a lower-case UUID."""
    return _CANONICAL.fullmatch(text) is not None


def canonical(text: str) -> str:
    """An id as it is kept, in whatever case of letters it was sent; any other text as it is."""
    lower = text.lower()
    return lower if is_id(lower) else text


def _assemble(moment: datetime, low_bits: int) -> str:
    # A moment asked for may lie before the epoch; nothing was ever created there.
    microseconds = (max(moment, _EPOCH) - _EPOCH) // timedelta(microseconds=1)
    milliseconds, rest = divmod(microseconds, 1000)
    fraction = rest * 4096 // 1000
    value = milliseconds << 80 | 0x7 << 76 | fraction << 64 | 0b10 << _RANDOM_BITS | low_bits
    return str(UUID(int=value))
