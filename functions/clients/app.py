"""/api/v3/clients"""

from secrets import randbits
from typing import Annotated

from aws_lambda_powertools.event_handler import Request
from aws_lambda_powertools.event_handler.depends import Depends
from aws_lambda_powertools.event_handler.openapi.params import Query

from atelier import wiring
from atelier.caller import Who
from atelier.domain.clients import Client, ClientPage, ClientPatch, ClientQuery, NewClient
from atelier.domain.ids import new_id
from atelier.domain.shapes import utcnow
from atelier.store.clients import Clients
from atelier.web.api import Reply, api, created, gone, listed, serve, shown
from atelier.web.conditional import accepted_versions
from atelier.web.documents import CHANGE, CREATE, MADE, READ, ClientId, IdempotencyKey, IfMatch, IfNoneMatch, answers
from atelier.web.once import once

app = api()
Store = Annotated[Clients, Depends(wiring.clients)]


@app.post(
    "/api/v3/clients",
    tags=["Clients"],
    operation_id="createClient",
    summary="Create a client",
    responses=answers(201, Client, "The new client.", *CREATE, headers=MADE),
)
def create_client(body: NewClient, who: Who, store: Store, request: Request, key: IdempotencyKey = None) -> Reply:
    """Names need not be unique."""
    now = utcnow()
    made = store.create(body, id_=new_id(now, randbits(62)), user_id=who.user_id, once=once(request, key), now=now)
    return created(made, location=f"/clients/{made.record.id}")


@app.get(
    "/api/v3/clients",
    tags=["Clients"],
    operation_id="listClients",
    summary="List clients",
    responses=answers(200, ClientPage, "A page of clients.", 400),
)
def list_clients(query: Annotated[ClientQuery, Query()], who: Who, store: Store) -> Reply:
    """By page number, or by cursor for a walk through all of them."""
    return listed(store.list(query, user_id=who.user_id))


@app.get(
    "/api/v3/clients/<client_id>",
    tags=["Clients"],
    operation_id="getClient",
    summary="Get a client",
    responses=answers(200, Client, "The client.", 304, *READ, headers=("ETag",)),
)
def get_client(client_id: ClientId, who: Who, store: Store, if_none_match: IfNoneMatch = None) -> Reply:
    """The client as it is now."""
    return shown(store.get(client_id, user_id=who.user_id))


@app.patch(
    "/api/v3/clients/<client_id>",
    tags=["Clients"],
    operation_id="updateClient",
    summary="Update a client",
    responses=answers(200, Client, "The client as it is now.", *CHANGE, headers=("ETag",)),
)
def update_client(client_id: ClientId, body: ClientPatch, who: Who, store: Store, if_match: IfMatch = None) -> Reply:
    """A merge patch: absent fields stay, null clears an optional one."""
    accepted = accepted_versions(if_match)
    return shown(store.patch(client_id, body, user_id=who.user_id, accepted=accepted, now=utcnow()))


@app.delete(
    "/api/v3/clients/<client_id>",
    tags=["Clients"],
    operation_id="deleteClient",
    summary="Delete a client",
    responses=answers(204, None, "It is gone, and so are its campaigns.", *READ, 412),
)
def delete_client(client_id: ClientId, who: Who, store: Store, if_match: IfMatch = None) -> Reply:
    """Its campaigns go with it; its tasks stay, without client and campaign."""
    store.delete(client_id, user_id=who.user_id, accepted=accepted_versions(if_match), now=utcnow())
    return gone()


handler = serve(app)
