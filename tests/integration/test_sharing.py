"""Sharing with other users: shares, invitations, what they allow, and how they end."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Final
from unittest import mock

import pytest

from atelier import wiring
from atelier.domain.catalog import Catalog
from atelier.domain.schema import format_timestamp
from atelier.store import keys
from atelier.store.table import Table
from atelier.store.webhook_client import WebhookClient
from testbed.environment import ENVIRONMENT
from testbed.harness import TABLE, Answer, Harness, harness
from tests.integration.builders import Json, problem, work_on
from tests.integration.test_assets import PNG, body_of, put
from tests.support.recount import scan, violations

OWNER, GUEST, OTHER = "owner", "guest", "other"
SCOPES: Final = ("/clients/{client_id}", "/campaigns/{campaign_id}", "/account")


class People:
    """Three users and what the first one has: a client, a campaign and a task."""

    def __init__(self, w: Harness) -> None:
        self.w = w
        self.numbers = {who: self.ok(who, "GET", "/me")["user_id"] for who in (OWNER, GUEST, OTHER)}
        self.client = self.ok(OWNER, "POST", "/clients", {"name": "Acme"})["id"]
        self.campaign = self.a_campaign(OWNER)["id"]
        self.task = self.ok(OWNER, "POST", "/generate/image", {"prompt": "A boat", "campaign_id": self.campaign})["id"]

    def call(self, who: str, method: str, path: str, body: Any = None, **how: Any) -> Answer:
        """A request of a user whose token says admin."""
        claims = {"iss": "https://id.example", "sub": who, "cognito:groups": "[admin]", **how.pop("claims", {})}
        return self.w.call(method, path, body, claims=claims, **how)

    def ok(self, who: str, method: str, path: str, body: Any = None, **how: Any) -> Json:
        """What a request is answered that succeeds."""
        answer = self.call(who, method, path, body, **how)
        assert answer.status < 300, answer.text
        found: Json = answer.json if answer.text else {}
        return found

    def a_campaign(self, who: str) -> Json:
        """A new campaign of the client."""
        return self.ok(who, "POST", "/campaigns", {"client_id": self.client, "name": "Launch", "goal": "Sell"})

    def scope(self, path: str) -> str:
        """One of `SCOPES`, of what is there."""
        return path.format(client_id=self.client, campaign_id=self.campaign)

    def share(self, path: str = SCOPES[0], role: str = "editor", who: str = GUEST, **more: Any) -> Json:
        """Share with the guest."""
        return self.ok(OWNER, "PUT", f"{self.scope(path)}/shares/{self.numbers[who]}", {"role": role, **more})

    def revoke(self, path: str = SCOPES[0], by: str = OWNER) -> None:
        """End the guest's share."""
        self.ok(by, "DELETE", f"{self.scope(path)}/shares/{self.numbers[GUEST]}")

    def invite(self, path: str = SCOPES[0], **more: Any) -> Json:
        """Invite to a resource."""
        return self.ok(OWNER, "POST", f"{self.scope(path)}/invitations", {"role": "viewer", **more})

    def accept(self, token: str, who: str = GUEST, **how: Any) -> Answer:
        """Accept an invitation."""
        return self.call(who, "POST", "/invitations/accept", {"token": token}, **how)

    def received(self, who: str = GUEST) -> list[Json]:
        """What was shared with a user."""
        items: list[Json] = self.ok(who, "GET", "/shares")["items"]
        return items

    def visible(self, who: str = GUEST) -> list[int]:
        """The statuses of client, campaign and task, and the totals of their lists."""
        paths = (f"/clients/{self.client}", f"/campaigns/{self.campaign}", f"/tasks/{self.task}")
        lists = ("/clients", "/campaigns", "/tasks", "/shares")
        return [self.call(who, "GET", path).status for path in paths] + [
            self.ok(who, "GET", path)["total"] for path in lists
        ]

    def adds_up(self) -> None:
        """The recount finds nothing."""
        assert violations(scan(self.w.dynamodb, TABLE)) == []


NOTHING: Final = [404, 404, 404, 0, 0, 0, 0]


@pytest.fixture
def p() -> Iterator[People]:
    with mock.patch.dict(ENVIRONMENT, {"AUTH_MODE": "jwt"}), harness() as w:
        people = People(w)
        yield people
        people.adds_up()


# ------------------------------------------------------------------------------------------------------------ shares


