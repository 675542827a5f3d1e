"""The tests, a folder for each kind; README.md says which is which."""

from typing import Final

QUICK: Final = ("unit", "property", "contract")
"""The folders of `make unit`: no socket, no emulator."""
