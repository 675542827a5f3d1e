"""/api/v3/health, /api/v3/openapi.json, /docs, and the answer to every path and method that nobody else takes."""

from atelier.bootstrap import bootstrap

from typing import Annotated, Literal

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.params import Path
from pydantic import BaseModel

from atelier import VERSION, wiring
from atelier.domain.schema import utcnow
from atelier.web.api import JSON, Reply, api, serve
from atelier.web.docs import POLICY, asset, page
from atelier.web.openapi import IfNoneMatch, responses
from atelier.web.routes import document

app = api()


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
def docs_asset(name: Annotated[str, Path(max_length=64)], if_none_match: IfNoneMatch = None) -> Reply:
    """Send a file that the page loads, which browsers may keep for a day."""
    file = asset(name)
    headers = {"ETag": file.etag, "Cache-Control": "public, max-age=86400"}
    return Response(200, file.content_type, file.text, headers=headers)


handler = bootstrap(serve(app), wiring.table_health, prime=app.get_openapi_json_schema)
