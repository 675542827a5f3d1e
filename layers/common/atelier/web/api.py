"""The HTTP layer of every function: resolver, responses, errors.

`api()` makes a resolver whose every error is problem+json. `serve()` turns it into a Lambda handler that checks the
request before any route, and puts the request id on every answer and one line about it into the log.
"""

import json
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final, get_origin

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.middlewares import NextMiddleware
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

from atelier.domain.errors import DomainError, FieldError, Forbidden, Invalid, Unauthenticated
from atelier.domain.schema import StoredModel
from atelier.store.idempotency import CreateResult
from atelier.telemetry import count, log, log_context
from atelier.web.claims import Claims
from atelier.web.compression import compress
from atelier.web.conditional import etag, unchanged
from atelier.web.problems import problem_response
from atelier.web.request_body import decoded_body, parse_body, read_body
from atelier.web.roles import UNAUTHENTICATED, authorize
from atelier.web.routes import methods_at, refusal
from atelier.web.validation import parameter_errors, pointer_to, validation_errors

Event = Mapping[str, Any]
Answer = dict[str, Any]
Reply = Response[Any]
"""What a route returns: the body is already JSON text."""
Handler = Callable[[dict[str, Any], LambdaContext], Answer]

PREFIX: Final = "/api/v3"
JSON: Final = "application/json"
ASKED_FOR: Final = frozenset({"accept", "accept-encoding", "idempotency-key", "if-match", "if-none-match"})
"""The headers that routes may ask for; a test compares."""
_CLAIMS: Final = "claims"
LARGEST_ANSWER: Final = 6_000_000  # bytes; Lambda's limit is 6 MB with the headers
PAGE_TOO_LARGE: Final = FieldError("this page is too large to be sent; ask for fewer items", parameter="page_size")


def api(*, raw_bodies: bool = False) -> APIGatewayHttpResolver:
    """A resolver that validates requests strictly and answers every error as problem+json.

    With `raw_bodies`, its routes read the body as it came; nothing else looks at it.
    """
    app = APIGatewayHttpResolver(enable_validation=True, json_body_deserializer=parse_body)
    app.use([_only_known_parameters if raw_bodies else _only_what_is_known])

    @app.exception_handler(RequestValidationError)  # type: ignore[untyped-decorator]
    def _not_valid(error: RequestValidationError) -> Response[str]:
        return _problem(app, Invalid(validation_errors(error) + _parameter_faults(app)))

    @app.exception_handler(DomainError)  # type: ignore[untyped-decorator]
    def _refused(error: DomainError) -> Response[str]:
        return _problem(app, error)

    @app.exception_handler(Exception)  # type: ignore[untyped-decorator]
    def _failed(error: Exception) -> Response[str]:
        log.exception("unexpected error", exc_info=error)
        return _problem(app, error)

    @app.not_found
    def _no_such_route(_: Exception) -> Response[str]:
        return _problem(app, refusal(app.current_event.http_method, app.current_event.path))

    return app


def _problem(app: APIGatewayHttpResolver, error: Exception) -> Response[str]:
    event = app.current_event
    return problem_response(error, instance=event.path, request_id=event.request_context.request_id)


def _only_what_is_known(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Reply:
    if _is_ours(app):
        _check(app, _parameter_faults(app) + _field_faults(app))
    return next_middleware(app)


def _only_known_parameters(app: APIGatewayHttpResolver, next_middleware: NextMiddleware) -> Reply:
    if _is_ours(app):
        _check(app, _parameter_faults(app))
    return next_middleware(app)


def _is_ours(app: APIGatewayHttpResolver) -> bool:
    # Powertools takes a request that none of our routes takes through here too, by a route that matches any path.
    return not app.context["_route"].rule.match("/")


def _check(app: APIGatewayHttpResolver, field_errors: list[FieldError]) -> None:
    if app.context[_CLAIMS] is None:
        raise Forbidden("No role may use this route.")  # a route of ours without a row in the table of roles
    if field_errors:
        raise Invalid(field_errors)


def claims_in(app: APIGatewayHttpResolver) -> Claims:
    """The claims of the current request. Raises Unauthenticated on routes without a token."""
    claims = app.context[_CLAIMS]
    if not isinstance(claims, Claims) or claims is UNAUTHENTICATED:
        raise Unauthenticated("This request carries no verified identity.")
    return claims


def _parameter_faults(app: APIGatewayHttpResolver) -> list[FieldError]:
    query_string, route = app.current_event.raw_query_string, app.context["_route"]
    if not query_string or not route.include_in_schema:
        return []  # of a page nothing is asked: identity providers add what they like to the address they return to
    known: dict[str, bool] = {}  # whether it may be given several times
    for parameter in route.dependant.query_params:
        shape = parameter.field_info.annotation
        is_shape = isinstance(shape, type) and issubclass(shape, BaseModel)
        fields = shape.model_fields if is_shape else {parameter.alias: parameter.field_info}
        known |= {field.alias or name: get_origin(field.annotation) is tuple for name, field in fields.items()}
    several = {name for name, is_several in known.items() if is_several}
    return parameter_errors(query_string, known, several=several)


def _field_faults(app: APIGatewayHttpResolver) -> list[FieldError]:
    body = app.current_event.body
    if app.context["_route"].dependant.body_params or not body:
        return []
    said = "unknown field; no body is expected here"
    return [FieldError(said, pointer=pointer_to([name])) for name in parse_body(body)]


# ------------------------------------------------------------------------------------------------------- answers


def resource_response(
    record: StoredModel, *, status: int = HTTPStatus.OK, tag: str | None = None, **headers: str
) -> Reply:
    """The response with one resource and its ETag. `headers` are named with underscores."""
    named: dict[str, str | list[str]] = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, JSON, record.model_dump_json(), headers={"ETag": tag or etag(record.version), **named})


