"""How many images does a worker get through, and what limits it first?  `make bench`

The real relay and worker on moto make 200 images for a campaign, with a provider that takes 4.5 seconds for each and
does not call back. Measured: processor time of each step, warm. Counted: calls, messages, units. Computed from that:
how long an image holds a worker, with the waits that bench/metered.py states, and what each limit of the template and
of AWS makes of it.
"""

import gc
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import Any, Final

from atelier.domain.pipeline import FIRST_POLLS, LAST_POLL
from bench.capacity import STEPS, brief, table
from bench.contention import HOLD_MS
from bench.emulated import for_large_tables
from bench.metered import FETCH_MS, IMAGE_MS, WAIT_MS, Meter, Spent, metered_harness
from bench.samples import CAMPAIGN, CLIENT, image
from testbed.harness import Harness
from testbed.template import template

BATCH: Final = 100
"""Orders that reach the relay together, as many as the template lets it take. Workers take one message at a time."""
BATCHES: Final = 2
WARM_UP: Final = 10
ORDER: Final = "POST /generate/image"
RELAY: Final = "relay: a new task"
TAKES: Final = (IMAGE_MS / 1000, 30, 120)
"""Seconds that a provider takes."""

# AWS's own limits, as published: of a partition key, of a new table on demand, of an account by default.
PARTITION_UNITS: Final = 1_000
NEW_TABLE_UNITS: Final = 4_000
ENVIRONMENTS: Final = 1_000

INDEXES: Final = 3
"""A task for a campaign stands in as many, with the same attributes in each."""

Rows = Mapping[str, Spent]


# -------------------------------------------------------------------------------------------------------- measured


def measured() -> Rows:
    """What each step of one image takes, on average."""
    with for_large_tables(), metered_harness() as (made, meter):
        order = _order(made)
        _make(made, meter, order, WARM_UP)
        gc.disable()  # the emulator's heap is not a function's
        rounds = [_make(made, meter, order, BATCH) for _ in range(BATCHES)]
        gc.enable()
    return {step: _mean([each[step] for each in rounds], BATCH * BATCHES) for step in rounds[0]}


def _order(made: Harness) -> dict[str, Any]:
    client = made.call("POST", "/clients", CLIENT).json["id"]
    return image(campaign_id=made.call("POST", "/campaigns", {**CAMPAIGN, "client_id": client}).json["id"])


def _make(made: Harness, meter: Meter, order: Mapping[str, Any], images: int) -> Rows:
    """Order so many, relay them together, and make one after the other; what each step took in all."""
    rows: defaultdict[str, Spent] = defaultdict(lambda: defaultdict(float))
    for _ in range(images):
        _note(rows[ORDER], meter, lambda: made.call("POST", "/generate/image", order))
    _note(rows[RELAY], meter, made.relay)
    for message in made.generation.take():
        made.generation.waiting = [message]
        for step in STEPS:
            _note(rows[step], meter, made.work)
        assert not made.generation.waiting, "it takes more steps than these"  # noqa: S101
    return rows


def _note(row: Spent, meter: Meter, happens: Callable[[], object]) -> None:
    meter.take()
    happens()
    for what, number in meter.take().items():
        row[what] += number


def _mean(rows: list[Spent], images: int) -> Spent:
    names = {name for row in rows for name in row}
    return defaultdict(float, {name: sum(row[name] for row in rows) / images for name in names})


# -------------------------------------------------------------------------------------------------------- computed


def asks(seconds: float) -> tuple[int, int]:
    """How often a worker asks after a job that takes so long, and after how many seconds it finds it done."""
    after = times = 0
    while after < seconds:
        after += FIRST_POLLS[times] if times < len(FIRST_POLLS) else LAST_POLL
        times += 1
    return times, after


def worker_seconds(rows: Rows, times: int) -> float:
    """How long an image that is polled so often holds a worker, in all."""
    submit, begins, *again, store = (rows[step]["billed ms"] / 1000 for step in STEPS)
    return submit + store + (begins if times > 1 else 0) + max(0, times - 2) * sum(again) / len(again)


def provider_queues() -> dict[str, int]:
    """How many workers the template lets run for each queue."""
    events = [each["Properties"] for each in _resource("WorkerFunction")["Events"].values()]
    assert {each["BatchSize"] for each in events} == {1}  # noqa: S101 - else a worker has more than one job at a time
    return {each["Queue"].removesuffix(".Arn"): _number(each["ScalingConfig"]["MaximumConcurrency"]) for each in events}


def _number(given: int | str) -> int:
    # A reference to a parameter is read as the parameter's name.
    return given if isinstance(given, int) else int(template()["Parameters"][given]["Default"])


def _resource(name: str) -> Any:
    return template()["Resources"][name]["Properties"]


