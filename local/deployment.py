"""Put the template into the emulator, and make sure that all of it is there."""

import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from local import packages, routes, template
from local.errors import DeployFailed

ACCOUNT = "000000000000"
CODE_BUCKET = "atelier-code"
TEMPLATE_FILE = "template.json"
STACK = "atelier"
DEPLOY_SECONDS = 60.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be deployed: plain CloudFormation, its parameters, and the zips by their key in the bucket."""

    template: dict[str, Any]
    parameters: Mapping[str, str]
    functions: Mapping[str, bytes]
    layers: Mapping[str, bytes]

    @property
    def routes(self) -> list[str]:
        """The route keys that the API must have."""
        return [it["Properties"]["RouteKey"] for it in self._of_type("AWS::ApiGatewayV2::Route")]

    @property
    def consumers(self) -> list[str]:
        """Logical ids of the functions that an event source invokes."""
        sources = self._of_type("AWS::Lambda::EventSourceMapping")
        return sorted({it["Properties"]["FunctionName"]["Ref"] for it in sources})

    def with_parameters(self, values: Mapping[str, str]) -> "Plan":
        """The same plan with other values for parameters that decide about nothing but themselves."""
        return replace(self, parameters={**self.parameters, **values})

    def with_environment(self, variables: Mapping[str, str]) -> "Plan":
        """The same plan with these variables in every function that declares them."""
        return replace(self, template=template.set_environment(self.template, variables))

    def with_layers_in(self, folder: Path) -> "Plan":
        """The same plan with its layers unpacked there, once for all processes."""
        layers = {name: packages.unpacked_layer(layer, folder / name) for name, layer in self.layers.items()}
        return replace(self, layers=layers)

    def _of_type(self, type_: str) -> list[dict[str, Any]]:
        return [resource for resource in self.template["Resources"].values() if resource["Type"] == type_]


def plan(project: Path, *, parameters: Mapping[str, str], environment: Mapping[str, str]) -> Plan:
    """Read the project as it is now. Needs no emulator."""
    source = template.over_http(template.without_operations(template.load(project / "template.yaml")))
    folders = template.code_folders(source)
    addresses = {name: f"s3://{CODE_BUCKET}/{name}.zip" for name in folders}
    plain = template.translate(source, parameters=parameters, code=addresses)
    plain = template.limit_queue_consumers(template.set_environment(plain, environment))
    guarded = parameters.get("AuthMode") != "placeholder"
    functions, layers = {}, {}
    for name, folder in folders.items():
        if source["Resources"][name]["Type"] == "AWS::Serverless::Function":
            functions[f"{name}.zip"] = packages.function_zip(project / folder)
        else:
            layers[f"{name}.zip"] = packages.layer_zip(project / folder)
    return Plan(routes.expand(plain, guarded=guarded), parameters, functions, layers)


def client(service: str, endpoint: str) -> Any:
    """A boto3 client of the emulator."""
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=endpoint,
        region_name=template.REGION,
        aws_access_key_id=ACCOUNT,
        aws_secret_access_key="local",  # noqa: S106 - the emulator takes any
        config=Config(proxies={}, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )


def keep_secrets(secrets: Mapping[str, str], endpoint: str) -> dict[str, str]:
    """Put these secrets, each by its parameter, where the functions look for them; the ARN of each."""
    manager = client("secretsmanager", endpoint)
    return {
        parameter: manager.create_secret(Name=f"atelier/{parameter}", SecretString=value)["ARN"]
        for parameter, value in secrets.items()
    }


def deploy(wanted: Plan, endpoint: str) -> dict[str, str]:
    """Deploy; the stack's outputs."""
    template_file = {TEMPLATE_FILE: json.dumps(wanted.template).encode()}
    _upload({**wanted.functions, **wanted.layers, **template_file}, endpoint)
    cloudformation = client("cloudformation", endpoint)
    try:
        cloudformation.create_stack(
            StackName=STACK,
            # By its address, as `sam deploy` does: sent with the request, a template may have 51,200 bytes only.
            TemplateURL=f"{endpoint}/{CODE_BUCKET}/{TEMPLATE_FILE}",
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in wanted.parameters.items()],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"],
            OnFailure="DO_NOTHING",
        )
    except ClientError as refused:
        raise DeployFailed(f"template.yaml was refused: {refused.response['Error']['Message']}") from refused
    stack = _finished(cloudformation)
    _allow_loops(wanted, endpoint)
    _check_routes(wanted, endpoint)
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def function_names(endpoint: str) -> dict[str, str]:
    """The name that the emulator gave each function, by logical id."""
    resources = client("cloudformation", endpoint).describe_stack_resources(StackName=STACK)["StackResources"]
    functions = [it for it in resources if it["ResourceType"] == "AWS::Lambda::Function"]
    return {it["LogicalResourceId"]: it["PhysicalResourceId"] for it in functions}


def _allow_loops(wanted: Plan, endpoint: str) -> None:
    """Set what the emulator's CloudFormation leaves out: `RecursiveLoop` of functions."""
    functions, names = client("lambda", endpoint), function_names(endpoint)
    for id_, name in names.items():
        if setting := wanted.template["Resources"][id_]["Properties"].get("RecursiveLoop"):
            functions.put_function_recursion_config(FunctionName=name, RecursiveLoop=setting)


def _upload(zips: Mapping[str, bytes], endpoint: str) -> None:
    s3 = client("s3", endpoint)
    s3.create_bucket(Bucket=CODE_BUCKET)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda item: s3.put_object(Bucket=CODE_BUCKET, Key=item[0], Body=item[1]), zips.items()))


def _finished(cloudformation: Any) -> dict[str, Any]:
    deadline = time.monotonic() + DEPLOY_SECONDS
    while True:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return stack
        if stack["StackStatus"] != "CREATE_IN_PROGRESS" or time.monotonic() > deadline:
            raise DeployFailed(_reason(cloudformation, stack))
        time.sleep(POLL_SECONDS)


def _reason(cloudformation: Any, stack: Mapping[str, Any]) -> str:
    """The first resource that failed, and why."""
    events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
    failed = [event for event in events if event["ResourceStatus"].endswith("FAILED")]
    for event in sorted(failed, key=lambda event: event["Timestamp"]):
        if event["ResourceType"] != "AWS::CloudFormation::Stack":
            reason = event.get("ResourceStatusReason", "no reason given")
            return f"{event['LogicalResourceId']} ({event['ResourceType']}) was not created: {reason}"
    return f"the stack is {stack['StackStatus']}: {stack.get('StackStatusReason', 'no reason given')}"


def _check_routes(wanted: Plan, endpoint: str) -> None:
    items = client("apigatewayv2", endpoint).get_routes(ApiId=routes.API_ID, MaxResults="1000")["Items"]
    routes.check_routes(wanted=wanted.routes, deployed=[item["RouteKey"] for item in items])
