"""/api/v3/clients"""

from atelier.bootstrap import bootstrap

from secrets import randbits
from typing import Annotated

from aws_lambda_powertools.event_handler import Request
from aws_lambda_powertools.event_handler.openapi.params import Query

from atelier import wiring
from atelier.caller import access_of
from atelier.domain.batches import BatchAnswer, ResourceBatch
from atelier.domain.clients import Client, ClientPage, ClientPatch, ClientQuery, NewClient
from atelier.domain.ids import new_id
from atelier.domain.schema import utcnow
from atelier.web.api import Reply, api, created_response, no_content, page_response, resource_response, serve
from atelier.web.conditional import accepted_versions
from atelier.web.idempotency import idempotent_request
from atelier.web.openapi import (
    BATCH,
    CHANGE,
    CREATE,
    CREATED_HEADERS,
    READ,
    ClientId,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    responses,
)

app = api()


@app.post(
    "/api/v3/clients",
    tags=["Clients"],
    operation_id="createClient",
    summary="Create a client",
    responses=responses(201, Client, "The new client.", *CREATE, headers=CREATED_HEADERS),
)
def create_client(body: NewClient, request: Request, key: IdempotencyKey = None) -> Reply:
    """Create a client. Names need not be unique."""
    now = utcnow()
    id_, idempotent = new_id(now, randbits(62)), idempotent_request(request, key)
    made = wiring.clients().create(body, id_=id_, access=access_of(app), idempotent=idempotent, now=now)
    return created_response(made, location=f"/clients/{made.record.id}")


@app.get(
    "/api/v3/clients",
    tags=["Clients"],
    operation_id="listClients",
    summary="List clients",
    responses=responses(200, ClientPage, "A page of clients.", 400),
)
def list_clients(query: Annotated[ClientQuery, Query()]) -> Reply:
    """List the clients you may see, by page number or by cursor. Paging by cursor neither repeats nor skips an item."""
    return page_response(wiring.clients().list(query, access=access_of(app)))


@app.get(
    "/api/v3/clients/<client_id>",
    tags=["Clients"],
    operation_id="getClient",
    summary="Get a client",
    responses=responses(200, Client, "The client.", 304, *READ, headers=("ETag",)),
)
def get_client(client_id: ClientId, if_none_match: IfNoneMatch = None) -> Reply:
    """Show a client as it is now."""
    return resource_response(wiring.clients().get(client_id, access=access_of(app)))


@app.patch(
    "/api/v3/clients/<client_id>",
    tags=["Clients"],
    operation_id="updateClient",
    summary="Update a client",
    responses=responses(200, Client, "The client as it is now.", *CHANGE, headers=("ETag",)),
)
def update_client(client_id: ClientId, body: ClientPatch, if_match: IfMatch = None) -> Reply:
    """Update a client by a merge patch: absent fields stay, null clears an optional one."""
    accepted = accepted_versions(if_match)
    return resource_response(
        wiring.clients().patch(client_id, body, access=access_of(app), accepted=accepted, now=utcnow())
    )


@app.delete(
    "/api/v3/clients/<client_id>",
    tags=["Clients"],
    operation_id="deleteClient",
    summary="Delete a client",
    responses=responses(204, None, "Deleted, with its campaigns.", *READ, 412),
)
def delete_client(client_id: ClientId, if_match: IfMatch = None) -> Reply:
    """Delete a client, its campaigns and its shares. Its tasks stay, without client and campaign."""
    wiring.clients().delete(client_id, access=access_of(app), accepted=accepted_versions(if_match), now=utcnow())
    return no_content()


@app.post(
    "/api/v3/clients/batch",
    tags=["Clients"],
    operation_id="batchClients",
    summary="Create, update and delete many clients",
    responses=responses(200, BatchAnswer, "A result for each item.", *BATCH, headers=("Idempotent-Replayed",)),
)
def batch_clients(body: ResourceBatch, request: Request, key: IdempotencyKey = None) -> Reply:
    """Carry out up to 100 items, each answered as its single request would be."""
    from atelier.web import batches  # noqa: PLC0415 - a cold start of any other request does not pay for it

    access, now, idempotent = access_of(app), utcnow(), idempotent_request(request, key)
    kind = batches.of_resources(wiring.clients(), NewClient, ClientPatch, access, now)
    return batches.carry_out(app, body, kind, table=wiring.table(), access=access, idempotent=idempotent, now=now)


handler = bootstrap(serve(app), wiring.clients, prime=app.get_openapi_json_schema)
