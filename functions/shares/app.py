"""/api/v3/shares, /api/v3/invitations, and the shares and invitations of clients, campaigns and accounts"""

from atelier.bootstrap import bootstrap

from secrets import randbits, token_urlsafe
from typing import Annotated, Any

from aws_lambda_powertools.event_handler import Request
from aws_lambda_powertools.event_handler.openapi.params import Path, Query

from atelier import wiring
from atelier.caller import access_of, caller
from atelier.domain.errors import Forbidden, Invalid, NotFound
from atelier.domain.ids import new_id
from atelier.domain.roles import Role
from atelier.domain.schema import utcnow
from atelier.domain.shares import (
    AcceptedInvitation,
    AccountShareQuery,
    CreatedInvitation,
    InvitationFields,
    InvitationPage,
    NewInvitation,
    NewShare,
    ReceivedShare,
    ReceivedSharePage,
    Share,
    SharePage,
    ShareQuery,
    checked_role,
    digest_of,
    invitation_end,
    share_end,
    token_from,
    token_text,
)
from atelier.domain.sharing import SharedKind
from atelier.store.idempotency import CreateResult
from atelier.web.api import PREFIX, Reply, api, created_response, no_content, page_response, resource_response, serve
from atelier.web.idempotency import idempotent_request
from atelier.web.openapi import (
    CREATE,
    CREATED_HEADERS,
    READ,
    CampaignId,
    ClientId,
    IdempotencyKey,
    Owner,
    PathId,
    responses,
)

app = api()
_DIGITS = 15

UserId = Annotated[str, Path(description="The user's number.")]
ADDED: Any = responses(200, Share, "The share, which was there.", *READ, 409, 413, 415, headers=("ETag",)) | responses(
    201, Share, "The new share.", headers=("ETag", "Location")
)
LISTED: Any = responses(200, SharePage, "A page of shares.", *READ)
ENDED: Any = responses(204, None, "It has ended.", *READ)
INVITED: Any = responses(201, CreatedInvitation, "The invitation, with its token.", *CREATE, headers=CREATED_HEADERS)
PENDING: Any = responses(200, InvitationPage, "A page of invitations.", *READ)
WITHDRAWN: Any = responses(204, None, "It can no longer be accepted.", *READ)


@app.get(
    "/api/v3/shares",
    tags=["Sharing"],
    operation_id="listReceivedShares",
    summary="List what was shared with you",
    responses=responses(200, ReceivedSharePage, "A page of it.", 400),
)
def list_received_shares(query: Annotated[ShareQuery, Query()]) -> Reply:
    """List the clients, campaigns and accounts that others share with you, by page number or by cursor."""
    return page_response(wiring.received_shares(query, access=access_of(app)))


@app.post(
    "/api/v3/invitations/accept",
    tags=["Sharing"],
    operation_id="acceptInvitation",
    summary="Accept an invitation",
    responses=responses(
        200, ReceivedShare, "What is shared with you now.", *CREATE, headers=("ETag", "Idempotent-Replayed")
    ),
)
def accept_invitation(body: AcceptedInvitation, request: Request, key: IdempotencyKey = None) -> Reply:
    """Accept an invitation, once. One that was used or withdrawn, has expired or never existed is a 404."""
    access, idempotent = access_of(app), idempotent_request(request, key)
    token, id_, email = token_from(body.token), new_id(access.at, randbits(62)), caller(app).verified_email
    made = wiring.shares(token.kind).accept(token, email=email, id_=id_, access=access, idempotent=idempotent)
    if made.replayed:
        return resource_response(made.record, Idempotent_Replayed="true")
    return resource_response(made.record)


# ----------------------------------------------------------------------------------------------------- clients


@app.get(
    "/api/v3/clients/<client_id>/shares",
    tags=["Sharing"],
    operation_id="listClientShares",
    summary="List the shares of a client",
    responses=LISTED,
)
def list_client_shares(client_id: ClientId, query: Annotated[ShareQuery, Query()]) -> Reply:
    """List with whom a client is shared, by page number or by cursor."""
    return page_response(wiring.shares("client").list(client_id, query, access=access_of(app)))


@app.put(
    "/api/v3/clients/<client_id>/shares/<user_id>",
    tags=["Sharing"],
    operation_id="putClientShare",
    summary="Share a client",
    responses=ADDED,
)
def put_client_share(client_id: ClientId, user_id: UserId, body: NewShare) -> Reply:
    """Share a client with its campaigns and their tasks with a user, or change their share."""
    return _put("client", client_id, user_id, body, location=f"/clients/{client_id}/shares")


@app.delete(
    "/api/v3/clients/<client_id>/shares/<user_id>",
    tags=["Sharing"],
    operation_id="deleteClientShare",
    summary="End a share of a client",
    responses=ENDED,
)
def delete_client_share(client_id: ClientId, user_id: UserId) -> Reply:
    """End a user's share of a client. You may end your own; for those of others you need the role admin."""
    return _end("client", client_id, user_id)


