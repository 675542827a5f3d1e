"""What AWS hands to a handler: events as the HTTP API and SQS make them, and the context of the invocation."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlencode


@dataclass
class LambdaContext:
    """As much of a Lambda's context as our code and powertools read."""

    function_name: str = "test"
    memory_limit_in_mb: int = 128
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:123456789012:function:test"
    aws_request_id: str = "00000000-0000-0000-0000-000000000000"
    seconds: float = 15.0

    def get_remaining_time_in_millis(self) -> int:
        """How long the invocation may still take."""
        return int(self.seconds * 1000)


def http_event(
    method: str, path: str, body: str | None, *, headers: Mapping[str, str], query: Mapping[str, Any] | str
) -> dict[str, Any]:
    """A request as an HTTP API hands it to Lambda (payload format 2.0)."""
    raw_query = query if isinstance(query, str) else urlencode(query, doseq=True)
    given: dict[str, list[str]] = {}
    for name, value in parse_qsl(raw_query, keep_blank_values=True):
        given.setdefault(name, []).append(value)
    content_type = {} if body is None else {"content-type": "application/json"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": raw_query,
        "queryStringParameters": {name: ",".join(values) for name, values in given.items()},
        "headers": {**content_type, **{name.lower(): value for name, value in headers.items()}},
        "requestContext": {
            "accountId": "123456789012",
            "apiId": "api",
            "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"},
            "requestId": "request-1",
            "stage": "$default",
        },
        "body": body,
        "isBase64Encoded": False,
    }


def sqs_record(body: str, *, receives: int = 1) -> dict[str, Any]:
    """One message as SQS hands it to Lambda."""
    return {
        "messageId": "message-1",
        "receiptHandle": "handle",
        "body": body,
        "attributes": {"ApproximateReceiveCount": str(receives)},
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:queue",
        "awsRegion": "us-east-1",
    }
