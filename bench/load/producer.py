"""What a producer does beside single requests: batches, imports, tags, a guest who looks, reports, exports, activity.

As in `people`, every answer is held against what this user knows.
"""

import time
from datetime import UTC, datetime, timedelta
from io import BytesIO
from random import Random
from typing import Any, Final
from zipfile import ZipFile

from bench.load.calls import Calls
from bench.load.people import NOBODY, PATIENCE_SECONDS, POLL_SECONDS, Account, Job, Json, Person

BATCH: Final = 4
OVER: Final = ("succeeded", "failed", "canceled")


class Producer(Person):
    """A user whose sessions have more than single requests. `guest` are the connections of another user."""

    def __init__(self, calls: Calls, name: str, chance: Random, *, receiver: str, guest: Calls) -> None:
        super().__init__(calls, name, chance, receiver=receiver)
        self._guest = guest
        self._guest_id: int | None = None

    def visit(self) -> None:
        """A session, and then the newest client's work in bulk."""
        super().visit()
        account = self._accounts[-1]
        self._make_campaigns(account)
        self._import(account)
        jobs = self._order_many(account)
        self._organise(account, jobs)
        self._invite(account)
        for job in jobs:
            self._finish(job)
        self._report(account)
        self._export(account)
        self._look_back(account)

    def _make_campaigns(self, account: Account) -> None:
        """A batch of campaigns with one that cannot be; and its repetition, which makes nothing."""
        bodies = [{"client_id": account.id, "name": self._title("Many"), "goal": self._words(5)} for _ in range(BATCH)]
        items = [{"op": "create", "body": body} for body in [*bodies, {**bodies[0], "client_id": NOBODY}]]
        answer = self._in_batch("/campaigns/batch", items, [201] * BATCH + [404])
        for result in answer["results"][:BATCH]:
            account.campaigns[result["id"]] = result["body"]
        self._list_campaigns(account)

    def _import(self, account: Account) -> None:
        """Campaigns from a file, of which one row is wrong."""
        names = [f"{self._title('Imported')} {number}" for number in range(BATCH)]
        lines = ["name;client_id;goal", *(f"{name};{account.id};Sell" for name in names), f";{account.id};Sell"]
        file = "\r\n".join(lines).encode()
        asked = {"type": "campaigns", "format": "csv", "size": len(file)}
        made: Json = self._calls.send("POST", "/imports", body=asked, status=202).json()
        self._calls.upload(made["upload"]["url"], made["upload"]["headers"], file, "PUT an import by its URL")
        self._calls.send("POST", "/imports/{}/start", made["id"], status=202)
        over = self._awaited("/imports/{}", made["id"])
        counts = (over["status"], over["rows_succeeded"], over["rows_failed"])
        self._check(counts == ("succeeded", BATCH, 1), f"{over}")
        listed = self._calls.send("GET", "/clients/{}/campaigns", account.id).json()["items"]
        account.campaigns |= {each["id"]: each for each in listed if each["name"] in names}
        self._list_campaigns(account)

    def _export(self, account: Account) -> None:
        """An archive of the client's files, which has all of them."""
        made: Json = self._calls.send("POST", "/exports", body={"client_id": account.id}, status=202).json()
        over = self._awaited("/exports/{}", made["id"])
        self._check(over["status"] == "succeeded", f"{over}")
        (archive,) = over["files"]
        content = self._calls.fetch(archive["url"], "GET an archive by its URL").content
        with ZipFile(BytesIO(content)) as opened:
            wrong = opened.testzip()
            files = [name for name in opened.namelist() if "/" in name]
        expected = sum(len(job.files) // 2 for job in account.jobs.values())  # beside each its thumbnail
        self._check(wrong is None and len(files) == expected, f"{len(files)} files, not {expected}: {over}, {wrong}")

    def _awaited(self, route: str, id_: str) -> Json:
        patience = time.monotonic() + PATIENCE_SECONDS
        while (state := self._calls.send("GET", route, id_, what="polled").json())["status"] in (
            "pending",
            "processing",
        ):
            self._check(time.monotonic() < patience, f"not over after {PATIENCE_SECONDS} s: {state}")
            time.sleep(POLL_SECONDS)
        return dict(state)

    def _order_many(self, account: Account) -> list[Job]:
        campaign_id = self._chance.choice(list(account.campaigns))
        kinds = self._chance.choices(["image", "image", "audio"], k=BATCH)
        items = [{"type": kind, **self._task(kind, campaign_id=campaign_id)} for kind in kinds]
        answer = self._in_batch("/generate/batch", items, [202] * BATCH)
        made = zip(kinds, answer["results"], strict=True)
        return [self._ordered(account, kind, result["body"], campaign_id, "succeeded") for kind, result in made]

    def _in_batch(self, route: str, items: list[Json], statuses: list[int]) -> Json:
        self._made += 1
        how: Json = {"body": {"items": items}, "headers": {"Idempotency-Key": f"{self._name} {self._made}"}}
        answer: Json = self._calls.send("POST", route, **how).json()
        self._check([each["status"] for each in answer["results"]] == statuses, f"{answer} and not {statuses}")
        if self._perhaps(0.3):
            again = self._calls.send("POST", route, what="replayed", **how)
            ids = [each.get("id") for each in again.json()["results"]]
            self._check(ids == [each.get("id") for each in answer["results"]], f"{again.json()} is no replay")
        return answer

    def _organise(self, account: Account, jobs: list[Job]) -> None:
        """Rate and tag what was ordered, find it by its tag, and move one to another campaign."""
        tag = f"{self._name} {self._made}"
        items = [{"op": "update", "id": job.id, "body": {"rating": 4, "tags": [tag]}} for job in jobs]
        self._in_batch("/tasks/batch", items, [200] * len(jobs))
        found = self._page("/tasks", what="by tag", tag=tag, rating_from=4)
        self._compare([item["id"] for item in found["items"]], [job.id for job in jobs], f"tasks with tag {tag}")
        job, campaign_id = jobs[0], self._chance.choice(list(account.campaigns))
        self._calls.send("PATCH", "/tasks/{}", job.id, body={"campaign_id": campaign_id}, what="moved")
        job.campaign_id = campaign_id
        self._linked(job, account.id)

    def _invite(self, account: Account) -> None:
        """Share the client with a guest, who sees it and nothing else, and end the share."""
        guest = self._guest.send("GET", "/me").json()["user_id"] if self._guest_id is None else self._guest_id
        self._guest_id = guest
        self._calls.send("PUT", "/clients/{}/shares/{}", account.id, str(guest), body={"role": "viewer"}, status=201)
        seen: Json = self._guest.send("GET", "/clients/{}", account.id, what="guest").json()
        self._check(seen == account.client, f"{seen} and not {account.client}")
        listed = self._guest.send("GET", "/tasks", query={"client_id": account.id}, what="guest").json()
        self._compare([item["id"] for item in listed["items"]], account.jobs, f"tasks a guest sees of {account.id}")
        self._guest.send("PATCH", "/clients/{}", account.id, body={"name": "Mine"}, status=403, what="guest")
        self._calls.send("DELETE", "/clients/{}/shares/{}", account.id, str(guest), status=204)
        self._guest.send("GET", "/clients/{}", account.id, status=404, what="guest, revoked")

    def _report(self, account: Account) -> None:
        """The spend of a client: it has every task that is over, and its days add up."""
        today = datetime.now(UTC).date()
        query: dict[str, Any] = {"from": today - timedelta(days=7), "to": today + timedelta(days=2)}
        report = self._calls.send("GET", "/reports/usage", query={**query, "client": account.id}).json()
        over = [job for job in account.jobs.values() if job.ends in OVER]
        tasks = report["totals"]["tasks"]
        self._check(sum(row["tasks"] for row in report["rows"]) == tasks, f"days do not add up: {report}")
        # One more was deleted on its way; it is booked if its job had been sent.
        self._check(len(over) <= tasks <= len(over) + 1, f"{len(over)} tasks are over: {report}")

    def _look_back(self, account: Account) -> None:
        """What the activity log says so far names nothing but this client."""
        entries = self._calls.send("GET", "/activity", query={"client_id": account.id}).json()["items"]
        self._check(all(each["client_id"] == account.id for each in entries), f"entries of others: {entries}")