@app.post(
    "/api/v3/clients/<client_id>/invitations",
    tags=["Sharing"],
    operation_id="createClientInvitation",
    summary="Invite to a client",
    responses=INVITED,
)
def create_client_invitation(
    client_id: ClientId, body: NewInvitation, request: Request, key: IdempotencyKey = None
) -> Reply:
    """Create an invitation to a client. Whoever accepts its token first gets the share."""
    return _invite("client", client_id, body, request, key)


@app.get(
    "/api/v3/clients/<client_id>/invitations",
    tags=["Sharing"],
    operation_id="listClientInvitations",
    summary="List the invitations to a client",
    responses=PENDING,
)
def list_client_invitations(client_id: ClientId, query: Annotated[ShareQuery, Query()]) -> Reply:
    """List the invitations to a client that nobody has accepted yet, expired ones included."""
    return page_response(wiring.shares("client").invitations(client_id, query, access=access_of(app)))


@app.delete(
    "/api/v3/clients/<client_id>/invitations/<invitation_id>",
    tags=["Sharing"],
    operation_id="deleteClientInvitation",
    summary="Withdraw an invitation to a client",
    responses=WITHDRAWN,
)
def delete_client_invitation(client_id: ClientId, invitation_id: PathId) -> Reply:
    """Withdraw an invitation to a client."""
    wiring.shares("client").withdraw(client_id, invitation_id, access=access_of(app))
    return no_content()


# ----------------------------------------------------------------------------------------------------- campaigns


@app.get(
    "/api/v3/campaigns/<campaign_id>/shares",
    tags=["Sharing"],
    operation_id="listCampaignShares",
    summary="List the shares of a campaign",
    responses=LISTED,
)
def list_campaign_shares(campaign_id: CampaignId, query: Annotated[ShareQuery, Query()]) -> Reply:
    """List with whom a campaign is shared, by page number or by cursor."""
    return page_response(wiring.shares("campaign").list(campaign_id, query, access=access_of(app)))


@app.put(
    "/api/v3/campaigns/<campaign_id>/shares/<user_id>",
    tags=["Sharing"],
    operation_id="putCampaignShare",
    summary="Share a campaign",
    responses=ADDED,
)
def put_campaign_share(campaign_id: CampaignId, user_id: UserId, body: NewShare) -> Reply:
    """Share a campaign with its tasks with a user, or change their share."""
    return _put("campaign", campaign_id, user_id, body, location=f"/campaigns/{campaign_id}/shares")


@app.delete(
    "/api/v3/campaigns/<campaign_id>/shares/<user_id>",
    tags=["Sharing"],
    operation_id="deleteCampaignShare",
    summary="End a share of a campaign",
    responses=ENDED,
)
def delete_campaign_share(campaign_id: CampaignId, user_id: UserId) -> Reply:
    """End a user's share of a campaign. You may end your own; for those of others you need the role admin."""
    return _end("campaign", campaign_id, user_id)


@app.post(
    "/api/v3/campaigns/<campaign_id>/invitations",
    tags=["Sharing"],
    operation_id="createCampaignInvitation",
    summary="Invite to a campaign",
    responses=INVITED,
)
def create_campaign_invitation(
    campaign_id: CampaignId, body: NewInvitation, request: Request, key: IdempotencyKey = None
) -> Reply:
    """Create an invitation to a campaign. Whoever accepts its token first gets the share."""
    return _invite("campaign", campaign_id, body, request, key)


@app.get(
    "/api/v3/campaigns/<campaign_id>/invitations",
    tags=["Sharing"],
    operation_id="listCampaignInvitations",
    summary="List the invitations to a campaign",
    responses=PENDING,
)
def list_campaign_invitations(campaign_id: CampaignId, query: Annotated[ShareQuery, Query()]) -> Reply:
    """List the invitations to a campaign that nobody has accepted yet, expired ones included."""
    return page_response(wiring.shares("campaign").invitations(campaign_id, query, access=access_of(app)))


@app.delete(
    "/api/v3/campaigns/<campaign_id>/invitations/<invitation_id>",
    tags=["Sharing"],
    operation_id="deleteCampaignInvitation",
    summary="Withdraw an invitation to a campaign",
    responses=WITHDRAWN,
)
def delete_campaign_invitation(campaign_id: CampaignId, invitation_id: PathId) -> Reply:
    """Withdraw an invitation to a campaign."""
    wiring.shares("campaign").withdraw(campaign_id, invitation_id, access=access_of(app))
    return no_content()


# ----------------------------------------------------------------------------------------------------- accounts


@app.get(
    "/api/v3/account/shares",
    tags=["Sharing"],
    operation_id="listAccountShares",
    summary="List the shares of an account",
    responses=LISTED,
)
def list_account_shares(query: Annotated[AccountShareQuery, Query()]) -> Reply:
    """List with whom your account, or one that you are an admin of, is shared, by page number or by cursor."""
    return page_response(wiring.shares("account").list(_account(query.owner), query, access=access_of(app)))


