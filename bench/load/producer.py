"""What a producer does beside single requests: batches, tags, a guest who looks, reports and activity.

As in `people`, every answer is held against what this user knows.
"""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from bench.load.calls import Calls
from bench.load.people import NOBODY, Account, Job, Json, Person

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
        jobs = self._order_many(account)
        self._organise(account, jobs)
        self._invite(account)
        for job in jobs:
            self._finish(job)
        self._report(account)
        self._look_back(account)

    def _make_campaigns(self, account: Account) -> None:
        """A batch of campaigns with one that cannot be; and its repetition, which makes nothing."""
        bodies = [{"client_id": account.id, "name": self._title("Many"), "goal": self._words(5)} for _ in range(BATCH)]
        items = [{"op": "create", "body": body} for body in [*bodies, {**bodies[0], "client_id": NOBODY}]]
        answer = self._in_batch("/campaigns/batch", items, [201] * BATCH + [404])
        for result in answer["results"][:BATCH]:
            account.campaigns[result["id"]] = result["body"]
        self._list_campaigns(account)

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
