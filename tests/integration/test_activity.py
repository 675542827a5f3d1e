"""The activity log: one entry for every committed change, by whom, for those who may see it."""

import hashlib
import json
import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final
from unittest import mock

import pytest

from atelier import wiring
from atelier.domain.kinds import KINDS
from atelier.store.cascade import CleanUpMessage
from bench.calls import Call, Usage, heard, usage
from testbed.environment import ENVIRONMENT
from testbed.harness import TABLE, harness
from tests.integration.builders import Json, places
from tests.integration.test_sharing import GUEST, OTHER, OWNER, SCOPES, People
from tests.support.recount import scan

LONG: Final = "Blue, and nothing but blue. " * 200
"""Longer than what is stored with its client."""


@pytest.fixture
def p() -> Iterator[People]:
    with mock.patch.dict(ENVIRONMENT, {"AUTH_MODE": "jwt"}), harness() as w:
        people = People(w)
        w.log_activity()
        yield people


def entries(p: People, who: str = OWNER, **query: Any) -> list[Json]:
    """All entries that a user sees, by following the cursors."""
    found, asked = [], query
    while True:
        page = p.ok(who, "GET", "/activity", query=asked)
        found += page["items"]
        if not page["has_more"]:
            return found
        asked = {**query, "cursor": page["next_cursor"]}


def actions(p: People, who: str = OWNER, **query: Any) -> list[str]:
    p.w.log_activity()
    return sorted(each["action"] for each in entries(p, who, **query))


FIRST: Final = ["campaign.created", "client.created", "task.created"]
"""What `People` has done."""


# ---------------------------------------------------------------------------------------------------------- what


def test_every_change_has_one_entry(p: People) -> None:
    client, campaign, guest = f"/clients/{p.client}", f"/campaigns/{p.campaign}", p.numbers[GUEST]
    p.ok(OWNER, "PATCH", client, {"name": "Zenith", "brand_guidelines": LONG})
    p.ok(OWNER, "PATCH", campaign, {"status": "active"})
    p.ok(OWNER, "POST", f"/tasks/{p.task}/cancel")
    p.ok(OWNER, "PATCH", f"/tasks/{p.task}", {"campaign_id": None, "rating": 4, "tags": ["best"]})
    p.share()
    p.share(role="viewer")
    invitation = p.invite()
    p.ok(OWNER, "DELETE", f"{client}/invitations/{invitation['id']}")
    p.accept(p.invite(SCOPES[1])["token"], who=OTHER)
    p.ok(GUEST, "DELETE", f"{client}/shares/{guest}")
    p.ok(OWNER, "PUT", f"{client}/budget", {"limit": 5})
    p.ok(OWNER, "DELETE", f"{client}/budget")
    p.ok(OWNER, "POST", "/webhook-secret")
    p.ok(OWNER, "DELETE", f"/tasks/{p.task}")
    assert actions(p) == sorted(
        [
            *FIRST,
            *("client.updated", "campaign.updated", "webhook_secret.updated"),
            *("task.updated", "task.updated", "task.deleted"),
            *("share.created", "share.updated", "share.deleted", "share.created"),
            *("invitation.created", "invitation.deleted") * 2,
            *("budget.updated", "budget.deleted"),
        ]
    )
    by_guest = [each["action"] for each in entries(p, actor=guest)]
    assert by_guest == ["share.deleted"]
    changed = entries(p, action="task.updated")[0]["changes"]
    moved = {"campaign_id": None, "rating": 4, "tags": ["best"]}
    assert {name: change["to"] for name, change in changed.items()} == moved
    (renamed,) = entries(p, action="client.updated")
    assert renamed["actor"] == p.numbers[OWNER]
    assert renamed["request_id"] == "request-1"
    assert renamed["changes"]["name"] == {"from": "Acme", "to": "Zenith"}
    said = {"length": len(LONG.strip()), "sha256": hashlib.sha256(LONG.strip().encode()).hexdigest()}
    assert renamed["changes"]["brand_guidelines"]["to"] in (said, digest(LONG))


def test_replays_refusals_and_no_ops_have_none(p: People) -> None:
    twice: Any = {"headers": {"Idempotency-Key": "once"}}
    for _ in range(2):
        p.ok(OWNER, "POST", "/clients", {"name": "New"}, **twice)
    p.ok(OWNER, "PATCH", f"/clients/{p.client}", {"name": "Acme"})
    p.ok(OWNER, "PATCH", f"/clients/{p.client}", {})
    p.share()
    p.share()
    for _ in range(2):
        p.ok(OWNER, "PUT", f"/clients/{p.client}/budget", {"limit": 5})
    assert p.call(OWNER, "PATCH", f"/clients/{p.client}", {"name": "X"}, headers={"If-Match": '"7"'}).status == 412
    assert p.call(OTHER, "PATCH", f"/clients/{p.client}", {"name": "X"}).status == 404
    assert p.call(OWNER, "POST", "/clients", {"name": ""}).status == 400
    assert actions(p) == sorted([*FIRST, "client.created", "share.created", "budget.updated"])


