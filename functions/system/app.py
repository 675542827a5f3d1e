"""Health, the OpenAPI document, /docs, /console, and the answer to every path and method that nobody else takes."""

from atelier.bootstrap import bootstrap

from base64 import b64encode
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Header
from aws_lambda_powertools.event_handler.openapi.params import Path as PathParameter
from pydantic import BaseModel

from atelier import VERSION, wiring
from atelier.domain.schema import utcnow
from atelier.settings import settings
from atelier.web.api import JSON, Reply, api, serve
from atelier.web.console import Console
from atelier.web.docs import POLICY, asset, page
from atelier.web.openapi import IfNoneMatch, responses
from atelier.web.routes import document

app = api()
files = Console(Path(__file__).parent / "console", settings())


class Health(BaseModel):
    """That the API is up and its table answers."""

    status: Literal["ok"] = "ok"
    version: str = VERSION


@app.get(
    "/api/v3/health",
    tags=["System"],
    operation_id="getHealth",
    summary="Check health",
    responses=responses(200, Health, "The API is up and its table answers.", 400),
)
def health() -> Reply:
    """Check that the API is up and that its table answered within the last seconds. Requires no token."""
    wiring.table_health().check(now=utcnow())
    return Response(200, JSON, Health().model_dump_json())


@app.head(
    "/api/v3/health",
    tags=["System"],
    operation_id="headHealth",
    summary="Check health without a body",
    responses=responses(200, None, "The API is up and its table answers.", 400),
)
def health_without_body() -> Reply:
    """Check the same as GET and answer without a body, for load balancers and monitors. Requires no token."""
    return health()


@app.get(
    "/api/v3/openapi.json",
    tags=["System"],
    operation_id="getOpenApi",
    summary="This document",
    responses=responses(200, None, "The whole API, as OpenAPI 3.1.", 400),
)
def openapi() -> Reply:
    """Show this document. Requires no token."""
    return Response(200, JSON, document(), headers={"Cache-Control": "max-age=300"})


@app.get("/docs", include_in_schema=False)
def docs() -> Reply:
    """Show the same document as a page that loads nothing from anywhere else."""
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "max-age=300"}
    return Response(200, "text/html; charset=utf-8", page(), headers=headers)


@app.get("/docs/<name>", include_in_schema=False)
def docs_asset(name: Annotated[str, PathParameter(max_length=64)], if_none_match: IfNoneMatch = None) -> Reply:
    """Send a file that the page loads, which browsers may keep for a day."""
    file = asset(name)
    headers = {"ETag": file.etag, "Cache-Control": "public, max-age=86400"}
    return Response(200, file.content_type, file.text, headers=headers)


@app.get("/", include_in_schema=False)
def root() -> Reply:
    """Lead to the console."""
    return Response(HTTPStatus.FOUND, headers={"Location": "/console/"})


@app.get("/console", include_in_schema=False)
def console(if_none_match: IfNoneMatch = None) -> Reply:
    """Show the console, which uses the API as anybody does. What it loads is asked for by address from the root."""
    page = files.page
    headers = {"ETag": page.etag, "Cache-Control": "no-cache", **page.headers}
    return Response(HTTPStatus.OK, "text/html; charset=utf-8", page.text, headers=headers)


@app.get("/console/", include_in_schema=False)
def console_with_slash(if_none_match: IfNoneMatch = None) -> Reply:
    """Show the same. It comes by the gateway's `$default`: nobody says what a route that ends with a slash matches."""
    return console(if_none_match)


@app.get("/console/<name>", include_in_schema=False)
def console_asset(
    name: Annotated[str, PathParameter(max_length=64)], accept_encoding: Annotated[str, Header()] = ""
) -> Reply:
    """Send a file that the console loads, which browsers may keep for good: its name changes with its content."""
    if successor := files.successor(name):
        return Response(HTTPStatus.TEMPORARY_REDIRECT, headers={"Location": f"/console/{successor}"})
    asset = files.asset(name, accept_encoding)
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}
    if asset.coding:
        headers["Content-Encoding"] = asset.coding
    reply: Reply = Response(HTTPStatus.OK, asset.content_type, b64encode(asset.content).decode(), headers=headers)
    reply.base64_encoded = True
    return reply


handler = bootstrap(serve(app), wiring.table_health, prime=app.get_openapi_json_schema)
