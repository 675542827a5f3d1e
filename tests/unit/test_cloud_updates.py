"""A change of parameters by a change set, on a stand-in for CloudFormation."""

from typing import Any

import pytest

from local.cloud.deployed import Deployed
from local.cloud.trial import RUNS, runs_on_aws
from local.cloud.updates import NotUpdated, update


class CloudFormation:
    """Takes one change set, and ends as it is told."""

    def __init__(self, *, change_set: str = "CREATE_COMPLETE", ends: str = "UPDATE_COMPLETE") -> None:
        self.change_set = ["CREATE_PENDING", change_set]
        self.stack = ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", ends]
        self.asked: dict[str, Any] = {}
        self.executed = False

    def create_change_set(self, **asked: Any) -> None:
        self.asked = asked

    def describe_change_set(self, **_: Any) -> dict[str, str]:
        return {"Status": self.change_set.pop(0), "StatusReason": "The submitted information contains no changes."}

    def execute_change_set(self, **_: Any) -> None:
        self.executed = True

    def describe_stacks(self, **_: Any) -> dict[str, list[dict[str, str]]]:
        assert self.executed
        return {"Stacks": [{"StackStatus": self.stack.pop(0)}]}


def stack(cloudformation: CloudFormation) -> Deployed:
    return Deployed("atelier", {}, {"Sandbox": "on", "RoleClaim": "groups"}, lambda _: cloudformation)


def test_only_the_parameter_in_question_gets_another_value() -> None:
    cloudformation = CloudFormation()
    assert update(stack(cloudformation), {"Sandbox": "off"}, poll_seconds=0) == "UPDATE_COMPLETE"
    assert cloudformation.asked["UsePreviousTemplate"] is True
    assert cloudformation.asked["Parameters"] == [
        {"ParameterKey": "RoleClaim", "UsePreviousValue": True},
        {"ParameterKey": "Sandbox", "ParameterValue": "off"},
    ]


def test_a_rollback_is_reported() -> None:
    cloudformation = CloudFormation(ends="UPDATE_ROLLBACK_COMPLETE")
    assert update(stack(cloudformation), {"CdnPublicKey": "x"}, poll_seconds=0) == "UPDATE_ROLLBACK_COMPLETE"


def test_a_change_set_that_is_refused_is_quoted() -> None:
    with pytest.raises(NotUpdated, match="contains no changes"):
        update(stack(CloudFormation(change_set="FAILED")), {"Sandbox": "on"}, poll_seconds=0)


def test_the_document_says_whether_it_has_run_on_aws() -> None:
    document = RUNS.read_text()
    assert bool(runs_on_aws(document)) is ("never run on AWS" not in document)
    assert runs_on_aws("# X\n| Date |\n| --- |\n| 2027-01-01 |\n## Steps\n| a |\n| - |\n| b |\n") == ["| 2027-01-01 |"]