def test_what_nobody_asked_for_has_no_actor(p: People) -> None:
    p.w.settle()
    p.w.log_activity()
    moved = entries(p, action="task.updated")
    assert [each["changes"]["status"]["to"] for each in moved] == ["succeeded", "processing"]
    assert [(each["actor"], each["request_id"]) for each in moved] == [(None, None)] * 2


def test_what_goes_with_its_parent_is_its_deleters(p: People) -> None:
    p.share(SCOPES[2], role="admin")
    p.share(SCOPES[1], who=OTHER)
    p.w.settle()
    p.ok(GUEST, "DELETE", f"/clients/{p.client}")
    p.w.settle()
    p.w.log_activity()
    gone = {each["action"]: each for each in entries(p, actor=p.numbers[GUEST])}
    assert gone.keys() == {"client.deleted", "campaign.deleted", "share.deleted", "task.updated"}
    assert len({(each["at"], each["request_id"]) for each in gone.values()}) == 1
    unlinked = {name: change["to"] for name, change in gone["task.updated"]["changes"].items()}
    assert unlinked == {"client_id": None, "campaign_id": None}
    assert gone["campaign.deleted"]["resource"] == {"type": "campaign", "id": p.campaign, "name": "Launch"}


def digest(text: str) -> Json:
    return {"length": len(text), "sha256": hashlib.sha256(text.encode()).hexdigest()}


# ------------------------------------------------------------------------------------------------- exactly once


class History:
    """Changes at random, by three users, whose records come late, twice and in any order."""

    def __init__(self, p: People, seed: int) -> None:
        self.p, self.random = p, random.Random(seed)
        self.secrets: list[str] = []

    def happen(self) -> None:
        """One request, which may be refused; and now and then what follows from the requests so far."""
        method, path, body = self.random.choice(self._requests())
        who = self.random.choice([OWNER, OWNER, GUEST])
        answer = self.p.call(who, method, path, body)
        if answer.status < 300 and "token" in (answer.json if answer.text else {}):
            self.secrets.append(answer.json["token"].rpartition(".")[2])
        if self.random.random() < 0.2:
            self.p.w.settle()

    def _requests(self) -> list[tuple[str, str, Json | None]]:
        client, campaign, task = (self._any(kind) for kind in ("clients", "campaigns", "tasks"))
        text = self.random.choice(["Confided", LONG, "Confided otherwise"])
        name = self.random.choice(["Acme", "Zenith", "x" * 255])
        scope = self.random.choice([f"/clients/{client}", f"/campaigns/{campaign}", "/account"])
        guest = self.p.numbers[self.random.choice([GUEST, OTHER])]
        prompt = {"prompt": f"Confided {self.random.random()}", "metadata": {"Confided": 1}}
        return [
            ("POST", "/clients", {"name": name, "brand_guidelines": text}),
            ("PATCH", f"/clients/{client}", {"name": name, "brand_guidelines": text}),
            ("PATCH", f"/clients/{client}", {"description": self.random.choice([None, "Short", LONG[:1000]])}),
            ("POST", "/campaigns", {"name": name, "goal": "Sell", "client_id": client, "brief": text}),
            ("PATCH", f"/campaigns/{campaign}", {"status": self.random.choice(["draft", "active"]), "brief": text}),
            ("POST", "/generate/image", {**prompt, "campaign_id": campaign}),
            ("POST", "/generate/image", {**prompt, "client_id": client}),
            ("POST", f"/tasks/{task}/cancel", None),
            ("DELETE", f"/tasks/{task}", None),
            ("PUT", f"{scope}/shares/{guest}", {"role": self.random.choice(["viewer", "editor"])}),
            ("PUT", f"{scope}/shares/{guest}", {"role": "editor"}),
            ("DELETE", f"{scope}/shares/{guest}", None),
            ("POST", f"{scope}/invitations", {"role": "viewer"}),
            ("DELETE", f"/campaigns/{campaign}", None),
            ("DELETE", f"/clients/{client}", None) if self.random.random() < 0.3 else ("GET", "/me", None),
        ]

    def _any(self, kind: str) -> str:
        items = self.p.ok(OWNER, "GET", f"/{kind}")["items"]
        return str(self.random.choice(items)["id"]) if items else "none"

    def log(self) -> None:
        """Every record comes twice, in any order, alone or with others."""
        self.p.w.relay()
        records = self.p.w.to_log * 2
        self.p.w.to_log = []
        self.random.shuffle(records)
        while records:
            number = self.random.randint(1, 9)
            batch, records = records[:number], records[number:]
            assert self.p.w.invoke("activity", {"Records": batch}) == {"batchItemFailures": []}


