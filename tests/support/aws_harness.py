"""Bedrock and Polly on loopback and an S3 in memory, made once for many tests and emptied for each."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import boto3
from botocore.config import Config
from moto import mock_aws

from tests.support.aws_media import AwsMedia, file_of
from tests.support.aws_media_server import AwsMediaServer

BUCKET: Final = "media"
_KEYS: Final[dict[str, Any]] = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
# One attempt, as in the deployment, but less time for it.
_PAID: Final = Config(connect_timeout=1, read_timeout=0.6, retries={"mode": "standard", "total_max_attempts": 1})


@dataclass(frozen=True)
class AwsHarness:
    """An S3 client, and the server whose files go there."""

    s3: Any
    server: AwsMediaServer

    def empty(self) -> None:
        """Forget every job and every file."""
        self.server.aws = AwsMedia(self.s3)
        for each in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            self.s3.delete_object(Bucket=BUCKET, Key=each["Key"])

    def read(self, key: str) -> bytes:
        """A file of the bucket."""
        content: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content


@contextmanager
def aws_harness() -> Iterator[AwsHarness]:
    """All of it, as long as the context lasts."""
    for extension in ("png", "mp3", "mp4"):
        file_of(extension)  # kept, so that no answer waits for encoders to be loaded
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1", **_KEYS)
        s3.create_bucket(Bucket=BUCKET)
        with AwsMediaServer(s3, slow=1.2) as server:
            yield AwsHarness(s3, server)
        s3.close()


@contextmanager
def client_of(service: str, url: str) -> Iterator[Any]:
    """A client that asks once and waits briefly."""
    build: Any = boto3.client
    client = build(service, endpoint_url=url, region_name="us-east-1", config=_PAID, **_KEYS)
    yield client
    client.close()