@pytest.mark.parametrize(
    ("path", "seen"),
    list(
        zip(
            SCOPES, ([200, 200, 200, 1, 1, 1, 1], [404, 200, 200, 0, 1, 1, 1], [200, 200, 200, 1, 1, 1, 1]), strict=True
        )
    ),
)
def test_a_guest_sees_what_was_shared_until_it_ends(p: People, path: str, seen: list[int]) -> None:
    assert p.visible() == NOTHING
    p.share(path)
    assert p.visible() == seen
    p.revoke(path)
    assert p.visible() == NOTHING


@pytest.mark.parametrize("path", SCOPES[:2])
def test_a_share_covers_nothing_beside_it(p: People, path: str) -> None:
    p.share(path)
    other = p.ok(OWNER, "POST", "/clients", {"name": "Other"})["id"]
    beside = p.ok(OWNER, "POST", "/campaigns", {"client_id": other, "name": "Other", "goal": "Sell"})["id"]
    tasks = [
        p.ok(OWNER, "POST", "/generate/image", {"prompt": "A boat", **parents})["id"]
        for parents in ({}, {"campaign_id": beside}, *([{"client_id": p.client}] if "campaign" in path else []))
    ]
    for each in (f"/clients/{other}", f"/campaigns/{beside}", *(f"/tasks/{id_}" for id_ in tasks)):
        problem(p.call(GUEST, "GET", each), 404)


def test_sharing_again_changes_the_share(p: People) -> None:
    first, end = p.share(role="viewer"), format_timestamp(p.w.now + timedelta(days=1))
    changed = p.share(role="editor", expires_at=end)
    assert (changed["id"], changed["role"], changed["expires_at"]) == (first["id"], "editor", end)
    assert p.ok(OWNER, "GET", f"/clients/{p.client}/shares")["total"] == 1
    (received,) = p.received()
    assert (received["id"], received["role"], received["expires_at"]) == (first["id"], "editor", end)
    assert received["resource"] == {
        "type": "client",
        "id": p.client,
        "name": "Acme",
        "user_id": p.numbers[OWNER],
    }


def test_an_expired_share_is_over_at_once(p: People) -> None:
    p.share(expires_at=format_timestamp(p.w.now + timedelta(minutes=1)))
    assert p.visible() != NOTHING
    p.w.pass_time(61)
    assert p.visible() == NOTHING
    problem(p.call(GUEST, "POST", "/campaigns", {"client_id": p.client, "name": "Late", "goal": "Sell"}), 404)


def test_guests_may_leave(p: People) -> None:
    for path in SCOPES[:2]:
        p.share(path, role="viewer")
        p.revoke(path, by=GUEST)
    p.share("/account", role="viewer")
    query = {"owner": p.numbers[OWNER]}
    p.ok(GUEST, "DELETE", f"/account/shares/{p.numbers[GUEST]}", query=query)
    assert p.visible() == NOTHING
    problem(p.call(GUEST, "DELETE", f"/clients/{p.client}/shares/{p.numbers[GUEST]}"), 404)


def test_a_share_needs_a_guest(p: People) -> None:
    path = f"/clients/{p.client}/shares"
    problem(p.call(OWNER, "PUT", f"{path}/{p.numbers[OWNER]}", {"role": "viewer"}), 400)
    problem(p.call(OWNER, "PUT", f"{path}/999999", {"role": "viewer"}), 404)
    problem(p.call(OWNER, "PUT", f"{path}/somebody", {"role": "viewer"}), 404)
    problem(p.call(OWNER, "PUT", f"{path}/{p.numbers[GUEST]}", {"role": "admin"}), 400)
    past = {"role": "viewer", "expires_at": format_timestamp(p.w.now - timedelta(seconds=1))}
    problem(p.call(OWNER, "PUT", f"{path}/{p.numbers[GUEST]}", past), 400)
    assert p.received() == []


def test_shares_received_are_limited(p: People) -> None:
    with mock.patch("atelier.store.received.MOST_RECEIVED", 1):
        p.share(role="viewer")
        p.share(role="editor")
        p.share("/campaigns/{campaign_id}")  # another kind
        p.client = p.ok(OWNER, "POST", "/clients", {"name": "One more"})["id"]
        refused = p.call(OWNER, "PUT", f"/clients/{p.client}/shares/{p.numbers[GUEST]}", {"role": "viewer"})
        problem(refused, 409)