def replayed(found: list[Json]) -> dict[tuple[str, str], Json]:
    """The fields of every resource that is there, from its entries alone. Each goes on where the one before ended."""
    resources: dict[tuple[str, str], Json] = {}
    for entry in sorted(found, key=lambda each: (each["at"], each["id"])):
        key = (entry["resource"]["type"], entry["resource"]["id"])
        assert (key in resources) is not entry["action"].endswith(".created"), entry
        fields = resources.setdefault(key, {})
        for name, change in entry["changes"].items():
            assert fields.get(name) == change["from"], entry
            fields[name] = change["to"]
        if entry["action"].endswith(".deleted"):
            del resources[key]
    return {
        key: {name: value for name, value in fields.items() if value is not None} for key, fields in resources.items()
    }


def there(p: People) -> dict[tuple[str, str], Json]:
    """The same from the table, by the words of API.md: long and confidential texts as length and digest."""
    items = list(scan(p.w.dynamodb, TABLE))
    texts = {item["id"]: item["text"] for item in items if item["SK"].startswith("TEXT#")}
    found = {}
    for kind in KINDS:
        for item in items:
            if item["SK"].partition("#")[0] != kind.name.upper():
                continue
            whole = dict(item)
            if kind.long_text and "text_version" in item:
                whole[kind.long_text] = texts[item["id"]]
            fields = {name: plain(name, whole[name]) for name in kind.logged if name in whole}
            found[kind.name.rpartition("_")[2], item["id"]] = fields
    return found


