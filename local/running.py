"""`run`: serves the whole project until it is stopped, and prints what its functions do."""

import os
import time
from contextlib import nullcontext

from local import logs
from local.issuer import Issuer, issuer
from local.providers import from_environment
from local.stack import Stack, start

POLL_SECONDS = 0.1

BANNER = """
  Atelier answers at {url}

    console    {url}/console/
    docs       {url}/docs
    OpenAPI    {url}/api/v3/openapi.json
    try        {curl}
{tokens}
  It serves the code as it was at the start: stop (Ctrl-C) and run again to see a change. The data goes with it.
"""


CURL = """curl -s{auth} {url}/api/v3/clients -H 'content-type: application/json' -d '{{"name": "Acme Corporation"}}'"""

TOKENS = """
  It asks for tokens. These are three users, each with data of their own; paste the lines into your shell:

{tokens}

  Any other     curl -s "{issuer}/token?sub=ann&role=editor"     (also: &seconds=-1, &aud=others, &iss=others)
"""


def run(port: int, *, auth: str, prices: str) -> None:
    """Serve and print until an exception ends it.

    With `auth` jwt, callers need a token; with `prices` list, the sandbox costs what the model that it stands in for
    lists.
    """
    print("Starting ...", flush=True)
    with (
        issuer() if auth == "jwt" else nullcontext() as ours,
        start(
            port=port,
            parameters={"SandboxPrices": prices},
            providers=from_environment(os.environ),
            issuer=ours,
        ) as stack,
    ):
        print(_banner(stack.url, ours), flush=True)
        _follow(stack)


def _banner(url: str, ours: Issuer | None) -> str:
    auth = ' -H "authorization: Bearer $EDITOR"' if ours else ""
    return BANNER.format(url=url, curl=CURL.format(auth=auth, url=url), tokens=_tokens(ours) if ours else "")


def _tokens(ours: Issuer) -> str:
    lines = "\n".join(f"{role.upper()}={token}" for role, token in ours.tokens().items())
    return TOKENS.format(tokens=lines, issuer=ours.url)


def _follow(stack: Stack) -> None:
    position, ready = 0, time.time()
    while True:
        invocations, position = logs.read_on(stack.invocations, start=position)
        for invocation in invocations:
            if logs.is_worth_showing(invocation, ready=ready):
                print(*logs.lines_of(invocation), sep="\n", flush=True)
        stack.emulator.check()
        time.sleep(POLL_SECONDS)
