"""What does a request cost on AWS, and what a generated image?  `make bench`

One story, told several times: the real handlers on moto, with the table, the memory sizes and the alarms of
template.yaml. Counted: calls of DynamoDB, S3 and SQS, invocations, bytes of logs and answers. Computed: DynamoDB's
units, from the items as they were before and after each call. Measured: processor time, warm, without the emulator's
share and without the sandbox's drawing; the median of the rounds.

Simplified, and so said here, in bench/units.py, bench/calls.py and bench/metered.py:
- If transactions paid twice for what they change in indexes, too, it would cost what the last lines say.
- Expired items, and what Lambda reads of the stream, cost nothing.
- Every change of the table is an invocation of the relay and every message three requests of SQS (send, receive,
  delete): with traffic, both come in batches.
- Left out: cold starts, retries, free tiers, tokens and who signs them, TLS, backups, what providers charge.
"""

import gc
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from bench.metered import Meter, Spent, metered_harness
from bench.samples import CAMPAIGN, CLIENT, image
from local.preflight import costs
from local.preflight.stacks import Stack
from testbed.harness import Answer, Harness

# ---------------------------------------------------------------------------------------------------------- prices

# Public list prices, us-east-1, first tier, 2026-11, in dollars for one of each.
MILLION: Final = 1_000_000
GB: Final = 1_000_000_000
PRICES: Final[Mapping[str, float]] = {
    "read units": 0.125 / MILLION,  # on demand
    "write units": 0.625 / MILLION,  # on demand
    "GB-seconds": 0.0000133334,  # Lambda, arm64
    "invocations": 0.20 / MILLION,
    "gateway requests": 1.00 / MILLION,  # HTTP API, for each 512 KB
    "queue requests": 0.40 / MILLION,  # SQS standard
    "S3 writes": 5.00 / MILLION,  # PUT, COPY, LIST
    "S3 reads": 0.40 / MILLION,  # GET, HEAD
    "S3 byte-months": 0.023 / GB,
    "log bytes": 0.50 / GB,  # CloudWatch Logs, ingestion
    "bytes out": 0.09 / GB,  # beyond 100 GB a month
}

# ----------------------------------------------------------------------------------------------------- assumptions

IMAGE_BYTES: Final = 1_500_000
GATEWAY_LOG_BYTES: Final = 480
"""A line of the access log as the template formats it, with CloudWatch's 26 bytes."""
HEADER_BYTES: Final = 500
"""What the gateway sends beside the body."""
REQUESTS_PER_MESSAGE: Final = 3
MIX: Final[Mapping[str, float]] = {
    "GET /tasks/{id}, while it waits": 0.25,
    "GET /tasks/{id}, at its end": 0.10,
    "GET /tasks/{id}/result": 0.10,
    "GET /tasks, 50 of them": 0.10,
    "GET /campaigns/{id}": 0.12,
    "GET /campaigns, 50 of them": 0.08,
    "GET /clients/{id}": 0.08,
    "GET /clients, 50 of them": 0.05,
    "PATCH /campaigns/{id}, its status": 0.03,
    "PATCH /clients/{id}": 0.02,
    "POST /campaigns": 0.03,
    "POST /clients": 0.01,
    "POST /tasks/{id}/cancel": 0.01,
    "DELETE /tasks/{id}": 0.01,
    "DELETE /campaigns/{id}": 0.005,
    "DELETE /clients/{id}": 0.005,
}
"""Calls of people who look more than they change. POST /generate is not among them: see GENERATION."""
AFTER: Final[Mapping[str, str]] = {
    "POST /tasks/{id}/cancel": "after it: relay, worker",
    "DELETE /tasks/{id}": "after it: relay, its files",
    "DELETE /campaigns/{id}": "cleanup of a campaign, without children",
    "DELETE /clients/{id}": "cleanup of a client, without children",
}
"""The background work that follows a request, which is in the mix as well."""
GENERATION: Final = ("POST /generate/image", "relay: a new task", "worker: submit, poll, store")

