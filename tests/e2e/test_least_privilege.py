"""What a function's role does not allow is refused: every other test here runs under that too, and these try more."""

from collections.abc import Callable
from typing import Any, Final

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local import deployment
from local.stack import Stack
from local.template import REGION

REFUSED: Final = {"AccessDenied", "AccessDeniedException"}
HEALTH: Final = {"PK": {"S": "HEALTH"}, "SK": {"S": "HEALTH"}}


class Role:
    """The AWS clients of whoever has a function's role."""

    def __init__(self, stack: Stack, function: str) -> None:
        self.stack = stack
        resources = stack.client("cloudformation").describe_stack_resources(StackName=deployment.STACK)
        self._names = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources["StackResources"]}
        role = self._names[f"{function.title().replace('_', '')}FunctionRole"]
        arn = stack.client("iam").get_role(RoleName=role)["Role"]["Arn"]
        lent = stack.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        self._keys = {
            "aws_access_key_id": lent["AccessKeyId"],
            "aws_secret_access_key": lent["SecretAccessKey"],
            "aws_session_token": lent["SessionToken"],
        }

    def client(self, service: str) -> Any:
        """A client with the role's rights."""
        build: Any = boto3.client
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
        return build(service, endpoint_url=self.stack.endpoint, region_name=REGION, config=config, **self._keys)

    # -------------------------------------------------------------------------------------------- what may be tried

    def get(self) -> None:
        """Read an item."""
        self.client("dynamodb").get_item(TableName=self._names["Table"], Key=HEALTH)

    def put(self) -> None:
        """Write an item."""
        self.client("dynamodb").put_item(TableName=self._names["Table"], Item=HEALTH)

    def update(self) -> None:
        """Change an item."""
        self.client("dynamodb").update_item(TableName=self._names["Table"], Key=HEALTH)

    def delete(self) -> None:
        """Remove an item."""
        self.client("dynamodb").delete_item(TableName=self._names["Table"], Key=HEALTH)

    def read_ledger(self) -> None:
        """Read the rows of a ledger."""
        where: dict[str, Any] = {":ledger": {"S": "LEDGER#1"}}
        self.client("dynamodb").query(
            TableName=self._names["Table"],
            KeyConditionExpression="PK = :ledger",
            ExpressionAttributeValues=where,
        )

    def scan(self) -> None:
        """Read the whole table."""
        self.client("dynamodb").scan(TableName=self._names["Table"])

    def drop(self) -> None:
        """Remove the whole table."""
        self.client("dynamodb").delete_table(TableName=self._names["Table"])

    def read_file(self) -> None:
        """Read a file of a user."""
        self.client("s3").head_object(Bucket=self._names["MediaBucket"], Key="media/1/x/0.png")

    def write_file(self) -> None:
        """Write a file of a user."""
        self.client("s3").put_object(Bucket=self._names["MediaBucket"], Key="media/1/x/0.png", Body=b"x")

    def write_elsewhere(self) -> None:
        """Write into the bucket where no media are."""
        self.client("s3").put_object(Bucket=self._names["MediaBucket"], Key="elsewhere/0.png", Body=b"x")

    def remove_file(self) -> None:
        """Remove a file of a user."""
        self.client("s3").delete_object(Bucket=self._names["MediaBucket"], Key="media/1/x/0.png")

    def upload(self) -> None:
        """Write the file of an import."""
        self.client("s3").put_object(Bucket=self._names["MediaBucket"], Key="imports/1/x", Body=b"x")

    def upload_asset(self) -> None:
        """Write the file of an asset."""
        self.client("s3").put_object(Bucket=self._names["MediaBucket"], Key="uploads/1/x", Body=b"x")

    def see_to_assets(self) -> None:
        """Have an asset seen to."""
        self._send("AssetQueue")

    def generate(self) -> None:
        """Start a generation."""
        self._send("GenerationQueue")

    def clean_up(self) -> None:
        """Start a cleanup."""
        self._send("CascadeQueue")

    def export(self) -> None:
        """Start a step of an export."""
        self._send("ExportQueue")

    def notify(self) -> None:
        """Start a delivery."""
        self._send("WebhookDeliveryQueue")

    def bring_in(self) -> None:
        """Carry on an import."""
        self._send("ImportQueue")

    def secrets(self) -> None:
        """Read a key."""
        self.client("secretsmanager").get_secret_value(SecretId="atelier/FalKeySecret")

    def _send(self, queue: str) -> None:
        self.client("sqs").send_message(QueueUrl=self._names[queue], MessageBody="{}")


