"""A stack with another value for a parameter, by a change set of its own template."""

import time
from collections.abc import Mapping
from typing import Any, Final

from local.cloud.deployed import Deployed
from local.errors import LocalError

POLL_SECONDS: Final = 10.0
ENDED: Final = ("COMPLETE", "FAILED")
PATIENCE_SECONDS: Final = 45 * 60.0  # a distribution takes a quarter of an hour


class NotUpdated(LocalError):
    """The stack could not be changed."""


def update(stack: Deployed, changes: Mapping[str, str], *, poll_seconds: float = POLL_SECONDS) -> str:
    """Give parameters other values, and wait; the stack's status then. Raises NotUpdated."""
    cloudformation = stack.connect("cloudformation")
    name = f"cloud-test-{int(time.time())}"
    kept = [{"ParameterKey": each, "UsePreviousValue": True} for each in stack.parameters if each not in changes]
    changed = [{"ParameterKey": each, "ParameterValue": value} for each, value in changes.items()]
    cloudformation.create_change_set(
        StackName=stack.name,
        ChangeSetName=name,
        UsePreviousTemplate=True,
        Parameters=[*kept, *changed],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )
    made = _wait(lambda: cloudformation.describe_change_set(StackName=stack.name, ChangeSetName=name), poll_seconds)
    if made["Status"] != "CREATE_COMPLETE":
        raise NotUpdated(f"no change set for {dict(changes)}: {made.get('StatusReason', made['Status'])}")
    cloudformation.execute_change_set(StackName=stack.name, ChangeSetName=name)
    ended = _wait(
        lambda: cloudformation.describe_stacks(StackName=stack.name)["Stacks"][0], poll_seconds, "StackStatus"
    )
    return str(ended["StackStatus"])


def _wait(look: Any, poll_seconds: float, field: str = "Status") -> Mapping[str, Any]:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        found: Mapping[str, Any] = look()
        status = str(found[field])
        if status.endswith(ENDED):
            return found
        time.sleep(poll_seconds)
    raise NotUpdated(f"it still is {status}")
