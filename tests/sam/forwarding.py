"""A way for containers to what listens on this machine's loopback only: a port of the address they know us by."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

LOOPBACK: Final = "127.0.0.1"
PIECE: Final = 65_536


@contextmanager
def forwarded(gateway: str, port: int) -> Iterator[int]:
    """A port of `gateway` that leads to this port of the loopback address, as long as the context lasts."""
    with socket.create_server((gateway, 0)) as listener:
        threading.Thread(target=_accept, args=(listener, port), daemon=True).start()
        yield int(listener.getsockname()[1])
        # Closing alone would leave the thread in its accept, and the port open.
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, port: int) -> None:
    with suppress(OSError):
        while True:
            outside, _ = listener.accept()
            inside = socket.create_connection((LOOPBACK, port))
            for pair in ((outside, inside), (inside, outside)):
                threading.Thread(target=_carry, args=pair, daemon=True).start()


def _carry(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(PIECE):
            target.sendall(piece)
    for end in (source, target):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()
