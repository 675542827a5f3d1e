"""What `Ref` and `Fn::GetAtt` of a resource look like on AWS, so that patterns and lengths can be held against them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from local.errors import BadTemplate

SUFFIX_LENGTH: Final = 12
ROLE_NAME_LENGTH: Final = 64  # of IAM roles and Lambda functions; CloudFormation cuts names that would be longer


@dataclass(frozen=True, slots=True)
class Account:
    """Where a stack is deployed."""

    stack: str = "atelier"
    region: str = "us-east-1"
    number: str = "123456789012"
    partition: str = "aws"
    url_suffix: str = "amazonaws.com"

    @property
    def pseudo_parameters(self) -> Mapping[str, str]:
        """CloudFormation's own parameters."""
        return {
            "AWS::AccountId": self.number,
            "AWS::Partition": self.partition,
            "AWS::Region": self.region,
            "AWS::StackId": self.arn("cloudformation", f"stack/{self.stack}/00000000-0000-0000-0000-000000000000"),
            "AWS::StackName": self.stack,
            "AWS::URLSuffix": self.url_suffix,
        }

    def arn(self, service: str, rest: str, *, regional: bool = True) -> str:
        """An ARN in this account."""
        return f"arn:{self.partition}:{service}:{self.region if regional else ''}:{self.number}:{rest}"


def random_part(logical_id: str, *, length: int = SUFFIX_LENGTH, also: str = "") -> str:
    """What stands for the random part of a generated name: the same for the same resource."""
    return sha256(f"{logical_id}/{also}".encode()).hexdigest()[:length].upper()


def generated_name(account: Account, logical_id: str, *, longest: int = 255) -> str:
    """The name that CloudFormation gives to a resource without one."""
    stem = f"{account.stack}-{logical_id}"[: longest - SUFFIX_LENGTH - 1]
    return f"{stem}-{random_part(logical_id)}"


Properties = Mapping[str, Any]
Identify = Callable[[Account, str, Properties], dict[str, str]]


def _table(account: Account, logical_id: str, properties: Properties) -> dict[str, str]:
    name = properties.get("TableName") or generated_name(account, logical_id)
    arn = account.arn("dynamodb", f"table/{name}")
    return {"Ref": name, "Arn": arn, "StreamArn": f"{arn}/stream/2026-11-28T00:00:00.000"}


def _bucket(account: Account, logical_id: str, properties: Properties) -> dict[str, str]:
    name = properties.get("BucketName") or generated_name(account, logical_id, longest=63).lower()
    domain = f"{name}.s3.{account.region}.{account.url_suffix}"
    return {"Ref": name, "Arn": f"arn:{account.partition}:s3:::{name}", "RegionalDomainName": domain}


def _queue(account: Account, logical_id: str, properties: Properties) -> dict[str, str]:
    name = properties.get("QueueName") or generated_name(account, logical_id, longest=80)
    url = f"https://sqs.{account.region}.{account.url_suffix}/{account.number}/{name}"
    return {"Ref": url, "Arn": account.arn("sqs", name), "QueueName": name}


def _function(account: Account, logical_id: str, properties: Properties) -> dict[str, str]:
    name = properties.get("FunctionName") or generated_name(account, logical_id, longest=ROLE_NAME_LENGTH)
    return {"Ref": name, "Arn": account.arn("lambda", f"function:{name}")}


def _version(account: Account, _: str, properties: Properties) -> dict[str, str]:
    return {"Ref": account.arn("lambda", f"function:{properties['FunctionName']}:1"), "Version": "1"}


def _alias(account: Account, _: str, properties: Properties) -> dict[str, str]:
    return {"Ref": account.arn("lambda", f"function:{properties['FunctionName']}:{properties['Name']}")}


def _layer(account: Account, logical_id: str, properties: Properties) -> dict[str, str]:
    # A layer's logical id changes with its contents, and a new version of the layer has a new ARN.
    name = properties.get("LayerName", logical_id)
    return {"Ref": account.arn("lambda", f"layer:{name}:{1 + int(random_part(logical_id, length=3), 16)}")}