def plain(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return int(value)
    if name in ("prompt", "metadata", "brand_guidelines", "brief") or len(value) > 255:
        return digest(value)
    return value


@pytest.mark.parametrize("seed", range(3))
def test_entries_replayed_are_the_resources_of_now(p: People, seed: int) -> None:
    history = History(p, seed)
    for step in range(45):
        history.happen()
        if step % 15 == 0:
            history.log()
    p.w.settle()
    history.log()
    found = [each for who in (OWNER, GUEST, OTHER) for each in entries(p, who, owner="me")]
    assert replayed(found) == there(p)
    assert len(found) > 20
    written = json.dumps([{name: str(value) for name, value in item.items()} for item in kept(p)])
    assert not [word for word in ("Confided", LONG[:60], *history.secrets) if word in written]


def kept(p: People) -> list[Any]:
    """The entries as they are stored."""
    return [item for item in scan(p.w.dynamodb, TABLE) if item["PK"].startswith("ACTIVITY#")]


def test_no_entry_has_a_secret(p: People) -> None:
    p.ok(OWNER, "POST", "/webhook-secret")
    secret = p.ok(OWNER, "GET", "/webhook-secret")["secret"]
    token = p.invite()["token"]
    p.w.log_activity()
    (invitation,) = [item for item in scan(p.w.dynamodb, TABLE) if item["SK"].startswith("CLIENT_INVITATION#")]
    written = str(kept(p))
    assert "webhook_secret.updated" in written
    assert not [each for each in (secret, token.rpartition(".")[2], invitation["digest"]) if each in written]


def test_a_cleanup_that_runs_twice_logs_once(p: People) -> None:
    p.w.settle()
    p.ok(OWNER, "DELETE", f"/clients/{p.client}")
    p.w.relay()
    ((message, _),) = p.w.cascade.waiting
    with (
        mock.patch("atelier.store.cascade.Cascade._released", side_effect=RuntimeError("killed")),
        pytest.raises(RuntimeError),
    ):
        wiring.cascade().process(CleanUpMessage.model_validate_json(message), now=p.w.now)
    p.w.settle()
    assert actions(p, action="campaign.deleted") == ["campaign.deleted"]


def test_entries_are_kept_for_400_days(p: People) -> None:
    (entry, *_), stored = entries(p), kept(p)
    assert len(stored) == 3
    for item in stored:
        assert 400 * 86400 - 1 <= int(item["expires_at"]) - p.w.now.timestamp() + 60 <= 400 * 86400 + 61
    p.w.pass_time(timedelta(days=400).total_seconds() + 60)
    assert entries(p) == []  # though nothing has removed them yet
    assert entry["action"] in FIRST


# ---------------------------------------------------------------------------------------------------- who sees what


def test_guests_see_what_concerns_what_they_see(p: People) -> None:
    p.ok(OWNER, "POST", "/clients", {"name": "Private"})
    other = p.a_campaign(OWNER)
    p.ok(OWNER, "PUT", f"/clients/{p.client}/budget", {"limit": 5})
    p.share(SCOPES[0], role="viewer")
    p.share(SCOPES[1], who=OTHER)
    p.w.log_activity()
    everything, of_client, of_campaign = (entries(p, who) for who in (OWNER, GUEST, OTHER))
    assert {each["resource"]["id"] for each in of_client} == {p.client, p.campaign, p.task, other["id"]}
    assert {each["resource"]["id"] for each in of_campaign} == {p.campaign, p.task}
    assert all(each in everything for each in of_client + of_campaign)
    assert entries(p, GUEST, owner="me") == entries(p, GUEST, campaign_id=other["id"], owner="me") == []
    assert entries(p, GUEST, owner="shared") == entries(p, GUEST, owner=p.numbers[OWNER]) == of_client
    assert entries(p, OTHER, client_id=p.client) == of_campaign
    assert entries(p, OTHER, campaign_id=other["id"]) == []
    assert {each["action"] for each in entries(p, client_id=p.client)} >= {"budget.updated", "share.created"}
    p.share(SCOPES[2], role="admin")
    p.w.log_activity()
    assert entries(p, GUEST) == entries(p)


def test_shares_are_logged_for_who_may_manage_them(p: People) -> None:
    """By the lower of the token's role and the share's."""
    p.share(SCOPES[2], role="admin")
    p.w.log_activity()
    everything = entries(p)
    assert "share.created" in {each["action"] for each in everything}
    for who in (OWNER, GUEST):
        for role in ("viewer", "editor"):
            seen = p.ok(who, "GET", "/activity", claims={"cognito:groups": f"[{role}]"})["items"]
            assert seen == [each for each in everything if each["resource"]["type"] != "share"]


@pytest.mark.parametrize("end", ["revoke", "delete", "expire"])
def test_a_guest_sees_nothing_after_the_end(p: People, end: str) -> None:
    p.share(
        expires_at=p.w.now.isoformat(timespec="seconds").replace("+00:00", "") + ".999999Z" if end == "expire" else None
    )
    assert len(entries(p, GUEST, page_size=1)) == 3
    cursor = p.ok(GUEST, "GET", "/activity", query={"page_size": 1})["next_cursor"]
    if end == "revoke":
        p.revoke()
    elif end == "delete":
        p.ok(OWNER, "DELETE", f"/clients/{p.client}")
    else:
        p.w.pass_time(2)
    nothing = {"items": [], "has_more": False, "next_cursor": None}
    assert p.ok(GUEST, "GET", "/activity") == nothing
    assert p.ok(GUEST, "GET", "/activity", query={"page_size": 1, "cursor": cursor}) == nothing


# ------------------------------------------------------------------------------------------------------------- lists


@pytest.mark.only_on_moto  # what it is measured with
def test_a_page_costs_the_same_in_a_long_log(p: People) -> None:
    def cost() -> Usage:
        made: list[Call] = []
        with heard(made.append):
            assert len(p.ok(OWNER, "GET", "/activity", query={"page_size": 2})["items"]) == 2
        return usage(made)

    before = cost()
    for number in range(9):
        p.ok(OWNER, "PATCH", f"/clients/{p.client}", {"name": f"Name {number}"})
    p.w.log_activity()
    assert cost()[:3] == before[:3]  # calls, round trips and items


def test_filters_and_cursors_find_the_same_entries(p: People) -> None:
    p.share()
    for number in range(12):
        p.ok(OWNER if number % 3 else GUEST, "PATCH", f"/clients/{p.client}", {"name": f"Name {number}"})
    p.w.log_activity()
    whole = entries(p)
    assert [each["id"] for each in whole] == sorted((each["id"] for each in whole), reverse=True)
    assert entries(p, page_size=1) == entries(p, page_size=5) == whole
    for name, value in (("actor", p.numbers[GUEST]), ("actor", p.numbers[OWNER]), ("action", "client.updated")):
        wanted = [each for each in whole if each[name] == value]
        assert wanted
        with mock.patch("atelier.store.newest.SCANNED", 3):
            assert entries(p, **{name: value}, page_size=9) == wanted
    middle = whole[6]["at"]
    assert entries(p, **{"from": middle}) == whole[:7]
    assert entries(p, to=middle) == whole[6:]
    backwards = {"from": middle, "to": whole[-1]["at"]}
    assert places(p.call(OWNER, "GET", "/activity", query=backwards)) == {"to"}
    assert p.call(OWNER, "GET", "/activity", query={"page": 2}).status == 400
    cursor = p.ok(OWNER, "GET", "/activity", query={"page_size": 1})["next_cursor"]
    assert p.call(OWNER, "GET", "/activity", query={"cursor": cursor, "actor": 1}).status == 400