@pytest.mark.parametrize("path", SCOPES)
def test_an_expired_share_takes_no_room(p: People, path: str) -> None:
    """Neither of a new share nor of an invitation that is accepted."""
    first, client, campaign = p.scope(path), p.client, p.campaign
    with mock.patch("atelier.store.received.MOST_RECEIVED", 1):
        p.share(path, expires_at=format_timestamp(p.w.now + timedelta(hours=1)))
        p.client = p.ok(OTHER, "POST", "/clients", {"name": "Theirs"})["id"]
        p.campaign = p.a_campaign(OTHER)["id"]
        token = p.ok(OTHER, "POST", f"{p.scope(path)}/invitations", {"role": "viewer"})["token"]
        problem(p.accept(token), 409)
        p.w.pass_time(3601)
        assert p.accept(token).status == 200
        assert p.ok(OWNER, "GET", f"{first}/shares")["total"] == 0
        share = f"{p.scope(path)}/shares/{p.numbers[GUEST]}"
        soon = {"role": "viewer", "expires_at": format_timestamp(p.w.now + timedelta(hours=1))}
        p.ok(OTHER, "PUT", share, soon)
        p.client, p.campaign = client, campaign
        problem(p.call(OWNER, "PUT", f"{first}/shares/{p.numbers[GUEST]}", {"role": "viewer"}), 409)
        p.w.pass_time(3601)
        p.share(path)
    assert [each["shared_by"] for each in p.received()] == [p.numbers[OWNER]]


def test_an_admin_of_the_account_manages_its_shares(p: People) -> None:
    p.share("/account", role="admin")
    path = f"/clients/{p.client}/shares/{p.numbers[OTHER]}"
    p.ok(GUEST, "PUT", path, {"role": "viewer"})
    assert p.received(OTHER)[0]["shared_by"] == p.numbers[GUEST]
    problem(p.call(GUEST, "PUT", f"/clients/{p.client}/shares/{p.numbers[GUEST]}", {"role": "viewer"}), 400)
    p.ok(GUEST, "DELETE", path)
    p.revoke("/account")
    problem(p.call(GUEST, "PUT", path, {"role": "viewer"}), 404)


def test_ending_the_share_of_others_takes_an_admin(p: People) -> None:
    p.share()
    path, editor = f"/clients/{p.client}/shares/{p.numbers[GUEST]}", {"cognito:groups": "[editor]"}
    problem(p.call(OWNER, "DELETE", path, claims=editor), 403)
    p.ok(GUEST, "DELETE", path, claims={"cognito:groups": "[viewer]"})


def test_a_guest_may_do_no_more_than_their_token(p: People) -> None:
    """The webhook secret takes an admin of the account; for one's own an editor's token is enough."""
    p.share("/account", role="admin")
    secret, editor = "/webhook-secret", {"cognito:groups": "[editor]"}
    owner = {"owner": p.numbers[OWNER]}
    refused = p.call(GUEST, "GET", secret, query=owner, claims=editor)
    assert problem(refused, 403)["detail"] == "Requires role admin; yours is editor."
    p.ok(GUEST, "GET", secret, query=owner)
    p.ok(GUEST, "GET", secret, claims=editor)


# ------------------------------------------------------------------------------------------------------- invitations


@pytest.mark.parametrize("path", SCOPES)
def test_an_invitation_is_accepted_once(p: People, path: str) -> None:
    invitation = p.invite(path)
    listed = p.ok(OWNER, "GET", f"{p.scope(path)}/invitations")
    assert [each["id"] for each in listed["items"]] == [invitation["id"]]
    assert "token" not in listed["items"][0]
    accepted = p.accept(invitation["token"])
    assert (accepted.status, accepted.json) == (200, p.received()[0])
    problem(p.accept(invitation["token"]), 404)
    problem(p.accept(invitation["token"], OTHER), 404)
    assert p.ok(OWNER, "GET", f"{p.scope(path)}/invitations")["total"] == 0
    assert p.ok(OWNER, "GET", f"{p.scope(path)}/shares")["total"] == 1


def test_all_unusable_tokens_are_one_and_the_same(p: People) -> None:
    withdrawn, expired, used, gone = (p.invite() for _ in range(4))
    p.ok(OWNER, "DELETE", f"/clients/{p.client}/invitations/{withdrawn['id']}")
    p.accept(used["token"], OTHER)
    good = p.invite(expires_at=format_timestamp(p.w.now + timedelta(days=29)))
    p.w.pass_time(timedelta(days=7).total_seconds())
    forged = good["token"][:-3] + "AAA"
    for token in (withdrawn["token"], expired["token"], used["token"], gone["token"], forged, "nonsense"):
        assert problem(p.accept(token), 404)["detail"] == "There is no invitation with this token."
    assert p.accept(good["token"]).status == 200


def test_an_invitation_may_be_for_one_address(p: People) -> None:
    token = p.invite(email="Guest@example.com")["token"]
    for told in ({}, {"email": "guest@example.com"}, {"email": "x@example.com", "email_verified": "true"}):
        problem(p.accept(token, claims=told), 404)
    assert p.accept(token, claims={"email": "guest@example.com", "email_verified": "true"}).status == 200


