"""What a guest may do: every route of the document × who asks."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final
from unittest import mock

import pytest

from atelier.web.routes import document
from testbed.environment import ENVIRONMENT
from testbed.harness import TABLE, Answer, Harness, harness
from tests.integration.builders import Json, problem
from tests.support.recount import scan, violations

Route = tuple[str, str]

GUESTS: Final = (
    "own",
    "client viewer",
    "client editor",
    "campaign viewer",
    "campaign editor",
    "account viewer",
    "account editor",
    "account admin",
    "expired",
    "revoked",
    "stranger",
)
OF_NOBODY: Final = "nobody's"
"""A route that has nothing to do with whose something is."""
LISTED: Final = "a list"
"""Answered for everybody; test_shared_lists.py says with what."""

READ_CLIENT: Final = (200, 200, 200, 404, 404, 200, 200, 200, 404, 404, 404)
READ_CAMPAIGN: Final = (200, 200, 200, 200, 200, 200, 200, 200, 404, 404, 404)
MANAGE_CLIENT: Final = (200, 403, 403, 404, 404, 403, 403, 200, 404, 404, 404)
MANAGE_CAMPAIGN: Final = (200, 403, 403, 403, 403, 403, 403, 200, 404, 404, 404)
MANAGE_ACCOUNT: Final = (200, 404, 404, 404, 404, 403, 403, 200, 404, 404, 404)
READ_ACCOUNT: Final = (200, 404, 404, 404, 404, 200, 200, 200, 404, 404, 404)
CREATE_BELOW_CLIENT: Final = (201, 403, 201, 404, 404, 403, 201, 201, 404, 404, 404)

STATUS: Final[dict[Route, Any]] = {
    ("GET", "/health"): OF_NOBODY,
    ("HEAD", "/health"): OF_NOBODY,
    ("GET", "/openapi.json"): OF_NOBODY,
    ("POST", "/webhooks/{provider}"): OF_NOBODY,
    ("GET", "/me"): OF_NOBODY,
    ("GET", "/providers"): OF_NOBODY,
    ("GET", "/account"): READ_ACCOUNT,
    ("GET", "/webhook-secret"): MANAGE_ACCOUNT,
    ("POST", "/webhook-secret"): MANAGE_ACCOUNT,
    ("POST", "/exports"): tuple(202 if s == 200 else s for s in READ_CAMPAIGN),
    ("GET", "/exports/{export_id}"): OF_NOBODY,  # whoever has asked for it
    ("DELETE", "/exports/{export_id}"): OF_NOBODY,
    ("GET", "/reports/usage"): READ_CAMPAIGN,  # as far as it is shared
    ("GET", "/account/budget"): READ_ACCOUNT,
    ("PUT", "/account/budget"): MANAGE_ACCOUNT,
    ("DELETE", "/account/budget"): tuple(204 if s == 200 else s for s in MANAGE_ACCOUNT),
    ("PUT", "/clients/{client_id}/budget"): MANAGE_CLIENT,
    ("GET", "/clients/{client_id}/budget"): READ_CLIENT,
    ("DELETE", "/clients/{client_id}/budget"): tuple(204 if s == 200 else s for s in MANAGE_CLIENT),
    ("PUT", "/campaigns/{campaign_id}/budget"): MANAGE_CAMPAIGN,
    ("GET", "/campaigns/{campaign_id}/budget"): READ_CAMPAIGN,
    ("DELETE", "/campaigns/{campaign_id}/budget"): tuple(204 if s == 200 else s for s in MANAGE_CAMPAIGN),
    ("POST", "/invitations/accept"): OF_NOBODY,  # whoever has the token
    **{("POST", f"/{each}/batch"): OF_NOBODY for each in ("clients", "campaigns", "tasks", "generate")},
    ("GET", "/clients"): LISTED,
    ("GET", "/campaigns"): LISTED,
    ("GET", "/tasks"): LISTED,
    ("GET", "/shares"): LISTED,
    ("GET", "/activity"): LISTED,
    ("POST", "/clients"): (201, 404, 404, 404, 404, 403, 201, 201, 404, 404, 404),
    ("GET", "/clients/{client_id}"): READ_CLIENT,
    ("PATCH", "/clients/{client_id}"): (200, 403, 200, 404, 404, 403, 200, 200, 404, 404, 404),
    ("DELETE", "/clients/{client_id}"): (204, 403, 403, 404, 404, 403, 204, 204, 404, 404, 404),
    ("GET", "/clients/{client_id}/campaigns"): READ_CLIENT,
    ("POST", "/clients/{client_id}/campaigns"): CREATE_BELOW_CLIENT,
    ("POST", "/campaigns"): CREATE_BELOW_CLIENT,
    ("GET", "/campaigns/{campaign_id}"): READ_CAMPAIGN,
    ("PATCH", "/campaigns/{campaign_id}"): (200, 403, 200, 403, 200, 403, 200, 200, 404, 404, 404),
    ("DELETE", "/campaigns/{campaign_id}"): (204, 403, 204, 403, 403, 403, 204, 204, 404, 404, 404),
    ("POST", "/generate/image"): (202, 403, 202, 403, 202, 403, 202, 202, 404, 404, 404),
    ("POST", "/generate/video"): (202, 403, 202, 404, 404, 403, 202, 202, 404, 404, 404),
    ("POST", "/generate/audio"): (202, 404, 404, 404, 404, 403, 202, 202, 404, 404, 404),
    ("POST", "/generate/image/estimate"): (200, 403, 200, 403, 200, 403, 200, 200, 404, 404, 404),
    ("POST", "/generate/video/estimate"): (200, 403, 200, 404, 404, 403, 200, 200, 404, 404, 404),
    ("POST", "/generate/audio/estimate"): (200, 404, 404, 404, 404, 403, 200, 200, 404, 404, 404),
    ("GET", "/tasks/{task_id}"): READ_CAMPAIGN,
    ("GET", "/tasks/{task_id}/result"): (409, 409, 409, 409, 409, 409, 409, 409, 404, 404, 404),  # it was canceled
    ("POST", "/tasks/{task_id}/cancel"): (200, 403, 200, 403, 200, 403, 200, 200, 404, 404, 404),
    ("POST", "/tasks/{task_id}/retry"): (202, 403, 202, 403, 202, 403, 202, 202, 404, 404, 404),
    ("PATCH", "/tasks/{task_id}"): (200, 403, 200, 403, 200, 403, 200, 200, 404, 404, 404),
    ("PUT", "/tasks/{task_id}/cost"): MANAGE_CAMPAIGN,
    ("DELETE", "/tasks/{task_id}"): (204, 403, 204, 403, 204, 403, 204, 204, 404, 404, 404),
    ("GET", "/clients/{client_id}/shares"): MANAGE_CLIENT,
    ("PUT", "/clients/{client_id}/shares/{user_id}"): MANAGE_CLIENT,
    ("DELETE", "/clients/{client_id}/shares/{user_id}"): tuple(204 if s == 200 else s for s in MANAGE_CLIENT),
    ("GET", "/clients/{client_id}/invitations"): MANAGE_CLIENT,
    ("POST", "/clients/{client_id}/invitations"): tuple(201 if s == 200 else s for s in MANAGE_CLIENT),
    ("DELETE", "/clients/{client_id}/invitations/{invitation_id}"): tuple(
        204 if s == 200 else s for s in MANAGE_CLIENT
    ),
    ("GET", "/campaigns/{campaign_id}/shares"): MANAGE_CAMPAIGN,
    ("PUT", "/campaigns/{campaign_id}/shares/{user_id}"): MANAGE_CAMPAIGN,
    ("DELETE", "/campaigns/{campaign_id}/shares/{user_id}"): tuple(204 if s == 200 else s for s in MANAGE_CAMPAIGN),
    ("GET", "/campaigns/{campaign_id}/invitations"): MANAGE_CAMPAIGN,
    ("POST", "/campaigns/{campaign_id}/invitations"): tuple(201 if s == 200 else s for s in MANAGE_CAMPAIGN),
    ("DELETE", "/campaigns/{campaign_id}/invitations/{invitation_id}"): tuple(
        204 if s == 200 else s for s in MANAGE_CAMPAIGN
    ),
    ("GET", "/account/shares"): MANAGE_ACCOUNT,
    ("PUT", "/account/shares/{user_id}"): MANAGE_ACCOUNT,
    ("DELETE", "/account/shares/{user_id}"): tuple(204 if s == 200 else s for s in MANAGE_ACCOUNT),
    ("GET", "/account/invitations"): MANAGE_ACCOUNT,
    ("POST", "/account/invitations"): tuple(201 if s == 200 else s for s in MANAGE_ACCOUNT),
    ("DELETE", "/account/invitations/{invitation_id}"): tuple(204 if s == 200 else s for s in MANAGE_ACCOUNT),
}
BODIES: Final[dict[Route, Json]] = {
    ("POST", "/clients"): {"name": "Acme", "user_id": "{owner}"},
    ("PATCH", "/clients/{client_id}"): {"description": "By {guest}"},
    ("POST", "/clients/{client_id}/campaigns"): {"name": "Launch", "goal": "Sell"},
    ("POST", "/campaigns"): {"name": "Launch", "goal": "Sell", "client_id": "{client_id}"},
    ("PATCH", "/campaigns/{campaign_id}"): {"brief": "By {guest}"},
    ("PATCH", "/tasks/{task_id}"): {"tags": ["{guest}"], "campaign_id": "{campaign_id}"},
    ("POST", "/generate/image"): {"prompt": "A boat", "campaign_id": "{campaign_id}"},
    ("POST", "/generate/video"): {"prompt": "A boat", "client_id": "{client_id}"},
    ("POST", "/generate/audio"): {"prompt": "A boat", "user_id": "{owner}"},
    ("POST", "/exports"): {"campaign_id": "{campaign_id}"},
    ("PUT", "/tasks/{task_id}/cost"): {"actual": 0.04},
    ("POST", "/generate/image/estimate"): {"prompt": "A boat", "campaign_id": "{campaign_id}"},
    ("POST", "/generate/video/estimate"): {"prompt": "A boat", "client_id": "{client_id}"},
    ("POST", "/generate/audio/estimate"): {"prompt": "A boat", "user_id": "{owner}"},
    ("PUT", "/account/budget"): {"limit": 5},
    ("PUT", "/clients/{client_id}/budget"): {"limit": 5},
    ("PUT", "/campaigns/{campaign_id}/budget"): {"limit": 5},
}
OF_ACCOUNTS: Final = ("/account", "/webhook-secret", "/reports/usage")
"""What takes `owner`, the account's number."""
OF_GUESTS: Final = [route for route, statuses in STATUS.items() if isinstance(statuses, tuple)]
SCOPES: Final = {"client": "/clients/{client_id}", "campaign": "/campaigns/{campaign_id}", "account": "/account"}


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with mock.patch.dict(ENVIRONMENT, {"AUTH_MODE": "jwt"}), harness() as made:
        yield made


