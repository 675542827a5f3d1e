"""Parameters to deploy template.yaml with: each choice that changes what is made, and all of them at once."""

import copy
import tomllib
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from local import template as templates
from local.preflight.stacks import Stack
from testbed.template import PROJECT

Parameters = Mapping[str, str]

ACCOUNT: Final = "arn:aws:%s:us-east-1:123456789012:%s"
TOPIC: Final = ACCOUNT % ("sns", "operators")
# Keys of nobody: their private halves were thrown away.
FIRST_KEY: Final = """\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvFqT5vI4r6TfFxYoAw9d
BbUn3i79GrDSZRcyOYt54ioGdF45XplnAPs+eag9zLAqZV+8sTzwGc32NeXJyUSF
0IWj8ttV/pi/TAUnDq7FWeaXNarpw+NOXZaqkeSGy1FTCeYKGcDErsIJOTI7AIOz
LFHrfFqS35mI4ALVLvmOQGiamR3VTfmJK6y+bv2Re+CzfkowT4kp8hA7yIEtnQn/
+W4e25+zYjwvuD6jtgFtq+3KU7auKTxVqD25hTmMlz8Ot5j62jvrCjjkhQDXrsi1
+lFotcr3q6vvlPtPhZSbGtSqJEB6jW9Cl1CNX+3wFP48jGwETEILO35OlPZqmR4H
kwIDAQAB
-----END PUBLIC KEY-----
"""
SECOND_KEY: Final = """\
-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAvYEhJUC/wjtuI4H+d9u+
Enzh0TtQ9hjRWA6XzmwuL9Kx3FhPt6zTqBLZWdabJiZm6v1Suw4M8l4HFC8yu9Z2
Lc8uqGhGAiQ6Pc3MGEDGEEMD9T3fSkY/m+/Bc+rad4ta90auzTz7iPo0eukTr/Nq
52X5GPg3qv7oEUB5UiD2PJS6QTT0uBP0RzqvFMlFfFW2riobRh0FTZ8NCltsztBd
edz0owFE9Dq6tA/QfMWyNlV+uOp5hMkNrPQpC3X5veWU+2E3QrD2IQgcnqkx+Nbb
G0kfHUO7pcpdVCH0rl4zcTLASWTT8tdjd4MCRgX+Tm/1UEf39QZnQIkfp77hbcdf
oQIDAQAB
-----END PUBLIC KEY-----
"""


def secret(name: str) -> str:
    """The ARN of a secret."""
    return ACCOUNT % ("secretsmanager", f"secret:{name}-AbCdEf")


ISSUER: Final = {
    "JwtIssuer": "https://login.example.com/",
    "JwtAudience": "atelier,console",
    "RoleClaim": "roles",
    "ConsoleClientId": "console",
}
CDN: Final = {"CdnPublicKey": FIRST_KEY, "CdnKeySecret": secret("cdn")}
TWO_KEYS: Final = {**CDN, "CdnSecondPublicKey": SECOND_KEY}
PROVIDERS: Final = {"FalKeySecret": secret("fal"), "ReplicateTokenSecret": secret("replicate")}
BUDGET: Final = {"MonthlyBudget": "100", "BudgetEmail": "money@example.com", "AlarmTopicArn": TOPIC}
KMS: Final = {"SecretsKmsKey": ACCOUNT % ("kms", "key/11111111-2222-3333-4444-555555555555")}
CANARY: Final = {"DeploymentPreference": "Canary10Percent5Minutes"}

COMBINATIONS: Final[Mapping[str, Parameters]] = {
    "defaults": {},
    "an issuer of one's own": ISSUER,
    "a login page": {"LoginDomain": "atelier", "LoginCallbackUrl": "https://app.example.com/"},
    "canary": CANARY,
    "linear": {"DeploymentPreference": "Linear10PercentEvery1Minute"},
    "snapshots": {"SnapStart": "on"},
    "CloudFront": CDN,
    "CloudFront with its second key": {**TWO_KEYS, "CdnSigningKey": "second"},
    "CloudFront after its first key": {
        "CdnSecondPublicKey": SECOND_KEY,
        "CdnSigningKey": "second",
        "CdnKeySecret": secret("cdn"),
    },
    "providers": PROVIDERS,
    "AWS providers": {"AwsProviders": "on", "BedrockRegion": "us-west-2"},
    "a key for secrets": {**KMS, **PROVIDERS, **CDN},
    "budget": BUDGET,
    "x86_64": {"Architecture": "x86_64"},
    "protected": {"DeletionProtection": "on"},
    "everything": {
        **ISSUER,
        **TWO_KEYS,
        **PROVIDERS,
        **BUDGET,
        **KMS,
        **CANARY,
        "SnapStart": "on",
        "AwsProviders": "on",
        "BedrockRegion": "us-west-2",
        "DeletionProtection": "on",
        "Sandbox": "on",
        "WorkerConcurrency": "20",
        "DynamoDbClient": "botocore",
    },
}


@cache
def source() -> templates.Template:
    """template.yaml as written; nobody changes it."""
    return templates.load(PROJECT / "template.yaml")


@cache
def few_routes() -> templates.Template:
    """The same with the open routes and one other, which SAM translates in a third of the time; nobody changes it."""
    small = copy.deepcopy(source())
    for function in small["Resources"].values():
        events = function["Properties"].get("Events", {})
        guarded = [name for name, it in events.items() if it["Type"] == "HttpApi" and "Auth" not in it["Properties"]]
        for name in guarded:
            if events[name]["Properties"]["Path"] != "/api/v3/me":
                del events[name]
    return small


@cache
def stack(name: str) -> Stack:
    """The stack of a combination. No parameter decides about routes, so two combinations have all of them."""
    return Stack(source() if name in ("defaults", "everything") else few_routes(), COMBINATIONS[name])


def environments() -> dict[str, dict[str, str]]:
    """The parameters of every environment of samconfig.toml."""
    config: dict[str, Any] = tomllib.loads((PROJECT / "samconfig.toml").read_text())
    overrides = {
        name: it["global"]["parameters"]["parameter_overrides"] for name, it in config.items() if name != "version"
    }
    return {name: dict(each.split("=", 1) for each in listed) for name, listed in overrides.items()}