@pytest.mark.parametrize(
    ("invited", "verified", "status"),
    [
        (" Mu\u0308ller@example.com\u200b", "MÜLLER@Example.com", 200),
        ("strasse@example.com", "straße@example.com", 404),
        ("sam@example.com", "\u017fam@example.com", 404),
        ("fine@example.com", "\ufb01ne@example.com", 404),
    ],
)
def test_addresses_that_look_alike_are_others(p: People, invited: str, verified: str, status: int) -> None:
    token = p.invite(email=invited)["token"]
    assert p.accept(token, claims={"email": verified, "email_verified": "true"}).status == status


@pytest.mark.parametrize(
    "email", ["", "ben", "a@@b", "@example.com", "\u200b@example.com", "ben@ ", "\u200b\u200b\u200b"]
)
def test_an_invitation_is_for_an_address_or_anybody(p: People, email: str) -> None:
    answer = p.call(OWNER, "POST", f"/clients/{p.client}/invitations", {"role": "viewer", "email": email})
    assert problem(answer, 400)["errors"] == [
        {"pointer": "/email", "detail": "must be an email address, such as ben@example.com"}
    ]


def test_an_invitation_is_bounded_in_time_and_role(p: People) -> None:
    path, late = f"/clients/{p.client}/invitations", format_timestamp(p.w.now + timedelta(days=31))
    problem(p.call(OWNER, "POST", path, {"role": "viewer", "expires_at": late}), 400)
    problem(p.call(OWNER, "POST", path, {"role": "admin"}), 400)


def test_an_invitation_of_a_deleted_resource_is_gone(p: People) -> None:
    tokens = [p.invite(path)["token"] for path in SCOPES[:2]]
    p.ok(OWNER, "DELETE", f"/clients/{p.client}")
    for token in tokens:
        problem(p.accept(token), 404)


def test_the_owner_needs_no_invitation(p: People) -> None:
    invitation = p.invite()
    problem(p.accept(invitation["token"], OWNER), 400)
    assert p.accept(invitation["token"]).status == 200


def test_a_replay_of_an_invitation_has_no_token(p: People) -> None:
    path, key = f"/clients/{p.client}/invitations", {"idempotency-key": "once"}
    first = p.ok(OWNER, "POST", path, {"role": "viewer"}, headers=key)
    again = p.ok(OWNER, "POST", path, {"role": "viewer"}, headers=key)
    assert again == {**first, "token": None}


def test_an_invitation_is_replayed_after_its_end(p: People) -> None:
    path, key = f"/clients/{p.client}/invitations", {"idempotency-key": "once"}
    body = {"role": "viewer", "expires_at": format_timestamp(p.w.now + timedelta(minutes=1))}
    first = p.ok(OWNER, "POST", path, body, headers=key)
    p.w.pass_time(61)
    again = p.call(OWNER, "POST", path, body, headers=key)
    assert (again.status, again.json) == (201, {**first, "token": None})
    assert again.headers["Idempotent-Replayed"] == "true"
    assert p.ok(OWNER, "GET", path)["total"] == 1
    for other in ({}, {"idempotency-key": "other"}):
        problem(p.call(OWNER, "POST", path, body, headers=other), 400)
    problem(p.call(OWNER, "POST", path, {**body, "role": "editor"}, headers=key), 422)
    p.ok(OWNER, "DELETE", f"{path}/{first['id']}")
    problem(p.call(OWNER, "POST", path, body, headers=key), 404)


def test_a_guest_replays_what_they_may_still_see(p: People) -> None:
    p.share("/account", role="editor")
    body, key = {"name": "New", "user_id": p.numbers[OWNER]}, {"idempotency-key": "once"}
    first = p.ok(GUEST, "POST", "/clients", body, headers=key)
    p.share("/account", role="viewer")
    again = p.call(GUEST, "POST", "/clients", body, headers=key)
    assert (again.status, again.json, again.headers["Idempotent-Replayed"]) == (201, first, "true")
    problem(p.call(GUEST, "POST", "/clients", body, headers={"idempotency-key": "other"}), 403)
    p.revoke("/account")
    problem(p.call(GUEST, "POST", "/clients", body, headers=key), 404)


def test_a_repeated_accept_is_answered_with_the_share(p: People) -> None:
    token, key = p.invite()["token"], {"idempotency-key": "once"}
    first, again = p.accept(token, headers=key), p.accept(token, headers=key)
    assert (first.status, again.status, again.json) == (200, 200, first.json)
    assert again.headers["Idempotent-Replayed"] == "true"
    p.revoke()
    problem(p.accept(token, headers=key), 404)