def claims(subject: str) -> dict[str, str]:
    return {"iss": "https://id.example", "sub": subject, "cognito:groups": "[admin]"}


def number_of(w: Harness, subject: str) -> int:
    number: int = w.call("GET", "/me", claims=claims(subject)).json["user_id"]
    return number


def filled(text: str, known: dict[str, Any]) -> str:
    text = text.replace('"{owner}"', str(known["owner"]))
    for name, value in known.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def new_things(w: Harness) -> dict[str, Any]:
    """A client, a campaign and a task of the owner, each with an invitation and shared with somebody else."""
    own = claims("own")
    client = w.call("POST", "/clients", {"name": "Acme"}, claims=own).json["id"]
    campaign = w.call("POST", f"/clients/{client}/campaigns", {"name": "Launch", "goal": "Sell"}, claims=own).json["id"]
    task = w.call("POST", "/generate/image", {"prompt": "A boat", "campaign_id": campaign}, claims=own).json["id"]
    w.call("POST", f"/tasks/{task}/cancel", claims=own)
    known = {"owner": number_of(w, "own"), "user_id": number_of(w, "someone")}
    known |= {"client_id": client, "campaign_id": campaign, "task_id": task}
    for kind, path in SCOPES.items():
        w.call("PUT", f"{filled(path, known)}/shares/{known['user_id']}", {"role": "viewer"}, claims=own)
        made = w.call("POST", f"{filled(path, known)}/invitations", {"role": "viewer"}, claims=own)
        known[f"{kind}_invitation"] = made.json["id"]
        w.call("PUT", f"{filled(path, known)}/budget", {"limit": 5}, claims=own)
    return known


