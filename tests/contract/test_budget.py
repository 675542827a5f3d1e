"""How much a function loads before its first request: every module costs each cold start.

Who needs more changes the number here, and says why. `make bench` shows what a cold start takes.
"""

from functools import cache
from typing import Final

import pytest

from tests.contract.sources import FUNCTIONS
from tests.support.processes import QUEUES, STARTED, python

PACKAGES: Final = ("atelier", "aws_lambda_powertools", "boto3", "botocore", "pydantic", "s3transfer", "urllib3")
BUDGET: Final = {
    "activity": 162,
    "account": 235,
    "assets": 238,
    "asset_checks": 338,
    "asset_worker": 289,
    "campaigns": 232,  # one to spare, for the kind that docs/extending.md adds
    "cascade": 275,
    "import_worker": 320,
    "imports": 237,  # two for its list
    "clients": 231,
    "exporter": 293,
    "exports": 239,  # one for its list
    "models": 131,
    "reports": 229,
    "tasks": 314,  # two for models that operators add
    "webhook_delivery": 365,
    "relay": 285,
    "shares": 237,
    "sweep": 247,
    "system": 216,
    "verify": 114,
    "callbacks": 318,
    "worker": 336,  # one for the forms of values
}
CLIENTS_OF_AWS: Final = {"botocore.session", "boto3", "s3transfer", "urllib3"}
WITHOUT_CLIENTS: Final = (
    "account",
    "activity",
    "assets",
    "campaigns",
    "clients",
    "imports",
    "models",
    "reports",
    "shares",
    "system",
    "verify",
)
NEVER: Final = {
    "aws_xray_sdk",  # Tracer's, which nobody uses
    "aws_lambda_powertools.event_handler.openapi.swagger_ui",  # /docs reads its files without it
    "aws_lambda_powertools.event_handler.openapi.models",  # openapi.json is committed
    "boto3",  # only to upload what is too large for one request, and imported then
    "s3transfer",
    "asyncio.events",  # powertools', for resolvers that no function has
    "multiprocessing",
    "requests",
}


@cache
def in_order(function: str) -> tuple[str, ...]:
    """The modules that a function has loaded when it is ready for requests, the first one first."""
    script = "assert callable(app.handler)\nprint(json.dumps(list(sys.modules)))"
    return tuple(python(script, {**STARTED, **QUEUES}, function=function))


def loaded(function: str) -> set[str]:
    """The same, in no order."""
    return set(in_order(function))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_loads_no_more_than_it_needs(function: str) -> None:
    modules = loaded(function)
    assert len({name for name in modules if name.partition(".")[0] in PACKAGES}) <= BUDGET[function]
    assert not modules & NEVER
    if function in WITHOUT_CLIENTS:
        assert not modules & CLIENTS_OF_AWS


def test_resource_functions_do_not_load_the_pipeline() -> None:
    for function in ("clients", "campaigns", "account", "exports", "reports", "shares", "system"):
        assert not {
            name for name in loaded(function) if name.startswith(("atelier.providers", "atelier.domain.pipeline"))
        }


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_starts_before_it_loads_any_package(function: str) -> None:
    """What it imports first keeps the garbage collector from looking at everything that it imports after."""
    packages = [name for name in in_order(function) if name.partition(".")[0] in PACKAGES]
    assert packages[:2] == ["atelier", "atelier.bootstrap"]
