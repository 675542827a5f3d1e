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
    try:
        return ask()
    except ClientError as failure:
        if failure.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
            return None
        raise