ROUNDS: Final = 4
PAGE: Final = 50
CHILDREN: Final = 10
SMALL: Final = 0.03
"""Terms below this share are summed up in the tables."""

# -------------------------------------------------------------------------------------------------------- the story


class Scenario:
    """What is counted, told once more by every `tell`; each time it leaves the harness as it was."""

    def __init__(self, made: Harness, meter: Meter) -> None:
        self._harness, self._meter = made, meter
        self.rows: dict[str, Spent] = {}
        self._client, self._campaign = self._filled()

    def _filled(self) -> tuple[str, str]:
        """Fill every list with a page's worth of things; one client and campaign of them, which stay."""
        clients = [self._new_client() for _ in range(PAGE)]
        campaigns = [self._new_campaign(clients[0]) for _ in range(PAGE)]
        for _ in range(PAGE):
            self._new_task(campaigns[0])
        self._harness.relay()
        while self._harness.work():
            pass
        return clients[0], campaigns[0]

    def tell(self) -> None:
        """Everything from the first client to the last cleanup."""
        self.rows = {}
        client = self._created("POST /clients", "/clients", CLIENT)
        campaign = self._created("POST /campaigns", "/campaigns", {**CAMPAIGN, "client_id": client})
        self._look(client, campaign)
        self._request("PATCH /clients/{id}", "PATCH", f"/clients/{client}", {"description": "Renewed for a year."})
        self._request("PATCH /campaigns/{id}, its status", "PATCH", f"/campaigns/{campaign}", {"status": "active"})
        task = self._generate(campaign)
        self._task(task, campaign)
        self._deletes(client, campaign)
        self._clean_ups()

    def _look(self, client: str, campaign: str) -> None:
        self._request("GET /clients/{id}", "GET", f"/clients/{client}")
        self._request("GET /campaigns/{id}", "GET", f"/campaigns/{campaign}")
        for what in ("clients", "campaigns", "tasks"):
            self._request(f"GET /{what}, {PAGE} of them", "GET", f"/{what}", query={"page_size": PAGE})

    def _generate(self, campaign: str) -> str:
        headers = {"Idempotency-Key": f"cost-{self._harness.now.timestamp()}"}
        task = self._created("POST /generate/image", "/generate/image", image(campaign_id=campaign), headers=headers)
        self._request(
            "POST /generate/image, repeated", "POST", "/generate/image", image(campaign_id=campaign), headers=headers
        )
        self._step(GENERATION[1], self._harness.relay)
        self._request("GET /tasks/{id}, while it waits", "GET", f"/tasks/{task}")
        self._step(GENERATION[2], self._all_work)
        return task

    def _task(self, task: str, campaign: str) -> None:
        """Look at a task that is done; cancel one that is not; delete both."""
        self._request("GET /tasks/{id}, at its end", "GET", f"/tasks/{task}")
        self._request("GET /tasks/{id}/result", "GET", f"/tasks/{task}/result")
        other = self._new_task(campaign)
        self._harness.relay()
        self._harness.work()  # its job runs
        self._with_what_follows("POST /tasks/{id}/cancel", "POST", f"/tasks/{other}/cancel")
        self._with_what_follows("DELETE /tasks/{id}", "DELETE", f"/tasks/{task}")
        self._harness.call("DELETE", f"/tasks/{other}")
        self._settle()

    def _deletes(self, client: str, campaign: str) -> None:
        self._with_what_follows("DELETE /campaigns/{id}", "DELETE", f"/campaigns/{campaign}")
        self._with_what_follows("DELETE /clients/{id}", "DELETE", f"/clients/{client}")

    def _clean_ups(self) -> None:
        bare = self.rows[AFTER["DELETE /clients/{id}"]]
        for child, make in (("campaign", self._new_campaign), ("task", self._new_task_of_client)):
            client = self._new_client()
            children = [make(client) for _ in range(CHILDREN)]
            self._harness.relay()
            self._settle()
            self._request(f"DELETE /clients/{{id}} with {CHILDREN} {child}s", "DELETE", f"/clients/{client}")
            self._step("cleanup", self._settle)
            whole = self.rows.pop("cleanup")
            self.rows[f"cleanup, for each {child}"] = _share(whole, bare, CHILDREN)
            for task in children if child == "task" else ():
                self._harness.call("DELETE", f"/tasks/{task}")
            self._settle()

    # ------------------------------------------------------------------------------------------------- its words

    def _new_client(self) -> str:
        return str(self._harness.call("POST", "/clients", CLIENT).json["id"])

    def _new_campaign(self, client: str) -> str:
        return str(self._harness.call("POST", "/campaigns", {**CAMPAIGN, "client_id": client}).json["id"])

    def _new_task(self, campaign: str) -> str:
        return self._ordered(campaign_id=campaign)

    def _new_task_of_client(self, client: str) -> str:
        return self._ordered(client_id=client)

    def _ordered(self, **parents: str) -> str:
        return str(self._harness.call("POST", "/generate/image", image(**parents)).json["id"])

    def _created(self, name: str, path: str, body: Any, **more: Any) -> str:
        return str(self._request(name, "POST", path, body, **more).json["id"])

    def _request(self, name: str, method: str, path: str, body: Any = None, **more: Any) -> Answer:
        self._meter.take()
        answer = self._harness.call(method, path, body, **more)
        assert answer.status < 400, answer.text  # noqa: S101, PLR2004 - a refused request costs something else
        spent = self._meter.spent
        spent["gateway requests"] += 1
        spent["bytes out"] += len(answer.text.encode()) + HEADER_BYTES
        spent["log bytes"] += GATEWAY_LOG_BYTES
        self.rows[name] = self._taken()
        return answer

    def _with_what_follows(self, name: str, method: str, path: str) -> None:
        self._request(name, method, path)
        self._step(AFTER[name], self._settle)

    def _step(self, name: str, happens: Callable[[], object]) -> None:
        self._meter.take()
        happens()
        self.rows[name] = self._taken()

    def _taken(self) -> Spent:
        spent = self._meter.take()
        spent["queue requests"] = spent["messages"] * REQUESTS_PER_MESSAGE
        return spent

    def _all_work(self) -> None:
        while self._harness.work():
            pass

    def _settle(self) -> None:
        self._harness.settle()


