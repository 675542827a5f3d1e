"""`cloud-test`: the proof on AWS, for whoever has an account; in the local run as far as that goes."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from local.cloud import steps
from local.cloud.api import Api
from local.cloud.deployed import Deployed
from local.cloud.steps import Trial

RUNS: Final = Path(__file__).parents[2] / "docs/cloud-test.md"
LOCAL_JOB_SECONDS: Final = 25
LOCAL_CHILDREN: Final = 300


def lines(stack: Deployed) -> Iterator[str]:
    """Try every step; what each saw, as it ends. Raises what the first one that fails raises."""
    yield from _what_is_known()
    token, url = os.environ.get("TOKEN", ""), stack.output("ApiUrl")
    trial = Trial(stack, Api(url, token))
    if stack.is_local:
        trial = Trial(stack, Api(url, token), job_seconds=LOCAL_JOB_SECONDS, children=LOCAL_CHILDREN)
    began = time.monotonic()
    for name, saw in steps.run(trial):
        yield f"  {name:<16} {saw}"
    minutes = (time.monotonic() - began) / 60
    yield f"All of it in {minutes:.0f} minutes."
    if not stack.is_local:
        yield f"Write it down in {RUNS.name}: date, region, commit, minutes, and what was skipped."


def runs_on_aws(document: str) -> list[str]:
    """The runs on AWS that the document lists: the rows of its first table."""
    rows = [line for line in document.partition("\n## ")[0].splitlines() if line.startswith("|")]
    return rows[2:]


def _what_is_known() -> Iterator[str]:
    runs = runs_on_aws(RUNS.read_text(encoding="utf-8"))
    if runs:
        yield f"It has run on AWS {len(runs)} times; the last time: {runs[-1]}"
    else:
        yield "It has never run on AWS. What follows was tried against the local run only."
