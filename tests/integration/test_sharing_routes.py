"""What a guest may do: every operation of the document is answered as `tests.support.sharing_model` says."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from unittest import mock

import pytest

from atelier.domain.schema import format_timestamp
from atelier.web.routes import document
from testbed.environment import ENVIRONMENT
from testbed.harness import TABLE, Answer, Harness, harness
from tests.integration.builders import NOBODY, Json, problem
from tests.integration.test_identity import calls
from tests.support.recount import scan, violations
from tests.support.sharing_model import (
    ACCEPT,
    LISTED,
    OF_NOBODY,
    OPERATIONS,
    PRIVATE,
    REPORT,
    ROLES,
    Model,
    Operation,
    Route,
    Share,
    Thing,
)

GUESTS: Final = (
    "client viewer",
    "client editor",
    "campaign viewer",
    "campaign editor",
    "account viewer",
    "account editor",
    "account admin",
    "own",
    "expired",
    "revoked",
    "stranger",
)
SOMEONE: Final = "someone"
"""With whom things are shared so that there are shares to manage."""
OWN_FIELD: Final = {"client": "brand_guidelines", "campaign": "goal", "task": "prompt", "asset": "purpose"}
"""By which a body is known as that of a client, a campaign or a task."""
OF_ACCOUNTS: Final = ("/account", "/webhook-secret", "/reports/usage")
"""What takes `owner`, the account's number."""
REMOVING: Final = [route for route, each in OPERATIONS.items() if isinstance(each, Operation) and each.done == 204]
ASKED: Final = [
    route for route, each in OPERATIONS.items() if each not in (OF_NOBODY, ACCEPT) and route not in REMOVING
]

UNSHARED: Final = [route for route, each in OPERATIONS.items() if isinstance(each, Operation) and each.on in PRIVATE]


