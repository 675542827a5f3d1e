"""Claims of a verified token. The gateway has checked signature, issuer, audience and time before a function runs.

Nothing else in a request identifies the caller; missing or malformed claims are never replaced.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from atelier.domain.errors import Unauthenticated
from atelier.domain.roles import Role, highest
from atelier.settings import JWT, PLACEHOLDER, settings

Event = Mapping[str, Any]

# No other white space: a no-break blank is part of a name.
_SEPARATOR: Final = re.compile(r",\s*|\s+", re.ASCII)
_WORD: Final = re.compile(r"\S+", re.ASCII)
_HALF_CHARACTER: Final = re.compile("[\ud800-\udfff]")  # of a surrogate pair: nobody could store or send it


@dataclass(frozen=True)
class Claims:
    """The verified claims: issuer, subject, and role if any."""

    issuer: str
    subject: str
    role: Role | None
    name: str | None = None
    email: str | None = None
    verified_email: str | None = None


ANONYMOUS_ADMIN: Final = Claims(issuer="", subject="", role=Role.ADMIN)
"""Who everyone is in the local run."""


def claims_of(event: Event) -> Claims:
    """The claims of a request. Raises Unauthenticated when nobody has verified any."""
    mode = settings().auth_mode
    if mode == PLACEHOLDER:
        return ANONYMOUS_ADMIN
    claims = _verified(event) if mode == JWT else {}
    issuer, subject = _text(claims.get("iss")), _text(claims.get("sub"))
    if issuer is None or subject is None:
        raise Unauthenticated("There are no verified claims: send `Authorization: Bearer <token>`.")
    role = highest(claim_values(claims.get(settings().role_claim)))
    email = _text(claims.get("email"))
    is_verified = claims.get("email_verified") in (True, "true")  # the gateway makes texts of all claims
    return Claims(issuer, subject, role, _text(claims.get("name")), email, email if is_verified else None)


def claim_values(claim: object) -> list[str]:
    """The values of a claim that is a list, a text that the gateway made of one, or words with spaces or commas.

    What was one value in a list stays one where the gateway lets us see it: a group called `x,admin` or `admin,` makes
    nobody an admin. One called `x admin` does, because the gateway puts no quotes around the values of a list.
    """
    match claim:
        case list():
            return [each for each in claim if isinstance(each, str)]
        case str() if claim.startswith("[") and claim.endswith("]"):
            return _WORD.findall(claim[1:-1])  # `[admin editor]`: the gateway's way
        case str():
            values = _SEPARATOR.split(claim)
            return values if all(values) else _WORD.findall(claim)  # a comma that separates nothing is part of a name
        case _:
            return []


def _verified(event: Event) -> Mapping[str, Any]:
    found: object = event.get("requestContext")
    for name in ("authorizer", "jwt", "claims"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _text(claim: object) -> str | None:
    if isinstance(claim, str) and claim.strip() and not _HALF_CHARACTER.search(claim):
        return claim
    return None
