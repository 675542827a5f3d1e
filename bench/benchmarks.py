"""Writes docs/benchmarks.md: cold starts and requests beside peers, growth, the pipeline's throughput.  `make bench`"""

import os
import platform
import sys
from pathlib import Path
from typing import Final

from bench import growth, speed, throughput
from bench.subjects import assembled
from local.errors import LocalError

DOCUMENT: Final = Path(__file__).parents[1] / "docs/benchmarks.md"
HEAD: Final = """\
# Benchmarks

Written by `make bench`, which takes {rounds} rounds of everything that is timed, in under ten minutes on two cores.
Times are processor time, and worth only as ratios of one run: each table has everybody side by side. No test depends on
them. What requests take of DynamoDB is in [Capacity](capacity.md), what they cost in [What it costs](cost.md), ten
minutes of mixed load in [Load](load.md). What was done about these numbers, and what did not help, is in
[ADR 17](adr/0017-a-dynamodb-client-of-our-own.md).

This run: {machine}, {cores} cores.
"""


def main() -> None:
    """Write the document, and print it."""
    rounds = int(os.environ.get("ROUNDS", speed.ROUNDS))
    counted = [growth.section(), throughput.section()]
    with assembled() as cast:
        timed = [
            section(cast, rounds)
            for section in (
                speed.method_section,
                speed.cold_section,
                speed.trust_section,
                speed.warm_section,
                speed.loopback_section,
            )
        ]
    head = HEAD.format(rounds=rounds, machine=f"{platform.system()} on {platform.machine()}", cores=os.cpu_count())
    text = "\n\n".join([head.strip(), "## Beside peers", *(each.strip() for each in timed), *counted])
    DOCUMENT.write_text(f"{text.strip()}\n")
    print(text)


if __name__ == "__main__":
    try:
        main()
    except LocalError as failed:
        sys.exit(f"error: {failed}")
