"""A seekable reader of an S3 object: fetched in blocks, each once, up to a limit."""

import io
import os
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

BLOCK: Final = 512 * 1024
MOST_BLOCKS: Final = 64
"""What a look into one file may cost, whatever is in it: 32 MiB, and as many requests."""


class S3Reader(io.RawIOBase):
    """The object `key` of `size` bytes. When too much of it has been fetched, it seems to end."""

    def __init__(self, client: "S3Client", bucket: str, key: str, size: int) -> None:
        super().__init__()
        self._client = client
        self._bucket = bucket
        self._key = key
        self._size = size
        self._at = 0
        self._blocks: dict[int, bytes] = {}
        self.failure: Exception | None = None
        """What kept a block from being fetched: whoever reads may take that for the file's own fault."""

    def readable(self) -> bool:
        """Readable."""
        return True

    def seekable(self) -> bool:
        """Seekable."""
        return True

    def tell(self) -> int:
        """The current position."""
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move the current position."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning")
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer from here; less only where the file ends."""
        filled = 0
        while filled < len(buffer) and (piece := self._from_here(len(buffer) - filled)):
            buffer[filled : filled + len(piece)] = piece
            filled += len(piece)
            self._at += len(piece)
        return filled

    def _from_here(self, most: int) -> bytes:
        number, start = divmod(self._at, BLOCK)
        return self._block(number)[start : start + most]

    def _block(self, number: int) -> bytes:
        start = number * BLOCK
        if number not in self._blocks:
            if start >= self._size or len(self._blocks) == MOST_BLOCKS:
                return b""
            self._blocks[number] = self._fetched(start, min(start + BLOCK, self._size) - 1)
        return self._blocks[number]

    def _fetched(self, first: int, last: int) -> bytes:
        try:
            got = self._client.get_object(Bucket=self._bucket, Key=self._key, Range=f"bytes={first}-{last}")
            return got["Body"].read()
        except Exception as failure:
            self.failure = failure
            raise
