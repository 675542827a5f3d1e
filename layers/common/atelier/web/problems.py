"""Errors as responses: application/problem+json (RFC 9457). Only this table maps errors to statuses."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

from aws_lambda_powertools.event_handler import Response
from pydantic import BaseModel, ConfigDict, Field

from atelier.domain import errors
from atelier.domain.schema import Amount

CONTENT_TYPE: Final = "application/problem+json"


class MethodNotAllowed(errors.DomainError):
    """The path exists, the method does not; `allowed` are those that do."""

    def __init__(self, allowed: str) -> None:
        self.allowed = allowed
        super().__init__(f"This path allows {allowed}.")


class NoSuchPath(errors.DomainError):
    """Nothing is served at this path."""


class TooLarge(errors.DomainError):
    """The body is larger than a request may be."""


class UnsupportedMediaType(errors.DomainError):
    """The body is not JSON."""


STATUS: Final[Mapping[type[errors.DomainError], HTTPStatus]] = {
    errors.Invalid: HTTPStatus.BAD_REQUEST,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.NotFound: HTTPStatus.NOT_FOUND,
    NoSuchPath: HTTPStatus.NOT_FOUND,
    MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    errors.IllegalTransition: HTTPStatus.CONFLICT,
    errors.RequestInProgress: HTTPStatus.CONFLICT,
    errors.BudgetExceeded: HTTPStatus.CONFLICT,
    errors.TaskFailed: HTTPStatus.CONFLICT,
    errors.AssetRejected: HTTPStatus.CONFLICT,
    errors.TooManyShares: HTTPStatus.CONFLICT,
    errors.BatchClash: HTTPStatus.CONFLICT,
    errors.NotCarriedOut: HTTPStatus.CONFLICT,
    errors.PreconditionFailed: HTTPStatus.PRECONDITION_FAILED,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.IdempotencyKeyReused: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.LimitExceeded: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Busy: HTTPStatus.SERVICE_UNAVAILABLE,
}

TITLES: Final[Mapping[HTTPStatus, tuple[str, str]]] = {
    HTTPStatus.BAD_REQUEST: ("invalid-request", "The request is not valid"),
    HTTPStatus.UNAUTHORIZED: ("unauthenticated", "Authentication is required"),
    HTTPStatus.FORBIDDEN: ("forbidden", "Not allowed"),
    HTTPStatus.NOT_FOUND: ("not-found", "Not found"),
    HTTPStatus.METHOD_NOT_ALLOWED: ("method-not-allowed", "Method not allowed"),
    HTTPStatus.CONFLICT: ("conflict", "Conflicts with the current state"),
    HTTPStatus.PRECONDITION_FAILED: ("stale", "Precondition failed"),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("too-large", "The body is too large"),
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: ("not-json", "The body must be JSON"),
    HTTPStatus.UNPROCESSABLE_ENTITY: ("key-reused", "The idempotency key was used before"),
    HTTPStatus.TOO_MANY_REQUESTS: ("limit-exceeded", "A limit of the account is reached"),
    HTTPStatus.SERVICE_UNAVAILABLE: ("busy", "Busy"),
    HTTPStatus.INTERNAL_SERVER_ERROR: ("internal-error", "Internal error"),
}


OWN_TITLES: Final[Mapping[type[Exception], tuple[str, str]]] = {
    errors.BudgetExceeded: ("budget-exceeded", "A budget has no room for this"),
    errors.AssetRejected: ("asset-rejected", "The file cannot be used"),
}
"""Of errors that a caller has to tell from others of the same status."""

MOST_ERRORS: Final = 100
"""How many errors an answer lists."""
_MOST_IN_DETAIL: Final = 10
_LONGEST_PLACE: Final = 300  # characters


class ErrorDetail(BaseModel):
    """One error: its JSON pointer into the body or its parameter's name, and a sentence."""

    pointer: str | None = None
    parameter: str | None = None
    detail: str


