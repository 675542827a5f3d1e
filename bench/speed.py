"""How long do requests take, cold and warm, beside what others would have built?  `make bench`

Some of `method`, `cold`, `warm`, `loopback` and `trust`, with fewer rounds, or without SAM:

    PYTHONPATH=layers/common:layers/sandbox:. .venv/bin/python bench/speed.py [SECTION...] [--rounds 3] [--from-source]

Compared is processor time: waiting for anybody counts for nothing. Subjects take turns, so that whatever else the
machine does meets all of them alike. It fails when an answer is not right, never because one was slow.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any, Final

from bench.canned import CATALOGUE
from bench.installed import versions
from bench.subjects import PAGE, Ask, Cast, Subject, assembled
from local import tools
from local.errors import LocalError

ROUNDS: Final = 9
TURN: Final = 0.25
"""Seconds of processor time that a subject has at a time, about."""

REQUESTS: Final = {"get": "GET by id", "list": f"list of {PAGE}", "create": "POST"}
FIELDS: Final = {"id", "user_id", "name", "description", "brand_guidelines", "created_at", "updated_at"}

ROOTS: Final = tools.PROJECT / "layers/common/atelier/store/dynamodb/amazon-roots.pem"
TRUST: Final = """
import ssl, sys, time
began = time.process_time()
ssl.create_default_context(cafile=sys.argv[1])
print(1000 * (time.process_time() - began))
"""


def main() -> None:
    """Print the sections that were asked for, or all."""
    sections: Mapping[str, Callable[[Cast, int], str]] = {
        "method": method_section,
        "cold": cold_section,
        "warm": warm_section,
        "loopback": loopback_section,
        "trust": trust_section,
    }
    parser = argparse.ArgumentParser()
    parser.add_argument("sections", nargs="*", help=f"of {', '.join(sections)}; all by default")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--from-source", action="store_true", help="build Atelier's layers without SAM")
    options = parser.parse_args()
    try:
        with assembled(from_source=options.from_source) as cast:
            for name in options.sections or sections:
                print(sections[name](cast, options.rounds), end="\n\n", flush=True)
    except LocalError as failed:
        sys.exit(f"error: {failed}")


# ------------------------------------------------------------------------------------------------------ who and how


def method_section(cast: Cast, rounds: int = ROUNDS) -> str:
    """Who is compared, and how."""
    return f"""\
### Who is compared, and how

One resource, clients of about a kilobyte: GET by id, the first {PAGE} of {CATALOGUE:,} with the exact total, and POST.
All have the same fields, validation and JSON, and see no packages but their own. In a round everybody has a turn.
Numbers are medians of {rounds} rounds, with the middle half in brackets; a ratio is the median of the rounds' ratios,
with its target in brackets.

- **{cast.atelier.title}**: what `sam build` makes of this project; and the same with `DYNAMODB_CLIENT=botocore`.
- **{cast.typical.title}**: a function as in powertools' tutorials, with Logger, Metrics, Tracer, validated
  input and models as answers. Outside of Lambda the Tracer turns itself off: a deployed function is slower than this.
- **{cast.fastapi.title}**: called by ASGI, without a server, or behind Mangum. The routes of its tutorial are
  `def` and run in threads. Routes that are `async` and use SQLite nonetheless save the threads and make everybody else
  wait: no way to run a server, but behind Mangum nobody else is there. It logs nothing; the others log each request.
- **{cast.floor.title}**: the same calls by hand and nothing around them: signature, HTTP, checksum, JSON, types.

DynamoDB is another process on loopback, without TLS, which knows its answers by heart: everybody reads items that it
wrote itself. SQLite's file, with a write-ahead log, is in the process.

{versions()}."""


# ------------------------------------------------------------------------------------------------------------- cold

COLD: Final = """\
### Cold: the first request of a process

Processor time of a new process, from its first import (Python itself has started) to the answer to a GET by id, and the
time that passed meanwhile. Bytecode was made beforehand, but for one row: `sam build` by itself makes none, and Lambda,
which cannot keep it, compiles at each cold start. What the first connection does for TLS has a table of its own.
"""


def cold_section(cast: Cast, rounds: int = ROUNDS) -> str:
    """The first GET of a process."""
    wanted = {cast.typical.title: " (≤ 0.55)", cast.mangum.title: " (≤ 0.40)"}
    peers = [cast.typical, cast.uncompiled, cast.mangum, cast.mangum_in_loop]
    subjects = [cast.runtime, cast.floor, cast.atelier, cast.plain, *peers]
    found = [{each.title: each.run("cold")[0] for each in subjects} for _ in range(rounds)]
    for each in subjects:
        if each is not cast.runtime:
            check(each, "get", found[0][each.title])
    ours = [one[cast.atelier.title]["cpu"] for one in found]
    lines = [COLD, row("", "CPU ms", "ms", "modules", "Atelier / this"), row(*["---"] * 5)]
    for each in subjects:
        cpu, wall = ([one[each.title][unit] for one in found] for unit in ("cpu", "wall"))
        share = ratio(ours, cpu) + wanted.get(each.title, "") if each in peers else ""
        lines.append(row(each.title, spread(cpu), spread(wall), str(found[0][each.title]["modules"]), share))
    return "\n".join(lines)


# ------------------------------------------------------------------------------------------------------------- warm

WARM: Final = f"""\
### Warm: requests to a process that has answered many

