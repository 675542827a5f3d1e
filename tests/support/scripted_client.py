"""A table whose DynamoDB is a script: it answers what the test says, and remembers what it was asked."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from botocore.exceptions import ClientError

from atelier.store.keys import Key
from atelier.store.table import Retry, Table

HERE: Final = Key("ACCOUNT#1", "A")
THERE: Final = Key("ACCOUNT#1", "B")


@dataclass
class Script:
    """A DynamoDB client that answers what it was told, in turn, and remembers what it was asked."""

    answers: list[Any] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self.asked.append((operation, request))
            answer = self.answers.pop(0) if self.answers else {}
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


@dataclass
class Clock:
    """Pauses that take no time."""

    pauses: list[float] = field(default_factory=list)

    def retry(self, attempts: int = 4, *, chance: float = 1.0) -> Retry:
        """A retry that leaves a trace here."""
        return Retry(attempts=attempts, sleep=self.pauses.append, chance=lambda: chance)


def table_of(*answers: Any, attempts: int = 4) -> tuple[Table, Script, Clock]:
    """A table on a script, with pauses that take no time."""
    script, clock = Script(list(answers)), Clock()
    client: Any = script
    return Table(client, "atelier", retry=clock.retry(attempts)), script, clock


def failure(code: str, **more: Any) -> ClientError:
    """What botocore raises for an error of this code."""
    response: Any = {"Error": {"Code": code, "Message": "As told."}, **more}
    return ClientError(response, "TransactWriteItems")


def canceled(*codes: str, items: dict[int, Any] | None = None) -> ClientError:
    """A canceled transaction, with the reason of each of its writes."""
    reasons = [{"Code": code} | ({"Item": items[at]} if items and at in items else {}) for at, code in enumerate(codes)]
    return failure("TransactionCanceledException", CancellationReasons=reasons)
