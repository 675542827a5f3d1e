"""SQS fair queues, in the emulator: accounts take turns, whoever has sent how much.

A message group on a standard queue is a tenant. SQS finds out which tenants are noisy by their share of the messages in
flight and of the consumers' time, and hands out messages of quiet ones first. The emulator takes the group and hands
out the oldest message. Here the next message is of the group with the fewest in flight, of several of the one that was
served longest ago: what SQS does among noisy tenants, done among all of them.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-fair-queues-detailed.html
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

Message = dict[str, Any]
Collect = Callable[[Mapping[str, Any], int, int], list[Message]]


def install(sqs_service: Any) -> None:
    """From now on, the emulator's standard queues are fair."""
    # There is no public hook: this is the function that every receive goes through.
    sqs_service._collect_msgs = fairly(sqs_service._collect_msgs)  # noqa: SLF001


def fairly(collect: Collect) -> Collect:
    """Receive messages in the order of fair queues. `collect` takes the first visible ones of a queue."""
    numbers, served = count(1), defaultdict[str, dict[str, int]](dict)

    def collected(queue: Mapping[str, Any], most: int, visibility: int) -> list[Message]:
        if queue["is_fifo"]:
            return collect(queue, most, visibility)
        turns = served[queue["url"]]
        taken: list[Message] = []
        while len(taken) < most and (message := _next(queue["messages"], turns, time.time())):
            if message.get("group_id"):
                turns[_group(message)] = next(numbers)
            taken += collect({**queue, "messages": [message]}, 1, visibility)
        return taken

    return collected


def _next(messages: list[Message], turns: Mapping[str, int], now: float) -> Message | None:
    visible = [each for each in messages if each.get("visible_at", 0) <= now]
    in_flight = Counter(_group(each) for each in messages if _is_in_flight(each, now))
    return min(visible, key=lambda each: _rank(_group(each), in_flight, turns), default=None)


def _rank(group: str, in_flight: Mapping[str, int], turns: Mapping[str, int]) -> tuple[int, int]:
    return in_flight[group], turns.get(group, 0)


def _is_in_flight(message: Message, now: float) -> bool:
    return bool(message.get("receive_count", 0) > 0 and message.get("visible_at", 0) > now)


def _group(message: Message) -> str:
    # A message without a group is a tenant of its own.
    return str(message.get("group_id") or message["id"])