@app.put(
    "/api/v3/account/shares/<user_id>",
    tags=["Sharing"],
    operation_id="putAccountShare",
    summary="Share an account",
    responses=ADDED,
)
def put_account_share(user_id: UserId, body: NewShare, owner: Owner = None) -> Reply:
    """Share your account, or one that you are an admin of with a user, or change their share."""
    return _put("account", _account(owner), user_id, body, location="/account/shares")


@app.delete(
    "/api/v3/account/shares/<user_id>",
    tags=["Sharing"],
    operation_id="deleteAccountShare",
    summary="End a share of an account",
    responses=ENDED,
)
def delete_account_share(user_id: UserId, owner: Owner = None) -> Reply:
    """End a user's share of an account. You may end your own; for those of others you need the role admin."""
    return _end("account", _account(owner), user_id)


@app.post(
    "/api/v3/account/invitations",
    tags=["Sharing"],
    operation_id="createAccountInvitation",
    summary="Invite to an account",
    responses=INVITED,
)
def create_account_invitation(
    body: NewInvitation, request: Request, key: IdempotencyKey = None, owner: Owner = None
) -> Reply:
    """Create an invitation to your account, or to one that you are an admin of. Who accepts first gets the share."""
    return _invite("account", _account(owner), body, request, key)


@app.get(
    "/api/v3/account/invitations",
    tags=["Sharing"],
    operation_id="listAccountInvitations",
    summary="List the invitations to an account",
    responses=PENDING,
)
def list_account_invitations(query: Annotated[AccountShareQuery, Query()]) -> Reply:
    """List the open invitations to your account, or to one that you are an admin of, expired ones included."""
    return page_response(wiring.shares("account").invitations(_account(query.owner), query, access=access_of(app)))


@app.delete(
    "/api/v3/account/invitations/<invitation_id>",
    tags=["Sharing"],
    operation_id="deleteAccountInvitation",
    summary="Withdraw an invitation to an account",
    responses=WITHDRAWN,
)
def delete_account_invitation(invitation_id: PathId, owner: Owner = None) -> Reply:
    """Withdraw an invitation to your account, or to one that you are an admin of."""
    wiring.shares("account").withdraw(_account(owner), invitation_id, access=access_of(app))
    return no_content()


# ------------------------------------------------------------------------------------------------- of every kind


def _account(owner: int | None) -> str:
    return str(owner or access_of(app).account)


def _user(user_id: str) -> int:
    if not (user_id.isascii() and user_id.isdigit() and len(user_id) <= _DIGITS):
        raise NotFound("user", user_id)
    return int(user_id)


def _put(kind: SharedKind, resource_id: str, user_id: str, body: NewShare, *, location: str) -> Reply:
    access, guest = access_of(app), _user(user_id)
    given = checked_role(body.role, kind), share_end(body.expires_at, now=access.at)
    id_ = new_id(access.at, randbits(62))
    made = wiring.shares(kind).put(resource_id, guest, given, id_=id_, access=access)
    if made.replayed:
        return resource_response(made.record)
    return resource_response(made.record, status=201, Location=f"{PREFIX}{location}/{guest}")


def _end(kind: SharedKind, resource_id: str, user_id: str) -> Reply:
    access, guest = access_of(app), _user(user_id)
    if guest != access.actor and access.role is not Role.ADMIN:
        raise Forbidden(f"Requires role admin; yours is {access.role}.")
    wiring.shares(kind).revoke(resource_id, guest, access=access)
    return no_content()


def _invite(kind: SharedKind, resource_id: str, body: NewInvitation, request: Request, key: str | None) -> Reply:
    access, now, secret = access_of(app), utcnow(), token_urlsafe(32)
    shares, role, idempotent = wiring.shares(kind), checked_role(body.role, kind), idempotent_request(request, key)
    try:
        end = invitation_end(body.expires_at, now=now)
    except Invalid:
        # When an earlier request with this key was carried out, it may have been to come.
        replay = shares.find_replay(idempotent, access=access, now=now)
        if replay is None:
            raise
        made = replay
    else:
        new = InvitationFields(role=role, expires_at=end, email=body.email, digest=digest_of(secret))
        id_ = new_id(now, randbits(62))
        made = shares.invite(resource_id, new, id_=id_, access=access, idempotent=idempotent, now=now)
    invitation = made.record
    token = None if made.replayed else token_text(invitation.user_id, kind, invitation.id, secret)
    shown = CreatedInvitation(**vars(invitation), token=token)
    path = "/account" if kind == "account" else f"/{kind}s/{resource_id}"
    return created_response(CreateResult(shown, made.replayed), location=f"{path}/invitations/{invitation.id}")


handler = bootstrap(serve(app), lambda: wiring.shares("client"), prime=app.get_openapi_json_schema)