class ExceededBudget(BaseModel):
    """A budget without room for a generation. Amounts are US dollars; there is no `needed` where no price is known."""

    @classmethod
    def of(cls, error: errors.BudgetExceeded) -> "ExceededBudget":
        """The budget that an error tells of."""
        return cls.model_validate({**vars(error), "type": error.kind})

    type: Annotated[str, Field(description="account, client or campaign")]
    id: Annotated[str | None, Field(description="Of the client or campaign.")] = None
    period: str
    limit: Amount
    available: Amount
    needed: Amount | None = None


class Problem(BaseModel):
    """An error (RFC 9457). `request_id` is the X-Request-Id of the answer; `errors` lists all that is wrong."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "urn:atelier:problem:invalid-request",
                "title": "The request is not valid",
                "status": 400,
                "detail": "name: must have at least 1 character",
                "instance": "/api/v3/clients",
                "request_id": "01f0c2e8-6f3d-4b55-9d0a-3a6b8b7f0c11",
                "errors": [{"pointer": "/name", "detail": "must have at least 1 character"}],
            }
        }
    )

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[ErrorDetail] | None = None
    code: Annotated[str | None, Field(description="Of a failed task or a rejected asset: its own error code.")] = None
    budget: Annotated[ExceededBudget | None, Field(description="The budget that has no room.")] = None
    retryable: Annotated[bool | None, Field(description="Whether a failed task is worth a retry.")] = None


def problem_response(error: Exception, *, instance: str, request_id: str) -> Response[str]:
    """The response for `error`."""
    body = problem_of(error, instance=instance, request_id=request_id).model_dump_json(exclude_none=True)
    return Response(status_of(error), CONTENT_TYPE, body, headers=_headers(error))


def problem_of(error: Exception, *, instance: str, request_id: str) -> Problem:
    """The problem that `error` is; details of errors that are not the domain's are not shown."""
    status = status_of(error)
    slug, title = OWN_TITLES.get(type(error)) or TITLES[status]
    problem = {
        "type": f"urn:atelier:problem:{slug}",
        "title": title,
        "status": int(status),
        "detail": _detail(error),
        "instance": instance,
        "request_id": request_id,
        **_particulars(error),
    }
    return Problem.model_validate(problem)


def status_of(error: Exception) -> HTTPStatus:
    """The status of an error: that of its own class in `STATUS`, and 500 for what is not the domain's."""
    return (
        STATUS.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR)
        if isinstance(error, errors.DomainError)
        else (HTTPStatus.INTERNAL_SERVER_ERROR)
    )


def _detail(error: Exception) -> str:
    if not isinstance(error, errors.DomainError):
        return "An internal error occurred; it was logged with this request id."
    if not isinstance(error, errors.Invalid):
        return str(error)
    first = error.field_errors[:_MOST_IN_DETAIL]
    more = len(error.field_errors) - len(first)
    return "; ".join(map(str, map(_shortened, first))) + (f"; and {more} more" if more else "")


def _shortened(error: errors.FieldError) -> errors.FieldError:
    # The caller chooses how long a field's name is.
    if len(error.pointer or error.parameter or "") <= _LONGEST_PLACE:
        return error
    pointer, parameter = (text and f"{text[:_LONGEST_PLACE]}…" for text in (error.pointer, error.parameter))
    return errors.FieldError(error.detail, pointer=pointer, parameter=parameter)


def _particulars(error: Exception) -> dict[str, Any]:
    match error:
        case errors.Invalid():
            return {"errors": [vars(_shortened(each)) for each in error.field_errors[:MOST_ERRORS]]}
        case errors.TaskFailed():
            return {"code": error.code, "retryable": error.retryable}
        case errors.AssetRejected():
            return {"code": error.code}
        case errors.BudgetExceeded():
            return {"budget": ExceededBudget.of(error)}
        case _:
            return {}


def _headers(error: Exception) -> dict[str, str | list[str]]:
    match error:
        case errors.Busy() | errors.LimitExceeded():
            return {"Retry-After": str(error.retry_after)}
        case MethodNotAllowed():
            return {"Allow": error.allowed}
        case errors.Unauthenticated():
            return {"WWW-Authenticate": "Bearer"}
        case _:
            return {}
