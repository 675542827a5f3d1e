"""What every message of our queues has."""

from typing import Final

from pydantic import BaseModel

LONGEST_DELAY: Final = 900
"""Seconds that a queue can hold a message back."""


class AccountMessage(BaseModel):
    """A message, and the account (`user_id`) whose work it is: queues serve accounts fairly."""

    user_id: int
