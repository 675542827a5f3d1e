"""Metered handlers: the calls, units and processor time of each request or event in a harness on moto.

Counted: calls of DynamoDB, S3 and SQS, invocations, bytes of logs. Computed: DynamoDB's units (bench/calls.py).
Measured: processor time, without the emulator's share and without the provider's own work. Billed time is processor
time / the share of a processor that the memory size brings, plus the waits below.

Simplified, and so said here:
- Nothing is known of Graviton here: its processor is taken to be as fast as the one this runs on.
- The sandbox hands its images over: what a remote provider's needs beside (one or two GETs) is in FETCH_MS only.
"""

import io
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from math import ceil
from typing import Any, Final
from unittest import mock

from moto.core.botocore_stubber import BotocoreStubber

from atelier import wiring
from atelier.domain.provider import JobRequest
from atelier.providers.sandbox import Sandbox
from bench.calls import Call, heard
from bench.emulated import logs_into
from testbed.harness import Harness, harness
from testbed.template import template

PROCESSOR_MB: Final = 1769
"""The memory size that brings one processor."""
WAIT_MS: Final[Mapping[str, float]] = {"round trips": 5, "messages": 5, "provider calls": 300, "S3 calls": 30}
FETCH_MS: Final = 500
"""For an image's way from the provider into the bucket, beside the call that stores it."""
IMAGE_MS: Final = 4500
"""What a provider takes for an image. It sends no callbacks: the worker polls after one second, two, three and five."""

Spent = defaultdict[str, float]


@dataclass
class Meter:
    """What was spent since the last `take`, and how much of the processor's time was not the handlers'."""

    spent: Spent = field(default_factory=lambda: defaultdict(float))
    logs: io.StringIO = field(default_factory=io.StringIO)
    _aside: list[float] = field(default_factory=list)
    _here: threading.local = field(default_factory=threading.local)

    def take(self) -> Spent:
        """What was spent; from here on it is counted anew."""
        spent, self.spent = self.spent, defaultdict(float)
        return spent

    def charge(self, call: Call) -> None:
        """A call of DynamoDB."""
        self.spent["calls"] += 1
        self.spent["round trips"] += call.is_round_trip
        self.spent["read units"] += call.read_units
        self.spent["write units"] += call.write_units
        is_transaction = call.operation == "TransactWriteItems"
        self.spent["transactions"] += is_transaction
        self.spent["index units"] += call.index_units
        self.spent["index units of transactions"] += call.index_units * is_transaction
        # What a user's own partition takes: everything but tasks.
        self.spent["account's units"] += sum(
            units for (pk, _), units in call.written.items() if pk.startswith("ACCOUNT#")
        )

    @property
    def is_aside(self) -> bool:
        """Whether this thread is doing what no handler does on AWS."""
        return getattr(self._here, "depth", 0) > 0

    @contextmanager
    def aside(self) -> Iterator[None]:
        """What happens in here costs nothing and takes no time."""
        outermost, began = not self.is_aside, time.thread_time()
        self._here.depth = getattr(self._here, "depth", 0) + 1
        try:
            yield
        finally:
            self._here.depth -= 1
            if outermost:
                self._aside.append(time.thread_time() - began)

    @contextmanager
    def processor_time(self) -> Iterator[list[float]]:
        """The milliseconds of all threads are in the list when it is over."""
        took: list[float] = []
        self._aside.clear()
        began = time.process_time()
        yield took
        took.append((time.process_time() - began - sum(self._aside)) * 1000)


class Steady(Sandbox):
    """A sandbox whose jobs all take equally long, so that each is polled equally often."""

    def submit(self, order: JobRequest) -> str:
        """Begin the job."""
        began, _, _ = super().submit(order).rpartition("-")
        return f"{began}-{IMAGE_MS}"


class Apart:
    """A provider whose own work is not ours to pay."""

    def __init__(self, provider: Any, meter: Meter) -> None:
        self._provider, self._meter = provider, meter

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._provider, name)
        return partial(self._call, found) if callable(found) else found

    def _call(self, method: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
        self._meter.spent["provider calls"] += 1
        with self._meter.aside():
            return method(*arguments, **more)


@contextmanager
def metered_harness(provider: Sandbox | None = None) -> Iterator[tuple[Harness, Meter]]:
    """A harness in which everything is counted; images are the provider's, or else a steady one's."""
    meter = Meter()
    with ExitStack() as stack:
        made = stack.enter_context(harness())
        providers = {"sandbox": Apart(provider or Steady(), meter)}
        stack.enter_context(mock.patch.object(wiring, "providers", return_value=providers))
        stack.enter_context(mock.patch.object(BotocoreStubber, "__call__", _emulated(meter)))
        stack.enter_context(heard(meter.charge, aside=meter.aside))
        stack.enter_context(mock.patch.object(made, "invoke", _billed(made, meter)))
        stack.enter_context(logs_into(meter.logs))
        yield made, meter


S3_CALLS: Final[Mapping[str, str]] = {
    "PutObject": "S3 writes",
    "ListObjectsV2": "S3 writes",
    "GetObject": "S3 reads",
    "HeadObject": "S3 reads",
    "DeleteObject": "S3 deletes, which are free",
}


def _emulated(meter: Meter) -> Callable[..., Any]:
    usual = BotocoreStubber.__call__

    def answer(stubber: BotocoreStubber, event_name: str, request: Any, **more: Any) -> Any:
        _, service, operation = event_name.split(".")
        if service == "s3" and not meter.is_aside:
            meter.spent[S3_CALLS[operation]] += 1
            meter.spent["S3 calls"] += 1
            # The thumbnail is made of what was fetched already.
            meter.spent["images"] += operation == "PutObject" and "-thumbnail" not in request.url
        with meter.aside():
            return usual(stubber, event_name, request, **more)

    return answer


def _billed(made: Harness, meter: Meter) -> Callable[[str, dict[str, Any]], Any]:
    memory, usual = memory_sizes(), made.invoke

    def invoke(function: str, event: dict[str, Any]) -> Any:
        waited, logged, waiting = _waits(meter.spent), meter.logs.tell(), _messages(made)
        with meter.processor_time() as took:
            answer = usual(function, event)
        spent = meter.spent
        spent["messages"] += _messages(made) - waiting
        spent["log bytes"] += meter.logs.tell() - logged
        spent["processor ms"] += took[0]
        waits = _waits(spent) - waited
        billed = ceil(took[0] * PROCESSOR_MB / min(memory[function], PROCESSOR_MB) + waits)
        spent["billed ms"] += billed
        spent["GB-seconds"] += billed / 1000 * memory[function] / 1024
        spent["invocations"] += 1
        return answer

    return invoke


def _waits(spent: Spent) -> float:
    return sum(spent[what] * each for what, each in WAIT_MS.items()) + spent["images"] * FETCH_MS


def _messages(made: Harness) -> int:
    return sum(len(queue.waiting) for queue in (made.generation, made.cascade, made.deliveries))


def memory_sizes() -> dict[str, int]:
    """Each function's memory in MB, by the name of its folder."""
    parsed = template()
    usual = parsed["Globals"]["Function"]["MemorySize"]
    functions = (each for each in parsed["Resources"].values() if each["Type"] == "AWS::Serverless::Function")
    described = (each["Properties"] for each in functions)
    return {each["CodeUri"].removeprefix("functions/"): each.get("MemorySize", usual) for each in described}