def _share(whole: Spent, bare: Spent, parts: int) -> Spent:
    each = {what: max(0.0, (number - bare[what]) / parts) for what, number in whole.items()}
    return defaultdict(float, each)


def told() -> dict[str, Spent]:
    """Each row's expenses: counts of the last round, times as the median of all but the first."""
    rounds = []
    with metered_harness() as (made, meter):
        story = Scenario(made, meter)
        gc.disable()  # the emulator's heap is not a function's
        for _ in range(ROUNDS):
            story.tell()
            gc.collect()
            rounds.append(story.rows)
    gc.enable()
    return {name: _typical(name, rounds[1:]) for name in rounds[-1]}


def _typical(name: str, rounds: Sequence[Mapping[str, Spent]]) -> Spent:
    typical = rounds[-1][name].copy()
    for what in ("processor ms", "billed ms", "GB-seconds"):
        typical[what] = statistics.median(each[name][what] for each in rounds)
    return typical


# ------------------------------------------------------------------------------------------------------- the tables


def priced(spent: Mapping[str, float]) -> dict[str, float]:
    """Dollars by what they are paid for."""
    return {what: spent.get(what, 0) * price for what, price in PRICES.items()}


def dollars(spent: Mapping[str, float]) -> float:
    """All of it."""
    return sum(priced(spent).values())


