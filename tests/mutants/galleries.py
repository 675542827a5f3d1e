"""Mutants of what callers see of files: URLs that stay the same, thumbnails, names of downloads."""

from typing import Final

from tests.mutants import STORE, Mutant

S3_URLS: Final = "tests/property/test_s3_urls.py"
CLOUDFRONT: Final = "tests/unit/test_cloudfront.py"

MUTANTS: Final = (
    Mutant(
        "every answer has new URLs",
        f"{STORE}/s3_urls.py",
        "window_begin(self._now())",
        "self._now()",
        S3_URLS,
    ),
    Mutant(
        "a URL of S3 ends before its life does",
        f"{STORE}/s3_urls.py",
        "(URL_LIFE + URL_WINDOW)",
        "(URL_LIFE)",
        S3_URLS,
    ),
    Mutant(
        "a URL of CloudFront ends before its life does",
        f"{STORE}/cloudfront.py",
        " + URL_WINDOW + URL_LIFE",
        " + URL_LIFE",
        CLOUDFRONT,
    ),
)
