"""A harness whose stream has every change once, also where moto's has not."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from moto.dynamodb.models.table import StreamRecord

from testbed import engines
from testbed.harness import TABLE, Harness, harness


@contextmanager
def exact_harness() -> Iterator[Harness]:
    """A harness whose stream is exact.

    moto puts a copy of the table in its place when it refuses a transaction. An iterator from before still reads the
    original, which has the changes that were taken back and will never have another one. It also copies the stream for
    every write of a transaction, which takes longer and longer: records never change, so they need no copies.
    """
    with ExitStack() as exactly:
        if isinstance(engines.current(), engines.Moto):
            exactly.enter_context(mock.patch.object(StreamRecord, "__deepcopy__", lambda self, _: self, create=True))
            exactly.enter_context(mock.patch.object(Harness, "records", _records))
        yield exactly.enter_context(harness())


def _records(self: Harness) -> list[dict[str, Any]]:
    shard = engines.kept_tables()[TABLE].stream_shard
    records = shard.get(int(self.stream.position or shard.starting_sequence_number), 10_000)
    self.stream.position = str(shard.starting_sequence_number + len(shard.items))
    return list(records)
