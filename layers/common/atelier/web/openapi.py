"""What routes tell the OpenAPI document about their answers."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Any, Final

from aws_lambda_powertools.event_handler.openapi.params import Header, Path, Query
from pydantic import AfterValidator, BaseModel

from atelier.domain.ids import canonical
from atelier.domain.pages import OWNER, AccountNumber
from atelier.web.problems import CONTENT_TYPE, Problem

_WHEN: Final[Mapping[int, str]] = {
    202: "Not finished yet; ask again after `Retry-After` seconds.",
    304: "Not modified since the version in If-None-Match.",
    400: "The request is not valid; `errors` lists every problem.",
    401: 'No valid token. Where the gateway refuses it, the body is `{"message"}`.',
    403: "Your role does not allow this.",
    404: "It does not exist, or is not visible to you.",
    409: "Conflicts with the current state.",
    412: "The resource has changed since the version in If-Match.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "The idempotency key was used for another request.",
    429: "A limit of the account is reached (`GET /account` shows them): try again after `Retry-After` seconds.",
    500: "An internal error; it was logged with this request id.",
    503: (
        "Temporarily unavailable: try again after `Retry-After` seconds. "
        "Nothing was written, unless `detail` says that this is unknown."
    ),
}
_ALWAYS: Final = (500, 503)
READ: Final = (400, 404)
CHANGE: Final = (400, 404, 412, 413, 415)
CREATE: Final = (400, 404, 409, 413, 415, 422)
GENERATE: Final = (*CREATE, 429)
BATCH: Final = (400, 413, 415, 422)

_REQUEST_ID: Final = {"X-Request-Id": {"description": "The id of this answer.", "schema": {"type": "string"}}}
_TEXT: Final = {"type": "string"}
_HEADERS: Final[Mapping[str, dict[str, Any]]] = {
    "ETag": {"description": "The version of the resource.", "schema": _TEXT},
    "Location": {"description": "Where the new resource is.", "schema": _TEXT},
    "Idempotent-Replayed": {"description": "`true` when an earlier request with this key created it.", "schema": _TEXT},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
}
_TELLS: Final[Mapping[int, tuple[str, ...]]] = {304: ("ETag",), 429: ("Retry-After",), 503: ("Retry-After",)}


def responses(
    success: int,
    shape: type[BaseModel] | None,
    says: str,
    *problems: int,
    headers: tuple[str, ...] = (),
    running: type[BaseModel] | None = None,
    csv: str = "",
) -> dict[int, Any]:
    """The `responses` of a route: its success, the problems it can meet, and those that any route can meet.

    `running` is what a route answers with 202 while there is nothing to show yet; `csv` describes what it answers who
    asks for CSV.
    """
    content: dict[str, Any] = {"application/json": {"model": shape}} if shape else {}
    if csv:
        content["text/csv"] = {"schema": {"type": "string", "description": csv}}
    found: dict[int, Any] = {success: _response(says, content, headers)}
    if running:
        found[202] = _response(
            _WHEN[202], {"application/json": {"model": running}}, (*headers, "Location", "Retry-After")
        )
    for status in sorted({*problems, *_ALWAYS}):
        problem = {} if status == HTTPStatus.NOT_MODIFIED else {CONTENT_TYPE: {"model": Problem}}
        found[status] = _response(_WHEN[status], problem, _TELLS.get(status, ()))
    return found


def problem_responses(*problems: int) -> dict[str, Any]:
    """What the finished document says about these problems."""
    content = {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {str(status): _response(_WHEN[status], content, ()) for status in problems}


def _response(description: str, content: dict[str, Any], headers: tuple[str, ...]) -> dict[str, Any]:
    named = _REQUEST_ID | {name: _HEADERS[name] for name in headers}
    return {"description": description, "headers": named} | ({"content": content} if content else {})


CREATED_HEADERS: Final = ("ETag", "Location", "Idempotent-Replayed")

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="Makes a retry safe: the same key and body create once in 24 hours.",
    ),
]
IfMatch = Annotated[str | None, Header(alias="If-Match", description="Only if this is still the current version.")]
IfNoneMatch = Annotated[
    str | None, Header(alias="If-None-Match", description="Answer 304 if this is still the current version.")
]


def path_id(kind: str) -> Any:
    """A path parameter that names one resource."""
    return Path(description=f"The {kind}'s id.", json_schema_extra={"format": "uuid"})


PathId = Annotated[str, AfterValidator(canonical), Path(description="Its id.", json_schema_extra={"format": "uuid"})]
ClientId = Annotated[str, AfterValidator(canonical), path_id("client")]
CampaignId = Annotated[str, AfterValidator(canonical), path_id("campaign")]
Owner = Annotated[AccountNumber | None, Query(**OWNER)]
AssetId = Annotated[str, AfterValidator(canonical), path_id("asset")]
TaskId = Annotated[str, AfterValidator(canonical), path_id("task")]
ModelId = Annotated[str, AfterValidator(canonical), path_id("line")]
