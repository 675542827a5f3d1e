"""Who may do what: every route × role, and what one user learns of another's, which is nothing."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final
from unittest import mock
from uuid import uuid4

import pytest

from atelier import settings, wiring
from atelier.store.dynamodb.connections import Connections, Sent
from atelier.web import roles
from atelier.web.request_body import MAX_BODY
from atelier.web.routes import document
from testbed.environment import ENVIRONMENT
from testbed.harness import Answer, Harness, harness
from tests.contract.test_roles import ALIKE_FOR_ALL
from tests.integration.builders import NOBODY, Json, problem

Claims = dict[str, str]
Route = tuple[str, str]

NONE, VIEWER, EDITOR, ADMIN = "", "viewer", "editor", "admin"

EDITS: Final = ("edit", "upscale", "remove-background")
# What a good request is answered without a token, without a role, as viewer, editor and admin.
STATUS: Final[dict[Route, tuple[int, int, int, int, int]]] = {
    ("GET", "/health"): (200, 200, 200, 200, 200),
    ("HEAD", "/health"): (200, 200, 200, 200, 200),
    ("GET", "/openapi.json"): (200, 200, 200, 200, 200),
    ("POST", "/webhooks/{provider}"): (404, 404, 404, 404, 404),  # none is configured here
    ("GET", "/me"): (401, 200, 200, 200, 200),
    ("GET", "/account"): (401, 403, 200, 200, 200),
    ("GET", "/exports"): (401, 403, 200, 200, 200),
    ("POST", "/exports"): (401, 403, 202, 202, 202),
    ("GET", "/exports/{export_id}"): (401, 403, 404, 404, 404),  # nobody has asked for it
    ("DELETE", "/exports/{export_id}"): (401, 403, 404, 404, 404),
    ("GET", "/reports/usage"): (401, 403, 200, 200, 200),
    ("GET", "/activity"): (401, 403, 200, 200, 200),
    ("GET", "/imports"): (401, 403, 200, 200, 200),
    ("POST", "/imports"): (401, 403, 403, 202, 202),
    ("GET", "/imports/{import_id}"): (401, 403, 200, 200, 200),
    ("GET", "/imports/{import_id}/failures"): (401, 403, 200, 200, 200),
    ("POST", "/imports/{import_id}/start"): (401, 403, 403, 409, 409),  # its file was not uploaded
    ("POST", "/imports/{import_id}/cancel"): (401, 403, 403, 200, 200),
    ("POST", "/assets"): (401, 403, 403, 201, 201),
    ("GET", "/assets"): (401, 403, 200, 200, 200),
    ("GET", "/assets/{asset_id}"): (401, 403, 200, 200, 200),
    ("PATCH", "/assets/{asset_id}"): (401, 403, 403, 200, 200),
    ("POST", "/assets/{asset_id}/complete"): (401, 403, 403, 409, 409),  # its file was not uploaded
    ("DELETE", "/assets/{asset_id}"): (401, 403, 403, 204, 204),
    ("POST", "/tasks/{task_id}/outputs/{number}/asset"): (401, 403, 403, 409, 409),  # the task was canceled
    ("GET", "/clients"): (401, 403, 200, 200, 200),
    ("POST", "/clients"): (401, 403, 403, 201, 201),
    ("GET", "/clients/{client_id}"): (401, 403, 200, 200, 200),
    ("PATCH", "/clients/{client_id}"): (401, 403, 403, 200, 200),
    ("DELETE", "/clients/{client_id}"): (401, 403, 403, 204, 204),
    ("GET", "/clients/{client_id}/campaigns"): (401, 403, 200, 200, 200),
    ("POST", "/clients/{client_id}/campaigns"): (401, 403, 403, 201, 201),
    ("GET", "/campaigns"): (401, 403, 200, 200, 200),
    ("POST", "/campaigns"): (401, 403, 403, 201, 201),
    ("GET", "/campaigns/{campaign_id}"): (401, 403, 200, 200, 200),
    ("PATCH", "/campaigns/{campaign_id}"): (401, 403, 403, 200, 200),
    ("DELETE", "/campaigns/{campaign_id}"): (401, 403, 403, 204, 204),
    ("GET", "/providers"): (401, 403, 200, 200, 200),
    ("GET", "/models"): (401, 403, 200, 200, 200),
    ("POST", "/models"): (401, 403, 403, 403, 400),  # none of its providers is configured here
    ("GET", "/models/{model_id}"): (401, 403, 403, 403, 404),
    ("PATCH", "/models/{model_id}"): (401, 403, 403, 403, 404),
    ("DELETE", "/models/{model_id}"): (401, 403, 403, 403, 404),
    ("POST", "/generate/image"): (401, 403, 403, 202, 202),
    ("POST", "/generate/video"): (401, 403, 403, 202, 202),
    ("POST", "/generate/audio"): (401, 403, 403, 202, 202),
    **{("POST", f"/generate/{each}"): (401, 403, 403, 400, 400) for each in EDITS},  # the task has no outputs
    **{("POST", f"/generate/{each}/estimate"): (401, 403, 403, 400, 400) for each in EDITS},
    ("POST", "/generate/image/estimate"): (401, 403, 403, 200, 200),
    ("POST", "/generate/video/estimate"): (401, 403, 403, 200, 200),
    ("POST", "/generate/audio/estimate"): (401, 403, 403, 200, 200),
    **{("POST", f"/{each}/batch"): (401, 403, 403, 200, 200) for each in ("clients", "campaigns", "tasks", "generate")},
    ("POST", "/generate/matrix"): (401, 403, 403, 200, 200),
    ("GET", "/tasks"): (401, 403, 200, 200, 200),
    ("GET", "/tasks/{task_id}"): (401, 403, 200, 200, 200),
    ("GET", "/tasks/{task_id}/result"): (401, 403, 409, 409, 409),  # the task was canceled
    ("POST", "/tasks/{task_id}/cancel"): (401, 403, 403, 200, 200),
    ("POST", "/tasks/{task_id}/retry"): (401, 403, 403, 202, 202),
    ("POST", "/tasks/{task_id}/webhook"): (401, 403, 403, 409, 409),  # it has none
    ("PATCH", "/tasks/{task_id}"): (401, 403, 403, 200, 200),
    ("PUT", "/tasks/{task_id}/cost"): (401, 403, 403, 403, 200),
    ("DELETE", "/tasks/{task_id}"): (401, 403, 403, 204, 204),
    ("PUT", "/account/budget"): (401, 403, 403, 403, 200),
    ("GET", "/account/budget"): (401, 403, 200, 200, 200),
    ("DELETE", "/account/budget"): (401, 403, 403, 403, 204),
    ("PUT", "/clients/{client_id}/budget"): (401, 403, 403, 403, 200),
    ("GET", "/clients/{client_id}/budget"): (401, 403, 200, 200, 200),
    ("DELETE", "/clients/{client_id}/budget"): (401, 403, 403, 403, 204),
    ("PUT", "/campaigns/{campaign_id}/budget"): (401, 403, 403, 403, 200),
    ("GET", "/campaigns/{campaign_id}/budget"): (401, 403, 200, 200, 200),
    ("DELETE", "/campaigns/{campaign_id}/budget"): (401, 403, 403, 403, 204),
    ("GET", "/clients/{client_id}/shares"): (401, 403, 403, 403, 200),
    ("PUT", "/clients/{client_id}/shares/{user_id}"): (401, 403, 403, 403, 200),
    ("DELETE", "/clients/{client_id}/shares/{user_id}"): (401, 403, 403, 403, 204),
    ("GET", "/clients/{client_id}/invitations"): (401, 403, 403, 403, 200),
    ("POST", "/clients/{client_id}/invitations"): (401, 403, 403, 403, 201),
    ("DELETE", "/clients/{client_id}/invitations/{invitation_id}"): (401, 403, 403, 403, 204),
    ("GET", "/campaigns/{campaign_id}/shares"): (401, 403, 403, 403, 200),
    ("PUT", "/campaigns/{campaign_id}/shares/{user_id}"): (401, 403, 403, 403, 200),
    ("DELETE", "/campaigns/{campaign_id}/shares/{user_id}"): (401, 403, 403, 403, 204),
    ("GET", "/campaigns/{campaign_id}/invitations"): (401, 403, 403, 403, 200),
    ("POST", "/campaigns/{campaign_id}/invitations"): (401, 403, 403, 403, 201),
    ("DELETE", "/campaigns/{campaign_id}/invitations/{invitation_id}"): (401, 403, 403, 403, 204),
    ("GET", "/account/shares"): (401, 403, 403, 403, 200),
    ("PUT", "/account/shares/{user_id}"): (401, 403, 403, 403, 200),
    ("DELETE", "/account/shares/{user_id}"): (401, 403, 403, 403, 204),
    ("GET", "/account/invitations"): (401, 403, 403, 403, 200),
    ("POST", "/account/invitations"): (401, 403, 403, 403, 201),
    ("DELETE", "/account/invitations/{invitation_id}"): (401, 403, 403, 403, 204),
    ("GET", "/shares"): (401, 403, 200, 200, 200),
    ("POST", "/invitations/accept"): (401, 403, 400, 400, 400),  # it invites to the caller's own
    ("GET", "/webhook-secret"): (401, 403, 403, 200, 200),
    ("POST", "/webhook-secret"): (401, 403, 403, 403, 200),
}
BODIES: Final[dict[Route, Json]] = {
    ("POST", "/clients"): {"name": "Acme"},
    ("POST", "/imports"): {"type": "clients", "format": "csv", "size": 9},
    ("POST", "/models"): {"provider": "fal", "model": "fal-ai/flux/krea", "type": "image"},
    ("PATCH", "/models/{model_id}"): {"aliases": ["krea"]},
    ("POST", "/assets"): {
        "filename": "a.png",
        "content_type": "image/png",
        "size": 9,
        "sha256": "0" * 64,
        "purpose": "logo",
    },
    ("PATCH", "/assets/{asset_id}"): {"filename": "b.png"},
    ("POST", "/tasks/{task_id}/outputs/{number}/asset"): {},
    ("PATCH", "/clients/{client_id}"): {"description": "Rockets"},
    ("POST", "/clients/{client_id}/campaigns"): {"name": "Launch", "goal": "Sell"},
    ("POST", "/campaigns"): {"name": "Launch", "goal": "Sell", "client_id": "{client_id}"},
    ("PATCH", "/campaigns/{campaign_id}"): {"brief": "Short"},
    ("PATCH", "/tasks/{task_id}"): {"rating": 4},
    **{
        ("POST", f"/{each}/batch"): {"items": [{"op": "create"}]}
        for each in ("clients", "campaigns", "tasks", "generate")
    },
    ("POST", "/generate/matrix"): {"type": "image", "prompt": "A boat"},
    ("POST", "/generate/image"): {"prompt": "A boat", "campaign_id": "{campaign_id}"},
    ("POST", "/generate/video"): {"prompt": "A boat", "client_id": "{client_id}"},
    ("POST", "/generate/audio"): {"prompt": "A boat"},
    **{
        ("POST", f"/generate/{each}{what}"): {
            "prompt": "A boat",
            "client_id": "{client_id}",
            "inputs": [{"role": "reference", "task_id": "{task_id}", "output": 0}],
        }
        for each in EDITS
        for what in ("", "/estimate")
    },
    ("PUT", "/tasks/{task_id}/cost"): {"actual": 0.04},
    ("POST", "/generate/image/estimate"): {"prompt": "A boat", "campaign_id": "{campaign_id}"},
    ("POST", "/generate/video/estimate"): {"prompt": "A boat", "client_id": "{client_id}"},
    ("POST", "/generate/audio/estimate"): {"prompt": "A boat"},
    **{
        ("PUT", f"{whose}/budget"): {"limit": 5}
        for whose in ("/account", "/clients/{client_id}", "/campaigns/{campaign_id}")
    },
    ("POST", "/exports"): {"client_id": "{client_id}"},
    ("PUT", "/clients/{client_id}/shares/{user_id}"): {"role": "viewer"},
    ("POST", "/clients/{client_id}/invitations"): {"role": "viewer"},
    ("PUT", "/campaigns/{campaign_id}/shares/{user_id}"): {"role": "viewer"},
    ("POST", "/campaigns/{campaign_id}/invitations"): {"role": "viewer"},
    ("PUT", "/account/shares/{user_id}"): {"role": "viewer"},
    ("POST", "/account/invitations"): {"role": "viewer"},
    ("POST", "/invitations/accept"): {"token": "{token}"},
}
QUERIES: Final[dict[Route, Json]] = {
    ("POST", "/webhooks/{provider}"): {"task": "x", "token": "y"},
    ("GET", "/reports/usage"): {"from": "2026-11-01", "to": "2026-12-01"},
}
TOKENS: Final = (None, NONE, VIEWER, EDITOR, ADMIN)
LEAVING: Final = [route for route in STATUS if route[0] == "DELETE" and route[1].endswith("/shares/{user_id}")]
"""What a guest of any role may do with their own share, and only an admin with those of others."""
GUARDED: Final = [route for route, (without, *_) in STATUS.items() if without == 401]


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with mock.patch.dict(ENVIRONMENT, {"AUTH_MODE": "jwt"}), harness() as made:
        yield made


def claims(subject: str, role: str = EDITOR, **more: str) -> Claims:
    return {"iss": "https://id.example", "sub": subject, "cognito:groups": f"[{role}]", **more}


@cache
def things_of(w: Harness, subject: str) -> dict[str, str]:
    """What `new_things_of` makes, for everybody who does not delete it."""
    return new_things_of(w, subject)


def new_things_of(w: Harness, subject: str) -> dict[str, str]:
    """A client, a campaign and a canceled task of somebody, shared with a guest, with an invitation to each."""
    who, admin = claims(subject), claims(subject, ADMIN)
    client = w.call("POST", "/clients", {"name": "Acme"}, claims=who).json["id"]
    campaign = w.call("POST", f"/clients/{client}/campaigns", {"name": "Launch", "goal": "Sell"}, claims=who).json["id"]
    task = w.call("POST", "/generate/image", {"prompt": "A boat", "campaign_id": campaign}, claims=who).json["id"]
    w.call("POST", f"/tasks/{task}/cancel", claims=who)
    for path in ("/account", f"/clients/{client}", f"/campaigns/{campaign}"):
        w.call("PUT", f"{path}/budget", {"limit": 1}, claims=admin)
    guest = str(w.call("GET", "/me", claims=claims("guest")).json["user_id"])
    new_import = w.call("POST", "/imports", BODIES["POST", "/imports"], claims=who).json["id"]
    asset = w.call("POST", "/assets", BODIES["POST", "/assets"], claims=who).json["id"]
    things = {"client_id": client, "campaign_id": campaign, "task_id": task, "import_id": new_import, "user_id": guest}
    things["asset_id"] = asset
    for kind, path in (
        ("client", f"/clients/{client}"),
        ("campaign", f"/campaigns/{campaign}"),
        ("account", "/account"),
    ):
        w.call("PUT", f"{path}/shares/{guest}", {"role": "viewer"}, claims=admin)
        invitation = w.call("POST", f"{path}/invitations", {"role": "viewer"}, claims=admin).json
        things |= {f"{kind}_invitation": invitation["id"], "token": invitation["token"]}
    return things


def nothing_like(things: dict[str, str]) -> dict[str, str]:
    """The same ids, of what does not exist; the guest does."""
    return {**dict.fromkeys(things, NOBODY), "user_id": things["user_id"]}


def ask(w: Harness, route: Route, who: Claims | None, **ids: str) -> Answer:
    """A good request to a route, as far as the ids are good."""
    method, path = route
    ids = {**ids, "invitation_id": ids.get(f"{path.split('/')[1].removesuffix('s')}_invitation", NOBODY)}
    body = json.loads(filled(json.dumps(BODIES[route]), ids)) if route in BODIES else None
    filled_path = filled(path, {**ids, "provider": "fal", "number": "0"})
    return w.call(method, filled_path, body, query=QUERIES.get(route), claims=who)


def filled(text: str, ids: dict[str, str]) -> str:
    for name, id_ in ids.items():
        text = text.replace(f"{{{name}}}", id_)
    return text


# -------------------------------------------------------------------------------------------------- route × role


def test_the_table_has_every_route() -> None:
    paths = json.loads(document())["paths"]
    documented = {(method.upper(), path) for path, operations in paths.items() for method in operations}
    assert {(method, f"/api/v3{path}") for method, path in STATUS} == documented


@pytest.mark.parametrize("route", STATUS, ids=" ".join)
def test_a_route_answers_each_role_as_the_table_says(w: Harness, route: Route) -> None:
    for role, status in zip(TOKENS, STATUS[route], strict=True):
        who = None if role is None else claims("ann", role)
        things = new_things_of(w, "ann") if status == 204 else things_of(w, "ann")
        answer = ask(w, route, who, **things)
        assert answer.status == status, f"{role}: {answer.text}"
        if status >= 400:
            problem(answer, status)


BAD: Final[dict[str, Callable[[Route], dict[str, Any]]]] = {
    "malformed": lambda _: {"raw": "{"},
    "unknown fields": lambda _: {"body": {"colour": "blue"}},
    "another type": lambda _: {"raw": "<a/>", "headers": {"content-type": "text/xml"}},
    "too large": lambda _: {"raw": "x" * (MAX_BODY + 1)},
    "unknown parameter": lambda _: {"query": {"colour": "blue"}},
    "a key that is too long": lambda _: {"headers": {"idempotency-key": "x" * 256}},
    "nothing": lambda _: {},
}


@pytest.mark.parametrize("route", GUARDED, ids=" ".join)
def test_a_forbidden_caller_learns_nothing_else(w: Harness, route: Route) -> None:
    method, path = route
    ids = {"client_id": NOBODY, "campaign_id": NOBODY, "task_id": "not even an id"}
    for role, status in zip(TOKENS, STATUS[route], strict=True):
        if status in (401, 403) and not (route in LEAVING and role):
            who = None if role is None else claims("ann", role)
            for bad in BAD.values():
                problem(w.call(method, filled(path, ids), **{"body": None, **bad(route)}, claims=who), status)


@pytest.mark.parametrize("route", [route for route in GUARDED if 403 in STATUS[route]], ids=" ".join)
def test_a_route_without_a_role_is_forbidden_to_everybody(w: Harness, route: Route) -> None:
    things = things_of(w, "ann")
    rows = {row: role for row, role in roles.LEAST.items() if row != (route[0], f"/api/v3{route[1]}")}
    with mock.patch.object(roles, "LEAST", rows):
        roles._routes.cache_clear()
        refused = ask(w, route, claims("ann", ADMIN), **things)
    roles._routes.cache_clear()
    assert problem(refused, 403)["detail"] == "No role may use this route."


def test_what_no_route_takes_is_the_same_for_everybody(w: Harness) -> None:
    for who in (None, claims("ann", NONE), claims("ann", ADMIN)):
        problem(w.call("GET", "/nowhere", claims=who), 404)
        assert problem(w.call("PUT", "/clients", claims=who), 405)["detail"] == "This path allows GET, POST."


def test_a_refused_request_leaves_no_user_behind(w: Harness) -> None:
    with mock.patch.object(wiring.users(), "id_of") as id_of:
        w.call("GET", "/clients", claims=claims("stranger", NONE))
        w.call("POST", "/clients", {"name": "Acme"}, claims=claims("stranger", VIEWER))
        w.call("GET", "/clients", claims={"iss": "https://id.example", "cognito:groups": "[admin]"})
    id_of.assert_not_called()


def newcomer(w: Harness) -> int:
    """The number of a user who was never here: one more than the last that was given."""
    number: int = w.call("GET", "/me", claims=claims(f"newcomer {uuid4()}")).json["user_id"]
    return number


@pytest.mark.parametrize("route", STATUS, ids=" ".join)
def test_a_guarded_route_acts_for_its_caller(w: Harness, route: Route) -> None:
    ids = nothing_like(things_of(w, "ann"))
    before = newcomer(w)
    ask(w, route, claims(f"first seen at {route}", ADMIN), **ids)
    acts_for_somebody = route in GUARDED and (route[0], f"/api/v3{route[1]}") not in ALIKE_FOR_ALL
    assert newcomer(w) - before - 1 == acts_for_somebody  # whether its caller was given a number


# ------------------------------------------------------------------------------------------------------------ /me


def test_me_says_who_the_token_is_about(w: Harness) -> None:
    who = claims("carl", "viewer editor", name="Carl Example", email="carl@example.com")
    me = w.call("GET", "/me", claims=who).json
    assert me == {"user_id": me["user_id"], "role": "editor", "name": "Carl Example", "email": "carl@example.com"}
    assert w.call("GET", "/me", claims=claims("carl", NONE)).json == {**me, "role": None, "name": None, "email": None}
    made = w.call("POST", "/clients", {"name": "Acme"}, claims=claims("carl"))
    assert made.json["user_id"] == me["user_id"]


def test_everybody_is_user_1_in_the_local_run(w: Harness) -> None:
    """Whatever a request claims."""
    with mock.patch.dict("os.environ", {"AUTH_MODE": "placeholder"}):
        settings.settings.cache_clear()
        me = w.call("GET", "/me", claims=claims("ann", VIEWER)).json
    settings.settings.cache_clear()
    assert me == {"user_id": 1, "role": "admin", "name": None, "email": None}


# ------------------------------------------------------------------------------------------------------ isolation


def with_ids() -> list[Route]:
    named = ("{client_id}", "{campaign_id}", "{task_id}", "{asset_id}", "{invitation_id}")
    return [route for route in STATUS if any(each in f"{route[1]}{BODIES.get(route)}" for each in named)]


@pytest.mark.parametrize("route", with_ids(), ids=" ".join)
def test_anothers_is_answered_exactly_as_what_does_not_exist(w: Harness, route: Route) -> None:
    theirs = things_of(w, "ann")
    for role in (VIEWER, EDITOR, ADMIN):
        bob = claims("bob", role)
        one = ask(w, route, bob, **theirs)
        other = ask(w, route, bob, **nothing_like(theirs))
        assert (one.status, one.headers) == (other.status, other.headers)
        assert anonymous(one, {**theirs, "user_id": NOBODY}) == anonymous(other, {"": NOBODY})
        assert one.status == (403 if STATUS[route][TOKENS.index(role)] == 403 else 404)
    mine = [w.call("GET", path, claims=claims("ann")).status for path in addresses(theirs)]
    assert mine == [200, 200, 200]


@pytest.mark.parametrize("route", with_ids(), ids=" ".join)
def test_another_accounts_and_missing_resources_take_equal_work(w: Harness, route: Route) -> None:
    theirs, bob = things_of(w, "ann"), claims("bob", ADMIN)
    ask(w, route, bob, **theirs)  # from now on this process knows bob
    one = calls(w, lambda: ask(w, route, bob, **theirs))
    assert one
    assert one == calls(w, lambda: ask(w, route, bob, **nothing_like(theirs)))


def calls(w: Harness, request: Callable[[], object]) -> list[str]:
    """What a request asks of DynamoDB, which is nearly all of the time that it takes."""
    made: list[str] = []
    usual = Connections.send

    def noted(self: Connections, headers: Mapping[str, str], body: bytes) -> Sent:
        made.append(headers["x-amz-target"])
        return usual(self, headers, body)

    with mock.patch.object(Connections, "send", noted):
        request()
    return made


def anonymous(answer: Answer, ids: dict[str, str]) -> str:
    text = answer.text
    for id_ in ids.values():
        text = text.replace(id_, "…")
    return text


def addresses(ids: dict[str, str]) -> list[str]:
    return [f"/{kind}s/{ids[f'{kind}_id']}" for kind in ("client", "campaign", "task")]


@pytest.mark.parametrize("path", ["/clients", "/campaigns", "/tasks"])
def test_lists_have_nothing_of_anothers(w: Harness, path: str) -> None:
    theirs = things_of(w, "ann")
    filters: dict[str, list[str]] = {
        "/clients": [],
        "/campaigns": ["client_id"],
        "/tasks": ["client_id", "campaign_id"],
    }
    for query in [{}, *({name: theirs[name]} for name in filters[path])]:
        empty = w.call("GET", path, query=query, claims=claims("nobody yet")).json
        assert (empty["items"], empty["total"]) == ([], 0)
        assert w.call("GET", path, query=query, claims=claims("ann")).json["total"] > 0


def test_a_cursor_of_anothers_leads_to_ones_own(w: Harness) -> None:
    for _ in range(2):
        w.call("POST", "/clients", {"name": "Theirs"}, claims=claims("ann"))
        w.call("POST", "/clients", {"name": "Mine"}, claims=claims("dora"))
    cursor = w.call("GET", "/clients", query={"page_size": 1}, claims=claims("ann")).json["next_cursor"]
    answer = w.call("GET", "/clients", query={"page_size": 100, "cursor": cursor}, claims=claims("dora"))
    assert {client["name"] for client in answer.json["items"]} <= {"Mine"}


def test_an_idempotency_key_is_ones_own(w: Harness) -> None:
    first, second = (
        w.call("POST", "/clients", {"name": "Acme"}, headers={"idempotency-key": "k"}, claims=claims(subject))
        for subject in ("ann", "bob")
    )
    assert (first.status, second.status) == (201, 201)
    assert first.json["id"] != second.json["id"]


def test_a_webhook_secret_is_ones_own(w: Harness) -> None:
    secrets = {w.call("GET", "/webhook-secret", claims=claims(subject)).json["secret"] for subject in ("ann", "bob")}
    assert len(secrets) == 2
