"""The protocol behind which every provider stands, and what it may answer.

A provider is a separate company with its own queue: a job is submitted once and then asked after. Adapters translate
its words into these four answers and nothing else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from pydantic import JsonValue

from atelier.domain.tasks import TaskError, TaskType


@dataclass(frozen=True)
class Order:
    """One job as a provider is asked for it. `reference` is ours, the same however often it is asked."""

    reference: str
    type: TaskType
    model: str
    prompt: str
    effective_prompt: str
    options: Mapping[str, JsonValue]


@dataclass(frozen=True)
class Waiting:
    """In the provider's queue, `position` places from the front when that is known."""

    position: int | None = None


@dataclass(frozen=True)
class Working:
    """Being generated; `progress` is from 0 to 1 when that is known."""

    progress: float | None = None


@dataclass(frozen=True)
class Made:
    """One file that a finished job brought, with what is known of it. `duration` is in seconds."""

    content: bytes
    content_type: str
    width: int | None = None
    height: int | None = None
    duration: float | None = None


@dataclass(frozen=True)
class Done:
    """Finished with media, for `cost` US dollars when that is known."""

    media: tuple[Made, ...]
    cost: Decimal | None = None


@dataclass(frozen=True)
class Refused:
    """Ended without media."""

    error: TaskError


State = Waiting | Working | Done | Refused


class Provider(Protocol):
    """What the pipeline asks of a provider."""

    def submit(self, order: Order) -> str:
        """Hand in the job and return the provider's id for it.

        Raises SubmitRefused when it certainly was not accepted. Any other exception means that nobody knows, and the
        pipeline will ask `find` before it does anything else.
        """

    def find(self, order: Order) -> str | None:
        """The provider's id of a job whose submit was never answered; None when there certainly is none."""

    def poll(self, job: str, order: Order) -> State:
        """Where the job stands."""

    def cancel(self, job: str) -> None:
        """Ask that the job be stopped; it may end all the same."""


class SubmitRefused(Exception):
    """The provider said no to the job; `error` says why."""

    def __init__(self, error: TaskError) -> None:
        self.error = error
        super().__init__(error.message)
