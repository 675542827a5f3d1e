"""The errors of the domain. Only `web.problems` knows their HTTP statuses.

DomainError
  Invalid            the caller's input, with every problem found
  Unauthenticated    no verified caller
  Forbidden          the caller's role does not allow it
  NotFound           it does not exist, or is not the caller's: the answers are the same
  IllegalTransition  the life cycle of the task or import does not allow it
  TaskFailed         the result of a task that has none
  AssetRejected      the file of an asset is none that can be used
  PreconditionFailed If-Match names a version that is no longer the current one
  RequestInProgress  the first request with this idempotency key has not finished
  IdempotencyKeyReused this idempotency key was used for another request
  BudgetExceeded     a budget has no room for what a generation may cost
  BatchClash         two items of an atomic batch change the same
  NotCarriedOut      an item of an atomic batch, another one of which was refused
  TooManyShares      nothing more can be shared with this user
  LimitExceeded      a limit of the account is reached: try again after `retry_after` seconds
  Busy               try again after `retry_after` seconds; nothing was written
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class FieldError:
    """One error of a request: its place (a JSON pointer or a parameter's name) and a sentence."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None

    def __str__(self) -> str:
        place = self.parameter or (self.pointer or "").removeprefix("/")
        return f"{place}: {self.detail}" if place else self.detail


class DomainError(Exception):
    """Base of the domain's errors; the text may be shown to the caller."""


class Invalid(DomainError):
    """The request is malformed or out of bounds; `field_errors` lists every problem."""

    def __init__(self, field_errors: Sequence[FieldError]) -> None:
        self.field_errors = tuple(field_errors)
        super().__init__("; ".join(map(str, self.field_errors)))


class Unauthenticated(DomainError):
    """There are no verified claims to act for."""


class Forbidden(DomainError):
    """The caller is known, and their role does not allow this."""


class NotFound(DomainError):
    """The resource does not exist for this caller."""

    def __init__(self, kind: str, wanted: str) -> None:
        self.kind = kind
        super().__init__(f"There is no {kind.replace('_', ' ')} {wanted}.")


class IllegalTransition(DomainError):
    """The status of the task or import does not allow this transition."""


class TaskFailed(DomainError):
    """The task ended without a result; `code` and `retryable` are the task's own."""

    def __init__(self, *, code: str, message: str, retryable: bool) -> None:
        self.code = code
        self.retryable = retryable
        super().__init__(message)


class AssetRejected(DomainError):
    """The file of an asset was rejected; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class PreconditionFailed(DomainError):
    """The resource has changed since the version that If-Match names."""


class RequestInProgress(DomainError):
    """Another request with the same idempotency key is in progress."""


class IdempotencyKeyReused(DomainError):
    """The idempotency key belongs to a request with another body or path."""


class BudgetExceeded(DomainError):
    """A budget that blocks has no room for a generation. Nothing was written.

    `kind` and `id` say whose budget it is (an account's has no id). `needed` is None where the price is not known.
    """

    def __init__(
        self, kind: str, id_: str | None, *, period: str, limit: Decimal, available: Decimal, needed: Decimal | None
    ) -> None:
        self.kind = kind
        self.id = id_
        self.period = period
        self.limit = limit
        self.available = available
        self.needed = needed
        whose = f"The budget of {kind} {id_}" if id_ else "The account's budget"
        if needed is None:
            says = f"{whose} takes only what has a price. Send max_cost, and that is reserved."
        else:
            says = f"{whose} has {available:f} USD left, and this needs {needed:f} USD."
        super().__init__(says)


class BatchClash(DomainError):
    """Two items of an atomic batch change the same resource."""


class NotCarriedOut(DomainError):
    """An item of an atomic batch that was not carried out, because another one was refused."""


class TooManyShares(DomainError):
    """As much as possible is shared with this user already."""


class LimitExceeded(DomainError):
    """A limit of the account is reached. Nothing was written."""

    def __init__(self, detail: str, *, retry_after: int) -> None:
        self.retry_after = retry_after
        super().__init__(detail)


class Busy(DomainError):
    """Too much contention or load. Nothing was written, or the detail says that this is unknown."""

    def __init__(self, detail: str, *, retry_after: int = 2) -> None:
        self.retry_after = retry_after
        super().__init__(detail)
