"""The one condition of our requests to S3 that moto does not look at: that a copy's source is still the same.

Amazon S3 API Reference, CopyObject, `x-amz-copy-source-if-match`: 412 for a source with another ETag.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from unittest import mock
from urllib.parse import unquote, urlsplit

from moto.s3.exceptions import PreconditionFailed
from moto.s3.responses import S3Response

_HEADER: Final = "x-amz-copy-source-if-match"
_copy: Final = S3Response.copy_object


@contextmanager
def conditional_copies() -> Iterator[None]:
    """Have moto refuse to copy another object than the one that was asked for."""
    with mock.patch.object(S3Response, "copy_object", _copy_if_unchanged):
        yield


def _copy_if_unchanged(self: S3Response) -> Any:
    bucket, _, key = unquote(urlsplit(_text(self.headers["x-amz-copy-source"])).path).lstrip("/").partition("/")
    source = self.backend.get_object(bucket, key)
    if source is not None and _HEADER in self.headers and source.etag != _text(self.headers[_HEADER]):
        raise PreconditionFailed("x-amz-copy-source-If-Match")
    return _copy(self)


def _text(value: Any) -> str:
    # botocore has some headers as bytes.
    return value.decode() if isinstance(value, bytes) else str(value)