class World:
    """Users, what they have and what they share: in the table, and in the model."""

    def __init__(self, w: Harness, name: str) -> None:
        self.w, self.name = w, name
        self.model = Model()
        self.numbers: dict[str, int] = {}
        self.invitations: dict[Thing, list[tuple[str, str]]] = {}
        self.made: dict[tuple[str, str], Thing] = {}

    def call(self, who: str, method: str, path: str, body: Json | None = None, **how: Any) -> Answer:
        """A request of a user, whose token says admin unless `role` does."""
        groups = f"[{how.pop('role', 'admin')}]"
        claims = {"iss": f"https://{self.name}.example", "sub": who, "cognito:groups": groups}
        return self.w.call(method, path, body, claims=claims, **how)

    def ok(self, who: str, method: str, path: str, body: Json | None = None, **how: Any) -> Json:
        """What a request is answered that succeeds."""
        answer = self.call(who, method, path, body, **how)
        assert answer.status < 300, answer.text
        found: Json = answer.json if answer.text else {}
        return found

    def join(self, *users: str) -> None:
        """Give each user their number."""
        self.numbers |= {who: self.ok(who, "GET", "/me")["user_id"] for who in users}

    def have(self, who: str) -> dict[str, Thing]:
        """A client of a user, a campaign of it, a canceled task of that; an import, an export, the user's account."""
        client = self.know(self.ok(who, "POST", "/clients", {"name": "Acme"}))
        campaign = self.know(
            self.ok(who, "POST", f"/clients/{client.id}/campaigns", {"name": "Launch", "goal": "Sell"})
        )
        task = self.know(self.ok(who, "POST", "/generate/image", {"prompt": "A boat", "campaign_id": campaign.id}))
        self.ok(who, "POST", f"/tasks/{task.id}/cancel")
        ordered = self.ok(who, "POST", "/exports", {"client_id": client.id})
        exported = self.model.things[ordered["id"]] = Thing("export", ordered["id"], client.account)
        asked = self.ok(who, "POST", "/imports", {"type": "clients", "format": "csv", "size": 9})
        imported = self.model.things[asked["id"]] = Thing("import", asked["id"], client.account)
        account = Thing("account", str(client.account), client.account)
        file = {"filename": "a.png", "content_type": "image/png", "size": 9, "sha256": "0" * 64, "purpose": "logo"}
        asset = self.know(self.ok(who, "POST", "/assets", {**file, "client_id": client.id}))
        private = {"import": imported, "export": exported}
        return {"client": client, "campaign": campaign, "task": task, "asset": asset, "account": account, **private}

    def know(self, body: Json) -> Thing:
        """What was created is in the model."""
        kind = next(kind for kind, name in OWN_FIELD.items() if name in body)
        made = Thing(kind, body["id"], body["user_id"], body.get("client_id"), body.get("campaign_id"))
        self.model.things[made.id] = made
        return made

    def share(self, who: str, thing: Thing, guest: str, role: str, ends: datetime | None = None) -> None:
        """Share a thing with a guest."""
        path, end = f"{path_of(thing)}/shares/{self.numbers[guest]}", ends and format_timestamp(ends)
        self.ok(who, "PUT", path, {"role": role, "expires_at": end})
        self.model.shares[thing.kind, thing.id, self.numbers[guest]] = Share(role, ends)

    def revoke(self, who: str, thing: Thing, guest: str) -> None:
        """End a guest's share."""
        self.ok(who, "DELETE", f"{path_of(thing)}/shares/{self.numbers[guest]}")
        del self.model.shares[thing.kind, thing.id, self.numbers[guest]]

    # ------------------------------------------------------------------------------------------------------ operations

    def ask(self, route: Route, who: str, things: dict[str, Thing], role: str = "admin") -> int | str:
        """A good request of a user about one of these things is answered as the model says; the status."""
        (method, path), operation, account = route, OPERATIONS[route], things["account"].account
        if operation == LISTED:
            self.look(path, who, role, account)
            return LISTED
        about = things[operation.on if isinstance(operation, Operation) else "account"]
        if isinstance(operation, Operation):
            expected = self.model.status(operation, about, self.numbers[who], role, self.w.now)
            known = self.known(path, things, about) | {"caller": who}
        else:
            expected = 200 if self.model.reports(account, self.numbers[who], self.w.now) else 404
            known = {"account": account}
        answer = self.asked(route, who, known, role)
        assert answer.status == expected, f"{method} {path} by {who}, {role}: {answer.text}"
        if expected >= 400:
            problem(answer, expected)
        elif method == "DELETE":
            self.removed(path, about)
        elif expected in (201, 202):
            self.created(path, who, about, answer.json)
        return expected

    def known(self, path: str, things: dict[str, Thing], about: Thing) -> Json:
        """What a path or a body names; the owner sees to it that it is there."""
        owner = next(who for who, number in self.numbers.items() if number == about.account)
        someone, is_there = self.numbers[SOMEONE], about.kind == "account" or about.id in self.model.things
        last, invited = path.rpartition("/")[2], self.invitations.setdefault(about, [])
        if last == "budget" and is_there and (about.kind, about.id) not in self.model.budgets:
            self.ok(owner, "PUT", f"{path_of(about)}/budget", {"limit": 5})
            self.model.budgets.add((about.kind, about.id))
        if last == "{user_id}" and is_there and (about.kind, about.id, someone) not in self.model.shares:
            self.share(owner, about, SOMEONE, "viewer")
        if last == "{invitation_id}" and is_there and not invited:
            made = self.ok(owner, "POST", f"{path_of(about)}/invitations", {"role": "viewer"})
            invited.append((made["id"], made["token"]))
        ids = {f"{kind}_id": thing.id for kind, thing in things.items()}
        ids |= {"number": "0", "invitation_id": invited[0][0] if invited else NOBODY}
        return {**ids, "user_id": someone, "account": about.account}

    def asked(self, route: Route, who: str, known: Json, role: str) -> Answer:
        """The answer to a request; to a batch or a matrix of one, that to its item."""
        (method, path), operation = route, OPERATIONS[route]
        is_batch = path.endswith("/batch")
        body = json.loads(filled(json.dumps(operation.body), known)) if isinstance(operation, Operation) else None
        query = {"owner": known["account"]} if path.startswith(OF_ACCOUNTS) or operation == LISTED else {}
        query |= {"from": "2026-11-01", "to": "2026-12-01"} if operation == REPORT else {}
        body = {"items": [body]} if is_batch else body
        answer = self.call(who, method, filled(path, known), body, query=query, role=role)
        if not path.endswith(("/batch", "/matrix")) or answer.status != 200:
            return answer
        (result,) = answer.json["results"]
        if path.endswith("/matrix") and "problem" not in result:  # which answers with ids
            result["body"] = self.ok(who, "GET", f"/tasks/{result['id']}")
        told = json.dumps(result["problem"] if "problem" in result else result["body"])
        return Answer(result["status"], {"Content-Type": "application/problem+json"}, told)

    def created(self, path: str, who: str, about: Thing, body: Json) -> None:
        """Something new is in the account that it is about, made by who asked."""
        if path.endswith("/invitations"):
            self.invitations.setdefault(about, []).append((body["id"], body["token"]))
            return
        if path == "/exports":
            return
        made = self.know(body)
        assert (made.account, body["created_by"]) == (about.account, self.numbers[who])
        self.made[who, made.kind] = made

    def removed(self, path: str, about: Thing) -> None:
        """Something is gone."""
        key = (about.kind, about.id)
        match path.rpartition("/")[2]:
            case "budget":
                self.model.budgets.remove(key)
            case "{user_id}":
                del self.model.shares[*key, self.numbers[SOMEONE]]
            case "{invitation_id}":
                del self.invitations[about][0]
            case "{export_id}":
                del self.model.things[about.id]
            case _:
                self.model.delete(about.id)

    def look(self, path: str, who: str, role: str, account: int) -> None:
        """A list of an account has what its reader may see of it."""
        query = {"page_size": 100} | ({} if path in ("/shares", "/imports", "/exports") else {"owner": account})
        page = self.ok(who, "GET", path, query=query, role=role)
        number = self.numbers[who]
        if path == "/shares":
            shown = {(each["resource"]["type"], each["resource"]["id"]): each["role"] for each in page["items"]}
            assert (shown, page["total"]) == (self.model.live(number, self.w.now), len(shown))
        elif path in ("/imports", "/exports"):  # one's own, whatever the account that is asked about
            mine = {
                each.id for each in self.model.things.values() if (f"/{each.kind}s", each.account) == (path, number)
            }
            assert mine <= {each["id"] for each in page["items"]}
            assert {each["created_by"] for each in page["items"]} <= {number}
        elif path != "/activity":  # which is a few seconds behind
            seen = {each.id for each in self.model.things.values() if self.model.sees(each, number, self.w.now)}
            seen &= {
                each.id for each in self.model.things.values() if (f"/{each.kind}s", each.account) == (path, account)
            }
            assert ({each["id"] for each in page["items"]}, page["total"]) == (seen, len(seen))

    def accept(self, who: str, role: str, things: dict[str, Thing]) -> None:
        """An invitation is accepted by somebody else than its owner, once."""
        invited = [(thing, each) for thing in things.values() for each in self.invitations.get(thing, [])]
        thing, (id_, secret) = invited[0] if invited else (things["client"], (NOBODY, "none"))
        is_there = thing.kind == "account" or thing.id in self.model.things
        expected = (400 if thing.account == self.numbers[who] else 200) if invited and is_there else 404
        answer = self.call(who, "POST", "/invitations/accept", {"token": secret}, role=role)
        assert answer.status == expected, answer.text
        if answer.status == 200:
            self.invitations[thing].remove((id_, secret))
            self.model.shares[thing.kind, thing.id, self.numbers[who]] = Share("viewer")


