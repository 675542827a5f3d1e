"""Who is asking, as a user of ours: what routes know of their caller."""

from dataclasses import dataclass
from typing import Annotated, Final

from aws_lambda_powertools.event_handler import Request
from aws_lambda_powertools.event_handler.depends import Depends

from atelier import wiring
from atelier.domain.roles import Role
from atelier.telemetry import acting_for
from atelier.web.claims import EVERYBODY
from atelier.web.roles import admitted

PLACEHOLDER_USER: Final = 1


@dataclass(frozen=True)
class Caller:
    """A verified user, who may make this very request."""

    user_id: int
    role: Role | None
    name: str | None = None
    email: str | None = None


def caller(request: Request) -> Caller:
    """The user that the request acts for. Raises Unauthenticated and Forbidden."""
    claims = admitted(request.resolved_event.raw_event)
    if claims is EVERYBODY:
        acting_for(PLACEHOLDER_USER)
        return Caller(PLACEHOLDER_USER, claims.role)
    user_id = wiring.users().id_of(issuer=claims.issuer, subject=claims.subject)
    acting_for(user_id)
    return Caller(user_id, claims.role, claims.name, claims.email)


Who = Annotated[Caller, Depends(caller)]
