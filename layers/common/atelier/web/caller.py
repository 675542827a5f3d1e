"""Who is asking: taken from claims that the gateway has verified, never from anything else in the request."""

from dataclasses import dataclass
from typing import Annotated, Final

from aws_lambda_powertools.event_handler import Request
from aws_lambda_powertools.event_handler.depends import Depends

from atelier.domain.errors import Unauthenticated
from atelier.settings import PLACEHOLDER, settings


@dataclass(frozen=True)
class Caller:
    """A verified user."""

    user_id: int


PLACEHOLDER_USER: Final = Caller(user_id=1)


def caller(request: Request) -> Caller:  # noqa: ARG001 - the claims will be read from it
    """The user that the request acts for. Raises Unauthenticated: without verified claims nothing is answered."""
    if settings().auth_mode == PLACEHOLDER:
        return PLACEHOLDER_USER
    raise Unauthenticated("This deployment has no identity provider yet.")


Who = Annotated[Caller, Depends(caller)]
