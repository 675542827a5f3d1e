"""Who sends a request, and whose data it may use."""

from dataclasses import dataclass
from typing import Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from atelier import wiring
from atelier.domain.access import Access
from atelier.domain.roles import Role
from atelier.domain.schema import utcnow
from atelier.telemetry import log_user
from atelier.web.api import claims_in
from atelier.web.claims import ANONYMOUS_ADMIN

PLACEHOLDER_USER: Final = 1


@dataclass(frozen=True)
class Caller:
    """A verified user, who may make this very request."""

    user_id: int
    role: Role | None
    name: str | None = None
    email: str | None = None
    verified_email: str | None = None


def caller(app: APIGatewayHttpResolver) -> Caller:
    """The user of the current request. Raises Unauthenticated on routes without a token."""
    claims = claims_in(app)
    if claims is ANONYMOUS_ADMIN:
        log_user(PLACEHOLDER_USER)
        return Caller(PLACEHOLDER_USER, claims.role)
    user_id = wiring.users().id_of(issuer=claims.issuer, subject=claims.subject)
    log_user(user_id)
    return Caller(user_id, claims.role, claims.name, claims.email, claims.verified_email)


def access_of(app: APIGatewayHttpResolver) -> Access:
    """The access of the current request: the caller's own account, beside which stores find what was shared with them.

    Raises Unauthenticated.
    """
    who = caller(app)
    request_id = app.current_event.request_context.request_id
    return Access.own(who.user_id, who.role, at=utcnow(), request_id=request_id)
