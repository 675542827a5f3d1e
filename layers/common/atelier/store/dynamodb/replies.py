"""DynamoDB's replies as botocore's answers and errors."""

import zlib
from functools import lru_cache
from http import HTTPStatus
from typing import Any, Final

from botocore.exceptions import ChecksumError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as LostConnectionError
from pydantic_core import from_json

from atelier.store.dynamodb.connections import Reply
from atelier.store.wire import TypedItems

Answer = dict[str, Any]

ATTEMPTS: Final = 3

_LARGEST_KEPT: Final = 256 * 1024
"""Bytes of a page of a query that is kept, in case it comes again; parsed it takes ten times as much memory."""
_PAGES_KEPT: Final = 8

_TRANSIENT_STATUS: Final = {500, 502, 503, 504}
_TRANSIENT_CODES: Final = {
    "BandwidthLimitExceeded",
    "EC2ThrottledException",
    "LimitExceededException",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "SlowDown",
    "Throttling",
    "ThrottledException",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
}
"""What botocore's standard mode tries again; tests/providers/test_dynamodb.py compares."""


def parse_reply(operation: str, reply: Reply, *, retries: int) -> Answer:
    """The parsed answer. Raises ClientError for an error response, ChecksumError for a corrupt one."""
    status, headers, content = reply
    wanted, found = headers.get("x-amz-crc32"), str(zlib.crc32(content))
    if wanted is not None and wanted != found:
        raise ChecksumError(checksum_type="crc32", expected_checksum=wanted, actual_checksum=found)
    about: Answer = {"HTTPStatusCode": status, "HTTPHeaders": headers, "RetryAttempts": retries}
    if "x-amzn-requestid" in headers:
        about["RequestId"] = headers["x-amzn-requestid"]
    if status != HTTPStatus.OK:
        refusal = _refusal(status, content)
        if retries + 1 == ATTEMPTS and _is_retried(status, refusal["Error"]["Code"]):
            about["MaxAttemptsReached"] = True
        raise ClientError({**refusal, "ResponseMetadata": about}, operation)  # type: ignore[typeddict-item]
    parse = _parse_page if operation == "Query" and len(content) <= _LARGEST_KEPT else _parse_object
    try:
        return {**parse(content), "ResponseMetadata": about}
    except ValueError as failure:
        raise HTTPClientError(error=failure) from failure


def _parse_object(content: bytes) -> Answer:
    """The object of a JSON text. Raises ValueError for anything else."""
    # Texts of values are hardly ever the same twice, so to look each of them up takes longer than to make it.
    found = from_json(content, cache_strings="keys")
    if not isinstance(found, dict):
        raise ValueError("Not a JSON object.")
    return found


@lru_cache(_PAGES_KEPT)
def _parse_page(content: bytes) -> Answer:
    """The same, for a page of a query: whoever watches a list gets the same bytes until something has changed."""
    found = _parse_object(content)
    return {**found, "Items": TypedItems(found["Items"])} if "Items" in found else found


def _refusal(status: int, content: bytes) -> Answer:
    """The error code, the message, and the item or cancellation reasons of a failed condition."""
    try:
        told = _parse_object(content)
    except ValueError:
        # Not DynamoDB's: whoever is in between speaks HTML, or says nothing.
        told = {"message": content.decode(errors="replace") if status < 500 else _phrase(status)}  # noqa: PLR2004
    code = str(told.get("__type", status)).partition(":")[0].rpartition("#")[2]
    message = told.get("message") or told.get("Message", "")
    more = {name: value for name, value in told.items() if name in ("Item", "CancellationReasons")}
    return {"Error": {"Code": code, "Message": message}} | more


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else ""


def is_transient(failure: Exception) -> bool:
    if isinstance(failure, ClientError):
        response = failure.response
        return _is_retried(response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"])
    return isinstance(failure, LostConnectionError | HTTPClientError | ChecksumError)


def _is_retried(status: int, code: str) -> bool:
    return status in _TRANSIENT_STATUS or code in _TRANSIENT_CODES
