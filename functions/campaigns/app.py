"""/api/v3/campaigns and /api/v3/clients/{client_id}/campaigns"""

from atelier.bootstrap import bootstrap

from secrets import randbits
from typing import Annotated

from aws_lambda_powertools.event_handler import Request
from aws_lambda_powertools.event_handler.openapi.params import Query

from atelier import wiring
from atelier.caller import access_of
from atelier.domain.batches import BatchAnswer, ResourceBatch
from atelier.domain.campaigns import (
    Campaign,
    CampaignPage,
    CampaignPatch,
    CampaignQuery,
    ClientCampaign,
    ClientCampaignQuery,
    NewCampaign,
)
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
    CampaignId,
    ClientId,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    responses,
)

app = api()
MADE_ONE = responses(201, Campaign, "The new campaign.", *CREATE, headers=CREATED_HEADERS)


@app.post(
    "/api/v3/campaigns",
    tags=["Campaigns"],
    operation_id="createCampaign",
    summary="Create a campaign",
    responses=MADE_ONE,
)
def create_campaign(body: NewCampaign, request: Request, key: IdempotencyKey = None) -> Reply:
    """Create a campaign. Its client must exist when the campaign is written; names need not be unique."""
    now = utcnow()
    id_, idempotent = new_id(now, randbits(62)), idempotent_request(request, key)
    made = wiring.campaigns().create(body, id_=id_, access=access_of(app), idempotent=idempotent, now=now)
    return created_response(made, location=f"/campaigns/{made.record.id}")


@app.get(
    "/api/v3/campaigns",
    tags=["Campaigns"],
    operation_id="listCampaigns",
    summary="List campaigns",
    responses=responses(200, CampaignPage, "A page of campaigns.", 400),
)
def list_campaigns(query: Annotated[CampaignQuery, Query()]) -> Reply:
    """List the campaigns you may see, by page or cursor. Paging by cursor neither repeats nor skips an item."""
    return page_response(wiring.campaigns().list(query, access=access_of(app)))


@app.get(
    "/api/v3/campaigns/<campaign_id>",
    tags=["Campaigns"],
    operation_id="getCampaign",
    summary="Get a campaign",
    responses=responses(200, Campaign, "The campaign.", 304, *READ, headers=("ETag",)),
)
def get_campaign(campaign_id: CampaignId, if_none_match: IfNoneMatch = None) -> Reply:
    """Show a campaign as it is now."""
    return resource_response(wiring.campaigns().get(campaign_id, access=access_of(app)))


@app.patch(
    "/api/v3/campaigns/<campaign_id>",
    tags=["Campaigns"],
    operation_id="updateCampaign",
    summary="Update a campaign",
    responses=responses(200, Campaign, "The campaign as it is now.", *CHANGE, headers=("ETag",)),
)
def update_campaign(campaign_id: CampaignId, body: CampaignPatch, if_match: IfMatch = None) -> Reply:
    """Update a campaign by a merge patch: absent fields stay, null clears the brief. The client cannot change."""
    accepted = accepted_versions(if_match)
    return resource_response(
        wiring.campaigns().patch(campaign_id, body, access=access_of(app), accepted=accepted, now=utcnow())
    )


@app.delete(
    "/api/v3/campaigns/<campaign_id>",
    tags=["Campaigns"],
    operation_id="deleteCampaign",
    summary="Delete a campaign",
    responses=responses(204, None, "Deleted; its tasks stay, without a campaign.", *READ, 412),
)
def delete_campaign(campaign_id: CampaignId, if_match: IfMatch = None) -> Reply:
    """Delete a campaign. Its tasks stay with the client, without a campaign."""
    wiring.campaigns().delete(campaign_id, access=access_of(app), accepted=accepted_versions(if_match), now=utcnow())
    return no_content()


@app.post(
    "/api/v3/clients/<client_id>/campaigns",
    tags=["Campaigns"],
    operation_id="createClientCampaign",
    summary="Create a campaign for a client",
    responses=MADE_ONE,
)
def create_campaign_for_client(
    client_id: ClientId, body: ClientCampaign, request: Request, key: IdempotencyKey = None
) -> Reply:
    """Create a campaign for the client in the path. The body may repeat that client, and must not name another."""
    return create_campaign(body.under(client_id), request, key)


@app.get(
    "/api/v3/clients/<client_id>/campaigns",
    tags=["Campaigns"],
    operation_id="listClientCampaigns",
    summary="List a client's campaigns",
    responses=responses(200, CampaignPage, "A page of campaigns.", *READ),
)
def list_campaigns_of_client(client_id: ClientId, query: Annotated[ClientCampaignQuery, Query()]) -> Reply:
    """List a client's campaigns. An unknown client is a 404 here, and an empty list in `GET /campaigns`."""
    return page_response(wiring.campaigns().list(query.of(client_id), access=access_of(app), parent_id=client_id))


@app.post(
    "/api/v3/campaigns/batch",
    tags=["Campaigns"],
    operation_id="batchCampaigns",
    summary="Create, update and delete many campaigns",
    responses=responses(200, BatchAnswer, "A result for each item.", *BATCH, headers=("Idempotent-Replayed",)),
)
def batch_campaigns(body: ResourceBatch, request: Request, key: IdempotencyKey = None) -> Reply:
    """Carry out up to 100 items, each answered as its single request would be."""
    from atelier.web import batches  # noqa: PLC0415 - a cold start of any other request does not pay for it

    access, now, idempotent = access_of(app), utcnow(), idempotent_request(request, key)
    kind = batches.of_resources(wiring.campaigns(), NewCampaign, CampaignPatch, access, now)
    return batches.carry_out(app, body, kind, table=wiring.table(), access=access, idempotent=idempotent, now=now)


handler = bootstrap(serve(app), wiring.campaigns, prime=app.get_openapi_json_schema)