def path_of(thing: Thing) -> str:
    """Below which its shares, invitations and budget are."""
    return "/account" if thing.kind == "account" else f"/{thing.kind}s/{thing.id}"


def filled(text: str, known: Json) -> str:
    """A path or a body with what it names; an account is a number, not a text."""
    for name, value in {
        '"{account}"': known["account"],
        **{f"{{{name}}}": value for name, value in known.items()},
    }.items():
        text = text.replace(name, str(value))
    return text


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with mock.patch.dict(ENVIRONMENT, {"AUTH_MODE": "jwt"}), harness() as made:
        yield made


def test_the_model_has_every_operation() -> None:
    paths = json.loads(document())["paths"]
    documented = {(method.upper(), path) for path, operations in paths.items() for method in operations}
    assert {(method, f"/api/v3{path}") for method, path in OPERATIONS} == documented


# --------------------------------------------------------------------------------------- every operation x every guest


@pytest.fixture(scope="module")
def world(w: Harness) -> tuple[World, dict[str, Thing]]:
    """The owner's things, and guests who were let in to them as their names say."""
    world = World(w, "id")
    world.join(*GUESTS, SOMEONE, "nobody")
    things = world.have("own")
    for guest in GUESTS:
        kind, _, role = guest.partition(" ")
        if kind in things:
            world.share("own", things[kind], guest, role)
        for thing in (things[kind] for kind in ("client", "campaign", "account")):
            if guest == "expired":
                world.share("own", thing, guest, "editor", w.now + timedelta(seconds=9))
            if guest == "revoked":
                world.share("own", thing, guest, "editor")
                world.revoke("own", thing, guest)
    w.pass_time(10)
    return world, things


