"""What each function may do: its own role, the actions it uses, on the things it uses them on."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any, Final

import pytest

from atelier.domain.catalog import Lifecycle
from atelier.providers import bedrock
from tests.contract.sources import FUNCTIONS
from tests.contract.test_template import functions

# Actions that AWS does not let anybody limit to a resource.
UNLIMITED: Final = {
    "polly:StartSpeechSynthesisTask",
    "polly:GetSpeechSynthesisTask",
    "polly:ListSpeechSynthesisTasks",
}


def statements(function: str) -> Iterator[dict[str, Any]]:
    """Every statement of a function's policies, those under a condition too."""
    for policy in functions()[function].get("Policies", []):
        assert isinstance(policy, dict), "a managed policy or a SAM template of one allows more than is used"
        for statement in policy["Statement"]:
            yield statement[1] if isinstance(statement, list) else statement  # !If: a condition, and what then


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_may_do_nothing_to_everything(function: str) -> None:
    for statement in statements(function):
        actions = set(listed(statement["Action"]))
        assert not any("*" in action for action in actions), actions
        assert statement["Effect"] == "Allow"
        if actions <= UNLIMITED:
            continue
        for resource in listed(statement["Resource"]):
            assert "*" not in (resource, *listed(resource)), actions


NAMES: Final = {"dynamodb": "Table", "s3": "MediaBucket", "sqs": "Queue", "secretsmanager": "Secret", "kms": "KmsKey"}
# Lambda writes what they could not process with their roles.
BUCKETS: Final = {"relay": "RelayFailures", "activity": "RelayFailures"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_policy_names_the_one_resource_it_allows(function: str) -> None:
    for statement in statements(function):
        for action in listed(statement["Action"]):
            service = action.partition(":")[0]
            named = BUCKETS.get(function, NAMES["s3"]) if service == "s3" else NAMES.get(service, "")
            for resource in listed(statement["Resource"]):
                assert re.search(named, str(resource)), (action, resource)


def invoked(model: str) -> Iterator[str]:
    """What has to be allowed to invoke a model by its id, or by that of a profile: both the profile and the model."""
    maker = bedrock.maker_of(model) or "none"
    yield f"arn:aws:bedrock:us-east-2::foundation-model/{model[model.index(maker) :] if maker in model else model}"
    if not model.startswith(maker):
        yield f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{model}"


def test_a_worker_invokes_models_of_two_makers_only() -> None:
    (statement,) = (each for each in statements("worker") if "bedrock:InvokeModel" in listed(each["Action"]))
    of_ours = {"${AWS::Partition}": "aws", "${AWS::AccountId}": "123456789012"}
    allowed = [re.sub(r"\$\{\S+?\}", lambda found: of_ours[found[0]], each) for each in statement["Resource"]]

    def may(model: str) -> bool:
        return all(any(fnmatchcase(arn, each) for each in allowed) for arn in invoked(model))

    alive = [each.id for each in bedrock.MODELS if each.lifecycle is not Lifecycle.RETIRED]
    assert all(map(may, [*alive, "us.stability.stable-image-control-sketch-v1:0", "global.luma.ray-v3:0"]))
    assert not any(map(may, ["amazon.nova-canvas-v2:0", "us.anthropic.claude-opus-5", "stabilityai.other-v1:0"]))


def test_only_workers_delete_objects_and_none_scans() -> None:
    may = {function: {a for each in statements(function) for a in listed(each["Action"])} for function in FUNCTIONS}
    deleting = {function for function, actions in may.items() if "s3:DeleteObject" in actions}
    assert deleting == {"asset_checks", "asset_worker", "exporter", "worker"}
    assert not [function for function, actions in may.items() if "dynamodb:Scan" in actions]
    assert {function for function, actions in may.items() if "s3:PutObject" in actions} == {
        "asset_checks",
        "asset_worker",
        "assets",
        "exporter",
        "imports",
        "worker",
        *BUCKETS,
    }
