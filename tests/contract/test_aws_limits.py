"""template.yaml within AWS's own limits, for every combination of parameters that changes what is made."""

from collections.abc import Iterator
from typing import Final

import pytest
import yaml

from local.preflight import check
from local.preflight.stacks import Stack
from testbed.template import PROJECT
from tests.support.deployments import COMBINATIONS, environments, few_routes, source, stack


def repeated(node: yaml.Node | None) -> Iterator[str]:
    """Keys that stand twice in the same mapping; SAM refuses them, and YAML takes the last one."""
    if isinstance(node, yaml.MappingNode):
        names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
        yield from (f"{name} in line {node.start_mark.line + 1}" for name in set(names) if names.count(name) > 1)
        for _, value in node.value:
            yield from repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from repeated(value)


def test_no_key_stands_twice_in_the_template() -> None:
    assert list(repeated(yaml.compose((PROJECT / "template.yaml").read_text(), yaml.SafeLoader))) == []
    assert list(repeated(yaml.compose("a: [{b: 1, c: 2, b: 3}]", yaml.SafeLoader))) == ["b in line 1"]


@pytest.mark.parametrize("name", COMBINATIONS)
def test_no_resource_breaks_a_rule_of_aws(name: str) -> None:
    assert [str(it) for it in check.violations(stack(name))] == []


@pytest.mark.parametrize("name", environments())
def test_the_environments_of_samconfig_can_be_deployed(name: str) -> None:
    assert [str(it) for it in check.violations(Stack(few_routes(), environments()[name]))] == []


def test_combinations_make_every_conditional_resource_both_ways() -> None:
    everywhere = [set(stack(name).resources) for name in COMBINATIONS]
    layers = "AWS::Serverless::LayerVersion"  # SAM calls them after what is in them
    conditional = {id_ for id_, it in source()["Resources"].items() if "Condition" in it and it["Type"] != layers}
    made, left_out = set.union(*everywhere), set.union(*(conditional - each for each in everywhere))
    assert conditional <= made
    assert conditional == left_out


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"AuthMode": "placeholder"}, "everybody user 1"),
        ({"AllowPrivateWebhookTargets": "on"}, "private addresses"),
        ({"SandboxPrices": "list"}, "nobody has charged"),
        ({"CascadeQuietPeriod": "2"}, "not between 30 and 900"),
        ({"JwtIssuer": "https://login.example.com/"}, "JwtIssuer needs JwtAudience"),
        ({"MonthlyBudget": "100"}, "nobody is notified"),
        ({"CdnPublicKey": "-----BEGIN"}, "CdnPublicKey needs CdnKeySecret"),
        ({**COMBINATIONS["CloudFront"], "CdnSigningKey": "second"}, "names a public key that is not set"),
        ({"FalKeySecret": "my-fal-key"}, "must be the ARN of a secret"),
        ({"WorkerConcurrency": "1"}, "not between 2 and 1000"),
        ({"LogRetentionDays": "31"}, "'31', not one of"),
        ({"AuthMode": "none"}, "'none', not one of"),
        ({"RoleClaim": "x" * 65}, "at most 64"),
    ],
)
def test_parameters_that_would_not_work_are_refused(parameters: dict[str, str], said: str) -> None:
    found = check.violations(Stack(source(), parameters))
    assert found
    assert all(it.rule in ("parameter", "template-rule") for it in found)
    assert said in str(found[0])


NOW_AND_THEN: Final = ("ImportWorkerFunction", "ExporterFunction", "AssetWorkerFunction")
"""What takes what is left for the API while it is busy, until the account's quota is raised (docs/deploying.md)."""


def test_the_defaults_fit_an_account_of_ten_concurrent_executions() -> None:
    """One provider at full speed, cleanups, webhooks and the stream's two readers leave two for the API.

    Exports take these for as long as they are made.
    """
    sources = stack("defaults").of_type("AWS::Lambda::EventSourceMapping")
    queues = {it.id: int(it.properties.get("ScalingConfig", {}).get("MaximumConcurrency", 1)) for it in sources}
    of_one_provider = max(most for id_, most in queues.items() if id_.startswith("WorkerFunction"))
    others = sum(most for id_, most in queues.items() if not id_.startswith(("WorkerFunction", *NOW_AND_THEN)))
    assert of_one_provider + others <= 8
