"""A process of its own that brings one large video into an S3, and says how much its memory grew meanwhile.

Its arguments: where the S3 is, the address of a small video, that of the large one.
"""

import json
import re
import sys
import time
from pathlib import Path

import boto3
from botocore.config import Config

from atelier.domain.provider import Remote
from atelier.domain.tasks.record import TaskType
from atelier.store.media import MediaBucket
from tests.support.builders import MADE


def most_memory() -> int:
    """The most KiB that this process has ever had in memory."""
    # Not getrusage: what that says includes the process that this one was started from.
    [most] = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(most)


if __name__ == "__main__":
    s3, small, large = sys.argv[1:]
    client = boto3.client(
        "s3",
        endpoint_url=s3,
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        config=Config(s3={"addressing_style": "path"}),
    )
    bucket = MediaBucket(client, "bucket")

    def keep(url: str) -> int:
        """Keep one video; its size."""
        return bucket.keep(
            Remote(url, ("127.0.0.1",), plain_http=True), "media/1/task/0", TaskType.VIDEO, "film", MADE
        ).bytes

    # Everything that is imported, built or cached the first time is there after the small one.
    keep(small)
    before, began = most_memory(), time.monotonic()
    size = keep(large)
    answer = {"bytes": size, "grown_kib": most_memory() - before, "seconds": time.monotonic() - began}
    sys.stdout.write(json.dumps(answer))