Deed = Callable[[Role], None]
# What each function has to be able to do, and what it must not.
MAY: Final[dict[str, Deed]] = {
    "clients": Role.get,
    "campaigns": Role.get,
    "tasks": Role.get,
    "account": Role.get,
    "exports": Role.export,
    "exporter": Role.export,
    "reports": Role.read_ledger,
    "shares": Role.get,
    "system": Role.get,
    "worker": Role.write_file,
    "cascade": Role.clean_up,
    "webhook_delivery": Role.get,
    "relay": Role.clean_up,
    "imports": Role.upload,
    "import_worker": Role.bring_in,
    "assets": Role.upload_asset,
    "asset_checks": Role.remove_file,
    "asset_worker": Role.see_to_assets,
    "sweep": Role.clean_up,
}
MAY_NOT: Final[dict[str, tuple[Deed, ...]]] = {
    "clients": (Role.scan, Role.drop, Role.write_file, Role.remove_file, Role.generate, Role.clean_up, Role.secrets),
    "campaigns": (Role.scan, Role.drop, Role.write_file, Role.remove_file, Role.generate, Role.secrets),
    "tasks": (Role.scan, Role.drop, Role.write_file, Role.remove_file, Role.generate, Role.secrets),
    "shares": (Role.scan, Role.drop, Role.write_file, Role.generate, Role.notify, Role.clean_up, Role.secrets),
    "account": (Role.scan, Role.delete, Role.write_file, Role.generate, Role.notify, Role.secrets),
    "exports": (Role.scan, Role.delete, Role.write_file, Role.read_file, Role.generate, Role.clean_up, Role.secrets),
    "exporter": (Role.scan, Role.put, Role.drop, Role.write_file, Role.remove_file, Role.generate, Role.secrets),
    "reports": (Role.scan, Role.delete, Role.write_file, Role.read_file, Role.generate, Role.secrets),
    "imports": (Role.scan, Role.delete, Role.write_file, Role.read_file, Role.generate, Role.clean_up, Role.secrets),
    "import_worker": (Role.scan, Role.delete, Role.write_file, Role.upload, Role.generate, Role.notify, Role.secrets),
    "assets": (Role.scan, Role.drop, Role.write_file, Role.remove_file, Role.upload, Role.generate, Role.secrets),
    "asset_checks": (Role.scan, Role.delete, Role.write_elsewhere, Role.upload_asset, Role.generate, Role.secrets),
    "asset_worker": (Role.scan, Role.drop, Role.write_elsewhere, Role.upload_asset, Role.generate, Role.secrets),
    "system": (Role.scan, Role.put, Role.update, Role.delete, Role.write_file, Role.generate, Role.secrets),
    "callbacks": (Role.get, Role.put, Role.scan, Role.read_file, Role.clean_up, Role.notify, Role.secrets),
    "activity": (Role.get, Role.scan, Role.delete, Role.read_file, Role.clean_up, Role.notify, Role.secrets),
    "relay": (Role.get, Role.delete, Role.scan, Role.read_file, Role.write_file, Role.secrets),
    "worker": (Role.scan, Role.drop, Role.write_elsewhere, Role.clean_up, Role.notify, Role.secrets),
    "cascade": (
        Role.scan,
        Role.put,
        Role.drop,
        Role.write_file,
        Role.remove_file,
        Role.generate,
        Role.notify,
        Role.secrets,
    ),
    "webhook_delivery": (
        Role.scan,
        Role.delete,
        Role.write_file,
        Role.remove_file,
        Role.generate,
        Role.clean_up,
        Role.secrets,
    ),
    "sweep": (Role.scan, Role.put, Role.delete, Role.write_file, Role.remove_file, Role.secrets),
    "models": (Role.scan, Role.update, Role.delete, Role.read_file, Role.clean_up, Role.notify),
    "verify": (Role.scan, Role.put, Role.update, Role.delete, Role.write_file, Role.generate, Role.secrets),
}


@pytest.mark.parametrize(("function", "deed"), MAY.items(), ids=list(MAY))
def test_a_function_may_do_what_it_is_for(stack: Stack, function: str, deed: Deed) -> None:
    deed(Role(stack, function))


@pytest.mark.parametrize("function", MAY_NOT)
def test_a_function_may_do_nothing_beside(stack: Stack, function: str) -> None:
    role = Role(stack, function)
    for deed in MAY_NOT[function]:
        with pytest.raises(ClientError) as refusal:
            deed(role)
        assert refusal.value.response["Error"]["Code"] in REFUSED | {"403"}, deed
