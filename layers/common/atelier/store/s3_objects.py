"""What all who work with objects in S3 have in common."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Final, TypeVar

from botocore.exceptions import ClientError

Answer = TypeVar("Answer")

PART: Final = 8 * 2**20
"""As much of an object as is in memory at a time, more or less; a part of S3's multipart uploads has 5 MiB or more."""


def found(ask: Callable[[], Answer]) -> Answer | None:
    """What S3 answers, or None when there is no such object. Raises ClientError whatever else it says."""
    return _unless(ask, HTTPStatus.NOT_FOUND)


def unchanged(ask: Callable[[], Answer]) -> Answer | None:
    """What S3 answers to a request that names an ETag, or None when the object is gone or is another one.

    Raises ClientError whatever else it says.
    """
    return _unless(ask, HTTPStatus.NOT_FOUND, HTTPStatus.PRECONDITION_FAILED)


def _unless(ask: Callable[[], Answer], *gone: HTTPStatus) -> Answer | None:
    try:
        return ask()
    except ClientError as failure:
        if failure.response["ResponseMetadata"]["HTTPStatusCode"] in gone:
            return None
        raise
