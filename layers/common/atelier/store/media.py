"""Media in our own bucket: written by the worker, read by callers through signed URLs that end."""

from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

URL_LIFE: Final = timedelta(hours=1)


class MediaBucket:
    """One bucket; keys are `media/<user>/<task>/<number>.<extension>`."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, content: bytes, content_type: str) -> None:
        """Store one file, replacing what was there."""
        self._client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=content_type)

    def delete(self, key: str) -> None:
        """Remove one file, or do nothing when there is none."""
        self._client.delete_object(Bucket=self._bucket, Key=key)

    def delete_of_task(self, user_id: int, task_id: str) -> int:
        """Remove everything a task ever stored; how many files that were."""
        listed = self._client.list_objects_v2(Bucket=self._bucket, Prefix=f"media/{user_id}/{task_id}/")
        keys = [entry["Key"] for entry in listed.get("Contents", [])]
        for key in keys:
            self.delete(key)
        return len(keys)

    def url(self, key: str) -> str:
        """A URL that lets anyone read the file for `URL_LIFE`."""
        return self._client.generate_presigned_url(
            "get_object",
            Params={"Bucket": self._bucket, "Key": key},
            ExpiresIn=int(URL_LIFE.total_seconds()),
        )