def created_response(made: CreateResult[Any], *, location: str, status: int = HTTPStatus.CREATED) -> Reply:
    """The response of a create, or of its replay."""
    replayed = {"Idempotent_Replayed": "true"} if made.replayed else {}
    return resource_response(made.record, status=status, Location=f"{PREFIX}{location}", **replayed)


def page_response(page: StoredModel) -> Reply:
    """A page of a list. Raises Invalid for one that is larger than a Lambda may answer.

    The limits of the fields keep 100 items below that, but for texts that are nearly all quotes or control characters:
    Lambda sends the body as a string within JSON, so those grow twice.
    """
    return bounded_response(page.model_dump_json(), content_type=JSON, too_large=PAGE_TOO_LARGE)


def page_of_texts(page: Mapping[str, Any]) -> Reply:
    """A page of a list whose items are JSON texts. Raises Invalid as `page_response` does."""
    rest = {name: value for name, value in page.items() if name != "items"}
    body = f'{{"items":[{",".join(page["items"])}],{json.dumps(rest, separators=(",", ":"))[1:]}'
    return bounded_response(body, content_type=JSON, too_large=PAGE_TOO_LARGE)


def bounded_response(
    body: str, *, content_type: str, too_large: FieldError, headers: Mapping[str, str] | None = None
) -> Reply:
    """The response with this body. Raises Invalid, with `too_large`, for one that a Lambda may not answer."""
    if len(body) * 2 > LARGEST_ANSWER and len(json.dumps(body, ensure_ascii=False).encode()) > LARGEST_ANSWER:
        raise Invalid([too_large])
    return Response(HTTPStatus.OK, content_type, body, headers={**(headers or {})})


def no_content() -> Reply:
    """The response of a DELETE."""
    return Response(HTTPStatus.NO_CONTENT)


# ------------------------------------------------------------------------------------------------------- handler


def serve(app: APIGatewayHttpResolver, *, raw_bodies: bool = False) -> Handler:
    """The Lambda handler of a resolver."""

    def handler(event: dict[str, Any], context: LambdaContext) -> Answer:
        request_id, began = event["requestContext"]["requestId"], time.perf_counter()
        sent = _headers(event)
        with log_context(request_id=request_id):
            answer = _answer(app, event, sent, context, raw_bodies=raw_bodies)
            _log(event, answer, milliseconds=(time.perf_counter() - began) * 1000)
        if answer.get("body") is None or event["requestContext"]["http"]["method"] == "HEAD":
            answer["body"] = ""
        headers = answer.setdefault("headers", {})
        headers |= {"X-Request-Id": request_id, "X-Content-Type-Options": "nosniff"}
        headers.setdefault("Cache-Control", "no-store")
        compress(answer, sent.get("accept-encoding"))
        return answer

    return handler


def _answer(
    app: APIGatewayHttpResolver,
    event: dict[str, Any],
    headers: dict[str, str],
    context: LambdaContext,
    *,
    raw_bodies: bool,
) -> Answer:
    try:
        app.context[_CLAIMS] = authorize(event)
        body = decoded_body(event) if raw_bodies else read_body(event, headers)
    except DomainError as refused:
        method, path = event["requestContext"]["http"]["method"], event["rawPath"]
        return _early(refused if method in methods_at(path) else refusal(method, path), event)
    # Powertools copies all headers of a request three times over, and routes ask for a few of them.
    asked = headers if raw_bodies else {name: value for name, value in headers.items() if name in ASKED_FOR}
    known = {**event, "headers": {**asked, "content-type": JSON}, "body": body, "isBase64Encoded": False}
    return _without_body_if_unchanged(known, app.resolve(known, context))


def _headers(event: Event) -> dict[str, str]:
    # HTTP APIs write names in lower case, `sam local start-api` does not; to HTTP they are the same.
    return {name.lower(): value for name, value in (event.get("headers") or {}).items()}


def _early(refusal: DomainError, event: Event) -> Answer:
    context = event["requestContext"]
    answer = problem_response(refusal, instance=event["rawPath"], request_id=context["requestId"])
    headers = {"Content-Type": answer.content_type, **{name: str(value) for name, value in answer.headers.items()}}
    return {"statusCode": int(answer.status_code), "headers": headers, "body": answer.body, "isBase64Encoded": False}


def _without_body_if_unchanged(event: Event, answer: Answer) -> Answer:
    current = answer["headers"].get("ETag")
    is_get = event["requestContext"]["http"]["method"] == "GET"
    if not (is_get and answer["statusCode"] == HTTPStatus.OK and current):
        return answer
    if not unchanged((event.get("headers") or {}).get("if-none-match"), current):
        return answer
    return {"statusCode": int(HTTPStatus.NOT_MODIFIED), "headers": {"ETag": current}, "isBase64Encoded": False}


def _log(event: Event, answer: Answer, *, milliseconds: float) -> None:
    about = {
        "method": event["requestContext"]["http"]["method"],
        "path": event["rawPath"],
        "status": answer["statusCode"],
        "duration_ms": round(milliseconds, 1),
    }
    log.info("request", extra=about)
    if answer["statusCode"] == HTTPStatus.INTERNAL_SERVER_ERROR:
        count("UnexpectedErrors")
