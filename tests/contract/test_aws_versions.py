"""Every parameter that a function reads changes its version, and nothing else does."""

import copy
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

import pytest

from local.preflight import check, versions
from local.preflight.rules import refusals
from local.preflight.stacks import Stack
from tests.support.deployments import COMBINATIONS, FIRST_KEY, KMS, SECOND_KEY, TOPIC, few_routes, secret, source

BEHIND_THE_API: Final = {
    f"{each}Function"
    for each in (
        *("Clients", "Campaigns", "Tasks", "Callbacks", "Account", "Imports", "Exports", "Assets", "AssetChecks"),
        *("Reports", "System"),
    )
}
THIRD_KEY: Final = SECOND_KEY.replace("A", "B")

# Another value for each parameter without a list or a range of its own.
OTHERS: Final[Mapping[str, str]] = {
    "JwtIssuer": "https://other.example.com/",
    "JwtAudience": "others",
    "RoleClaim": "groups",
    "LoginDomain": "others",
    "LoginCallbackUrl": "https://other.example.com/",
    "FalKeySecret": secret("fal-2"),
    "ReplicateTokenSecret": secret("replicate-2"),
    "SecretsKmsKey": KMS["SecretsKmsKey"].replace("1", "9"),
    "CdnPublicKey": THIRD_KEY,
    "CdnSecondPublicKey": THIRD_KEY.replace("C", "D"),
    "CdnKeySecret": secret("cdn-2"),
    "BedrockRegion": "eu-west-1",
    "CallbackUrl": "https://callbacks.example.com",
    "AllowedOrigin": "https://app.example.com",
    "AlarmTopicArn": f"{TOPIC}-2",
    "BudgetEmail": "others@example.com",
}
BASES: Final = ("defaults", "everything")


@cache
def stack(name: str) -> Stack:
    """The stack of a combination."""
    return Stack(few_routes(), COMBINATIONS[name])


def other(name: str, declared: Mapping[str, Any], now: str) -> str:
    """Another value that the parameter takes."""
    if "AllowedValues" in declared:
        return next(str(it) for it in declared["AllowedValues"] if str(it) != now)
    return str(int(now) + 1) if declared["Type"] == "Number" else OTHERS[name]


def changed(base: str, parameter: str) -> Stack:
    """The stack of a combination, with another value for one parameter."""
    before = stack(base)
    value = other(parameter, source()["Parameters"][parameter], before.values[parameter])
    return Stack(few_routes(), {**before.parameters, parameter: value})


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("parameter", source()["Parameters"])
def test_a_changed_parameter_reaches_every_function_that_reads_it(parameter: str, base: str) -> None:
    after = changed(base, parameter)
    if not refusals(after):
        assert [str(it) for it in versions.missed(stack(base), after)] == []


@pytest.mark.parametrize("base", BASES)
def test_few_parameters_are_refused_with_another_value(base: str) -> None:
    refused = {name for name in source()["Parameters"] if refusals(changed(base, name))}
    assert refused <= {"AuthMode", "AllowPrivateWebhookTargets", "SandboxPrices", "JwtIssuer", "MonthlyBudget"} | {
        *("CdnPublicKey", "CdnSecondPublicKey", "CdnSigningKey")
    }


def version_of(of: Stack, function: str) -> str:
    """What tells a function's version from another: its logical id and its description."""
    name = of.resources[function].identity["Ref"]
    (found,) = [it for it in of.of_type("AWS::Lambda::Version") if it.properties["FunctionName"] == name]
    return f"{found.id} {found.properties['Description']}"


@pytest.mark.parametrize(
    ("parameter", "functions"),
    [
        ("DynamoDbClient", BEHIND_THE_API),
        ("RoleClaim", BEHIND_THE_API),
        ("SnapStart", BEHIND_THE_API),
        ("Architecture", BEHIND_THE_API),
        ("FalKeySecret", {"TasksFunction", "CallbacksFunction"}),
        ("ReplicateTokenSecret", {"TasksFunction", "CallbacksFunction"}),
        ("Sandbox", {"TasksFunction", "CallbacksFunction"}),
        ("AwsProviders", {"TasksFunction", "CallbacksFunction"}),
        ("CallbackUrl", set()),
        ("ApiRateLimit", set()),
        ("LogRetentionDays", set()),
    ],
)
def test_only_functions_that_read_it_get_a_new_version(parameter: str, functions: set[str]) -> None:
    after = changed("defaults", parameter)
    assert {it for it in BEHIND_THE_API if version_of(stack("defaults"), it) != version_of(after, it)} == functions


def test_a_new_signing_key_is_a_new_version() -> None:
    before = stack("CloudFront")
    turned = Stack(few_routes(), {**COMBINATIONS["CloudFront with its second key"]})
    assert version_of(before, "TasksFunction") != version_of(turned, "TasksFunction")


@pytest.mark.parametrize("upload", ["CommonLayer", "DepsLayer", "CdnLayer", "TasksFunction"])
def test_changed_code_is_a_new_version(upload: str) -> None:
    before = stack("CloudFront")
    after = Stack(few_routes(), before.parameters, uploads={upload: "s3://uploads/another"})
    assert [str(it) for it in versions.missed(before, after)] == []
    assert version_of(before, "TasksFunction") != version_of(after, "TasksFunction")


def longest(name: str, declared: Mapping[str, Any]) -> str:
    """The longest value that a parameter takes."""
    if "AllowedValues" in declared:
        return max(map(str, declared["AllowedValues"]), key=len)
    if name.endswith("Secret"):
        return secret("x" * (128 - len(secret(""))))
    if "MaxValue" in declared:
        return str(declared["MaxValue"])
    return "x" * int(declared["MaxLength"]) if "MaxLength" in declared else ""


def test_descriptions_of_versions_have_room_for_the_longest_values() -> None:
    values = {name: longest(name, it) for name, it in source()["Parameters"].items()}
    kept = {name: value for name, value in values.items() if value} | {"AuthMode": "jwt"}
    most = {**COMBINATIONS["everything"], **kept, "AllowPrivateWebhookTargets": "off", "CdnPublicKey": FIRST_KEY}
    found = check.violations(Stack(few_routes(), most))
    assert [str(it) for it in found] == []


# --------------------------------------------------------------------------------------- what would not be noticed


def without(function: str, words: str) -> dict[str, Any]:
    """The template with a function whose description leaves something out."""
    changed_source = copy.deepcopy(few_routes())
    properties = changed_source["Resources"][function]["Properties"]
    properties["VersionDescription"] = {"Fn::Sub": properties["VersionDescription"]["Fn::Sub"].replace(words, "")}
    return changed_source


def test_a_value_that_a_description_leaves_out_is_noticed() -> None:
    broken = without("ClientsFunction", "${RoleClaim}")
    found = list(versions.missed(Stack(broken), Stack(broken, {"RoleClaim": "groups"})))
    assert [(it.resource, it.rule) for it in found] == [("ClientsFunction", "stale-version")]
    assert "ROLE_CLAIM" in found[0].detail


def test_a_value_too_many_in_a_description_is_noticed() -> None:
    broken = copy.deepcopy(few_routes())
    broken["Resources"]["ClientsFunction"]["Properties"]["VersionDescription"] = {"Fn::Sub": "${ApiRateLimit}"}
    found = list(versions.missed(Stack(broken), Stack(broken, {"ApiRateLimit": "7"})))
    assert [(it.resource, it.rule) for it in found] == [("ClientsFunction", "empty-version")]
