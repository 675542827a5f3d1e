"""Names that AWS wants to be unique beyond one region."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from local.preflight.stacks import Stack
from local.preflight.violation import Violation

# Dashboards, budgets and all of CloudFront and IAM belong to the account, whatever the region; buckets to the world.
# https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/cloudfront-limits.html
ACCOUNT_WIDE: Final = {
    "AWS::Budgets::Budget": ("Budget", "BudgetName"),
    "AWS::CloudFront::CachePolicy": ("CachePolicyConfig", "Name"),
    "AWS::CloudFront::KeyGroup": ("KeyGroupConfig", "Name"),
    "AWS::CloudFront::OriginAccessControl": ("OriginAccessControlConfig", "Name"),
    "AWS::CloudFront::PublicKey": ("PublicKeyConfig", "Name"),
    "AWS::CloudFront::ResponseHeadersPolicy": ("ResponseHeadersPolicyConfig", "Name"),
    "AWS::CloudWatch::Dashboard": ("DashboardName",),
    "AWS::IAM::Role": ("RoleName",),
    "AWS::S3::Bucket": ("BucketName",),
}


def account_wide(stack: Stack) -> Iterator[Violation]:
    """The same stack in another region, or another stack in this one, has other names for what is account-wide."""
    elsewhere = stack.elsewhere(replace(stack.account, region="ap-southeast-2"))
    another = stack.elsewhere(replace(stack.account, stack=f"{stack.account.stack}-2"))
    for other, where in ((elsewhere, "another region"), (another, "another stack")):
        for resource in stack.of_type(*ACCOUNT_WIDE):
            path = ACCOUNT_WIDE[resource.type]
            name = _at(resource.properties, path)
            if name is not None and name == _at(other.resources[resource.id].properties, path):
                yield Violation(
                    resource.id, "account-wide-name", f"{name!r} is the same in {where}, and belongs to the account"
                )


def _at(properties: Any, path: tuple[str, ...]) -> Any:
    for step in path:
        properties = properties.get(step) if isinstance(properties, dict) else None
    return properties


RULES: Final = (account_wide,)
