"""/api/v3/me, /api/v3/account, /api/v3/webhook-secret and all budgets"""

from atelier.bootstrap import bootstrap

from secrets import token_bytes

from aws_lambda_powertools.event_handler import Request, Response
from pydantic import BaseModel

from atelier import wiring
from atelier.caller import access_of, caller
from atelier.domain import sharing
from atelier.domain.access import Access
from atelier.domain.account import Account
from atelier.domain.budgets import Budget, NewBudget
from atelier.domain.errors import FieldError, Invalid
from atelier.domain.reservations import Scope
from atelier.domain.roles import Role
from atelier.domain.schema import utcnow
from atelier.domain.webhook_secrets import WebhookSecret, secret_text
from atelier.domain.webhook_targets import webhook_url_error
from atelier.web.api import JSON, Reply, api, no_content, serve
from atelier.web.idempotency import idempotent_request
from atelier.web.openapi import READ, CampaignId, ClientId, IdempotencyKey, Owner, responses

app = api()


class Me(BaseModel):
    """Who the token says you are; without a role, this is all you may see."""

    user_id: int
    role: Role | None
    name: str | None
    email: str | None


@app.get(
    "/api/v3/me",
    tags=["Account"],
    operation_id="getMe",
    summary="Who am I?",
    responses=responses(200, Me, "Your user id, your role, and your name if your token has one.", 400),
)
def get_me() -> Reply:
    """Show the caller as the token names them. A subject's first request assigns its user id, which never changes."""
    return Response(200, JSON, Me.model_validate(caller(app), from_attributes=True).model_dump_json())


@app.get(
    "/api/v3/account",
    tags=["Account"],
    operation_id="getAccount",
    summary="Get your account",
    responses=responses(200, Account, "The account's limits and budget, and how much of each is used.", *READ),
)
def get_account(owner: Owner = None) -> Reply:
    """Show your account's limits on generation, its budget, and what is used of them. Beyond a limit: 429."""
    acting = _access_to(owner, sharing.READ)
    return Response(200, JSON, wiring.account(acting.account, now=utcnow()).model_dump_json())


@app.get(
    "/api/v3/webhook-secret",
    tags=["Account"],
    operation_id="getWebhookSecret",
    summary="Get your webhook secret",
    responses=responses(200, WebhookSecret, "The secret, which is created by the first request.", *READ),
)
def get_webhook_secret(owner: Owner = None) -> Reply:
    """Show the secret that signs the webhooks of your tasks, as the Standard Webhooks specification says."""
    acting, fresh = _access_to(owner, sharing.MANAGE), secret_text(token_bytes(32))
    secret = wiring.webhook_secrets().get_or_create(acting.account, fresh=fresh, now=utcnow())
    return Response(200, JSON, secret.model_dump_json())


@app.post(
    "/api/v3/webhook-secret",
    tags=["Account"],
    operation_id="rotateWebhookSecret",
    summary="Change your webhook secret",
    responses=responses(
        200, WebhookSecret, "The new secret.", *READ, 409, 413, 415, 422, headers=("Idempotent-Replayed",)
    ),
)
def rotate_webhook_secret(request: Request, key: IdempotencyKey = None, owner: Owner = None) -> Reply:
    """Replace the secret. The previous one signs as well until `previous_until`; older ones no longer sign."""
    fresh, idempotent = secret_text(token_bytes(32)), idempotent_request(request, key)
    made = wiring.webhook_secrets().rotate(
        _access_to(owner, sharing.MANAGE), fresh=fresh, idempotent=idempotent, now=utcnow()
    )
    replayed: dict[str, str | list[str]] = {"Idempotent-Replayed": "true"} if made.replayed else {}
    return Response(200, JSON, made.record.model_dump_json(), headers=replayed)


@app.put(
    "/api/v3/account/budget",
    tags=["Budgets"],
    operation_id="setAccountBudget",
    summary="Set the budget of your account",
    responses=responses(200, Budget, "The budget, and what is used of it.", 400, 404, 413, 415),
)
def set_account_budget(body: NewBudget, owner: Owner = None) -> Reply:
    """Set the budget of your account. What was spent before in its period counts; a lower limit stops new work only."""
    return _set(Scope("account"), body, owner)


@app.get(
    "/api/v3/account/budget",
    tags=["Budgets"],
    operation_id="getAccountBudget",
    summary="Get the budget of your account",
    responses=responses(200, Budget, "The budget, and what is used of it.", *READ),
)
def get_account_budget(owner: Owner = None) -> Reply:
    """Show the budget of your account: what is spent, reserved for open tasks, and available in its current period."""
    return _shown(wiring.budgets().get(Scope("account"), access=_access_to(owner, sharing.READ), now=utcnow()))


