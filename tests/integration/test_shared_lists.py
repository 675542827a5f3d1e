"""Lists of everything a user may see: the same as what a model in memory says, in worlds made at random."""

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final
from unittest import mock

import pytest

from atelier.domain.schema import format_timestamp
from testbed.environment import ENVIRONMENT
from testbed.harness import TABLE, Harness, harness
from tests.integration.builders import Json
from tests.support.recount import scan, violations

USERS: Final = ("ann", "ben", "cid")
ROLES: Final = ("viewer", "editor")
KINDS: Final = ("client", "campaign", "task")
PATHS: Final = {kind: f"/{kind}s" for kind in KINDS}


class World:
    """What three users have and share, in the table and in memory."""

    def __init__(self, w: Harness, seed: int) -> None:
        self.w, self.random, self.seed = w, random.Random(seed), seed
        self.numbers = {who: self.ask(who, "GET", "/me")["user_id"] for who in USERS}
        self.rows: dict[str, list[Json]] = {kind: [] for kind in KINDS}
        self.shares: dict[tuple[str, str, str], Any] = {}

    def ask(self, who: str, method: str, path: str, body: Any = None, **query: Any) -> Json:
        """What a request is answered, which must succeed."""
        claims = {"iss": "https://id.example", "sub": f"{who} {self.seed}", "cognito:groups": "[admin]"}
        answer = self.w.call(method, path, body, query=query, claims=claims)
        assert answer.status < 300, answer.text
        found: Json = answer.json if answer.text else {}
        return found

    def happen(self) -> None:
        """One change."""
        act = self.random.choice([self.create, self.create, self.create, self.share, self.share, self.end, self.delete])
        act()

    def create(self) -> None:
        """A client, a campaign of one or a task of either, by its owner."""
        who, kind = self.random.choice(USERS), self.random.choice(KINDS)
        clients = [each for each in self.rows["client"] if each["user_id"] == self.numbers[who]]
        campaigns = [each for each in self.rows["campaign"] if each["user_id"] == self.numbers[who]]
        name = self.random.choice(["Acme", "acme", "Zenith", "Ärzte"])
        if kind == "client" or not clients:
            self.rows["client"].append(self.ask(who, "POST", "/clients", {"name": name}))
        elif kind == "campaign" or not campaigns:
            status = self.random.choice(["draft", "active"])
            body = {"client_id": self.random.choice(clients)["id"], "name": name, "goal": "Sell", "status": status}
            self.rows["campaign"].append(self.ask(who, "POST", "/campaigns", body))
        else:
            under: Json = self.random.choice(
                [{}, {"client_id": clients[0]["id"]}, {"campaign_id": self.random.choice(campaigns)["id"]}]
            )
            self.rows["task"].append(self.ask(who, "POST", "/generate/image", {"prompt": name, **under}))

    def share(self) -> None:
        """A client, a campaign or an account, for ever or for a minute."""
        who, guest = self.random.sample(USERS, 2)
        path, key = self.random.choice(self.resources_of(who))
        end = self.w.now + timedelta(seconds=60) if self.random.random() < 0.3 else None
        body = {"role": self.random.choice(ROLES), "expires_at": end and format_timestamp(end)}
        self.ask(who, "PUT", f"{path}/shares/{self.numbers[guest]}", body)
        self.shares[(*key, guest)] = end

    def resources_of(self, who: str) -> list[tuple[str, tuple[str, str]]]:
        """What a user may share: the path, and kind and id."""
        number = self.numbers[who]
        own = [(kind, row["id"]) for kind in KINDS[:2] for row in self.rows[kind] if row["user_id"] == number]
        return [("/account", ("account", str(number))), *((f"/{kind}s/{id_}", (kind, id_)) for kind, id_ in own)]

    def end(self) -> None:
        """A share ends, or time passes."""
        live = [key for key, end in self.shares.items() if end is None or end > self.w.now]
        if not live or self.random.random() < 0.3:
            self.w.pass_time(61)
            return
        kind, id_, guest = self.random.choice(live)
        if kind != "account" and not any(row["id"] == id_ for row in self.rows[kind]):
            return
        query = {"owner": id_} if kind == "account" else {}
        path = "/account" if kind == "account" else f"/{kind}s/{id_}"
        self.ask(guest, "DELETE", f"{path}/shares/{self.numbers[guest]}", **query)
        del self.shares[kind, id_, guest]

    def delete(self) -> None:
        """A client or a campaign, by its owner; the clean-up comes later, or never."""
        who = self.random.choice(USERS)
        found = [each for each in self.resources_of(who) if each[1][0] != "account"]
        if not found or self.random.random() < 0.5:
            return
        path, (kind, id_) = self.random.choice(found)
        self.ask(who, "DELETE", path)
        self.rows[kind] = [row for row in self.rows[kind] if row["id"] != id_]
        if kind == "client":
            self.rows["campaign"] = [row for row in self.rows["campaign"] if row["client_id"] != id_]
        there = {row["id"] for each in KINDS[:2] for row in self.rows[each]}
        for task in self.rows["task"]:
            task |= {name: None for name in ("client_id", "campaign_id") if task[name] not in there}

    # ------------------------------------------------------------------------------------------------- the model

    def sees(self, who: str, kind: str, row: Json) -> bool:
        """Whether a user may see a resource."""
        if row["user_id"] == self.numbers[who]:
            return True
        above = {("account", str(row["user_id"])), (kind, row["id"])}
        above |= {(each, row[f"{each}_id"]) for each in KINDS[:2] if row.get(f"{each}_id")}
        live = {(k, id_) for (k, id_, guest), end in self.shares.items() if guest == who and not self.is_over(end)}
        return bool(above & live)

    def is_over(self, end: Any) -> bool:
        """Whether a share has ended."""
        return end is not None and bool(end <= self.w.now)

    def expected(self, who: str, kind: str, query: Json) -> list[str]:
        """The ids of a whole list."""
        own = self.numbers[who]
        rows = [row for row in self.rows[kind] if self.sees(who, kind, row)]
        owner = query.get("owner")
        if owner == "me":
            rows = [row for row in rows if row["user_id"] == own]
        elif owner == "shared":
            rows = [row for row in rows if row["user_id"] != own]
        elif owner:
            rows = [row for row in rows if row["user_id"] == int(owner)]
        for name in ("client_id", "campaign_id"):
            if name in query:
                wanted = None if query[name] == "none" else query[name]
                rows = [row for row in rows if row[name] == wanted]
        if "status" in query:
            rows = [row for row in rows if row["status"] == query["status"]]
        if "search" in query:
            rows = [row for row in rows if query["search"] in row["name"].lower()]
        newest = sorted(rows, key=lambda row: row["id"], reverse=True)
        if query.get("sort_by") == "name":
            order = {"acme": 0, "ärzte": 1, "zenith": 2}
            newest = sorted(newest, key=lambda row: (order[row["name"].lower()], row["id"]))
        return [row["id"] for row in newest]

    def queries(self, kind: str) -> Iterator[Json]:
        """Queries of a list."""
        yield from ({}, {"owner": "me"}, {"owner": "shared"}, {"owner": self.numbers[self.random.choice(USERS)]})
        if kind != "task":
            yield from ({"sort_by": "name"}, {"search": "acme"}, {"owner": "shared", "search": "acme"})
        if kind == "campaign":
            yield {"status": "active"}
        if kind != "client":
            yield from ({"client_id": row["id"]} for row in self.rows["client"][:2])
        if kind == "task":
            yield from ({"campaign_id": row["id"]} for row in self.rows["campaign"][:2])
            yield {"client_id": "none"}

    def check(self, who: str) -> None:
        """Every list of a user is as the model says: whole, by page and by cursor, with the total."""
        for kind in KINDS:
            for query in self.queries(kind):
                ids = self.expected(who, kind, query)
                whole = self.ask(who, "GET", PATHS[kind], **query, page_size=100)
                assert ([each["id"] for each in whole["items"]], whole["total"]) == (ids, len(ids)), (kind, query)
            ids, cursor = self.expected(who, kind, {}), None
            seen: list[str] = []
            second = self.ask(who, "GET", PATHS[kind], page=2, page_size=2)
            assert [each["id"] for each in second["items"]] == ids[2:4]
            while len(seen) <= len(ids):
                page = self.ask(who, "GET", PATHS[kind], page_size=2, **({"cursor": cursor} if cursor else {}))
                assert page["total"] == len(ids)
                seen += [each["id"] for each in page["items"]]
                cursor = page["next_cursor"]
                if cursor is None:
                    break
            assert seen == ids
        live = [key for key, end in self.shares.items() if key[2] == who and not self.is_over(end)]
        there = {("account", str(number)) for number in self.numbers.values()}
        there |= {(kind, row["id"]) for kind in KINDS[:2] for row in self.rows[kind]}
        shown = self.ask(who, "GET", "/shares", page_size=100)
        told = {(each["resource"]["type"], each["resource"]["id"]) for each in shown["items"]}
        assert told == {(kind, id_) for kind, id_, _ in live} & there
        assert shown["total"] == len(told)


@pytest.fixture(scope="module")
def w() -> Iterator[Harness]:
    with mock.patch.dict(ENVIRONMENT, {"AUTH_MODE": "jwt"}), harness() as made:
        yield made


@pytest.mark.parametrize("seed", range(4))
def test_lists_are_what_the_model_says(w: Harness, seed: int) -> None:
    world = World(w, seed)
    for _ in range(25):
        world.happen()
    for who in USERS:
        world.check(who)
    assert violations(scan(w.dynamodb, TABLE)) == []


def test_after_the_cleanups_lists_are_the_same(w: Harness) -> None:
    world = World(w, 99)
    for _ in range(25):
        world.happen()
    w.relay()
    while w.clean():
        w.relay()
    world.check(USERS[0])
    assert violations(scan(w.dynamodb, TABLE), at_rest=True) == []
