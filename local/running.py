"""`run`: the whole project until somebody stops it, with what its functions do on the screen."""

import os
import time

from local import logs
from local.providers import from_environment
from local.stack import Stack, start

POLL_SECONDS = 0.1

BANNER = """
  Atelier answers at {url}

    docs       {url}/docs
    OpenAPI    {url}/api/v3/openapi.json
    try        curl -s {url}/api/v3/clients -H 'content-type: application/json' -d '{{"name": "Acme Corporation"}}'

  It serves the code as it was at the start: stop (Ctrl-C) and run again to see a change. The data goes with it.
"""


def run(port: int) -> None:
    """Serve and show, for ever: this ends only by an exception."""
    print("Starting ...", flush=True)
    with start(port=port, providers=from_environment(os.environ)) as stack:
        print(BANNER.format(url=stack.url), flush=True)
        _follow(stack)


def _follow(stack: Stack) -> None:
    position, ready = 0, time.time()
    while True:
        invocations, position = logs.read_on(stack.invocations, start=position)
        for invocation in invocations:
            if logs.is_worth_showing(invocation, ready=ready):
                print(*logs.lines_of(invocation), sep="\n", flush=True)
        stack.emulator.check()
        time.sleep(POLL_SECONDS)
