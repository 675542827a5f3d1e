"""Authorization: the minimum role of every route, and the check of a request against it.

A new route needs a row here. Until it has one nobody may use it, and a test says so.
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import Final

from atelier.domain.errors import Forbidden
from atelier.domain.roles import Role
from atelier.web.claims import Claims, Event, claims_of
from atelier.web.routes import fits

Route = tuple[str, str]
"""Method and path, as in openapi.json."""

OPEN: Final = frozenset(
    {
        ("GET", "/api/v3/health"),
        ("HEAD", "/api/v3/health"),
        ("GET", "/api/v3/openapi.json"),
        ("GET", "/"),
        ("GET", "/console"),
        ("GET", "/console/"),
        ("GET", "/console/{name}"),
        ("GET", "/docs"),
        ("GET", "/docs/{name}"),
        ("POST", "/api/v3/webhooks/{provider}"),  # proved by the provider's signature
    }
)
"""What needs no token."""

LEAST: Final[Mapping[Route, Role | None]] = {
    ("GET", "/api/v3/me"): None,
    ("GET", "/api/v3/clients"): Role.VIEWER,
    ("POST", "/api/v3/clients"): Role.EDITOR,
    ("POST", "/api/v3/clients/batch"): Role.EDITOR,
    ("GET", "/api/v3/clients/{client_id}"): Role.VIEWER,
    ("PATCH", "/api/v3/clients/{client_id}"): Role.EDITOR,
    ("DELETE", "/api/v3/clients/{client_id}"): Role.EDITOR,
    ("GET", "/api/v3/clients/{client_id}/campaigns"): Role.VIEWER,
    ("POST", "/api/v3/clients/{client_id}/campaigns"): Role.EDITOR,
    ("GET", "/api/v3/campaigns"): Role.VIEWER,
    ("POST", "/api/v3/campaigns"): Role.EDITOR,
    ("POST", "/api/v3/campaigns/batch"): Role.EDITOR,
    ("GET", "/api/v3/campaigns/{campaign_id}"): Role.VIEWER,
    ("PATCH", "/api/v3/campaigns/{campaign_id}"): Role.EDITOR,
    ("DELETE", "/api/v3/campaigns/{campaign_id}"): Role.EDITOR,
    ("GET", "/api/v3/providers"): Role.VIEWER,
    ("GET", "/api/v3/models"): Role.VIEWER,
    ("POST", "/api/v3/models"): Role.ADMIN,  # of the deployment, whose prices they are: no share makes anybody one
    ("GET", "/api/v3/models/{model_id}"): Role.ADMIN,
    ("PATCH", "/api/v3/models/{model_id}"): Role.ADMIN,
    ("DELETE", "/api/v3/models/{model_id}"): Role.ADMIN,
    ("POST", "/api/v3/generate/image"): Role.EDITOR,
    ("POST", "/api/v3/generate/video"): Role.EDITOR,
    ("POST", "/api/v3/generate/audio"): Role.EDITOR,
    ("POST", "/api/v3/generate/edit"): Role.EDITOR,
    ("POST", "/api/v3/generate/upscale"): Role.EDITOR,
    ("POST", "/api/v3/generate/remove-background"): Role.EDITOR,
    ("POST", "/api/v3/generate/image/estimate"): Role.EDITOR,
    ("POST", "/api/v3/generate/video/estimate"): Role.EDITOR,
    ("POST", "/api/v3/generate/audio/estimate"): Role.EDITOR,
    ("POST", "/api/v3/generate/edit/estimate"): Role.EDITOR,
    ("POST", "/api/v3/generate/upscale/estimate"): Role.EDITOR,
    ("POST", "/api/v3/generate/remove-background/estimate"): Role.EDITOR,
    ("POST", "/api/v3/generate/batch"): Role.EDITOR,
    ("POST", "/api/v3/generate/matrix"): Role.EDITOR,
    ("POST", "/api/v3/tasks/batch"): Role.EDITOR,
    ("GET", "/api/v3/tasks"): Role.VIEWER,
    ("GET", "/api/v3/tasks/{task_id}"): Role.VIEWER,
    ("GET", "/api/v3/tasks/{task_id}/result"): Role.VIEWER,
    ("POST", "/api/v3/tasks/{task_id}/cancel"): Role.EDITOR,
    ("POST", "/api/v3/tasks/{task_id}/retry"): Role.EDITOR,
    ("POST", "/api/v3/tasks/{task_id}/webhook"): Role.EDITOR,
    ("PATCH", "/api/v3/tasks/{task_id}"): Role.EDITOR,
    ("PUT", "/api/v3/tasks/{task_id}/cost"): Role.ADMIN,
    ("DELETE", "/api/v3/tasks/{task_id}"): Role.EDITOR,
    ("GET", "/api/v3/clients/{client_id}/shares"): Role.ADMIN,
    ("PUT", "/api/v3/clients/{client_id}/shares/{user_id}"): Role.ADMIN,
    ("DELETE", "/api/v3/clients/{client_id}/shares/{user_id}"): Role.VIEWER,  # of others: admin
    ("GET", "/api/v3/clients/{client_id}/invitations"): Role.ADMIN,
    ("POST", "/api/v3/clients/{client_id}/invitations"): Role.ADMIN,
    ("DELETE", "/api/v3/clients/{client_id}/invitations/{invitation_id}"): Role.ADMIN,
    ("GET", "/api/v3/campaigns/{campaign_id}/shares"): Role.ADMIN,
    ("PUT", "/api/v3/campaigns/{campaign_id}/shares/{user_id}"): Role.ADMIN,
    ("DELETE", "/api/v3/campaigns/{campaign_id}/shares/{user_id}"): Role.VIEWER,  # of others: admin
    ("GET", "/api/v3/campaigns/{campaign_id}/invitations"): Role.ADMIN,
    ("POST", "/api/v3/campaigns/{campaign_id}/invitations"): Role.ADMIN,
    ("DELETE", "/api/v3/campaigns/{campaign_id}/invitations/{invitation_id}"): Role.ADMIN,
    ("GET", "/api/v3/account/shares"): Role.ADMIN,
    ("PUT", "/api/v3/account/shares/{user_id}"): Role.ADMIN,
    ("DELETE", "/api/v3/account/shares/{user_id}"): Role.VIEWER,  # of others: admin
    ("GET", "/api/v3/account/invitations"): Role.ADMIN,
    ("POST", "/api/v3/account/invitations"): Role.ADMIN,
    ("DELETE", "/api/v3/account/invitations/{invitation_id}"): Role.ADMIN,
    ("GET", "/api/v3/shares"): Role.VIEWER,
    ("POST", "/api/v3/invitations/accept"): Role.VIEWER,
    ("POST", "/api/v3/assets"): Role.EDITOR,
    ("GET", "/api/v3/assets"): Role.VIEWER,
    ("GET", "/api/v3/assets/{asset_id}"): Role.VIEWER,
    ("PATCH", "/api/v3/assets/{asset_id}"): Role.EDITOR,
    ("DELETE", "/api/v3/assets/{asset_id}"): Role.EDITOR,
    ("POST", "/api/v3/assets/{asset_id}/complete"): Role.EDITOR,
    ("POST", "/api/v3/tasks/{task_id}/outputs/{number}/asset"): Role.EDITOR,
    ("POST", "/api/v3/imports"): Role.EDITOR,
    ("GET", "/api/v3/imports"): Role.VIEWER,
    ("GET", "/api/v3/imports/{import_id}"): Role.VIEWER,
    ("GET", "/api/v3/imports/{import_id}/failures"): Role.VIEWER,
    ("POST", "/api/v3/imports/{import_id}/start"): Role.EDITOR,
    ("POST", "/api/v3/imports/{import_id}/cancel"): Role.EDITOR,
    ("GET", "/api/v3/account"): Role.VIEWER,
    ("POST", "/api/v3/exports"): Role.VIEWER,  # whoever reads takes home what they read
    ("GET", "/api/v3/exports"): Role.VIEWER,
    ("GET", "/api/v3/exports/{export_id}"): Role.VIEWER,
    ("DELETE", "/api/v3/exports/{export_id}"): Role.VIEWER,
    ("GET", "/api/v3/reports/usage"): Role.VIEWER,
    ("GET", "/api/v3/activity"): Role.VIEWER,
    ("PUT", "/api/v3/account/budget"): Role.ADMIN,
    ("GET", "/api/v3/account/budget"): Role.VIEWER,
    ("DELETE", "/api/v3/account/budget"): Role.ADMIN,
    ("PUT", "/api/v3/clients/{client_id}/budget"): Role.ADMIN,
    ("GET", "/api/v3/clients/{client_id}/budget"): Role.VIEWER,
    ("DELETE", "/api/v3/clients/{client_id}/budget"): Role.ADMIN,
    ("PUT", "/api/v3/campaigns/{campaign_id}/budget"): Role.ADMIN,
    ("GET", "/api/v3/campaigns/{campaign_id}/budget"): Role.VIEWER,
    ("DELETE", "/api/v3/campaigns/{campaign_id}/budget"): Role.ADMIN,
    ("GET", "/api/v3/webhook-secret"): Role.EDITOR,  # who has it can speak in our name
    ("POST", "/api/v3/webhook-secret"): Role.ADMIN,
}
"""What a route takes beside a token; None for nothing."""


UNAUTHENTICATED: Final = Claims(issuer="", subject="", role=None)
"""Who everyone is where no token is asked for."""


def authorize(event: Event) -> Claims | None:
    """The verified claims of a request that its role allows; None for unknown routes, which answer 404 or 405.

    Raises Unauthenticated and Forbidden.
    """
    route = _route_of(event)
    if route is None:
        return None
    if route in OPEN:
        return UNAUTHENTICATED
    claims, least = claims_of(event), LEAST[route]
    if least is not None and not (claims.role and claims.role.includes(least)):
        yours = f"yours is {claims.role}" if claims.role else "you have none"
        raise Forbidden(f"Requires role {least}; {yours}.")
    return claims


def _route_of(event: Event) -> Route | None:
    method, parts = event["requestContext"]["http"]["method"], event["rawPath"].split("/")
    return next((route for route, like in _routes().get((method, len(parts)), ()) if fits(parts, like)), None)


@cache
def _routes() -> Mapping[tuple[str, int], list[tuple[Route, list[str]]]]:
    # By method and length, which leaves two or three to look at; expressions would have to be compiled at each start.
    routes: defaultdict[tuple[str, int], list[tuple[Route, list[str]]]] = defaultdict(list)
    for route in (*LEAST, *OPEN):
        parts = route[1].split("/")
        routes[route[0], len(parts)].append((route, parts))
    return routes
