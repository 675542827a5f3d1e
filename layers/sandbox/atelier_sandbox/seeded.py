"""Where the sandbox gets its chance from: the request itself, never the process."""

import hashlib
import random


def rng_for(*parts: object) -> random.Random:
    """Return a generator that depends only on `parts`, in this process and in any other.

    `ascii` tells ("a", "b") from ("ab",) and survives text that UTF-8 cannot encode.
    """
    digest = hashlib.sha256(ascii(parts).encode()).digest()
    return random.Random(int.from_bytes(digest, "big"))  # noqa: S311
