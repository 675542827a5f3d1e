"""What the template tells a function through its environment."""

import os
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Final

PLACEHOLDER: Final = "placeholder"


@dataclass(frozen=True)
class Settings:
    """The environment of one function. What a function is not given is empty."""

    table: str
    bucket: str
    generation_queue: str
    cascade_queue: str
    auth_mode: str
    sandbox: bool
    grace: timedelta


@cache
def settings() -> Settings:
    """This function's settings, read once."""
    env = os.environ.get
    return Settings(
        table=env("TABLE_NAME", ""),
        bucket=env("MEDIA_BUCKET", ""),
        generation_queue=env("GENERATION_QUEUE_URL", ""),
        cascade_queue=env("CASCADE_QUEUE_URL", ""),
        auth_mode=env("AUTH_MODE", "jwt"),
        sandbox=env("SANDBOX", "off") == "on",
        grace=timedelta(seconds=int(env("GRACE_SECONDS", "90"))),
    )