# --------------------------------------------------------------------------------------------------- guests' writes


def test_what_a_guest_creates_is_the_owners(p: People) -> None:
    p.share()
    task = {"prompt": "A boat", "client_id": p.client}
    for made in (p.a_campaign(GUEST), p.ok(GUEST, "POST", "/generate/image", task)):
        assert (made["user_id"], made["created_by"]) == (p.numbers[OWNER], p.numbers[GUEST])
    assert p.ok(OWNER, "GET", "/account")["limits"]["open_tasks"]["used"] == 2
    assert p.ok(GUEST, "GET", "/account")["limits"]["open_tasks"]["used"] == 0
    patched = p.ok(GUEST, "PATCH", f"/clients/{p.client}", {"description": "By a guest"})
    assert (patched["created_by"], patched["updated_by"]) == (p.numbers[OWNER], p.numbers[GUEST])


def test_what_a_guest_generates_is_paid_by_the_owner(p: People) -> None:
    p.share()
    p.ok(OWNER, "PUT", f"/clients/{p.client}/budget", {"limit": 0.05})
    p.ok(GUEST, "PUT", "/account/budget", {"limit": 0.01})
    task = {"prompt": "A boat", "client_id": p.client}
    with mock.patch.object(Catalog, "estimate", return_value=Decimal("0.04")):
        p.ok(GUEST, "POST", "/generate/image", task)
        problem(p.call(GUEST, "POST", "/generate/image", task), 409)
    assert p.ok(OWNER, "GET", f"/clients/{p.client}/budget")["reserved"] == 0.04
    assert p.ok(GUEST, "GET", "/account/budget")["reserved"] == 0


def test_an_editor_of_the_account_creates_in_it(p: People) -> None:
    p.share("/account")
    owner = p.numbers[OWNER]
    client = p.ok(GUEST, "POST", "/clients", {"name": "New", "user_id": owner})
    task = p.ok(GUEST, "POST", "/generate/image", {"prompt": "A boat", "user_id": owner})
    assert [(each["user_id"], each["created_by"]) for each in (client, task)] == [(owner, p.numbers[GUEST])] * 2
    assert p.ok(GUEST, "POST", "/clients", {"name": "Mine"})["user_id"] == p.numbers[GUEST]


WRITES: Final[dict[str, Callable[[People], Answer]]] = {
    "change a client": lambda p: p.call(GUEST, "PATCH", f"/clients/{p.client}", {"name": "Late"}),
    "delete a campaign": lambda p: p.call(GUEST, "DELETE", f"/campaigns/{p.campaign}"),
    "create a campaign": lambda p: p.call(
        GUEST, "POST", "/campaigns", {"client_id": p.client, "name": "Late", "goal": "Sell"}
    ),
    "generate": lambda p: p.call(GUEST, "POST", "/generate/image", {"prompt": "Late", "client_id": p.client}),
    "cancel": lambda p: p.call(GUEST, "POST", f"/tasks/{p.task}/cancel"),
    "delete a task": lambda p: p.call(GUEST, "DELETE", f"/tasks/{p.task}"),
}


@pytest.mark.parametrize("write", WRITES)
def test_nothing_is_written_after_a_revoke(p: People, write: str) -> None:
    """However little later: here it is between the guest's reads and their transaction."""
    p.share()
    transact, before = Table.transact, [item for item in scan(p.w.dynamodb, TABLE) if "#client#" not in str(item)]

    def revoked_first(self: Table, *changes: Any) -> None:
        with mock.patch.object(Table, "transact", transact):
            if p.received():
                p.revoke()
        transact(self, *changes)

    with mock.patch.object(Table, "transact", revoked_first):
        problem(WRITES[write](p), 404)
    ids = {item.get("id") for item in before}
    assert p.ok(OWNER, "GET", f"/clients/{p.client}")["name"] == "Acme"
    assert p.ok(OWNER, "GET", f"/tasks/{p.task}")["status"] == "pending"
    assert p.ok(OWNER, "GET", "/campaigns")["total"] == p.ok(OWNER, "GET", "/tasks")["total"] == 1
    assert p.campaign in ids


def test_a_replay_shows_nothing_after_a_revoke(p: People) -> None:
    p.share()
    body, key = {"client_id": p.client, "name": "Launch", "goal": "Sell"}, {"idempotency-key": "once"}
    first = p.ok(GUEST, "POST", "/campaigns", body, headers=key)
    assert p.ok(GUEST, "POST", "/campaigns", body, headers=key) == first
    p.revoke()
    problem(p.call(GUEST, "POST", "/campaigns", body, headers=key), 404)


