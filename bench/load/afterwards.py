"""After the load: wait until all work has ended, and check what is left."""

import json
import time
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from bench.load.people import Book
from local import verifying
from local.logs import short_name
from local.stack import Stack

PATIENCE_SECONDS: Final = 600.0
POLL_SECONDS: Final = 2.0
QUIET_POLLS: Final = 3
"""What the relay is processing is for a moment neither in the table nor in a queue."""
DEAD: Final = "DeadLetters"
OVER: Final = ("succeeded", "failed", "canceled")
COUNTS: Final = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


def settled(stack: Stack) -> list[str]:
    """Wait until all tasks and cleanups are over and the queues are empty; what never ended."""
    end = time.monotonic() + PATIENCE_SECONDS
    quiet = 0
    while quiet < QUIET_POLLS and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
        quiet = 0 if list(_unfinished(stack)) else quiet + 1
    return list(_unfinished(stack))


def verified(stack: Stack) -> list[str]:
    """What `make verify` finds."""
    return verifying.verify(urlsplit(stack.url).port or 0)


def compared(stack: Stack, book: Book) -> list[str]:
    """The differences between the users' records and the table and bucket."""
    items = list(_items(stack))
    bucket = stack.outputs["MediaBucketName"]
    expected = {path.removeprefix(f"/{bucket}/") for path in book.files}
    return [
        *_difference("client", _ids(items, "CLIENT#"), book.clients),
        *_difference("campaign", _ids(items, "CAMPAIGN#"), book.campaigns),
        *_difference("task", [item["id"]["S"] for item in items if item["SK"]["S"] == "TASK"], book.tasks),
        *_difference("file", _files(stack, bucket), expected),
    ]


def dead_letters(stack: Stack) -> list[str]:
    """Messages that were given up."""
    return [f"{name}: {count} dead letters" for name, count in _queues(stack) if DEAD in name and count]


def failed(stack: Stack) -> list[str]:
    """Invocations that failed or logged an error, retried or not."""
    found = []
    with stack.invocations.open(encoding="utf-8") as file:
        for line in file:
            invocation = json.loads(line)
            if invocation["error"] is not None or '"level":"ERROR"' in invocation["log"]:
                name, said = short_name(invocation["function"]), invocation["error"] or invocation["log"][:500]
                found.append(f"function {name}, {invocation['event']}: {said}")
    return found


def _unfinished(stack: Stack) -> Iterator[str]:
    # Nobody is going to take dead letters out.
    yield from (f"{name}: {count} messages" for name, count in _queues(stack) if DEAD not in name and count)
    for item in _items(stack):
        if item["SK"]["S"].startswith("DELETION#"):
            yield f"the cleanup of {item['SK']['S']} is not over"
        if item["SK"]["S"] == "TASK" and item["status"]["S"] not in OVER:
            yield f"task {item['id']['S']} is {item['status']['S']}"


def _queues(stack: Stack) -> Iterator[tuple[str, int]]:
    """Every queue, and how many messages it has: waiting, delayed or in flight."""
    sqs = stack.client("sqs")
    for url in sqs.list_queues()["QueueUrls"]:
        counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(COUNTS))["Attributes"]
        yield url.rpartition("/")[2], sum(int(counts[name]) for name in COUNTS)


def _items(stack: Stack) -> Iterator[dict[str, Any]]:
    pages = stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.outputs["TableName"])
    for page in pages:
        yield from page["Items"]


def _ids(items: Iterable[dict[str, Any]], prefix: str) -> list[str]:
    return [item["id"]["S"] for item in items if item["SK"]["S"].startswith(prefix)]


def _files(stack: Stack, bucket: str) -> list[str]:
    pages = stack.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    return [key for key in keys if key.startswith("media/")]  # imports and exports end by a rule of the bucket


def _difference(what: str, found: Collection[str], expected: Collection[str]) -> Iterator[str]:
    yield from (f"{what} {each} is there, and nobody knows of it" for each in sorted(set(found) - set(expected)))
    yield from (f"{what} {each} is gone, and nobody has deleted it" for each in sorted(set(expected) - set(found)))
