"""What was measured, as the page docs/load.md."""

import math
import os
import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from bench.load.calls import Period, Record, Took
from bench.load.memory import SERVER, TOLERANCE, Trend

SHOWN: Final = 20
PACKAGES: Final = ("ministack", "boto3", "aws-lambda-powertools", "pydantic")

HEAD: Final = """\
# Under load

The whole project in {minutes:g} minutes of mixed traffic. `make load MINUTES={minutes:g}` measured it and wrote this.

## What is done

- The local run, started as `make run AUTH=jwt` does, and {people} people at {agencies} agencies. Each is a process that
  keeps its connections and pauses between requests, {pause:g} s on average; colleagues share what their agency has.
  What they do next is chance, with a fixed seed for each.
- A session creates a client, campaigns and tasks: images, audio, videos; some are canceled, retried, made to fail, or
  deleted while they run. It lists, searches, turns pages and walks through everything, changes with conditions that
  hold and that do not, repeats creates under one idempotency key, makes mistakes, and fetches the files. It makes
  campaigns and tasks in batches, some of them twice with one key, imports campaigns, tags, rates and moves tasks,
  shares a client with a guest until it ends the share, reads the client's report and its activity, exports its files
  as an archive, and at last deletes an older client with all it has.
- **Every answer is held against what the session knows.** An error is any other status than the one that has to come, a
  body that is not what was written, a list that lacks something or has what is gone, a wrong total, a file of another
  type or size, a timeout, a lost connection. Nothing is tried again.
- What is created is deleted later on: the data do not grow, so memory that does is a leak.
- Some tasks are to be announced to a `webhook_url`, and are.
- The first {warm_up:g} seconds, in which the stock is made and processes are started, are checked and not measured.

{cores} cores ({system}), Python {python}, {packages}. They
were busy with all of this, people included, for {busy:.0%} of the time.
"""

REQUESTS: Final = """\
## Requests

**{count} requests, {a_second:.0f} a second, {errors} errors.** {aside} more were made before and after the measured
time; their errors count, too. The median is {medians} ms in the first, second and last third of the time.

| request | count | errors | p50, ms | p95, ms | p99, ms |
| --- | --- | --- | --- | --- | --- |"""

MEMORY: Final = """\
## Memory

Resident memory of a process on average, looked at every ten seconds after the warm-up. *Growth* is that of the median
from the middle third of the time to the last, of all processes that were there in both; of a function's, more than
{tolerance:.0%} is a leak. The server is the emulator's process, with our edge in it. The emulator keeps all changes of
the table for a day, as AWS does, and whatever is logged for good, so it grows with the number of requests; nothing of
that is what the modules of `local/` asked for (looked at once, with `tracemalloc`).

| process | at most | MB at the start | at the end | a minute | growth |
| --- | --- | --- | --- | --- | --- |"""

AFTERWARDS: Final = """\
## Afterwards

All tasks and cleanups were over, and the queues empty, {seconds:.0f} seconds after the last request. Then
`make verify` was asked, and what is in the table and in the bucket was compared, by id and key, with what people know
to be there. Looked for, too: dead letters, and functions that failed or logged an error, even if all went well the
second time.
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """All that came of a run."""

    minutes: float
    warm_up: float
    people: int
    agencies: int
    pause: float
    busy: float
    record: Record
    trends: Sequence[Trend]
    settled_after: float
    violations: Sequence[str]
    """What was wrong when all was over."""

    @property
    def is_good(self) -> bool:
        """Whether there is nothing to explain."""
        return not (self.record.failed() or self.violations or any(trend.leaks for trend in self.trends))


def page(measured: Measured) -> str:
    """The document."""
    return "\n".join([_head(measured), *_requests(measured), *_memory(measured), *_afterwards(measured)]) + "\n"


def _head(measured: Measured) -> str:
    return HEAD.format(
        minutes=measured.minutes,
        people=measured.people,
        agencies=measured.agencies,
        pause=measured.pause,
        warm_up=measured.warm_up,
        cores=os.cpu_count(),
        system=f"{platform.machine()}, {platform.system()}",
        python=platform.python_version(),
        packages=", ".join(f"{name} {version(name)}" for name in PACKAGES),
        busy=measured.busy,
    )


def _requests(measured: Measured) -> Iterator[str]:
    record = measured.record
    everything = [each for took in record.took.values() for each in took]
    seconds = measured.minutes * 60 - measured.warm_up
    medians = (_percentile(sorted(part), 0.5) for part in _thirds(everything, seconds))
    yield REQUESTS.format(
        count=f"{len(everything):,}",
        a_second=len(everything) / seconds,
        errors=record.failed(),
        aside=f"{record.aside:,}",
        medians=", ".join(medians),
    )
    for kind in sorted(record.took.keys() | record.errors.keys(), key=_by_route):
        yield _row(kind, record.took.get(kind, []), len(record.errors.get(kind, [])))
    yield _row("**all**", everything, record.failed()) + "\n"
    if record.errors:
        yield from _listed([f"{kind}: {each}" for kind, said in record.errors.items() for each in said])
        yield ""


def _thirds(everything: Sequence[Took], seconds: float) -> Iterator[list[float]]:
    for third in range(3):
        within = Period(third * seconds / 3, (third + 1) * seconds / 3)
        yield [each.milliseconds for each in everything if within.has(each.began)]


def _by_route(kind: str) -> tuple[bool, str, str]:
    method, _, route = kind.partition(" ")
    path, _, what = route.partition(", ")
    return not path.startswith("/"), path, f"{method} {what}"


def _listed(wrong: Sequence[str]) -> Iterator[str]:
    yield from (f"- {each}" for each in wrong[:SHOWN])
    if len(wrong) > SHOWN:
        yield f"- and {len(wrong) - SHOWN} more"


def _row(kind: str, took: Sequence[Took], errors: int) -> str:
    ordered = sorted(each.milliseconds for each in took)
    p50, p95, p99 = (_percentile(ordered, share) for share in (0.5, 0.95, 0.99))
    return f"| {kind} | {len(took):,} | {errors} | {p50} | {p95} | {p99} |"


def _percentile(ordered: Sequence[float], share: float) -> str:
    return f"{ordered[math.ceil(len(ordered) * share) - 1]:.0f}" if ordered else "–"


def _memory(measured: Measured) -> Iterator[str]:
    yield MEMORY.format(tolerance=TOLERANCE)
    for trend in measured.trends:
        name = "server" if trend.role == SERVER else f"function {trend.role}"
        growth = f"{trend.growth:+.1%}" + (" **leak**" if trend.leaks else "")
        yield (
            f"| {name} | {trend.processes} | {trend.start:.0f} | {trend.end:.0f} | {trend.per_minute:+.2f} | {growth} |"
        )
    yield ""


def _afterwards(measured: Measured) -> Iterator[str]:
    yield AFTERWARDS.format(seconds=measured.settled_after)
    yield from _listed(measured.violations) if measured.violations else ["**Everything adds up**: nothing was found."]
