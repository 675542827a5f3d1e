"""Which API call creates each type of resource, and which of its properties are set by other calls.

Properties and arguments have the same names unless a row says otherwise. A new type needs a row here.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

Arguments = Mapping[str, Any]
SetBeside = Callable[[Any, str], Iterator[Arguments]]
"""The arguments of a further call, given the property's value and what `Ref` of the resource is."""


@dataclass(frozen=True, slots=True)
class Creation:
    """How a type of resource is created.

    The properties are the arguments of `operation`. `name` is the argument that takes the name CloudFormation makes,
    `under` the one that takes all properties, `added` what CloudFormation adds (`A.B` where there is an A), and `names`
    has the API's name of properties that are called otherwise. A property in `beside` is set by a call of its own;
    nobody calls anything for those in `dropped`.
    """

    service: str
    operation: str
    name: str = ""
    under: str = ""
    added: Arguments = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)
    beside: Mapping[str, tuple[str, SetBeside]] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()

    def calls(self, properties: Arguments, ref: str) -> Iterator[tuple[str, Arguments]]:
        """Operations and their arguments, still with CloudFormation's names."""
        own = {name: it for name, it in properties.items() if name not in (*self.beside, *self.dropped)}
        named = {self.name: ref} if self.name else {}
        arguments: Arguments = {**named, **({self.under: own} if self.under else own)}
        for path, value in self.added.items():
            arguments = _with_default(arguments, path, value)
        yield self.operation, arguments
        for name in set(self.beside) & set(properties):
            operation, set_beside = self.beside[name]
            for arguments in set_beside(properties[name], ref):
                yield operation, arguments


def _with_default(arguments: Arguments, path: str, value: Any) -> dict[str, Any]:
    first, _, rest = path.partition(".")
    if not rest:
        return {first: value, **arguments}
    if first not in arguments:
        return dict(arguments)
    return {**arguments, first: _with_default(arguments[first], rest, value)}


def _of(key: str, argument: str) -> SetBeside:
    """The property is one argument beside the resource's name."""
    return lambda value, ref: iter([{key: ref, argument: value}])


def _each_of(key: str, argument: str) -> SetBeside:
    """Every item of the property is an argument of a call of its own."""
    return lambda value, ref: ({key: ref, argument: each} for each in value)


def _lifecycle(value: Any, ref: str) -> Iterator[Arguments]:
    rules = []
    for each in value["Rules"]:
        rule = dict(each)
        if "ExpirationInDays" in rule:
            rule["Expiration"] = {"Days": rule.pop("ExpirationInDays")}
        rules.append(rule)
    yield {"Bucket": ref, "LifecycleConfiguration": {"Rules": rules}}


def _notifications(value: Any, ref: str) -> Iterator[Arguments]:
    told = [
        {
            "QueueArn": each["Queue"],
            "Events": [each["Event"]],
            "Filter": {"Key": {"FilterRules": each["Filter"]["S3Key"]["Rules"]}},
        }
        for each in value["QueueConfigurations"]
    ]
    yield {"Bucket": ref, "NotificationConfiguration": {"QueueConfigurations": told}}


def _queue_policy(value: Any, ref: str) -> Iterator[Arguments]:
    yield {"QueueUrl": ref, "Attributes": {"Policy": value}}


def _encryption(value: Any, ref: str) -> Iterator[Arguments]:
    yield {"Bucket": ref, "ServerSideEncryptionConfiguration": {"Rules": value["ServerSideEncryptionConfiguration"]}}


def _inline_policies(value: Any, ref: str) -> Iterator[Arguments]:
    yield from ({"RoleName": ref, **each} for each in value)


def _mfa(value: Any, ref: str) -> Iterator[Arguments]:
    yield {"UserPoolId": ref, "SoftwareTokenMfaConfiguration": {"Enabled": "SOFTWARE_TOKEN_MFA" in value}}


def _targets(value: Any, ref: str) -> Iterator[Arguments]:
    yield {"Rule": ref, "Targets": value}


def _function_name(value: Any, ref: str) -> Iterator[Arguments]:
    yield {"FunctionName": ref, "RecursiveLoop": value}