@pytest.mark.parametrize("ends", ["revoked", "deleted"])
def test_a_matrix_replays_only_what_is_visible(p: People, ends: str) -> None:
    p.share()
    own = p.ok(GUEST, "POST", "/clients", {"name": "Mine"})["id"]
    key = {"idempotency-key": "once"}
    asked = {"type": "image", "prompt": "Boat {n}", "variables": {"n": ["1", "2"]}, "client_id": p.client}

    def statuses(asked: Json, key: Json) -> list[int]:
        found = p.ok(GUEST, "POST", "/generate/matrix", asked, headers=key)["results"]
        return [each["status"] for each in found]

    mine, other = {**asked, "client_id": own}, {"idempotency-key": "other"}
    for _ in range(2):
        assert statuses(asked, key) == statuses(mine, other) == [202, 202]
    with mock.patch.object(Table, "get", autospec=True, side_effect=Table.get) as read:
        assert statuses(asked, key) == [202, 202]
    assert [each.args[1] for each in read.call_args_list].count(keys.summary(p.numbers[OWNER])) == 1
    if ends == "revoked":
        p.revoke()
    else:
        p.ok(OWNER, "DELETE", f"/clients/{p.client}")
    assert statuses(asked, key) == [404, 404]
    assert statuses(mine, other) == [202, 202]


def test_a_cursor_shows_nothing_after_a_revoke(p: People) -> None:
    for _ in range(3):
        p.a_campaign(OWNER)
    p.share()
    cursor = p.ok(GUEST, "GET", "/campaigns", query={"page_size": 2})["next_cursor"]
    p.revoke()
    rest = p.ok(GUEST, "GET", "/campaigns", query={"page_size": 2, "cursor": cursor})
    assert (rest["items"], rest["total"]) == ([], 0)


def test_an_account_is_closed_when_its_share_ends(p: People) -> None:
    """To its admin: every route that takes `owner`, repeated keys and cursors too."""
    p.share("/account", role="admin")
    p.share("/account", role="viewer", who=OTHER)
    number, other = p.numbers[OWNER], p.numbers[OTHER]
    owner, month = {"owner": number}, {"from": "2026-11-01", "to": "2026-12-01"}
    new, task = {"name": "New", "user_id": number}, {"prompt": "A boat", "user_id": number}
    requests: list[tuple[str, str, Any, Json]] = [
        ("PUT", "/account/budget", {"limit": 5}, owner),
        ("GET", "/account/budget", None, owner),
        ("GET", "/account", None, owner),
        ("GET", "/webhook-secret", None, owner),
        ("GET", "/reports/usage", None, owner | month),
        ("GET", "/account/shares", None, owner),
        ("GET", "/account/invitations", None, owner),
        ("PUT", f"/account/shares/{other}", {"role": "editor"}, owner),
        ("POST", "/webhook-secret", None, owner),
        ("POST", "/account/invitations", {"role": "viewer"}, owner),
        ("POST", "/clients", new, {}),
        *(("POST", f"/generate/{kind}", task, {}) for kind in ("image", "video", "audio")),
        *(("POST", f"/generate/{kind}/estimate", task, {}) for kind in ("image", "video", "audio")),
    ]
    batches: list[tuple[str, Json]] = [
        ("/clients/batch", {"op": "create", "body": new}),
        ("/generate/batch", {"type": "image", **task}),
    ]

    def ask(method: str, path: str, body: Any, query: Json) -> int:
        key = {"idempotency-key": path} if method == "POST" and not path.endswith("estimate") else {}
        return p.call(GUEST, method, path, body, query=query, headers=key).status

    def ask_all() -> list[int]:
        items = [
            p.ok(GUEST, "POST", path, {"items": [item]}, headers={"idempotency-key": path})["results"][0]["status"]
            for path, item in batches
        ]
        return [ask(*each) for each in requests] + items

    assert max(ask_all()) < 300
    p.ok(OWNER, "POST", "/account/invitations", {"role": "viewer"})
    p.w.log_activity()
    listed = ["/account/shares", "/account/invitations", "/clients", "/tasks", "/activity"]
    first = {path: p.ok(GUEST, "GET", path, query=owner | {"page_size": 1}) for path in listed}
    assert all(page["has_more"] for page in first.values())
    p.revoke("/account")
    assert set(ask_all()) == {404}
    assert (
        ask("DELETE", f"/account/shares/{other}", None, owner) == ask("DELETE", "/account/budget", None, owner) == 404
    )
    for path, page in first.items():
        for cursor in ({}, {"cursor": page["next_cursor"]}):
            rest = p.call(GUEST, "GET", path, query=owner | {"page_size": 1} | cursor)
            assert (rest.status == 404) if path.startswith("/account") else (rest.json["items"] == []), rest.text


