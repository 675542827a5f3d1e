"""The requests of one simulated user, and what every answer must be.

Everybody keeps a book of what they were told is there. Names begin with the person's own name, and tasks have it in
their metadata, so that even lists that are shared with colleagues can be held against the book.
"""

import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Final
from urllib.parse import urlsplit

from bench.load.calls import Calls

Json = dict[str, Any]

STOCK: Final = 20
"""Clients with a campaign each that stay, so that there is something to leaf through."""
ACCOUNTS: Final = 3
"""Clients with campaigns and tasks that one person has at most; one more, and the oldest is closed."""
PATIENCE_SECONDS: Final = 60.0
POLL_SECONDS: Final = 1.0
STATUSES: Final = ("active", "archived", "draft")
ORDERS: Final[Mapping[str, Json]] = {
    "image": {"size": "256x256", "num_outputs": 2},
    "audio": {"duration": 1},
    "video": {"duration": 1, "aspect_ratio": "1:1"},
}
MAGIC: Final = {"image": b"\x89PNG", "audio": b"RIFF", "video": b"ftyp"}
"""What one of the first bytes of a file say about it."""
FAILURE: Final = "content_policy"
FAILS: Final = f"fail:{FAILURE}"
WORDS: Final = ("blue", "calm", "daring", "elegant", "honest", "modern", "quiet", "sober", "warm", "Größe", "日本")
NOBODY: Final = "01900000-0000-7000-8000-000000000000"

MISTAKES: Final[tuple[tuple[int, str, str, Json], ...]] = (
    (400, "POST", "/clients", {"body": {"name": " "}}),
    (400, "POST", "/clients", {"body": {"name": "Acme", "colour": "blue"}}),
    (400, "POST", "/clients", {"body": b'{"name": "Ac'}),
    (400, "POST", "/campaigns", {"body": {"client_id": NOBODY, "name": "Acme", "goal": "Sell", "status": "lost"}}),
    (400, "POST", "/generate/image", {"body": {"prompt": "A lighthouse", "provider": "nobody"}}),
    (400, "GET", "/clients", {"query": {"page_size": 101}}),
    (400, "GET", "/campaigns", {"query": {"colour": "blue"}}),
    (400, "GET", "/tasks", {"query": {"cursor": "made-up"}}),
    (404, "GET", f"/clients/{NOBODY}", {}),
    (404, "PATCH", f"/campaigns/{NOBODY}", {"body": {"name": "Acme"}}),
    (404, "DELETE", "/tasks/no-id-at-all", {}),
    (404, "GET", f"/clients/{NOBODY}/campaigns", {}),
    (404, "POST", "/campaigns", {"body": {"client_id": NOBODY, "name": "Acme", "goal": "Sell"}}),
    (404, "GET", "/nowhere", {}),
    (405, "PUT", "/clients", {"body": {"name": "Acme"}}),
    (415, "POST", "/clients", {"body": {"name": "Acme"}, "headers": {"Content-Type": "text/plain"}}),
)


@dataclass(slots=True)
class Job:
    """A task as it should be."""

    id: str
    type: str
    campaign_id: str | None
    ends: str
    is_awaited: bool
    """Whether it has a `webhook_url`."""
    files: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Account:
    """A client as it should be, with its campaigns and tasks by id."""

    client: Json
    campaigns: dict[str, Json] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The client's id."""
        return str(self.client["id"])


@dataclass(slots=True)
class Book:
    """The ids that exist, and the paths of their files."""

    clients: set[str] = field(default_factory=set)
    campaigns: set[str] = field(default_factory=set)
    tasks: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)

    def add(self, other: "Book") -> None:
        """Copy what another book has."""
        self.clients |= other.clients
        self.campaigns |= other.campaigns
        self.tasks |= other.tasks
        self.files |= other.files