@pytest.mark.parametrize("guest", GUESTS)
def test_each_guest_is_answered_as_the_model_says(world: tuple[World, dict[str, Thing]], guest: str) -> None:
    it, things = world
    told = {it.ask(route, guest, things) for route in ASKED if route not in UNSHARED or guest == "own"}
    assert guest == "own" or {it.ask(route, guest, things) for route in UNSHARED} == {404}
    for route in REMOVING:  # what the guest has made, where they could
        if route in UNSHARED and guest != "own":
            continue
        own = {kind: it.made.get((guest, kind), things[kind]) for kind in OWN_FIELD}
        told.add(it.ask(route, guest, things | own if route[1].count("/") == 2 else things))
    if guest in ("expired", "revoked", "stranger"):
        assert told == {404, LISTED}
    if guest in ("own", "account admin"):
        assert told.isdisjoint({403, 404})
    it.accept(guest, "admin", things)


Asked = tuple[int, dict[str, str], str, list[str]]


def asked_for(it: World, route: Route, who: str, known: Json) -> Asked:
    """What an answer tells: status, headers, text without what was asked for, and what it took of the database."""
    answers: list[Answer] = []
    made = calls(it.w, lambda: answers.append(it.asked(route, who, known, "admin")))
    text = answers[0].text
    for value in known.values():
        text = text.replace(str(value), "...")
    return answers[0].status, answers[0].headers, text, made


def test_nobody_learns_which_accounts_there_are(world: tuple[World, dict[str, Thing]]) -> None:
    """Another's account has the same answers as one that does not exist, for the same calls."""
    it, things = world
    routes = [route for route in (*ASKED, *REMOVING) if route != ("GET", "/shares") and about(route) == "account"]
    assert len(routes) > 20
    for route in routes:
        known = {"user_id": it.numbers[SOMEONE], "invitation_id": NOBODY}
        theirs, none = (
            asked_for(it, route, "nobody", {"account": number, **known})
            for number in (things["account"].account, 10**9)
        )
        assert theirs == none, route


def test_guests_learn_nothing_of_what_is_beside(world: tuple[World, dict[str, Thing]]) -> None:
    """Another client of the same account, and what is below it, have the answers of what does not exist."""
    it, things = world
    account = things["account"].account
    beside = {f"{kind}_id": thing.id for kind, thing in it.have("own").items()}
    routes = [route for route in (*ASKED, *REMOVING) if about(route) != "account"]
    for number, route in enumerate(routes):
        guest = ("client editor", "campaign editor")[number % 2]
        known = {"user_id": it.numbers[SOMEONE], "invitation_id": NOBODY, "caller": "...", "account": account}
        theirs, none = (asked_for(it, route, guest, known | ids) for ids in (beside, dict.fromkeys(beside, NOBODY)))
        assert (theirs, theirs[0]) == (none, 404), route


def about(route: Route) -> str:
    """What a request names."""
    operation = OPERATIONS[route]
    return operation.on if isinstance(operation, Operation) else "account"


# -------------------------------------------------------------------------------------------------------- random worlds


def test_a_random_world_answers_as_the_model_says(w: Harness) -> None:
    """Two owners, each a guest of the other, and two more: any shares, ends and roles of tokens, and things that go."""
    world, chance = World(w, "random"), random.Random(14)
    people = ["ann", "ben", "cid", "dan"]
    world.join(*people, SOMEONE)
    owned = [(who, world.have(who)) for who in people[:2] for _ in range(2)]

    def happen() -> None:
        owner, things = chance.choice(owned)
        thing, guest = chance.choice(list(things.values())[:2] * 2 + [things["account"]]), chance.choice(people)
        if guest == owner or (thing.kind != "account" and thing.id not in world.model.things):
            w.pass_time(30)
        elif (thing.kind, thing.id, world.numbers[guest]) in world.model.shares and chance.random() < 0.6:
            world.revoke(owner, thing, guest)
        else:
            role = chance.choice(ROLES if thing.kind == "account" else ROLES[:2])
            world.share(owner, thing, guest, role, chance.choice([None, w.now + timedelta(seconds=60)]))

    for _ in range(12):
        happen()
    told: Counter[int | str] = Counter()
    for route in chance.sample([*ASKED, *REMOVING] * 2, k=2 * len([*ASKED, *REMOVING])):
        who, (_, things) = chance.choice(people), chance.choice(owned)
        told[world.ask(route, who, things, chance.choice(("viewer", "editor", "admin", "admin", "admin")))] += 1
        if chance.random() < 0.3:
            happen()
        if chance.random() < 0.1:
            world.accept(who, "viewer", things)
    assert min(told[403], told[404], told.total() - told[403] - told[404] - told[LISTED]) > 20


def test_afterwards_everything_adds_up(w: Harness) -> None:
    w.pass_time(3600)
    w.sweep()  # finds the cleanups without their messages
    while w.clean():
        w.sweep()
    assert violations(scan(w.dynamodb, TABLE), at_rest=True, deleted=None) == []  # deleted tasks stay in the ledger
