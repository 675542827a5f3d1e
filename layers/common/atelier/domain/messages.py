"""What every message of our queues has."""

from typing import Final

from pydantic import BaseModel

LONGEST_DELAY: Final = 900
"""Seconds that a queue can hold a message back."""


class AccountMessage(BaseModel):
    """A message, and the account (`user_id`) whose work it is: queues serve accounts fairly."""

    user_id: int


class ImportMessage(AccountMessage):
    """A message of the import queue: carry an import on. Turns before the import's present one are over."""

    import_id: str
    turn: int = 0