Processor time of all threads in µs for a request. Every subject has {TURN} s a round for each request. DynamoDB's
replies come out of memory where bytes would be sent: requests are still made and signed, replies checked and parsed.
"""
LOOPBACK: Final = """\
### Warm, with sockets

The same with every reply of DynamoDB read from a connection on loopback, and what that takes of HTTP and of the kernel.
SQLite's part is in the process, and needs neither.
"""


def warm_section(cast: Cast, rounds: int = ROUNDS) -> str:
    """Requests to processes that have answered many."""
    return "\n".join([WARM, *_warm(cast, rounds, FROM_MEMORY="yes")])


def loopback_section(cast: Cast, rounds: int = ROUNDS) -> str:
    """The same with the network's part."""
    return "\n".join([LOOPBACK, *_warm(cast, max(3, rounds // 2))])


def _warm(cast: Cast, rounds: int, **environment: str) -> list[str]:
    wanted = {
        cast.fastapi.title: {"get": " (≥ 1.5)", "list": " (≥ 2)", "create": " (≥ 1.5)"},
        cast.mangum.title: {"get": " (≥ 2)", "list": " (≥ 2.5)", "create": " (≥ 2)"},
    }
    peers = [cast.typical, cast.fastapi, cast.fastapi_in_loop, cast.mangum, cast.mangum_in_loop]
    subjects = [each.under(**environment) for each in (cast.floor, cast.atelier, cast.plain, *peers)]
    took = measured(subjects, rounds)
    ours = took[cast.atelier.title]
    lines = [row("µs", *REQUESTS.values()), row(*["---"] * 4)]
    for title, found in took.items():
        lines.append(row(title, *(spread(found[name]) if name in found else "" for name in REQUESTS)))
    lines += ["", row("this / Atelier", *REQUESTS.values()), row(*["---"] * 4)]
    for title, found in took.items():
        targets = wanted.get(title, {}) if environment else {}
        cells = [ratio(found[name], ours[name]) + targets.get(name, "") if name in found else "" for name in REQUESTS]
        lines.append(row(title, *cells))
    return lines


def measured(subjects: Sequence[Subject], rounds: int) -> dict[str, dict[str, list[float]]]:
    """Microseconds a request, by the subject's title and the request's name, one number for each round."""
    took: dict[str, dict[str, list[float]]] = {each.title: {name: [] for name in each.requests} for each in subjects}
    with ExitStack() as stack:
        asked = [(each, stack.enter_context(each.running())) for each in subjects]
        turns = [Turn(each, ask, name) for name in REQUESTS for each, ask in asked if name in each.requests]
        for _ in range(rounds):
            for each in turns:
                took[each.subject.title][each.name].append(each.take())
    return took


class Turn:
    """One request to one subject, again and again."""

    def __init__(self, subject: Subject, ask: Ask, name: str) -> None:
        """Makes sure that the answer is right, and finds out how many fit into a turn."""
        self.subject = subject
        self.name = name
        self._ask = ask
        check(subject, name, ask(name))
        ask(f"{name} 50")  # what happens only at first
        self._times: int = max(20, round(50 * TURN / ask(f"{name} 50")["cpu"]))
        subject.restore()

    def take(self) -> float:
        """Microseconds of processor time for one of them."""
        seconds: float = self._ask(f"{self.name} {self._times}")["cpu"]
        self.subject.restore()
        return seconds / self._times * 1_000_000


def check(subject: Subject, name: str, answer: Mapping[str, Any]) -> None:
    """Raises LocalError for an answer that is not the one that everybody has to give."""
    is_right = answer["status"] == (HTTPStatus.CREATED if name == "create" else HTTPStatus.OK)
    if is_right:
        found = json.loads(answer["body"])
        clients = found["items"] if name == "list" else [found]
        is_right = all(set(each) >= FIELDS for each in clients)
        is_right &= name != "list" or (len(clients), found["total"]) == (PAGE, CATALOGUE)
    if not is_right:
        raise LocalError(f"{subject.title} answers {name} with {answer}")


# ------------------------------------------------------------------------------------------------------------ trust

TRUSTED: Final = """\
### TLS: reading whom to trust

Processor time of the context that the first connection to AWS needs, in a new process each time.
"""


def trust_section(cast: Cast, rounds: int = ROUNDS) -> str:
    """The processor time of loading the certificate authorities."""
    _, packages = cast.typical.folders
    bundles = {"botocore's bundle": f"{packages}/botocore/cacert.pem", "Amazon's roots": str(ROOTS)}
    took: dict[str, list[float]] = {title: [] for title in bundles}
    for _ in range(rounds):
        for title, bundle in bundles.items():
            command = [tools.python313(), "-I", "-S", "-c", TRUST, bundle]
            took[title].append(float(subprocess.check_output(command)))  # noqa: S603
    lines = [TRUSTED, row("", "CPU ms"), row("---", "---")]
    return "\n".join([*lines, *(row(title, spread(found, 1)) for title, found in took.items())])


# ---------------------------------------------------------------------------------------------------------- numbers


def spread(found: Sequence[float], digits: int = 0) -> str:
    """The median, and the middle half."""
    low, middle, high = statistics.quantiles(found, n=4, method="inclusive")
    return f"{middle:.{digits}f} ({low:.{digits}f}–{high:.{digits}f})"


def ratio(these: Sequence[float], those: Sequence[float]) -> str:
    """How many times those: the median of the rounds, of which each was measured in the same minute."""
    return f"{statistics.median(this / that for this, that in zip(these, those, strict=True)):.2f}"


def row(*cells: str) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