def limits(rows: Rows) -> dict[str, float]:
    """Images a minute that each limit lets through, at the first of `TAKES`."""
    whole, workers = _sum(rows), provider_queues()
    held, largest, together = worker_seconds(rows, asks(TAKES[0])[0]), max(workers.values()), sum(workers.values())
    in_an_index = whole["index units"] / INDEXES
    return {
        f"workers of one provider: {largest} (`MaximumConcurrency`)": 60 * largest / held,
        f"workers of all {len(workers)} providers: {together}": 60 * together / held,
        f"environments of an account: {ENVIRONMENTS:,}, if nobody else needs them": 60 * ENVIRONMENTS / held,
        "the relay, one for each shard of the table's stream": 60_000 / rows[RELAY]["billed ms"],
        f"one account's `COUNTERS#all`: one transaction in {HOLD_MS:.0f} ms": 60_000 / HOLD_MS / whole["transactions"],
        f"one account's partition: {PARTITION_UNITS:,} WCU a second": 60 * PARTITION_UNITS / whole["account's units"],
        f"one account's tasks in an index: {PARTITION_UNITS:,} WCU a second": 60 * PARTITION_UNITS / in_an_index,
        f"a new table on demand: {NEW_TABLE_UNITS:,} WCU a second": 60 * NEW_TABLE_UNITS / whole["write units"],
    }


def _sum(rows: Rows) -> Spent:
    return _mean(list(rows.values()), 1)


# ------------------------------------------------------------------------------------------------------ the section


def section() -> str:
    """The chapter of docs/benchmarks.md."""
    rows = measured()
    return "\n\n".join([HEAD, _steps(rows), DURATIONS, _durations(rows), LIMITS, _limits(rows), TAIL])


def _steps(rows: Rows) -> str:
    counted = ("calls", "write units", "account's units", "S3 calls", "provider calls", "messages")
    head = ["each image", "CPU ms", "DynamoDB calls", "WCU", "account's", "S3", "provider", "messages", "ms"]
    lines = [
        [name, f"{row['processor ms']:.1f}", *(brief(row[each]) for each in counted), f"{row['billed ms']:.0f}"]
        for name, row in {**rows, "**all of it**": _sum(rows)}.items()
    ]
    return table(head, lines)


def _durations(rows: Rows) -> str:
    largest = max(provider_queues().values())
    head = ["the provider takes", "asked", "found after", "worker's seconds", "a minute: one worker"]
    lines = []
    for seconds in TAKES:
        times, after = asks(seconds)
        held = worker_seconds(rows, times)
        per_provider = largest * 60 / held
        found = [f"{times} times", f"{after} s", f"{held:.2f}", f"{60 / held:.0f}", f"{per_provider:.0f}"]
        lines.append([f"{brief(seconds)} s", *found, f"{per_provider / 60 * after:,.0f}"])
    return table([*head, f"a provider with {largest} workers", "under way in it"], lines)


def _limits(rows: Rows) -> str:
    found = sorted(limits(rows).items(), key=lambda limit: limit[1])
    return table(["limit", "images a minute"], [[name, f"{rate:,.0f}"] for name, rate in found])


HEAD: Final = f"""\
## Throughput of the pipeline

From `bench/throughput.py`: the real handlers on moto make {BATCH * BATCHES} images for one campaign. The provider
takes {IMAGE_MS / 1000} s and does not call back; the relay gets {BATCH} records at a time, a worker one message.
CPU ms are measured, warm, without the emulator's and the provider's share. Calls, units and messages are counted;
*account's* are the units of the account's own partition, which holds the counters. The last column is computed: CPU
ms by memory size, {WAIT_MS["round trips"]} ms for each round trip to DynamoDB and each message sent,
{WAIT_MS["S3 calls"]} for S3, {WAIT_MS["provider calls"]} for each call of the provider, {FETCH_MS} for the file."""

DURATIONS: Final = """\
So one worker, and all workers of one provider, make, by how long the provider takes (computed):"""

LIMITS: Final = f"""\
A job holds a worker only while it is polled; *under way* are all that the provider works on meanwhile. What
limits images of {IMAGE_MS / 1000} s, the lowest first (computed):"""

TAIL: Final = """\
The first two are the operator's to raise: `MaximumConcurrency` of the queues, whose defaults fit a new AWS account of
ten concurrent executions. (Bedrock generates images within the call, so it holds a worker for as long.) A callback
saves the wait until the next poll, not the
polls before it. Of one account's limits the counters come first: every create, start and end of a task is a transaction
on them, and transactions that conflict are retried ([Referential integrity](integrity.md)). Next is the account's
partition, which DynamoDB cannot split because it has local indexes. A provider's own limit is not among these: what it
does not take now waits in the provider's queue, with a `status_reason`, and holds no worker."""


def main() -> None:
    """Print the section."""
    print(section())


if __name__ == "__main__":
    main()
