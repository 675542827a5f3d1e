"""/api/v3/me and /api/v3/webhook-secret"""

from secrets import token_bytes
from typing import Annotated

from aws_lambda_powertools.event_handler import Request, Response
from aws_lambda_powertools.event_handler.depends import Depends
from pydantic import BaseModel

from atelier import wiring
from atelier.caller import Who
from atelier.domain.roles import Role
from atelier.domain.shapes import utcnow
from atelier.domain.webhook_secrets import WebhookSecret, secret_text
from atelier.store.webhook_secrets import WebhookSecrets
from atelier.web.api import JSON, Reply, api, serve
from atelier.web.documents import IdempotencyKey, answers
from atelier.web.once import once

app = api()
Store = Annotated[WebhookSecrets, Depends(wiring.webhook_secrets)]


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
    responses=answers(200, Me, "Your user id, your role, and your name if your token has one.", 400),
)
def get_me(who: Who) -> Reply:
    """The user id is given with the first request of a subject, and stays."""
    return Response(200, JSON, Me.model_validate(who, from_attributes=True).model_dump_json())


@app.get(
    "/api/v3/webhook-secret",
    tags=["Account"],
    operation_id="getWebhookSecret",
    summary="Get your webhook secret",
    responses=answers(200, WebhookSecret, "The secret, which is made when it is first asked for.", 400),
)
def get_webhook_secret(who: Who, store: Store) -> Reply:
    """It signs what is sent to the `webhook_url` of your tasks, as the Standard Webhooks specification says."""
    secret = store.get_or_create(who.user_id, fresh=secret_text(token_bytes(32)), now=utcnow())
    return Response(200, JSON, secret.model_dump_json())


@app.post(
    "/api/v3/webhook-secret",
    tags=["Account"],
    operation_id="rotateWebhookSecret",
    summary="Change your webhook secret",
    responses=answers(200, WebhookSecret, "The new secret.", 400, 409, 413, 415, 422, headers=("Idempotent-Replayed",)),
)
def rotate_webhook_secret(who: Who, store: Store, request: Request, key: IdempotencyKey = None) -> Reply:
    """The secret before it signs as well until `previous_until`; the one before that no longer does."""
    fresh, this = secret_text(token_bytes(32)), once(request, key)
    made = store.rotate(who.user_id, fresh=fresh, once=this, now=utcnow())
    replayed: dict[str, str | list[str]] = {"Idempotent-Replayed": "true"} if made.replayed else {}
    return Response(200, JSON, made.record.model_dump_json(), headers=replayed)


handler = serve(app)
