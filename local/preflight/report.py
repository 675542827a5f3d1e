"""`preflight`: what AWS would refuse of a deployment, what it would create, and what it would cost."""

import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final

from local import tools
from local.errors import LocalError
from local.preflight import check, costs, quotas
from local.preflight.stacks import PROJECT, Stack

PARTS: Final = "AWS::"


class Refused(LocalError):
    """AWS would refuse the deployment, or it would not work."""


def lines(stack: Stack) -> Iterator[str]:
    """The report, line by line. Raises Refused after the last of what is wrong."""
    where = f"{stack.account.stack} in {stack.account.region}"
    yield f"{where}, with {_given(stack.parameters)}"
    if found := check.violations(stack):
        yield from (f"  {it}" for it in found)
        raise Refused(f"{len(found)} things that AWS would refuse, or that would not work")
    yield "  nothing that AWS would refuse is known"
    yield from ("", "Creates")
    counts = Counter(it.type.removeprefix(PARTS) for it in stack.resources.values())
    yield from (f"  {number:>4}  {type_}" for type_, number in sorted(counts.items()))
    yield from ("", "Costs in a month in which nothing happens (list prices, us-east-1)")
    idle = list(costs.idle(stack))
    yield from (f"  {it.dollars:>8.2f}  {it.what}" for it in idle)
    yield f"  {sum(it.dollars for it in idle):>8.2f}  dollars; storage, backups and what is used come on top"
    yield from ("", "Quotas of the account")
    yield from map(_quota, quotas.met(stack))


def lint() -> None:
    """SAM's own validation and cfn-lint. Raises Refused with what they say, or Missing without SAM."""
    command = [tools.sam(), "validate", "--lint"]
    seen = tools.environment()
    ran = subprocess.run(command, cwd=PROJECT, env=seen, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise Refused(f"sam validate --lint:\n{ran.stdout}{ran.stderr}")


def _given(parameters: Mapping[str, str]) -> str:
    shown = (f"{name}={value.split(chr(10))[0]}" for name, value in sorted(parameters.items()))
    return ", ".join(shown) or "every parameter at its default"


def _quota(quota: quotas.Quota) -> str:
    note = f" ({quota.note})" if quota.note else ""
    return f"  {quota.needed:>6} of {quota.default:<6} {quota.name}{note}"
