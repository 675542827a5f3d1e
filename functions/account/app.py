"""/api/v3/me, /api/v3/account and /api/v3/webhook-secret"""

from atelier.bootstrap import bootstrap

from secrets import token_bytes

from aws_lambda_powertools.event_handler import Request, Response
from pydantic import BaseModel

from atelier import wiring
from atelier.caller import access_of, caller
from atelier.domain.account_limits import Account
from atelier.domain.roles import Role
from atelier.domain.schema import utcnow
from atelier.domain.webhook_secrets import WebhookSecret, secret_text
from atelier.web.api import JSON, Reply, api, serve
from atelier.web.idempotency import idempotent_request
from atelier.web.openapi import IdempotencyKey, responses

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
    responses=responses(200, Account, "Your account's limits, and how much of each is used.", 400),
)
def get_account() -> Reply:
    """Show your account's limits on generation and what is used of them. A request beyond one is answered 429."""
    account, now = access_of(app).account, utcnow()
    found = Account(user_id=account, limits=wiring.limits_used(account, now=now))
    return Response(200, JSON, found.model_dump_json())


@app.get(
    "/api/v3/webhook-secret",
    tags=["Account"],
    operation_id="getWebhookSecret",
    summary="Get your webhook secret",
    responses=responses(200, WebhookSecret, "The secret, which is created by the first request.", 400),
)
def get_webhook_secret() -> Reply:
    """Show the secret that signs the webhooks of your tasks, as the Standard Webhooks specification says."""
    secret = wiring.webhook_secrets().get_or_create(
        caller(app).user_id, fresh=secret_text(token_bytes(32)), now=utcnow()
    )
    return Response(200, JSON, secret.model_dump_json())


@app.post(
    "/api/v3/webhook-secret",
    tags=["Account"],
    operation_id="rotateWebhookSecret",
    summary="Change your webhook secret",
    responses=responses(
        200, WebhookSecret, "The new secret.", 400, 409, 413, 415, 422, headers=("Idempotent-Replayed",)
    ),
)
def rotate_webhook_secret(request: Request, key: IdempotencyKey = None) -> Reply:
    """Replace the secret. The previous one signs as well until `previous_until`; older ones no longer sign."""
    fresh, idempotent = secret_text(token_bytes(32)), idempotent_request(request, key)
    made = wiring.webhook_secrets().rotate(access_of(app), fresh=fresh, idempotent=idempotent, now=utcnow())
    replayed: dict[str, str | list[str]] = {"Idempotent-Replayed": "true"} if made.replayed else {}
    return Response(200, JSON, made.record.model_dump_json(), headers=replayed)


handler = bootstrap(serve(app), wiring.webhook_secrets, prime=app.get_openapi_json_schema)