def let_in(w: Harness, guest: str, known: dict[str, Any]) -> None:
    """Share with the guest what their name says."""
    kind, _, role = guest.partition(" ")
    own, number = claims("own"), number_of(w, guest)
    if kind in SCOPES:
        path = filled(SCOPES[kind], known)
        assert w.call("PUT", f"{path}/shares/{number}", {"role": role}, claims=own).status in (200, 201)
    if guest in ("expired", "revoked"):
        for path in SCOPES.values():
            share = f"{filled(path, known)}/shares/{number}"
            soon = w.now.isoformat(timespec="seconds").replace("+00:00", "") + ".999999Z"
            ends = {"role": "editor"} | ({"expires_at": soon} if guest == "expired" else {})
            assert w.call("PUT", share, ends, claims=own).status in (200, 201)
            if guest == "revoked":
                assert w.call("DELETE", share, claims=own).status == 204


def test_the_table_has_every_route() -> None:
    paths = json.loads(document())["paths"]
    documented = {(method.upper(), path) for path, operations in paths.items() for method in operations}
    assert {(method, f"/api/v3{path}") for method, path in STATUS} == documented


@cache
def things_of(w: Harness, guest: str) -> dict[str, Any]:
    """What the guest was let in to, for every route that deletes nothing."""
    known = {**new_things(w), "guest": guest}
    let_in(w, guest, known)
    return known