class Person:
    """One simulated user, who checks every answer."""

    def __init__(self, calls: Calls, name: str, chance: Random, *, receiver: str) -> None:
        self._calls = calls
        self._name = name
        self._receiver = receiver
        self._chance = chance
        self._made = 0
        self._stock: list[Account] = []
        self._accounts: deque[Account] = deque()

    @property
    def book(self) -> Book:
        """What has to be there now."""
        everything = self._everything()
        jobs = [job for account in everything for job in account.jobs.values()]
        return Book(
            {account.id for account in everything},
            {id_ for account in everything for id_ in account.campaigns},
            {job.id for job in jobs},
            {path for job in jobs for path in job.files},
        )

    def move_in(self) -> None:
        """Make what stays."""
        for _ in range(STOCK):
            account = Account(self._new_client())
            self._stock.append(account)
            self._add_campaign(account)

    def visit(self) -> None:
        """One session: a client from its first campaign to its files, and the end of an older one."""
        account = Account(self._new_client())
        for _ in range(3):
            self._add_campaign(account)
        kinds = ["image", self._chance.choice(["image", "audio", "audio", "video"])]
        jobs = [self._order(account, kind) for kind in kinds]
        canceled, failing = self._canceled(account), self._order(account, "image", FAILS, ends="failed")
        self._deleted_at_once(account)
        self._look_around(account)
        self._rework(account)
        for status, method, route, asked in self._chance.sample(MISTAKES, 3):
            self._mistake(status, method, route, asked)
        for job in (*jobs, failing):
            self._finish(job)
        for job in (canceled, failing):
            if job.ends != "succeeded":
                self._finish(self._again(account, job))
        self._list_tasks(account)
        self._drop_campaign(account)
        self._accounts.append(account)
        self._leaf_through()
        if len(self._accounts) > ACCOUNTS:
            self._close(self._accounts[0])
            self._accounts.popleft()

    def _everything(self) -> list[Account]:
        return [*self._stock, *self._accounts]

    # ------------------------------------------------------------------------------------------------- creating

    def _create(self, route: str, *ids: str, body: Json | None, status: int) -> Json:
        """Create something under an idempotency key, and now and then try that key again."""
        self._made += 1
        how: Json = {"headers": {"Idempotency-Key": f"{self._name} {self._made}"}}
        made: Json = self._calls.send("POST", route, *ids, status=status, body=body, **how).json()
        if self._perhaps(0.2):
            again = self._calls.send("POST", route, *ids, status=status, what="replayed", body=body, **how)
            is_replay = again.headers["Idempotent-Replayed"] == "true"
            same = again.json()["id"] == made["id"] if "prompt" in made else again.json() == made  # a task goes on
            self._check(is_replay and same, f"{again.json()} is no replay of {made}")
        if body and self._perhaps(0.1):
            other = {**body, "name" if "name" in body else "prompt": "Another"}
            self._calls.send("POST", route, *ids, status=422, what="key reused", body=other, **how)
        return made

    def _new_client(self) -> Json:
        body = {"name": self._title("Client"), "description": self._words(20), "brand_guidelines": self._words(100)}
        made = self._create("/clients", body=body, status=201)
        self._check(body.items() <= made.items(), f"{made} was made of {body}")
        return made

    def _add_campaign(self, account: Account) -> None:
        status = self._chance.choice(STATUSES)
        body = {"name": self._title("Campaign"), "goal": self._words(10), "status": status, "brief": self._words(50)}
        named = {**body, "client_id": account.id}
        if self._perhaps(0.5):
            made = self._create("/campaigns", body=named, status=201)
        else:
            made = self._create("/clients/{}/campaigns", account.id, body=body, status=201)
        self._check(named.items() <= made.items(), f"{made} was made of {named}")
        account.campaigns[made["id"]] = made

    def _order(self, account: Account, kind: str, prompt: str = "", *, ends: str = "succeeded") -> Job:
        """Have something generated, for one of the campaigns or for the client alone."""
        campaign_id = self._chance.choice([None, *account.campaigns])
        link = {"campaign_id": campaign_id} if campaign_id else {"client_id": account.id}
        call = {"webhook_url": self._receiver} if self._perhaps(0.3) else {}
        body = self._task(kind, **link, **call) | ({"prompt": prompt} if prompt else {})
        return self._ordered(account, kind, self._create(f"/generate/{kind}", body=body, status=202), campaign_id, ends)

    def _task(self, kind: str, **more: Any) -> Json:
        """The body of a task, which says whose it is also where the prompt does not."""
        return {"prompt": self._title("Task"), "metadata": {"person": self._name}, **ORDERS[kind], **more}

    def _ordered(self, account: Account, kind: str, task: Json, campaign_id: str | None, ends: str) -> Job:
        links = {"type": kind, "client_id": account.id, "campaign_id": campaign_id}
        self._check(links.items() <= task.items(), f"{task} is not for {links}")
        guided = task["prompt"] == FAILS or account.client["brand_guidelines"] in task["effective_prompt"]
        self._check(guided, f"no guidelines in {task}")
        job = Job(task["id"], kind, campaign_id, ends, is_awaited=task["webhook_url"] is not None)
        account.jobs[job.id] = job
        return job

    # ------------------------------------------------------------------------------------------------- changing

    def _rework(self, account: Account) -> None:
        """Change what is there, with conditions that hold and conditions that do not."""
        stock = self._chance.choice(self._stock)
        for each in (account, stock):
            each.client = self._changed("/clients/{}", each.client, {"name": self._title("Client")})
        id_ = self._chance.choice(list(account.campaigns))
        change = {"status": self._chance.choice(STATUSES), "goal": self._words(12)}
        account.campaigns[id_] = self._changed("/campaigns/{}", account.campaigns[id_], change)

    def _changed(self, route: str, known: Json, change: Json) -> Json:
        id_, tag = known["id"], self._read(route, known)
        now: Json = self._calls.send("PATCH", route, id_, body=change, headers={"If-Match": tag}).json()
        expected = {**known, **change, "updated_at": now["updated_at"]}
        self._check(now == expected and now["updated_at"] > known["updated_at"], f"{now} and not {expected}")
        self._calls.send("PATCH", route, id_, status=412, what="stale", body=change, headers={"If-Match": tag})
        self._read(route, now)
        return now

    def _read(self, route: str, known: Json) -> str:
        """What is there, twice: as it should be, and then as unchanged; its tag."""
        answer = self._calls.send("GET", route, known["id"])
        self._check(answer.json() == known, f"{answer.json()} and not {known}")
        tag = str(answer.headers["ETag"])
        again = self._calls.send(
            "GET", route, known["id"], status=304, what="unchanged", headers={"If-None-Match": tag}
        )
        self._check(not again.content and again.headers["ETag"] == tag, f"a 304 with {again.headers['ETag']}")
        return tag

    def _drop_campaign(self, account: Account) -> None:
        """Delete a campaign: its tasks stay with the client."""
        id_, campaign = self._chance.choice(list(account.campaigns.items()))
        tag = self._read("/campaigns/{}", campaign)
        self._calls.send("DELETE", "/campaigns/{}", id_, status=204, headers={"If-Match": tag})
        del account.campaigns[id_]
        self._gone("/campaigns/{}", id_)
        for job in account.jobs.values():
            if job.campaign_id == id_:
                job.campaign_id = None
                self._linked(job, account.id)
        self._list_campaigns(account)
        self._list_tasks(account)

    def _close(self, account: Account) -> None:
        """Delete a client that has everything, even a task that runs; then its tasks, which were left behind."""
        for job in account.jobs.values():
            self._announced(job)
        last = self._order(account, "image")
        self._calls.send("DELETE", "/clients/{}", account.id, status=204)
        self._gone("/clients/{}", account.id)
        for id_ in account.campaigns:
            self._gone("/campaigns/{}", id_)
        self._gone("/clients/{}/campaigns", account.id)
        left = self._page("/campaigns", what="by client", client_id=account.id)
        self._check(left["total"] == 0 and not left["items"], f"campaigns of a deleted client: {left}")
        late = {"client_id": account.id, "name": "Late", "goal": "Too late"}
        self._calls.send("POST", "/campaigns", status=404, what="of a deleted client", body=late)
        for job in account.jobs.values():
            job.campaign_id = None
            self._linked(job, None)
        unassigned = self._page("/tasks", what="unassigned", client_id="none", page_size=100)
        self._compare(self._mine(unassigned["items"]), account.jobs, "unassigned tasks")
        self._finish(last)
        for id_ in account.jobs:
            self._calls.send("DELETE", "/tasks/{}", id_, status=204)
        self._gone("/tasks/{}", last.id)

    def _gone(self, route: str, id_: str) -> None:
        self._calls.send("GET", route, id_, status=404, what="deleted")

    def _linked(self, job: Job, client_id: str | None) -> None:
        """A task names what it should, also at the very moment after a delete."""
        task = self._calls.send("GET", "/tasks/{}", job.id, what="unlinked").json()
        links = (task["client_id"], task["campaign_id"])
        self._check(links == (client_id, job.campaign_id), f"{task} names {links}")

    # ----------------------------------------------------------------------------------------------- generating

    def _finish(self, job: Job) -> None:
        """Wait for the end of a task, and look at what came of it."""
        patience = time.monotonic() + PATIENCE_SECONDS
        while (task := self._calls.send("GET", "/tasks/{}", job.id).json())["status"] in ("pending", "processing"):
            self._check(time.monotonic() < patience, f"not over after {PATIENCE_SECONDS} s: {task}")
            self._calls.send("GET", "/tasks/{}/result", job.id, status=(202, 200, 409), what="polled")
            time.sleep(POLL_SECONDS)
        self._check(task["status"] == job.ends, f"not {job.ends}: {task}")
        if job.ends != "succeeded":
            problem = self._calls.send("GET", "/tasks/{}/result", job.id, status=409, what="without files").json()
            self._check(problem["code"] == (FAILURE if job.ends == "failed" else "canceled"), f"{problem}")
            return
        outputs = self._calls.send("GET", "/tasks/{}/result", job.id).json()["outputs"]
        self._check(len(outputs) == ORDERS[job.type].get("num_outputs", 1), f"files: {outputs}")
        for output in outputs:
            self._receive(job, output)

    def _announced(self, job: Job) -> None:
        """A task that ended long ago, and whose webhook was delivered if it has one."""
        told = [each["status"] for each in self._calls.send("GET", "/tasks/{}", job.id).json()["webhook_deliveries"]]
        self._check(told[-1:] == [204] * job.is_awaited, f"{job}: {told}")

    def _receive(self, job: Job, output: Json) -> None:
        file = self._calls.fetch(output["url"], f"GET the {job.type} by its URL")
        said = (len(file.content), file.headers["Content-Type"])
        self._check(said == (output["bytes"], output["content_type"]), f"{said} and not {output}")
        self._check(MAGIC[job.type] in file.content[:8], f"no {job.type}: {file.content[:8]!r}")
        thumbnail = self._calls.fetch(output["thumbnail_url"], f"GET the thumbnail of the {job.type}")
        self._check(thumbnail.content[8:12] == b"WEBP", f"no thumbnail: {thumbnail.content[:12]!r}")
        job.files += [urlsplit(output[name]).path for name in ("url", "thumbnail_url")]

    def _canceled(self, account: Account) -> Job:
        """A task that is called off before it is over."""
        job = self._order(account, "audio", ends="canceled")
        answer = self._calls.send("POST", "/tasks/{}/cancel", job.id, status=(200, 409))
        if answer.status == 409:  # noqa: PLR2004 - HTTP's
            job.ends = "succeeded"  # we were too slow
        again = 200 if job.ends == "canceled" else 409
        self._calls.send("POST", "/tasks/{}/cancel", job.id, status=again, what="twice")
        self._finish(job)
        return job

    def _again(self, account: Account, job: Job) -> Job:
        """The same once more. What was to fail fails again."""
        task = self._create("/tasks/{}/retry", job.id, body=None, status=202)
        self._check(task["retry_of"] == job.id, f"not a retry of {job.id}: {task}")
        ends = "failed" if job.ends == "failed" else "succeeded"
        return self._ordered(account, job.type, task, job.campaign_id, ends)

    def _deleted_at_once(self, account: Account) -> None:
        """A task that is deleted while it is on its way."""
        job = self._order(account, "image")
        self._calls.send("DELETE", "/tasks/{}", job.id, status=204)
        del account.jobs[job.id]
        self._gone("/tasks/{}", job.id)

    # -------------------------------------------------------------------------------------------------- reading

    def _look_around(self, account: Account) -> None:
        """Lists, straight, searched, filtered and from their middle."""
        everything = [*self._everything(), account]
        found = self._page("/clients", what="search", search=self._name.upper(), page_size=100)
        self._compare([item["id"] for item in found["items"]], [each.id for each in everything], "clients found")
        self._page("/clients", what="newest")
        names = [item["name"].casefold() for item in self._deep_page("/clients", sort_by="name", sort_order="asc")]
        self._check(names == sorted(names), f"not in order: {names}")
        self._deep_page("/campaigns", sort_by="updated_at")
        status = self._chance.choice(STATUSES)
        having = self._page("/campaigns", what="by status", status=status, page_size=100)
        self._check({item["status"] for item in having["items"]} <= {status}, f"not all {status}: {having}")
        self._list_campaigns(account)
        self._page("/tasks", what="newest")
        for route in ("/health", "/me", "/providers", "/openapi.json", "/webhook-secret"):
            if self._perhaps(0.25):
                self._calls.send("GET", route)

    def _list_campaigns(self, account: Account) -> None:
        listed = self._calls.send("GET", "/clients/{}/campaigns", account.id).json()
        self._compare([item["id"] for item in listed["items"]], account.campaigns, f"campaigns of {account.id}")
        self._check(listed["total"] == len(account.campaigns), f"total: {listed['total']}")

    def _list_tasks(self, account: Account) -> None:
        listed = self._page("/tasks", what="by client", client_id=account.id)
        self._compare([item["id"] for item in listed["items"]], account.jobs, f"tasks of {account.id}")
        self._check(listed["total"] == len(account.jobs), f"total: {listed['total']}")

    def _leaf_through(self) -> None:
        """Page through everything: each recorded item is returned once, and nothing else of this user."""
        book = self.book
        order = {"sort_by": self._chance.choice(["name", "created_at", "updated_at"])}
        self._compare(self._mine(self._walk("/clients", **order)), book.clients, "clients walked through")
        self._compare(self._mine(self._walk("/campaigns", **order)), book.campaigns, "campaigns walked through")
        self._compare(self._mine(self._walk("/tasks")), book.tasks, "tasks walked through")

    def _walk(self, route: str, **query: Any) -> Iterator[Json]:
        page = self._page(route, what="walk", page_size=25, **query)
        yield from page["items"]
        while page["next_cursor"]:
            page = self._page(route, what="walk", page_size=25, cursor=page["next_cursor"], **query)
            yield from page["items"]

    def _deep_page(self, route: str, **query: Any) -> list[Json]:
        page = self._page(route, what="deep page", page=3, page_size=10, **query)
        items: list[Json] = page["items"]
        expected = min(10, max(0, page["total"] - 20))
        # A colleague may delete some between the look at the order and the look at the items.
        self._check(expected - 3 <= len(items) <= expected, f"{len(items)} items, not {expected}")
        return items

    def _page(self, route: str, *, what: str, **query: Any) -> Json:
        page: Json = self._calls.send("GET", route, what=what, query=query).json()
        self._check(len(page["items"]) <= page["page_size"], f"{len(page['items'])} items of {page['page_size']}")
        if "cursor" not in query:
            more = page["page"] * page["page_size"] < page["total"]
            self._check(page["has_more"] == more == bool(page["next_cursor"]), f"is there more? {page}")
        return page

    def _mistake(self, status: int, method: str, route: str, asked: Json) -> None:
        answer = self._calls.send(method, route, status=status, kind=f"mistakes, {status}", **asked)
        problem = answer.json()
        self._check(answer.headers["Content-Type"] == "application/problem+json", f"{answer.headers['Content-Type']}")
        self._check(problem["status"] == status and bool(problem["detail"]), f"{problem}")
        self._check(bool(problem.get("errors")) == (status == 400), f"{problem}")  # noqa: PLR2004 - HTTP's

    # --------------------------------------------------------------------------------------------------- checks

    def _check(self, holds: bool, otherwise: str) -> None:
        self._calls.check(holds, otherwise)

    def _compare(self, found: Iterable[str], expected: Iterable[str], what: str) -> None:
        found, expected = sorted(found), sorted(expected)
        missing, odd = set(expected) - set(found), set(found) - set(expected)
        self._check(found == expected, f"{what}: missing {missing}, odd {odd}, {len(found)} of {len(expected)}")

    def _mine(self, items: Iterable[Json]) -> list[str]:
        return [each["id"] for each in items if self._is_mine(each)]

    def _is_mine(self, item: Json) -> bool:
        if "prompt" in item:
            return bool(item["metadata"] == {"person": self._name})
        return str(item["name"]).startswith(self._name)

    def _title(self, kind: str) -> str:
        return f"{self._name} / {kind} {self._made}"

    def _words(self, count: int) -> str:
        return " ".join(self._chance.choices(WORDS, k=count))

    def _perhaps(self, probability: float) -> bool:
        return self._chance.random() < probability
