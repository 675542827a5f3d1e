"""`template.yaml` as plain CloudFormation: the official SAM translator, with everything it would ask AWS for given."""

import copy
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from samtranslator.open_api import open_api  # type: ignore[import-untyped]
from samtranslator.public.exceptions import InvalidDocumentException  # type: ignore[import-untyped]
from samtranslator.translator.transform import transform  # type: ignore[import-untyped]
from samtranslator.yaml_helper import intrinsics_multi_constructor  # type: ignore[import-untyped]

from local.errors import BadTemplate
from local.safe_loader import SafeLoader

REGION = "us-east-1"

Template = dict[str, Any]
CODE_PROPERTY = {"AWS::Serverless::Function": "CodeUri", "AWS::Serverless::LayerVersion": "ContentUri"}
QUEUE_CONSUMERS = 4

# The emulator has no metrics to watch and refuses alarms that calculate. Versions it has, but moving from one to the
# next is CodeDeploy's, and here nobody is using the one before.
WATCHING = ("AWS::CloudWatch::", "AWS::Budgets::")
ROLLOUT = (
    *("AutoPublishAlias", "AutoPublishAliasAllProperties", "VersionDescription", "VersionDeletionPolicy"),
    *("DeploymentPreference", "SnapStart"),
)
LOCAL_RUN_ONLY = "LocalRunOnly"


class _Loader(SafeLoader):
    """Reads the short forms of CloudFormation's functions (`!Ref`) as the long ones (`{"Ref": ...}`)."""


_Loader.add_multi_constructor("!", intrinsics_multi_constructor)


class _NoManagedPolicies:
    """Stands where the translator would list the account's managed policies, which needs AWS."""

    def load(self) -> dict[str, str]:
        return {}


def load(path: Path) -> Template:
    """The template as written, its short forms (`!Ref`) as the long ones (`{"Ref": …}`)."""
    try:
        template: Template = yaml.load(path.read_text(encoding="utf-8"), _Loader)  # noqa: S506
    except (OSError, yaml.YAMLError) as unreadable:
        raise BadTemplate(f"{path.name} cannot be read: {unreadable}") from unreadable
    return template


def code_folders(template: Template) -> dict[str, str]:
    """Logical id of every function and layer, and the folder its code is in."""
    found = {}
    for name, resource in template["Resources"].items():
        if where := CODE_PROPERTY.get(resource["Type"]):
            found[name] = resource["Properties"][where]
    return found


def without_operations(template: Template) -> Template:
    """The template without what only a deployment needs that people depend on.

    That is alarms, dashboard, budget, versions, and the rule that refuses parameters of the local run.
    """
    kept = {name: it for name, it in template["Resources"].items() if not it["Type"].startswith(WATCHING)}
    rules = {name: it for name, it in template.get("Rules", {}).items() if name != LOCAL_RUN_ONLY}
    changed: Template = copy.deepcopy({**template, "Resources": kept, "Rules": rules})
    for resource in changed["Resources"].values():
        for name in ROLLOUT:
            resource.get("Properties", {}).pop(name, None)
    return changed


def over_http(template: Template) -> Template:
    """The template without the rule of the bucket that refuses what does not come by https: here nothing does."""
    changed: Template = copy.deepcopy(template)
    for resource in changed["Resources"].values():
        if resource["Type"] == "AWS::S3::BucketPolicy":
            document = resource["Properties"]["PolicyDocument"]
            document["Statement"] = [it for it in document["Statement"] if it.get("Sid") != "HttpsOnly"]
    return changed


def translate(template: Template, *, parameters: Mapping[str, str], code: Mapping[str, str]) -> Template:
    """Plain CloudFormation, with every function's and layer's code at its address in `code` (by logical id)."""
    check_parameters(template, parameters)
    source = copy.deepcopy(template)
    for name, address in code.items():
        resource = source["Resources"][name]
        resource["Properties"][CODE_PROPERTY[resource["Type"]]] = address
    try:
        with _some_region(), _in_place():
            plain: Template = transform(source, dict(parameters), _NoManagedPolicies())
    except InvalidDocumentException as refused:
        reasons = "; ".join(cause.message for cause in refused.causes)
        raise BadTemplate(f"template.yaml: {reasons or refused.message}") from refused
    return plain


def check_parameters(template: Template, parameters: Mapping[str, str]) -> None:
    """Refuse a value for a parameter that the template does not have."""
    if unknown := sorted(set(parameters) - set(template.get("Parameters", {}))):
        raise BadTemplate(f"template.yaml has no parameter {', '.join(unknown)}")


def set_environment(template: Template, environment: Mapping[str, str]) -> Template:
    """Plain CloudFormation with these variables, in every function that declares them.

    The SDK's own addresses of AWS services (`AWS_ENDPOINT_URL_...`) need not be declared: every function gets them.
    """
    changed = copy.deepcopy(template)
    unknown = set(environment)
    for variables in _variables_of_functions(changed):
        ours = {name for name in environment if name in variables or name.startswith("AWS_ENDPOINT_URL_")}
        variables.update({name: environment[name] for name in ours})
        unknown -= ours
    if unknown:
        raise BadTemplate(f"no function in template.yaml declares the variable {', '.join(sorted(unknown))}")
    return changed


def declares(template: Template, variable: str) -> bool:
    """Whether any function of plain CloudFormation declares an environment variable."""
    return any(variable in variables for variables in _variables_of_functions(template))


def limit_queue_consumers(template: Template) -> Template:
    """Plain CloudFormation in which every queue starts at most a few copies of its function at once.

    In the emulator each copy is a process of its own on this machine.
    """
    changed = copy.deepcopy(template)
    for resource in changed["Resources"].values():
        scaling = resource.get("Properties", {}).get("ScalingConfig")
        if resource["Type"] == "AWS::Lambda::EventSourceMapping" and scaling:
            scaling["MaximumConcurrency"] = QUEUE_CONSUMERS
    return changed


def _variables_of_functions(template: Template) -> Iterator[dict[str, Any]]:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Lambda::Function":
            yield resource["Properties"].get("Environment", {}).get("Variables", {})


@contextmanager
def _some_region() -> Iterator[None]:
    # The translator asks boto3 for the region, and boto3 the environment. Nothing is sent anywhere.
    before = os.environ.get("AWS_DEFAULT_REGION")
    os.environ["AWS_DEFAULT_REGION"] = REGION
    try:
        yield
    finally:
        if before is None:
            del os.environ["AWS_DEFAULT_REGION"]
        else:
            os.environ["AWS_DEFAULT_REGION"] = before


@contextmanager
def _in_place() -> Iterator[None]:
    # The translator copies the whole API twice for each of its routes, which is most of what a translation takes.
    # Nobody looks at what was before: `translate` has a copy of its own.
    usual = open_api._deepcopy  # noqa: SLF001 - it has a name so that it can be replaced
    open_api._deepcopy = _same  # noqa: SLF001
    try:
        yield
    finally:
        open_api._deepcopy = usual  # noqa: SLF001


def _same(document: Template) -> Template:
    return document