def test_webhooks_are_signed_and_sent_for_who_asked(p: People) -> None:
    p.share()
    hook = {"prompt": "A boat", "client_id": p.client, "webhook_url": "https://receiver.example/hooks"}
    first, second = (p.ok(GUEST, "POST", "/generate/image", hook)["id"] for _ in range(2))
    with mock.patch.object(WebhookClient, "post", return_value=204) as post:
        p.ok(GUEST, "POST", f"/tasks/{first}/cancel")
        p.w.relay()
        p.w.tell()
        assert post.call_count == 1
        p.ok(OWNER, "POST", f"/tasks/{second}/cancel")
        p.revoke()
        p.w.relay()
        p.w.tell()
        assert post.call_count == 1
    (given_up,) = p.ok(OWNER, "GET", f"/tasks/{second}")["webhook_deliveries"]
    assert (given_up["given_up"], given_up["status"]) == (True, None)
    assert "may no longer see the task" in given_up["error"]
    assert "due_at" not in (wiring.table().get(keys.task(second)) or {})
    now = p.w.now
    secrets = wiring.webhook_secrets()
    assert secrets.get_or_create(p.numbers[GUEST], fresh="fresh", now=now).secret != "fresh"
    assert secrets.get_or_create(p.numbers[OWNER], fresh="whsec_ZnJlc2g=", now=now).secret == "whsec_ZnJlc2g="


# -------------------------------------------------------------------------------------------------------- the cascade


@pytest.mark.parametrize("deleted", ["/clients/{client_id}", "/campaigns/{campaign_id}"])
def test_shares_go_with_their_resource(p: People, deleted: str) -> None:
    for path in SCOPES[:2]:
        p.share(path)
        p.share(path, who=OTHER)
        p.invite(path)
    p.ok(OWNER, "DELETE", p.scope(deleted))
    kinds = [each["resource"]["type"] for each in p.received()]
    assert kinds == ([] if "client" in deleted else ["client"])
    p.adds_up()
    p.w.settle()
    items = list(scan(p.w.dynamodb, TABLE))
    left = {name.rpartition("#")[0] for item in items for name in item if str(name).startswith("grant#")}
    assert left == ({"grant#client"} if kinds else set())
    shared = [item["SK"].partition("#")[0] for item in items if "_SHARE#" in item["SK"] or "_INVITATION#" in item["SK"]]
    assert sorted(shared) == (["CLIENT_INVITATION", "CLIENT_SHARE", "CLIENT_SHARE"] if kinds else [])
    assert violations(items, at_rest=True) == []


def test_the_recount_compares_shares_with_grants(p: People) -> None:
    p.share()
    items = list(scan(p.w.dynamodb, TABLE))
    without = [item for item in items if not item["SK"].startswith("CLIENT_SHARE")]
    assert any("grant#client" in each for each in violations(without))


# ------------------------------------------------------------------------------------------------------------- moves


def test_a_guest_moves_tasks_within_what_is_shared(p: People) -> None:
    p.share(role="editor")
    other = p.a_campaign(OWNER)["id"]
    path = f"/tasks/{p.task}"
    moved = p.ok(GUEST, "PATCH", path, {"campaign_id": other})
    assert (moved["campaign_id"], moved["updated_by"]) == (other, p.numbers[GUEST])
    unshared = p.ok(OWNER, "POST", "/clients", {"name": "Unshared"})["id"]
    assert p.call(GUEST, "PATCH", path, {"client_id": unshared}).status == 404
    assert p.call(GUEST, "PATCH", path, {"client_id": None}).status == 403
    own = p.ok(GUEST, "POST", "/clients", {"name": "Own"})["id"]
    refused = p.call(GUEST, "PATCH", path, {"client_id": own})
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (400, "/client_id")
    assert p.ok(OWNER, "GET", path)["campaign_id"] == other


def test_a_guests_move_demands_both_grants(p: People) -> None:
    first, second = SCOPES[1], p.a_campaign(OWNER)["id"]
    p.share(first, role="editor")
    number = p.numbers[GUEST]
    share = f"/campaigns/{second}/shares/{number}"
    p.ok(OWNER, "PUT", share, {"role": "editor"})
    table, transact = wiring.table(), wiring.table().transact
    for revoke in (once(lambda: p.revoke(first)), once(lambda: p.ok(OWNER, "DELETE", share))):
        with mock.patch.object(table, "transact", side_effect=partial(after, revoke, transact)):
            assert p.call(GUEST, "PATCH", f"/tasks/{p.task}", {"campaign_id": second}).status == 404
        p.share(first, role="editor")
        p.call(OWNER, "PUT", share, {"role": "editor"})
    assert p.ok(GUEST, "PATCH", f"/tasks/{p.task}", {"campaign_id": second})["campaign_id"] == second


