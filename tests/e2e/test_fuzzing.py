"""Requests that are generated from openapi.json try to break its promises; `make fuzz` runs it, which takes minutes."""

from local.stack import Stack
from tests.e2e.tools import run


def test_schemathesis_finds_nothing_wrong(stack: Stack) -> None:
    # As long as the gateway waits for a function: another test may have both processors.
    how = ("--workers=4", "--max-examples=5", "--seed=1", "--request-timeout=30", "--no-color")
    assert " passed\n" in run("schemathesis", "run", f"{stack.url}/api/v3/openapi.json", *how)
