"""The Lambda function that powertools' tutorials lead to: its resolver, Logger, Tracer and Metrics, boto3's resource.

Written to be fast within its idiom: clients and resource are made once, a create is one transaction with the count that
makes totals exact, a page is one query, and routes return models that they are annotated with.

Outside of Lambda, powertools turns its Tracer off: the decorators stay and do next to nothing, so a deployed function
with tracing on is slower than this one.
"""

import os
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import uuid4

import boto3
from aws_lambda_powertools import Logger, Metrics, Tracer
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from aws_lambda_powertools.event_handler.openapi.params import Query
from aws_lambda_powertools.logging import correlation_paths
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext
from boto3.dynamodb.conditions import Key
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

logger = Logger(service="clients")
tracer = Tracer(service="clients")
metrics = Metrics(namespace="Agency", service="clients")
app = APIGatewayHttpResolver(enable_validation=True)
table: Any = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])

USER = 1  # who asks: everybody, as with the other subjects
OWNER = f"USER#{USER}"
COUNTS = {"pk": OWNER, "sk": "COUNTS"}

# ------------------------------------------------------------------------------------------------------------ shapes


def _at_most_32_kib(value: str) -> str:
    if len(value.encode()) > 32 * 1024:
        raise ValueError("must be at most 32 KiB")
    return value


Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Description = Annotated[str, Field(max_length=2000)]
Guidelines = Annotated[str, Field(max_length=32 * 1024), AfterValidator(_at_most_32_kib)]


class NewClient(BaseModel):
    """What it takes to create a client."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    description: Description | None = None
    brand_guidelines: Guidelines | None = None


class Client(BaseModel):
    """A client."""

    id: str
    user_id: int
    name: str
    description: str | None = None
    brand_guidelines: str | None = None
    created_at: datetime
    updated_at: datetime


class Paging(BaseModel):
    """Which page of a list."""

    model_config = ConfigDict(extra="forbid")

    page: int = Field(1, ge=1)
    page_size: int = Field(50, ge=1, le=100)


class ClientPage(BaseModel):
    """A page of clients."""

    items: list[Client]
    total: int
    page: int
    page_size: int
    has_more: bool
    next_cursor: str | None = None


# ------------------------------------------------------------------------------------------------------------ routes


@app.post("/api/v3/clients")
@tracer.capture_method
def create_client(new: NewClient) -> Response[Client]:
    """Create a client."""
    now = datetime.now(UTC)
    client = Client(id=str(uuid4()), user_id=USER, created_at=now, updated_at=now, **new.model_dump())
    put = {
        "TableName": table.name,
        "Item": _key(client.id) | client.model_dump(mode="json"),
        "ConditionExpression": "attribute_not_exists(pk)",
    }
    count = {
        "TableName": table.name,
        "Key": COUNTS,
        "UpdateExpression": "ADD clients :one",
        "ExpressionAttributeValues": {":one": 1},
    }
    table.meta.client.transact_write_items(TransactItems=[{"Put": put}, {"Update": count}])
    metrics.add_metric(name="ClientsCreated", unit=MetricUnit.Count, value=1)
    logger.info("created", client_id=client.id)
    return Response(201, "application/json", client)


@app.get("/api/v3/clients")
@tracer.capture_method
def list_clients(paging: Annotated[Paging, Query()]) -> ClientPage:
    """A page of the user's clients, newest first."""
    items = _page(paging.page, paging.page_size)
    total = table.get_item(Key=COUNTS, ConsistentRead=True).get("Item", {}).get("clients", 0)
    metrics.add_metric(name="ClientsListed", unit=MetricUnit.Count, value=1)
    logger.info("listed", page=paging.page)
    has_more = paging.page * paging.page_size < total
    return ClientPage(items=items, total=total, has_more=has_more, **paging.model_dump())


@app.get("/api/v3/clients/<client_id>")
@tracer.capture_method
def get_client(client_id: str) -> Client:
    """One client."""
    item = table.get_item(Key=_key(client_id), ConsistentRead=True).get("Item")
    if item is None:
        raise NotFoundError
    metrics.add_metric(name="ClientsRead", unit=MetricUnit.Count, value=1)
    logger.info("read", client_id=client_id)
    return Client.model_validate(item)


def _key(client_id: str) -> dict[str, str]:
    return {"pk": OWNER, "sk": f"CLIENT#{client_id}"}


def _page(number: int, size: int) -> list[dict[str, Any]]:
    asked = {
        "IndexName": "newest",
        "KeyConditionExpression": Key("pk").eq(OWNER),
        "ScanIndexForward": False,
        "ConsistentRead": True,
        "Limit": size,
    }
    answer = table.query(**asked)
    for _ in range(number - 1):
        if "LastEvaluatedKey" not in answer:
            return []
        answer = table.query(**asked, ExclusiveStartKey=answer["LastEvaluatedKey"])
    items: list[dict[str, Any]] = answer["Items"]
    return items


@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_HTTP)
@tracer.capture_lambda_handler
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """The function."""
    return app.resolve(event, context)