def after(action: Callable[[], object], write: Callable[..., None], *writes: Any) -> None:
    """Do something, and write then."""
    action()
    write(*writes)


def once(action: Callable[[], object]) -> Callable[[], None]:
    """An action that does something the first time only, not while it is at it."""
    left = [action]

    def act() -> None:
        if left:
            left.pop()()

    return act


# --------------------------------------------------------------------------------------------------------------- inputs


def test_a_guest_uses_what_is_shared_and_nothing_else(p: People) -> None:
    """Also not for what is shared: an input is of the account that pays for the task."""
    p.share()
    hidden = p.ok(OWNER, "POST", "/generate/image", {"prompt": "A boat", "size": "64x64"})["id"]
    own = p.ok(GUEST, "POST", "/generate/image", {"prompt": "A boat", "size": "64x64"})["id"]
    for task in (p.task, hidden, own):
        work_on(p.w, task)

    def edit(task: str, **where: Any) -> Answer:
        inputs = [{"role": "reference", "task_id": task, "output": 0}]
        return p.call(GUEST, "POST", "/generate/edit", {"prompt": "In a storm", "inputs": inputs, **where})

    assert edit(p.task, client_id=p.client).status == 202
    assert edit(own).status == 202
    for task, where, said in (
        (hidden, {"client_id": p.client}, f"There is no task {hidden}."),
        (own, {"client_id": p.client}, "belongs to another account"),
        (p.task, {}, "belongs to another account"),
    ):
        (error,) = problem(edit(task, **where), 400)["errors"]
        assert (error["pointer"], error["detail"]) == ("/inputs/0/task_id", said)


def a_source(p: People, kind: str, client: str) -> Json:
    """An input, of a client of the owner."""
    if kind == "asset":
        made = p.ok(OWNER, "POST", "/assets", body_of(PNG, client_id=client))
        put(made)
        p.ok(OWNER, "POST", f"/assets/{made['id']}/complete")
        return {"role": "reference", "asset_id": made["id"]}
    task = p.ok(OWNER, "POST", "/generate/image", {"prompt": "A boat", "size": "64x64", "client_id": client})["id"]
    work_on(p.w, task)
    return {"role": "reference", "task_id": task, "output": 0}


@pytest.mark.parametrize("kind", ["asset", "task"])
def test_a_guests_edit_demands_the_grant_of_inputs(p: People, kind: str) -> None:
    """What it is made of is another client's, and no longer shared when the task is written."""
    other = p.ok(OWNER, "POST", "/clients", {"name": "Other"})["id"]
    share = f"/clients/{other}/shares/{p.numbers[GUEST]}"
    p.share()
    source = a_source(p, kind, other)
    asked = {"prompt": "In a storm", "client_id": p.client, "inputs": [source]}
    p.ok(OWNER, "PUT", share, {"role": "viewer"})
    table, transact = wiring.table(), wiring.table().transact
    revoke = once(lambda: p.ok(OWNER, "DELETE", share))
    with mock.patch.object(table, "transact", side_effect=partial(after, revoke, transact)):
        (error,) = problem(p.call(GUEST, "POST", "/generate/edit", asked), 400)["errors"]
    assert error["pointer"] == f"/inputs/0/{kind}_id"
    p.ok(OWNER, "PUT", share, {"role": "viewer"})
    assert p.ok(GUEST, "POST", "/generate/edit", asked)["user_id"] == p.numbers[OWNER]
    assert p.ok(OWNER, "GET", "/tasks", query={"type": "edit"})["total"] == 1


def test_what_a_guest_began_goes_on_after_a_revoke(p: People) -> None:
    """The task is the owner's, and so are its inputs."""
    p.share()
    inputs = [a_source(p, kind, p.client) for kind in ("asset", "task")]
    asked = {"prompt": "In a storm", "client_id": p.client, "inputs": inputs}
    task = p.ok(GUEST, "POST", "/generate/edit", asked)["id"]
    p.revoke()
    work_on(p.w, task)
    assert p.call(GUEST, "GET", f"/tasks/{task}").status == 404
    assert p.ok(OWNER, "GET", f"/tasks/{task}")["status"] == "succeeded"
