"""The tests, a folder for each kind; README.md says which is which."""

from typing import Final

QUICK: Final = ("unit", "property", "contract")
"""The folders of `make unit`: no socket, no emulator."""

STARTED_ONCE: Final = ("e2e", "engines")
"""The folders whose tests share a running project or its engines."""