@app.delete(
    "/api/v3/account/budget",
    tags=["Budgets"],
    operation_id="deleteAccountBudget",
    summary="Remove the budget of your account",
    responses=responses(204, None, "There is no limit any more.", *READ),
)
def delete_account_budget(owner: Owner = None) -> Reply:
    """Remove the budget of your account. Spend is still counted, for a budget that is set later."""
    return _removed(Scope("account"), owner)


@app.put(
    "/api/v3/clients/<client_id>/budget",
    tags=["Budgets"],
    operation_id="setClientBudget",
    summary="Set the budget of a client",
    responses=responses(200, Budget, "The budget, and what is used of it.", 400, 404, 413, 415),
)
def set_client_budget(client_id: ClientId, body: NewBudget) -> Reply:
    """Set the budget of a client. What was spent before in its period counts; a lower limit stops new work only."""
    return _set(Scope("client", client_id), body)


@app.get(
    "/api/v3/clients/<client_id>/budget",
    tags=["Budgets"],
    operation_id="getClientBudget",
    summary="Get the budget of a client",
    responses=responses(200, Budget, "The budget, and what is used of it.", *READ),
)
def get_client_budget(client_id: ClientId) -> Reply:
    """Show the budget of a client: what is spent, reserved for open tasks, and available in its current period."""
    return _shown(wiring.budgets().get(Scope("client", client_id), access=access_of(app), now=utcnow()))


@app.delete(
    "/api/v3/clients/<client_id>/budget",
    tags=["Budgets"],
    operation_id="deleteClientBudget",
    summary="Remove the budget of a client",
    responses=responses(204, None, "There is no limit any more.", *READ),
)
def delete_client_budget(client_id: ClientId) -> Reply:
    """Remove the budget of a client. Spend is still counted, for a budget that is set later."""
    return _removed(Scope("client", client_id))


@app.put(
    "/api/v3/campaigns/<campaign_id>/budget",
    tags=["Budgets"],
    operation_id="setCampaignBudget",
    summary="Set the budget of a campaign",
    responses=responses(200, Budget, "The budget, and what is used of it.", 400, 404, 413, 415),
)
def set_campaign_budget(campaign_id: CampaignId, body: NewBudget) -> Reply:
    """Set the budget of a campaign. What was spent before in its period counts; a lower limit stops new work only."""
    return _set(Scope("campaign", campaign_id), body)


@app.get(
    "/api/v3/campaigns/<campaign_id>/budget",
    tags=["Budgets"],
    operation_id="getCampaignBudget",
    summary="Get the budget of a campaign",
    responses=responses(200, Budget, "The budget, and what is used of it.", *READ),
)
def get_campaign_budget(campaign_id: CampaignId) -> Reply:
    """Show the budget of a campaign: what is spent, reserved for open tasks, and available in its current period."""
    return _shown(wiring.budgets().get(Scope("campaign", campaign_id), access=access_of(app), now=utcnow()))


@app.delete(
    "/api/v3/campaigns/<campaign_id>/budget",
    tags=["Budgets"],
    operation_id="deleteCampaignBudget",
    summary="Remove the budget of a campaign",
    responses=responses(204, None, "There is no limit any more.", *READ),
)
def delete_campaign_budget(campaign_id: CampaignId) -> Reply:
    """Remove the budget of a campaign. Spend is still counted, for a budget that is set later."""
    return _removed(Scope("campaign", campaign_id))


def _set(scope: Scope, new: NewBudget, owner: int | None = None) -> Reply:
    if new.webhook_url is not None and (error := webhook_url_error(new.webhook_url, private=wiring.private_webhooks())):
        raise Invalid([FieldError(error, pointer="/webhook_url")])
    return _shown(wiring.budgets().put(scope, new, access=_access_to(owner, sharing.MANAGE), now=utcnow()))


def _removed(scope: Scope, owner: int | None = None) -> Reply:
    wiring.budgets().delete(scope, access=_access_to(owner, sharing.MANAGE), now=utcnow())
    return no_content()


def _access_to(owner: int | None, needs: sharing.Needs) -> Access:
    return wiring.access_to(owner, access=access_of(app), needs=needs)


def _shown(budget: Budget) -> Reply:
    return Response(200, JSON, budget.model_dump_json())


handler = bootstrap(serve(app), wiring.webhook_secrets, prime=app.get_openapi_json_schema)