CREATIONS: Final[Mapping[str, Creation]] = {
    "AWS::ApiGatewayV2::Api": Creation("apigatewayv2", "CreateApi", dropped=("FailOnWarnings",)),
    "AWS::ApiGatewayV2::Authorizer": Creation("apigatewayv2", "CreateAuthorizer"),
    "AWS::ApiGatewayV2::Integration": Creation("apigatewayv2", "CreateIntegration"),
    "AWS::ApiGatewayV2::Route": Creation("apigatewayv2", "CreateRoute"),
    "AWS::ApiGatewayV2::Stage": Creation("apigatewayv2", "CreateStage"),
    "AWS::Budgets::Budget": Creation("budgets", "CreateBudget", added={"AccountId": "123456789012"}),
    "AWS::CloudFront::CachePolicy": Creation("cloudfront", "CreateCachePolicy"),
    "AWS::CloudFront::Distribution": Creation(
        "cloudfront", "CreateDistribution", added={"DistributionConfig.CallerReference": "CloudFormation"}
    ),
    "AWS::CloudFront::KeyGroup": Creation("cloudfront", "CreateKeyGroup"),
    "AWS::CloudFront::OriginAccessControl": Creation("cloudfront", "CreateOriginAccessControl"),
    "AWS::CloudFront::PublicKey": Creation("cloudfront", "CreatePublicKey"),
    "AWS::CloudFront::ResponseHeadersPolicy": Creation("cloudfront", "CreateResponseHeadersPolicy"),
    "AWS::CloudWatch::Alarm": Creation("cloudwatch", "PutMetricAlarm", name="AlarmName"),
    "AWS::CloudWatch::Dashboard": Creation("cloudwatch", "PutDashboard"),
    "AWS::CodeDeploy::Application": Creation("codedeploy", "CreateApplication", name="applicationName"),
    "AWS::CodeDeploy::DeploymentGroup": Creation("codedeploy", "CreateDeploymentGroup", name="deploymentGroupName"),
    "AWS::Cognito::UserPool": Creation(
        "cognito-idp",
        "CreateUserPool",
        names={"UserPoolName": "PoolName"},
        beside={"EnabledMfas": ("SetUserPoolMfaConfig", _mfa)},
    ),
    "AWS::Cognito::UserPoolClient": Creation("cognito-idp", "CreateUserPoolClient", name="ClientName"),
    "AWS::Cognito::UserPoolDomain": Creation("cognito-idp", "CreateUserPoolDomain"),
    "AWS::Cognito::UserPoolGroup": Creation("cognito-idp", "CreateGroup"),
    "AWS::DynamoDB::Table": Creation(
        "dynamodb",
        "CreateTable",
        name="TableName",
        added={"StreamSpecification.StreamEnabled": True},
        names={"SSEEnabled": "Enabled"},
        beside={
            "PointInTimeRecoverySpecification": (
                "UpdateContinuousBackups",
                _of("TableName", "PointInTimeRecoverySpecification"),
            ),
            "TimeToLiveSpecification": ("UpdateTimeToLive", _of("TableName", "TimeToLiveSpecification")),
        },
    ),
    "AWS::Events::Rule": Creation("events", "PutRule", name="Name", beside={"Targets": ("PutTargets", _targets)}),
    "AWS::IAM::Role": Creation(
        "iam",
        "CreateRole",
        name="RoleName",
        beside={
            "Policies": ("PutRolePolicy", _inline_policies),
            "ManagedPolicyArns": ("AttachRolePolicy", _each_of("RoleName", "PolicyArn")),
        },
    ),
    "AWS::Lambda::Alias": Creation("lambda", "CreateAlias"),
    "AWS::Lambda::EventSourceMapping": Creation("lambda", "CreateEventSourceMapping"),
    "AWS::Lambda::Function": Creation(
        "lambda",
        "CreateFunction",
        name="FunctionName",
        beside={"RecursiveLoop": ("PutFunctionRecursionConfig", _function_name)},
    ),
    "AWS::Lambda::LayerVersion": Creation("lambda", "PublishLayerVersion"),
    "AWS::Lambda::Permission": Creation("lambda", "AddPermission", name="StatementId"),
    "AWS::Lambda::Version": Creation("lambda", "PublishVersion"),
    "AWS::Logs::LogGroup": Creation(
        "logs",
        "CreateLogGroup",
        name="LogGroupName",
        beside={"RetentionInDays": ("PutRetentionPolicy", _of("LogGroupName", "RetentionInDays"))},
    ),
    "AWS::S3::Bucket": Creation(
        "s3",
        "CreateBucket",
        name="Bucket",
        names={
            "ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault",
            "ExposedHeaders": "ExposeHeaders",
            "MaxAge": "MaxAgeSeconds",
        },
        beside={
            "BucketEncryption": ("PutBucketEncryption", _encryption),
            "CorsConfiguration": ("PutBucketCors", _of("Bucket", "CORSConfiguration")),
            "LifecycleConfiguration": ("PutBucketLifecycleConfiguration", _lifecycle),
            "NotificationConfiguration": ("PutBucketNotificationConfiguration", _notifications),
            "OwnershipControls": ("PutBucketOwnershipControls", _of("Bucket", "OwnershipControls")),
            "PublicAccessBlockConfiguration": (
                "PutPublicAccessBlock",
                _of("Bucket", "PublicAccessBlockConfiguration"),
            ),
        },
    ),
    "AWS::S3::BucketPolicy": Creation("s3", "PutBucketPolicy", names={"PolicyDocument": "Policy"}),
    "AWS::SQS::QueuePolicy": Creation(
        "sqs",
        "SetQueueAttributes",
        name="QueueUrl",
        added={"Attributes": {}},
        beside={"PolicyDocument": ("SetQueueAttributes", _queue_policy)},
        dropped=("Queues",),
    ),
    "AWS::SQS::Queue": Creation("sqs", "CreateQueue", name="QueueName", under="Attributes"),
    "AWS::Scheduler::Schedule": Creation("scheduler", "CreateSchedule", name="Name"),
}