@pytest.mark.parametrize("guest", GUESTS)
def test_each_guest_is_answered_as_the_table_says(w: Harness, guest: str) -> None:
    things_of(w, guest)
    w.pass_time(2)  # after which what shall expire has
    found = {route: STATUS[route][GUESTS.index(guest)] for route in OF_GUESTS}
    for route, status in found.items():
        known = things_of(w, guest)
        if status == 204:
            known = {**new_things(w), "guest": guest}
            let_in(w, guest, known)
        answer = asked(w, route, known)
        assert answer.status == status, f"{route}: {answer.text}"
        if status >= 400:
            problem(answer, status)


def asked(w: Harness, route: Route, known: dict[str, Any]) -> Answer:
    """A good request of the guest."""
    method, path = route
    known = {**known, "invitation_id": known.get(f"{path.split('/')[1].removesuffix('s')}_invitation")}
    body = json.loads(filled(json.dumps(BODIES[route]), known)) if route in BODIES else None
    if path.endswith(("/shares/{user_id}", "/invitations")) and method in ("PUT", "POST"):
        body = {"role": "viewer"}
    query: Json = {"owner": known["owner"]} if path.startswith(OF_ACCOUNTS) else {}
    query |= {"from": "2026-11-01", "to": "2026-12-01"} if path == "/reports/usage" else {}
    return w.call(method, filled(path, known), body, query=query, claims=claims(known["guest"]))


def test_afterwards_everything_adds_up(w: Harness) -> None:
    w.pass_time(3600)
    w.settle()
    assert violations(scan(w.dynamodb, TABLE), at_rest=True, deleted=None) == []  # deleted tasks stay in the ledger
