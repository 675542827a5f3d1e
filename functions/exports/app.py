"""/api/v3/exports/*"""

from atelier.bootstrap import bootstrap

from dataclasses import replace
from http import HTTPStatus
from secrets import randbits
from typing import Annotated

from aws_lambda_powertools.event_handler import Request, Response
from aws_lambda_powertools.event_handler.openapi.params import Query
from pydantic import AfterValidator

from atelier import wiring
from atelier.caller import access_of
from atelier.domain.exports import Export, ExportMessage, ExportPage, ExportQuery, ExportStatus, NewExport
from atelier.domain.ids import canonical, new_id
from atelier.domain.schema import utcnow
from atelier.web.api import JSON, Reply, api, created_response, no_content, page_response, serve
from atelier.web.idempotency import idempotent_request
from atelier.web.openapi import CREATE, CREATED_HEADERS, READ, IdempotencyKey, path_id, responses

app = api()

ExportId = Annotated[str, AfterValidator(canonical), path_id("export")]


@app.post(
    "/api/v3/exports",
    tags=["Exports"],
    operation_id="createExport",
    summary="Export files and tables",
    responses=responses(202, Export, "The export, which is carried out now.", *CREATE, headers=CREATED_HEADERS),
)
def create_export(body: NewExport, request: Request, key: IdempotencyKey = None) -> Reply:
    """Have the files of a client, a campaign or some tasks put into ZIP archives of at most 2 GB, for seven days.

    Whoever may read them may export them; the export is theirs alone. At most 10,000 tasks with 10,000 files.
    """
    access, now = access_of(app), utcnow()
    made = wiring.exports().create(
        body, id_=new_id(now, randbits(62)), access=access, idempotent=idempotent_request(request, key), now=now
    )
    if not made.replayed:
        wiring.export_queue().send(ExportMessage.about(made.record, step=0))
    shown = replace(made, record=_with_urls(made.record))
    return created_response(shown, location=f"/exports/{made.record.id}", status=HTTPStatus.ACCEPTED)


@app.get(
    "/api/v3/exports",
    tags=["Exports"],
    operation_id="listExports",
    summary="List exports",
    responses=responses(200, ExportPage, "A page of exports.", 400),
)
def list_exports(query: Annotated[ExportQuery, Query()]) -> Reply:
    """List the exports that you asked for and may still read, newest first, as `GET /exports/{id}` shows them."""
    page = wiring.exports().page(query, access=access_of(app))
    return page_response(page.model_copy(update={"items": [_with_urls(each) for each in page.items]}))


@app.get(
    "/api/v3/exports/<export_id>",
    tags=["Exports"],
    operation_id="getExport",
    summary="Get an export",
    responses=responses(200, Export, "How far it is; in the end its archives, as signed URLs.", *READ),
)
def get_export(export_id: ExportId) -> Reply:
    """Show how far an export is, and its archives once it has succeeded. Its URLs work for 15 minutes.

    It is gone for who may no longer read what is in it.
    """
    export = wiring.exports().get(export_id, access=access_of(app))
    return Response(HTTPStatus.OK, JSON, _with_urls(export).model_dump_json())


@app.delete(
    "/api/v3/exports/<export_id>",
    tags=["Exports"],
    operation_id="deleteExport",
    summary="Cancel or delete an export",
    responses=responses(204, None, "It is gone, and its archives are being removed.", *READ),
)
def delete_export(export_id: ExportId) -> Reply:
    """Stop an export that is being carried out, and remove its archives. URLs of them stop working within moments."""
    gone = wiring.exports().delete(export_id, access=access_of(app))
    wiring.export_queue().send(ExportMessage.about(gone, step=None))
    return no_content()


def _with_urls(export: Export) -> Export:
    """The export with the URLs of its archives, once it has all of them."""
    done = export.files if export.status is ExportStatus.SUCCEEDED else []
    files = [each.model_copy(update={"url": wiring.export_url(each.key)}) for each in done]
    return export.model_copy(update={"files": files})


handler = bootstrap(serve(app), wiring.exports, prime=app.get_openapi_json_schema)
