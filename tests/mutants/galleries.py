"""Mutants of what callers see of files: URLs that stay the same, thumbnails, names of downloads."""

from typing import Final

from tests.mutants import STORE, Mutant

S3_URLS: Final = "tests/property/test_s3_urls.py"
MEASURING: Final = "tests/unit/test_measuring.py"
MEDIA: Final = "tests/integration/test_media.py"
CLOUDFRONT: Final = "tests/unit/test_cloudfront.py"
TASK_TEXTS: Final = "tests/property/test_task_texts.py"

MUTANTS: Final = (
    Mutant(
        "every answer has new URLs",
        f"{STORE}/s3_urls.py",
        "window_begin(self._now(), self._window)",
        "self._now()",
        S3_URLS,
    ),
    Mutant(
        "a URL of S3 ends before its life does",
        f"{STORE}/s3_urls.py",
        "(life + window)",
        "life",
        S3_URLS,
    ),
    Mutant(
        "a URL of CloudFront ends before its life does",
        f"{STORE}/cloudfront.py",
        " + URL_WINDOW + URL_LIFE",
        " + URL_LIFE",
        CLOUDFRONT,
    ),
    Mutant(
        "a file is refused when no thumbnail can be made of it",
        f"{STORE}/measuring.py",
        'if "facts" not in answer:',
        "if True:",
        MEASURING,
    ),
    Mutant(
        "whatever the child sends is stored as a thumbnail",
        f"{STORE}/measuring.py",
        'content if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else None',
        "content",
        MEASURING,
    ),
    Mutant(
        "a file is saved by another name than is shown",
        "layers/common/atelier/web/tasks.py",
        "output_stem(task.file_prefix, task.prompt, number)",
        "output_stem('', task.prompt, number)",
        "tests/integration/test_generation.py",
    ),
    Mutant(
        "a list shows a task as it was at the last look",
        "layers/common/atelier/web/tasks.py",
        "known.item != item or ",
        "",
        TASK_TEXTS,
    ),
    Mutant(
        "a list shows URLs that have ended",
        "layers/common/atelier/web/tasks.py",
        ' or (known.url != url and item.get("outputs"))',
        "",
        TASK_TEXTS,
    ),
    Mutant(
        "what one reader does to an item is seen by the next",
        f"{STORE}/table.py",
        "[{**item} for item in items.plain]",
        "items.plain",
        "tests/unit/test_table_reads.py",
    ),
    Mutant(
        "a thumbnail is downloaded anew at each look",
        f"{STORE}/media.py",
        '"private, max-age=31536000, immutable"',
        '"no-store"',
        MEDIA,
    ),
    Mutant(
        "a thumbnail is stored where its task's cleanup does not look",
        f"{STORE}/media.py",
        'f"{target.stem}-thumbnail.webp"',
        'f"thumbnails/{target.stem}.webp"',
        MEDIA,
    ),
)