def together(parts: Sequence[tuple[float, Mapping[str, float]]]) -> dict[str, float]:
    """So many times this and so many times that."""
    names = {name for _, spent in parts for name in spent}
    return {name: sum(times * spent.get(name, 0) for times, spent in parts) for name in names}


def requests_table(rows: Mapping[str, Spent]) -> None:
    """What one request or event takes, and a million of them in dollars."""
    print("| | runs | calls (round trips) | RRU | WRU | CPU ms | billed ms | KB out | $ a million | DynamoDB's part |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for name, spent in rows.items():
        print(f"| {name} | {' | '.join(_cells(spent))} |")


def _cells(spent: Spent) -> list[str]:
    by = priced(spent)
    units = by["read units"] + by["write units"]
    return [
        _brief(spent["invocations"]),
        f"{_brief(spent['calls'])} ({_brief(spent['round trips'])})",
        _brief(spent["read units"]),
        _brief(spent["write units"]),
        f"{spent['processor ms']:.1f}",
        f"{spent['billed ms']:.0f}",
        f"{spent['bytes out'] / 1000:.1f}",
        f"{MILLION * dollars(spent):.2f}",
        f"{MILLION * units:.2f}",
    ]


def _brief(number: float) -> str:
    return f"{number:.2f}".rstrip("0").rstrip(".")


def terms_table(title: str, spent: Mapping[str, float], times: int) -> None:
    """What the sum is made of, the largest first."""
    whole = dollars(spent)
    print(f"| {title} | {_brief(times * whole)} dollars | share |\n| --- | --- | --- |")
    terms = sorted(priced(spent).items(), key=lambda term: -term[1])
    large = [term for term in terms if term[1] >= whole * SMALL]
    for what, each in [*large, ("the rest", whole - sum(each for _, each in large))]:
        print(f"| {what} | {times * each:.3f} | {100 * each / whole:.0f} % |")


def generation(rows: Mapping[str, Spent]) -> dict[str, float]:
    """One image, from the request to a month in the bucket, looked at once."""
    image = {"S3 byte-months": IMAGE_BYTES, "S3 reads": 1, "bytes out": IMAGE_BYTES}
    return together([*((1, rows[name]) for name in GENERATION), (1, image)])


def standing() -> None:
    """The monthly cost of an idle stack, as `make preflight` computes it for the defaults."""
    print("| A month in which nothing happens | dollars |\n| --- | --- |")
    for what, dollars in costs.idle(Stack.of_project()):
        print(f"| {what} | {dollars:.2f} |")


def otherwise(name: str, spent: Mapping[str, float], times: int) -> None:
    """The sum if a transaction also paid twice for indexes."""
    more = times * spent["index units of transactions"] * PRICES["write units"]
    print(f"{name}: {more:.3f} dollars more if transactions paid twice for indexes, too.")


def check(rows: Mapping[str, Spent]) -> None:
    """Fail when a delete costs more for its children: docs/data-model.md promises that it does not."""
    deletes = [spent for name, spent in rows.items() if name.startswith("DELETE /clients")]
    units = {(spent["calls"], spent["read units"], spent["write units"]) for spent in deletes}
    assert len(units) == 1, units  # noqa: S101 - a measurement that contradicts the documents is none


def main() -> None:
    """Print the tables."""
    rows = told()
    check(rows)
    followed = [(share, rows[AFTER[name]]) for name, share in MIX.items() if name in AFTER]
    a_call = together([*((share, rows[name]) for name, share in MIX.items()), *followed])
    an_image = generation(rows)
    requests_table(rows)
    print()
    terms_table("A million calls of the mix", a_call, MILLION)
    print()
    terms_table("A thousand images, the provider's price apart", an_image, 1000)
    print()
    standing()
    print()
    otherwise("A million calls", a_call, MILLION)
    otherwise("A thousand images", an_image, 1000)


if __name__ == "__main__":
    main()
