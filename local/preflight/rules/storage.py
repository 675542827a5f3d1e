"""Table, buckets and log groups."""

from collections.abc import Iterator
from typing import Any, Final

from local.preflight.stacks import Resource, Stack
from local.preflight.violation import Violation

# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Limits.html
NAMED_IN_AN_INDEX: Final = 20
NAMED_IN_ALL: Final = 100
LOCAL_INDEXES: Final = 5
GLOBAL_INDEXES: Final = 20
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
RETENTIONS: Final = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)
KEPT: Final = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::Cognito::UserPool")


def projections(stack: Stack) -> Iterator[Violation]:
    """An index names at most 20 attributes that it projects, and a table at most 100 in all its indexes."""
    for table in stack.of_type("AWS::DynamoDB::Table"):
        named = {it["IndexName"]: it["Projection"].get("NonKeyAttributes", []) for it in _indexes(table)}
        for index, attributes in named.items():
            if len(attributes) > NAMED_IN_AN_INDEX:
                yield Violation(
                    table.id, "named-projection", f"{index} names {len(attributes)} of {NAMED_IN_AN_INDEX} attributes"
                )
        if (in_all := sum(map(len, named.values()))) > NAMED_IN_ALL:
            yield Violation(table.id, "named-projections", f"its indexes name {in_all} of {NAMED_IN_ALL} attributes")


def indexes(stack: Stack) -> Iterator[Violation]:
    """A table has at most 5 local and 20 global indexes, and defines exactly the attributes of their keys."""
    for table in stack.of_type("AWS::DynamoDB::Table"):
        for kind, most in (("LocalSecondaryIndexes", LOCAL_INDEXES), ("GlobalSecondaryIndexes", GLOBAL_INDEXES)):
            if (has := len(table.properties.get(kind, []))) > most:
                yield Violation(table.id, "index-quota", f"it has {has} of {most} {kind}")
        schemas = [table.properties["KeySchema"], *(it["KeySchema"] for it in _indexes(table))]
        used = {key["AttributeName"] for schema in schemas for key in schema}
        defined = {it["AttributeName"] for it in table.properties["AttributeDefinitions"]}
        if used != defined:
            yield Violation(table.id, "key-attributes", f"defined and used attributes differ: {sorted(used ^ defined)}")


def encryption(stack: Stack) -> Iterator[Violation]:
    """Without a key of one's own, `SSEEnabled` buys KMS calls for nothing: AWS's own key encrypts anyway, free."""
    for table in stack.of_type("AWS::DynamoDB::Table"):
        stated = table.properties.get("SSESpecification", {})
        if str(stated.get("SSEEnabled", "")).lower() == "true" and "KMSMasterKeyId" not in stated:
            yield Violation(table.id, "billed-encryption", "SSEEnabled without a key is billed by KMS")


def retention(stack: Stack) -> Iterator[Violation]:
    """A log group forgets after one of the numbers of days that there are."""
    for group in stack.of_type("AWS::Logs::LogGroup"):
        days = group.properties.get("RetentionInDays")
        if days is None or int(days) not in RETENTIONS:
            yield Violation(group.id, "log-retention", f"{days} days are none of {RETENTIONS}")


def kept(stack: Stack) -> Iterator[Violation]:
    """Data outlive their stack, and a first create that fails leaves nothing behind."""
    for resource in stack.of_type(*KEPT):
        policies = (resource.attributes.get("DeletionPolicy"), resource.attributes.get("UpdateReplacePolicy"))
        if policies != ("RetainExceptOnCreate", "Retain"):
            yield Violation(resource.id, "deletion-policy", f"{policies} are not ('RetainExceptOnCreate', 'Retain')")


def browsers(stack: Stack) -> Iterator[Violation]:
    """A bucket whose objects browsers fetch by signed URL says from which origins."""
    for bucket in stack.of_type("AWS::S3::Bucket"):
        rules = bucket.properties.get("CorsConfiguration", {}).get("CorsRules", [])
        is_public = bucket.id in PRIVATE
        if not is_public and not any({"GET", "HEAD"} <= set(it["AllowedMethods"]) for it in rules):
            yield Violation(bucket.id, "cors", "it has no CORS rule for GET and HEAD")


PRIVATE: Final = ("RelayFailures",)  # buckets that nobody gets a URL of


def _indexes(table: Resource) -> list[dict[str, Any]]:
    properties = table.properties
    return [*properties.get("LocalSecondaryIndexes", []), *properties.get("GlobalSecondaryIndexes", [])]


RULES: Final = (projections, indexes, encryption, retention, kept, browsers)
