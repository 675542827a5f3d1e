"""/api/v3/imports"""

from atelier.bootstrap import bootstrap

from secrets import randbits
from typing import Annotated

from aws_lambda_powertools.event_handler import Request
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import AfterValidator

from atelier import wiring
from atelier.caller import access_of
from atelier.domain.ids import canonical, new_id
from atelier.domain.imports import (
    FailurePage,
    FailureQuery,
    Import,
    ImportPage,
    ImportQuery,
    ImportReport,
    ImportStatus,
    ImportUpload,
    NewImport,
)
from atelier.domain.messages import ImportMessage
from atelier.domain.schema import format_timestamp, utcnow
from atelier.store.idempotency import CreateResult
from atelier.web.api import PREFIX, Reply, api, created_response, page_response, resource_response, serve
from atelier.web.idempotency import idempotent_request
from atelier.web.openapi import CREATED_HEADERS, READ, IdempotencyKey, IfNoneMatch, path_id, responses

app = api()
ImportId = Annotated[str, AfterValidator(canonical), path_id("import")]


@app.post(
    "/api/v3/imports",
    tags=["Imports"],
    operation_id="createImport",
    summary="Create an import",
    responses=responses(
        202, ImportUpload, "The import, and where to upload its file.", 400, 409, 413, 415, 422, headers=CREATED_HEADERS
    ),
)
def create_import(body: NewImport, request: Request, key: IdempotencyKey = None) -> Reply:
    """Create an import of clients or campaigns. Upload the file as `upload` says, then start the import."""
    now = utcnow()
    access, idempotent = access_of(app), idempotent_request(request, key)
    made = wiring.imports().create(body, id_=new_id(now, randbits(62)), access=access, idempotent=idempotent, now=now)
    record = made.record
    upload = wiring.import_bucket().upload(record.user_id, record.id, record.format, record.size)
    shown = CreateResult(ImportUpload(**dict(record), upload=upload), replayed=made.replayed)
    return created_response(shown, location=f"/imports/{record.id}", status=202)


@app.get(
    "/api/v3/imports",
    tags=["Imports"],
    operation_id="listImports",
    summary="List imports",
    responses=responses(200, ImportPage, "A page of imports.", 400),
)
def list_imports(query: Annotated[ImportQuery, Query()]) -> Reply:
    """List your imports of the last 30 days, newest first, without their failed rows."""
    return page_response(wiring.imports().page(query, access=access_of(app)))


@app.get(
    "/api/v3/imports/<import_id>",
    tags=["Imports"],
    operation_id="getImport",
    summary="Get an import",
    responses=responses(
        200, ImportReport, "The import, and the first rows that failed.", 304, *READ, headers=("ETag",)
    ),
)
def get_import(import_id: ImportId, if_none_match: IfNoneMatch = None) -> Reply:
    """Show how far an import is, and the first 100 rows that failed. The rest is in `/failures`."""
    return resource_response(wiring.imports().report(import_id, access=access_of(app)))


@app.get(
    "/api/v3/imports/<import_id>/failures",
    tags=["Imports"],
    operation_id="listImportFailures",
    summary="List the failed rows of an import",
    responses=responses(200, FailurePage, "Failed rows, in the order of the file.", *READ),
)
def list_failures(import_id: ImportId, query: Annotated[FailureQuery, Query()]) -> Reply:
    """List the rows that failed, each with its line and the problem of the single request."""
    return page_response(wiring.imports().failures(import_id, access=access_of(app), after=query.after))


@app.post(
    "/api/v3/imports/<import_id>/start",
    tags=["Imports"],
    operation_id="startImport",
    summary="Start an import",
    responses=responses(
        202, Import, "The import as it is now.", *READ, 409, 413, 415, headers=("ETag", "Location", "Retry-After")
    ),
)
def start_import(import_id: ImportId) -> Reply:
    """Start an import whose file was uploaded. Repeated, it changes nothing."""
    access, imports, now = access_of(app), wiring.imports(), utcnow()
    record = imports.get(import_id, access=access)
    file = None
    if record.status is ImportStatus.PENDING:
        file = wiring.import_bucket().find(record.user_id, record.id)
    record = imports.start(import_id, file, access=access, now=now)
    # Only the request that has started it sends: each message reads the file, and the sweep puts back one that is lost.
    if record.status is ImportStatus.PROCESSING and record.started_at == format_timestamp(now):
        wiring.import_queue().send(ImportMessage(user_id=record.user_id, import_id=record.id))
    return resource_response(record, status=202, Location=f"{PREFIX}/imports/{record.id}", Retry_After="2")


@app.post(
    "/api/v3/imports/<import_id>/cancel",
    tags=["Imports"],
    operation_id="cancelImport",
    summary="Cancel an import",
    responses=responses(200, Import, "The canceled import.", *READ, 409, 413, 415, headers=("ETag",)),
)
def cancel_import(import_id: ImportId) -> Reply:
    """Cancel an import. No further row is imported; those that were imported stay."""
    return resource_response(wiring.imports().cancel(import_id, access=access_of(app), now=utcnow()))


handler = bootstrap(serve(app), wiring.imports, prime=app.get_openapi_json_schema)