def _role(account: Account, logical_id: str, properties: Properties) -> dict[str, str]:
    name = properties.get("RoleName") or generated_name(account, logical_id, longest=ROLE_NAME_LENGTH)
    return {"Ref": name, "Arn": account.arn("iam", f"role/{name}", regional=False)}


def _log_group(account: Account, logical_id: str, properties: Properties) -> dict[str, str]:
    name = properties.get("LogGroupName") or generated_name(account, logical_id)
    return {"Ref": name, "Arn": account.arn("logs", f"log-group:{name}:*")}


def _public_key(_: Account, logical_id: str, properties: Properties) -> dict[str, str]:
    key = str(properties["PublicKeyConfig"]["EncodedKey"])
    return {"Ref": f"K{random_part(logical_id, length=13, also=key)}"}


def _distribution(_: Account, logical_id: str, __: Properties) -> dict[str, str]:
    domain = f"d{random_part(logical_id, length=13).lower()}.cloudfront.net"
    return {"Ref": f"E{random_part(logical_id, length=13)}", "DomainName": domain}


def _user_pool(account: Account, logical_id: str, _: Properties) -> dict[str, str]:
    id_ = f"{account.region}_{random_part(logical_id, length=9)}"
    return {"Ref": id_, "Arn": account.arn("cognito-idp", f"userpool/{id_}")}


def _short(length: int) -> Identify:
    return lambda _, logical_id, __: {"Ref": random_part(logical_id, length=length).lower()}


def _generated(account: Account, logical_id: str, _: Properties) -> dict[str, str]:
    return {"Ref": generated_name(account, logical_id)}


def _rule(account: Account, logical_id: str, properties: Properties) -> dict[str, str]:
    name = properties.get("Name") or generated_name(account, logical_id, longest=64)
    return {"Ref": name, "Arn": account.arn("events", f"rule/{name}")}


_BY_TYPE: Final[Mapping[str, Identify]] = {
    "AWS::ApiGatewayV2::Api": _short(10),
    "AWS::ApiGatewayV2::Authorizer": _short(6),
    "AWS::ApiGatewayV2::Integration": _short(7),
    "AWS::ApiGatewayV2::Route": _short(7),
    "AWS::CloudFront::CachePolicy": lambda _, id_, __: {"Ref": _uuid(id_), "Id": _uuid(id_)},
    "AWS::CloudFront::Distribution": _distribution,
    "AWS::CloudFront::KeyGroup": lambda _, id_, __: {"Ref": _uuid(id_), "Id": _uuid(id_)},
    "AWS::CloudFront::OriginAccessControl": lambda _, id_, __: {
        "Ref": f"E{random_part(id_)}",
        "Id": f"E{random_part(id_)}",
    },
    "AWS::CloudFront::PublicKey": _public_key,
    "AWS::CloudFront::ResponseHeadersPolicy": lambda _, id_, __: {"Ref": _uuid(id_), "Id": _uuid(id_)},
    "AWS::Cognito::UserPool": _user_pool,
    "AWS::Cognito::UserPoolClient": _short(12),
    "AWS::DynamoDB::Table": _table,
    "AWS::Events::Rule": _rule,
    "AWS::IAM::Role": _role,
    "AWS::Lambda::Alias": _alias,
    "AWS::Lambda::Function": _function,
    "AWS::Lambda::LayerVersion": _layer,
    "AWS::Lambda::Version": _version,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::S3::Bucket": _bucket,
    "AWS::SQS::Queue": _queue,
}


def _uuid(logical_id: str) -> str:
    digits = sha256(logical_id.encode()).hexdigest()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))


def identify(account: Account, type_: str, logical_id: str, properties: Properties) -> dict[str, str]:
    """`Ref` and the attributes of a resource, by their names. `properties` need only have what names it."""
    return _BY_TYPE.get(type_, _generated)(account, logical_id, properties)


def attribute(known: Mapping[str, str], logical_id: str, name: str) -> str:
    """An attribute of a resource. Raises BadTemplate for one that preflight does not know."""
    if name not in known:
        raise BadTemplate(f"preflight does not know the attribute {name} of {logical_id}")
    return known[name]
